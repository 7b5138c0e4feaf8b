/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hazard_turn.c - what the counts of the learned policy make a page worth.
 *
 * A class with little experience goes by what is known of pages like it: its hazards are
 * blended with those of all classes of its last gap, which weigh as much as 16 pages, those
 * with the hazards of all pages. What classes have in common is found anew after a few of their
 * turns.
 *
 * Index. From each age on, the horizon with the best ratio of expected uses to expected time.
 * Ages are taken from the oldest to the youngest; a run of ages is a block with its uses, its
 * time and the chance to get to its end. A block that is worse than the one behind it merges
 * with it, so that on the stack each block is better than those below. One pass is the
 * maximum over all horizons.
 *
 * A class is due when so much happened to its pages since its last turn as a third of what its
 * counts are made of: what is new of a class changes much, what is old hardly changes, and most
 * classes rest. Its turn goes over its columns, so many a call as the caller asks for. Its
 * counts decay then, by a 256th for each epoch since the last turn.
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
#define DECAY_SHIFT 8                 /* of an epoch */
#define DECAY_MAX   192u              /* epochs */
#define NEWS_SHARE  3u                /* a class is due after so much of what it is made of */
#define NEWS_MIN    16u
#define GAP_TURNS   16u               /* of classes, for one of what they have in common */
#define ALL_TURNS   32u

/* A run of ages, as seen from its first. */
struct block {
	uint32_t uses;  /* expected, in ONE */
	uint32_t stay;  /* chance of no use until its end, in ONE */
	uint32_t time;  /* expected, epochs in ONE: at most twice the oldest age */
};

static struct {
	uint32_t class;                   /* whose turn it is, or was last */
	bool begun;                       /* it is */
	uint32_t common_row;              /* what comes first; SUMS: the class itself */
	uint32_t bin;                     /* columns that are not done */
	uint32_t depth;                   /* blocks on the stack */
	uint32_t decay;                   /* epochs since the last turn */
	uint16_t turned[HAZARD_CLASSES];  /* epoch of the last turn */
	uint16_t all_turned;
	uint16_t made_of[HAZARD_CLASSES]; /* how much news is in the counts, decayed likewise */
	uint16_t news[HAZARD_CLASSES];    /* how much was waited for */
	uint16_t turns[SUMS];             /* of classes since the last of the sum */
	struct block stack[HAZARD_BINS];
	uint16_t common[SUMS][HAZARD_BINS]; /* hazards, in ONE */
} turn;

static uint32_t sum_of(uint32_t class)
{
	return class < HAZARD_ONCE ? class / HAZARD_PACES : ALL;
}

/* What `epochs` leave of a count. */
static uint32_t decayed(uint32_t count, uint32_t epochs, uint32_t dice)
{
	return count - ((count * epochs + dice) >> DECAY_SHIFT);
}

static void cell_decay(struct hazard_cell *cell, uint32_t epochs)
{
	uint32_t dice = qr_hazard_dice((1u << DECAY_SHIFT) - 1);

	cell->exposed = (uint16_t)decayed(cell->exposed, epochs, dice);
	cell->used = (uint16_t)decayed(cell->used, epochs, dice);
}

static uint32_t blend(uint32_t exposed, uint32_t used, uint32_t above)
{
	used = used < exposed ? used : exposed;
	return (uint32_t)(((uint64_t)used * ONE + PRIOR * above) / (exposed + PRIOR));
}

/* Where nothing is known the chance falls as the age rises. */
static uint32_t prior(uint32_t bin)
{
	return ONE * 3 / 10 / (hazard_bin_first(bin) + 1);
}

static uint32_t hazard_at(uint32_t class, uint32_t bin)
{
	const struct hazard_cell *cell = &qr_hazard_table.cell[class][bin];
	uint32_t hazard = blend(cell->exposed, cell->used, turn.common[sum_of(class)][bin]);

	return hazard < LIKELY ? hazard : LIKELY;
}

static struct block block_of(uint32_t class, uint32_t bin)
{
	uint32_t hazard = hazard_at(class, bin), width = hazard_bin_width_log2(bin);
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
	here->time += (uint32_t)((uint64_t)here->stay * behind->time >> ONE_BITS);
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

		if ((uint64_t)behind->uses * here.time <= (uint64_t)here.uses * behind->time) {
			break;
		}
		block_merge(&here, behind);
		turn.depth--;
	}
	turn.stack[turn.depth++] = here;
	qr_hazard_table.index[class][bin] = index_of(&here);
}

static void bin_turn(uint32_t class, uint32_t bin)
{
	struct hazard_cell *cell = &qr_hazard_table.cell[class][bin];

	if (cell->exposed != 0) {
		cell_decay(cell, turn.decay);
	}
	index_bin(class, bin);
}

/* ---- what classes have in common ------------------------------------------------------------- */

static void gap_turn(uint32_t gap, uint32_t bin)
{
	uint32_t exposed = 0, used = 0;

	for (uint32_t i = 0; i < HAZARD_PACES; i++) {
		const struct hazard_cell *cell =
			&qr_hazard_table.cell[gap * HAZARD_PACES + i][bin];

		exposed += cell->exposed;
		used += cell->used;
	}
	turn.common[gap][bin] = (uint16_t)blend(exposed, used, turn.common[ALL][bin]);
}

static void all_turn(uint32_t bin)
{
	uint32_t *exposed = &qr_hazard_table.all_exposed[bin];
	uint32_t *used = &qr_hazard_table.all_used[bin];

	*exposed -= (uint32_t)((uint64_t)*exposed * turn.decay >> DECAY_SHIFT);
	*used -= (uint32_t)((uint64_t)*used * turn.decay >> DECAY_SHIFT);
	turn.common[ALL][bin] = (uint16_t)blend(*exposed, *used, prior(bin));
}

/* ---- whose turn ------------------------------------------------------------------------------ */

/* The next class that is due, after the last. */
static bool class_due(void)
{
	uint32_t words = (uint32_t)(sizeof(qr_hazard_table.due) / sizeof(qr_hazard_table.due[0]));
	uint32_t from = turn.class + 1 < HAZARD_CLASSES ? turn.class + 1 : 0;
	uint32_t word = from / 32, some = qr_hazard_table.due[word] & ~0u << from % 32;

	for (uint32_t i = 0; some == 0 && i < words; i++) {
		word = word + 1 < words ? word + 1 : 0;
		some = qr_hazard_table.due[word];
	}
	if (some != 0) {
		turn.class = word * 32 + qr_bit_lowest(some);
		qr_hazard_table.due[word] &= ~(1u << turn.class % 32);
	}
	return some != 0;
}

static uint32_t decay_since(uint16_t *turned, uint32_t epoch)
{
	uint32_t epochs = (uint16_t)(epoch - *turned);

	*turned = (uint16_t)epoch;
	return epochs < DECAY_MAX ? epochs : DECAY_MAX;
}

static void row_begin(uint32_t epoch)
{
	uint32_t gap = sum_of(turn.class);

	turn.bin = HAZARD_BINS;
	turn.depth = 0;
	if (turn.turns[ALL] >= ALL_TURNS) {
		turn.common_row = ALL;
		turn.decay = decay_since(&turn.all_turned, epoch);
	} else if (gap != ALL && turn.turns[gap] >= GAP_TURNS) {
		turn.common_row = gap;
	} else {
		turn.common_row = SUMS;
		turn.decay = decay_since(&turn.turned[turn.class], epoch);
	}
}

/* The more a class's counts are made of, the more news it waits for. */
static void class_wait(uint32_t class)
{
	uint32_t made_of = decayed(turn.made_of[class], turn.decay, 0) + turn.news[class];
	uint32_t news = made_of / NEWS_SHARE;

	turn.made_of[class] = (uint16_t)(made_of < UINT16_MAX ? made_of : UINT16_MAX);
	turn.news[class] = (uint16_t)(news > NEWS_MIN ? news : NEWS_MIN);
	qr_hazard_table.news_left[class] = turn.news[class];
}

static void row_end(void)
{
	uint32_t gap = sum_of(turn.class);

	if (turn.common_row < SUMS) {
		turn.turns[turn.common_row] = 0;
		return;
	}
	class_wait(turn.class);
	turn.turns[gap]++;
	if (gap != ALL) {
		turn.turns[ALL]++;
	}
	turn.begun = false;
}

static void column(uint32_t bin)
{
	if (turn.common_row == SUMS) {
		bin_turn(turn.class, bin);
	} else if (turn.common_row == ALL) {
		all_turn(bin);
	} else {
		gap_turn(turn.common_row, bin);
	}
}

bool qr_hazard_turn(uint32_t epoch, uint32_t bins)
{
	for (; bins > 0; bins--) {
		if (turn.bin == 0) {
			turn.begun = turn.begun || class_due();
			if (!turn.begun) {
				return false;
			}
			row_begin(epoch);
		}
		column(--turn.bin);
		if (turn.bin == 0) {
			row_end();
		}
	}
	return true;
}

void qr_hazard_turn_start(void)
{
	qr_hazard_table_start();
	__builtin_memset(&turn, 0, sizeof(turn));
	for (uint32_t bin = 0; bin < HAZARD_BINS; bin++) {
		all_turn(bin);
		for (uint32_t gap = 0; gap < HAZARD_GAPS; gap++) {
			gap_turn(gap, bin);
		}
	}
	for (uint32_t class = 0; class < HAZARD_CLASSES; class++) {
		turn.depth = 0;
		for (uint32_t bin = HAZARD_BINS; bin-- > 0;) {
			index_bin(class, bin);
		}
		class_wait(class);
	}
}

#endif /* CONFIG_EVICTION_HAZARD */
