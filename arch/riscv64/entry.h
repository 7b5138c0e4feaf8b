/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry.h - the page-table entries of riscv64 (contract: pagetable/view.h).
 *
 * RISC-V Privileged Architecture 20211203: 4.4 (Sv39), 4.5 (Sv48), 4.6 (Sv57), whose
 * entries are alike; 4.3.1 (the meaning of the bits); chapter 6 (Svpbmt).
 *
 *   63 62:61 60..54 53..10 9   8    7 6 5 4 3 2 1 0
 *   0  PBMT  0      PPN    cow last D A G U X W 1 1   leaf
 *   0  0     0      PPN    0   0    0 0 0 0 0 0 0 1   table
 *   0  0     0      token  1   last 0 0 0 U X W 0 0   token, in bits 41:10
 *
 * - A leaf is what has R, W or X: ours always has R. In a table U, A and D must be 0.
 * - D and A are set by the walker (Svadu) or by software after a fault (Svade): the
 *   entry is the same. D stays when W goes.
 * - A cow leaf has the right to write in bit 9 instead of W.
 * - Pages with U are never executable in S-mode (4.3.1).
 * - An entry may become another one in one step: until the fence it is the old or the new (4.2.1).
 * - Leaves of 512 GiB and more exist and are not used: the largest space is 256 GiB.
 * - Without V all other bits are free for software; bit 9 marks a token, so that it is never 0.
 */
#ifndef QR_ARCH_ENTRY_H
#define QR_ARCH_ENTRY_H

#include <quire/mm.h>
#include <pagetable/view.h>

#include "arch_config.h"

#define ENTRY_PAGE_SHIFT  12
#define ENTRY_INDEX_BITS  9
#define ENTRY_LEVELS      ((CONFIG_RISCV_SV - 12) / 9)
#define ENTRY_LEAF_LEVELS 3 /* 4 KiB, 2 MiB, 1 GiB */
#define ENTRY_VA_BITS     CONFIG_RISCV_SV
#define ENTRY_PA_BITS     56
#define ENTRY_BREAK       0
#define ENTRY_TOKEN_LOW   0
#define ENTRY_CACHE_MODES ((1u << K_MEM_CACHE_WB) | (CONFIG_RISCV_SVPBMT << K_MEM_CACHE_NONE))

#define ENTRY_V          ((qr_entry_t)1 << 0) /* valid */
#define ENTRY_R          ((qr_entry_t)1 << 1) /* readable */
#define ENTRY_W_SHIFT    2                    /* writable */
#define ENTRY_X_SHIFT    3                    /* executable */
#define ENTRY_U_SHIFT    4                    /* for user mode */
#define ENTRY_G_SHIFT    5                    /* global */
#define ENTRY_A_SHIFT    6                    /* accessed */
#define ENTRY_D_SHIFT    7                    /* dirty */
#define ENTRY_LAST_SHIFT 8                    /* RSW: a mapping ends here */
#define ENTRY_COW_SHIFT  9                    /* RSW: the right to write, W clear */
#define ENTRY_TOKEN      ((qr_entry_t)1 << 9) /* without V: a token */
#define ENTRY_PPN_SHIFT  10
#define ENTRY_PBMT_SHIFT 61 /* 0 PMA, 1 NC, 2 IO: our cache modes but for write-through */

#define ENTRY_PPN ((((qr_entry_t)1 << 44) - 1) << ENTRY_PPN_SHIFT)

QR_INLINE bool entry_bit(qr_entry_t entry, unsigned int shift)
{
	return (entry >> shift) & 1;
}

QR_INLINE qr_entry_t entry_address_encode(uint64_t address)
{
	return address >> (ENTRY_PAGE_SHIFT - ENTRY_PPN_SHIFT);
}

QR_INLINE uint64_t entry_address_decode(qr_entry_t entry)
{
	return (entry & ENTRY_PPN) << (ENTRY_PAGE_SHIFT - ENTRY_PPN_SHIFT);
}

/* What leaves and tokens say alike. */
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
		return entry_address_encode(view.address) | ENTRY_V;
	case QR_LEAF:
		return entry_address_encode(view.address) | ENTRY_V | ENTRY_R |
		       entry_rights_encode(view) |
		       (qr_entry_t)view.cache << ENTRY_PBMT_SHIFT |
		       (qr_entry_t)view.global << ENTRY_G_SHIFT |
		       (qr_entry_t)view.accessed << ENTRY_A_SHIFT |
		       (qr_entry_t)view.dirty << ENTRY_D_SHIFT |
		       (qr_entry_t)view.cow << ENTRY_COW_SHIFT;
	case QR_TOKEN:
		return (qr_entry_t)view.token << ENTRY_PPN_SHIFT | ENTRY_TOKEN |
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
		.address = entry_address_decode(entry),
		.cache = (entry >> ENTRY_PBMT_SHIFT) & 3,
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
		.token = (uint32_t)(entry >> ENTRY_PPN_SHIFT),
		.write = entry_bit(entry, ENTRY_W_SHIFT),
		.exec = entry_bit(entry, ENTRY_X_SHIFT),
		.user = entry_bit(entry, ENTRY_U_SHIFT),
		.last = entry_bit(entry, ENTRY_LAST_SHIFT),
	};
}

QR_INLINE struct qr_view entry_decode(qr_entry_t entry, unsigned int level)
{
	if (!(entry & ENTRY_V)) {
		return entry == 0 ? (struct qr_view){.kind = QR_NONE} : entry_token_decode(entry);
	}
	if (level == 0 || (entry & ENTRY_R)) {
		return entry_leaf_decode(entry);
	}
	return (struct qr_view){.kind = QR_TABLE, .address = entry_address_decode(entry)};
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
