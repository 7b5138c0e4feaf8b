/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user.c - user memory as system calls see it: arch_buffer_validate and the copies.
 *
 * A copy goes in pieces that lie in one page of the user's. For each piece the page is asked what
 * user mode may do there and, with interrupts still masked, copied: nothing can change in
 * between. A fault ends the try, and the machine says what it was: a write is where the copy
 * goes to, a read where it comes from.
 *
 *     the user's side    the page is brought as for a fault of user mode's; another try follows
 *     the kernel's side  it may be pageable, or no memory at all: the page is brought as for a
 *                        fault of the kernel's, with the piece in a buffer on the stack
 *
 * Through the buffer each half needs one page, so two pages that take the only frame from each
 * other are no more than slow. A page that is gone again each time it has come ends the copy
 * after TRIES_MAX times.
 */
#include <quire/fault.h>
#include <quire/user.h>

#include "core.h"

#if CONFIG_USERSPACE

/* May user mode touch the page now? Any context. */
static int page_check(uintptr_t addr, bool write, arch_page_t *now)
{
	const arch_page_t needed = ARCH_PAGE_USER | (write ? ARCH_PAGE_RW : 0u);

	if (addr - (uintptr_t)CONFIG_KERNEL_VM_BASE >= CONFIG_KERNEL_VM_SIZE) {
		return -EFAULT;
	}
	*now = arch_page_state((void *)addr);
	if (!qr_page_is_mapped(*now)) {
		return -EFAULT;
	}
	return (needed & ~arch_page_rights((void *)addr, *now, true)) != 0 ? -EACCES : 0;
}

int arch_buffer_validate(const void *addr, size_t size, int write)
{
	const uintptr_t first = (uintptr_t)addr, last = first + (size - 1);
	const uintptr_t inside = QR_PAGE_SIZE - 1;
	arch_page_t now;

	if (size == 0) {
		return 0;
	}
	if (last < first) {
		return -EFAULT;
	}
	for (uintptr_t page = first & ~inside;; page += QR_PAGE_SIZE) {
		int status = page_check(page, write != 0, &now);

		if (status != 0 || page == (last & ~inside)) {
			return status;
		}
	}
}

/* One copy between `user` and `kernel`, in either direction. Both are numbers: nobody knows yet
 * whether there is anything. */
struct copy {
	uintptr_t user;
	uintptr_t kernel;
	bool to_user;
};

/* What goes through the stack at a time. */
#define BUFFER_BYTES 64u

/* Tries at one piece, after each of which its page was brought. */
#define TRIES_MAX 1000u

/* What a try says beside errors. */
enum {
	WHOLE,       /* all was copied */
	USER_SIDE,   /* the page of this side is wanted */
	KERNEL_SIDE,
};

/* Masked. How many bytes were not copied; the fault that ended it is in qr_user_fault. */
static size_t copy_bytes(uintptr_t dst, uintptr_t src, size_t size)
{
	return user_copy((void *)dst, (const void *)src, size);
}

/* Copy `size` bytes, which lie in one page of the user's, as far as that goes without a page that
 * is missing. *done: how many were copied. */
static int try(const struct copy *copy, size_t size, size_t *done)
{
	unsigned long key = qr_host_irq_lock();
	arch_page_t now;
	int status = page_check(copy->user, copy->to_user, &now);

	*done = 0;
	if (status == 0 && !(now & ARCH_DATA_PAGE_LOADED)) {
		status = USER_SIDE;
	} else if (status == 0) {
		*done = size - (copy->to_user ? copy_bytes(copy->user, copy->kernel, size)
					      : copy_bytes(copy->kernel, copy->user, size));
		if (*done < size) {
			bool write = (qr_user_fault.access & K_MEM_FAULT_WRITE) != 0;

			status = write == copy->to_user ? USER_SIDE : KERNEL_SIDE;
		}
	}
	qr_host_irq_unlock(key);
	return status;
}

static int bring_user(const struct copy *copy)
{
	return k_mem_page_fault((void *)copy->user,
				K_MEM_FAULT_USER | (copy->to_user ? K_MEM_FAULT_WRITE : 0u));
}

static void advance(struct copy *copy, size_t done)
{
	copy->user += done;
	copy->kernel += done;
}

/* At most so many bytes that do not leave the page. */
static size_t in_page(uintptr_t addr, size_t size)
{
	size_t rest = QR_PAGE_SIZE - (addr & (QR_PAGE_SIZE - 1));

	return size < rest ? size : rest;
}

/* Copy between memory of the kernel's and a buffer on the stack, `to_kernel` or from there. Page by
 * page: a word in two pages would want two frames at once. */
static int kernel_copy(uintptr_t kernel, uintptr_t buffer, size_t size, bool to_kernel)
{
	unsigned int tries = 0;

	while (size > 0) {
		size_t step = in_page(kernel, size);
		unsigned long key = qr_host_irq_lock();
		size_t left = to_kernel ? copy_bytes(kernel, buffer, step)
					: copy_bytes(buffer, kernel, step);
		int status;

		qr_host_irq_unlock(key);
		kernel += step - left;
		buffer += step - left;
		size -= step - left;
		tries = left == 0 ? 0 : tries + 1;
		if (left == 0) {
			continue;
		}
		status = k_mem_page_fault((void *)kernel, to_kernel ? K_MEM_FAULT_WRITE : 0u);
		if (status != 0 || tries == TRIES_MAX) {
			return status != 0 ? status : -ENOMEM;
		}
	}
	return 0;
}

/* Copy `size` bytes, where the kernel's side is not to fault. *done: how many were copied. */
static int copy_resident(struct copy copy, size_t size, size_t *done)
{
	*done = 0;
	for (unsigned int tries = 0; tries < TRIES_MAX; tries++) {
		size_t step;
		int status = try(&copy, size - *done, &step);

		*done += step;
		if (status <= 0) {
			return status;
		}
		advance(&copy, step);
		status = status == USER_SIDE ? bring_user(&copy) : -EFAULT;
		if (status != 0) {
			return status;
		}
	}
	return -ENOMEM;
}

/* Copy at most BUFFER_BYTES of a piece through the stack. */
static QR_NOINLINE int copy_through(const struct copy *copy, size_t size, size_t *done)
{
	uint8_t buffer[BUFFER_BYTES];
	const struct copy half = {copy->user, (uintptr_t)buffer, copy->to_user};
	int status, other;

	*done = 0;
	size = size < sizeof(buffer) ? size : sizeof(buffer);
	if (copy->to_user) {
		status = kernel_copy(copy->kernel, half.kernel, size, false);
		return status != 0 ? status : copy_resident(half, size, done);
	}
	status = copy_resident(half, size, &size);
	other = kernel_copy(copy->kernel, half.kernel, size, true);
	*done = other != 0 ? 0 : size;
	return other != 0 ? other : status;
}

/* Copy at most `size` bytes. *done: how many were copied. */
static int copy_piece(const struct copy *copy, size_t size, size_t *done)
{
	int status;

	*done = 0;
	size = in_page(copy->user, size);
	size = size < CONFIG_MEM_USER_COPY ? size : CONFIG_MEM_USER_COPY;
	status = try(copy, size, done);
	if (status <= 0 || *done > 0) {
		return status < 0 ? status : 0;
	}
	return status == KERNEL_SIDE ? copy_through(copy, size, done) : bring_user(copy);
}

static int copy_all(struct copy copy, size_t size)
{
	unsigned int tries = 0;

	while (size > 0) {
		size_t done;
		int status = copy_piece(&copy, size, &done);

		if (status != 0) {
			return status;
		}
		tries = done > 0 ? 0 : tries + 1;
		if (tries == TRIES_MAX) {
			return -ENOMEM;
		}
		advance(&copy, done);
		size -= done;
	}
	return 0;
}

/* Whether a range wraps is asked first: a copy that ends there would have begun. */
static bool wraps(const void *at, size_t size)
{
	return size > 0 && (uintptr_t)at + (size - 1) < (uintptr_t)at;
}

int k_usermode_from_copy(void *dst, const void *src, size_t size)
{
	const struct copy copy = {(uintptr_t)src, (uintptr_t)dst, false};

	return wraps(src, size) || wraps(dst, size) ? -EFAULT : copy_all(copy, size);
}

int k_usermode_to_copy(void *dst, const void *src, size_t size)
{
	const struct copy copy = {(uintptr_t)dst, (uintptr_t)src, true};

	return wraps(dst, size) || wraps(src, size) ? -EFAULT : copy_all(copy, size);
}

/* How many of `count` bytes are before the first 0; `count`: there is none. */
static size_t length(const char *text, size_t count)
{
	size_t i = 0;

	while (i < count && text[i] != 0) {
		i++;
	}
	return i;
}

/* Bytes of a text in user memory, at most `most`, one page's: each of them is read once. */
struct piece {
	char bytes[BUFFER_BYTES];
	size_t count;  /* how many there are now */
	size_t length; /* how many of them are before a 0; `count`: there is none */
};

static int piece_read(struct piece *piece, uintptr_t user, size_t most)
{
	const struct copy copy = {user, (uintptr_t)piece->bytes, false};
	size_t size = in_page(user, most < sizeof(piece->bytes) ? most : sizeof(piece->bytes));
	int status;

	piece->count = 0;
	piece->length = 0;
	status = copy_resident(copy, size, &piece->count);
	piece->length = length(piece->bytes, piece->count);
	return status;
}

int k_usermode_string_copy(char *dst, const char *src, size_t maxlen)
{
	size_t at = 0;

	while (at < maxlen) {
		struct piece piece;
		int status = piece_read(&piece, (uintptr_t)src + at, maxlen - at);
		bool end = piece.length < piece.count;
		int other = kernel_copy((uintptr_t)dst + at, (uintptr_t)piece.bytes,
					piece.length + (end ? 1 : 0), true);

		if (other != 0 || end) {
			return other;
		}
		if (status != 0) {
			return status;
		}
		at += piece.count;
	}
	return -EINVAL;
}

size_t k_usermode_string_nlen(const char *src, size_t maxlen, int *err)
{
	size_t at = 0;

	if (err == NULL) {
		return 0;
	}
	*err = 0;
	while (at < maxlen) {
		struct piece piece;
		int status = piece_read(&piece, (uintptr_t)src + at, maxlen - at);

		at += piece.length;
		if (piece.length < piece.count) {
			break;
		}
		if (status != 0) {
			*err = status;
			break;
		}
	}
	return at;
}

#endif /* CONFIG_USERSPACE */
