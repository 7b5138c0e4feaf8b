/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fiber.h - a port (quire/port.h) for tests of many threads that are one: fibers, of which a
 * generator of random numbers chooses the next wherever a kernel could switch threads, which
 * is wherever neither the mm lock is held nor interrupts are masked. The same seed gives the
 * same run. It takes the place of port/strict/strict.c and is as strict about locks, keys and
 * sleeping; of strict.h it has what the strict store and the rig need.
 *
 * Where it could switch it may also let a device interrupt in, which polls the stores, or the
 * test's own interrupt handler, during which there is no switching and no sleeping.
 */
#ifndef TESTS_THREADS_FIBER_H
#define TESTS_THREADS_FIBER_H

#include <stdbool.h>
#include <stdint.h>

#define FIBERS_MAX 16u

/* Run `body(0)` to `body(count - 1)` side by side until all have returned. */
void fibers_run(unsigned int count, void (*body)(unsigned int self), uint64_t seed);

/* The test's interrupt handler, or NULL. */
void fibers_interrupt_set(void (*handler)(void));

/* From now on, until strict_reset(), nothing is by chance: of those that can run the one with the
 * lowest rank[self] does, among equals the one that has been able to for longest, as in a kernel
 * with priorities; and devices are seen to only when all sleep. */
void fibers_rank(const uint8_t *rank);

/* Which fiber runs: the number that its body was given. */
unsigned int fibers_self(void);

/* No switching and no sleeping for the running fiber: its scheduler is locked. */
void fibers_hold(bool hold);

/* Let others run here. */
void fibers_yield(void);

/* For who counts what meets what: told when the mm lock was let go (`frame`: that of the function
 * of the port, from which its callers can be found), before anybody else runs, and when it was
 * taken; in an interrupt or not. NULL: nobody. */
struct fibers_watch {
	void (*released)(const void *frame, bool interrupt);
	void (*locked)(bool interrupt);
};
void fibers_watch(const struct fibers_watch *watch);

/* How often fibers were switched. */
unsigned long fibers_switches(void);

#endif /* TESTS_THREADS_FIBER_H */
