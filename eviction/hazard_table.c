/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hazard_table.c - how likely a page of a class is to be used at an age, and what that makes
 * it worth (hazard.h).
 *
 *            age 0   1   2   3  ..  8-9  10-11 ..  448-511
 *          +-------------------------------------------+
 *   class  |  exposed: pages that reached the age      |  hazard = used / exposed
 *          |  used:    pages used at it                |  index: the most uses per epoch
 *          |  away:    of the pages in no frame        |     held, over any horizon
 *          +-------------------------------------------+
 *
 * Rows. 98 classes; for each class of the last gap a row of all its pages; a row of all pages.
 * A hazard is blended with that of the row above, which weighs as much as 16 pages, so that a
 * class with little experience goes by what is known of pages like it.
 *
 * Pages in no frame are exposed too: a page that is evicted and never comes back says that
 * its like are not used. They are counted by class and age, not by name: each epoch a share
 * of a column moves on to the next.
 *
 * Index. From each age on, the horizon with the best ratio of expected uses to expected time.
 * Ages are taken from the oldest to the youngest; a run of ages is a block with its uses, its
 * time and the chance to get to its end. A block that is worse than the one behind it merges
 * with it, so that on the stack each block is better than those below. One pass is the
 * maximum over all horizons.
 *
 * Bounds. qr_hazard_turn() does TURN_BINS columns of one row; a row is done after two,
 * rows of which no page was seen yet are passed over, and a turn of all begins when two epochs
 * have passed since the last began. Everything decays by a 64th a turn of all.
 *
 * Numbers are integers. Counts are pages times UNIT; a cell that is full is halved, and the
 * ratio stays. Chances have 15 bits. What is rounded is rounded up as often as its rest says
 * (qr_hazard_dice), for a small count would else never decay, or decay too fast. 24 KiB.
 */
#include "hazard.h"

#define PARENTS HAZARD_CLASSES           /* the rows of the last gap's classes */
#define ALL     (PARENTS + HAZARD_GAPS)  /* the row of all pages */
#define ROWS    (ALL + 1u)

#define UNIT        8u
#define PRIOR       (16u * UNIT) /* what the row above weighs */
#define ONE_BITS    15
#define ONE         (1u << ONE_BITS)
#define LIKELY      (ONE - ONE / 50u) /* no hazard is higher */
#define STEPS_MAX   4u                /* epochs of pages away that are caught up with at once */
#define DECAY_SHIFT 6
#define TURN_BINS   16u
#define TURN_EPOCHS 2u

struct row {
	uint16_t exposed[HAZARD_BINS];
	uint16_t used[HAZARD_BINS];
};

/* A run of ages, as seen from its first. */
struct block {
	uint32_t uses;  /* expected, in ONE */
	uint32_t stay;  /* chance of no use until its end, in ONE */
	uint64_t time;  /* expected, epochs in ONE */
};

static struct {
	struct row row[ROWS];
	uint16_t away[HAZARD_CLASSES][HAZARD_BINS];
	uint8_t index[HAZARD_CLASSES][HAZARD_BINS];
} table;

static struct {
	uint32_t dice;
	uint32_t began;                  /* epoch in which this turn of all began */
	uint32_t class;                  /* whose turn it is */
	uint32_t bin;                    /* columns of it that are not done */
	uint32_t depth;                  /* blocks on the stack */
	uint16_t stepped[HAZARD_CLASSES]; /* epoch up to which pages away were moved on */
	bool live[HAZARD_CLASSES];       /* pages of it were seen */
	struct block stack[HAZARD_BINS];
} turn;

uint32_t qr_hazard_dice(uint32_t mask)
{
	turn.dice = turn.dice * 1664525u + 1013904223u;
	return turn.dice >> 16 & mask;
}

/* ---- columns ------------------------------------------------------------------------ */

static uint32_t bin_of(uint32_t age)
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

static uint32_t bin_width_log2(uint32_t bin)
{
	return bin < 8 ? 0 : (bin - 8) / 4 + 1;
}

static uint32_t bin_first(uint32_t bin)
{
	return bin < 8 ? bin : (4 + (bin & 3)) << bin_width_log2(bin);
}

/* ---- counting ------------------------------------------------------------------------- */

static uint32_t parent_of(uint32_t class)
{
	return class < HAZARD_ONCE ? PARENTS + class / HAZARD_PACES : ALL;
}

static void cell_expose(struct row *row, uint32_t bin, uint32_t amount)
{
	if (row->exposed[bin] + amount > UINT16_MAX) {
		row->exposed[bin] /= 2;
		row->used[bin] /= 2;
	}
	row->exposed[bin] = (uint16_t)(row->exposed[bin] + amount);
}

/* `amount` is at most half of what a cell can hold. */
static void expose(uint32_t class, uint32_t bin, uint32_t amount)
{
	uint32_t parent = parent_of(class);

	turn.live[class] = true;
	cell_expose(&table.row[class], bin, amount);
	if (parent != ALL) {
		cell_expose(&table.row[parent], bin, amount);
	}
	cell_expose(&table.row[ALL], bin, amount);
}

static void cell_use(struct row *row, uint32_t bin)
{
	if (row->used[bin] <= UINT16_MAX - UNIT) {
		row->used[bin] = (uint16_t)(row->used[bin] + UNIT);
	}
}

void qr_hazard_exposed(uint32_t class, uint32_t age)
{
	expose(class, bin_of(age), UNIT);
}

void qr_hazard_used(uint32_t class, uint32_t age)
{
	uint32_t bin = bin_of(age), parent = parent_of(class);

	cell_use(&table.row[class], bin);
	if (parent != ALL) {
		cell_use(&table.row[parent], bin);
	}
	cell_use(&table.row[ALL], bin);
}

void qr_hazard_left(uint32_t class, uint32_t age)
{
	uint16_t *away = &table.away[class][bin_of(age)];

	if (*away < UINT16_MAX) {
		(*away)++;
	}
}

void qr_hazard_returned(uint32_t class, uint32_t age)
{
	uint16_t *away = table.away[class];
	uint32_t bin = bin_of(age);

	/* shares of columns move on, not pages: it may be counted a little before or after */
	for (uint32_t off = 0; off <= 2; off++) {
		uint32_t before = bin >= off ? bin - off : 0;
		uint32_t after = bin + off < HAZARD_BINS ? bin + off : HAZARD_BINS - 1;
		uint32_t at = away[before] != 0 ? before : after;

		if (away[at] != 0) {
			away[at]--;
			return;
		}
	}
}

uint32_t qr_hazard_index(uint32_t class, uint32_t age)
{
	return table.index[class][bin_of(age)];
}

/* ---- bringing up to date ----------------------------------------------------------------- */

/* An epoch of the pages of a column that are away. */
static void away_step(uint32_t class, uint32_t bin)
{
	uint16_t *away = table.away[class];
	uint32_t width = bin_width_log2(bin), count = away[bin], move, next;

	if (count == 0) {
		return;
	}
	expose(class, bin, count < ONE / UNIT ? count * UNIT : ONE - 1);
	if (bin + 1 == HAZARD_BINS) {
		/* gone for good, a few each time */
		away[bin] = (uint16_t)(count - ((count + qr_hazard_dice(63)) >> 6));
		return;
	}
	move = (count + qr_hazard_dice((1u << width) - 1)) >> width;
	next = away[bin + 1] + move;
	away[bin] = (uint16_t)(count - move);
	away[bin + 1] = (uint16_t)(next < UINT16_MAX ? next : UINT16_MAX);
}

static void cell_decay(struct row *row, uint32_t bin)
{
	uint32_t dice = qr_hazard_dice((1u << DECAY_SHIFT) - 1);

	row->exposed[bin] = (uint16_t)(row->exposed[bin] -
				       ((row->exposed[bin] + dice) >> DECAY_SHIFT));
	row->used[bin] = (uint16_t)(row->used[bin] - ((row->used[bin] + dice) >> DECAY_SHIFT));
}

static uint32_t blend(const struct row *row, uint32_t bin, uint32_t above)
{
	uint32_t exposed = row->exposed[bin];
	uint32_t used = row->used[bin] < exposed ? row->used[bin] : exposed;

	return (used * ONE + PRIOR * above) / (exposed + PRIOR);
}

/* Where nothing is known the chance falls as the age rises. */
static uint32_t hazard_at(uint32_t class, uint32_t bin)
{
	uint32_t parent = parent_of(class);
	uint32_t hazard = blend(&table.row[ALL], bin, ONE * 3 / 10 / (bin_first(bin) + 1));

	if (parent != ALL) {
		hazard = blend(&table.row[parent], bin, hazard);
	}
	hazard = blend(&table.row[class], bin, hazard);
	return hazard < LIKELY ? hazard : LIKELY;
}

static struct block block_of(uint32_t class, uint32_t bin)
{
	uint32_t hazard = hazard_at(class, bin), width = bin_width_log2(bin);
	uint32_t stay = ONE - hazard;
	struct block block;

	for (uint32_t i = 0; i < width; i++) {
		stay = stay * stay >> ONE_BITS;
	}
	block.stay = stay;
	block.uses = ONE - stay;
	block.time = block.uses > 0 && hazard > 0 ? block.uses * ONE / hazard : ONE << width;
	return block;
}

static void block_merge(struct block *here, const struct block *behind)
{
	here->uses += here->stay * behind->uses >> ONE_BITS;
	here->time += here->stay * behind->time >> ONE_BITS;
	here->stay = here->stay * behind->stay >> ONE_BITS;
}

static uint8_t index_of(const struct block *block)
{
	/* at least 8, so that there are three bits behind the first */
	uint32_t ratio = (uint32_t)(((uint64_t)block->uses << 24) / block->time) | 8u;
	uint32_t whole = hazard_log2(ratio);

	return (uint8_t)(whole * 8 + (ratio >> (whole - 3) & 7));
}

static void index_bin(uint32_t class, uint32_t bin)
{
	struct block here = block_of(class, bin);

	while (turn.depth > 0) {
		const struct block *behind = &turn.stack[turn.depth - 1];

		if (behind->uses * here.time <= here.uses * behind->time) {
			break;
		}
		block_merge(&here, behind);
		turn.depth--;
	}
	turn.stack[turn.depth++] = here;
	table.index[class][bin] = index_of(&here);
}

static void bin_turn(uint32_t class, uint32_t bin, uint32_t steps)
{
	for (uint32_t i = 0; i < steps; i++) {
		away_step(class, bin);
	}
	cell_decay(&table.row[class], bin);
	index_bin(class, bin);
}

/* The next class with pages; a turn of all ends behind the last. */
static void class_next(void)
{
	turn.bin = HAZARD_BINS;
	turn.depth = 0;
	do {
		turn.class++;
	} while (turn.class < HAZARD_CLASSES && !turn.live[turn.class]);
}

void qr_hazard_turn(uint32_t epoch)
{
	uint32_t steps;

	if (turn.class >= ROWS) {
		if (epoch - turn.began < TURN_EPOCHS) {
			return;
		}
		turn.began = epoch;
		turn.class = UINT32_MAX;
		class_next();
		return;
	}
	if (turn.class >= HAZARD_CLASSES) {
		for (uint32_t bin = 0; bin < HAZARD_BINS; bin++) {
			cell_decay(&table.row[turn.class], bin);
		}
		turn.class++;
		return;
	}
	steps = (uint16_t)(epoch - turn.stepped[turn.class]);
	steps = steps < STEPS_MAX ? steps : STEPS_MAX;
	for (uint32_t i = 0; i < TURN_BINS; i++) {
		bin_turn(turn.class, --turn.bin, steps);
	}
	if (turn.bin == 0) {
		turn.stepped[turn.class] = (uint16_t)epoch;
		class_next();
	}
}

void qr_hazard_table_start(void)
{
	__builtin_memset(&table, 0, sizeof(table));
	__builtin_memset(&turn, 0, sizeof(turn));
	for (uint32_t class = 0; class < HAZARD_CLASSES; class++) {
		turn.depth = 0;
		for (uint32_t bin = HAZARD_BINS; bin-- > 0;) {
			index_bin(class, bin);
		}
	}
	turn.class = ROWS;
}
