/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user.S - copying from and to user memory (contract: pagetable/mmu_port.h). SMAP is opened
 * by AC for as long (Intel SDM volume 3A, 4.6.1); STAC and CLAC are undefined on a CPU without.
 *
 * rcx counts what is left, in words and then in bytes: a fault leaves it as it is, as string
 * instructions can be taken up again. r8: bytes behind the words; r9: 1 among the words.
 */
	.text

/* size_t user_copy(void *dst, const void *src, size_t size) */
	.globl user_copy
user_copy:
	movl %edx, %r8d
	andl $7, %r8d
	movl $1, %r9d
	movq %rdx, %rcx
	shrq $3, %rcx
	cmpb $0, mmu_smap(%rip)
	je 1f
	stac
1:	rep movsq
	movl %r8d, %ecx
	xorl %r9d, %r9d
	rep movsb
	.globl user_copy_end
user_copy_end:

	.globl user_copy_fault
user_copy_fault:
	cmpb $0, mmu_smap(%rip)
	je 1f
	clac
1:	leaq (%r8, %rcx, 8), %rax
	testl %r9d, %r9d
	cmoveq %rcx, %rax
	ret

	.section .note.GNU-stack, "", @progbits
