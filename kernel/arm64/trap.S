/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trap.S - entry and exit of traps, system calls, the first entry to user mode, the switch
 * between threads, and the call that a fault may cut short. The frame that is built is struct
 * trap_frame (trap.c). What a function keeps is in it only where a trap is refused.
 *
 * A trap of the kernel's uses the stack of what it interrupts. So its entry first asks the
 * MMU whether there is room: a thread whose stack ran into its guard page is reported,
 * on a stack for that, instead of faulting for ever. A trap from user mode finds the thread's
 * kernel stack empty, as the way back left it: SP_EL1 is where user_stack_set() said. SP_EL0 is
 * user mode's, and nobody's meanwhile.
 */
#include "kernel/arm64/local.h"

#define KIND_UNEXPECTED 0
#define KIND_OVERFLOW   1

/* Of ESR_EL1, bits 31:26. */
#define CLASS_SYSCALL 0x15

#define STATE_USER       0  /* EL0, nothing masked */
#define STATE_MASKED_BIT 7  /* interrupts */
#define STATE_PAN_BIT    22
#define FENCED_BIT       3 /* K_MEM_FAULT_FENCED */

/* In struct trap_frame, pairs. */
#define FRAME_PC      160
#define FRAME_ADDRESS 176
#define FRAME_KEPT    192
#define FRAME_X29     272
#define FRAME_SP      280

	.macro frame_begin
	sub sp, sp, #TRAP_FRAME_BYTES
	stp x0, x1, [sp]
	.endm

	.macro vector_last kind
	.balign 128
	frame_begin
	mov x1, #\kind
	b trap_last
	.endm

	.macro vector_kernel entry
	.balign 128
	msr tpidr_el1, x0
	sub x0, sp, #TRAP_FRAME_BYTES
	at s1e1w, x0
	isb
	mrs x0, par_el1
	tbnz x0, #0, trap_overflow
	mrs x0, tpidr_el1
	frame_begin
	b \entry
	.endm

	.text
	.balign 2048
	.globl trap_vectors
trap_vectors:
	/* this level, the other stack pointer */
	.rept 4
	vector_last KIND_UNEXPECTED
	.endr
	/* this level: exception, IRQ, FIQ, system error */
	vector_kernel trap_fault
	vector_kernel trap_interrupt
	vector_last KIND_UNEXPECTED
	vector_last KIND_UNEXPECTED
	/* user mode, the same */
	.balign 128
	frame_begin
	mrs x1, esr_el1
	lsr x0, x1, #26
	cmp x0, #CLASS_SYSCALL
	b.eq trap_syscall
	b trap_fault_user
	.balign 128
	frame_begin
	b trap_interrupt_user
	vector_last KIND_UNEXPECTED
	vector_last KIND_UNEXPECTED
	/* user mode of 32 bits, which there is not */
	.rept 4
	vector_last KIND_UNEXPECTED
	.endr

trap_overflow:
	mov x0, sp
	msr sp_el0, x0
	adrp x0, trap_overflow_stack_end
	add x0, x0, :lo12:trap_overflow_stack_end
	mov sp, x0
	mrs x0, tpidr_el1
	frame_begin
	mov x1, #KIND_OVERFLOW
	b trap_last

	/* What a function may destroy, but x0 and x1, and where the trap came from, which is in
	 * x2 and x3 then. */
	.macro scratch_save
	stp x2, x3, [sp, #16]
	stp x4, x5, [sp, #32]
	stp x6, x7, [sp, #48]
	stp x8, x9, [sp, #64]
	stp x10, x11, [sp, #80]
	stp x12, x13, [sp, #96]
	stp x14, x15, [sp, #112]
	stp x16, x17, [sp, #128]
	stp x18, x30, [sp, #144]
	mrs x2, elr_el1
	mrs x3, spsr_el1
	stp x2, x3, [sp, #FRAME_PC]
	.endm

	/* All of it, and out. */
	.macro scratch_restore
	ldp x2, x3, [sp, #FRAME_PC]
	msr elr_el1, x2
	msr spsr_el1, x3
	ldp x18, x30, [sp, #144]
	ldp x16, x17, [sp, #128]
	ldp x14, x15, [sp, #112]
	ldp x12, x13, [sp, #96]
	ldp x10, x11, [sp, #80]
	ldp x8, x9, [sp, #64]
	ldp x6, x7, [sp, #48]
	ldp x4, x5, [sp, #32]
	ldp x2, x3, [sp, #16]
	ldp x0, x1, [sp], #TRAP_FRAME_BYTES
	eret
	.endm

	/* What a function keeps. */
	.macro kept_save
	stp x19, x20, [sp, #FRAME_KEPT]
	stp x21, x22, [sp, #FRAME_KEPT + 16]
	stp x23, x24, [sp, #FRAME_KEPT + 32]
	stp x25, x26, [sp, #FRAME_KEPT + 48]
	stp x27, x28, [sp, #FRAME_KEPT + 64]
	str x29, [sp, #FRAME_X29]
	.endm

	.macro user_stack_save
	mrs x0, sp_el0
	str x0, [sp, #FRAME_SP]
	.endm

	.macro user_stack_restore
	ldr x0, [sp, #FRAME_SP]
	msr sp_el0, x0
	.endm

/* An exception of the kernel's: a page fault, if interrupts were on, goes to fault_serve(). It
 * refuses what is no page fault, too. */
trap_fault:
	scratch_save
	mrs x0, far_el1
	mrs x1, esr_el1
	stp x0, x1, [sp, #FRAME_ADDRESS]
	tbnz x3, #STATE_MASKED_BIT, 2f
	lsr x2, x3, #STATE_PAN_BIT - FENCED_BIT
	and x2, x2, #1 << FENCED_BIT
	bl fault_serve
	cbnz w0, 3f
1:	scratch_restore
2:	mov w0, #0
3:	add x1, sp, #TRAP_FRAME_BYTES
	str x1, [sp, #FRAME_SP]
	kept_save
	mov w1, w0
	mov x0, sp
	bl trap_exception
	b 1b

trap_fault_user:
	scratch_save
	user_stack_save
	mrs x0, far_el1
	stp x0, x1, [sp, #FRAME_ADDRESS]
	bl fault_serve_user
	cbnz w0, 2f
1:	user_stack_restore
	scratch_restore
2:	kept_save
	mov w1, w0
	mov x0, sp
	bl trap_exception
	b 1b

trap_interrupt:
	scratch_save
	bl trap_interrupted
	scratch_restore

trap_interrupt_user:
	scratch_save
	user_stack_save
	bl trap_interrupted
	user_stack_restore
	scratch_restore

/* There is no way back. */
trap_last:
	scratch_save
	add x2, sp, #TRAP_FRAME_BYTES
	str x2, [sp, #FRAME_SP]
	mrs x2, far_el1
	mrs x3, esr_el1
	stp x2, x3, [sp, #FRAME_ADDRESS]
	kept_save
	mov x0, sp
	bl trap_ends

/* SVC: the words are in x0 to x3, the number in x4. What a function keeps, syscall_handle() does;
 * the rest is cleared on the way out, but x30. x0 and x1 are in the frame. */
trap_syscall:
	ldp x0, x1, [sp]
	mrs x5, sp_el0
	mrs x6, elr_el1
	stp x30, x5, [sp, #16]
	str x6, [sp, #32]
	msr daifclr, #6
	bl syscall_handle
	msr daifset, #6
	ldp x30, x5, [sp, #16]
	ldr x6, [sp, #32]
	msr sp_el0, x5
	msr elr_el1, x6
	add sp, sp, #TRAP_FRAME_BYTES
user_return:
	mov x1, #STATE_USER
	msr spsr_el1, x1
	.irp name, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15, x16, x17, x18
	mov \name, xzr
	.endr
	eret

/* void user_enter(uintptr_t entry, uintptr_t argument, uintptr_t stack) */
	.globl user_enter
user_enter:
	msr elr_el1, x0
	msr sp_el0, x2
	adrp x3, trap_user_stack
	ldr x3, [x3, :lo12:trap_user_stack]
	mov sp, x3
	mov x0, x1
	.irp name, x19, x20, x21, x22, x23, x24, x25, x26, x27, x28, x29, x30
	mov \name, xzr
	.endr
	b user_return

	/* What a function must keep. */
	.macro kept_push
	stp x29, x30, [sp, #-96]!
	stp x27, x28, [sp, #16]
	stp x25, x26, [sp, #32]
	stp x23, x24, [sp, #48]
	stp x21, x22, [sp, #64]
	stp x19, x20, [sp, #80]
	.endm

	.macro kept_pop
	ldp x19, x20, [sp, #80]
	ldp x21, x22, [sp, #64]
	ldp x23, x24, [sp, #48]
	ldp x25, x26, [sp, #32]
	ldp x27, x28, [sp, #16]
	ldp x29, x30, [sp], #96
	.endm

/* void context_switch(void **from, void *to) */
	.globl context_switch
context_switch:
	kept_push
	mov x2, sp
	str x2, [x0]
	mov sp, x1
	kept_pop
	ret

/* int trap_try(void (*function)(void *), void *argument, void **stack); a trap that is
 * resumed comes to trap_try_end with the result in x0 and *stack in x1. */
	.globl trap_try
trap_try:
	kept_push
	mov x3, sp
	str x3, [x2]
	mov x2, x0
	mov x0, x1
	blr x2
	mov x0, xzr
	mov x1, sp
	.globl trap_try_end
trap_try_end:
	mov sp, x1
	kept_pop
	ret

	.bss
	.balign 16
	.skip 4096
trap_overflow_stack_end:

	.section .note.GNU-stack, "", %progbits
