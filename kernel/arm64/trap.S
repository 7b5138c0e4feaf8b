/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trap.S - entry and exit of traps, system calls, the first entry to user mode, the switch
 * between threads, and the call that a fault may cut short. The frame that is built is struct
 * trap_frame (trap.c), the kinds of traps are enum trap_kind.
 *
 * A trap of the kernel's uses the stack of what it interrupts. So its entry first asks the
 * MMU whether there is room: a thread whose stack ran into its guard page is reported,
 * on a stack for that, instead of faulting for ever. A trap from user mode finds the thread's
 * kernel stack empty, as the way back left it: SP_EL1 is where user_stack_set() said. SP_EL0 is
 * user mode's, and nobody's meanwhile.
 */
#include "kernel/arm64/local.h"

#define KIND_EXCEPTION  0
#define KIND_INTERRUPT  1
#define KIND_UNEXPECTED 2
#define KIND_OVERFLOW   3

/* Of ESR_EL1, bits 31:26. */
#define CLASS_SYSCALL 0x15

#define STATE_USER 0 /* EL0, nothing masked */

	.macro frame_begin kind, entry=trap_entry
	sub sp, sp, #TRAP_FRAME_BYTES
	stp x0, x1, [sp]
	mov x1, #\kind
	b \entry
	.endm

	.macro vector_unexpected
	.balign 128
	frame_begin KIND_UNEXPECTED
	.endm

	.macro vector_kernel kind
	.balign 128
	msr tpidr_el1, x0
	sub x0, sp, #TRAP_FRAME_BYTES
	at s1e1w, x0
	isb
	mrs x0, par_el1
	tbnz x0, #0, trap_overflow
	mrs x0, tpidr_el1
	frame_begin \kind
	.endm

	.text
	.balign 2048
	.globl trap_vectors
trap_vectors:
	/* this level, the other stack pointer */
	.rept 4
	vector_unexpected
	.endr
	/* this level: exception, IRQ, FIQ, system error */
	vector_kernel KIND_EXCEPTION
	vector_kernel KIND_INTERRUPT
	vector_unexpected
	vector_unexpected
	/* user mode, the same */
	.balign 128
	sub sp, sp, #TRAP_FRAME_BYTES
	stp x0, x1, [sp]
	mrs x1, esr_el1
	lsr x1, x1, #26
	cmp x1, #CLASS_SYSCALL
	b.eq trap_syscall
	mov x1, #KIND_EXCEPTION
	b trap_entry_user
	.balign 128
	frame_begin KIND_INTERRUPT, trap_entry_user
	vector_unexpected
	vector_unexpected
	/* user mode of 32 bits, which there is not */
	.rept 4
	vector_unexpected
	.endr

trap_overflow:
	mov x0, sp
	msr sp_el0, x0
	adrp x0, trap_overflow_stack_end
	add x0, x0, :lo12:trap_overflow_stack_end
	mov sp, x0
	mrs x0, tpidr_el1
	frame_begin KIND_OVERFLOW

	/* All but x0 and x1. The stack pointer is in x2 by then. */
	.macro frame_save
	stp x4, x5, [sp, #32]
	stp x6, x7, [sp, #48]
	stp x8, x9, [sp, #64]
	stp x10, x11, [sp, #80]
	stp x12, x13, [sp, #96]
	stp x14, x15, [sp, #112]
	stp x16, x17, [sp, #128]
	stp x18, x19, [sp, #144]
	stp x20, x21, [sp, #160]
	stp x22, x23, [sp, #176]
	stp x24, x25, [sp, #192]
	stp x26, x27, [sp, #208]
	stp x28, x29, [sp, #224]
	stp x30, x2, [sp, #240]
	mrs x2, elr_el1
	mrs x3, spsr_el1
	stp x2, x3, [sp, #256]
	.endm

	/* All of it, and out. */
	.macro frame_restore
	ldp x2, x3, [sp, #256]
	msr elr_el1, x2
	msr spsr_el1, x3
	ldr x30, [sp, #240]
	ldp x28, x29, [sp, #224]
	ldp x26, x27, [sp, #208]
	ldp x24, x25, [sp, #192]
	ldp x22, x23, [sp, #176]
	ldp x20, x21, [sp, #160]
	ldp x18, x19, [sp, #144]
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

trap_entry:
	stp x2, x3, [sp, #16]
	add x2, sp, #TRAP_FRAME_BYTES
	frame_save
	mov x0, sp
	bl trap_dispatch
	frame_restore

trap_entry_user:
	stp x2, x3, [sp, #16]
	mrs x2, sp_el0
	frame_save
	mov x0, sp
	bl trap_dispatch
	ldr x2, [sp, #248]
	msr sp_el0, x2
	frame_restore

/* SVC: the words are in x0 to x3, the number in x4. What a function keeps, syscall_handle() does;
 * the rest is cleared on the way out, but x30. x0 and x1 are in the frame. */
trap_syscall:
	ldr x1, [sp, #8]
	mrs x5, sp_el0
	mrs x6, elr_el1
	stp x30, x5, [sp, #240]
	str x6, [sp, #256]
	msr daifclr, #6
	bl syscall_handle
	msr daifset, #6
	ldp x30, x5, [sp, #240]
	ldr x6, [sp, #256]
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
