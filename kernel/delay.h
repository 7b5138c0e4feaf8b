/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delay.h - a store made slow, to measure what the core does meanwhile.
 */
#ifndef KERNEL_DELAY_H
#define KERNEL_DELAY_H

#include <quire/store.h>

#define DELAY_MAX 1000000000u

/* Put a store in front of `store` whose transfers take so many nanoseconds (1 to DELAY_MAX) of the
 * counter under -icount shift=0, at most `depth` of them at once. Called once; the timer must not
 * run. */
void delay_start(struct k_mem_store *store, uint32_t nanoseconds, uint32_t depth);

#endif /* KERNEL_DELAY_H */
