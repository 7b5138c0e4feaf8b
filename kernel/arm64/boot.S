/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot.S - from the loader (EL1, MMU off, at the physical address) to kernel_main() at
 * its linked address. The low tables map the first GiB, where the devices are, and the
 * GiB where RAM begins where they are; the high ones that GiB at the image's offset.
 * The high ones are not global and have an ASID of their own, as mmu_start (arch/arm64)
 * wants it. Tables and this code are gone once the core's own tables are current.
 */
#include "kernel/config.h"
#include "arch_config.h"

#include <tree.h>

#define MAIR 0x04bbff   /* normal, write-back; normal, write-through; device */
/* Low: 39 bits, which begin at tables of blocks; high: as many as the core has. Walks are
 * cached; ASIDs are those of the high tables; physical addresses of 32 bits. */
#define TCR_LOW  (0x3500 | 25)
#define TCR_HIGH (0xb540 | (64 - CONFIG_ARM64_VA_BITS))
/* What must be 1 in ARMv8.0; instruction and data caches; the MMU. */
#define SCTLR 0x30d01805
#define BOOT_ASID 1

#define TABLE  0x3
#define RAM    0xf01                /* a block: not global, accessed, shared, normal */
#define DEVICE 0x60000000000c09     /* never executed, not global, accessed, device */
#define ROOT_INDEX 511              /* the highest 512 GiB */
#define RAM_INDEX  (TREE_RAM_BASE0 >> 30)
#define GIB_INDEX  (((CONFIG_KERNEL_IMAGE_OFFSET + TREE_RAM_BASE0) >> 30) & 511)

	.section .boot, "awx", %progbits
	.globl boot_entry
boot_entry:
	ldr x1, =MAIR
	msr mair_el1, x1
	ldr x1, =(TCR_HIGH << 16 | TCR_LOW)
	msr tcr_el1, x1
	adr x1, boot_low
	msr ttbr0_el1, x1
	adr x1, boot_high_root
	.if CONFIG_ARM64_VA_BITS == 39
	adr x1, boot_high
	.endif
	movk x1, #BOOT_ASID, lsl #48
	msr ttbr1_el1, x1
	isb
	tlbi vmalle1
	dsb nsh
	ldr x1, =SCTLR
	msr sctlr_el1, x1
	isb
	ldr x1, =boot_linked
	br x1
	.ltorg

	.balign 4096
boot_low:
	.quad DEVICE
	.fill RAM_INDEX - 1, 8, 0
	.quad TREE_RAM_BASE0 + RAM
	.fill 511 - RAM_INDEX, 8, 0
boot_high_root:
	.fill ROOT_INDEX, 8, 0
	.quad boot_high + TABLE
boot_high:
	.fill GIB_INDEX, 8, 0
	.quad TREE_RAM_BASE0 + RAM
	.fill 511 - GIB_INDEX, 8, 0

	.text
boot_linked:
	adrp x1, image_bss_begin
	adrp x2, image_data_end
1:	stp xzr, xzr, [x1], #16
	cmp x1, x2
	b.lo 1b
	adrp x1, image_stack_idle_end
	mov sp, x1
	mov x29, xzr
	mov x30, xzr
	bl kernel_main
	brk #0

	.section .note.GNU-stack, "", %progbits
