/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pthread_port.h - quire/port.h over POSIX threads, for host kernels that run as a process
 * and for tests with real threads.
 *
 * The threads play one CPU: masking interrupts keeps all other threads out of everything that
 * masks them, too. A thread needs no preparation; one that wants a priority, its own
 * statistics, or to play an interrupt handler, has a struct port_thread.
 */
#ifndef PORT_PTHREAD_H
#define PORT_PTHREAD_H

#include <quire/paging.h>
#include <quire/port.h>

QR_EXTERN_C_BEGIN

struct port_thread {
	unsigned int priority;                /* 0 is the highest; a thread without: 16 */
	struct k_mem_paging_stats_t stats;    /* the handle for k_mem_paging_thread_stats_get
					       * is the struct */
	struct k_mem_domain *domain;          /* the core's; NULL at the start */
};

/* The calling thread is `thread` from now on, until it ends; NULL: nobody in particular. */
void port_thread_enter(struct port_thread *thread);

/* Run `handler(argument)` as an interrupt handler does: interrupts masked, no sleeping. For
 * a thread that plays a device. */
void port_interrupt(void (*handler)(void *argument), void *argument);

QR_EXTERN_C_END

#endif /* PORT_PTHREAD_H */
