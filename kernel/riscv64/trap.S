/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trap.S - entry and exit of traps, system calls, the first entry to user mode, the switch
 * between threads, the call that a fault may cut short, and the call of the semihost. The frame
 * that a trap builds is struct trap_frame (trap.c); what C code keeps is not in it.
 *
 *              sscratch                     tp
 *     kernel   0                            the stack's begin, and STACK_ROOM_BYTES
 *     user     the end of its kernel stack  user mode's
 *
 * Traps from the kernel are taken on the stack that is in use, if there is room: a thread whose
 * stack ran into its guard page is reported, on a stack for that. Nothing is touched before that
 * is known, so what the hart says about the trap is still there.
 */
#include "kernel/config.h"
#include "kernel/riscv64/local.h"

#define FENCED 8 /* K_MEM_FAULT_FENCED */

/* Behind struct trap_frame, in a frame from user mode. */
#define USER_GP TRAP_FRAME_BYTES
#define USER_TP (TRAP_FRAME_BYTES + 8)
#define USER_SP (TRAP_FRAME_BYTES + 16)

	/* What a function may destroy, but t0. */
	.macro frame_save
	sd ra, 0(sp)
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
	.endm

	/* Where the trap came from, for sret and for C code. */
	.macro origin_save
	csrr t0, sepc
	csrr t1, sstatus
	sd t0, 128(sp)
	sd t1, 136(sp)
	.endm

	.macro origin_restore
	ld t0, 128(sp)
	ld t1, 136(sp)
	csrw sepc, t0
	csrw sstatus, t1
	.endm

	/* What the hart says of the trap, to a0, and the cause to a1: interrupts are negative. */
	.macro cause_save
	csrr a0, stval
	csrr a1, scause
	sd a0, 144(sp)
	sd a1, 152(sp)
	.endm

	.macro frame_restore
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
	.endm

	/* From user mode, t0 is free: what only the way out wants, and the kernel's tp. */
	.macro user_save
	sd gp, USER_GP(sp)
	sd tp, USER_TP(sp)
	csrrw t0, sscratch, zero
	sd t0, USER_SP(sp)
	li tp, USER_FRAME_BYTES - CONFIG_KERNEL_STACK_BYTES + STACK_ROOM_BYTES
	add tp, tp, sp
	.endm

	/* The same back, but for the stack. */
	.macro user_restore
	addi t0, sp, USER_FRAME_BYTES
	csrw sscratch, t0
	ld gp, USER_GP(sp)
	ld tp, USER_TP(sp)
	.endm

	/* What a call may change, but ra and the result. */
	.macro call_cleared
	.irp name, a1, a2, a3, a4, a5, a6, a7, t0, t1, t2, t3, t4, t5, t6
	li \name, 0
	.endr
	.endm

	.text

/* A page fault goes to fault_serve() if interrupts were on, when user memory is shut. It refuses
 * what is no page fault, too. */
	.balign 4
	.globl trap_entry
trap_entry:
	csrrw sp, sscratch, sp
	bnez sp, trap_from_user
	csrrw sp, sscratch, zero
	bltu sp, tp, trap_without_stack
	addi sp, sp, -TRAP_FRAME_BYTES
	sd t0, 8(sp)
	frame_save
	origin_save
	cause_save
	bltz a1, 2f
	andi t1, t1, STATUS_SPIE
	beqz t1, 3f
	ori a1, a1, STATUS_SPP
	li a2, FENCED
	jal fault_serve /* near: a call would be two instructions */
	bnez a0, 4f
1:	origin_restore
	frame_restore
	addi sp, sp, TRAP_FRAME_BYTES
	sret
2:	mv a0, sp
	jal trap_interrupted
	j 1b
3:	li a0, 0
4:	mv a1, a0
	mv a0, sp
	jal trap_exception
	j 1b

trap_from_user:
	addi sp, sp, -USER_FRAME_BYTES
	sd t0, 8(sp)
	csrr t0, scause
	addi t0, t0, -CAUSE_SYSCALL
	beqz t0, trap_syscall
	frame_save
	user_save
	origin_save
	cause_save
	bltz a1, 2f
	jal fault_serve_user
	bnez a0, 3f
1:	origin_restore
	user_restore
	frame_restore
	ld sp, USER_SP(sp)
	sret
2:	mv a0, sp
	jal trap_interrupted
	j 1b
3:	mv a1, a0
	mv a0, sp
	jal trap_exception
	j 1b

/* ECALL: the words are in a0 to a3, the number in a4. What a function keeps, syscall_handle()
 * does, and gp and tp; the rest is cleared on the way out. */
trap_syscall:
	sd ra, 0(sp)
	user_save
	origin_save
	csrsi sstatus, 2
	jal syscall_handle
	csrci sstatus, 2
	origin_restore
	addi t0, t0, 4 /* behind the ECALL */
	csrw sepc, t0
	user_restore
	ld ra, 0(sp)
	ld sp, USER_SP(sp)
	call_cleared
	sret

/* The frame as above, on another stack. */
trap_without_stack:
	csrw sscratch, sp
	la sp, trap_last_stack + 4096 - TRAP_FRAME_BYTES
	sd t0, 8(sp)
	frame_save
	origin_save
	cause_save
	csrrw a1, sscratch, zero
	la tp, trap_last_stack + STACK_ROOM_BYTES
	mv a0, sp
	call trap_stack_overflow

/* void user_enter(uintptr_t entry, uintptr_t argument, uintptr_t stack) */
	.globl user_enter
user_enter:
	csrw sepc, a0
	li t0, STATUS_SPP
	csrc sstatus, t0
	li t0, STATUS_SPIE
	csrs sstatus, t0
	la t0, trap_user_stack
	ld t0, (t0)
	csrw sscratch, t0
	mv a0, a1
	mv sp, a2
	.irp name, ra, gp, tp, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11
	li \name, 0
	.endr
	call_cleared
	sret

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
	sd tp, 104(sp)
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
	sd tp, 104(sp)
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
	ld tp, 104(sp)
	addi sp, sp, CONTEXT_BYTES
	ret

/* intptr_t semihost_call(uintptr_t operation, const void *argument) */
	.globl semihost_call
	.balign 16
semihost_call:
	semihost
	ret

	.section .note.GNU-stack, "", @progbits
