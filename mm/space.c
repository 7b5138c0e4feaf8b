/* SPDX-License-Identifier: Apache-2.0 */
/*
 * space.c - who gets which part of the address space.
 *
 * Free pages are kept in two ways. One free run, the *wilderness*, is two numbers:
 * taking from its upper end and giving back to it is an addition. All other free runs
 * are *holes*, kept in a tree of summaries (space_tree.c), where the wilderness
 * counts as taken.
 *
 *     base                                                              end
 *      |  hole  |image|            wilderness       |xx| hole |xxx|hole|xx|
 *                      first                        end <---- above ---->
 *
 * First fit from the top is: the highest hole above the wilderness that is long enough,
 * else the wilderness, else the highest hole below it. `above` avoids searches that
 * find nothing: no hole above the wilderness is longer than this.
 *
 * Any run may be the wilderness; it should be the one that the next requests will be
 * served from. In the beginning it is the whole space, then what is left above the
 * image. When it is used up, or when holes had to serve several requests in a row,
 * the hole found next takes its place.
 *
 * Invariants
 *  1. No hole touches the wilderness: it is a whole run, bounded by taken pages.
 *  2. Every hole above the wilderness has at most `above` pages.
 *  3. An empty wilderness is at NOWHERE, beside no page, and above all.
 */
#include "mm/space.h"
#include "mm/space_tree.h"

enum {
	/* When a hole is worth becoming the wilderness: requests that holes served in a
	 * row, and pages that this one still has. The exchange costs a tree update. */
	HOLES_IN_A_ROW = 8,
	HOLE_WORTH = 64,
};
#define NOWHERE UINT32_MAX

static struct {
	uint32_t first; /* the wilderness: [first, end) */
	uint32_t end;
	uint32_t above;
	uint32_t free_count;
	uint32_t holes_in_a_row;
} space;

void qr_space_init(void)
{
	qr_space_tree_init();
	space.first = 0;
	space.end = QR_SPACE_PAGES;
	space.above = 0;
	space.free_count = QR_SPACE_PAGES;
	space.holes_in_a_row = 0;
}

QR_INLINE struct qr_pages wilderness(void)
{
	return (struct qr_pages){space.first, space.end - space.first};
}

QR_INLINE void wilderness_check_empty(void)
{
	if (QR_UNLIKELY(space.first == space.end)) {
		space.first = NOWHERE;
		space.end = NOWHERE;
		space.above = 0;
	}
}

/* Make taken pages that do not touch the wilderness a hole, or part of one. */
static void hole_give(struct qr_pages pages)
{
	qr_space_tree_set(pages, true);
	if (pages.first > space.first) {
		/* They joined at most two holes. */
		uint32_t above = 2 * space.above + pages.count;
		uint32_t longest = qr_space_tree_longest();

		space.above = above < longest ? above : longest;
	}
}

/* Take a whole hole, which may be no page, to add it to the wilderness. */
static uint32_t hole_remove(uint32_t first, uint32_t count)
{
	if (count > 0) {
		qr_space_tree_set((struct qr_pages){first, count}, false);
	}
	return count;
}

/* Take pages of the wilderness; what is above them becomes a hole. */
QR_INLINE void wilderness_take(uint32_t first, uint32_t count)
{
	struct qr_pages gap = {first + count, space.end - first - count};

	space.end = first;
	space.holes_in_a_row = 0;
	if (QR_UNLIKELY(gap.count > 0)) {
		hole_give(gap);
	}
	wilderness_check_empty();
}

/* Let a hole be the wilderness, and the wilderness be a hole. */
static void wilderness_exchange(struct qr_pages hole)
{
	struct qr_pages old = wilderness();

	qr_space_tree_set(hole, false);
	if (old.count > 0) {
		qr_space_tree_set(old, true);
	}
	space.first = hole.first;
	space.end = hole.first + hole.count;
	if (hole.first < old.first) {
		space.above = qr_space_tree_longest();
	}
	space.holes_in_a_row = 0;
}

/* Find a hole for the request: exactly fitting, or with pages to spare for alignment. */
static bool hole_find(struct qr_space_want want, struct qr_pages *hole)
{
	struct qr_space_want spare = {want.count + want.align - 1, 1, 0};

	return (want.count <= qr_space_tree_longest() && qr_space_tree_find(want, hole)) ||
	       (spare.count <= qr_space_tree_longest() && qr_space_tree_find(spare, hole));
}

/* Serve the request from a hole, which may become the wilderness. */
static uint32_t hole_take(struct qr_pages hole, struct qr_space_want want)
{
	struct qr_pages part = {(uint32_t)qr_space_fit(hole, want), want.count};
	uint32_t rest = hole.count - part.count;

	space.holes_in_a_row++;
	if ((rest > 0 && space.end == NOWHERE) ||
	    (rest >= HOLE_WORTH && space.holes_in_a_row > HOLES_IN_A_ROW)) {
		wilderness_exchange(hole);
		wilderness_take(part.first, part.count);
	} else {
		qr_space_tree_set(part, false);
	}
	return part.first;
}

/* The general case: holes may have to serve the request. */
static QR_NOINLINE int take_slow(struct qr_space_want want, struct qr_pages *taken)
{
	int64_t first = qr_space_fit(wilderness(), want);
	struct qr_pages hole;

	if (want.count > space.free_count) {
		return -ENOSPC;
	}
	if (first >= 0 && want.count > space.above) {
		wilderness_take((uint32_t)first, want.count);
	} else if (hole_find(want, &hole) && (first < 0 || hole.first > space.first)) {
		first = hole_take(hole, want);
	} else {
		if (want.align == 1 && want.count <= space.above) {
			space.above = want.count - 1;
		}
		if (first < 0) {
			return -ENOSPC;
		}
		wilderness_take((uint32_t)first, want.count);
	}
	space.free_count -= want.count;
	*taken = (struct qr_pages){(uint32_t)first, want.count};
	return 0;
}

int qr_space_take(uint32_t count, uint32_t align, uint32_t skew, struct qr_pages *taken)
{
	struct qr_space_want want = {count, align, skew};

	QR_ASSERT(count > 0 && (align & (align - 1)) == 0 && skew < align);
	if (align != 1 || count <= space.above || count > space.end - space.first) {
		return take_slow(want, taken);
	}
	*taken = (struct qr_pages){space.end - count, count};
	space.free_count -= count;
	wilderness_take(space.end - count, count);
	return 0;
}

static bool in_wilderness(struct qr_pages pages)
{
	return pages.first >= space.first && pages.first < space.end &&
	       pages.count <= space.end - pages.first;
}

bool qr_space_is_free(struct qr_pages pages)
{
	QR_ASSERT(pages.count > 0 && pages.count <= QR_SPACE_PAGES);
	QR_ASSERT(pages.first <= QR_SPACE_PAGES - pages.count);
	return in_wilderness(pages) || qr_space_tree_free_up(pages.first) >= pages.count;
}

int qr_space_take_at(struct qr_pages pages)
{
	if (!qr_space_is_free(pages)) {
		return -EBUSY;
	}
	space.free_count -= pages.count;
	if (!in_wilderness(pages)) {
		qr_space_tree_set(pages, false);
	} else if (pages.first + pages.count == space.end) {
		space.end = pages.first;
	} else { /* the upper part stays: it is what is used first */
		struct qr_pages lower = {space.first, pages.first - space.first};

		space.first = pages.first + pages.count;
		if (lower.count > 0) {
			qr_space_tree_set(lower, true);
		}
	}
	wilderness_check_empty();
	return 0;
}

void qr_space_give(struct qr_pages pages)
{
	uint32_t end = pages.first + pages.count;

	QR_ASSERT(pages.first < end && end <= QR_SPACE_PAGES);
	QR_ASSERT(end <= space.first || pages.first >= space.end);
	space.free_count += pages.count;
	if (pages.first == space.end) {
		space.end = end;
		if (space.above > 0) {
			space.end += hole_remove(end, qr_space_tree_free_up(end));
		}
	} else if (end == space.first) {
		space.first = pages.first;
		if (qr_space_tree_longest() > 0) {
			uint32_t below = qr_space_tree_free_down(pages.first);

			space.first -= hole_remove(pages.first - below, below);
		}
	} else if (space.end == NOWHERE && qr_space_tree_longest() == 0) {
		space.first = pages.first;
		space.end = end;
	} else {
		hole_give(pages);
	}
}

uint32_t qr_space_free_count(void)
{
	return space.free_count;
}
