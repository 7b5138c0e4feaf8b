/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view.h - what a page-table entry means, and what a port gives.
 *
 * A port's entry.h is pure arithmetic: constants, and two functions between the
 * bits of an entry and this view of it. The law of the codec:
 *
 *     entry_decode(entry_encode(v, l), l) == v   for every view with entry_legal(&v, l)
 *     entry_decode(0, l).kind == QR_NONE
 *     (entry_encode(v, 0) & 3 & ~ENTRY_TOKEN_LOW) == 0        for every token
 *
 * the last because other software may read the tables, and knows more kinds of entries by these
 * two bits than the CPU: it must take a token for nothing.
 *
 * entry.h, chosen by include path, defines
 *
 *     ENTRY_PAGE_SHIFT    log2 of the page size
 *     ENTRY_INDEX_BITS    index bits per level
 *     ENTRY_LEVELS        levels of tables; level 0 holds the pages, the root is
 *                         level ENTRY_LEVELS - 1
 *     ENTRY_LEAF_LEVELS   levels 0 .. ENTRY_LEAF_LEVELS - 1 may hold leaves
 *     ENTRY_VA_BITS       virtual address bits, sign-extended above or zero
 *     ENTRY_PA_BITS       physical address bits that an entry can hold
 *     ENTRY_TOKEN_LOW     which of bits 1:0 a token may have set: 0, but where everybody goes by
 *                         bit 0 alone
 *     ENTRY_BREAK         1: the machine demands that a translation is away from everywhere before
 *                         its leaf changes its size or its cache mode (mmu_replace, mmu_port.h)
 *
 *     bool           entry_legal(const struct qr_view *view, unsigned int level)
 *     qr_entry_t     entry_encode(struct qr_view view, unsigned int level)
 *     struct qr_view entry_decode(qr_entry_t entry, unsigned int level)
 *     ENTRY_CACHE_MODES   bit m is set where the format can say K_MEM_CACHE_ mode m
 *
 * entry_legal is qr_view_legal below with the port's limits, unless a format is odd.
 *
 * Both conversions must be QR_INLINE: with a constant view they fold to a constant,
 * and in a loop to a handful of instructions. Entries of level 0 are mostly read and changed as
 * they are, by masks which masks.h makes of encodings of constant views. For this the codec keeps
 *
 *   - the address of a leaf linear: encode(address + size) - encode(address) is the same for all
 *     addresses and other fields of a level. So it is in a table's, where it does not depend on the
 *     level; bits that a walker sets there are below the address. So are a token's numbers linear;
 *   - `last`, `accessed` and `global` of a leaf, and `last` and `write` of a token, bits of their
 *     own: one bit each, set or clear, which no other field changes;
 *   - rights and `last` the same bits in a token and in a leaf of level 0 that is not cow, and
 *     nothing else in them: a page that goes or comes keeps them as they are;
 *   - what `dirty` changes in a leaf dependent on `write` alone, and what `cow` changes on
 *     nothing. `cow` moves `write` out of the bit that the token has it in.
 */
#ifndef QR_PAGETABLE_VIEW_H
#define QR_PAGETABLE_VIEW_H

#include <quire/compiler.h>

/* Aligned as the walker and atomic accesses want it, where a uint64_t need not be. */
typedef uint64_t qr_entry_t QR_ALIGNED(8);

enum qr_kind {
	QR_NONE,  /* nothing here */
	QR_TABLE, /* points to the table of the next level down */
	QR_LEAF,  /* maps a page or a large block */
	QR_TOKEN, /* not present, remembers a token (quire/arch.h) */
};

/* Fields that a kind does not have are zero. */
struct qr_view {
	uint64_t address; /* TABLE, LEAF: physical, aligned to a page or to the leaf */
	uint32_t token;   /* TOKEN: all 32 bits */
	uint8_t kind;     /* enum qr_kind */
	uint8_t cache;    /* LEAF: K_MEM_CACHE_WB, _WT, _NONE */
	bool write;       /* LEAF, TOKEN: right to write */
	bool exec;        /* LEAF, TOKEN: right to execute; never with write */
	bool user;        /* LEAF, TOKEN: rights hold for user mode too */
	bool last;        /* LEAF, TOKEN: a mapping ends here */
	bool accessed;    /* LEAF */
	bool dirty;       /* LEAF; kept even where `write` was taken away later */
	bool cow;         /* LEAF with write: the hardware must refuse writes; not dirty */
	bool global;      /* LEAF: the same in every set of tables */
};

/* ---- legal views: alike in every format but for these limits ------------------------- */

struct qr_view_limits {
	unsigned int page_shift;
	unsigned int index_bits;
	unsigned int levels;
	unsigned int leaf_levels;
	unsigned int pa_bits;
	unsigned int cache_modes;
};

/* A multiple of 2^shift that an entry has bits for. */
QR_INLINE bool qr_view_address_legal(uint64_t address, unsigned int shift, unsigned int pa_bits)
{
	return (address & (((uint64_t)1 << shift) - 1)) == 0 && address >> pa_bits == 0;
}

/* Nothing that leaves alone have. */
QR_INLINE bool qr_view_is_no_leaf(const struct qr_view *view)
{
	return view->cache == 0 && !view->accessed && !view->dirty && !view->cow && !view->global;
}

/* Nothing that leaves and tokens have. */
QR_INLINE bool qr_view_is_without_rights(const struct qr_view *view)
{
	return view->token == 0 && !view->write && !view->exec && !view->user && !view->last;
}

QR_INLINE bool qr_view_leaf_legal(const struct qr_view *view, unsigned int level,
				  struct qr_view_limits limits)
{
	const unsigned int shift = limits.page_shift + level * limits.index_bits;

	return level < limits.leaf_levels && view->token == 0 &&
	       qr_view_address_legal(view->address, shift, limits.pa_bits) && view->cache < 8 &&
	       ((limits.cache_modes >> view->cache) & 1u) != 0 && !(view->write && view->exec) &&
	       (!view->cow || (view->write && !view->dirty));
}

/* Can an entry of `level` hold this view? Tokens stand for pages: level 0 only. */
QR_INLINE bool qr_view_legal(const struct qr_view *view, unsigned int level,
			     struct qr_view_limits limits)
{
	switch (view->kind) {
	case QR_NONE:
		return level < limits.levels && view->address == 0 &&
		       qr_view_is_without_rights(view) && qr_view_is_no_leaf(view);
	case QR_TABLE:
		return level >= 1 && level < limits.levels &&
		       qr_view_address_legal(view->address, limits.page_shift, limits.pa_bits) &&
		       qr_view_is_without_rights(view) && qr_view_is_no_leaf(view);
	case QR_LEAF:
		return qr_view_leaf_legal(view, level, limits);
	case QR_TOKEN:
		return level == 0 && view->address == 0 && !(view->write && view->exec) &&
		       qr_view_is_no_leaf(view);
	default:
		return false;
	}
}

#endif /* QR_PAGETABLE_VIEW_H */
