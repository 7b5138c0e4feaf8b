/* SPDX-License-Identifier: Apache-2.0 */
/*
 * golden.h - entries typed by hand from the manual, to find a bit that is wrong both in
 * entry_encode and in entry_decode. Not made with entry.h's constants.
 *
 * Intel SDM volume 3A: Tables 4-15 to 4-20 of section 4.5 (5-15 to 5-20 of 5.5 in newer
 * editions). From bit 0: P RW US PWT, PCD A D PS(PAT), G and three for software:
 * 1, 2, 4, 8, 10, 20, 40, 80, 100, 200 (last), 400 (cow), 800; XD is bit 63.
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
	/* 4-20, a page. Kernel code: P 1 + A 20 + G 100, no XD */
	{0x0000000001000121, 0, {.kind = QR_LEAF, .address = 0x1000000, .exec = true,
				 .accessed = true, .global = true}},
	/* kernel data: P 1 + RW 2 + A 20 + D 40 + G 100, XD */
	{0x8000000001234163, 0, {.kind = QR_LEAF, .address = 0x1234000, .write = true,
				 .accessed = true, .dirty = true, .global = true}},
	/* user data, untouched: P 1 + RW 2 + US 4, XD */
	{0x8000000012345007, 0, {.kind = QR_LEAF, .address = 0x12345000, .write = true,
				 .user = true}},
	/* user code: P 1 + US 4 + A 20 */
	{0x0000000000abc025, 0, {.kind = QR_LEAF, .address = 0xabc000, .exec = true,
				 .user = true, .accessed = true}},
	/* write-through, 4.9.2 and the PAT's reset value (12.12.4): P 1 + PWT 8, XD */
	{0x8000000000002009, 0, {.kind = QR_LEAF, .address = 0x2000,
				 .cache = K_MEM_CACHE_WT}},
	/* device registers: P 1 + RW 2 + PCD 10 + A 20 + D 40, XD */
	{0x80000000fee00073, 0, {.kind = QR_LEAF, .address = 0xfee00000, .write = true,
				 .cache = K_MEM_CACHE_NONE, .accessed = true, .dirty = true}},
	/* the highest address, bits 51:12 */
	{0x800ffffffffff001, 0, {.kind = QR_LEAF, .address = 0x000ffffffffff000}},
	/* 4-18, 2 MiB: P 1 + RW 2 + A 20 + D 40 + PS 80 + G 100, XD */
	{0x80000000402001e3, 1, {.kind = QR_LEAF, .address = 0x40200000, .write = true,
				 .accessed = true, .dirty = true, .global = true}},
	/* 4-16, 1 GiB: P 1 + A 20 + PS 80 */
	{0x00000000c00000a1, 2, {.kind = QR_LEAF, .address = 0xc0000000, .exec = true,
				 .accessed = true}},
	/* 4-19, a page directory entry that points to a table: P 1 + RW 2 + US 4 */
	{0x000000007fffe007, 1, {.kind = QR_TABLE, .address = 0x7fffe000}},
	/* 4-15, an entry of the PML4 */
	{0x000000000009f007, 3, {.kind = QR_TABLE, .address = 0x9f000}},
	/* the end of a mapping: P 1 + RW 2 + bit 9, XD */
	{0x8000000000004203, 0, {.kind = QR_LEAF, .address = 0x4000, .write = true,
				 .last = true}},
	/* may be written, but not yet: P 1 + US 4 + A 20 + bit 10, XD, no RW */
	{0x8000000000005425, 0, {.kind = QR_LEAF, .address = 0x5000, .write = true,
				 .user = true, .accessed = true, .cow = true}},
	/* dirty, and the right to write taken away: P 1 + A 20 + D 40, XD */
	{0x8000000000006061, 0, {.kind = QR_LEAF, .address = 0x6000, .accessed = true,
				 .dirty = true}},
	/* tokens, inverted: all address bits set for 0; XD, as nothing may be executed */
	{0x800ffffffffff000, 0, {.kind = QR_TOKEN, .token = 0}},
	/* 43:12 clear for ffffffff, 51:44 set; RW 2 + US 4 + bit 9, XD */
	{0x800ff00000000206, 0, {.kind = QR_TOKEN, .token = 0xffffffff, .write = true,
				 .user = true, .last = true}},
	/* ~12345678 is edcba987 */
	{0x000ffedcba987000, 0, {.kind = QR_TOKEN, .token = 0x12345678, .exec = true}},
};

/* Error codes of page faults, section 4.7: P 1, W/R 2, U/S 4, RSVD 8, I/D 10. */
static const struct golden_fault {
	uint64_t syndrome;
	uint32_t access; /* K_MEM_FAULT_*; 0: a read */
	int kind;        /* enum qr_fault_kind; -1: no page fault */
} golden_faults[] = {
	{0x00, 0, QR_FAULT_MISSING},
	{0x01, 0, QR_FAULT_DENIED},
	{0x02, K_MEM_FAULT_WRITE, QR_FAULT_MISSING},
	{0x03, K_MEM_FAULT_WRITE, QR_FAULT_DENIED},
	{0x04, K_MEM_FAULT_USER, QR_FAULT_MISSING},
	{0x07, K_MEM_FAULT_WRITE | K_MEM_FAULT_USER, QR_FAULT_DENIED},
	{0x11, K_MEM_FAULT_EXEC, QR_FAULT_DENIED},
	{0x14, K_MEM_FAULT_EXEC | K_MEM_FAULT_USER, QR_FAULT_MISSING},
	{0x09, 0, QR_FAULT_RESERVED},
	{0x08, 0, QR_FAULT_RESERVED}, /* as QEMU has it */
};

#endif /* QR_ARCH_GOLDEN_H */
