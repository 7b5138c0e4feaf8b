/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apic.c - the local APIC with its timer, and the I/O APIC that the virtio-mmio
 * transports of microvm are wired to. On machines without such transports (q35) the
 * latter is never touched.
 */
#include <quire/mm.h>

#include "kernel/machine.h"
#include "kernel/mmio.h"
#include "kernel/sched.h"
#include "kernel/x86_64/local.h"

#define LAPIC_PHYS  0xfee00000u
#define IOAPIC_PHYS 0xfec10000u
#define IOAPIC_PINS 24

/* Registers of the local APIC (Intel SDM volume 3, 11.4). */
#define LAPIC_EOI           0x0b0
#define LAPIC_SPURIOUS      0x0f0
#define LAPIC_TIMER         0x320
#define LAPIC_LINT1         0x360
#define LAPIC_TIMER_INITIAL 0x380
#define LAPIC_TIMER_DIVIDE  0x3e0
#define LAPIC_ENABLE        (1u << 8)
#define LAPIC_NMI           (4u << 8)
#define LAPIC_TIMER_PERIODIC (1u << 17)
#define LAPIC_DIVIDE_BY_1   0xbu

/* QEMU's local APIC counts nanoseconds. */
#define LAPIC_TIMER_HZ 1000000000u

/* The I/O APIC: an index register, a data register, two words for each pin. */
#define IOAPIC_INDEX  0x00
#define IOAPIC_DATA   0x10
#define IOAPIC_PIN(n) (0x10 + 2 * (n))
#define IOAPIC_LEVEL  (1u << 15)

#define PIC_MASTER_MASK 0x21
#define PIC_SLAVE_MASK  0xa1

static uint8_t *lapic, *ioapic;
static void (*timer_handler)(void);
static struct {
	void (*handler)(void *);
	void *argument;
} lines[IOAPIC_PINS];

static uint8_t *registers_map(uintptr_t phys)
{
	uint8_t *registers = NULL;

	if (k_mem_map_phys_bare(&registers, phys, CONFIG_MMU_PAGE_SIZE,
				K_MEM_CACHE_NONE | K_MEM_PERM_RW) != 0) {
		kernel_panic(NULL, "no room to map the interrupt controller");
	}
	return registers;
}

void machine_start(void)
{
	port_out8(PIC_MASTER_MASK, 0xff);
	port_out8(PIC_SLAVE_MASK, 0xff);
	lapic = registers_map(LAPIC_PHYS);
	mmio_write(lapic, LAPIC_SPURIOUS, LAPIC_ENABLE | VECTOR_SPURIOUS);
	mmio_write(lapic, LAPIC_LINT1, LAPIC_NMI); /* where the machine's NMI arrives */
}

void machine_timer_start(void)
{
	timer_handler = sched_tick;
	mmio_write(lapic, LAPIC_TIMER_DIVIDE, LAPIC_DIVIDE_BY_1);
	mmio_write(lapic, LAPIC_TIMER, LAPIC_TIMER_PERIODIC | VECTOR_TIMER);
	mmio_write(lapic, LAPIC_TIMER_INITIAL, LAPIC_TIMER_HZ / CONFIG_KERNEL_HZ);
}

/* An initial count of 0 stops it. */
void machine_alarm_set(uint32_t nanoseconds, void (*handler)(void))
{
	timer_handler = handler;
	mmio_write(lapic, LAPIC_TIMER_DIVIDE, LAPIC_DIVIDE_BY_1);
	mmio_write(lapic, LAPIC_TIMER, VECTOR_TIMER);
	/* 0 stops it: neither what is due now nor the longest time, plus 1, may be that */
	mmio_write(lapic, LAPIC_TIMER_INITIAL,
		   handler ? nanoseconds + (nanoseconds < UINT32_MAX) : 0);
}

static void ioapic_write(unsigned int index, uint32_t value)
{
	mmio_write(ioapic, IOAPIC_INDEX, index);
	mmio_write(ioapic, IOAPIC_DATA, value);
}

void machine_irq_attach(unsigned int irq, void (*handler)(void *), void *argument)
{
	QR_ASSERT(irq < IOAPIC_PINS);
	if (!ioapic) {
		ioapic = registers_map(IOAPIC_PHYS);
	}
	lines[irq].handler = handler;
	lines[irq].argument = argument;
	ioapic_write(IOAPIC_PIN(irq) + 1, 0); /* to the first CPU */
	ioapic_write(IOAPIC_PIN(irq), IOAPIC_LEVEL | (VECTOR_IRQ + irq));
}

void apic_interrupt(unsigned int vector)
{
	unsigned int irq = vector - VECTOR_IRQ;

	if (vector == VECTOR_SPURIOUS) {
		return;
	}
	if (vector == VECTOR_TIMER) {
		if (timer_handler) { /* else it came before it was stopped */
			timer_handler();
		}
	} else if (irq < IOAPIC_PINS && lines[irq].handler) {
		lines[irq].handler(lines[irq].argument);
	}
	mmio_write(lapic, LAPIC_EOI, 0);
}
