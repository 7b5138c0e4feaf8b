/* SPDX-License-Identifier: Apache-2.0 */
/*
 * space.c - who gets which part of the address space.
 *
 * Free pages are kept in two ways. One free run, the *wilderness*, is two numbers:
 * taking from its upper end and giving back to it is an addition. All other free runs
 * are *holes* (space_holes.c).
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
#include "space.h"
#include "space_holes.h"

enum {
	/* When a hole is worth becoming the wilderness: requests that holes served in a
	 * row, and pages that this one still has. */
	HOLES_IN_A_ROW = 8,
	HOLE_WORTH = 64,
	/* Holes that are looked at for an aligned request. */
	ALIGNED_TRIES = 4,
};
#define NOWHERE UINT32_MAX

/* A request as qr_space_take describes it. */
struct want {
	uint32_t count;
	uint32_t align;
	uint32_t skew;
};

static struct {
	uint32_t first; /* the wilderness: [first, end) */
	uint32_t end;
	uint32_t above;
	uint32_t free_count;
	uint32_t holes_in_a_row;
} space;

void qr_space_init(void)
{
	qr_holes_init();
	space.first = 0;
	space.end = QR_SPACE_PAGES;
	space.above = 0;
	space.free_count = QR_SPACE_PAGES;
	space.holes_in_a_row = 0;
}

uint32_t qr_space_free_count(void)
{
	return space.free_count;
}

/* The highest first page that fits the request into the run; negative: none does. */
static int64_t fit(struct qr_pages run, struct want want)
{
	int64_t highest = (int64_t)run.first + run.count - want.count;
	int64_t first = ((highest + want.skew) & -(int64_t)want.align) - want.skew;

	return first >= (int64_t)run.first ? first : -1;
}

/* ---- the wilderness ------------------------------------------------------------------ */

QR_INLINE struct qr_pages wilderness(void)
{
	return (struct qr_pages){space.first, space.end - space.first};
}

static bool in_wilderness(struct qr_pages pages)
{
	return pages.first >= space.first && pages.first < space.end &&
	       pages.count <= space.end - pages.first;
}

QR_INLINE void wilderness_check_empty(void)
{
	if (QR_UNLIKELY(space.first == space.end)) {
		space.first = NOWHERE;
		space.end = NOWHERE;
		space.above = 0;
	}
}

/* Let pages that do not touch the wilderness be a hole, or part of one. */
static void hole_give(struct qr_pages pages)
{
	struct qr_pages hole = qr_holes_join(pages);

	if (hole.first > space.first && hole.count > space.above) {
		space.above = hole.count;
	}
}

/* Take pages of the wilderness; what is above them becomes a hole. */
static void wilderness_take(uint32_t first, uint32_t count)
{
	struct qr_pages gap = {first + count, space.end - first - count};

	space.end = first;
	space.holes_in_a_row = 0;
	if (gap.count > 0) {
		hole_give(gap);
	}
	wilderness_check_empty();
}

/* Let a hole be the wilderness, and the wilderness be a hole. */
static void wilderness_exchange(struct qr_pages hole)
{
	struct qr_pages old = wilderness();

	qr_holes_cut(hole, hole);
	if (old.count > 0) {
		qr_holes_join(old);
	}
	space.first = hole.first;
	space.end = hole.first + hole.count;
	if (hole.first < old.first) {
		space.above = qr_holes_longest();
	}
}

/* ---- taking ---------------------------------------------------------------------------- */

/* The highest hole in which the request fits. For an alignment that is one of the
 * first few that are long enough, or else one so long that any alignment fits. */
static bool hole_find(struct want want, struct qr_pages *hole)
{
	bool found = qr_holes_find(want.count, hole);

	for (unsigned int i = 1; found && fit(*hole, want) < 0; i++) {
		if (i == ALIGNED_TRIES) {
			return qr_holes_find(want.count + want.align - 1, hole);
		}
		found = hole->first > 0 && qr_holes_find_below(hole->first, want.count, hole);
	}
	return found;
}

/* Should a hole that serves a request and has `rest` pages left be the wilderness? */
static bool hole_is_better(uint32_t rest)
{
	if (space.end == NOWHERE) {
		return rest > 0;
	}
	return rest >= HOLE_WORTH && space.holes_in_a_row > HOLES_IN_A_ROW;
}

/* The general case: holes may have to serve the request. */
static QR_NOINLINE int take_slow(struct want want, struct qr_pages *taken)
{
	int64_t first = fit(wilderness(), want);
	struct qr_pages hole;

	if (want.count > space.free_count) {
		return -ENOSPC;
	}
	if (first >= 0 && want.count > space.above) {
		wilderness_take((uint32_t)first, want.count);
	} else if (hole_find(want, &hole) && (first < 0 || hole.first > space.first)) {
		first = fit(hole, want);
		space.holes_in_a_row++;
		/* for an alignment, the gap would make yet another hole */
		if (want.align == 1 && hole_is_better(hole.count - want.count)) {
			wilderness_exchange(hole);
			wilderness_take((uint32_t)first, want.count);
		} else {
			qr_holes_cut(hole, (struct qr_pages){(uint32_t)first, want.count});
		}
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
	struct want want = {count, align, skew};

	QR_ASSERT(count > 0 && (align & (align - 1)) == 0 && skew < align);
	if (align != 1 || count <= space.above || count > space.end - space.first) {
		return take_slow(want, taken);
	}
	space.end -= count;
	space.free_count -= count;
	space.holes_in_a_row = 0;
	*taken = (struct qr_pages){space.end, count};
	wilderness_check_empty();
	return 0;
}

/* ---- given pages ------------------------------------------------------------------------- */

/* The hole that contains these pages. */
static bool hole_around(struct qr_pages pages, struct qr_pages *hole)
{
	QR_ASSERT(pages.count > 0 && pages.count <= QR_SPACE_PAGES);
	QR_ASSERT(pages.first <= QR_SPACE_PAGES - pages.count);
	return qr_holes_find_below(pages.first + 1, 1, hole) &&
	       pages.first + pages.count <= hole->first + hole->count;
}

int qr_space_take_at(struct qr_pages pages)
{
	struct qr_pages hole;

	if (in_wilderness(pages)) {
		struct qr_pages lower = {space.first, pages.first - space.first};
		uint32_t end = pages.first + pages.count;

		if (end == space.end) {
			space.end = pages.first;
		} else { /* the upper part stays: it is what is used first */
			space.first = end;
			if (lower.count > 0) {
				qr_holes_join(lower);
			}
		}
		wilderness_check_empty();
	} else if (hole_around(pages, &hole)) {
		qr_holes_cut(hole, pages);
	} else {
		return -EBUSY;
	}
	space.free_count -= pages.count;
	return 0;
}

void qr_space_give(struct qr_pages pages)
{
	uint32_t end = pages.first + pages.count;
	struct qr_pages hole;

	QR_ASSERT(pages.first < end && end <= QR_SPACE_PAGES);
	QR_ASSERT(end <= space.first || pages.first >= space.end);
	QR_ASSERT_ALL(!qr_holes_find_below(end, 1, &hole) ||
		      hole.first + hole.count <= pages.first);
	space.free_count += pages.count;
	if (pages.first == space.end) {
		hole = (struct qr_pages){end, qr_holes_up(end)};
		space.end = end + hole.count;
		if (hole.count > 0) {
			qr_holes_cut(hole, hole);
		}
	} else if (end == space.first) {
		hole.count = qr_holes_down(pages.first);
		hole.first = pages.first - hole.count;
		space.first = hole.first;
		if (hole.count > 0) {
			qr_holes_cut(hole, hole);
		}
	} else if (space.end == NOWHERE && qr_holes_longest() == 0) {
		space.first = pages.first;
		space.end = end;
	} else {
		hole_give(pages);
	}
}
