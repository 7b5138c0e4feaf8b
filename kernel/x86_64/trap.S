/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trap.S - the ways into the kernel and out of it again: traps, system calls, and the first
 * entry to user mode. The frame that trap_entry builds is struct trap_frame (trap.c).
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
 *     back                     what IRETQ pops is copied to trap_stack; CR3 becomes user mode's
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

	.balign 16
	.globl trap_stubs
trap_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	.if vector > 31 || !((WITH_ERROR >> (vector & 31)) & 1)
	pushq $0
	.endif
	pushq $vector
	.if CONFIG_X86_KPTI && vector <= 31 && ((WITH_STACK >> (vector & 31)) & 1)
	jmp trap_entry_any
	.else
	jmp trap_entry
	.endif
	.set vector, vector + 1
	.endr

	.if CONFIG_X86_KPTI
trap_entry_any:
	pushq %rax
	movq mmu_kernel_cr3(%rip), %rax
	testq %rax, %rax /* boot's tables are still current */
	jz 1f
	movq %rax, %cr3
1:	popq %rax
	jmp trap_save
	.endif

/* On the stack: vector, error, rip, cs, rflags, rsp, ss. */
trap_entry:
	.if CONFIG_X86_KPTI
	testb $3, 24(%rsp)
	jz trap_save
	pushq %rax
	movq mmu_kernel_cr3(%rip), %rax
	movq %rax, %cr3
	movq %rsp, %rax
	movq trap_thread_stack(%rip), %rsp
	pushq 56(%rax)
	pushq 48(%rax)
	pushq 40(%rax)
	pushq 32(%rax)
	pushq 24(%rax)
	pushq 16(%rax)
	pushq 8(%rax)
	movq (%rax), %rax
	.endif
trap_save:
	pushq %rax
	pushq %rbx
	pushq %rcx
	pushq %rdx
	pushq %rsi
	pushq %rdi
	pushq %rbp
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	cld
	cmpb $0, trap_smap(%rip)
	je 1f
	clac /* user mode may have set AC */
1:	movq %rsp, %rdi
	call trap_dispatch
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rbp
	popq %rdi
	popq %rsi
	popq %rdx
	popq %rcx
	popq %rbx
	popq %rax
	addq $16, %rsp
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
/* For what the CPU pushes, and one register. */
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
