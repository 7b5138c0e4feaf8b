/* SPDX-License-Identifier: Apache-2.0 */
/*
 * touch.S - a touch with something in every register (apps/user/user.h): what a trap may not
 * change. Its own stack is a page like others, and may be out.
 */
#define WAIT  30000000 /* times round, longer than the timer's tick */

/* On the stack: x0 to x30 and the flags, twice. */
#define BEFORE 0
#define AFTER  256
#define BYTES  512

#define FLAGS 0xa0000000 /* negative, carry */

	.macro all_store to
	stp x0, x1, [sp, #\to]
	stp x2, x3, [sp, #\to + 16]
	stp x4, x5, [sp, #\to + 32]
	stp x6, x7, [sp, #\to + 48]
	stp x8, x9, [sp, #\to + 64]
	stp x10, x11, [sp, #\to + 80]
	stp x12, x13, [sp, #\to + 96]
	stp x14, x15, [sp, #\to + 112]
	stp x16, x17, [sp, #\to + 128]
	stp x18, x19, [sp, #\to + 144]
	stp x20, x21, [sp, #\to + 160]
	stp x22, x23, [sp, #\to + 176]
	stp x24, x25, [sp, #\to + 192]
	stp x26, x27, [sp, #\to + 208]
	stp x28, x29, [sp, #\to + 224]
	str x30, [sp, #\to + 240]
	.endm

	/* x1 is the pattern; x30 is for the caller, which RUN wants. */
	.macro all_set
	mov w2, #FLAGS
	str x2, [sp, #BEFORE + 248]
	msr nzcv, x2
	ldr x1, 9b
	eor x1, x1, x0
	.set number, 1
	.irp name, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15, x16, x17, x18, \
		x19, x20, x21, x22, x23, x24, x25, x26, x27, x28, x29
	add \name, x1, #number
	.set number, number + 1
	.endr
	.endm

	.text
	.balign 8
9:	.quad 0x0123456789abcdef

/* uint64_t user_touch_all(volatile void *address, unsigned int how) */
	.globl user_touch_all
user_touch_all:
	stp x29, x30, [sp, #-96]!
	stp x27, x28, [sp, #16]
	stp x25, x26, [sp, #32]
	stp x23, x24, [sp, #48]
	stp x21, x22, [sp, #64]
	stp x19, x20, [sp, #80]
	sub sp, sp, #BYTES
	and w1, w1, #3
	cmp w1, #1
	b.eq 1f
	b.hi 2f
	all_set
	add x30, x1, #29
	all_store BEFORE
	ldr xzr, [x0]
	b 5f
1:	all_set
	add x30, x1, #29
	all_store BEFORE
	strb w1, [x0]
	b 5f
2:	cmp w1, #2
	b.hi 3f
	all_set
	adr x30, 5f
	all_store BEFORE
	br x0
3:	all_set
	add x30, x1, #29
	all_store BEFORE
	ldr w1, 8f
4:	sub w1, w1, #1
	cbnz w1, 4b
	ldr x1, [sp, #BEFORE + 8]
5:	all_store AFTER
	mrs x0, nzcv
	str x0, [sp, #AFTER + 248]
	mov x0, #0
	mov x1, #31
6:	add x2, sp, x1, lsl #3
	ldr x3, [x2, #BEFORE]
	ldr x4, [x2, #AFTER]
	mov x5, #1
	lsl x5, x5, x1
	cmp x3, x4
	csel x5, x5, xzr, ne
	orr x0, x0, x5
	subs x1, x1, #1
	b.pl 6b
	add sp, sp, #BYTES
	ldp x19, x20, [sp, #80]
	ldp x21, x22, [sp, #64]
	ldp x23, x24, [sp, #48]
	ldp x25, x26, [sp, #32]
	ldp x27, x28, [sp, #16]
	ldp x29, x30, [sp], #96
	ret
8:	.word WAIT

	.section .note.GNU-stack, "", %progbits
