/* SPDX-License-Identifier: Apache-2.0 */
/*
 * minimal.c - the port of a kernel with one CPU on which nothing sleeps: it gives
 * qr_port_lock, qr_port_unlock, qr_port_panic and qr_port_print, and this file, a part of the
 * library under CONFIG_MEM_PORT_MINIMAL, gives the rest of quire/port.h over them.
 *
 * Masking interrupts is taking the lock: the core never does so with the lock held, and
 * there is no other CPU to keep waiting. Whoever would sleep polls the stores instead.
 */
#include <quire/port.h>

_Static_assert(CONFIG_MEM_PORT_MINIMAL, "this file is for the minimal port only");

qr_port_key_t qr_port_irq_lock(void)
{
	return qr_port_lock();
}

void qr_port_irq_unlock(qr_port_key_t key)
{
	qr_port_unlock(key);
}

bool qr_port_can_sleep(void)
{
	return false;
}

qr_port_key_t qr_port_sleep(const void *channel, qr_port_key_t key)
{
	(void)channel;
	(void)key;
	qr_port_panic("a sleep on a port that never sleeps");
}

/* Nobody sleeps. */
void qr_port_wakeup(const void *channel)
{
	(void)channel;
}

enum qr_port_context qr_port_context(void)
{
	return QR_PORT_THREAD;
}

/* No clock: everything takes no time. */
uint32_t qr_port_cycles(void)
{
	return 0;
}

struct k_mem_paging_stats_t *qr_port_thread_stats(void *thread)
{
	(void)thread;
	return NULL;
}

/* There is one thread. */
struct k_mem_domain **qr_port_thread_domain(void *thread)
{
	static struct k_mem_domain *domain;

	(void)thread;
	return &domain;
}
