/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user.c - user memory as system calls see it: arch_buffer_validate and the copies.
 *
 * A copy goes in pieces that lie in one page. For each piece the page is asked what user mode may
 * do there and, with interrupts still masked, copied: nothing can change in between. Where the
 * page is not in a frame, or the copy faults (accessed and dirty bits that software sets, the
 * shared zeros), the page is brought as for a fault of the user's own, and the piece goes on
 * where it ended.
 */
#include <quire/fault.h>
#include <quire/user.h>

#include "core.h"

/* May user mode touch the page now? Any context. */
static int page_check(uintptr_t addr, bool write, arch_page_t *now)
{
	const arch_page_t needed = ARCH_PAGE_USER | (write ? ARCH_PAGE_RW : 0u);

	if (addr - (uintptr_t)CONFIG_KERNEL_VM_BASE >= CONFIG_KERNEL_VM_SIZE) {
		return -EFAULT;
	}
	*now = arch_page_get((void *)addr);
	if (!qr_page_is_mapped(*now)) {
		return -EFAULT;
	}
	return (needed & ~arch_page_rights((void *)addr, true)) != 0 ? -EACCES : 0;
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

/* One copy between `user` and `kernel`, in either direction. */
struct copy {
	uintptr_t user;
	uint8_t *kernel;
	bool to_user;
};

/* Copy at most `size` bytes. *done: how many were copied. */
static int copy_piece(const struct copy *copy, size_t size, size_t *done)
{
	size_t left = QR_PAGE_SIZE - (copy->user & (QR_PAGE_SIZE - 1));
	void *user = (void *)copy->user;
	unsigned long key;
	arch_page_t now;
	int status;

	*done = 0;
	if (!CONFIG_USERSPACE) {
		return -ENOTSUP;
	}
	size = size < left ? size : left;
	size = size < CONFIG_MEM_USER_COPY ? size : CONFIG_MEM_USER_COPY;
	left = size;
	key = qr_host_irq_lock();
	status = page_check(copy->user, copy->to_user, &now);
	if (status == 0 && (now & ARCH_DATA_PAGE_LOADED)) {
		left = copy->to_user ? user_copy(user, copy->kernel, size)
				     : user_copy(copy->kernel, user, size);
	}
	qr_host_irq_unlock(key);
	*done = size - left;
	if (status != 0 || left == 0) {
		return status;
	}
	return k_mem_page_fault((void *)(copy->user + *done),
				K_MEM_FAULT_USER | (copy->to_user ? K_MEM_FAULT_WRITE : 0u));
}

static int copy_all(struct copy copy, size_t size)
{
	while (size > 0) {
		size_t done;
		int status = copy_piece(&copy, size, &done);

		if (status != 0) {
			return status;
		}
		copy.user += done;
		copy.kernel += done;
		size -= done;
	}
	return 0;
}

/* Whether the range wraps is asked first: a copy that ends there would have begun. */
static bool wraps(const void *user, size_t size)
{
	return size > 0 && (uintptr_t)user + (size - 1) < (uintptr_t)user;
}

int k_usermode_from_copy(void *dst, const void *src, size_t size)
{
	const struct copy copy = {(uintptr_t)src, (uint8_t *)dst, false};

	return wraps(src, size) ? -EFAULT : copy_all(copy, size);
}

int k_usermode_to_copy(void *dst, const void *src, size_t size)
{
	const struct copy copy = {(uintptr_t)dst, (uint8_t *)(uintptr_t)src, true};

	return wraps(dst, size) ? -EFAULT : copy_all(copy, size);
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

int k_usermode_string_copy(char *dst, const char *src, size_t maxlen)
{
	struct copy copy = {(uintptr_t)src, (uint8_t *)dst, false};
	size_t at = 0;

	while (at < maxlen) {
		size_t done;
		int status = copy_piece(&copy, maxlen - at, &done);

		if (length(dst + at, done) < done) {
			return 0;
		}
		if (status != 0) {
			return status;
		}
		copy.user += done;
		copy.kernel += done;
		at += done;
	}
	return -EINVAL;
}

size_t k_usermode_string_nlen(const char *src, size_t maxlen, int *err)
{
	size_t at = 0;

	*err = 0;
	while (at < maxlen) {
		char piece[64];
		struct copy copy = {(uintptr_t)src + at, (uint8_t *)piece, false};
		size_t most = maxlen - at < sizeof(piece) ? maxlen - at : sizeof(piece);
		size_t done, before;
		int status = copy_piece(&copy, most, &done);

		before = length(piece, done);
		at += before;
		if (before < done) {
			break;
		}
		if (status != 0) {
			*err = status;
			break;
		}
	}
	return at;
}
