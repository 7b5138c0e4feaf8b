/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stores.h - the stores that the core is given, and the RAM that they take.
 *
 *     option           effect
 *     ramstore=PAGES   a RAM store of so many pages, where there is no disk "swap"
 *     compress=PAGES   a compressed store with a pool of so many pages in front of it
 *     request=N        a request to disk "swap" costs as much as moving N/256 pages: several are
 *                      moved by one request; 0, the default: not known
 *     depth=N          at most N requests are under way at once on a disk; as many as its queue
 *                      holds where this is not said
 *     delay=N          each transfer of the store behind all takes N nanoseconds (delay.h), up to
 *                      `depth` of them at once
 *
 * Disk "swap" takes the pages that are written out; disk "image" has the on-demand parts of
 * the image from its first page on.
 *
 * What stores need lies in RAM behind the image, one after the other, and in the space behind
 * the on-demand parts: a piece of the image to the core.
 */
#ifndef KERNEL_STORES_H
#define KERNEL_STORES_H

#include <quire/store.h>

#include "kernel/machine.h"

#define STORES_MAX 2

struct stores {
	struct k_mem_store list[STORES_MAX];
	int count;
	size_t behind_bytes; /* whole pages of RAM behind the image */
	bool slow;           /* threads wait for the store that pages come from */
};
extern struct stores stores;

/* Where these are, once the core's tables are current. */
#define stores_behind image_ondemand_rodata_end

/* Find out what there is, after the disks; refuses options that make no sense. */
void stores_find(void);

#endif /* KERNEL_STORES_H */
