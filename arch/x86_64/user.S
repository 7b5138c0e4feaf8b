/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user.S - copying from and to user memory (contract: quire/fault.h). SMAP is opened
 * by AC for as long (Intel SDM volume 3A, 4.6.1); STAC and CLAC are undefined on a CPU without.
 *
 * An address whose bits from 47 on, or from 56 with five levels of tables, are not all equal is no
 * page fault (SDM volume 1, 3.3.7.1: not canonical, exception 13). It is made one here, so that the
 * trap handler knows of page faults only. A copy that starts at a canonical address and stays in
 * its page stays canonical.
 *
 * rcx counts what is left, in words and then in bytes: a fault leaves it as it is, as string
 * instructions can be taken up again. r8: bytes behind the words; r9: 1 among the words.
 */
#include "arch_config.h"

#define VA_TOP (47 + 9 * CONFIG_X86_LA57) /* the highest bit that tables translate */

#define WRITE 2 /* K_MEM_FAULT_WRITE; fault.c checks it, and struct qr_fault */

	/* Goes to 9 where the address is not canonical. */
	.macro canonical_check address
	movq \address, %rax
	sarq $VA_TOP, %rax
	incq %rax
	cmpq $1, %rax
	ja 9f
	.endm

	.text

/* size_t user_copy(void *dst, const void *src, size_t size) */
	.globl user_copy
user_copy:
	xorl %ecx, %ecx
	movq %rsi, %r8
	canonical_check %rsi
	movl $WRITE, %ecx
	movq %rdi, %r8
	canonical_check %rdi
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

9:	movq %r8, qr_user_fault(%rip)
	movl %ecx, qr_user_fault + 8(%rip)
	movq %rdx, %rax
	ret

	.section .note.GNU-stack, "", @progbits
