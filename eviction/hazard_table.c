/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hazard_table.c - the counts of the learned policy (hazard.h).
 *
 *            age 0   1   2   3  ..  8-9  10-11 ..  448-511
 *          +-------------------------------------------+
 *   class  |  exposed: pages that reached the age      |  hazard = used / exposed
 *          |  used:    pages used at it                |  index: the most uses per epoch
 *          |  away:    of the pages in no frame        |     held, over any horizon
 *          +-------------------------------------------+
 *
 * Pages in no frame are exposed too: a page that is evicted and never comes back says that its
 * like are not used. They are counted by class and age, not by name. AWAY_EPOCHS are caught up with
 * at once, class by class: a column's pages move on by so many ages, and where that is less than
 * the column has, a share of them moves to the next.
 */
#include "hazard.h"

#if CONFIG_EVICTION_HAZARD

#define AWAY_EPOCHS     8u
#define AWAY_EPOCHS_MAX 16u /* more are forgotten */
#define AWAY_COLUMNS    4u  /* in a call */
#define GONE_SHIFT      6   /* of the oldest a 64th an epoch is forgotten */

struct hazard_table qr_hazard_table;

static struct {
	uint32_t class;   /* whose pages are moved on */
	uint32_t columns; /* of it, a bit each, that are to be moved */
	uint32_t epochs;  /* by so many */
	uint16_t moved[HAZARD_CLASSES]; /* the epoch up to which they are */
} away;

uint32_t qr_hazard_dice(uint32_t mask)
{
	qr_hazard_table.dice = qr_hazard_table.dice * 1664525u + 1013904223u;
	return qr_hazard_table.dice >> 16 & mask;
}

void qr_hazard_used(uint32_t class, uint32_t age)
{
	uint32_t bin = hazard_bin(age);
	struct hazard_cell *cell = &qr_hazard_table.cell[class][bin];

	if (cell->used <= UINT16_MAX - HAZARD_UNIT) {
		cell->used = (uint16_t)(cell->used + HAZARD_UNIT);
	}
	qr_hazard_table.all_used[bin] += HAZARD_UNIT;
}

static void away_add(uint32_t class, uint32_t bin, uint32_t count)
{
	uint32_t sum = qr_hazard_table.away[class][bin] + count;

	qr_hazard_table.away[class][bin] = (uint16_t)(sum < UINT16_MAX ? sum : UINT16_MAX);
	qr_hazard_table.away_some[class] |= (uint32_t)(sum != 0) << bin;
}

void qr_hazard_left(uint32_t class, uint32_t age)
{
	away_add(class, hazard_bin(age), 1);
	hazard_news(class);
}

/* Pages that are away lag behind, and shares of columns move on, not pages: so it is the oldest
 * that is hardly older. */
void qr_hazard_returned(uint32_t class, uint32_t age)
{
	uint32_t bin = hazard_bin(age) + 2;
	uint32_t some = qr_hazard_table.away_some[class];

	some &= bin < HAZARD_BINS ? (2u << bin) - 1 : UINT32_MAX;
	if (some != 0) {
		bin = hazard_log2(some);
		if (--qr_hazard_table.away[class][bin] == 0) {
			qr_hazard_table.away_some[class] &= ~(1u << bin);
		}
	}
}

static void expose_pages(uint32_t class, uint32_t bin, uint32_t pages, uint32_t epochs)
{
	uint32_t most = (UINT16_MAX / 2) / HAZARD_UNIT, count = pages * epochs;

	hazard_expose(class, bin, (count < most ? count : most) * HAZARD_UNIT);
}

/* The pages of a column that are away get older. */
static void away_move(uint32_t class, uint32_t bin, uint32_t epochs)
{
	uint32_t count = qr_hazard_table.away[class][bin], width, move;

	qr_hazard_table.away[class][bin] = 0;
	qr_hazard_table.away_some[class] &= ~(1u << bin);
	for (; bin + 1 < HAZARD_BINS; bin++) {
		width = 1u << hazard_bin_width_log2(bin);
		if (epochs < width) {
			break;
		}
		expose_pages(class, bin, count, width);
		epochs -= width;
	}
	expose_pages(class, bin, count, epochs);
	if (bin + 1 == HAZARD_BINS) {
		move = (count * epochs + qr_hazard_dice((1u << GONE_SHIFT) - 1)) >> GONE_SHIFT;
		away_add(class, bin, count - move);
		return;
	}
	width = hazard_bin_width_log2(bin);
	move = (count * epochs + qr_hazard_dice((1u << width) - 1)) >> width;
	away_add(class, bin, count - move);
	away_add(class, bin + 1, move);
}

/* The next class's turn, if it is time. */
static void away_next(uint32_t epoch)
{
	uint32_t epochs;

	away.class = away.class + 1 < HAZARD_CLASSES ? away.class + 1 : 0;
	epochs = (uint16_t)(epoch - away.moved[away.class]);
	if (epochs >= AWAY_EPOCHS) {
		away.moved[away.class] = (uint16_t)epoch;
		away.columns = qr_hazard_table.away_some[away.class];
		away.epochs = epochs < AWAY_EPOCHS_MAX ? epochs : AWAY_EPOCHS_MAX;
	}
}

/* From the oldest on, so that none is moved twice. */
void qr_hazard_away_turn(uint32_t epoch)
{
	if (away.columns == 0) {
		away_next(epoch);
	}
	for (uint32_t i = 0; i < AWAY_COLUMNS && away.columns != 0; i++) {
		uint32_t bin = hazard_log2(away.columns);

		away.columns &= ~(1u << bin);
		away_move(away.class, bin, away.epochs);
	}
}

void qr_hazard_table_start(void)
{
	__builtin_memset(&qr_hazard_table, 0, sizeof(qr_hazard_table));
	__builtin_memset(&away, 0, sizeof(away));
}

#endif /* CONFIG_EVICTION_HAZARD */
