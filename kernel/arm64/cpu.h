/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu.h - the few instructions that C does not have.
 */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#include <stdbool.h>
#include <stdint.h>

#define CPU_MASK_IRQ 0x80ul /* in DAIF and in the saved state of a trap */

/* The interrupt mask as a key: save, mask, restore; nests. */
static inline unsigned long irq_key(void)
{
	unsigned long key;

	__asm__ volatile("mrs %0, daif" : "=r"(key) : : "memory");
	return key;
}

static inline bool irq_key_on(unsigned long key)
{
	return !(key & CPU_MASK_IRQ);
}

/* System errors are let in and masked with interrupts. */
static inline void irq_disable(void)
{
	__asm__ volatile("msr daifset, #6" : : : "memory");
}

static inline void irq_enable(void)
{
	__asm__ volatile("msr daifclr, #6" : : : "memory");
}

static inline unsigned long irq_save(void)
{
	unsigned long key = irq_key();

	irq_disable();
	return key;
}

static inline void irq_restore(unsigned long key)
{
	if (irq_key_on(key)) {
		irq_enable();
	}
}

/* Let interrupts in and wait for one; masked again afterwards. An interrupt that is masked
 * ends the wait, too, so none is missed in between. */
static inline void cpu_wait(void)
{
	__asm__ volatile("wfi\n\tmsr daifclr, #6\n\tisb\n\tmsr daifset, #6" : : : "memory");
}

/* The cycle counter (cycles_start, machine.c). */
static inline uint64_t cpu_cycles(void)
{
	uint64_t cycles;

	__asm__ volatile("mrs %0, pmccntr_el0" : "=r"(cycles));
	return cycles;
}

/* How many of these were waited: under -icount the counter stands still meanwhile. */
static inline uint64_t cpu_waited(void)
{
	return 0;
}

#endif /* KERNEL_CPU_H */
