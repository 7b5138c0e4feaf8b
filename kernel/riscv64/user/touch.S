/* SPDX-License-Identifier: Apache-2.0 */
/*
 * touch.S - a touch with something in every register (apps/user/user.h): what a trap may not
 * change. Its own stack is a page like others, and may be out.
 */
#define PATTERN 0x0123456789abcdef
#define WAIT    30000000 /* times round, longer than the timer's tick */
#define KERNEL  4        /* tp is the kernel's, and tells it where its stack is */

/* On the stack: x1 to x31, twice; what is to be given back. */
#define BEFORE 0
#define AFTER  248
#define KEPT   496
#define BYTES  624

	.macro all_store to
	.set slot, 0
	.irp name, ra, sp, gp, tp, t0, t1, t2, s0, s1, a0, a1, a2, a3, a4, a5, a6, a7, s2, s3, s4, \
		s5, s6, s7, s8, s9, s10, s11, t3, t4, t5, t6
	sd \name, \to + slot(sp)
	.set slot, slot + 8
	.endr
	.endm

	/* t0 is the pattern; ra is for the caller, which RUN wants. */
	.macro all_set
	li t0, PATTERN
	xor t0, t0, a0
	andi a1, a1, KERNEL
	bnez a1, .Lkernel_\@
	addi gp, t0, 30
	addi tp, t0, 31
.Lkernel_\@:
	.set number, 1
	.irp name, t1, t2, s0, s1, a1, a2, a3, a4, a5, a6, a7, s2, s3, s4, s5, s6, s7, s8, s9, \
		s10, s11, t3, t4, t5, t6
	addi \name, t0, number
	.set number, number + 1
	.endr
	.endm

	.macro kept how
	.set slot, 0
	.irp name, ra, gp, tp, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11
	\how \name, KEPT + slot(sp)
	.set slot, slot + 8
	.endr
	.endm

	.text
/* uint64_t user_touch_all(volatile void *address, unsigned int how) */
	.globl user_touch_all
user_touch_all:
	addi sp, sp, -BYTES
	kept sd
	andi t0, a1, 3
	li t1, 1
	beq t0, t1, 1f
	li t1, 2
	beq t0, t1, 2f
	bgtu t0, t1, 3f
	all_set
	addi ra, t0, 29
	all_store BEFORE
	ld zero, (a0)
	j 5f
1:	all_set
	addi ra, t0, 29
	all_store BEFORE
	sb t0, (a0)
	j 5f
2:	all_set
	la ra, 5f
	all_store BEFORE
	jr a0
3:	all_set
	addi ra, t0, 29
	all_store BEFORE
	li a1, WAIT
4:	addi a1, a1, -1
	bnez a1, 4b
	ld a1, BEFORE + 80(sp)
5:	all_store AFTER
	li a0, 0
	li a1, 30
6:	sh3add a2, a1, sp
	ld a3, BEFORE(a2)
	ld a4, AFTER(a2)
	beq a3, a4, 7f
	li a5, 1
	sll a5, a5, a1
	or a0, a0, a5
7:	addi a1, a1, -1
	bgez a1, 6b
	kept ld
	addi sp, sp, BYTES
	ret

	.section .note.GNU-stack, "", @progbits
