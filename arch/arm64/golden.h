/* SPDX-License-Identifier: Apache-2.0 */
/*
 * golden.h - descriptors typed by hand from the manual, to find a bit that is wrong both
 * in entry_encode and in entry_decode. Not made with entry.h's constants.
 *
 * Arm ARM (DDI 0487) D8.3, D5.3 in older issues: VMSAv8-64 table, block and page
 * descriptors of stage 1. From bit 0: valid 1, table or page 2, AttrIndx 4 8 10, NS 20,
 * AP[1] 40, AP[2] 80, SH 300 (inner), AF 400, nG 800. From bit 51, in the topmost four
 * digits: DBM 0008, PXN 0020, UXN 0040, for software 0080 (last), 0100 (cow), 0200 (dirty).
 */
#ifndef QR_ARCH_GOLDEN_H
#define QR_ARCH_GOLDEN_H

#include <quire/paging.h>
#include <pagetable/mmu_port.h>

#include "entry.h"

static const struct golden {
	qr_entry_t raw;
	unsigned int level;
	struct qr_view view;
} golden[] = {
	/* kernel code: page 3 + AP[2] 80 + SH 300 + AF 400; UXN */
	{0x0040000040081783, 0, {.kind = QR_LEAF, .address = 0x40081000, .exec = true,
				 .accessed = true, .global = true}},
	/* kernel data, dirty: page 3 + SH 300 + AF 400; DBM, PXN, UXN */
	{0x0068000040082703, 0, {.kind = QR_LEAF, .address = 0x40082000, .write = true,
				 .accessed = true, .dirty = true, .global = true}},
	/* kernel data, clean: page 3 + AP[2] 80 + SH 300 + AF 400 + nG 800; DBM, PXN, UXN */
	{0x0068000040083f83, 0, {.kind = QR_LEAF, .address = 0x40083000, .write = true,
				 .accessed = true}},
	/* user data, untouched: page 3 + AP[1] 40 + AP[2] 80 + SH 300 + nG 800 */
	{0x0068000040084bc3, 0, {.kind = QR_LEAF, .address = 0x40084000, .write = true,
				 .user = true}},
	/* user code: page 3 + AP[1] 40 + AP[2] 80 + SH 300 + AF 400 + nG 800; PXN, not UXN */
	{0x0020000040085fc3, 0, {.kind = QR_LEAF, .address = 0x40085000, .exec = true,
				 .user = true, .accessed = true}},
	/* write-through: page 3 + AttrIndx 1 + AP[2] 80 + SH 300 + nG 800; PXN, UXN */
	{0x0060000040086b87, 0, {.kind = QR_LEAF, .address = 0x40086000,
				 .cache = K_MEM_CACHE_WT}},
	/* device: page 3 + AttrIndx 2 + SH 300 + AF 400; DBM, PXN, UXN */
	{0x006800000900070b, 0, {.kind = QR_LEAF, .address = 0x9000000, .write = true,
				 .cache = K_MEM_CACHE_NONE, .accessed = true, .dirty = true,
				 .global = true}},
	/* the highest address, bits 47:12 */
	{0x0060fffffffffb83, 0, {.kind = QR_LEAF, .address = 0xfffffffff000}},
	/* a block of 2 MiB: block 1 + SH 300 + AF 400; DBM, PXN, UXN */
	{0x0068000040200701, 1, {.kind = QR_LEAF, .address = 0x40200000, .write = true,
				 .accessed = true, .dirty = true, .global = true}},
	/* a block of 1 GiB: block 1 + AP[2] 80 + SH 300 + AF 400; UXN */
	{0x0040000080000781, 2, {.kind = QR_LEAF, .address = 0x80000000, .exec = true,
				 .accessed = true, .global = true}},
	/* tables */
	{0x0000000047fff003, 1, {.kind = QR_TABLE, .address = 0x47fff000}},
	{0x0000fffffffff003, 2, {.kind = QR_TABLE, .address = 0xfffffffff000}},
	/* the end of a mapping: bit 55 */
	{0x00e0000040087b83, 0, {.kind = QR_LEAF, .address = 0x40087000, .last = true}},
	/* may be written, but not yet: bit 56, AP[2], no DBM */
	{0x0160000040088fc3, 0, {.kind = QR_LEAF, .address = 0x40088000, .write = true,
				 .user = true, .accessed = true, .cow = true}},
	/* dirty, and the right to write taken away: bit 57, AP[2], no DBM */
	{0x0260000040089f83, 0, {.kind = QR_LEAF, .address = 0x40089000, .accessed = true,
				 .dirty = true}},
	/* tokens: bits 1:0 clear; PXN, UXN */
	{0x0060000000000000, 0, {.kind = QR_TOKEN, .token = 0}},
	/* bits 43:12 set, AP[1] 40; DBM, PXN, UXN, bit 55 */
	{0x00e80ffffffff040, 0, {.kind = QR_TOKEN, .token = 0xffffffff, .write = true,
				 .user = true, .last = true}},
	/* UXN only: the kernel may execute */
	{0x0040012345678000, 0, {.kind = QR_TOKEN, .token = 0x12345678, .exec = true}},
};

/* ESR_EL1: from bit 26 the class (20, 21: instruction abort from user mode and from the
 * kernel, 24, 25: data abort), IL 2000000, CM 100, WnR 40, from bit 0 the status. */
static const struct golden_fault {
	uint64_t syndrome;
	uint32_t access; /* K_MEM_FAULT_*; 0: a read */
	int kind;        /* enum qr_fault_kind; -1: no page fault */
} golden_faults[] = {
	/* translation faults, levels 3, 0 and 1 */
	{0x96000007, 0, QR_FAULT_MISSING},
	{0x96000044, K_MEM_FAULT_WRITE, QR_FAULT_MISSING},
	{0x82000005, K_MEM_FAULT_EXEC | K_MEM_FAULT_USER, QR_FAULT_MISSING},
	/* the same of an instruction that cleans a cache line */
	{0x96000147, 0, QR_FAULT_MISSING},
	/* access flag faults, levels 3 and 2 */
	{0x9600000b, 0, QR_FAULT_FLAG},
	{0x9200004a, K_MEM_FAULT_WRITE | K_MEM_FAULT_USER, QR_FAULT_FLAG},
	/* permission faults, level 3 */
	{0x9600000f, 0, QR_FAULT_DENIED},
	{0x9600004f, K_MEM_FAULT_WRITE, QR_FAULT_DENIED},
	{0x8600000f, K_MEM_FAULT_EXEC, QR_FAULT_DENIED},
	{0x9200000f, K_MEM_FAULT_USER, QR_FAULT_DENIED},
	/* address size, level 0; TLB conflict; unsupported atomic update */
	{0x96000000, 0, QR_FAULT_RESERVED},
	{0x96000070, K_MEM_FAULT_WRITE, QR_FAULT_RESERVED},
	{0x96000031, 0, QR_FAULT_RESERVED},
	/* external abort, alignment; SVC and BRK */
	{0x96000010, 0, -1},
	{0x96000021, 0, -1},
	{0x56000000, 0, -1},
	{0xf2000007, 0, -1},
};

#endif /* QR_ARCH_GOLDEN_H */
