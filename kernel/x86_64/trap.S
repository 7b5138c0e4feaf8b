/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trap.S - the ways into the kernel and out of it again: traps, system calls, and the first
 * entry to user mode. The frame that they build is struct trap_frame (trap.c). Page faults and
 * interrupts save what a function may destroy; what it keeps is saved where a fault is refused.
 *
 * System calls come by SYSCALL, not by an interrupt gate: it touches no memory, so a CPU does it
 * several times as fast, and no vector is open to user mode but breakpoints. It leaves the
 * stack as it was: until the first push below nothing may trap but what has a stack of its own
 * (trap.c), so interrupts are masked until then. One CPU: what a way in keeps for a moment is
 * at a fixed place.
 *
 * With CONFIG_X86_KPTI user mode has tables of its own, in which of the kernel's there are only
 * the trampoline: this file and what it needs while they are current.
 *
 *     a trap from user mode    the CPU pushes to trap_stack, in the trampoline; CR3 becomes the
 *                              kernel's; what was pushed is copied to the thread's stack
 *     back                     what IRETQ pops is copied to trap_stack, but for the segments, which
 *                              are the same each time; CR3 becomes user mode's
 *     a system call            nothing is pushed before CR3 has changed
 *
 * Traps from the kernel find its tables current, but for those with a stack of their own, which
 * may come between a change of CR3 and a change of mode: these set CR3 whatever it is. They
 * do not return.
 */
#include "kernel/x86_64/local.h"

	.section .trampoline_text, "ax", @progbits

/* Vectors for which the CPU pushes an error code: 8, 10 to 14, 17, 21, 29, 30. */
#define WITH_ERROR 0x60227d00
/* Those with a stack of their own: 2, 8, 18. */
#define WITH_STACK 0x00040104

/* Flags with which no C function may run: direction, and AC, which opens user memory. */
#define FLAGS_LONG_WAY  0x40400
#define FLAG_INTERRUPTS 0x200

/* K_MEM_FAULT_FENCED. */
#define FENCED_SHIFT 3

/* In struct trap_frame. */
#define FRAME_ADDRESS 56
#define FRAME_R11     64
#define FRAME_ERROR   136
#define FRAME_FLAGS   160

	/* What a function may destroy, but rax. */
	.macro scratch_push
	pushq %rcx
	pushq %rdx
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	.endm

	.macro scratch_pop
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rdx
	popq %rcx
	.endm

	/* What a function keeps. */
	.macro kept_push
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	.endm

	.macro kept_pop
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	.endm

	/* A C function wants the direction clear, and user mode may have set AC, which opens its
	 * memory. No interrupt gate clears them. */
	.macro flags_clear
	cld
	cmpb $0, trap_smap(%rip)
	je .Lcleared_\@
	clac
.Lcleared_\@:
	.endm

	/* The kernel's tables, by way of a register that may be lost. */
	.macro tables_kernel register
	movq mmu_kernel_cr3(%rip), \register
	movq \register, %cr3
	.endm

	/* From trap_stack to the thread's: what the CPU pushed. */
	.macro user_take
	movq trap_thread_stack(%rip), %rsp
	pushq trap_stack_end - 8(%rip)
	pushq trap_stack_end - 16(%rip)
	pushq trap_stack_end - 24(%rip)
	pushq trap_stack_end - 32(%rip)
	pushq trap_stack_end - 40(%rip)
	.endm

	/* Back from the thread's stack, where rax is, then `skip` bytes, then what IRETQ pops. Code
	 * and stack segment are in trap_stack: user mode has but one of each. */
	.macro user_leave skip
	popq trap_stack_end - 48(%rip)
	.if \skip
	addq $\skip, %rsp
	.endif
	popq trap_stack_end - 40(%rip)
	addq $8, %rsp
	popq trap_stack_end - 24(%rip)
	popq trap_stack_end - 16(%rip)
	leaq trap_stack_end - 48(%rip), %rsp
	movq mmu_user_cr3(%rip), %rax
	movq %rax, %cr3
	popq %rax
	iretq
	.endm

/* ---- page faults: the short way, and out of it ------------------------------------------- */

/* On the stack: error, rip, cs, rflags, rsp, ss. The rest of the frame is built from its end. */
	.balign 16
	.globl trap_fault
trap_fault:
	testb $3, 16(%rsp)
	jnz trap_fault_user
	pushq %rax
	scratch_push
	movl FRAME_FLAGS - FRAME_R11(%rsp), %eax
	andl $FLAGS_LONG_WAY | FLAG_INTERRUPTS, %eax
	cmpl $FLAG_INTERRUPTS, %eax
	jne trap_fault_long
	movq %cr2, %rdi
	pushq %rdi
	movq FRAME_ERROR - FRAME_ADDRESS(%rsp), %rsi
	movzbl mmu_smap(%rip), %edx
	shll $FENCED_SHIFT, %edx
	call fault_serve
	testl %eax, %eax
	jnz trap_fault_refused
	addq $8, %rsp
	scratch_pop
	popq %rax
	addq $8, %rsp
	iretq

trap_fault_user:
	pushq %rax
	.if CONFIG_X86_KPTI
	tables_kernel %rax
	user_take
	pushq trap_stack_end - 48(%rip)
	pushq trap_stack_end - 56(%rip)
	.endif
	scratch_push
	testl $FLAGS_LONG_WAY, FRAME_FLAGS - FRAME_R11(%rsp)
	jnz 2f
1:	movq %cr2, %rdi
	pushq %rdi
	movq FRAME_ERROR - FRAME_ADDRESS(%rsp), %rsi
	call fault_serve_user
	testl %eax, %eax
	jnz trap_fault_refused
	addq $8, %rsp
	scratch_pop
	.if CONFIG_X86_KPTI
	user_leave 8
	.else
	popq %rax
	addq $8, %rsp
	iretq
	.endif
2:	flags_clear
	jmp 1b

trap_fault_long:
	movl $VECTOR_PAGE_FAULT, %eax
	jmp trap_save_rest

/* What is still to be saved is as it was at the fault: C functions kept it. */
trap_fault_refused:
	movq (%rsp), %rsi
	movq FRAME_ERROR - FRAME_ADDRESS(%rsp), %rdx
	movl %eax, %ecx
	pushq $VECTOR_PAGE_FAULT
	kept_push
	movq %rsp, %rdi
	subq $8, %rsp
	call fault_refused
	jmp trap_restore

/* ---- interrupts ---------------------------------------------------------------------------- */

/* The vector in eax. On the stack: rax, rip, cs, rflags, rsp, ss. */
trap_interrupt:
	testb $3, 16(%rsp)
	jnz trap_interrupt_user
	scratch_push
	testl $FLAGS_LONG_WAY, 88(%rsp)
	jnz 2f
1:	movl %eax, %edi
	call trap_interrupted
	scratch_pop
	popq %rax
	iretq
2:	flags_clear
	jmp 1b

trap_interrupt_user:
	.if CONFIG_X86_KPTI
	pushq %rcx
	tables_kernel %rcx
	popq %rcx
	user_take
	pushq trap_stack_end - 48(%rip)
	.endif
	scratch_push
	testl $FLAGS_LONG_WAY, 88(%rsp)
	jnz 2f
1:	movl %eax, %edi
	call trap_interrupted
	scratch_pop
	.if CONFIG_X86_KPTI
	user_leave 0
	.else
	popq %rax
	iretq
	.endif
2:	flags_clear
	jmp 1b

/* ---- all others ------------------------------------------------------------------------------ */

	.balign 16
	.globl trap_stubs
trap_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	.if vector >= VECTOR_EXCEPTIONS
	pushq %rax
	movl $vector, %eax
	jmp trap_interrupt
	.else
	.if !((WITH_ERROR >> (vector & 31)) & 1)
	pushq $0
	.endif
	pushq $vector
	.if CONFIG_X86_KPTI && ((WITH_STACK >> (vector & 31)) & 1)
	jmp trap_entry_any
	.else
	jmp trap_entry
	.endif
	.endif
	.set vector, vector + 1
	.endr

	.if CONFIG_X86_KPTI
trap_entry_any:
	xchgq %rax, (%rsp)
	pushq %rcx
	movq mmu_kernel_cr3(%rip), %rcx
	testq %rcx, %rcx /* boot's tables are still current */
	jz 1f
	movq %rcx, %cr3
1:	popq %rcx
	jmp trap_save
	.endif

/* On the stack: vector, error, rip, cs, rflags, rsp, ss. The vector goes to eax, rax where it
 * was. */
trap_entry:
	xchgq %rax, (%rsp)
	.if CONFIG_X86_KPTI
	testb $3, 24(%rsp)
	jz trap_save
	pushq %rcx
	tables_kernel %rcx
	popq %rcx
	user_take
	pushq trap_stack_end - 48(%rip)
	pushq trap_stack_end - 56(%rip)
	.endif
trap_save:
	scratch_push
trap_save_rest:
	movq %cr2, %rcx
	pushq %rcx
	pushq %rax
	kept_push
	flags_clear
	movq %rsp, %rdi
	subq $8, %rsp
	call trap_dispatch
trap_restore:
	addq $8, %rsp
	kept_pop
	addq $16, %rsp
	scratch_pop
	popq %rax
	addq $8, %rsp
/* On the stack: rip, cs, rflags, rsp, ss. Masked. */
trap_return:
	.if CONFIG_X86_KPTI
	testb $3, 8(%rsp)
	jz 1f
	pushq %rax
	movq %rsp, %rax
	leaq trap_stack_end(%rip), %rsp
	pushq 40(%rax)
	pushq 32(%rax)
	pushq 24(%rax)
	pushq 16(%rax)
	pushq 8(%rax)
	pushq (%rax)
	movq mmu_user_cr3(%rip), %rax
	movq %rax, %cr3
	popq %rax
1:
	.endif
	iretq

/* SYSCALL: where to return to in rcx, flags in r11; trap_start() says which flags are cleared. The
 * words are in rdi, rsi, rdx and r10, the number in rax. What a function keeps, syscall_handle()
 * does; the rest is cleared on the way out. SYSRET faults, in the kernel and on the user's stack,
 * when rcx is not canonical: there is no such address behind one that was executed, as all
 * of the space is in the upper half, whose end is followed by 0. */
	.globl trap_syscall
trap_syscall:
	movq %rsp, trap_user_stack(%rip)
	.if CONFIG_X86_KPTI
	movq mmu_kernel_cr3(%rip), %rsp
	movq %rsp, %cr3
	.endif
	movq trap_thread_stack(%rip), %rsp
	pushq trap_user_stack(%rip)
	pushq %r11
	pushq %rcx
	sti
	movq %r10, %rcx
	movq %rax, %r8
	subq $8, %rsp
	call syscall_handle
	cli
	addq $8, %rsp
	popq %rcx
	popq %r11
	popq %rsp
	.if CONFIG_X86_KPTI
	movq mmu_user_cr3(%rip), %rdx
	movq %rdx, %cr3
	.endif
	xorl %edi, %edi
	xorl %esi, %esi
	xorl %edx, %edx
	xorl %r8d, %r8d
	xorl %r9d, %r9d
	xorl %r10d, %r10d
	sysretq

/* void user_enter(uintptr_t entry, uintptr_t argument, uintptr_t stack) */
	.globl user_enter
user_enter:
	pushq $SELECTOR_USER_DATA
	pushq %rdx
	pushq $FLAGS_USER
	pushq $SELECTOR_USER_CODE
	pushq %rdi
	movq %rsi, %rdi
	xorl %eax, %eax
	xorl %ebx, %ebx
	xorl %ecx, %ecx
	xorl %edx, %edx
	xorl %esi, %esi
	xorl %ebp, %ebp
	xorl %r8d, %r8d
	xorl %r9d, %r9d
	xorl %r10d, %r10d
	xorl %r11d, %r11d
	xorl %r12d, %r12d
	xorl %r13d, %r13d
	xorl %r14d, %r14d
	xorl %r15d, %r15d
	jmp trap_return

	.section .trampoline_data, "aw", @progbits
	.balign 16
/* For what the CPU pushes, and two registers. */
	.skip 64
	.globl trap_stack_end
trap_stack_end:
/* The end of the running thread's stack; user mode's stack while a system call begins. */
	.globl trap_thread_stack
trap_thread_stack:
	.quad 0
trap_user_stack:
	.quad 0

	.section .note.GNU-stack, "", @progbits
