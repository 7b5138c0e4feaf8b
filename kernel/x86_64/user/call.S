/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.S - for programs in user mode: their start and their way to the kernel. A system
 * call has its number in rax, its words in rdi, rsi, rdx and r10, its result in rax; rcx and r11
 * are lost (SYSCALL), and the other registers that a call may change.
 */
#include "kernel/syscall.h"
#include "kernel/x86_64/local.h"

	.section .text.start, "ax", @progbits
	.globl user_start
user_start:
	xorl %ebp, %ebp
	call user_main
	movl %eax, %edi
	movl $SYSCALL_EXIT, %eax
	syscall
	ud2

	.text
/* intptr_t user_call(uintptr_t number, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d) */
	.globl user_call
user_call:
	movq %rdi, %rax
	movq %rsi, %rdi
	movq %rdx, %rsi
	movq %rcx, %rdx
	movq %r8, %r10
	syscall
	ret

/* uintptr_t user_call_rest(void): a call, then all registers at once that it may have changed, but
 * for its result, and what SYSCALL leaves in rcx and r11. */
	.globl user_call_rest
user_call_rest:
	movl $SYSCALL_TICKS, %eax
	syscall
	movq %rdi, %rax
	.irp name, rsi, rdx, r8, r9, r10
	orq %\name, %rax
	.endr
	ret

/* void user_privileged(unsigned int which): SGDT is refused where the CPU has UMIP (CPUID 7, bit 2
 * of ecx). Floating point and vectors are switched off. */
	.globl user_privileged
user_privileged:
	leaq 0f(%rip), %rax
	movl %edi, %edi
	shlq $4, %rdi
	addq %rdi, %rax
	jmp *%rax
	.balign 16
0:	hlt
	.balign 16
	cli
	.balign 16
	movq %rax, %cr3
	.balign 16
	movq %cr0, %rax
	.balign 16
	wrmsr
	.balign 16
	lidt -24(%rsp)
	.balign 16
	outb %al, $0x80
	.balign 16
	int $0x40
	.balign 16
	fldz
	.balign 16
	.byte 0xf3, 0x48, 0x0f, 0xae, 0xc0 /* rdfsbase rax */
	.balign 16
	jmp 1f
	/* beyond the table */
1:	pushq %rbx
	movl $7, %eax
	xorl %ecx, %ecx
	cpuid
	popq %rbx
	testl $4, %ecx
	jz 2f
	sgdt -24(%rsp)
	ret
2:	xorps %xmm0, %xmm0
	ret

	/* Flags: ID, AC, NT, direction, single steps. */
	.macro flags_clear
	pushq $2
	popfq
	.endm

	.balign 4
0:	.long 1 << 21, 1 << 18, 1 << 14, 1 << 10, 1 << 8

/* intptr_t user_call_flag(unsigned int which, uintptr_t number, uintptr_t a, uintptr_t b,
 * uintptr_t c) */
	.globl user_call_flag
user_call_flag:
	movq %rsi, %r9
	movq %rcx, %rsi
	xorl %r10d, %r10d
	movl %edi, %ecx
	movq %rdx, %rdi
	movq %r8, %rdx
	leaq 0b(%rip), %rax
	movl (%rax, %rcx, 4), %r11d
	movq %r9, %rax
	pushfq
	orq %r11, (%rsp)
	popfq
	syscall
	flags_clear
	ret

/* uint8_t user_touch_flag(unsigned int which, volatile void *address) */
	.globl user_touch_flag
user_touch_flag:
	movl %edi, %edi
	leaq 0b(%rip), %rax
	movl (%rax, %rdi, 4), %r11d
	pushfq
	orq %r11, (%rsp)
	popfq
	movzbl (%rsi), %eax
	movb %al, (%rsi)
	flags_clear
	ret

/* void user_leave(void): data segments. */
	.globl user_leave
user_leave:
	movl $SELECTOR_USER_DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	ret

/* uintptr_t user_left(void) */
	.globl user_left
user_left:
	xorl %eax, %eax
	.irp name, ds, es, fs, gs
	movl %\name, %ecx
	orl %ecx, %eax
	.endr
	ret

/* int user_try(void (*function)(void *), void *argument): after a fault the kernel goes on at 1
 * with the stack as it was there and the error in rax. */
	.globl user_try
user_try:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	pushq %rsi
	movq %rdi, %rbx
	leaq 1f(%rip), %rdi
	movq %rsp, %rsi
	movl $SYSCALL_TRY, %eax
	syscall
	movq (%rsp), %rdi
	call *%rbx
	xorl %edi, %edi
	movl $SYSCALL_TRY, %eax
	syscall
	xorl %eax, %eax
1:	cld
	addq $8, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret

	.section .note.GNU-stack, "", @progbits
