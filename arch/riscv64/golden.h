/* SPDX-License-Identifier: Apache-2.0 */
/*
 * golden.h - entries typed by hand from the manual, to find a bit that is wrong both in
 * entry_encode and in entry_decode. Not made with entry.h's constants.
 *
 * RISC-V Privileged Architecture 20211203, figures of 4.4.1 (Sv39) and 4.5.1 (Sv48), bits
 * explained in 4.3.1; chapter 6 (Svpbmt). From bit 0: V 1, R 2, W 4, X 8, U 10, G 20, A 40,
 * D 80, RSW 100 (last) and 200 (cow), PPN from bit 10: the address shifted right by 2.
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
	/* kernel code: V 1 + R 2 + X 8 + G 20 + A 40 */
	{0x000000002008006b, 0, {.kind = QR_LEAF, .address = 0x80200000, .exec = true,
				 .accessed = true, .global = true}},
	/* kernel data: V 1 + R 2 + W 4 + G 20 + A 40 + D 80 */
	{0x00000000200804e7, 0, {.kind = QR_LEAF, .address = 0x80201000, .write = true,
				 .accessed = true, .dirty = true, .global = true}},
	/* user data, untouched: V 1 + R 2 + W 4 + U 10 */
	{0x0000000000000417, 0, {.kind = QR_LEAF, .address = 0x1000, .write = true,
				 .user = true}},
	/* user code: V 1 + R 2 + X 8 + U 10 + A 40 */
	{0x00000000048d145b, 0, {.kind = QR_LEAF, .address = 0x12345000, .exec = true,
				 .user = true, .accessed = true}},
	/* the highest address: PPN is bits 53:10 */
	{0x003ffffffffffc03, 0, {.kind = QR_LEAF, .address = 0x00fffffffffff000}},
	/* 2 MiB: the same bits as a page */
	{0x00000000201000e7, 1, {.kind = QR_LEAF, .address = 0x80400000, .write = true,
				 .accessed = true, .dirty = true, .global = true}},
	/* 1 GiB: V 1 + R 2 + X 8 + A 40 */
	{0x000000002000004b, 2, {.kind = QR_LEAF, .address = 0x80000000, .exec = true,
				 .accessed = true}},
	/* tables: V alone */
	{0x0000000021fffc01, 1, {.kind = QR_TABLE, .address = 0x87fff000}},
	{0x0000000000000401, 2, {.kind = QR_TABLE, .address = 0x1000}},
	/* the end of a mapping: V 1 + R 2 + W 4 + bit 8 */
	{0x0000000000000907, 0, {.kind = QR_LEAF, .address = 0x2000, .write = true,
				 .last = true}},
	/* may be written, but not yet: V 1 + R 2 + U 10 + A 40 + bit 9, no W */
	{0x0000000000000e53, 0, {.kind = QR_LEAF, .address = 0x3000, .write = true,
				 .user = true, .accessed = true, .cow = true}},
	/* dirty, and the right to write taken away: V 1 + R 2 + A 40 + D 80 */
	{0x00000000000010c3, 0, {.kind = QR_LEAF, .address = 0x4000, .accessed = true,
				 .dirty = true}},
	/* tokens: bits 1:0 clear; bit 9 */
	{0x0000000000000200, 0, {.kind = QR_TOKEN, .token = 0}},
	/* W 4 + U 10 + bit 8 + bit 9 */
	{0x000003ffffffff14, 0, {.kind = QR_TOKEN, .token = 0xffffffff, .write = true,
				 .user = true, .last = true}},
	/* X 8 + bit 9 */
	{0x00000048d159e208, 0, {.kind = QR_TOKEN, .token = 0x12345678, .exec = true}},
	/* with Svpbmt, a device: PBMT 2 in bits 62:61; V 1 + R 2 + W 4 + A 40 + D 80 */
	{0x40000000040000c7, 0, {.kind = QR_LEAF, .address = 0x10000000, .write = true,
				 .cache = K_MEM_CACHE_NONE, .accessed = true, .dirty = true}},
};

/* scause, table 4.2, with sstatus.SPP, bit 8, which is clear for user mode: page faults tell what
 * was tried, not why it failed. */
static const struct golden_fault {
	uint64_t syndrome;
	uint32_t access; /* K_MEM_FAULT_*; 0: a read */
	int kind;        /* enum qr_fault_kind; -1: no page fault */
} golden_faults[] = {
	{0x000000000000010c, K_MEM_FAULT_EXEC, QR_FAULT_MISSING},
	{0x000000000000010d, 0, QR_FAULT_MISSING},
	{0x000000000000010f, K_MEM_FAULT_WRITE, QR_FAULT_MISSING},
	{0x000000000000000d, K_MEM_FAULT_USER, QR_FAULT_MISSING},
	{0x000000000000000f, K_MEM_FAULT_WRITE | K_MEM_FAULT_USER, QR_FAULT_MISSING},
	/* illegal instruction, load access fault, timer */
	{0x0000000000000102, 0, -1},
	{0x0000000000000005, 0, -1},
	{0x8000000000000005, 0, -1},
};

#endif /* QR_ARCH_GOLDEN_H */
