/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quire/user.h - what a system call does with memory that a user thread named. With
 * CONFIG_USERSPACE; without, all of it is -K_MEM_ENOTSUP.
 *
 * Addresses from user mode are numbers until they were checked: they may wrap, lie in the kernel,
 * in another domain, in a guard, or be unmapped by another thread between two looks. What counts
 * is what the domain of the running thread may do, never what the kernel may do at the same
 * address. Copy data once, then look at the copy: a buffer that was validated can be changed
 * by its owner at any time.
 *
 * The kernel's side of a copy is whatever the kernel has: it may be pageable, in no frame, or in
 * the same page as the user's side. An address there that cannot be had is the caller's error, not
 * the thread's end. The user's side of a piece is asked first.
 *
 *              the user's side                       the kernel's side
 *     -EFAULT  the range wraps or leaves the space,  the range wraps, or nothing is mapped there
 *              or a page is not mapped               for the kernel
 *     -EACCES  a page is mapped, but not for this    the kernel may not write there
 *     -EIO     the page could not be read            the same
 *     -ENOMEM  no frame, as k_mem_page_fault         the same
 *     -EBUSY   not in this context, likewise         the same
 *
 * -ENOMEM also where others took the page away again each time it had come, a thousand times.
 * Where the two sides overlap, what is copied may have been copied before.
 *
 * NULL is an address like any, so -EFAULT on either side where nothing is mapped there; as `err` it
 * makes k_usermode_string_nlen do nothing and return 0.
 *
 * Context of the copies: threads, the mm lock not held. They sleep when pages are brought in on the
 * way; with interrupts masked they poll instead. Interrupts are masked for at most
 * CONFIG_MEM_USER_COPY bytes at a time.
 */
#ifndef QUIRE_USER_H
#define QUIRE_USER_H

#include <quire/compiler.h>

QR_EXTERN_C_BEGIN

/* May user mode in the current domain read (with `write` nonzero: and write) all of [addr,
 * addr+size), bytes, any alignment? A range of size 0 is touched nowhere: 0. Any context.
 * The answer is about now: use the copies below, which ask at the moment of the access.
 *  -EFAULT  the range wraps or leaves the space, or a page is not mapped
 *  -EACCES  a page is mapped, but not for this */
int arch_buffer_validate(const void *addr, size_t size, int write) QR_MUST_CHECK;

/* Copy `size` bytes from user memory at `src` to kernel memory at `dst`. Of size 0 nothing is
 * looked at: 0.
 *  -EFAULT, -EACCES, -EIO, -ENOMEM, -EBUSY  as above: `dst` holds what was copied until then */
int k_usermode_from_copy(void *dst, const void *src, size_t size) QR_MUST_CHECK;

/* Copy `size` bytes from kernel memory at `src` to user memory at `dst`. Errors as above. */
int k_usermode_to_copy(void *dst, const void *src, size_t size) QR_MUST_CHECK;

/* Copy a string of at most `maxlen` bytes, its 0 included, from user memory; each byte is
 * read once, none behind maxlen bytes or in a page behind that of the 0. `dst` is not read, and
 * nothing is written behind the 0.
 *  -EINVAL  no 0 among the first `maxlen` bytes; `dst` is not terminated
 *  others   as above */
int k_usermode_string_copy(char *dst, const char *src, size_t maxlen) QR_MUST_CHECK;

/* The length of a string in user memory, its 0 not counted, and at most `maxlen`; *err is 0 or
 * an error as above. */
size_t k_usermode_string_nlen(const char *src, size_t maxlen, int *err);

/* ---- what a build is without ----------------------------------------------------------------- */

#if !CONFIG_USERSPACE
QR_ABSENT_BEGIN
QR_ABSENT(int arch_buffer_validate(const void *addr, size_t size, int write),
	  return -K_MEM_ENOTSUP)
QR_ABSENT(int k_usermode_from_copy(void *dst, const void *src, size_t size),
	  return -K_MEM_ENOTSUP)
QR_ABSENT(int k_usermode_to_copy(void *dst, const void *src, size_t size), return -K_MEM_ENOTSUP)
QR_ABSENT(int k_usermode_string_copy(char *dst, const char *src, size_t maxlen),
	  return -K_MEM_ENOTSUP)
QR_ABSENT(size_t k_usermode_string_nlen(const char *src, size_t maxlen, int *err),
	  return (err != NULL ? (void)(*err = -K_MEM_ENOTSUP) : (void)0, (size_t)0))
QR_ABSENT_END
#endif

QR_EXTERN_C_END

#endif /* QUIRE_USER_H */
