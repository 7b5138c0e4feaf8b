/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trap.c - where traps go: aborts to fault_handle(), interrupts to the interrupt
 * controller's dispatcher, everything else to kernel_panic(). All traps mask interrupts.
 */
#include <quire/compiler.h>

#include "kernel/arm64/local.h"
#include "kernel/kernel.h"
#include "kernel/machine.h"
#include "kernel/sched.h"

#include <cpu.h>

/* trap.S builds it. */
struct trap_frame {
	uint64_t x[31];
	uint64_t sp, pc, state;
};

enum trap_kind {
	TRAP_EXCEPTION,
	TRAP_INTERRUPT,
	TRAP_UNEXPECTED,
	TRAP_OVERFLOW, /* an exception on a stack without room for its frame */
};

/* Classes of exceptions, ESR_EL1 bits 31:26, without the bit that is 0 for user mode. */
#define CLASS_SHIFT 27
#define CLASS_CODE  (0x21 >> 1)
#define CLASS_DATA  (0x25 >> 1)

extern const uint8_t trap_vectors[], trap_try_end[];
void trap_dispatch(struct trap_frame *frame, enum trap_kind kind);

void trap_start(void)
{
	__asm__ volatile("msr vbar_el1, %0\n\tisb" : : "r"(trap_vectors) : "memory");
}

static uint64_t esr_read(void)
{
	uint64_t value;

	__asm__ volatile("mrs %0, esr_el1" : "=r"(value));
	return value;
}

static uint64_t far_read(void)
{
	uint64_t value;

	__asm__ volatile("mrs %0, far_el1" : "=r"(value));
	return value;
}

static void exception(struct trap_frame *frame)
{
	const uint64_t esr = esr_read();
	const unsigned int class = (esr >> CLASS_SHIFT) & 0x1f;

	if (class != CLASS_CODE && class != CLASS_DATA) {
		kernel_panic(frame, "exception");
	}
	fault_handle(frame, far_read(), esr);
}

void trap_dispatch(struct trap_frame *frame, enum trap_kind kind)
{
	switch (kind) {
	case TRAP_EXCEPTION:
		exception(frame);
		return;
	case TRAP_INTERRUPT:
		sched_irq_enter();
		gic_interrupt();
		sched_irq_leave();
		return;
	case TRAP_OVERFLOW:
		__asm__ volatile("mrs %0, sp_el0" : "=r"(frame->sp));
		kernel_panic(frame, "stack overflow");
	default:
		kernel_panic(frame, "unexpected trap");
	}
}

bool trap_irqs_on(const struct trap_frame *frame)
{
	return irq_key_on(frame->state);
}

/* PSTATE.PAN, which is 0 on CPUs without it. */
bool trap_fenced(const struct trap_frame *frame)
{
	return frame->state & (1u << 22);
}

void *trap_ip(const struct trap_frame *frame)
{
	return (void *)frame->pc;
}

void trap_resume(struct trap_frame *frame, void *stack, int status)
{
	frame->pc = (uintptr_t)trap_try_end;
	frame->x[0] = (uint64_t)(unsigned int)status;
	frame->x[1] = (uintptr_t)stack;
}

void trap_dump(const struct trap_frame *frame)
{
	kernel_printf("esr %08lx far %016lx\n", esr_read(), far_read());
	kernel_printf("pc  %016lx sp  %016lx state %lx\n", frame->pc, frame->sp, frame->state);
	for (unsigned int i = 0; i < 30; i += 3) {
		kernel_printf("x%-2u %016lx x%-2u %016lx x%-2u %016lx\n", i, frame->x[i], i + 1,
			      frame->x[i + 1], i + 2, frame->x[i + 2]);
	}
	kernel_printf("x30 %016lx\n", frame->x[30]);
}

/* The words that context_switch() pops: x29, x30, which is where it returns to, and x27
 * down to x19. */
void *context_make(void *top, void (*entry)(void))
{
	uintptr_t *words = (uintptr_t *)top - 12;

	for (unsigned int i = 0; i < 12; i++) {
		words[i] = 0;
	}
	words[1] = (uintptr_t)entry;
	return words;
}
