/* SPDX-License-Identifier: Apache-2.0 */
/*
 * minimal.c - the functions of quire/port.h that a kernel with one CPU on which nothing sleeps
 * does not give.
 *
 * The library does not need this file: with CONFIG_MEM_PORT_MINIMAL it calls four functions
 * (quire/host.h). It is for stores and drivers of the host's that call the others, whose
 * answers here are the same as the library's. Where the one thread's domain is kept is the
 * library's secret (mm/domain_thread.c).
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
