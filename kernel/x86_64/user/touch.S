/* SPDX-License-Identifier: Apache-2.0 */
/*
 * touch.S - a touch with something in every register (apps/user/user.h): what a trap may not
 * change. Its own stack is a page like others, and may be out.
 */
#define PATTERN 0x0123456789abcdef
#define WAIT    30000000 /* times round, longer than the timer's tick */

/* On the stack: 16 registers and the flags, twice; where to go; the flags to set. */
#define BEFORE 0
#define AFTER  136
#define WHERE  272
#define FLAGS_SET 280
#define BYTES  296

/* IF, which is set whatever is said of it in user mode, and all that instructions set; with those
 * for which the kernel goes another way, direction and, not its own, AC. */
#define FLAGS           0xad7
#define FLAGS_DIRECTION 0xed7
#define FLAGS_AC        0x40ed7
#define FLAGS_NONE      0x202

#define WAITS  3
#define KERNEL 4

	.macro all_store to
	.set slot, 0
	.irp name, rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15
	movq %\name, \to + 8 * slot(%rsp)
	.set slot, slot + 1
	.endr
	pushfq
	popq \to + 128(%rsp)
	.endm

	.text
/* uint64_t user_touch_all(volatile void *address, unsigned int how) */
	.globl user_touch_all
user_touch_all:
	.irp name, rbx, rbp, r12, r13, r14, r15
	pushq %\name
	.endr
	subq $BYTES, %rsp
	movl $FLAGS_AC, %ecx
	cmpl $WAITS, %esi
	je 9f
	movl $FLAGS_DIRECTION, %ecx
	testl $~KERNEL, %esi
	jz 9f
	cmpl $WAITS + KERNEL, %esi
	je 9f
	movl $FLAGS, %ecx
9:	movq %rcx, FLAGS_SET(%rsp)
	andl $~KERNEL, %esi
	leaq 8f(%rip), %rax
	movslq (%rax, %rsi, 4), %rdx
	addq %rax, %rdx
	movq %rdx, WHERE(%rsp)
	movabsq $PATTERN, %rax
	xorq %rdi, %rax
	.set number, 1
	.irp name, rbx, rcx, rdx, rsi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
	leaq number(%rax), %\name
	.set number, number + 1
	.endr
	pushq FLAGS_SET(%rsp)
	popfq
	all_store BEFORE
	jmp *WHERE(%rsp)
0:	pushq (%rdi)
	leaq 8(%rsp), %rsp
	jmp 5f
1:	movb %al, (%rdi)
	jmp 5f
2:	call *%rdi
	jmp 5f
3:	movl $WAIT, %ecx
4:	loop 4b
	movq BEFORE + 16(%rsp), %rcx
5:	all_store AFTER
	pushq $FLAGS_NONE
	popfq
	xorl %eax, %eax
	movl $16, %ecx
6:	movq BEFORE(%rsp, %rcx, 8), %rdx
	cmpq AFTER(%rsp, %rcx, 8), %rdx
	je 7f
	btsq %rcx, %rax
7:	decl %ecx
	jns 6b
	addq $BYTES, %rsp
	.irp name, r15, r14, r13, r12, rbp, rbx
	popq %\name
	.endr
	ret
	.balign 4
8:	.long 0b - 8b, 1b - 8b, 2b - 8b, 3b - 8b

	.section .note.GNU-stack, "", @progbits
