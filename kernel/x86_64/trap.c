/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trap.c - descriptor tables, and where traps go: page faults to fault_handle(),
 * interrupts to the APIC's dispatcher, what user mode may not do to fault_user(),
 * everything else to kernel_panic().
 *
 * All gates mask interrupts. Double faults have a stack of their own, so that a
 * thread whose stack ran into its guard page is reported instead of resetting the
 * machine; so have those traps that no mask keeps away, as the first instructions of a
 * system call run on user mode's stack.
 *
 * Floating point and vectors stay switched off: CR0.EM is set, CR4.OSFXSR clear.
 */
#include <stddef.h>

#include <quire/compiler.h>
#include <quire/paging.h>

#include "kernel/kernel.h"
#include "kernel/machine.h"
#include "kernel/sched.h"
#include "kernel/x86_64/local.h"

#include <cpu.h>

/* trap.S builds it, from its end on. */
struct trap_frame {
	uint64_t r15, r14, r13, r12, rbp, rbx;
	uint64_t vector;
	uint64_t address; /* CR2 */
	uint64_t r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
	uint64_t error;
	uint64_t rip, cs, rflags, rsp, ss;
};
_Static_assert(offsetof(struct trap_frame, address) == 56 &&
		       offsetof(struct trap_frame, r11) == 64 &&
		       offsetof(struct trap_frame, error) == 136 &&
		       offsetof(struct trap_frame, rflags) == 160 && K_MEM_FAULT_FENCED == 1 << 3,
	       "trap.S knows the frame, and the number");

#define VECTOR_NMI           2
#define VECTOR_BREAKPOINT    3
#define VECTOR_DOUBLE_FAULT  8
#define VECTOR_MACHINE_CHECK 18
#define GATE_INTERRUPT 0x8e00u
#define GATE_USER      0x6000u /* user mode may use it */
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

/* What is there in user mode, too, where that has tables of its own (trap.S). */
#define TRAMPOLINE QR_SECTION(".trampoline_data")

#define OWN_STACK 1u
static TRAMPOLINE uint8_t own_stack[4096] QR_ALIGNED(16);
static TRAMPOLINE struct tss tss;
static TRAMPOLINE struct gate gates[256] QR_ALIGNED(16);
/* Code and data of the kernel, data and code of user mode, the TSS. */
static TRAMPOLINE uint64_t descriptors[] = {
	0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cff3000000ffff, 0x00affb000000ffff, 0, 0,
};

/* trap.S: the stack on which traps from user mode start where they change tables, and the running
 * thread's. */
extern uint8_t trap_stack_end[];
extern uintptr_t trap_thread_stack;
/* For trap.S: is there an AC to clear? */
extern uint8_t trap_smap;
uint8_t trap_smap;

extern const uint8_t trap_stubs[256][16];
extern const uint8_t trap_try_end[];
void trap_fault(void);
void trap_syscall(void);
void trap_dispatch(struct trap_frame *frame);
void trap_interrupted(unsigned int vector);

static void gate_set(unsigned int vector, unsigned int more)
{
	uintptr_t stub = vector == VECTOR_PAGE_FAULT ? (uintptr_t)trap_fault
						     : (uintptr_t)trap_stubs[vector];

	gates[vector] = (struct gate){
		.offset_low = (uint16_t)stub,
		.selector = SELECTOR_CODE,
		.type = (uint16_t)(GATE_INTERRUPT | more),
		.offset_middle = (uint16_t)(stub >> 16),
		.offset_high = (uint32_t)(stub >> 32),
	};
}

static void gates_set(void)
{
	for (unsigned int vector = 0; vector < 256; vector++) {
		gate_set(vector, 0);
	}
	gate_set(VECTOR_NMI, OWN_STACK);
	gate_set(VECTOR_DOUBLE_FAULT, OWN_STACK);
	gate_set(VECTOR_MACHINE_CHECK, OWN_STACK);
	gate_set(VECTOR_BREAKPOINT, GATE_USER);
}

static void msr_write(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr"
			 : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(msr));
}

static uint64_t msr_read(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

#define MSR_EFER  0xc0000080u
#define MSR_STAR  0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_FMASK 0xc0000084u
#define EFER_SCE  1u
/* Cleared at a system call: interrupts, single steps, direction, IOPL, NT, AC. */
#define FLAGS_CLEARED 0x47700u
#define CR0_EM ((uint64_t)1 << 2)

/* The way in for system calls; no floating point; what user mode can leave set (SMAP's AC). */
static void syscall_start(void)
{
	uint32_t eax = 0, ebx, ecx = 0, edx;
	uint64_t cr0;

	msr_write(MSR_STAR, (uint64_t)SELECTOR_SYSRET << 48 | (uint64_t)SELECTOR_CODE << 32);
	msr_write(MSR_LSTAR, (uintptr_t)trap_syscall);
	msr_write(MSR_FMASK, FLAGS_CLEARED);
	msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_SCE);
	__asm__ volatile("movq %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("movq %0, %%cr0" : : "r"(cr0 | CR0_EM) : "memory");
	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	if (eax >= 7) {
		eax = 7;
		ecx = 0;
		__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
		trap_smap = ebx >> 20 & 1;
	}
}

void trap_start(void)
{
	uintptr_t base = (uintptr_t)&tss;
	struct table_pointer gdt = {sizeof(descriptors) - 1, descriptors};
	struct table_pointer idt = {sizeof(gates) - 1, gates};

	gates_set();
	tss.rsp[0] = (uintptr_t)trap_stack_end;
	tss.ist[OWN_STACK - 1] = (uintptr_t)own_stack + sizeof(own_stack);
	tss.io_map = sizeof(tss);
	descriptors[SELECTOR_TSS / 8] = (sizeof(tss) - 1) | (base & 0xffffff) << 16 |
					(uint64_t)TSS_PRESENT << 40 | (base >> 24 & 0xff) << 56;
	descriptors[SELECTOR_TSS / 8 + 1] = base >> 32;
	__asm__ volatile("lgdt %0; lidt %1; ltr %w2"
			 : : "m"(gdt), "m"(idt), "r"(SELECTOR_TSS) : "memory");
	syscall_start();
}

bool trap_user(const struct trap_frame *frame)
{
	return frame->cs & 3;
}

/* Vectors 0 to 19 (Intel SDM volume 3A, table 6-1). */
static const char *exception_name(uint64_t vector)
{
	static const char *const names[] = {
		"divide error", "debug trap", "NMI", "breakpoint", "overflow", "bound exceeded",
		"illegal instruction", "floating point", "double fault", "exception", "bad TSS",
		"no segment", "bad stack address", "protection fault", "page fault", "exception",
		"floating point", "unaligned access", "machine check", "floating point",
	};

	return vector < sizeof(names) / sizeof(names[0]) ? names[vector] : "exception";
}

static void exception(struct trap_frame *frame)
{
	if (frame->vector == VECTOR_DOUBLE_FAULT) {
		fault_stack(frame, frame->address);
	}
	if (CONFIG_USERSPACE && trap_user(frame) && frame->vector != VECTOR_NMI &&
	    frame->vector != VECTOR_MACHINE_CHECK) {
		fault_user(frame, exception_name(frame->vector));
		return;
	}
	kernel_panic(frame, exception_name(frame->vector));
}

void trap_dispatch(struct trap_frame *frame)
{
	if (frame->vector == VECTOR_PAGE_FAULT) {
		fault_handle(frame, frame->address, frame->error);
	} else {
		exception(frame);
	}
}

void trap_interrupted(unsigned int vector)
{
	sched_irq_enter();
	apic_interrupt(vector);
	sched_irq_leave();
}

bool trap_irqs_on(const struct trap_frame *frame)
{
	return irq_key_on(frame->rflags);
}

#define CR4_SMAP ((uint64_t)1 << 21)
#define FLAG_AC  ((uint64_t)1 << 18) /* opens what SMAP closes */
#define FLAGS_CHANGING 0x4500u       /* single steps, direction, NT */

bool entry_clean(void)
{
	uint64_t flags, cr4;

	__asm__ volatile("pushfq; popq %0; movq %%cr4, %1" : "=r"(flags), "=r"(cr4));
	return !(flags & FLAGS_CHANGING) && (!(flags & FLAG_AC) || !(cr4 & CR4_SMAP));
}

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

void trap_ip_set(struct trap_frame *frame, uintptr_t ip)
{
	frame->rip = ip;
}

void trap_user_resume(struct trap_frame *frame, uintptr_t ip, uintptr_t stack, int status)
{
	frame->rip = ip;
	frame->rsp = stack;
	frame->rax = (uint64_t)(int64_t)status;
	frame->rflags = FLAGS_USER;
}

/* Segment registers do nothing, but user mode can load them. */
static void segments_clear(void)
{
	__asm__ volatile("movl %0, %%ds; movl %0, %%es; movl %0, %%fs; movl %0, %%gs" : : "r"(0));
}

void user_stack_set(void *end)
{
	segments_clear();
	trap_thread_stack = (uintptr_t)end;
	if (!CONFIG_X86_KPTI) {
		tss.rsp[0] = (uintptr_t)end;
	}
}

void trap_resume(struct trap_frame *frame, void *stack, int status)
{
	frame->rip = (uintptr_t)trap_try_end;
	frame->rsp = (uintptr_t)stack;
	frame->rax = (uint64_t)(unsigned int)status;
}

void trap_dump(const struct trap_frame *frame)
{
	kernel_printf("vector %lu error %lx cr2 %016lx\n", frame->vector, frame->error,
		      frame->address);
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
