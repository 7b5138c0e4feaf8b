/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry.h - the translation table descriptors of arm64 (contract: pagetable/view.h).
 *
 * Arm ARM (DDI 0487), chapter D8 (D5 in issues before 2022), VMSAv8-64, stage 1, 4 KiB
 * granule, 48-bit output addresses: D8.3 (descriptor formats), D8.4 (access control, with
 * the Access flag and the hardware management of the dirty state). Our level 0 is the
 * manual's level 3.
 *
 *   58 57    56  55   54  53  51  47..12  11 10 9:8 7:6 5  4:2      1 0
 *   0  dirty cow last UXN PXN DBM address nG AF SH  AP  NS AttrIndx t 1   leaf (t = 1: a page)
 *   0                             address 0  0  0   0   0  0        1 1   table
 *   0  0     0   last UXN PXN DBM token   0  0  0   AP  0  0        0 0   token, in bits 43:12
 *
 * - The right to write is DBM. A leaf with it is clean while AP[2] (read-only) is set:
 *   the hardware clears AP[2] on the first write (TCR_EL1.HD); where it cannot, the write
 *   faults and software does. Bit 57 keeps `dirty` after the right to write has gone.
 * - A cow leaf has the right to write in bit 56 instead of DBM.
 * - AP[1] opens a page to EL0. A page that EL0 may execute is never executable at EL1.
 * - AttrIndx is our cache mode: MAIR_EL1 must hold 0xff (normal, write-back), 0xbb
 *   (normal, write-through), 0x04 (device nGnRE) in attributes 0, 1 and 2.
 * - Block to table or back, and another memory type: broken before it is made (D8.14, "Using
 *   break-before-make when updating translation table entries"). FEAT_BBM does without, but may
 *   answer with an abort (D8.14.1, levels 1 and 2), so it is not used.
 * - Bits 58:55 are for software; with bit 0 clear the walker ignores all others.
 * - PXN or UXN is always set, so a token is never 0.
 */
#ifndef QR_ARCH_ENTRY_H
#define QR_ARCH_ENTRY_H

#include <quire/mm.h>
#include <pagetable/view.h>

#include "arch_config.h"

#define ENTRY_PAGE_SHIFT  12
#define ENTRY_INDEX_BITS  9
#define ENTRY_LEVELS      ((CONFIG_ARM64_VA_BITS - 12) / 9)
#define ENTRY_LEAF_LEVELS 3 /* 4 KiB, 2 MiB, 1 GiB */
#define ENTRY_VA_BITS     CONFIG_ARM64_VA_BITS
#define ENTRY_PA_BITS     48
#define ENTRY_BREAK       1
#define ENTRY_TOKEN_LOW   0
#define ENTRY_CACHE_MODES                                                                          \
	((1u << K_MEM_CACHE_WB) | (1u << K_MEM_CACHE_WT) | (1u << K_MEM_CACHE_NONE))

#define ENTRY_VALID          ((qr_entry_t)1 << 0)
#define ENTRY_TABLE_SHIFT    1 /* a table, or at level 0 a page; clear: a block */
#define ENTRY_ATTRINDX_SHIFT 2
#define ENTRY_AP1_SHIFT      6 /* EL0 may access */
#define ENTRY_AP2_SHIFT      7 /* read-only */
#define ENTRY_SH_INNER       ((qr_entry_t)3 << 8)
#define ENTRY_AF_SHIFT       10 /* accessed */
#define ENTRY_NG_SHIFT       11 /* not global */
#define ENTRY_DBM_SHIFT      51 /* dirty bit modifier: a clean writable leaf may become dirty */
#define ENTRY_PXN_SHIFT      53 /* no execution at EL1 */
#define ENTRY_UXN_SHIFT      54 /* no execution at EL0 */
#define ENTRY_LAST_SHIFT     55 /* software: a mapping ends here */
#define ENTRY_COW_SHIFT      56 /* software: the right to write, DBM clear */
#define ENTRY_DIRTY_SHIFT    57 /* software: dirty without the right to write */

#define ENTRY_ADDRESS ((((qr_entry_t)1 << ENTRY_PA_BITS) - 1) & ~(qr_entry_t)0xfff)

QR_INLINE bool entry_bit(qr_entry_t entry, unsigned int shift)
{
	return (entry >> shift) & 1;
}

/* What leaves and tokens say alike. */
QR_INLINE qr_entry_t entry_rights_encode(struct qr_view view)
{
	return (qr_entry_t)(view.write && !view.cow) << ENTRY_DBM_SHIFT |
	       (qr_entry_t)view.user << ENTRY_AP1_SHIFT |
	       (qr_entry_t)!(view.exec && !view.user) << ENTRY_PXN_SHIFT |
	       (qr_entry_t)!(view.exec && view.user) << ENTRY_UXN_SHIFT |
	       (qr_entry_t)view.last << ENTRY_LAST_SHIFT;
}

QR_INLINE bool entry_exec_decode(qr_entry_t entry)
{
	return !(entry_bit(entry, ENTRY_PXN_SHIFT) && entry_bit(entry, ENTRY_UXN_SHIFT));
}

QR_INLINE qr_entry_t entry_encode(struct qr_view view, unsigned int level)
{
	switch (view.kind) {
	case QR_TABLE:
		return view.address | ENTRY_VALID | (qr_entry_t)1 << ENTRY_TABLE_SHIFT;
	case QR_LEAF:
		return view.address | ENTRY_VALID | entry_rights_encode(view) | ENTRY_SH_INNER |
		       (qr_entry_t)(level == 0) << ENTRY_TABLE_SHIFT |
		       (qr_entry_t)view.cache << ENTRY_ATTRINDX_SHIFT |
		       (qr_entry_t)!(view.write && view.dirty) << ENTRY_AP2_SHIFT |
		       (qr_entry_t)view.accessed << ENTRY_AF_SHIFT |
		       (qr_entry_t)!view.global << ENTRY_NG_SHIFT |
		       (qr_entry_t)view.cow << ENTRY_COW_SHIFT |
		       (qr_entry_t)(view.dirty && !view.write) << ENTRY_DIRTY_SHIFT;
	case QR_TOKEN:
		return (qr_entry_t)view.token << ENTRY_PAGE_SHIFT | entry_rights_encode(view);
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
		.cache = (entry >> ENTRY_ATTRINDX_SHIFT) & 7,
		.write = entry_bit(entry, ENTRY_DBM_SHIFT) || cow,
		.exec = entry_exec_decode(entry),
		.user = entry_bit(entry, ENTRY_AP1_SHIFT),
		.last = entry_bit(entry, ENTRY_LAST_SHIFT),
		.accessed = entry_bit(entry, ENTRY_AF_SHIFT),
		.dirty = !entry_bit(entry, ENTRY_AP2_SHIFT) || entry_bit(entry, ENTRY_DIRTY_SHIFT),
		.cow = cow,
		.global = !entry_bit(entry, ENTRY_NG_SHIFT),
	};
}

QR_INLINE struct qr_view entry_token_decode(qr_entry_t entry)
{
	return (struct qr_view){
		.kind = QR_TOKEN,
		.token = (uint32_t)(entry >> ENTRY_PAGE_SHIFT),
		.write = entry_bit(entry, ENTRY_DBM_SHIFT),
		.exec = entry_exec_decode(entry),
		.user = entry_bit(entry, ENTRY_AP1_SHIFT),
		.last = entry_bit(entry, ENTRY_LAST_SHIFT),
	};
}

QR_INLINE struct qr_view entry_decode(qr_entry_t entry, unsigned int level)
{
	if (!(entry & ENTRY_VALID)) {
		return entry == 0 ? (struct qr_view){.kind = QR_NONE} : entry_token_decode(entry);
	}
	if (level == 0 || !entry_bit(entry, ENTRY_TABLE_SHIFT)) {
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
