/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot.S - from the loader (PVH: 32-bit, paging off, start info in EBX) to
 * kernel_main() at its linked address. The tables map the first GiB where it is and
 * at the image's offset, and the fourth GiB, where the devices are, where it is. They
 * and this code are gone once the core's own tables are current.
 */
#include "kernel/config.h"

#define XEN_ELFNOTE_PHYS32_ENTRY 18

#define CR0_PG   (1 << 31)
#define CR0_WP   (1 << 16)
#define CR4_PAE  (1 << 5)
#define MSR_EFER 0xc0000080
#define EFER_LME (1 << 8)

#define TABLE 3         /* present, writable */
#define BLOCK 0x83      /* and a 2 MiB leaf */
#define ROOT_INDEX ((CONFIG_KERNEL_IMAGE_OFFSET >> 39) & 511)
#define GIB_INDEX  ((CONFIG_KERNEL_IMAGE_OFFSET >> 30) & 511)

	.section .note.Xen, "a", @note
	.balign 4
	.long 4, 8, XEN_ELFNOTE_PHYS32_ENTRY
	.asciz "Xen"
	.quad boot_entry

	.section .boot, "awx", @progbits
	.code32
	.globl boot_entry
boot_entry:
	movl $boot_root, %eax
	movl %eax, %cr3
	movl %cr4, %eax
	orl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $MSR_EFER, %ecx
	rdmsr
	orl $EFER_LME, %eax
	wrmsr
	movl %cr0, %eax
	orl $(CR0_PG | CR0_WP), %eax
	movl %eax, %cr0
	lgdt boot_gdt_pointer
	ljmp $8, $1f
	.code64
1:	movabsq $boot_high, %rax
	jmp *%rax

	.balign 8
boot_gdt:
	.quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
boot_gdt_pointer:
	.word . - boot_gdt - 1
	.long boot_gdt

	.balign 4096
boot_root:
	.quad boot_low + TABLE
	.fill ROOT_INDEX - 1, 8, 0
	.quad boot_linked + TABLE
	.fill 511 - ROOT_INDEX, 8, 0
boot_low:
	.quad boot_first_gib + TABLE, 0, 0, boot_fourth_gib + TABLE
	.fill 508, 8, 0
boot_linked:
	.fill GIB_INDEX, 8, 0
	.quad boot_first_gib + TABLE
	.fill 511 - GIB_INDEX, 8, 0
boot_first_gib:
	.set address, 0
	.rept 512
	.quad address + BLOCK
	.set address, address + 0x200000
	.endr
boot_fourth_gib:
	.set address, 0xc0000000
	.rept 512
	.quad address + BLOCK
	.set address, address + 0x200000
	.endr

	.text
boot_high:
	movl $16, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movl %ebx, %edx
	movq $image_bss_begin, %rdi
	movq $image_data_end, %rcx
	subq %rdi, %rcx
	cld
	rep stosb
	movl %edx, %edi
	movq $image_stack_idle_end, %rsp
	xorl %ebp, %ebp
	call kernel_main
	ud2

	.section .note.GNU-stack, "", @progbits
