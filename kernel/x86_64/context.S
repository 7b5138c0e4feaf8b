/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context.S - the switch between threads, and the call that a fault may cut short.
 */
	.text

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
