/* SPDX-License-Identifier: Apache-2.0 */
/*
 * count.h - how often something was dropped from the TLB. All 0 but in the variant
 * "bench-tlb", where ./mmu.h counts.
 */
#ifndef APPS_BENCH_TLB_COUNT_H
#define APPS_BENCH_TLB_COUNT_H

struct tlb_count {
	unsigned long page;   /* one address */
	unsigned long window; /* the address of the scratch window */
	unsigned long all;    /* everything, or all of a tag */
	unsigned long wait;   /* waits for drops to take effect: batches, the window's too */
};
extern struct tlb_count tlb_count;

#endif /* APPS_BENCH_TLB_COUNT_H */
