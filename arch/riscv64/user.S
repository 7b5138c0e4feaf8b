/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user.S - copying from and to user memory (contract: quire/fault.h). SUM lets S-mode reach pages
 * with U (Privileged Architecture 20211203, 4.1.1.2), and no further than user mode: R and W are
 * the same for both. Pages with U are never open otherwise.
 *
 * Words where both addresses allow, then bytes: memory that is a device's refuses what is not
 * aligned. a2 counts what is left, and after each store at once: a fault ends the copy there.
 */
#define SUM 0x40000

	.text

/* size_t user_copy(void *dst, const void *src, size_t size) */
	.globl user_copy
user_copy:
	li t0, SUM
	csrs sstatus, t0
	or t1, a0, a1
	andi t1, t1, 7
	li t2, 8
	bnez t1, 2f
	j 3f
1:	ld t1, (a1)
	sd t1, (a0)
	addi a2, a2, -8
	addi a1, a1, 8
	addi a0, a0, 8
3:	bgeu a2, t2, 1b
2:	beqz a2, user_copy_end
	lb t1, (a1)
	sb t1, (a0)
	addi a2, a2, -1
	addi a1, a1, 1
	addi a0, a0, 1
	j 2b
	.globl user_copy_end
user_copy_end:

	.globl user_copy_fault
user_copy_fault:
	csrc sstatus, t0
	mv a0, a2
	ret

	.section .note.GNU-stack, "", @progbits
