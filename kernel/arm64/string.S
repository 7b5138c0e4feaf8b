/* SPDX-License-Identifier: Apache-2.0 */
/*
 * string.S - the four functions that a compiler may call. Addresses need not be aligned:
 * all memory that is copied is normal memory.
 */
	.text

/* void *memcpy(void *to, const void *from, size_t bytes): 64 bytes are read before they
 * are written, so `to` may be below `from` and overlap it. */
	.globl memcpy
memcpy:
	mov x3, x0
	subs x4, x2, #64
	b.lo 2f
1:	ldp x5, x6, [x1]
	ldp x7, x8, [x1, #16]
	ldp x9, x10, [x1, #32]
	ldp x11, x12, [x1, #48]
	stp x5, x6, [x3]
	stp x7, x8, [x3, #16]
	stp x9, x10, [x3, #32]
	stp x11, x12, [x3, #48]
	add x1, x1, #64
	add x3, x3, #64
	subs x4, x4, #64
	b.hs 1b
2:	tbz x2, #5, 3f
	ldp x5, x6, [x1], #16
	ldp x7, x8, [x1], #16
	stp x5, x6, [x3], #16
	stp x7, x8, [x3], #16
3:	tbz x2, #4, 4f
	ldp x5, x6, [x1], #16
	stp x5, x6, [x3], #16
4:	tbz x2, #3, 5f
	ldr x5, [x1], #8
	str x5, [x3], #8
5:	tbz x2, #2, 6f
	ldr w5, [x1], #4
	str w5, [x3], #4
6:	tbz x2, #1, 7f
	ldrh w5, [x1], #2
	strh w5, [x3], #2
7:	tbz x2, #0, 8f
	ldrb w5, [x1]
	strb w5, [x3]
8:	ret

/* void *memset(void *to, int value, size_t bytes) */
	.globl memset
memset:
	mov x3, x0
	and x1, x1, #0xff
	mov x4, #0x0101010101010101
	mul x1, x1, x4
	subs x4, x2, #64
	b.lo 2f
1:	stp x1, x1, [x3]
	stp x1, x1, [x3, #16]
	stp x1, x1, [x3, #32]
	stp x1, x1, [x3, #48]
	add x3, x3, #64
	subs x4, x4, #64
	b.hs 1b
2:	ands x2, x2, #63
	b.eq 4f
3:	strb w1, [x3], #1
	subs x2, x2, #1
	b.ne 3b
4:	ret

/* void *memmove(void *to, const void *from, size_t bytes) */
	.globl memmove
memmove:
	sub x3, x0, x1
	cmp x3, x2
	b.hs memcpy
	add x3, x0, x2
	add x1, x1, x2
1:	cbz x2, 2f
	ldrb w4, [x1, #-1]!
	strb w4, [x3, #-1]!
	sub x2, x2, #1
	b 1b
2:	ret

/* int memcmp(const void *a, const void *b, size_t bytes) */
	.globl memcmp
memcmp:
	mov x3, xzr
1:	cbz x2, 2f
	ldrb w4, [x0], #1
	ldrb w5, [x1], #1
	sub x2, x2, #1
	subs w3, w4, w5
	b.eq 1b
2:	mov w0, w3
	ret

	.section .note.GNU-stack, "", %progbits
