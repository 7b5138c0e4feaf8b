/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs.h - what random threads have tried: for each place in the core at which a thread let go of
 * the lock, and each operation, how often another thread did some of that operation before the
 * first one had the lock again. And how much was done in the longest hold.
 *
 * Built with the variant `pairs` only (mk/threads.mk): the core is compiled so that each function
 * has a frame, and so that it counts the basic blocks that it runs.
 */
#ifndef TESTS_THREADS_PAIRS_H
#define TESTS_THREADS_PAIRS_H

#include <stdint.h>

#define PAIRS_OPS_MAX 24u

/* Count from now on; the operations' names. */
void pairs_start(const char *const *ops, unsigned int count);

/* The running fiber, or the interrupt that came over it, is in this operation; -1: in none. Returns
 * what it was in. */
int pairs_op(int op, int interrupt);

/* How often the operation came between at a place whose name begins so. Names are
 * "function<caller", the caller one that is not static, and with "..." behind it while a transfer
 * is under way. */
unsigned long pairs_tried(const char *place, unsigned int op);

/* The longest hold of the lock since the last call, in basic blocks, and where it ended. */
uint32_t pairs_longest(const char **place);

/* For each place how often it was left, the longest hold that ended there since the last call of
 * pairs_longest, and the operations that never came between. */
void pairs_print(void);

#endif /* TESTS_THREADS_PAIRS_H */
