/* SPDX-License-Identifier: Apache-2.0 */
/*
 * space_tree.h - the holes of the address space, found by length. Internal to
 * mm/space.c; the theory is in space_tree.c.
 *
 * Lock: the mm lock, held by the caller of every function.
 */
#ifndef QR_MM_SPACE_TREE_H
#define QR_MM_SPACE_TREE_H

#include "mm/space.h"

#define QR_SPACE_WORDS ((QR_SPACE_PAGES + 63u) / 64u)
/* Levels above the words: log2 of their number, rounded up. */
#define QR_SPACE_HEIGHT (31 - __builtin_clz(2u * QR_SPACE_WORDS - 1u))
#define QR_SPACE_LEAVES (1u << QR_SPACE_HEIGHT)

/* What is free among the pages under a node: at the low end, the longest run
 * anywhere, at the high end. */
struct qr_space_node {
	uint32_t low;
	uint32_t longest;
	uint32_t high;
};

/* A request as qr_space_take describes it. */
struct qr_space_want {
	uint32_t count;
	uint32_t align;
	uint32_t skew;
};

extern struct qr_space_node qr_space_node[2u * QR_SPACE_LEAVES];

/* No page is free. */
void qr_space_tree_init(void);

/* Make pages free that are all taken, or the reverse. */
void qr_space_tree_set(struct qr_pages pages, bool free);

/* Find the highest run in which the request fits and store the whole run. Always
 * finds one for align 1; for others gives up after a bounded number of looks. */
bool qr_space_tree_find(struct qr_space_want want, struct qr_pages *found);

/* How many pages are free in a row from `page` upwards, and below it downwards. */
uint32_t qr_space_tree_free_up(uint32_t page);
uint32_t qr_space_tree_free_down(uint32_t page);

/* The longest hole. */
QR_INLINE uint32_t qr_space_tree_longest(void)
{
	return qr_space_node[1].longest;
}

/* The highest first page that fits the request into the run; negative: none does. */
QR_INLINE int64_t qr_space_fit(struct qr_pages run, struct qr_space_want want)
{
	int64_t highest = (int64_t)run.first + run.count - want.count;
	int64_t first = ((highest + want.skew) & -(int64_t)want.align) - want.skew;

	return first >= (int64_t)run.first ? first : -1;
}

#endif /* QR_MM_SPACE_TREE_H */
