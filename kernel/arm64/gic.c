/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gic.c - the interrupt controller (Arm GIC architecture specification, version 2), for one
 * CPU, and the timer that this CPU has for itself.
 *
 * Interrupt lines 0 to 15 are between CPUs, 16 to 31 each CPU's own, the others are shared.
 */
#include <quire/mm.h>

#include "kernel/arm64/local.h"
#include "kernel/machine.h"
#include "kernel/mmio.h"
#include "kernel/sched.h"

#include <tree.h>

#define LINES       128
#define LINE_OWN    16
#define LINE_SHARED 32
#define LINE_TIMER  (LINE_OWN + TREE_TIMER_IRQ7) /* the third of the tree's four: virtual */

/* The distributor. A bit, or a byte, for each line. */
#define GICD_CONTROL     0x000
#define GICD_ENABLE_SET  0x100
#define GICD_TARGET      0x800
#define GICD_FIRST_CPU   0x01010101u

/* The CPU's interface. */
#define GICC_CONTROL     0x000
#define GICC_PRIORITY    0x004 /* only higher ones, smaller numbers, get through */
#define GICC_ACKNOWLEDGE 0x00c
#define GICC_END         0x010
#define GICC_LINE        0x3ffu
#define GIC_ON           1u

_Static_assert(TREE_TIMER_IRQ6 == 1 && TREE_VIRTIO_IRQ0 == 0, "the timer's line is a CPU's own");

static uint8_t *distributor, *interface;
static uint64_t timer_interval;
static struct {
	void (*handler)(void *);
	void *argument;
} lines[LINES];

const struct machine_virtio machine_virtio = {
	.base = TREE_VIRTIO_BASE0, .stride = TREE_VIRTIO_STRIDE, .count = TREE_VIRTIO_COUNT,
	.irq = LINE_SHARED + TREE_VIRTIO_IRQ1,
};

uint8_t *registers_map(uintptr_t phys)
{
	uint8_t *registers = NULL;

	if (k_mem_map_phys_bare(&registers, phys, CONFIG_MMU_PAGE_SIZE,
				K_MEM_CACHE_NONE | K_MEM_PERM_RW) != 0) {
		kernel_panic(NULL, "no room to map a device");
	}
	return registers;
}

void gic_start(void)
{
	distributor = registers_map(TREE_GIC_BASE0);
	interface = registers_map(TREE_GIC_BASE1);
	mmio_write(distributor, GICD_CONTROL, GIC_ON);
	mmio_write(interface, GICC_PRIORITY, 0xff);
	mmio_write(interface, GICC_CONTROL, GIC_ON);
}

/* Lines are level-triggered as they come. */
void machine_irq_attach(unsigned int irq, void (*handler)(void *), void *argument)
{
	QR_ASSERT(irq < LINES);
	lines[irq].handler = handler;
	lines[irq].argument = argument;
	mmio_write(distributor, GICD_TARGET + irq / 4 * 4, GICD_FIRST_CPU);
	mmio_write(distributor, GICD_ENABLE_SET + irq / 32 * 4, 1u << irq % 32);
}

void gic_interrupt(void)
{
	const uint32_t acknowledged = mmio_read(interface, GICC_ACKNOWLEDGE);
	const uint32_t irq = acknowledged & GICC_LINE;

	if (irq >= LINES) {
		return; /* gone again */
	}
	if (lines[irq].handler) {
		lines[irq].handler(lines[irq].argument);
	}
	mmio_write(interface, GICC_END, acknowledged);
}

/* ---- the timer -------------------------------------------------------------------------- */

/* So many of its ticks from now on. */
static void timer_set(uint64_t count)
{
	__asm__ volatile("msr cntv_tval_el0, %0\n\tisb" : : "r"(count) : "memory");
}

static void timer_on(bool on)
{
	__asm__ volatile("msr cntv_ctl_el0, %0\n\tisb" : : "r"((uint64_t)on) : "memory");
}

static uint64_t timer_frequency(void)
{
	uint64_t frequency;

	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
	return frequency;
}

static void timer_interrupt(void *argument)
{
	(void)argument;
	timer_set(timer_interval);
	sched_tick();
}

void machine_timer_start(void)
{
	timer_interval = timer_frequency() / CONFIG_KERNEL_HZ;
	timer_set(timer_interval);
	timer_on(true);
	machine_irq_attach(LINE_TIMER, timer_interrupt, NULL);
}

static void (*alarm_handler)(void);

static void alarm_interrupt(void *argument)
{
	(void)argument;
	timer_on(false);
	alarm_handler();
}

void machine_alarm_set(uint32_t nanoseconds, void (*handler)(void))
{
	if (!alarm_handler) {
		machine_irq_attach(LINE_TIMER, alarm_interrupt, NULL);
	}
	alarm_handler = handler ? handler : alarm_handler;
	timer_set(nanoseconds * timer_frequency() / 1000000000u + 1);
	timer_on(handler);
}
