/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interrupt.c - the timer, which the firmware sets, and the PLIC, which the devices are
 * wired to (RISC-V Platform-Level Interrupt Controller Specification, chapter 3 on).
 *
 * Hart 0 boots, and has two contexts of the PLIC: 0 for M-mode, 1 for S-mode.
 */
#include <quire/mm.h>

#include "kernel/machine.h"
#include "kernel/mmio.h"
#include "kernel/riscv64/local.h"
#include "kernel/sched.h"

#include <tree.h>

#define PLIC_LINES     64
#define PLIC_CONTEXT   1u
/* A page of words, one for each line; a page of bits, where each context has 0x80 bytes with
 * one for each line; a page for each context. */
#define PLIC_PRIORITY  0x0u
#define PLIC_ENABLE    0x2000u
#define PLIC_TARGET    (0x200000u + 0x1000u * PLIC_CONTEXT)
#define ENABLE_CONTEXT (0x80u * PLIC_CONTEXT)
#define TARGET_THRESHOLD 0x0u
#define TARGET_CLAIM     0x4u

#define SIE_TIMER    0x20u
#define SIE_EXTERNAL 0x200u

#define TIMER_INTERVAL (TREE_TIMEBASE_HZ / CONFIG_KERNEL_HZ)

#define SBI_TIME 0x54494d45u

#define TIME_NEVER UINT64_MAX

static uint8_t *priority, *enable, *target;
static uint64_t timer_next;
static void (*alarm_handler)(void);
static struct {
	void (*handler)(void *);
	void *argument;
} lines[PLIC_LINES];

static void sie_set(unsigned long bits)
{
	__asm__ volatile("csrs sie, %0" : : "r"(bits) : "memory");
}

/* ---- timer --------------------------------------------------------------------------------- */

static uint64_t time_read(void)
{
	uint64_t time;

	__asm__ volatile("rdtime %0" : "=r"(time));
	return time;
}

/* SBI's set_timer takes the interrupt that is pending away. */
static void timer_set(uint64_t time)
{
	register uint64_t a0 __asm__("a0") = time;
	register uint64_t a1 __asm__("a1");
	register uint64_t a6 __asm__("a6") = 0;
	register uint64_t a7 __asm__("a7") = SBI_TIME;

	__asm__ volatile("ecall" : "+r"(a0), "=r"(a1) : "r"(a6), "r"(a7) : "memory");
}

void machine_timer_start(void)
{
	timer_next = time_read() + TIMER_INTERVAL;
	timer_set(timer_next);
	sie_set(SIE_TIMER);
}

/* Ticks that nobody had time for are left out. */
void timer_interrupt(void)
{
	uint64_t now = time_read();

	if (alarm_handler) {
		timer_set(TIME_NEVER);
		alarm_handler();
		return;
	}
	timer_next += TIMER_INTERVAL;
	if (timer_next <= now) {
		timer_next = now + TIMER_INTERVAL;
	}
	timer_set(timer_next);
	sched_tick();
}

void machine_alarm_set(uint32_t nanoseconds, void (*handler)(void))
{
	uint64_t count = (uint64_t)nanoseconds * TREE_TIMEBASE_HZ / 1000000000u;

	alarm_handler = handler ? handler : alarm_handler;
	timer_set(handler ? time_read() + count + 1 : TIME_NEVER);
	sie_set(SIE_TIMER);
}

/* ---- devices ------------------------------------------------------------------------------- */

static uint8_t *registers_map(uintptr_t offset)
{
	uint8_t *registers = NULL;

	if (k_mem_map_phys_bare(&registers, TREE_PLIC_BASE0 + offset, CONFIG_MMU_PAGE_SIZE,
				K_MEM_CACHE_NONE | K_MEM_PERM_RW) != 0) {
		kernel_panic(NULL, "no room to map the interrupt controller");
	}
	return registers;
}

void machine_start(void)
{
	priority = registers_map(PLIC_PRIORITY);
	enable = registers_map(PLIC_ENABLE);
	target = registers_map(PLIC_TARGET);
	mmio_write(target, TARGET_THRESHOLD, 0);
	sie_set(SIE_EXTERNAL);
}

void machine_irq_attach(unsigned int irq, void (*handler)(void *), void *argument)
{
	unsigned int word = ENABLE_CONTEXT + irq / 32 * 4;

	QR_ASSERT(irq > 0 && irq < PLIC_LINES);
	lines[irq].handler = handler;
	lines[irq].argument = argument;
	mmio_write(priority, 4 * irq, 1);
	mmio_write(enable, word, mmio_read(enable, word) | 1u << irq % 32);
}

/* 0: it has gone away. Only lines that were attached are enabled, but that is the PLIC's word:
 * another one is completed, and nothing else. */
void plic_interrupt(void)
{
	uint32_t irq = mmio_read(target, TARGET_CLAIM);

	if (irq < PLIC_LINES && lines[irq].handler) {
		lines[irq].handler(lines[irq].argument);
	}
	if (irq != 0) {
		mmio_write(target, TARGET_CLAIM, irq);
	}
}
