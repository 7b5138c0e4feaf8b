/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quire/host.h - how the library calls its port.
 *
 * Each function here is one of quire/port.h where the configuration has that one, and what stands
 * for it where it has not. So a build needs from outside exactly what the table in quire/port.h
 * lists for it: both compilers leave out the branch that a constant shuts, at -O0 as well. What is
 * needed always is called by its own name.
 */
#ifndef QUIRE_HOST_H
#define QUIRE_HOST_H

#include <quire/port.h>

QR_EXTERN_C_BEGIN

/* With four functions, masking is taking the lock: it is never done with the lock held, and there
 * is no other CPU that would wait for it. */
QR_INLINE qr_port_key_t qr_host_irq_lock(void)
{
	return CONFIG_MEM_PORT_MINIMAL ? qr_port_lock() : qr_port_irq_lock();
}

/* What qr_host_irq_lock returned ends it. */
QR_INLINE void qr_host_irq_unlock(qr_port_key_t key)
{
	if (CONFIG_MEM_PORT_MINIMAL) {
		qr_port_unlock(key);
	} else {
		qr_port_irq_unlock(key);
	}
}

/* There, who would sleep polls the stores instead. */
QR_INLINE bool qr_host_can_sleep(void)
{
	return CONFIG_MEM_PORT_MINIMAL ? false : qr_port_can_sleep();
}

/* Only where qr_host_can_sleep said yes. */
QR_INLINE qr_port_key_t qr_host_sleep(const void *channel, qr_port_key_t key)
{
	if (CONFIG_MEM_PORT_MINIMAL) {
		qr_port_panic("a sleep on a port that never sleeps");
	}
	return qr_port_sleep(channel, key);
}

/* Where nobody sleeps, nobody is woken. */
QR_INLINE void qr_host_wakeup(const void *channel)
{
	if (!CONFIG_MEM_PORT_MINIMAL) {
		qr_port_wakeup(channel);
	}
}

/* The context is asked for by the statistics alone. */
QR_INLINE enum qr_port_context qr_host_context(void)
{
	return CONFIG_MEM_PORT_MINIMAL ||
			       !(CONFIG_DEMAND_PAGING_STATS || CONFIG_DEMAND_PAGING_THREAD_STATS)
		       ? QR_PORT_THREAD
		       : qr_port_context();
}

/* Without a clock everything takes no time. */
QR_INLINE uint32_t qr_host_cycles(void)
{
	return CONFIG_MEM_PORT_MINIMAL || !CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM ? 0
										 : qr_port_cycles();
}

/* NULL: the thread has none. */
QR_INLINE struct k_mem_paging_stats_t *qr_host_thread_stats(void *thread)
{
	return CONFIG_MEM_PORT_MINIMAL || !CONFIG_DEMAND_PAGING_THREAD_STATS
		       ? NULL
		       : qr_port_thread_stats(thread);
}

/* Of one thread, `only` is the place: all others are it. */
QR_INLINE struct k_mem_domain **qr_host_thread_domain(void *thread, struct k_mem_domain **only)
{
	return CONFIG_MEM_PORT_MINIMAL || !CONFIG_USERSPACE ? only : qr_port_thread_domain(thread);
}

QR_EXTERN_C_END

#endif /* QUIRE_HOST_H */
