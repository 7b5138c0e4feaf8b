/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trap.S - entry and exit of traps, the switch between threads, the call that a fault may
 * cut short, and the call of the semihost. The frame that trap_entry builds is struct
 * trap_frame (trap.c); what C code keeps is not in it.
 *
 * Traps are taken on the stack that is in use. sscratch is 0, but while a frame is being
 * built. A trap meanwhile means that the stack has no room for it: its guard page was hit.
 */
#include "kernel/riscv64/local.h"

	.text

	.balign 4
	.globl trap_entry
trap_entry:
	csrrw sp, sscratch, sp
	bnez sp, trap_without_stack
	csrr sp, sscratch
	addi sp, sp, -TRAP_FRAME_BYTES
	sd ra, 0(sp)
	sd t0, 8(sp)
	sd t1, 16(sp)
	sd t2, 24(sp)
	sd a0, 32(sp)
	sd a1, 40(sp)
	sd a2, 48(sp)
	sd a3, 56(sp)
	sd a4, 64(sp)
	sd a5, 72(sp)
	sd a6, 80(sp)
	sd a7, 88(sp)
	sd t3, 96(sp)
	sd t4, 104(sp)
	sd t5, 112(sp)
	sd t6, 120(sp)
	csrw sscratch, zero
	csrr t0, sepc
	csrr t1, sstatus
	sd t0, 128(sp)
	sd t1, 136(sp)
	mv a0, sp
	csrr a1, scause
	csrr a2, stval
	jal trap_dispatch /* near: a call would be two instructions */
	ld t0, 128(sp)
	ld t1, 136(sp)
	csrw sepc, t0
	csrw sstatus, t1
	ld ra, 0(sp)
	ld t0, 8(sp)
	ld t1, 16(sp)
	ld t2, 24(sp)
	ld a0, 32(sp)
	ld a1, 40(sp)
	ld a2, 48(sp)
	ld a3, 56(sp)
	ld a4, 64(sp)
	ld a5, 72(sp)
	ld a6, 80(sp)
	ld a7, 88(sp)
	ld t3, 96(sp)
	ld t4, 104(sp)
	ld t5, 112(sp)
	ld t6, 120(sp)
	addi sp, sp, TRAP_FRAME_BYTES
	sret

trap_without_stack:
	csrw sscratch, zero
	la sp, trap_last_stack + 4096
	call trap_stack_overflow

/* void context_switch(void **from, void *to) */
	.globl context_switch
context_switch:
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
	sd sp, 0(a0)
	mv sp, a1
	j 1f

/* int trap_try(void (*function)(void *), void *argument, void **stack)
 * trap_resume() goes on at trap_try_end with the stack in a1. */
	.globl trap_try
trap_try:
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
	sd sp, 0(a2)
	mv t0, a0
	mv a0, a1
	jalr t0
	li a0, 0
	j 1f
	.globl trap_try_end
trap_try_end:
	mv sp, a1
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

/* intptr_t semihost_call(uintptr_t operation, const void *argument) */
	.globl semihost_call
	.balign 16
semihost_call:
	semihost
	ret

	.section .note.GNU-stack, "", @progbits
