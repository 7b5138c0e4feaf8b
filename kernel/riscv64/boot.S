/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot.S - from the firmware (S-mode, translation off; a0: this hart, a1: a device tree,
 * which nobody reads) to kernel_main() at its linked address. The tables map the first
 * 4 GiB, with RAM and devices, where they are, and the GiB of the image at its offset. They
 * and this code are gone once the core's own tables are current.
 */
#include "arch_config.h"
#include "kernel/config.h"
#include "kernel/riscv64/local.h"

#define LEAF 0xcf       /* valid, readable, writable, executable, accessed, dirty */
#define GIB(n) (((n) << 28) | LEAF)
#define IMAGE_GIB ((CONFIG_KERNEL_VM_BASE >> 30) & 511)
#define IMAGE_PHYS_GIB (((CONFIG_KERNEL_VM_BASE - CONFIG_KERNEL_IMAGE_OFFSET) >> 30) & 511)

#define SATP_MODE (8 + (CONFIG_RISCV_SV - 39) / 9)

/* `table` stands for the lowest and for the highest addresses alike: both lead on to `next`. */
	.macro link table, next
	la t0, \next
	srli t0, t0, 2
	ori t0, t0, 1
	la t1, \table
	sd t0, (t1)
	li t2, 511 * 8
	add t1, t1, t2
	sd t0, (t1)
	.endm

	.section .boot, "awx", @progbits
	.globl boot_entry
boot_entry:
#if CONFIG_RISCV_SV > 39
	link boot_512gib, boot_gib
#endif
#if CONFIG_RISCV_SV > 48
	link boot_256tib, boot_512gib
#endif
	la t0, boot_root
	srli t0, t0, 12
	li t1, SATP_MODE << 60
	or t0, t0, t1
	csrw satp, t0
	sfence.vma
	ld t1, boot_high_address
	csrr t2, satp
	bne t0, t2, 1f
	jr t1
1:	li a0, SEMIHOST_WRITE_TEXT /* the mode was not taken */
	la a1, boot_text
	semihost
	li a0, SEMIHOST_EXIT
	la a1, boot_exit
	semihost

	.balign 8
boot_exit:
	.quad SEMIHOST_EXIT_REASON, EXIT_BASE + 3
boot_text:
	.asciz "the hart has no addresses as wide as CONFIG_RISCV_SV\n"
	.balign 8
boot_high_address:
	.quad boot_high
	.balign 4096
#if CONFIG_RISCV_SV == 39
boot_root:
#endif
boot_gib:
	.quad GIB(0), GIB(1), GIB(2), GIB(3)
	.fill IMAGE_GIB - 4, 8, 0
	.quad GIB(IMAGE_PHYS_GIB)
	.fill 511 - IMAGE_GIB, 8, 0
#if CONFIG_RISCV_SV > 39
#if CONFIG_RISCV_SV == 48
boot_root:
#endif
boot_512gib:
	.fill 512, 8, 0
#endif
#if CONFIG_RISCV_SV > 48
boot_root:
boot_256tib:
	.fill 512, 8, 0
#endif

	.text
	.globl boot_high
boot_high:
	la sp, image_stack_idle_end
	la tp, image_stack_idle_begin + STACK_ROOM_BYTES
	la t0, image_bss_begin
	la t1, image_data_end
1:	sd zero, (t0)
	addi t0, t0, 8
	bltu t0, t1, 1b
	call kernel_main
	unimp

	.section .note.GNU-stack, "", @progbits
