/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port.c - what Quire asks of its host kernel (quire/port.h).
 *
 * There is one CPU: the mm lock is the interrupt mask and a flag, which says that the
 * lock is held to those who must know. Threads switch when interrupts are let in again.
 */
#include <quire/port.h>

#include "kernel/config.h"
#include "kernel/machine.h"
#include "kernel/port.h"
#include "kernel/sched.h"

#include <cpu.h>

static bool locked;

/* ---- how long interrupts are masked: CONFIG_KERNEL_IRQ_TIME ------------------------------ */

static uint64_t masked_since, masked_longest;

void port_irq_off(void)
{
	if (CONFIG_KERNEL_IRQ_TIME) {
		masked_since = cpu_cycles();
	}
}

void port_irq_on(void)
{
	if (CONFIG_KERNEL_IRQ_TIME && cpu_cycles() - masked_since > masked_longest) {
		masked_longest = cpu_cycles() - masked_since;
	}
}

void kernel_irq_off_reset(void)
{
	masked_longest = 0;
}

uint64_t kernel_irq_off_max(void)
{
	return masked_longest;
}

/* ---- the lock ---------------------------------------------------------------------------- */

bool port_locked(void)
{
	return locked;
}

qr_port_key_t qr_port_lock(void)
{
	unsigned long key = irq_save();

	QR_ASSERT(!locked);
	locked = true;
	if (irq_key_on(key)) {
		port_irq_off();
	}
	return key;
}

/* A thread may have become ready meanwhile. */
static void unmask(qr_port_key_t key)
{
	if (irq_key_on(key)) {
		sched_preempt();
		port_irq_on();
		irq_enable();
	}
}

void qr_port_unlock(qr_port_key_t key)
{
	locked = false;
	unmask(key);
}

qr_port_key_t qr_port_irq_lock(void)
{
	unsigned long key = irq_save();

	if (irq_key_on(key)) {
		port_irq_off();
	}
	return key;
}

void qr_port_irq_unlock(qr_port_key_t key)
{
	unmask(key);
}

bool qr_port_can_sleep(void)
{
	return irq_key_on(irq_key()) && !sched_in_irq() && !sched_idle();
}

qr_port_key_t qr_port_sleep(const void *channel, qr_port_key_t key)
{
	locked = false;
	sched_wait(channel);
	locked = true;
	return key;
}

void qr_port_wakeup(const void *channel)
{
	sched_wake(channel);
}

enum qr_port_context qr_port_context(void)
{
	if (sched_in_irq()) {
		return QR_PORT_ISR;
	}
	return irq_key_on(irq_key()) ? QR_PORT_THREAD : QR_PORT_IRQ_LOCKED;
}

uint32_t qr_port_cycles(void)
{
	/* how long a transfer takes decides how long the search for its bin does */
	return (uint32_t)(CONFIG_KERNEL_DISK_AT_IDLE ? kernel_cycles() : cpu_cycles());
}

uint64_t kernel_cycles(void)
{
	return cpu_cycles() - cpu_waited();
}

uint64_t kernel_clock(void)
{
	return cpu_cycles();
}

struct k_mem_paging_stats_t *qr_port_thread_stats(void *thread)
{
	struct thread *of = thread ? thread : sched_current();

	return &of->stats;
}

struct k_mem_domain **qr_port_thread_domain(void *thread)
{
	struct thread *of = thread ? thread : sched_current();

	return &of->domain;
}

void qr_port_print(const char *text)
{
	kernel_puts(text);
}

void qr_port_panic(const char *what)
{
	kernel_panic(NULL, what);
}
