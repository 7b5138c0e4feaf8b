/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.S - for programs in user mode: their start and their way to the kernel. A system
 * call has its number in a4, its words in a0 to a3, its result in a0; the other registers
 * that a call may change are lost, but for ra.
 */
#include "kernel/riscv64/local.h"
#include "kernel/syscall.h"

	.section .text.start, "ax", @progbits
	.globl user_start
user_start:
	call user_main
	li a4, SYSCALL_EXIT
	ecall
	unimp

	.text
/* intptr_t user_call(uintptr_t number, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d) */
	.globl user_call
user_call:
	mv t0, a0
	mv a0, a1
	mv a1, a2
	mv a2, a3
	mv a3, a4
	mv a4, t0
	ecall
	ret

/* uintptr_t user_call_rest(void): a call, then all registers at once that it may have changed, but
 * for its result; and tp, if it was not kept. */
	.globl user_call_rest
user_call_rest:
	li tp, 77
	li a4, SYSCALL_TICKS
	ecall
	addi a0, tp, -77
	.irp name, a1, a2, a3, a4, a5, a6, a7, t0, t1, t2, t3, t4, t5, t6
	or a0, a0, \name
	.endr
	ret

/* void user_privileged(unsigned int which): floating point and the counters are switched off; the
 * semihost is the kernel's. No WFI: it may end at once, and that is allowed. */
	.globl user_privileged
user_privileged:
	la t0, 0f
	slli a0, a0, 4
	add t0, t0, a0
	jr t0
	.balign 16
	.option push
	.option norvc
0:	csrci sstatus, 2
	.balign 16
	csrw sscratch, zero
	.balign 16
	csrw satp, zero
	.balign 16
	csrr a0, sstatus
	.balign 16
	csrw stvec, zero
	.balign 16
	sfence.vma
	.balign 16
	sret
	.balign 16
	rdcycle a0
	.balign 16
	.word 0xf2000553 /* fmv.d.x fa0, zero */
	.balign 16
	csrr a0, fcsr
	.balign 16
	j 1f
	.option pop
	/* beyond the table */
1:	li a0, SEMIHOST_EXIT
	mv a1, sp
	semihost
	ret

/* intptr_t user_call_flag(unsigned int which, uintptr_t number, uintptr_t a, uintptr_t b,
 * uintptr_t c): there are no flags. */
	.globl user_call_flag
user_call_flag:
	mv a0, a2
	mv t0, a1
	mv a1, a3
	mv a2, a4
	mv a4, t0
	li a3, 0
	ecall
	ret

/* uint8_t user_touch_flag(unsigned int which, volatile void *address) */
	.globl user_touch_flag
user_touch_flag:
	lbu a0, (a1)
	sb a0, (a1)
	ret

/* void user_leave(void): gp and tp are kept with the thread, so there is nothing. */
	.globl user_leave
user_leave:
	ret

/* uintptr_t user_left(void) */
	.globl user_left
user_left:
	li a0, 0
	ret

/* int user_try(void (*function)(void *), void *argument): after a fault the kernel goes on at 1
 * with the stack as it was there and the error in a0. */
	.globl user_try
user_try:
	addi sp, sp, -CONTEXT_BYTES
	sd ra, 0(sp)
	sd s0, 8(sp)
	sd s1, 16(sp)
	sd s2, 24(sp)
	sd s3, 32(sp)
	sd s4, 40(sp)
	sd s5, 48(sp)
	sd s6, 56(sp)
	sd s7, 64(sp)
	sd s8, 72(sp)
	sd s9, 80(sp)
	sd s10, 88(sp)
	sd s11, 96(sp)
	mv s0, a0
	mv s1, a1
	la a0, 1f
	mv a1, sp
	li a4, SYSCALL_TRY
	ecall
	mv a0, s1
	jalr s0
	li a0, 0
	li a4, SYSCALL_TRY
	ecall
	li a0, 0
1:	ld ra, 0(sp)
	ld s0, 8(sp)
	ld s1, 16(sp)
	ld s2, 24(sp)
	ld s3, 32(sp)
	ld s4, 40(sp)
	ld s5, 48(sp)
	ld s6, 56(sp)
	ld s7, 64(sp)
	ld s8, 72(sp)
	ld s9, 80(sp)
	ld s10, 88(sp)
	ld s11, 96(sp)
	addi sp, sp, CONTEXT_BYTES
	ret

	.section .note.GNU-stack, "", @progbits
