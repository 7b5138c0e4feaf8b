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
 * Pages in no frame are exposed too: a page that is evicted and never comes back says that
 * its like are not used. They are counted by class and age, not by name: each epoch a share
 * of a column moves on to the next.
 */
#include "hazard.h"

#if CONFIG_EVICTION_HAZARD

struct hazard_table qr_hazard_table;

uint32_t qr_hazard_dice(uint32_t mask)
{
	qr_hazard_table.dice = qr_hazard_table.dice * 1664525u + 1013904223u;
	return qr_hazard_table.dice >> 16 & mask;
}

void qr_hazard_used(uint32_t class, uint32_t age)
{
	struct hazard_cell *cell = &qr_hazard_table.cell[class][hazard_bin(age)];

	if (cell->used <= UINT16_MAX - HAZARD_UNIT) {
		cell->used = (uint16_t)(cell->used + HAZARD_UNIT);
	}
}

void qr_hazard_left(uint32_t class, uint32_t age)
{
	uint16_t *away = &qr_hazard_table.away[class][hazard_bin(age)];

	if (*away < UINT16_MAX) {
		(*away)++;
	}
}

void qr_hazard_returned(uint32_t class, uint32_t age)
{
	uint16_t *away = qr_hazard_table.away[class];
	uint32_t bin = hazard_bin(age);

	if (away[bin] != 0) {
		away[bin]--;
		return;
	}
	/* shares of columns move on, not pages: it may be counted a little before or after */
	for (uint32_t off = 1; off <= 2; off++) {
		uint32_t before = bin >= off ? bin - off : 0;
		uint32_t after = bin + off < HAZARD_BINS ? bin + off : HAZARD_BINS - 1;
		uint32_t at = away[before] != 0 ? before : after;

		if (away[at] != 0) {
			away[at]--;
			return;
		}
	}
}

#endif /* CONFIG_EVICTION_HAZARD */
