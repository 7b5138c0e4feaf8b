/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hazard.h - what the learned policy (hazard.c) knows of classes of pages: counts
 * (hazard_table.c) and what follows from them (hazard_turn.c).
 *
 * Ages are epochs since the last known use. A row of the table is a class of pages, a
 * column an age: 32 of them, exact below 8, then four to the doubling.
 */
#ifndef EVICTION_HAZARD_H
#define EVICTION_HAZARD_H

#include <quire/bits.h>

#define HAZARD_AGE_MAX  511u  /* older pages count as this old */
#define HAZARD_AGE_KEPT 2047u /* and older than this are not told apart */
#define HAZARD_BINS     32u

#define HAZARD_GAPS    8u  /* classes of the last gap between two uses */
#define HAZARD_PACES   10u /* classes of the slow average of gaps */
#define HAZARD_PACE_SCALE 82u /* so many 64ths of a class to a doubling */
#define HAZARD_ONCE    (HAZARD_GAPS * HAZARD_PACES) /* used once: came to be read, written */
#define HAZARD_CLASSES (HAZARD_ONCE + 2u)

#define HAZARD_UNIT 8u /* a page in a count */

/* Counts of pages that reached an age and of those used at it, in HAZARD_UNIT. */
struct hazard_cell {
	uint16_t exposed;
	uint16_t used;
};

struct hazard_table {
	struct hazard_cell cell[HAZARD_CLASSES][HAZARD_BINS];
	uint16_t away[HAZARD_CLASSES][HAZARD_BINS]; /* pages in no frame */
	uint32_t away_some[HAZARD_CLASSES];         /* bit b: away[b] is not 0 */
	/* How much a page is worth keeping: the binary logarithm of the uses per epoch that it
	 * promises, in eighths, above an arbitrary zero. At most 199. */
	uint8_t index[HAZARD_CLASSES][HAZARD_BINS];
	uint32_t all_exposed[HAZARD_BINS];          /* of all classes */
	uint32_t all_used[HAZARD_BINS];
	uint16_t news_left[HAZARD_CLASSES];         /* until the class is due */
	uint32_t due[(HAZARD_CLASSES + 31) / 32];   /* a bit a class: it is */
	uint32_t dice;
};

extern struct hazard_table qr_hazard_table;

/* The whole part of the binary logarithm; value > 0. */
QR_INLINE uint32_t hazard_log2(uint32_t value)
{
	return qr_bit_highest(value);
}

/* The binary logarithm of how many ages a column has, and its first age. */
QR_INLINE uint32_t hazard_bin_width_log2(uint32_t bin)
{
	return bin < 8 ? 0 : (bin - 8) / 4 + 1;
}
QR_INLINE uint32_t hazard_bin_first(uint32_t bin)
{
	return bin < 8 ? bin : (4 + (bin & 3)) << hazard_bin_width_log2(bin);
}

/* The column of an age. */
QR_INLINE uint32_t hazard_bin(uint32_t age)
{
	uint32_t octave;

	if (age < 8) {
		return age;
	}
	if (age > HAZARD_AGE_MAX) {
		return HAZARD_BINS - 1;
	}
	octave = hazard_log2(age);
	return 8 + (octave - 3) * 4 + (age >> (octave - 2) & 3);
}

/* A number from 0 to mask, which is a power of two less one: what rounds without bias. */
uint32_t qr_hazard_dice(uint32_t mask);

/* Something happened to a page of the class. After so many the class is due: what its counts make
 * a page worth is found anew. */
QR_INLINE void hazard_news(uint32_t class)
{
	uint16_t *left = &qr_hazard_table.news_left[class];

	if (*left != 0 && --*left == 0) {
		qr_hazard_table.due[class / 32] |= 1u << class % 32;
	}
}

/* Count `amount` in HAZARD_UNIT, at most half of what a cell holds, in a column of a class. A
 * cell that is full is halved: the ratio stays. */
QR_INLINE void hazard_expose(uint32_t class, uint32_t bin, uint32_t amount)
{
	struct hazard_cell *cell = &qr_hazard_table.cell[class][bin];

	if (QR_UNLIKELY(cell->exposed + amount > UINT16_MAX)) {
		cell->exposed /= 2;
		cell->used /= 2;
	}
	cell->exposed = (uint16_t)(cell->exposed + amount);
	qr_hazard_table.all_exposed[bin] += amount;
}

/* A page of this class was used at this age. */
void qr_hazard_used(uint32_t class, uint32_t age);

/* A page of this class and age was evicted; one that had been evicted came back. */
void qr_hazard_left(uint32_t class, uint32_t age);
void qr_hazard_returned(uint32_t class, uint32_t age);

/* Let some pages that are away grow older, if it is time; `epoch` is the present one. */
void qr_hazard_away_turn(uint32_t epoch);

/* Forget everything: all counts, and what followed from them. */
void qr_hazard_table_start(void);
void qr_hazard_turn_start(void);

/* Bring `bins` columns of classes that are due up to date. False: none is due. */
bool qr_hazard_turn(uint32_t epoch, uint32_t bins);

#endif /* EVICTION_HAZARD_H */
