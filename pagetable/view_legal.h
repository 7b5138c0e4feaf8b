/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_legal.h - which views an entry can hold, for every port.
 *
 * Included at the end of a port's entry.h: the rules are the same for all formats,
 * the port's constants are the limits. Beside those of view.h it needs
 *
 *     ENTRY_CACHE_MODES   bit m is set where the format can say cache mode m
 */
#ifndef QR_PAGETABLE_VIEW_LEGAL_H
#define QR_PAGETABLE_VIEW_LEGAL_H

#include <pagetable/view.h>

_Static_assert(ENTRY_VA_BITS == ENTRY_PAGE_SHIFT + ENTRY_LEVELS * ENTRY_INDEX_BITS,
	       "levels and index bits make up the virtual address");
_Static_assert(ENTRY_LEAF_LEVELS >= 1 && ENTRY_LEAF_LEVELS <= ENTRY_LEVELS,
	       "level 0 holds pages");

/* A multiple of 2^shift that the format has bits for. */
QR_INLINE bool entry_address_legal(uint64_t address, unsigned int shift)
{
	return (address & (((uint64_t)1 << shift) - 1)) == 0 && address >> ENTRY_PA_BITS == 0;
}

/* What only leaves have. */
QR_INLINE bool entry_is_without_leaf_fields(const struct qr_view *view)
{
	return view->cache == 0 && !view->accessed && !view->dirty && !view->cow && !view->global;
}

/* What leaves and tokens have. */
QR_INLINE bool entry_is_without_rights(const struct qr_view *view)
{
	return !view->write && !view->exec && !view->user && !view->last;
}

QR_INLINE bool entry_leaf_legal(const struct qr_view *view, unsigned int level)
{
	const unsigned int shift = ENTRY_PAGE_SHIFT + level * ENTRY_INDEX_BITS;

	return level < ENTRY_LEAF_LEVELS && entry_address_legal(view->address, shift) &&
	       view->token == 0 && view->cache < 8 &&
	       ((ENTRY_CACHE_MODES >> view->cache) & 1u) != 0 && !(view->write && view->exec) &&
	       (!view->cow || (view->write && !view->dirty));
}

/* Can an entry of `level` hold this view? Tokens stand for pages: level 0 only. */
QR_INLINE bool entry_legal(const struct qr_view *view, unsigned int level)
{
	switch (view->kind) {
	case QR_NONE:
		return level < ENTRY_LEVELS && view->address == 0 && view->token == 0 &&
		       entry_is_without_rights(view) && entry_is_without_leaf_fields(view);
	case QR_TABLE:
		return level >= 1 && level < ENTRY_LEVELS &&
		       entry_address_legal(view->address, ENTRY_PAGE_SHIFT) && view->token == 0 &&
		       entry_is_without_rights(view) && entry_is_without_leaf_fields(view);
	case QR_LEAF:
		return entry_leaf_legal(view, level);
	case QR_TOKEN:
		return level == 0 && view->address == 0 && !(view->write && view->exec) &&
		       entry_is_without_leaf_fields(view);
	default:
		return false;
	}
}

#endif /* QR_PAGETABLE_VIEW_LEGAL_H */
