/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trap.S - entry and exit of traps, the switch between threads, and the call that a
 * fault may cut short. The frame that trap_entry builds is struct trap_frame (trap.c).
 */
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
	movq %rsp, %rdi
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

/* void context_switch(void **from, void *to) */
	.globl context_switch
context_switch:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret

/* int trap_try(void (*function)(void *), void *argument, void **stack) */
	.globl trap_try
trap_try:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdx)
	movq %rdi, %rax
	movq %rsi, %rdi
	subq $8, %rsp
	call *%rax
	addq $8, %rsp
	xorl %eax, %eax
	.globl trap_try_end
trap_try_end:
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret

	.section .note.GNU-stack, "", @progbits
