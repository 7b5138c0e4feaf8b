/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trap.S - entry and exit of traps, the switch between threads, and the call that a
 * fault may cut short. The frame that is built is struct trap_frame (trap.c), the kinds
 * of traps are enum trap_kind.
 *
 * A trap uses the stack of what it interrupts. So the entry of exceptions first asks the
 * MMU whether there is room: a thread whose stack ran into its guard page is reported,
 * on a stack for that, instead of faulting for ever.
 */
#define FRAME 272

#define KIND_EXCEPTION  0
#define KIND_INTERRUPT  1
#define KIND_UNEXPECTED 2
#define KIND_OVERFLOW   3

	.macro frame_begin kind
	sub sp, sp, #FRAME
	stp x0, x1, [sp]
	mov x1, #\kind
	b trap_entry
	.endm

	.macro vector kind
	.balign 128
	frame_begin \kind
	.endm

	.macro vector_exception
	.balign 128
	msr tpidr_el1, x0
	sub x0, sp, #FRAME
	at s1e1w, x0
	isb
	mrs x0, par_el1
	tbnz x0, #0, trap_overflow
	mrs x0, tpidr_el1
	frame_begin KIND_EXCEPTION
	.endm

	.text
	.balign 2048
	.globl trap_vectors
trap_vectors:
	/* this level, the other stack pointer */
	.rept 4
	vector KIND_UNEXPECTED
	.endr
	/* this level: exception, IRQ, FIQ, system error */
	vector_exception
	vector KIND_INTERRUPT
	vector KIND_UNEXPECTED
	vector KIND_UNEXPECTED
	/* user mode */
	.rept 8
	vector KIND_UNEXPECTED
	.endr

trap_overflow:
	mov x0, sp
	msr sp_el0, x0
	adrp x0, trap_overflow_stack_end
	add x0, x0, :lo12:trap_overflow_stack_end
	mov sp, x0
	mrs x0, tpidr_el1
	frame_begin KIND_OVERFLOW

trap_entry:
	stp x2, x3, [sp, #16]
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
	add x2, sp, #FRAME
	stp x30, x2, [sp, #240]
	mrs x2, elr_el1
	mrs x3, spsr_el1
	stp x2, x3, [sp, #256]
	mov x0, sp
	bl trap_dispatch
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
	ldp x0, x1, [sp], #FRAME
	eret

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
