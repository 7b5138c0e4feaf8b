/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hazard.c - evict the page whose next use is least worth waiting for, learned.
 *
 * Not "when was it last used" but "how likely is it used again soon, a page with this past, at
 * this age". Loops, scans, phases and hot sets need no rule of their own: a loop shows as a
 * peak of the chance at its length, and what has just been used goes first.
 *
 *   fault --> pick() looks at the least of the pool again --> seen()
 *                     ^                                         | owes work
 *   pool of the pages worth least <-- the hand visits frames <--+-- idle(), or a later fault
 *                                     used? the gap is counted and the page's class changes
 *
 * Time. An epoch is a sixteenth as many faults as there are frames; in one the hand passes each
 * frame once (hazard_hand.c). This begins when a quarter of the frames hold pages, so that
 * something is known when the first must go.
 *
 * What a page is worth follows from its class, by its past gaps, and its age (hazard_page.c). Class
 * and epoch of an evicted page go with it (k_mem_policy.evicted), so there is no list of them.
 *
 * An instruction may need several pages at once, and a page that has just come may well be
 * the one worth least. So the page that came last is never picked, nor are the last SHIELDED
 * that came back soon after they had gone, while there are others.
 *
 * When. A fault makes SLICES slices of work due: two are HAZARD_VISITS visits each, one is
 * SLICE_COLUMNS columns of classes of which there is news, and a few of pages that are away. They
 * are done while a thread waits for a transfer, where the disk takes longer than they do, or while
 * a page of zeros is made. Where neither ever is, so that more than SLICES_MAX are due, a fault
 * that looks for a victim does one before, and lets interrupts in.
 *
 * Bounds. A call of idle() does a slice, and SLICES_MAX do all that is due. A call of pick() looks
 * at TRIES_MAX pages of the pool at most and throws STEPS_MAX out that may not go, or does a slice.
 * No scan or sort of all frames. Below FRAMES_MIN frames there is nothing to learn from: CLOCK.
 *
 * State: 8 bytes a frame, and 24 KiB. All under the mm lock.
 */
#include <quire/policy.h>

#include "hazard_hand.h"
#include "hazard_pool.h"

#if CONFIG_EVICTION_HAZARD

#define EPOCHS        16u /* in as many faults as there are frames */
#define SLICES        3u  /* of work that a fault makes due */
#define SLICES_MAX    6u  /* two faults' that moved nothing, between others */
#define SWEEPS        2u  /* of them, the hand's */
#define SLICE_COLUMNS 6u
#define STEPS_MAX     64u
#define TRIES_MAX     8u
#define SHIELDED      7u
#define SHIELD_AGE    2u  /* a page away for so many epochs came back soon */
#define FRAMES_MIN    32u
#define FILLED        4u  /* work begins when one of so many frames is filled */

_Static_assert(EPOCHS <= SWEEPS * HAZARD_VISITS, "the hand keeps up");

static struct {
	struct hazard_page *page;
	uint32_t frame_count;
	uint32_t held_count;  /* frames that hold pages */
	uint32_t epoch_faults;
	uint32_t faults;      /* of this epoch */
	uint32_t slices;      /* of work that are due */
	uint32_t sweeps;      /* of the hand, since the table's */
	bool overdue;         /* nobody had time for them: who looks for a victim does one */
	uint32_t passed;      /* frames that the hand went past, looking for a victim */
	bool begun;           /* there are enough pages to learn from */
	uint32_t known;       /* frame whose history was given back, + 1 */
	uint32_t newest;      /* frame that came last, + 1 */
	bool fresh;           /* its accessed bit is that of its coming */
	uint32_t shield[SHIELDED];
	uint32_t shield_next;
} state;

/* ---- work that is due ---------------------------------------------------------------------- */

/* The hand's part, twice at most, and then the table's: apart, so that neither is long. */
static void slice(void)
{
	state.slices--;
	if (!qr_hazard_hand_rests() && state.sweeps < SWEEPS) {
		state.sweeps++;
		(void)qr_hazard_hand_sweep(false);
		return;
	}
	state.sweeps = 0;
	qr_hazard_away_turn(qr_hazard_epoch);
	if (!qr_hazard_turn(qr_hazard_epoch, SLICE_COLUMNS) && qr_hazard_hand_rests()) {
		state.slices = 0;
	}
}

static bool hazard_idle(void)
{
	state.overdue = false;
	if (state.slices > 0) {
		slice();
	}
	return state.slices > 0;
}

/* ---- with every fault ---------------------------------------------------------------------- */

/* The use that brought a page is no second use. */
static void newest_settle(void)
{
	uint32_t frame = state.newest - 1;

	if (state.fresh && state.newest != 0 && k_mem_frame_evictable(frame)) {
		unsigned int bits = k_mem_frame_bits(frame, true);

		qr_hazard_pool_add(frame, hazard_page_worth(&state.page[frame],
							  bits & K_MEM_FRAME_DIRTY));
	}
	state.fresh = false;
}

/* A fault's share of time and work. */
static void advance(void)
{
	if (++state.faults >= state.epoch_faults) {
		state.faults = 0;
		qr_hazard_epoch++;
	}
	qr_hazard_hand_owes(EPOCHS);
	state.slices += SLICES;
	if (state.slices > SLICES_MAX) {
		state.slices = SLICES_MAX;
		state.overdue = true;
	}
}

static void hazard_start(void *frames, uint32_t frame_count)
{
	__builtin_memset(&state, 0, sizeof(state));
	state.page = frames;
	state.frame_count = frame_count;
	state.epoch_faults = frame_count / EPOCHS + 1;
	qr_hazard_page_start(k_mem_history_bits());
	qr_hazard_pool_start(frames);
	qr_hazard_hand_start(frames, frame_count);
	qr_hazard_turn_start();
	k_mem_policy_clock.start(NULL, frame_count);
}

/* A page that had been evicted is used. */
static void reused(uint32_t frame)
{
	struct hazard_page *page = &state.page[frame];
	uint32_t age = hazard_page_age(page);

	hazard_expose(hazard_page_class(page), hazard_bin(age), HAZARD_UNIT);
	hazard_news(hazard_page_class(page));
	qr_hazard_page_used(page, age, 0);
	if (age > SHIELD_AGE) {
		return;
	}
	if (state.shield[state.shield_next] != 0) {
		state.page[state.shield[state.shield_next] - 1].shielded = false;
	}
	page->shielded = true;
	state.shield[state.shield_next] = frame + 1;
	state.shield_next = state.shield_next + 1 < SHIELDED ? state.shield_next + 1 : 0;
}

static void hazard_seen(uint32_t frame, bool by_fault)
{
	struct hazard_page *page = &state.page[frame];

	if (state.frame_count < FRAMES_MIN) {
		return; /* CLOCK needs not know */
	}
	state.passed = 0;
	state.held_count += page->kind == 0 || state.known == frame + 1;
	if (state.known == frame + 1 && by_fault) {
		reused(frame);
	} else if (state.known != frame + 1) {
		qr_hazard_page_new(page, k_mem_frame_bits(frame, false) & K_MEM_FRAME_DIRTY);
	}
	state.known = 0;
	if (!by_fault) {
		return;
	}
	newest_settle();
	state.newest = frame + 1;
	state.fresh = true;
	state.begun = state.begun || state.held_count >= state.frame_count / FILLED;
	if (state.begun) {
		advance();
	}
}

static void hazard_forgotten(uint32_t frame)
{
	struct hazard_page *page = &state.page[frame];

	if (page->kind == 0) {
		return;
	}
	page->kind = 0;
	state.held_count--;
	qr_hazard_pool_forget(frame);
	if (state.newest == frame + 1) {
		state.newest = 0;
	}
	if (page->shielded) {
		page->shielded = false;
		for (uint32_t i = 0; i < SHIELDED; i++) {
			if (state.shield[i] == frame + 1) {
				state.shield[i] = 0;
			}
		}
	}
}

/* ---- out and back -------------------------------------------------------------------------- */

static uint32_t hazard_evicted(uint32_t frame)
{
	const struct hazard_page *page = &state.page[frame];
	uint32_t history = page->kind != 0 ? qr_hazard_page_history(page) : 0;

	if (history != 0) {
		qr_hazard_left(hazard_page_class(page), hazard_page_age(page));
	}
	return history;
}

/* Whether it was wanted, or read along with a page that was, hazard_seen() is told. */
static void hazard_came_back(uint32_t frame, uint32_t history)
{
	struct hazard_page *page = &state.page[frame];

	qr_hazard_page_restore(page, history);
	qr_hazard_returned(hazard_page_class(page), hazard_page_age(page));
	state.known = frame + 1;
}

/* ---- a victim ------------------------------------------------------------------------------- */

/* Look at the page again, which is the least of the pool or was: is it still? */
static bool confirmed(uint32_t frame, bool last_try)
{
	struct hazard_page *page = &state.page[frame];
	unsigned int bits = k_mem_frame_bits(frame, true);
	uint32_t worth, least, least_worth;

	if (bits & K_MEM_FRAME_ACCESSED) {
		qr_hazard_page_used(page, hazard_page_age(page), 0);
	}
	worth = hazard_page_worth(page, bits & K_MEM_FRAME_DIRTY);
	qr_hazard_pool_add(frame, worth);
	(void)qr_hazard_pool_least(&least, &least_worth);
	return last_try || (!(bits & K_MEM_FRAME_ACCESSED) && least_worth == worth);
}

/* The hand met nobody that may go but those shielded: the one that came first. */
static int shielded_take(uint32_t *frame)
{
	for (uint32_t i = 0; i <= SHIELDED; i++) {
		uint32_t at = (state.shield_next + i) % SHIELDED;
		uint32_t place = i < SHIELDED ? state.shield[at] : state.newest;

		if (place != 0 && k_mem_frame_evictable(place - 1)) {
			*frame = place - 1;
			return 0;
		}
	}
	return -ENOENT;
}

/* Nobody in the pool may go: the hand looks for others. */
static int seek(uint32_t *frame)
{
	state.begun = true;
	if (state.passed > state.frame_count) {
		state.passed = 0;
		return shielded_take(frame);
	}
	state.passed += qr_hazard_hand_sweep(true);
	return -EAGAIN;
}

static int hazard_pick(uint32_t *frame)
{
	uint32_t least, worth, tries = 0, thrown = 0;

	if (state.frame_count < FRAMES_MIN) {
		return k_mem_policy_clock.pick(frame);
	}
	if (state.overdue) {
		state.overdue = false;
		slice();
		return -EAGAIN; /* interrupts are let in */
	}
	newest_settle();
	while (qr_hazard_pool_least(&least, &worth)) {
		if (!k_mem_frame_evictable(least) || least + 1 == state.newest ||
		    state.page[least].shielded) {
			qr_hazard_pool_forget(least);
			if (++thrown == STEPS_MAX) {
				return -EAGAIN;
			}
		} else if (confirmed(least, ++tries == TRIES_MAX || k_mem_frame_looks_spent())) {
			qr_hazard_pool_forget(least);
			state.passed = 0;
			*frame = least;
			return 0;
		}
	}
	return seek(frame);
}

/* CLOCK's is another patience. */
static void hazard_gather(uint32_t pages)
{
	if (state.frame_count < FRAMES_MIN) {
		k_mem_policy_clock.gather(pages);
	}
}

const struct k_mem_policy k_mem_policy_hazard = {
	.name = "hazard",
	.frame_bytes = sizeof(struct hazard_page),
	.start = hazard_start,
	.seen = hazard_seen,
	.forgotten = hazard_forgotten,
	.evicted = hazard_evicted,
	.returned = hazard_came_back,
	.idle = hazard_idle,
	.gather = hazard_gather,
	.pick = hazard_pick,
};

#endif /* CONFIG_EVICTION_HAZARD */
