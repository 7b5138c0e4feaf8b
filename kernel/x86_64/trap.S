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
 */
#include "kernel/x86_64/local.h"

	.text

/* Vectors for which the CPU pushes an error code: 8, 10 to 14, 17, 21, 29, 30. */
#define WITH_ERROR 0x60227d00

	.balign 16
	.globl trap_stubs
trap_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	.if vector > 31 || !((WITH_ERROR >> vector) & 1)
	pushq $0
	.endif
	pushq $vector
	jmp trap_entry
	.set vector, vector + 1
	.endr

trap_entry:
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
	iretq

/* SYSCALL: where to return to in rcx, flags in r11; trap_start() says which flags are cleared. The
 * words are in rdi, rsi, rdx and r10, the number in rax. What a function keeps, syscall_handle()
 * does; the rest is cleared on the way out. SYSRET faults, in the kernel and on the user's stack,
 * when rcx is not canonical: there is no such address behind one that was executed, as all
 * of the space is in the upper half, whose end is followed by 0. */
	.globl trap_syscall
trap_syscall:
	movq %rsp, trap_user_stack(%rip)
	movq trap_tss + TSS_STACK(%rip), %rsp
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
	iretq

	.section .note.GNU-stack, "", @progbits
