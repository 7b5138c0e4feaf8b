/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry.h - the page-table entries of a machine that does not exist (contract:
 * pagetable/view.h). Copy this folder and put your machine's manual in the place of this:
 *
 *   63..48 47..12  11 10  9    8  7 6 5 4 3 2 1 0
 *   0      address 0  cow last NC D A G U X W 1 1     leaf
 *   0      address 0  0   0    0  0 0 0 0 0 0 0 1     table
 *   0      token   1  0   last 0  0 0 0 U X W 0 0     token, in bits 43:12
 *
 * - Bits 11:9 are software's, and all but bit 0 where that is clear.
 * - The walker sets A in leaves, and D when it writes and W is set. D stays when W goes.
 * - A cow leaf has the right to write in bit 10 instead of W.
 * - Until it is told, the TLB has the old translation or the new, and never minds: no ENTRY_BREAK.
 * - Bit 11 marks a token, so that it is never 0; bits 1:0 of one are (view.h).
 */
#ifndef QR_ARCH_ENTRY_H
#define QR_ARCH_ENTRY_H

#include <quire/mm.h>
#include <pagetable/view.h>

#include "arch_config.h"

#define ENTRY_PAGE_SHIFT  12
#define ENTRY_INDEX_BITS  9
#define ENTRY_LEVELS      3
#define ENTRY_LEAF_LEVELS 3 /* 4 KiB, 2 MiB, 1 GiB */
#define ENTRY_VA_BITS     39
#define ENTRY_PA_BITS     48
#define ENTRY_BREAK       0
#define ENTRY_TOKEN_LOW   0
#define ENTRY_CACHE_MODES ((1u << K_MEM_CACHE_WB) | (1u << K_MEM_CACHE_NONE))

#define ENTRY_PRESENT    ((qr_entry_t)1 << 0)
#define ENTRY_LEAF       ((qr_entry_t)1 << 1)
#define ENTRY_W_SHIFT    2 /* writable */
#define ENTRY_X_SHIFT    3 /* executable */
#define ENTRY_U_SHIFT    4 /* for user mode */
#define ENTRY_G_SHIFT    5 /* global */
#define ENTRY_A_SHIFT    6 /* accessed */
#define ENTRY_D_SHIFT    7 /* dirty */
#define ENTRY_NC_SHIFT   8 /* not cached */
#define ENTRY_LAST_SHIFT 9
#define ENTRY_COW_SHIFT  10
#define ENTRY_TOKEN      ((qr_entry_t)1 << 11)

#define ENTRY_ADDRESS ((((qr_entry_t)1 << ENTRY_PA_BITS) - 1) & ~(qr_entry_t)0xfff)

QR_INLINE bool entry_bit(qr_entry_t entry, unsigned int shift)
{
	return (entry >> shift) & 1;
}

/* What leaves and tokens say alike, in the same bits (pagetable/view.h). */
QR_INLINE qr_entry_t entry_rights_encode(struct qr_view view)
{
	return (qr_entry_t)(view.write && !view.cow) << ENTRY_W_SHIFT |
	       (qr_entry_t)view.exec << ENTRY_X_SHIFT | (qr_entry_t)view.user << ENTRY_U_SHIFT |
	       (qr_entry_t)view.last << ENTRY_LAST_SHIFT;
}

QR_INLINE qr_entry_t entry_encode(struct qr_view view, unsigned int level)
{
	(void)level; /* a leaf looks the same at every level */
	switch (view.kind) {
	case QR_TABLE:
		return view.address | ENTRY_PRESENT;
	case QR_LEAF:
		return view.address | ENTRY_PRESENT | ENTRY_LEAF | entry_rights_encode(view) |
		       (qr_entry_t)(view.cache == K_MEM_CACHE_NONE) << ENTRY_NC_SHIFT |
		       (qr_entry_t)view.global << ENTRY_G_SHIFT |
		       (qr_entry_t)view.accessed << ENTRY_A_SHIFT |
		       (qr_entry_t)view.dirty << ENTRY_D_SHIFT |
		       (qr_entry_t)view.cow << ENTRY_COW_SHIFT;
	case QR_TOKEN:
		return (qr_entry_t)view.token << ENTRY_PAGE_SHIFT | ENTRY_TOKEN |
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
		.cache = entry_bit(entry, ENTRY_NC_SHIFT) ? K_MEM_CACHE_NONE : K_MEM_CACHE_WB,
		.write = entry_bit(entry, ENTRY_W_SHIFT) || cow,
		.exec = entry_bit(entry, ENTRY_X_SHIFT),
		.user = entry_bit(entry, ENTRY_U_SHIFT),
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
		.token = (uint32_t)(entry >> ENTRY_PAGE_SHIFT),
		.write = entry_bit(entry, ENTRY_W_SHIFT),
		.exec = entry_bit(entry, ENTRY_X_SHIFT),
		.user = entry_bit(entry, ENTRY_U_SHIFT),
		.last = entry_bit(entry, ENTRY_LAST_SHIFT),
	};
}

QR_INLINE struct qr_view entry_decode(qr_entry_t entry, unsigned int level)
{
	if (!(entry & ENTRY_PRESENT)) {
		return entry == 0 ? (struct qr_view){.kind = QR_NONE} : entry_token_decode(entry);
	}
	if (level == 0 || (entry & ENTRY_LEAF)) {
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
