/* SPDX-License-Identifier: Apache-2.0 */
/*
 * string.S - the four functions that a compiler may call. String instructions: every
 * CPU of this family is fast at them. Forward copies and fills go by words, because
 * counted instructions are counted per repetition.
 */
	.text

/* void *memcpy(void *to, const void *from, size_t bytes) */
	.globl memcpy
memcpy:
	movq %rdi, %rax
	movq %rdx, %rcx
	shrq $3, %rcx
	rep movsq
	movl %edx, %ecx
	andl $7, %ecx
	rep movsb
	ret

/* void *memset(void *to, int value, size_t bytes) */
	.globl memset
memset:
	movq %rdi, %r8
	movzbl %sil, %eax
	movabsq $0x0101010101010101, %rcx
	imulq %rcx, %rax
	movq %rdx, %rcx
	shrq $3, %rcx
	rep stosq
	movl %edx, %ecx
	andl $7, %ecx
	rep stosb
	movq %r8, %rax
	ret

/* void *memmove(void *to, const void *from, size_t bytes) */
	.globl memmove
memmove:
	movq %rdi, %rax
	subq %rsi, %rax
	cmpq %rdx, %rax
	jae memcpy
	movq %rdi, %rax
	leaq -1(%rdi, %rdx), %rdi
	leaq -1(%rsi, %rdx), %rsi
	movq %rdx, %rcx
	std
	rep movsb
	cld
	ret

/* int memcmp(const void *a, const void *b, size_t bytes) */
	.globl memcmp
memcmp:
	movq %rdx, %rcx
	cmpq %rcx, %rcx
	repe cmpsb
	je 1f
	movzbl -1(%rdi), %eax
	movzbl -1(%rsi), %ecx
	subl %ecx, %eax
	ret
1:	xorl %eax, %eax
	ret

	.section .note.GNU-stack, "", @progbits
