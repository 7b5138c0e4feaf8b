/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trap.c - where traps go: aborts to fault_handle(), interrupts to the interrupt
 * controller's dispatcher, what user mode may not do to fault_user(), everything else to
 * kernel_panic(). (System calls: trap.S.) All traps mask interrupts.
 */
#include <quire/compiler.h>
#include <quire/paging.h>

#include "kernel/arm64/local.h"
#include "kernel/kernel.h"
#include "kernel/machine.h"
#include "kernel/sched.h"

#include <cpu.h>

/* trap.S builds it: what a function may destroy, and the rest where it is wanted. */
struct trap_frame {
	uint64_t x[19], x30;
	uint64_t pc, state;
	uint64_t address, syndrome; /* FAR_EL1, ESR_EL1 */
	uint64_t kept[11];          /* from x19 on */
	uint64_t sp;
};
_Static_assert(K_MEM_FAULT_FENCED == 8, "trap.S knows it");
_Static_assert(sizeof(struct trap_frame) == TRAP_FRAME_BYTES, "trap.S knows the frame");

enum trap_kind {
	TRAP_UNEXPECTED,
	TRAP_OVERFLOW, /* an exception on a stack without room for its frame */
};

/* Classes of exceptions, ESR_EL1 bits 31:26, without the bit that is 0 for user mode. */
#define CLASS_SHIFT 27
#define CLASS_CODE  (0x21 >> 1)
#define CLASS_DATA  (0x25 >> 1)

/* PSTATE. */
#define STATE_LEVEL 0xfu       /* and the choice of a stack pointer; 0 is user mode */
#define STATE_PAN   (1u << 22) /* 0 on CPUs without it */

extern const uint8_t trap_vectors[], trap_try_end[];
void trap_exception(struct trap_frame *frame, int status);
void trap_interrupted(void);
QR_NORETURN void trap_ends(struct trap_frame *frame, enum trap_kind kind);

/* For user_enter(): where the stack of traps from user mode ends. */
extern void *trap_user_stack;
void *trap_user_stack;

#define MDSCR_TDCC ((uint64_t)1 << 12)

/* User mode gets no floating point and no vectors, counters, timers, or debugger's channel; what
 * SCTLR_EL1 could let it do, boot left off: cache maintenance, waiting, the interrupt mask. */
void trap_start(void)
{
	__asm__ volatile("msr vbar_el1, %0\n\t"
			 "msr cpacr_el1, xzr\n\t"
			 "msr cntkctl_el1, xzr\n\t"
			 "msr pmuserenr_el0, xzr\n\t"
			 "msr mdscr_el1, %1\n\t"
			 "isb"
			 : : "r"(trap_vectors), "r"(MDSCR_TDCC) : "memory");
}

/* ESR_EL1 bits 31:26 of what user mode can do beside aborts. */
static const char *class_name(unsigned int class)
{
	switch (class) {
	case 0x00:
	case 0x0e:
		return "illegal instruction";
	case 0x01:
		return "wait";
	case 0x07:
	case 0x19:
	case 0x1d:
		return "floating point";
	case 0x18:
		return "privileged instruction";
	case 0x22:
	case 0x26:
		return "unaligned address";
	case 0x3c:
		return "breakpoint";
	default:
		return "exception";
	}
}

/* Why an abort is none of the tables' (ESR_EL1 bits 5:0), NULL: it is. */
static const char *abort_name(unsigned int status)
{
	switch (status) {
	case 0x10:
		return "external abort";
	case 0x21:
		return "unaligned access";
	case 0x35:
		return "unsupported atomic access";
	default:
		return NULL;
	}
}

/* `status`: with which a page fault was refused, 0: it comes here first. */
void trap_exception(struct trap_frame *frame, int status)
{
	const uint64_t syndrome = frame->syndrome;
	const unsigned int class = (syndrome >> CLASS_SHIFT) & 0x1f;
	const char *what = abort_name(syndrome & 0x3f);

	if (class != CLASS_CODE && class != CLASS_DATA) {
		what = class_name((syndrome >> (CLASS_SHIFT - 1)) & 0x3f);
	}
	if (what != NULL && CONFIG_USERSPACE && trap_user(frame)) {
		fault_user(frame, what);
	} else if (what != NULL) {
		kernel_panic(frame, what);
	} else if (status != 0) {
		fault_refused(frame, frame->address, syndrome, status);
	} else {
		fault_handle(frame, frame->address, syndrome);
	}
}

void trap_interrupted(void)
{
	sched_irq_enter();
	gic_interrupt();
	sched_irq_leave();
}

static bool is_mapped(uintptr_t address)
{
	uint64_t par;

	__asm__ volatile("at s1e1w, %1\n\tisb\n\tmrs %0, par_el1" : "=r"(par) : "r"(address));
	return !(par & 1);
}

/* The stack pointer is in the guard, or so close to it that a frame would reach it. */
static QR_NORETURN void overflow(struct trap_frame *frame)
{
	__asm__ volatile("mrs %0, sp_el0" : "=r"(frame->sp));
	fault_stack(frame, is_mapped(frame->sp - 1) ? frame->sp - TRAP_FRAME_BYTES : frame->sp - 1);
}

void trap_ends(struct trap_frame *frame, enum trap_kind kind)
{
	if (kind == TRAP_OVERFLOW) {
		overflow(frame);
	}
	kernel_panic(frame, "unexpected trap");
}

bool trap_user(const struct trap_frame *frame)
{
	return !(frame->state & STATE_LEVEL);
}

bool trap_irqs_on(const struct trap_frame *frame)
{
	return irq_key_on(frame->state);
}

/* mmu.c: the CPU has PAN. */
extern uint8_t mmu_pan;

bool entry_clean(void)
{
	uint64_t pan = STATE_PAN;

	if (mmu_pan) {
		__asm__ volatile("mrs %0, s3_0_c4_c2_3" : "=r"(pan));
	}
	return pan & STATE_PAN;
}

bool trap_fenced(const struct trap_frame *frame)
{
	return frame->state & STATE_PAN;
}

void *trap_ip(const struct trap_frame *frame)
{
	return (void *)frame->pc;
}

void trap_ip_set(struct trap_frame *frame, uintptr_t ip)
{
	frame->pc = ip;
}

void trap_user_resume(struct trap_frame *frame, uintptr_t ip, uintptr_t stack, int status)
{
	frame->pc = ip;
	frame->sp = stack;
	frame->x[0] = (uint64_t)(int64_t)status;
}

/* The stack is empty whenever user mode runs, so it is enough that user_enter() knows. The
 * register that user mode may have for itself is not kept from one run of a thread to the
 * next: 0, and not another thread's. */
void user_stack_set(void *end)
{
	trap_user_stack = end;
	__asm__ volatile("msr tpidr_el0, xzr");
}

void trap_resume(struct trap_frame *frame, void *stack, int status)
{
	frame->pc = (uintptr_t)trap_try_end;
	frame->x[0] = (uint64_t)(unsigned int)status;
	frame->x[1] = (uintptr_t)stack;
}

static uint64_t x_of(const struct trap_frame *frame, unsigned int i)
{
	return i < 19 ? frame->x[i] : frame->kept[i - 19];
}

void trap_dump(const struct trap_frame *frame)
{
	kernel_printf("esr %08lx far %016lx\n", frame->syndrome, frame->address);
	kernel_printf("pc  %016lx sp  %016lx state %lx\n", frame->pc, frame->sp, frame->state);
	for (unsigned int i = 0; i < 30; i += 3) {
		kernel_printf("x%-2u %016lx x%-2u %016lx x%-2u %016lx\n", i, x_of(frame, i), i + 1,
			      x_of(frame, i + 1), i + 2, x_of(frame, i + 2));
	}
	kernel_printf("x30 %016lx\n", frame->x30);
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
