/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trap.c - where traps go: page faults to fault_handle(), interrupts to interrupt.c, what user
 * mode may not do to fault_user(), everything else to kernel_panic(). (System calls: trap.S.)
 */
#include <quire/compiler.h>
#include <quire/paging.h>

#include "kernel/config.h"
#include "kernel/kernel.h"
#include "kernel/machine.h"
#include "kernel/riscv64/local.h"
#include "kernel/sched.h"

#include <cpu.h>

/* What a function may destroy, and where the trap came from. */
struct trap_frame {
	uint64_t ra, t0, t1, t2;
	uint64_t a0, a1, a2, a3, a4, a5, a6, a7;
	uint64_t t3, t4, t5, t6;
	uint64_t pc, status;
	uint64_t value, cause; /* stval, scause */
};
_Static_assert(K_MEM_FAULT_FENCED == 8, "trap.S knows it");
_Static_assert(sizeof(struct trap_frame) == TRAP_FRAME_BYTES, "trap.S knows the frame");

_Static_assert(USER_FRAME_BYTES >= TRAP_FRAME_BYTES + 3 * sizeof(uint64_t), "gp, tp, sp");

#define STATUS_SUM   0x40000u /* S-mode may touch user memory */
#define STATUS_UNITS 0x6600u  /* floating point and vectors, on */

#define CAUSE_INTERRUPT ((uint64_t)1 << 63)
#define CAUSE_TIMER     (CAUSE_INTERRUPT | 5)
#define CAUSE_EXTERNAL  (CAUSE_INTERRUPT | 9)
#define CAUSE_PAGE_FAULT 12u /* fetch; 13 load, 15 store; from 16 on nobody's */

extern const uint8_t trap_entry[], trap_try_end[];
void trap_exception(struct trap_frame *frame, int status);
void trap_interrupted(const struct trap_frame *frame, uint64_t cause);
QR_NORETURN void trap_stack_overflow(struct trap_frame *frame, uintptr_t stack);

/* For what is left to say when a thread's stack has no room for a trap. */
uint8_t trap_last_stack[4096] QR_ALIGNED(16);

/* For user_enter(): where the stack of traps from user mode ends. */
extern void *trap_user_stack;
void *trap_user_stack;

/* User mode has no counters; fault_read() wants sstatus.SPP with the cause. */
void trap_start(void)
{
	__asm__ volatile("csrw sscratch, zero\n\t"
			 "csrw stvec, %0\n\t"
			 "csrw scounteren, zero\n\t"
			 "csrc sstatus, %1"
			 : : "r"(trap_entry), "r"((uintptr_t)STATUS_UNITS) : "memory");
}

void trap_interrupted(const struct trap_frame *frame, uint64_t cause)
{
	sched_irq_enter();
	if (cause == CAUSE_TIMER) {
		timer_interrupt();
	} else if (cause == CAUSE_EXTERNAL) {
		plic_interrupt();
	} else {
		kernel_panic(frame, "interrupt of no known kind");
	}
	sched_irq_leave();
}

/* `status`: with which a page fault was refused, 0: it comes here first. Causes below those of page
 * faults: 4.1.8. */
void trap_exception(struct trap_frame *frame, int status)
{
	static const char *const names[CAUSE_PAGE_FAULT] = {
		"unaligned jump", "access fault", "illegal instruction", "breakpoint",
		"unaligned access", "access fault", "unaligned access", "access fault",
		"exception", "exception", "exception", "exception",
	};
	const uintptr_t syndrome = frame->cause | (frame->status & STATUS_SPP);

	if (frame->cause < CAUSE_PAGE_FAULT && CONFIG_USERSPACE && trap_user(frame)) {
		fault_user(frame, names[frame->cause]);
	} else if (frame->cause < CAUSE_PAGE_FAULT) {
		kernel_panic(frame, names[frame->cause]);
	} else if (status != 0) {
		fault_refused(frame, frame->value, syndrome, status);
	} else {
		fault_handle(frame, frame->value, syndrome);
	}
}

/* `stack` was the stack pointer: in the guard, or too close to it. */
void trap_stack_overflow(struct trap_frame *frame, uintptr_t stack)
{
	fault_stack(frame, stack - STACK_ROOM_BYTES);
}

bool trap_user(const struct trap_frame *frame)
{
	return !(frame->status & STATUS_SPP);
}

bool trap_irqs_on(const struct trap_frame *frame)
{
	return frame->status & STATUS_SPIE;
}

bool entry_clean(void)
{
	uint64_t status;

	__asm__ volatile("csrr %0, sstatus" : "=r"(status));
	return !(status & STATUS_SUM);
}

bool trap_fenced(const struct trap_frame *frame)
{
	return !(frame->status & STATUS_SUM);
}

void *trap_ip(const struct trap_frame *frame)
{
	return (void *)frame->pc;
}

void trap_ip_set(struct trap_frame *frame, uintptr_t ip)
{
	frame->pc = ip;
}

/* trap.S: behind the frame of a trap from user mode. */
struct user_frame {
	struct trap_frame common;
	uint64_t gp, tp, sp;
};

void trap_user_resume(struct trap_frame *frame, uintptr_t ip, uintptr_t stack, int status)
{
	((struct user_frame *)frame)->sp = stack;
	frame->pc = ip;
	frame->a0 = (uint64_t)(int64_t)status;
}

/* The stack is empty whenever user mode runs, so it is enough that user_enter() knows. */
void user_stack_set(void *end)
{
	trap_user_stack = end;
}

void trap_resume(struct trap_frame *frame, void *stack, int status)
{
	frame->pc = (uintptr_t)trap_try_end;
	frame->a1 = (uintptr_t)stack;
	frame->a0 = (uint64_t)status;
}

void trap_dump(const struct trap_frame *frame)
{
	kernel_printf("cause %lx value %016lx\n", frame->cause, frame->value);
	kernel_printf("pc %016lx status %lx\n", frame->pc, frame->status);
	kernel_printf("ra %016lx sp %016lx\n", frame->ra, (uint64_t)(frame + 1));
	kernel_printf("a0 %016lx a1 %016lx a2 %016lx\n", frame->a0, frame->a1, frame->a2);
	kernel_printf("a3 %016lx a4 %016lx a5 %016lx\n", frame->a3, frame->a4, frame->a5);
	kernel_printf("a6 %016lx a7 %016lx t0 %016lx\n", frame->a6, frame->a7, frame->t0);
	kernel_printf("t1 %016lx t2 %016lx t3 %016lx\n", frame->t1, frame->t2, frame->t3);
	kernel_printf("t4 %016lx t5 %016lx t6 %016lx\n", frame->t4, frame->t5, frame->t6);
}

/* The words that context_switch() loads: ra, s0 to s11 and tp. Traps will be taken on this
 * stack, so the hart must have seen its mapping by then (arch/riscv64/mmu.h). */
void *context_make(void *top, void (*entry)(void))
{
	uintptr_t *words = (uintptr_t *)top - CONTEXT_BYTES / sizeof(uintptr_t);

	__asm__ volatile("sfence.vma" : : : "memory");
	words[0] = (uintptr_t)entry;
	for (unsigned int i = 1; i <= 12; i++) {
		words[i] = 0;
	}
	words[13] = (uintptr_t)top - CONFIG_KERNEL_STACK_BYTES + STACK_ROOM_BYTES;
	return words;
}
