/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view.h - what a page-table entry means, and what a port gives.
 *
 * A port's entry.h is pure arithmetic: constants, and two functions between the
 * bits of an entry and this view of it. The law of the codec:
 *
 *     entry_decode(entry_encode(v, l), l) == v   for every view with entry_legal(&v, l)
 *     entry_decode(0, l).kind == QR_NONE
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
 *
 *     bool           entry_legal(const struct qr_view *view, unsigned int level)
 *     qr_entry_t     entry_encode(struct qr_view view, unsigned int level)
 *     struct qr_view entry_decode(qr_entry_t entry, unsigned int level)
 *
 * Both conversions must be QR_INLINE: with a constant view they fold to a constant,
 * and in a loop to a handful of instructions. In a leaf's encoding the address
 * is linear: encode(address + size) - encode(address) is the same for all
 * addresses of a level.
 */
#ifndef QR_PAGETABLE_VIEW_H
#define QR_PAGETABLE_VIEW_H

#include <quire/compiler.h>

typedef uint64_t qr_entry_t;

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

#endif /* QR_PAGETABLE_VIEW_H */
