/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quire/port.h - what a host kernel gives Quire.
 *
 * Plain functions, no weak symbols: a missing one is a link error. What a configuration needs,
 * and no more, says this table, which the tests read. With CONFIG_MEM_PORT_MINIMAL (one CPU,
 * nothing sleeps) the first four are all.
 *
 *     qr_port_lock           always
 *     qr_port_unlock         always
 *     qr_port_panic          always
 *     qr_port_print          CONFIG_MEM_DUMP ||
 *                            (CONFIG_MEM_INIT_CHECK && CONFIG_MEM_INIT_WORDS)
 *     qr_port_irq_lock       !CONFIG_MEM_PORT_MINIMAL
 *     qr_port_irq_unlock     !CONFIG_MEM_PORT_MINIMAL
 *     qr_port_can_sleep      !CONFIG_MEM_PORT_MINIMAL
 *     qr_port_sleep          !CONFIG_MEM_PORT_MINIMAL
 *     qr_port_wakeup         !CONFIG_MEM_PORT_MINIMAL
 *     qr_port_context        !CONFIG_MEM_PORT_MINIMAL && (CONFIG_DEMAND_PAGING_STATS ||
 *                            CONFIG_DEMAND_PAGING_THREAD_STATS)
 *     qr_port_cycles         !CONFIG_MEM_PORT_MINIMAL && CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM
 *     qr_port_thread_stats   !CONFIG_MEM_PORT_MINIMAL && CONFIG_DEMAND_PAGING_THREAD_STATS
 *     qr_port_thread_domain  !CONFIG_MEM_PORT_MINIMAL && CONFIG_USERSPACE
 *
 * A host may give more of them: nobody calls the rest.
 *
 * The lock is the mm lock (docs/locking.md). It masks interrupts on this CPU,
 * is never taken twice, and is held for a bounded number of instructions.
 * port/strict implements all of this with checks of nesting, order and sleeping.
 */
#ifndef QUIRE_PORT_H
#define QUIRE_PORT_H

#include <quire/compiler.h>

QR_EXTERN_C_BEGIN

struct k_mem_paging_stats_t;

/* What qr_port_unlock and qr_port_irq_unlock restore. */
typedef unsigned long qr_port_key_t;

/* Mask interrupts on this CPU and take the mm lock. Any context. */
qr_port_key_t qr_port_lock(void);

/* Release the mm lock and restore the interrupt mask that `key` names. */
void qr_port_unlock(qr_port_key_t key);

/* qr_port_panic(what): quire/compiler.h. Only a bug in Quire or in its host
 * gets there. Does not return. */

/* Print `text`, which ends with a newline where a line ends. Any context. Used by
 * k_mem_page_frames_dump, and by k_mem_init, before the core runs, for a field that it
 * refuses. */
void qr_port_print(const char *text);

/* Mask interrupts on this CPU without taking any lock, for the copy of one page
 * through the CPU's scratch window. May be called with interrupts masked; never
 * with the mm lock held. */
qr_port_key_t qr_port_irq_lock(void);
void qr_port_irq_unlock(qr_port_key_t key);

/* May the running context sleep: a thread, interrupts on, scheduler not locked,
 * mm lock not held? Quire polls the store where the answer is no. */
bool qr_port_can_sleep(void);

/* Release the mm lock, sleep until qr_port_wakeup(channel), take the lock again.
 * Releasing and going to sleep are one step: a wakeup after the release is not
 * lost. `key` is what qr_port_lock gave; returns the key to unlock with later.
 * May return early; callers check their condition again. Called only where
 * qr_port_can_sleep() was true before the lock was taken. */
qr_port_key_t qr_port_sleep(const void *channel, qr_port_key_t key);

/* Make ready every thread that sleeps on `channel`, highest priority first, equals as
 * they fell asleep; those of an earlier call run before equals of a later one.
 * Called with the mm lock held, from threads and from interrupts; must not
 * switch threads before the lock is released. */
void qr_port_wakeup(const void *channel);

/* Where a page fault came from, for the statistics. */
enum qr_port_context {
	QR_PORT_THREAD,     /* a thread with interrupts on */
	QR_PORT_IRQ_LOCKED, /* a thread with interrupts masked */
	QR_PORT_ISR,        /* an interrupt handler */
};

/* What the running context is. */
enum qr_port_context qr_port_context(void);

/* A free-running counter, in the unit of the timing histograms. */
uint32_t qr_port_cycles(void);

/* The statistics record of `thread` (NULL: the running thread), which the port
 * keeps with its threads, zeroed when the thread starts; NULL where there is none. Counters that
 * follow from others are filled in by k_mem_paging_thread_stats_get() alone. */
struct k_mem_paging_stats_t *qr_port_thread_stats(void *thread);

/* With CONFIG_USERSPACE: where the domain of `thread` (NULL: the running thread) is kept, with the
 * thread; NULL there means the default domain. The core alone changes it. */
struct k_mem_domain;
struct k_mem_domain **qr_port_thread_domain(void *thread);

QR_EXTERN_C_END

#endif /* QUIRE_PORT_H */
