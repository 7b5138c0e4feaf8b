/* SPDX-License-Identifier: Apache-2.0 */
/*
 * string.S - the four functions that a compiler may call. Words where both addresses allow
 * it, 64 bytes at a time where there are so many; bytes otherwise.
 */
	.text

/* void *memcpy(void *to, const void *from, size_t bytes): a3 runs, a0 is the result */
	.balign 4
	.globl memcpy
memcpy:
	mv a3, a0
	xor t0, a0, a1
	andi t0, t0, 7
	bnez t0, 6f
1:	andi t0, a3, 7
	beqz t0, 2f
	beqz a2, 7f
	lbu t1, 0(a1)
	sb t1, 0(a3)
	addi a1, a1, 1
	addi a3, a3, 1
	addi a2, a2, -1
	j 1b
2:	li t0, 64
	bltu a2, t0, 4f
3:	ld t1, 0(a1)
	ld t2, 8(a1)
	ld t3, 16(a1)
	ld t4, 24(a1)
	ld t5, 32(a1)
	ld t6, 40(a1)
	ld a4, 48(a1)
	ld a5, 56(a1)
	sd t1, 0(a3)
	sd t2, 8(a3)
	sd t3, 16(a3)
	sd t4, 24(a3)
	sd t5, 32(a3)
	sd t6, 40(a3)
	sd a4, 48(a3)
	sd a5, 56(a3)
	addi a1, a1, 64
	addi a3, a3, 64
	addi a2, a2, -64
	bgeu a2, t0, 3b
4:	li t0, 8
	bltu a2, t0, 6f
5:	ld t1, 0(a1)
	sd t1, 0(a3)
	addi a1, a1, 8
	addi a3, a3, 8
	addi a2, a2, -8
	bgeu a2, t0, 5b
6:	beqz a2, 7f
	lbu t1, 0(a1)
	sb t1, 0(a3)
	addi a1, a1, 1
	addi a3, a3, 1
	addi a2, a2, -1
	j 6b
7:	ret

/* void *memset(void *to, int value, size_t bytes) */
	.globl memset
memset:
	mv a3, a0
	andi a1, a1, 0xff
	slli t1, a1, 8
	or t1, t1, a1
	slli t2, t1, 16
	or t1, t1, t2
	slli t2, t1, 32
	or t1, t1, t2
1:	andi t0, a3, 7
	beqz t0, 2f
	beqz a2, 7f
	sb t1, 0(a3)
	addi a3, a3, 1
	addi a2, a2, -1
	j 1b
2:	li t0, 64
	bltu a2, t0, 4f
3:	sd t1, 0(a3)
	sd t1, 8(a3)
	sd t1, 16(a3)
	sd t1, 24(a3)
	sd t1, 32(a3)
	sd t1, 40(a3)
	sd t1, 48(a3)
	sd t1, 56(a3)
	addi a3, a3, 64
	addi a2, a2, -64
	bgeu a2, t0, 3b
4:	li t0, 8
	bltu a2, t0, 6f
5:	sd t1, 0(a3)
	addi a3, a3, 8
	addi a2, a2, -8
	bgeu a2, t0, 5b
6:	beqz a2, 7f
	sb t1, 0(a3)
	addi a3, a3, 1
	addi a2, a2, -1
	j 6b
7:	ret

/* void *memmove(void *to, const void *from, size_t bytes) */
	.globl memmove
memmove:
	sub t0, a0, a1
	bgeu t0, a2, memcpy
	add a1, a1, a2
	add a3, a0, a2
1:	beqz a2, 2f
	lbu t1, -1(a1)
	sb t1, -1(a3)
	addi a1, a1, -1
	addi a3, a3, -1
	addi a2, a2, -1
	j 1b
2:	ret

/* int memcmp(const void *a, const void *b, size_t bytes) */
	.globl memcmp
memcmp:
	beqz a2, 2f
1:	lbu t0, 0(a0)
	lbu t1, 0(a1)
	bne t0, t1, 3f
	addi a0, a0, 1
	addi a1, a1, 1
	addi a2, a2, -1
	bnez a2, 1b
2:	li a0, 0
	ret
3:	sub a0, t0, t1
	ret

	.section .note.GNU-stack, "", @progbits
