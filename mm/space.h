/* SPDX-License-Identifier: Apache-2.0 */
/*
 * space.h - which pages of the address space are free (laws L1 and L8).
 *
 * Only free pages are known here; what the others hold is in the page tables. The
 * core's guards are pages like any other to this file. Every function takes a
 * number of steps that grows with the logarithm of the space and with nothing
 * else: not with the number of pages asked for, nor with the number of holes.
 *
 * Lock: the mm lock, held by the caller of every function.
 */
#ifndef QR_MM_SPACE_H
#define QR_MM_SPACE_H

#include <quire/compiler.h>

/* Pages in the space. */
#define QR_SPACE_PAGES ((uint32_t)(CONFIG_KERNEL_VM_SIZE / CONFIG_MMU_PAGE_SIZE))

/* A run of pages of the space: number 0 is the page at CONFIG_KERNEL_VM_BASE. */
struct qr_pages {
	uint32_t first;
	uint32_t count;
};

/* Make all pages free. */
void qr_space_init(void);

/* Take `count` pages in a row, at least 1: those at the highest address where they
 * fit. `align`, a power of two, and `skew`, less than `align`, ask for a first page
 * such that (first + skew) % align == 0. With align 1 the fit is exact: a run that
 * exists is found. A larger alignment finds one wherever count + align - 1 free
 * pages are in a row, and most others; the caller may fall back to align 1.
 *  -ENOSPC  no such run was found; nothing changed */
int qr_space_take(uint32_t count, uint32_t align, uint32_t skew,
		  struct qr_pages *taken) QR_MUST_CHECK;

/* Take exactly these pages, at least one, all inside the space.
 *  -EBUSY  one of them is taken; nothing changed */
int qr_space_take_at(struct qr_pages pages) QR_MUST_CHECK;

/* Give pages back: at least one, all taken; not necessarily all that one call took. */
void qr_space_give(struct qr_pages pages);

/* How many pages are free. */
uint32_t qr_space_free_count(void);

#endif /* QR_MM_SPACE_H */
