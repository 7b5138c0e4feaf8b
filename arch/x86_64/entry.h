/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry.h - the page-table entries of x86_64 (contract: pagetable/view.h).
 *
 * Intel SDM volume 3A, chapter 4 (5 in editions since 2024): 4.5 (4-level and 5-level
 * paging), 4.6 (access rights), 4.8 (accessed and dirty), 4.9.2 (memory types from the
 * PAT), 4.10.2.4 (global).
 *
 *   63  62..52  51..12    11 10  9    8 7  6 5 4   3   2  1  0
 *   XD  0       address   0  cow last G PS D A PCD PWT US RW P     leaf
 *   0   0       address   0  0   0    0 0  0 0 0   0   1  1  1     table
 *   XD  0       1s ~token 0  0   last 0 0  0 0 0   0   US RW 0     token
 *
 * - Rights are decided in the leaf: tables allow everything (4.6.1 takes the AND).
 * - `dirty` is D, which the hardware sets in writable leaves only and which stays when
 *   RW goes. D without RW means a shadow stack once CR4.CET is set, which Quire never does.
 * - A cow leaf has the right to write in bit 10 instead of RW.
 * - A token is stored inverted in bits 43:12 below ones in 51:44. A load may speculate
 *   with the address bits of an entry that is not present (L1TF, CVE-2018-3620); these
 *   name memory far above all that is cacheable. So a token is never 0 either.
 * - A token keeps RW in bit 1: with P clear nobody takes it for a kind of entry (4.7: the other
 *   bits are ignored), and where a leaf and arch_page_t have it, it costs nothing. Elsewhere it
 *   is one instruction for each page that is mapped, and three for each that is unmapped.
 * - PCD:PWT is our cache mode: the PAT as it is after reset has WB, WT and UC- there. UC-
 *   is uncached unless an MTRR says write-combining.
 * - A leaf's size, its memory type or G may change in one step: until the TLB is told, it has
 *   the old translation or the new. What must not change with the size is the frame and the
 *   rights (4.10.2.3, 4.10.2.4), and ours do not.
 * - Bits 11:9 and 62:52 are ignored by the walker (62:59 unless CR4.PKE).
 */
#ifndef QR_ARCH_ENTRY_H
#define QR_ARCH_ENTRY_H

#include <quire/mm.h>
#include <pagetable/view.h>

#include "arch_config.h"

#define ENTRY_PAGE_SHIFT  12
#define ENTRY_INDEX_BITS  9
#define ENTRY_LEVELS      (4 + CONFIG_X86_LA57)
#define ENTRY_LEAF_LEVELS (2 + CONFIG_X86_1G_LEAVES) /* 4 KiB, 2 MiB, 1 GiB */
#define ENTRY_VA_BITS     (48 + 9 * CONFIG_X86_LA57)
#define ENTRY_PA_BITS     52
#define ENTRY_BREAK       0
#define ENTRY_TOKEN_LOW   2 /* RW */
#define ENTRY_CACHE_MODES                                                                          \
	((1u << K_MEM_CACHE_WB) | (1u << K_MEM_CACHE_WT) | (1u << K_MEM_CACHE_NONE))

#define ENTRY_P          ((qr_entry_t)1 << 0) /* present */
#define ENTRY_RW_SHIFT   1                    /* writable */
#define ENTRY_US_SHIFT   2                    /* user mode too */
#define ENTRY_PWT_SHIFT  3                    /* page-level write-through; cache disable: bit 4 */
#define ENTRY_A_SHIFT    5                    /* accessed */
#define ENTRY_D_SHIFT    6                    /* dirty */
#define ENTRY_PS_SHIFT   7                    /* page size: a leaf above level 0 (there: PAT) */
#define ENTRY_G_SHIFT    8                    /* global */
#define ENTRY_LAST_SHIFT 9                    /* software: a mapping ends here */
#define ENTRY_COW_SHIFT  10                   /* software: the right to write, RW clear */
#define ENTRY_XD_SHIFT   63                   /* execute disable (AMD's NX) */

#define ENTRY_ADDRESS ((((qr_entry_t)1 << ENTRY_PA_BITS) - 1) & ~(qr_entry_t)0xfff)

QR_INLINE bool entry_bit(qr_entry_t entry, unsigned int shift)
{
	return (entry >> shift) & 1;
}

/* What leaves and tokens say alike. */
QR_INLINE qr_entry_t entry_rights_encode(struct qr_view view)
{
	return (qr_entry_t)(view.write && !view.cow) << ENTRY_RW_SHIFT |
	       (qr_entry_t)view.user << ENTRY_US_SHIFT | (qr_entry_t)view.last << ENTRY_LAST_SHIFT |
	       (qr_entry_t)!view.exec << ENTRY_XD_SHIFT;
}

QR_INLINE qr_entry_t entry_encode(struct qr_view view, unsigned int level)
{
	switch (view.kind) {
	case QR_TABLE:
		return view.address | ENTRY_P | (qr_entry_t)1 << ENTRY_RW_SHIFT |
		       (qr_entry_t)1 << ENTRY_US_SHIFT;
	case QR_LEAF:
		return view.address | ENTRY_P | entry_rights_encode(view) |
		       (qr_entry_t)view.cache << ENTRY_PWT_SHIFT |
		       (qr_entry_t)view.accessed << ENTRY_A_SHIFT |
		       (qr_entry_t)view.dirty << ENTRY_D_SHIFT |
		       (qr_entry_t)(level > 0) << ENTRY_PS_SHIFT |
		       (qr_entry_t)view.global << ENTRY_G_SHIFT |
		       (qr_entry_t)view.cow << ENTRY_COW_SHIFT;
	case QR_TOKEN:
		return (~((qr_entry_t)view.token << ENTRY_PAGE_SHIFT) & ENTRY_ADDRESS) |
		       entry_rights_encode(view);
	default:
		return 0;
	}
}

QR_INLINE struct qr_view entry_leaf_decode(qr_entry_t entry)
{
	const bool cow = entry_bit(entry, ENTRY_COW_SHIFT);

	return (struct qr_view){
		.kind = QR_LEAF,
		.address = entry & ENTRY_ADDRESS,
		.cache = (entry >> ENTRY_PWT_SHIFT) & 3,
		.write = entry_bit(entry, ENTRY_RW_SHIFT) || cow,
		.exec = !entry_bit(entry, ENTRY_XD_SHIFT),
		.user = entry_bit(entry, ENTRY_US_SHIFT),
		.last = entry_bit(entry, ENTRY_LAST_SHIFT),
		.accessed = entry_bit(entry, ENTRY_A_SHIFT),
		.dirty = entry_bit(entry, ENTRY_D_SHIFT),
		.cow = cow,
		.global = entry_bit(entry, ENTRY_G_SHIFT),
	};
}

QR_INLINE struct qr_view entry_token_decode(qr_entry_t entry)
{
	return (struct qr_view){
		.kind = QR_TOKEN,
		.token = (uint32_t)(~entry >> ENTRY_PAGE_SHIFT),
		.write = entry_bit(entry, ENTRY_RW_SHIFT),
		.exec = !entry_bit(entry, ENTRY_XD_SHIFT),
		.user = entry_bit(entry, ENTRY_US_SHIFT),
		.last = entry_bit(entry, ENTRY_LAST_SHIFT),
	};
}

QR_INLINE struct qr_view entry_decode(qr_entry_t entry, unsigned int level)
{
	if (!(entry & ENTRY_P)) {
		return entry == 0 ? (struct qr_view){.kind = QR_NONE} : entry_token_decode(entry);
	}
	if (level == 0 || entry_bit(entry, ENTRY_PS_SHIFT)) {
		return entry_leaf_decode(entry);
	}
	return (struct qr_view){.kind = QR_TABLE, .address = entry & ENTRY_ADDRESS};
}

QR_INLINE bool entry_legal(const struct qr_view *view, unsigned int level)
{
	return qr_view_legal(view, level,
			     (struct qr_view_limits){
				     .page_shift = ENTRY_PAGE_SHIFT,
				     .index_bits = ENTRY_INDEX_BITS,
				     .levels = ENTRY_LEVELS,
				     .leaf_levels = ENTRY_LEAF_LEVELS,
				     .pa_bits = ENTRY_PA_BITS,
				     .cache_modes = ENTRY_CACHE_MODES,
			     });
}

#endif /* QR_ARCH_ENTRY_H */
