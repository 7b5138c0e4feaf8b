/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user.S - copying from and to user memory (contract: quire/fault.h). PAN keeps EL1 from memory
 * that EL0 can reach, and is off for as long as a copy takes.
 *
 * Not by LDTR and STTR, which act with EL0's rights: a copy goes to user memory or from it, and
 * which of the two addresses is user mode's, user_copy is not told. Nor is it needed: AP has no
 * value that lets EL1 read or write more of a page with AP[1] than EL0 (DDI 0487, "Data access
 * permissions"), and the caller asked for the domain's rights under the same interrupt mask.
 *
 * Words where both addresses allow, then bytes: memory that is a device's refuses what is not
 * aligned. x2 counts what is left, and after each store at once: a fault ends the copy there.
 */
	.arch_extension pan

	.text

/* size_t user_copy(void *dst, const void *src, size_t size) */
	.globl user_copy
user_copy:
	adrp x3, mmu_pan
	ldrb w3, [x3, :lo12:mmu_pan]
	cbz w3, 1f
	msr pan, #0
1:	orr x4, x0, x1
	tst x4, #7
	b.ne 3f
	subs x4, x2, #8
	b.lo 3f
2:	ldr x5, [x1], #8
	str x5, [x0], #8
	sub x2, x2, #8
	subs x4, x4, #8
	b.hs 2b
3:	cbz x2, user_copy_end
4:	ldrb w5, [x1], #1
	strb w5, [x0], #1
	sub x2, x2, #1
	cbnz x2, 4b
	.globl user_copy_end
user_copy_end:

	.globl user_copy_fault
user_copy_fault:
	cbz w3, 1f
	msr pan, #1
1:	mov x0, x2
	ret

	.section .note.GNU-stack, "", %progbits
