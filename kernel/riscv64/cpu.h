/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu.h - the few instructions that C does not have.
 */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#include <stdbool.h>
#include <stdint.h>

#define CPU_STATUS_SIE 0x2ul

/* The interrupt mask as a key: save, mask, restore; nests. */
static inline unsigned long irq_key(void)
{
	unsigned long key;

	__asm__ volatile("csrr %0, sstatus" : "=r"(key) : : "memory");
	return key;
}

static inline bool irq_key_on(unsigned long key)
{
	return key & CPU_STATUS_SIE;
}

static inline void irq_disable(void)
{
	__asm__ volatile("csrci sstatus, 2" : : : "memory");
}

static inline void irq_enable(void)
{
	__asm__ volatile("csrsi sstatus, 2" : : : "memory");
}

static inline unsigned long irq_save(void)
{
	unsigned long key;

	__asm__ volatile("csrrci %0, sstatus, 2" : "=r"(key) : : "memory");
	return key;
}

static inline void irq_restore(unsigned long key)
{
	if (irq_key_on(key)) {
		irq_enable();
	}
}

static inline uint64_t cpu_cycles(void)
{
	uint64_t cycles;

	__asm__ volatile("rdcycle %0" : "=r"(cycles));
	return cycles;
}

/* How many of these were waited: the counter goes on meanwhile, even under -icount. */
static inline uint64_t cpu_waited(void)
{
	extern uint64_t cpu_waited_cycles;

	return cpu_waited_cycles;
}

/* Let interrupts in and wait for one; masked again afterwards. WFI ends with an interrupt
 * that is pending, masked or not. machine.c */
void cpu_wait(void);

#endif /* KERNEL_CPU_H */
