/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strict.h - a port (quire/port.h) for tests of one thread, which panics at what a kernel
 * might let pass: the mm lock taken twice, released without being held, with a wrong key or
 * out of order; the scratch window used under it; sleeping without it, with anything else
 * held, or where sleeping is not allowed; a wakeup without it; a sleep that nothing ends.
 *
 * There is one thread. What goes on while it sleeps are the stores that were added, which
 * are polled, and the progress hook, which may call the core to play other threads; a sleep
 * inside the hook polls the stores only.
 *
 *     strict_reset();
 *     STRICT_CATCH(qr_port_unlock(1));
 *     assert_string_equal(strict_caught(), "the mm lock is released but not held");
 */
#ifndef PORT_STRICT_H
#define PORT_STRICT_H

#include <setjmp.h>

#include <quire/paging.h>
#include <quire/port.h>
#include <quire/store.h>

/* Everything as at the start: nothing held, thread context, no stores, no hook, no counts. */
void strict_reset(void);

/* ---- switches ------------------------------------------------------------------------ */

/* What the running code is; QR_PORT_THREAD at the start. Only a thread sleeps. */
void strict_context_set(enum qr_port_context context);

/* false: the scheduler is locked. */
void strict_sleep_allow(bool allow);

/* Every `n`-th sleep returns at once, as quire/port.h allows; 0: none. */
void strict_wake_early_set(unsigned int n);

/* The running thread's statistics; NULL: it has none. */
void strict_thread_stats_set(struct k_mem_paging_stats_t *stats);

void strict_cycles_add(uint32_t cycles);

/* ---- what happens during a sleep ----------------------------------------------------- */

#define STRICT_STORES_MAX 8u

/* Poll this store. The struct is copied. */
void strict_poll_add(const struct k_mem_store *store);

/* Called again and again, without the lock, until the sleeper is woken. Returns whether it
 * did something: after 1000 rounds without that and without a wakeup the sleep is a deadlock,
 * and the port panics. */
void strict_progress_set(bool (*progress)(void *argument), void *argument);

/* ---- what happens between two holds of the lock --------------------------------------- */

/* Called when the mm lock is about to be taken and after it was let go, with nothing held: what
 * an interrupt, or a thread that it wakes, does there. Not called for what the hook calls. */
void strict_between_set(void (*hook)(void));

/* ---- what was seen ------------------------------------------------------------------- */

struct strict_counts {
	unsigned long locks;
	unsigned long irq_locks;
	unsigned long sleeps;
	unsigned long wakeups;
	unsigned int depth_max; /* locks and masks held at once, at most */
};
const struct strict_counts *strict_counts(void);

/* Is the mm lock held? Are interrupts masked by qr_port_irq_lock? */
bool strict_locked(void);
bool strict_masked(void);

/* What qr_port_print printed, cut at 16 KiB. */
const char *strict_printed(void);

/* ---- panics -------------------------------------------------------------------------- */

/* Run the statement; a panic in it ends it, and not the program. What the panic left held or
 * half done is the test's: strict_reset(). */
#define STRICT_CATCH(statement)                            \
	do {                                               \
		strict_catching = true;                    \
		strict_caught_clear();                     \
		if (setjmp(strict_catch_point) == 0) {     \
			statement;                         \
		}                                          \
		strict_catching = false;                   \
	} while (0)

/* The message of the panic that the last STRICT_CATCH caught, or NULL. */
const char *strict_caught(void);

extern jmp_buf strict_catch_point;
extern bool strict_catching;
void strict_caught_clear(void);

#endif /* PORT_STRICT_H */
