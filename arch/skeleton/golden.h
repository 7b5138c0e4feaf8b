/* SPDX-License-Identifier: Apache-2.0 */
/*
 * golden.h - entries typed by hand from the manual, to find a bit that is wrong both in
 * entry_encode and in entry_decode, and what faults say. Not made with entry.h's constants.
 *
 * From bit 0: present 1, leaf 2, W 4, X 8, U 10, G 20, A 40, D 80, NC 100 and three of
 * software's: 200 (last), 400 (cow), 800 (token).
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
	/* kernel code: 1 + leaf 2 + X 8 + G 20 + A 40 */
	{0x000000000020006b, 0, {.kind = QR_LEAF, .address = 0x200000, .exec = true,
				 .accessed = true, .global = true}},
	/* kernel data: 1 + leaf 2 + W 4 + G 20 + A 40 + D 80 */
	{0x00000000012340e7, 0, {.kind = QR_LEAF, .address = 0x1234000, .write = true,
				 .accessed = true, .dirty = true, .global = true}},
	/* user data, untouched, at the highest address: 1 + leaf 2 + W 4 + U 10 */
	{0x0000fffffffff017, 0, {.kind = QR_LEAF, .address = 0x0000fffffffff000,
				 .write = true, .user = true}},
	/* a device: 1 + leaf 2 + W 4 + A 40 + D 80 + NC 100 */
	{0x00000000100001c7, 0, {.kind = QR_LEAF, .address = 0x10000000, .write = true,
				 .cache = K_MEM_CACHE_NONE, .accessed = true, .dirty = true}},
	/* 2 MiB and 1 GiB: the same bits as a page */
	{0x00000000402000c7, 1, {.kind = QR_LEAF, .address = 0x40200000, .write = true,
				 .accessed = true, .dirty = true}},
	{0x00000000c000004b, 2, {.kind = QR_LEAF, .address = 0xc0000000, .exec = true,
				 .accessed = true}},
	/* a table */
	{0x000000000009f001, 2, {.kind = QR_TABLE, .address = 0x9f000}},
	/* the end of a mapping: 1 + leaf 2 + W 4 + last 200 */
	{0x0000000000004207, 0, {.kind = QR_LEAF, .address = 0x4000, .write = true,
				 .last = true}},
	/* may be written, but not yet: 1 + leaf 2 + A 40 + cow 400, no W */
	{0x0000000000005443, 0, {.kind = QR_LEAF, .address = 0x5000, .write = true,
				 .accessed = true, .cow = true}},
	/* tokens: 800, and not present; W 4 + U 10 + last 200; X 8 */
	{0x0000000000000800, 0, {.kind = QR_TOKEN, .token = 0}},
	{0x00000ffffffffa14, 0, {.kind = QR_TOKEN, .token = 0xffffffff, .write = true,
				 .user = true, .last = true}},
	{0x0000012345678808, 0, {.kind = QR_TOKEN, .token = 0x12345678, .exec = true}},
};

/* The fault register: 1 a write, 2 a fetch, 4 from user mode; why in bits 9:8. */
static const struct golden_fault {
	uint64_t syndrome;
	uint32_t access; /* K_MEM_FAULT_*; 0: a read */
	int kind;        /* enum qr_fault_kind; -1: no page fault */
} golden_faults[] = {
	{0x000, 0, QR_FAULT_MISSING},
	{0x005, K_MEM_FAULT_WRITE | K_MEM_FAULT_USER, QR_FAULT_MISSING},
	{0x101, K_MEM_FAULT_WRITE, QR_FAULT_DENIED},
	{0x106, K_MEM_FAULT_EXEC | K_MEM_FAULT_USER, QR_FAULT_DENIED},
	{0x200, 0, QR_FAULT_FLAG},
	{0x300, 0, QR_FAULT_RESERVED},
	/* a bus error */
	{0x400, 0, -1},
};

#endif /* QR_ARCH_GOLDEN_H */
