/* SPDX-License-Identifier: Apache-2.0 */
/*
 * masks.h - pages' entries changed as they are: no view is built where a few bits say it all.
 *
 * An entry of level 0 is read and changed at each fault, so what is changed most is done with masks
 * of the bits in which two entries differ. A port says nothing for it: the masks are differences
 * of encodings of constant views, which the compiler knows. What makes them right are laws of the
 * codec (view.h), and tests/unit/test_codec.c tries that each function here does what decoding,
 * changing the view and encoding it would, for every legal view:
 *
 *     token   [ token                  | rights, last ]    kept by what the
 *     leaf    [ address, D A G, cow .. | rights, last ]    page becomes
 *
 * All is arithmetic: who loads and stores the entries is page.c, range.c and overlay.c.
 */
#ifndef QR_PAGETABLE_MASKS_H
#define QR_PAGETABLE_MASKS_H

#include <quire/arch.h>
#include <quire/compiler.h>

#include "view.h"

#include "entry.h"

#define QR_AS_LEAF(level, ...) entry_encode((struct qr_view){.kind = QR_LEAF, __VA_ARGS__}, level)
#define QR_AS_TOKEN(...) entry_encode((struct qr_view){.kind = QR_TOKEN, __VA_ARGS__}, 0)

/* ---- which bits are what ------------------------------------------------------------------ */

/* What to add to a leaf's entry for the next leaf's address. */
QR_INLINE qr_entry_t qr_leaf_step(unsigned int level)
{
	const unsigned int shift = ENTRY_PAGE_SHIFT + ENTRY_INDEX_BITS * level;

	return QR_AS_LEAF(level, .address = (uint64_t)1 << shift) -
	       QR_AS_LEAF(level, .address = 0);
}

/* What to add to a leaf's entry to mark the end of a mapping. */
QR_INLINE qr_entry_t qr_leaf_mark(unsigned int level)
{
	return QR_AS_LEAF(level, .last = true) - QR_AS_LEAF(level, .last = false);
}

/* The bit, set or clear, that makes a leaf the same in every set of tables. */
QR_INLINE qr_entry_t qr_leaf_global(unsigned int level)
{
	return QR_AS_LEAF(level, .global = true) ^ QR_AS_LEAF(level, .global = false);
}

/* The bit, set or clear, that says that a page was accessed. */
QR_INLINE qr_entry_t qr_leaf_used(void)
{
	return QR_AS_LEAF(0, .accessed = true) ^ QR_AS_LEAF(0, .accessed = false);
}

/* What changes when a page that may be written, or not, becomes dirty, or clean again. */
QR_INLINE qr_entry_t qr_leaf_dirt(bool write)
{
	return QR_AS_LEAF(0, .write = write, .dirty = true) ^ QR_AS_LEAF(0, .write = write);
}

/* What changes when a clean page that may be written is to refuse writes all the same. */
QR_INLINE qr_entry_t qr_leaf_cow(void)
{
	return QR_AS_LEAF(0, .write = true, .cow = true) ^ QR_AS_LEAF(0, .write = true);
}

/* The bits that say rights and `last`, and nothing else, in tokens and in leaves alike, but that
 * a cow leaf says `write` elsewhere. */
QR_INLINE qr_entry_t qr_rights_mask(void)
{
	const qr_entry_t none = QR_AS_TOKEN(.token = 0);

	return (none ^ QR_AS_TOKEN(.write = true)) | (none ^ QR_AS_TOKEN(.exec = true)) |
	       (none ^ QR_AS_TOKEN(.exec = true, .user = true)) |
	       (none ^ QR_AS_TOKEN(.user = true)) | (none ^ QR_AS_TOKEN(.last = true));
}

/* The bit, set or clear, by which a token says `write`; leaves that are not cow do, too. */
QR_INLINE qr_entry_t qr_write_bit(void)
{
	return QR_AS_TOKEN(.write = true) ^ QR_AS_TOKEN(.write = false);
}

/* ---- asking ------------------------------------------------------------------------------- */

/* Is the entry `like` that one, as far as these bits say? */
QR_INLINE bool qr_says(qr_entry_t entry, qr_entry_t like, qr_entry_t bits)
{
	return ((entry ^ like) & bits) == 0;
}

QR_INLINE bool qr_is_leaf(qr_entry_t entry)
{
	return entry_decode(entry, 0).kind == QR_LEAF;
}

/* At level 0 what is neither none, which is 0 in every format, nor a leaf. */
QR_INLINE bool qr_is_token(qr_entry_t entry)
{
	return entry != 0 && !qr_is_leaf(entry);
}

/* Does a mapping end with this leaf? */
QR_INLINE bool qr_is_last(qr_entry_t leaf)
{
	return qr_says(leaf, QR_AS_LEAF(0, .last = true),
		       QR_AS_LEAF(0, .last = true) ^ QR_AS_LEAF(0, .last = false));
}

QR_INLINE bool qr_is_global(qr_entry_t leaf)
{
	return qr_says(leaf, QR_AS_LEAF(0, .global = true), qr_leaf_global(0));
}

QR_INLINE bool qr_is_accessed(qr_entry_t leaf)
{
	return qr_says(leaf, QR_AS_LEAF(0, .accessed = true), qr_leaf_used());
}

/* Two bits where a dirty leaf that may be written looks otherwise than one that may not. */
QR_INLINE bool qr_is_dirty(qr_entry_t leaf)
{
	return qr_says(leaf, QR_AS_LEAF(0, .write = true, .dirty = true), qr_leaf_dirt(true)) ||
	       qr_says(leaf, QR_AS_LEAF(0, .dirty = true), qr_leaf_dirt(false));
}

QR_INLINE bool qr_is_cow(qr_entry_t leaf)
{
	return qr_says(leaf, QR_AS_LEAF(0, .write = true, .cow = true),
		       qr_leaf_cow() & ~qr_rights_mask());
}

/* Of a token, or of a leaf that is not cow. */
QR_INLINE bool qr_may_write(qr_entry_t entry)
{
	return qr_says(entry, QR_AS_TOKEN(.write = true), qr_write_bit());
}

/* A leaf's ARCH_DATA_PAGE_ACCESSED and _DIRTY. */
QR_INLINE uint32_t qr_leaf_bits(qr_entry_t leaf)
{
	return (uint32_t)qr_is_accessed(leaf) * ARCH_DATA_PAGE_ACCESSED |
	       (uint32_t)qr_is_dirty(leaf) * ARCH_DATA_PAGE_DIRTY;
}

/* ---- changing ----------------------------------------------------------------------------- */

/* A leaf with accessed and dirty (ARCH_DATA_PAGE_*) set and cleared. A cow leaf may not become
 * dirty. */
QR_INLINE qr_entry_t qr_leaf_with_bits(qr_entry_t leaf, uint32_t set, uint32_t clear)
{
	const uint32_t was = qr_leaf_bits(leaf), flip = was ^ ((was | set) & ~clear);

	return leaf ^ ((flip & ARCH_DATA_PAGE_ACCESSED) ? qr_leaf_used() : 0) ^
	       ((flip & ARCH_DATA_PAGE_DIRTY) ? qr_leaf_dirt(qr_may_write(leaf)) : 0);
}

/* `value` with the rights and `last` of a token, or of a leaf that is not cow. */
QR_INLINE qr_entry_t qr_with_rights_of(qr_entry_t entry, qr_entry_t value)
{
	return (entry & qr_rights_mask()) | (value & ~qr_rights_mask());
}

/* What a token becomes when it stands for another. */
QR_INLINE qr_entry_t qr_token_with(qr_entry_t token, arch_token_t other)
{
	return qr_with_rights_of(token, QR_AS_TOKEN(.token = other));
}

/* What a leaf becomes when its page is taken away. */
QR_INLINE qr_entry_t qr_leaf_to_token(qr_entry_t leaf, arch_token_t token)
{
	if (QR_UNLIKELY(qr_is_cow(leaf))) {
		leaf ^= qr_leaf_cow();
	}
	return qr_token_with(leaf, token);
}

/* The bits of a leaf that say its address: it is linear. */
QR_INLINE qr_entry_t qr_leaf_address(uint64_t phys)
{
	phys &= -((uint64_t)1 << ENTRY_PAGE_SHIFT);
	return QR_AS_LEAF(0, .address = phys) ^ QR_AS_LEAF(0, .address = 0);
}

/* What changes in a leaf that is dirty, or not. The same bits whether it may be written or not are
 * taken with no branch; two kinds of them only where it is. */
QR_INLINE qr_entry_t qr_leaf_dirt_if(bool dirty, bool write)
{
	if (qr_leaf_dirt(true) == qr_leaf_dirt(false)) {
		return dirty ? qr_leaf_dirt(true) : 0;
	}
	return QR_UNLIKELY(dirty) ? qr_leaf_dirt(write) : 0;
}

/* What a token becomes when its page is in the frame at `phys`: a leaf of that address, `global` or
 * not, born as ARCH_MEM_ACCESSED and _DIRTY in `flags` say. */
QR_INLINE qr_entry_t qr_token_to_leaf(qr_entry_t token, uint64_t phys, uint32_t flags, bool global)
{
	const bool dirty = (flags & ARCH_MEM_DIRTY) != 0;
	qr_entry_t leaf = QR_AS_LEAF(0, .global = global,
				     .accessed = (flags & ARCH_MEM_ACCESSED) != 0);

	leaf = qr_with_rights_of(token, leaf) ^ qr_leaf_address(phys);
	return leaf ^ qr_leaf_dirt_if(dirty, qr_may_write(token));
}

/* The same leaf, or, where ARCH_MEM_COW is in `flags`, one that refuses the writes that it may. */
QR_INLINE qr_entry_t qr_leaf_refusing(qr_entry_t leaf, uint32_t flags)
{
	return (flags & ARCH_MEM_COW) && qr_may_write(leaf) ? leaf ^ qr_leaf_cow() : leaf;
}

/* ---- an entry as the core sees it --------------------------------------------------------- */

QR_INLINE arch_page_t qr_rights_page(struct qr_view view)
{
	return (arch_page_t)view.write * ARCH_PAGE_RW | (arch_page_t)view.exec * ARCH_PAGE_EXEC |
	       (arch_page_t)view.user * ARCH_PAGE_USER | (arch_page_t)view.last * ARCH_PAGE_LAST;
}

QR_INLINE arch_page_t qr_view_page(struct qr_view view)
{
	if (view.kind == QR_LEAF) {
		return view.address | qr_rights_page(view) | ARCH_DATA_PAGE_LOADED |
		       (arch_page_t)view.accessed * ARCH_DATA_PAGE_ACCESSED |
		       (arch_page_t)view.dirty * ARCH_DATA_PAGE_DIRTY |
		       (arch_page_t)view.cow * ARCH_PAGE_COW;
	}
	if (view.kind == QR_TOKEN) {
		return (arch_page_t)view.token << 12 | qr_rights_page(view);
	}
	return ARCH_DATA_PAGE_NOT_MAPPED;
}

/* Of an entry of level 0. It is asked first what it is, so that no view of several kinds at once is
 * built. */
QR_INLINE arch_page_t qr_entry_page(qr_entry_t entry)
{
	if (qr_is_leaf(entry)) {
		return qr_view_page(entry_decode(entry, 0));
	}
	return qr_view_page(entry_decode(entry, 0));
}

#endif /* QR_PAGETABLE_MASKS_H */
