/* SPDX-License-Identifier: Apache-2.0 */
/*
 * space_holes.h - the holes of the address space: free runs, found by length, by
 * their ends, or by a page in them. Internal to mm/space.c; theory in space_holes.c.
 *
 * A hole is a whole free run: holes do not touch each other.
 *
 * Lock: the mm lock, held by the caller of every function.
 */
#ifndef QR_MM_SPACE_HOLES_H
#define QR_MM_SPACE_HOLES_H

#include "space.h"

#define QR_HOLES_WORDS ((QR_SPACE_PAGES + 63u) / 64u)

/* Tree over the words: 8 children a node; height is log8 of the words, rounded up. */
#define QR_HOLES_HEIGHT ((33 - __builtin_clz(2u * QR_HOLES_WORDS - 1u)) / 3)
#define QR_HOLES_INNER (((1u << 3 * QR_HOLES_HEIGHT) - 1u) / 7u)
#define QR_HOLES_NODES (QR_HOLES_INNER + (QR_HOLES_WORDS + 7u) / 8u * 8u)

/* What begins and ends in 64 pages: space_holes.c. */
struct qr_holes_word {
	uint64_t starts;
	uint64_t ends;
	uint32_t start_below; /* of the hole that ends here and begins in a lower word */
	uint32_t end_above;   /* of the hole that begins here and ends in a higher word */
};

/* A hole may end behind the last page: one more page than there are. */
extern struct qr_holes_word qr_holes_word[QR_SPACE_PAGES / 64u + 1u];
extern uint32_t qr_holes_tree[QR_HOLES_NODES];

/* There are no holes. */
void qr_holes_init(void);

/* Make these pages, which are in no hole, part of one; returns that hole. */
struct qr_pages qr_holes_join(struct qr_pages pages);

/* Cut `part` out of `hole`, which contains it. */
void qr_holes_cut(struct qr_pages hole, struct qr_pages part);

/* The highest hole of at least `count` pages; the highest of those that begin below
 * page `limit`, which is not 0. False: there is none. */
bool qr_holes_find(uint32_t count, struct qr_pages *hole);
bool qr_holes_find_below(uint32_t limit, uint32_t count, struct qr_pages *hole);

/* Length of the hole that begins at `page`, or of the one that ends in front of it;
 * 0 where none does. */
uint32_t qr_holes_up(uint32_t page);
uint32_t qr_holes_down(uint32_t page);

/* Length of the longest hole. */
QR_INLINE uint32_t qr_holes_longest(void)
{
	return qr_holes_tree[0];
}

#endif /* QR_MM_SPACE_HOLES_H */
