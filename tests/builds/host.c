/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host.c - a host kernel of one thread that gives every function of quire/port.h. Of its object
 * tools/builds leaves those visible that the table in port.h lists for a configuration.
 */
#include <stdio.h>
#include <stdlib.h>

#include <quire/domain.h>
#include <quire/paging.h>
#include <quire/port.h>

static unsigned int depth;
static struct k_mem_paging_stats_t own;
static struct k_mem_domain *domain;

qr_port_key_t qr_port_lock(void)
{
	if (depth != 0) {
		qr_port_panic("the lock is taken twice");
	}
	depth = 1;
	return 0x10c;
}

void qr_port_unlock(qr_port_key_t key)
{
	if (depth != 1 || key != 0x10c) {
		qr_port_panic("the lock is not held, or this is not its key");
	}
	depth = 0;
}

void qr_port_panic(const char *what)
{
	printf("not ok 1 - panic: %s\n", what);
	fflush(stdout);
	abort();
}

void qr_port_print(const char *text)
{
	printf("# %s", text);
}

qr_port_key_t qr_port_irq_lock(void)
{
	return 0x3a5;
}

void qr_port_irq_unlock(qr_port_key_t key)
{
	if (key != 0x3a5 || depth != 0) {
		qr_port_panic("a key of something else, or the lock is held");
	}
}

bool qr_port_can_sleep(void)
{
	return depth == 0;
}

/* Nobody else runs, so what is waited for has come or never will. */
qr_port_key_t qr_port_sleep(const void *channel, qr_port_key_t key)
{
	(void)channel;
	(void)key;
	qr_port_panic("the only thread would sleep");
}

void qr_port_wakeup(const void *channel)
{
	(void)channel;
}

enum qr_port_context qr_port_context(void)
{
	return QR_PORT_THREAD;
}

uint32_t qr_port_cycles(void)
{
	static uint32_t cycles;

	return cycles += 700;
}

struct k_mem_paging_stats_t *qr_port_thread_stats(void *thread)
{
	(void)thread;
	return &own;
}

struct k_mem_domain **qr_port_thread_domain(void *thread)
{
	(void)thread;
	return &domain;
}
