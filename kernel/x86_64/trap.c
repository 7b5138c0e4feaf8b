/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trap.c - descriptor tables, and where traps go: page faults to fault_handle(),
 * interrupts to the APIC's dispatcher, everything else to kernel_panic().
 *
 * All gates mask interrupts. Double faults have a stack of their own, so that a
 * thread whose stack ran into its guard page is reported instead of resetting the
 * machine.
 */
#include <quire/compiler.h>

#include "kernel/kernel.h"
#include "kernel/machine.h"
#include "kernel/sched.h"
#include "kernel/x86_64/local.h"

#include <cpu.h>

struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

/* Selectors; boot.S has the same for the kernel. */
#define SELECTOR_CODE 0x08
#define SELECTOR_TSS  0x18

#define VECTOR_DOUBLE_FAULT 8
#define GATE_INTERRUPT 0x8e00u
#define TSS_PRESENT    0x89u

struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint16_t type; /* and the number of a stack in the TSS */
	uint16_t offset_middle;
	uint32_t offset_high;
	uint32_t reserved;
};

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t io_map;
} __attribute__((__packed__));

struct table_pointer {
	uint16_t limit;
	const void *base;
} __attribute__((__packed__));

#define DOUBLE_FAULT_STACK 1
static uint8_t double_fault_stack[4096] QR_ALIGNED(16);
static struct tss tss;
static struct gate gates[256] QR_ALIGNED(16);
static uint64_t descriptors[] = {0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0, 0};

extern const uint8_t trap_stubs[256][16];
extern const uint8_t trap_try_end[];
void trap_dispatch(struct trap_frame *frame);

static void gate_set(unsigned int vector, unsigned int stack)
{
	uintptr_t stub = (uintptr_t)trap_stubs[vector];

	gates[vector] = (struct gate){
		.offset_low = (uint16_t)stub,
		.selector = SELECTOR_CODE,
		.type = (uint16_t)(GATE_INTERRUPT | stack),
		.offset_middle = (uint16_t)(stub >> 16),
		.offset_high = (uint32_t)(stub >> 32),
	};
}

void trap_start(void)
{
	uintptr_t base = (uintptr_t)&tss;
	struct table_pointer gdt = {sizeof(descriptors) - 1, descriptors};
	struct table_pointer idt = {sizeof(gates) - 1, gates};

	for (unsigned int vector = 0; vector < 256; vector++) {
		gate_set(vector, vector == VECTOR_DOUBLE_FAULT ? DOUBLE_FAULT_STACK : 0);
	}
	tss.ist[DOUBLE_FAULT_STACK - 1] =
		(uintptr_t)double_fault_stack + sizeof(double_fault_stack);
	tss.io_map = sizeof(tss);
	descriptors[SELECTOR_TSS / 8] = (sizeof(tss) - 1) | (base & 0xffffff) << 16 |
					(uint64_t)TSS_PRESENT << 40 | (base >> 24 & 0xff) << 56;
	descriptors[SELECTOR_TSS / 8 + 1] = base >> 32;
	__asm__ volatile("lgdt %0; lidt %1; ltr %w2"
			 : : "m"(gdt), "m"(idt), "r"(SELECTOR_TSS) : "memory");
}

static uint64_t cr2_read(void)
{
	uint64_t value;

	__asm__ volatile("movq %%cr2, %0" : "=r"(value));
	return value;
}

void trap_dispatch(struct trap_frame *frame)
{
	if (frame->vector == VECTOR_PAGE_FAULT) {
		fault_handle(frame, cr2_read(), frame->error);
		return;
	}
	if (frame->vector < VECTOR_EXCEPTIONS) {
		kernel_panic(frame, frame->vector == VECTOR_DOUBLE_FAULT ? "stack overflow"
									  : "exception");
	}
	sched_irq_enter();
	apic_interrupt((unsigned int)frame->vector);
	sched_irq_leave();
}

bool trap_irqs_on(const struct trap_frame *frame)
{
	return irq_key_on(frame->rflags);
}

#define CR4_SMAP ((uint64_t)1 << 21)
#define FLAG_AC  ((uint64_t)1 << 18) /* opens what SMAP closes */

bool trap_fenced(const struct trap_frame *frame)
{
	uint64_t cr4;

	__asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
	return !(frame->rflags & FLAG_AC) && (cr4 & CR4_SMAP);
}

void *trap_ip(const struct trap_frame *frame)
{
	return (void *)frame->rip;
}

void trap_resume(struct trap_frame *frame, void *stack, int status)
{
	frame->rip = (uintptr_t)trap_try_end;
	frame->rsp = (uintptr_t)stack;
	frame->rax = (uint64_t)(unsigned int)status;
}

void trap_dump(const struct trap_frame *frame)
{
	kernel_printf("vector %lu error %lx cr2 %016lx\n", frame->vector, frame->error, cr2_read());
	kernel_printf("rip %016lx cs %lx rflags %lx\n", frame->rip, frame->cs, frame->rflags);
	kernel_printf("rsp %016lx rbp %016lx rax %016lx\n", frame->rsp, frame->rbp, frame->rax);
	kernel_printf("rbx %016lx rcx %016lx rdx %016lx\n", frame->rbx, frame->rcx, frame->rdx);
	kernel_printf("rsi %016lx rdi %016lx r8  %016lx\n", frame->rsi, frame->rdi, frame->r8);
	kernel_printf("r9  %016lx r10 %016lx r11 %016lx\n", frame->r9, frame->r10, frame->r11);
	kernel_printf("r12 %016lx r13 %016lx r14 %016lx\n", frame->r12, frame->r13, frame->r14);
	kernel_printf("r15 %016lx\n", frame->r15);
}

/* The words that context_switch() pops: six registers, then where it returns to. An
 * entry is reached as if called, so one more word keeps the stack aligned. */
void *context_make(void *top, void (*entry)(void))
{
	uintptr_t *words = top;

	*--words = 0;
	*--words = (uintptr_t)entry;
	for (unsigned int i = 0; i < 6; i++) {
		*--words = 0;
	}
	return words;
}
