/* SPDX-License-Identifier: Apache-2.0 */
/*
 * local.h - what the files of this folder share.
 */
#ifndef KERNEL_X86_64_LOCAL_H
#define KERNEL_X86_64_LOCAL_H

#include "arch/x86_64/arch_config.h"

/* Selectors, those of user mode with its privilege. SYSRET takes the two of user mode from
 * SELECTOR_SYSRET: data at +8, code at +16. boot.S has the kernel's, too. */
#define SELECTOR_CODE      0x08
#define SELECTOR_SYSRET    0x13
#define SELECTOR_USER_DATA 0x1b
#define SELECTOR_USER_CODE 0x23
#define SELECTOR_TSS       0x28

/* Flags with which user mode starts: interrupts on. */
#define FLAGS_USER 0x202

/* Interrupt vectors. Interrupt line n of the I/O APIC has VECTOR_IRQ + n. */
#define VECTOR_PAGE_FAULT 14
#define VECTOR_EXCEPTIONS 32
#define VECTOR_TIMER      0x30
#define VECTOR_IRQ        0x40
#define VECTOR_SPURIOUS   0xff

#ifndef __ASSEMBLER__

#include <stdint.h>

/* Descriptors, descriptor tables and stacks of this CPU. trap.c */
void trap_start(void);

/* An interrupt arrived: run its handler and acknowledge it. apic.c */
void apic_interrupt(unsigned int vector);

static inline void port_out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void port_out32(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t port_in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

#endif
#endif /* KERNEL_X86_64_LOCAL_H */
