/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hazard_turn.c - what the counts of the learned policy make a page worth.
 *
 * A class with little experience goes by what is known of pages like it: its hazards are
 * blended with those of all classes of its last gap, which weigh as much as 16 pages, those
 * with the hazards of all pages. What classes have in common is added up as they are brought up
 * to date, and counts from the next round on.
 *
 * Index. From each age on, the horizon with the best ratio of expected uses to expected time.
 * Ages are taken from the oldest to the youngest; a run of ages is a block with its uses, its
 * time and the chance to get to its end. A block that is worse than the one behind it merges
 * with it, so that on the stack each block is better than those below. One pass is the
 * maximum over all horizons.
 *
 * A round goes over the classes of which pages were seen, column by column, as many a call as the
 * caller asks for, and begins TURN_EPOCHS after the last began. Everything decays by a 64th.
 *
 * Numbers are integers. Chances have 15 bits. What is rounded is rounded up as often as its
 * rest says (qr_hazard_dice), for a small count would else never decay, or decay too fast.
 */
#include "hazard.h"

#if CONFIG_EVICTION_HAZARD

#define ALL  HAZARD_GAPS         /* what all pages have in common, behind what gaps have */
#define SUMS (HAZARD_GAPS + 1u)

#define PRIOR       (16u * HAZARD_UNIT) /* what the blend weighs */
#define ONE_BITS    15
#define ONE         (1u << ONE_BITS)
#define LIKELY      (ONE - ONE / 50u) /* no hazard is higher */
#define STEPS_MAX   4u                /* epochs of pages away that are caught up with at once */
#define DECAY_SHIFT 6
#define TURN_EPOCHS 2u

/* A run of ages, as seen from its first. */
struct block {
	uint32_t uses;  /* expected, in ONE */
	uint32_t stay;  /* chance of no use until its end, in ONE */
	uint64_t time;  /* expected, epochs in ONE */
};

struct sum {
	uint32_t exposed;
	uint32_t used;
};

static struct {
	uint32_t began;                   /* epoch in which this round began */
	uint32_t class;                   /* whose turn it is; HAZARD_CLASSES: the sums' */
	uint32_t bin;                     /* columns of it that are not done */
	uint32_t depth;                   /* blocks on the stack */
	uint16_t stepped[HAZARD_CLASSES]; /* epoch up to which pages away were moved on */
	struct block stack[HAZARD_BINS];
	struct sum sum[SUMS][HAZARD_BINS];      /* of this round */
	uint16_t common[SUMS][HAZARD_BINS];     /* hazards of the last, in ONE */
} turn;

static uint32_t bin_width_log2(uint32_t bin)
{
	return bin < 8 ? 0 : (bin - 8) / 4 + 1;
}

static uint32_t bin_first(uint32_t bin)
{
	return bin < 8 ? bin : (4 + (bin & 3)) << bin_width_log2(bin);
}

static uint32_t sum_of(uint32_t class)
{
	return class < HAZARD_ONCE ? class / HAZARD_PACES : ALL;
}

/* An epoch of the pages of a column that are away. */
static void away_step(uint32_t class, uint32_t bin)
{
	uint16_t *away = qr_hazard_table.away[class];
	uint32_t width = bin_width_log2(bin), count = away[bin], move, next;

	if (count == 0) {
		return;
	}
	hazard_expose(class, bin, count < ONE / HAZARD_UNIT ? count * HAZARD_UNIT : ONE - 1);
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

static void cell_decay(struct hazard_cell *cell)
{
	uint32_t dice = qr_hazard_dice((1u << DECAY_SHIFT) - 1);

	cell->exposed = (uint16_t)(cell->exposed - ((cell->exposed + dice) >> DECAY_SHIFT));
	cell->used = (uint16_t)(cell->used - ((cell->used + dice) >> DECAY_SHIFT));
}

static void sum_add(uint32_t which, uint32_t bin, const struct hazard_cell *cell)
{
	turn.sum[which][bin].exposed += cell->exposed;
	turn.sum[which][bin].used += cell->used;
}

static uint32_t blend(uint32_t exposed, uint32_t used, uint32_t above)
{
	used = used < exposed ? used : exposed;
	return (uint32_t)(((uint64_t)used * ONE + PRIOR * above) / (exposed + PRIOR));
}

/* Where nothing is known the chance falls as the age rises. */
static uint32_t prior(uint32_t bin)
{
	return ONE * 3 / 10 / (bin_first(bin) + 1);
}

static uint32_t hazard_at(uint32_t class, uint32_t bin)
{
	const struct hazard_cell *cell = &qr_hazard_table.cell[class][bin];
	uint32_t hazard = blend(cell->exposed, cell->used, turn.common[sum_of(class)][bin]);

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
	qr_hazard_table.index[class][bin] = index_of(&here);
}

static void bin_turn(uint32_t class, uint32_t bin, uint32_t steps)
{
	struct hazard_cell *cell = &qr_hazard_table.cell[class][bin];

	for (uint32_t i = 0; i < steps; i++) {
		away_step(class, bin);
	}
	if (cell->exposed != 0) {
		cell_decay(cell);
		sum_add(ALL, bin, cell);
		if (class < HAZARD_ONCE) {
			sum_add(sum_of(class), bin, cell);
		}
	}
	index_bin(class, bin);
}

/* A column of the sums becomes common knowledge. */
static void sums_turn(uint32_t bin)
{
	uint32_t above = blend(turn.sum[ALL][bin].exposed, turn.sum[ALL][bin].used, prior(bin));

	turn.common[ALL][bin] = (uint16_t)above;
	for (uint32_t which = 0; which < HAZARD_GAPS; which++) {
		turn.common[which][bin] = (uint16_t)blend(turn.sum[which][bin].exposed,
							  turn.sum[which][bin].used, above);
	}
	for (uint32_t which = 0; which < SUMS; which++) {
		turn.sum[which][bin] = (struct sum){0};
	}
}

/* The next class with pages, or the sums. */
static void class_next(void)
{
	turn.bin = HAZARD_BINS;
	turn.depth = 0;
	do {
		turn.class++;
	} while (turn.class < HAZARD_CLASSES && !qr_hazard_table.live[turn.class]);
}

static void class_turn(uint32_t epoch)
{
	uint32_t steps = (uint16_t)(epoch - turn.stepped[turn.class]);

	bin_turn(turn.class, --turn.bin, steps < STEPS_MAX ? steps : STEPS_MAX);
	if (turn.bin == 0) {
		turn.stepped[turn.class] = (uint16_t)epoch;
		class_next();
	}
}

void qr_hazard_turn(uint32_t epoch, uint32_t bins)
{
	for (; bins > 0; bins--) {
		if (turn.class < HAZARD_CLASSES) {
			class_turn(epoch);
		} else if (turn.bin > 0) {
			sums_turn(--turn.bin);
		} else if (epoch - turn.began >= TURN_EPOCHS) {
			turn.began = epoch;
			turn.class = UINT32_MAX;
			class_next();
		} else {
			break;
		}
	}
}

void qr_hazard_turn_start(void)
{
	__builtin_memset(&qr_hazard_table, 0, sizeof(qr_hazard_table));
	__builtin_memset(&turn, 0, sizeof(turn));
	for (uint32_t bin = 0; bin < HAZARD_BINS; bin++) {
		sums_turn(bin);
	}
	for (uint32_t class = 0; class < HAZARD_CLASSES; class++) {
		turn.depth = 0;
		for (uint32_t bin = HAZARD_BINS; bin-- > 0;) {
			index_bin(class, bin);
		}
	}
	turn.class = HAZARD_CLASSES;
}

#endif /* CONFIG_EVICTION_HAZARD */
