/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.S - for programs in user mode: their start and their way to the kernel. A system
 * call has its number in x4, its words in x0 to x3, its result in x0; the other registers
 * that a call may change are lost, but for x30. TPIDR_EL0 is not kept.
 */
#include "kernel/syscall.h"

	.section .text.start, "ax", %progbits
	.globl user_start
user_start:
	bl user_main
	mov x4, #SYSCALL_EXIT
	svc #0
	brk #0

	.text
/* intptr_t user_call(uintptr_t number, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d) */
	.globl user_call
user_call:
	mov x5, x0
	mov x0, x1
	mov x1, x2
	mov x2, x3
	mov x3, x4
	mov x4, x5
	svc #0
	ret

/* uintptr_t user_call_rest(void): a call, then all registers at once that it may have changed, but
 * for its result. */
	.globl user_call_rest
user_call_rest:
	mov x4, #SYSCALL_TICKS
	svc #0
	mov x0, xzr
	.irp name, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15, x16, x17, x18
	orr x0, x0, \name
	.endr
	ret

#define SEMIHOSTING_EXIT 0x18

/* void user_privileged(unsigned int which): floating point, counters and the cache instructions
 * are switched off; semihosting is the kernel's. No WFI: with an interrupt pending it does nothing,
 * and that is allowed. */
	.globl user_privileged
user_privileged:
	adr x1, 0f
	add x1, x1, w0, uxtw #3
	br x1
	.arch_extension fp
0:	msr daifset, #2
	b 1f
	mrs x0, ctr_el0
	b 1f
	msr ttbr1_el1, xzr
	b 1f
	mrs x0, sctlr_el1
	b 1f
	mrs x0, cntvct_el0
	b 1f
	mrs x0, pmccntr_el0
	b 1f
	tlbi vmalle1
	b 1f
	dc zva, x1
	b 1f
	fmov d0, xzr
	b 1f
	mrs x0, s3_3_c13_c0_7 /* SCXTNUM_EL0, which no thread has for itself */
	b 1f
	mov x0, #SEMIHOSTING_EXIT
	hlt #0xf000
1:	ret

/* intptr_t user_call_flag(unsigned int which, uintptr_t number, uintptr_t a, uintptr_t b,
 * uintptr_t c): conditions are all the flags that every CPU has. */
	.globl user_call_flag
user_call_flag:
	mov x5, #0xf0000000
	msr nzcv, x5
	mov x0, x2
	mov x5, x1
	mov x1, x3
	mov x2, x4
	mov x4, x5
	mov x3, xzr
	svc #0
	ret

/* uint8_t user_touch_flag(unsigned int which, volatile void *address) */
	.globl user_touch_flag
user_touch_flag:
	mov x5, #0xf0000000
	msr nzcv, x5
	ldrb w0, [x1]
	strb w0, [x1]
	ret

/* void user_leave(void) */
	.globl user_leave
user_leave:
	mov x0, #-1
	msr tpidr_el0, x0
	ret

/* uintptr_t user_left(void) */
	.globl user_left
user_left:
	mrs x0, tpidr_el0
	ret

/* int user_try(void (*function)(void *), void *argument): after a fault the kernel goes on at 1
 * with the stack as it was there and the error in x0. */
	.globl user_try
user_try:
	stp x29, x30, [sp, #-96]!
	stp x27, x28, [sp, #16]
	stp x25, x26, [sp, #32]
	stp x23, x24, [sp, #48]
	stp x21, x22, [sp, #64]
	stp x19, x20, [sp, #80]
	mov x19, x0
	mov x20, x1
	adr x0, 1f
	mov x1, sp
	mov x4, #SYSCALL_TRY
	svc #0
	mov x0, x20
	blr x19
	mov x0, xzr
	mov x4, #SYSCALL_TRY
	svc #0
	mov x0, xzr
1:	ldp x19, x20, [sp, #80]
	ldp x21, x22, [sp, #64]
	ldp x23, x24, [sp, #48]
	ldp x25, x26, [sp, #32]
	ldp x27, x28, [sp, #16]
	ldp x29, x30, [sp], #96
	ret

	.section .note.GNU-stack, "", %progbits
