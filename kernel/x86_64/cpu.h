/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu.h - the few instructions that C does not have.
 */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#include <stdbool.h>
#include <stdint.h>

#define CPU_FLAG_INTERRUPTS 0x200ul

/* The interrupt mask as a key: save, mask, restore; nests. */
static inline unsigned long irq_key(void)
{
	unsigned long key;

	__asm__ volatile("pushfq; popq %0" : "=r"(key) : : "memory");
	return key;
}

static inline bool irq_key_on(unsigned long key)
{
	return key & CPU_FLAG_INTERRUPTS;
}

static inline void irq_disable(void)
{
	__asm__ volatile("cli" : : : "memory");
}

static inline void irq_enable(void)
{
	__asm__ volatile("sti" : : : "memory");
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

/* Let interrupts in and wait for one; masked again afterwards. */
static inline void cpu_wait(void)
{
	__asm__ volatile("sti; hlt; cli" : : : "memory");
}

static inline uint64_t cpu_cycles(void)
{
	uint64_t low, high; /* the upper halves of both registers become 0 */

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return high << 32 | low;
}

/* How many of these were waited: under -icount the counter stands still meanwhile. */
static inline uint64_t cpu_waited(void)
{
	return 0;
}

#endif /* KERNEL_CPU_H */
