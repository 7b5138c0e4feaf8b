/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hazard.c - evict the page whose next use is least worth waiting for, learned.
 *
 * Not "when was it last used" but "how likely is it used again soon, a page with this past, at
 * this age". Loops, scans, phases and hot sets need no rule of their own: a loop shows as a
 * peak of the chance at its length, and what has just been used goes first.
 *
 *   fault --> seen() --> the hand visits about 16 frames --> used? the gap is counted
 *                              |                             and the page's class changes
 *                              v
 *                     pool of the pages worth least    --> pick() looks at the least again
 *
 * Time. An epoch is a sixteenth as many faults as there are frames; in one the hand visits each
 * frame once, clears its accessed bit and counts what it says (hazard_table.c). This begins
 * when a quarter of the frames hold pages, so that something is known when the first must go.
 *
 * What a page is worth follows from its class, by its past gaps, and its age (hazard_page.c). Class
 * and epoch of an evicted page go with it (k_mem_policy.evicted), so there is no list of them.
 *
 * An instruction may need several pages at once, and a page that has just come may well be
 * the one worth least. So the page that came last is never picked, nor are the last SHIELDED
 * that came back soon after they had gone, while there are others.
 *
 * Bounds. A fault visits at most VISITS_MAX frames, passes over at most STEPS_MAX, and brings
 * 16 of the table's columns up to date; a call of pick() looks at TRIES_MAX pages at most. No
 * scan or sort of all frames. Below FRAMES_MIN frames there is nothing to learn from: CLOCK.
 *
 * State: 8 bytes a frame, and 24 KiB. All under the mm lock.
 */
#include <quire/policy.h>

#include "hazard_pool.h"

#define EPOCHS       16u /* in as many faults as there are frames */
#define VISITS_MAX   17u
#define STEPS_MAX    64u
#define TRIES_MAX    32u
#define SHIELDED     7u
#define SHIELD_AGE   2u  /* a page away for so many epochs came back soon */
#define FRAMES_MIN   32u
#define FILLED       4u  /* visits begin when one of so many frames is filled */
#define AGE_KEPT     2047u /* older pages count as this old */

static struct {
	struct hazard_page *page;
	uint32_t frame_count;
	uint32_t held_count;  /* frames that hold pages */
	uint32_t hand;        /* the frame to visit next */
	uint32_t owed;        /* to the hand, in 1/epoch_faults frames */
	uint32_t epoch_faults;
	uint32_t passed;      /* frames that the hand went past since there was a victim */
	uint32_t known;       /* frame whose history was given back, + 1 */
	uint32_t newest;      /* frame that came last, + 1 */
	bool fresh;           /* its accessed bit is that of its coming */
	uint32_t shield[SHIELDED];
	uint32_t shield_next;
} state;

/* ---- with every fault ---------------------------------------------------------------------- */

/* Two accesses of one instruction may be too soon for a use of its own. */
static bool shielded(uint32_t frame)
{
	bool found = frame + 1 == state.newest;

	for (uint32_t i = 0; i < SHIELDED; i++) {
		found = found || state.shield[i] == frame + 1;
	}
	return found;
}

static void visit(uint32_t frame)
{
	struct hazard_page *page = &state.page[frame];
	unsigned int bits = k_mem_frame_bits(frame, true);
	uint32_t age = qr_hazard_page_age(page);

	if (age > AGE_KEPT) {
		age = AGE_KEPT;
		page->last = (uint16_t)(qr_hazard_epoch - age);
	}
	qr_hazard_exposed(qr_hazard_page_class(page), age);
	if (bits & K_MEM_FRAME_ACCESSED) {
		qr_hazard_page_used(page, age);
	}
	qr_hazard_pool_add(frame, qr_hazard_page_key(page, bits & K_MEM_FRAME_DIRTY));
}

/* The hand moves on by a fault's share. */
static void sweep(void)
{
	uint32_t visits = 0;

	state.owed += state.frame_count;
	for (uint32_t step = 0; step < STEPS_MAX && visits < VISITS_MAX; step++) {
		uint32_t frame = state.hand;

		if (state.owed < state.epoch_faults) {
			break;
		}
		state.owed -= state.epoch_faults;
		state.passed++;
		state.hand = frame + 1 < state.frame_count ? frame + 1 : 0;
		qr_hazard_epoch += state.hand == 0;
		if (state.page[frame].held && k_mem_frame_evictable(frame)) {
			visit(frame);
			visits++;
		}
	}
}

/* The use that brought a page is no second use. */
static void newest_settle(void)
{
	if (state.newest != 0 && state.fresh && k_mem_frame_evictable(state.newest - 1)) {
		const struct hazard_page *page = &state.page[state.newest - 1];
		unsigned int bits = k_mem_frame_bits(state.newest - 1, true);

		qr_hazard_pool_add(state.newest - 1,
				   qr_hazard_page_key(page, bits & K_MEM_FRAME_DIRTY));
	}
	state.fresh = false;
}

static void hazard_start(void *frames, uint32_t frame_count)
{
	__builtin_memset(&state, 0, sizeof(state));
	state.page = frames;
	state.frame_count = frame_count;
	state.epoch_faults = frame_count / EPOCHS + 1;
	qr_hazard_page_start(k_mem_history_bits());
	qr_hazard_pool_start(frames);
	qr_hazard_table_start();
	k_mem_policy_clock.start(NULL, frame_count);
}

static void hazard_seen(uint32_t frame, bool by_fault)
{
	struct hazard_page *page = &state.page[frame];

	if (state.frame_count < FRAMES_MIN) {
		k_mem_policy_clock.seen(frame, by_fault);
		return;
	}
	state.passed = 0;
	if (state.known != frame + 1) {
		qr_hazard_page_new(page, k_mem_frame_bits(frame, false) & K_MEM_FRAME_DIRTY);
	}
	state.known = 0;
	state.held_count += !page->held;
	page->held = true;
	if (!by_fault) {
		return;
	}
	newest_settle();
	state.newest = frame + 1;
	state.fresh = true;
	if (state.held_count >= state.frame_count / FILLED) {
		sweep();
		qr_hazard_turn(qr_hazard_epoch);
	}
}

static void hazard_forgotten(uint32_t frame)
{
	struct hazard_page *page = &state.page[frame];

	if (!page->held) {
		return;
	}
	page->held = false;
	state.held_count--;
	qr_hazard_pool_forget(frame);
	if (state.newest == frame + 1) {
		state.newest = 0;
	}
	for (uint32_t i = 0; i < SHIELDED; i++) {
		if (state.shield[i] == frame + 1) {
			state.shield[i] = 0;
		}
	}
}

/* ---- out and back -------------------------------------------------------------------------- */

static uint32_t hazard_evicted(uint32_t frame)
{
	const struct hazard_page *page = &state.page[frame];
	uint32_t history = page->held ? qr_hazard_page_history(page) : 0;

	if (history != 0) {
		qr_hazard_left(qr_hazard_page_class(page), qr_hazard_page_age(page));
	}
	return history;
}

static void hazard_came_back(uint32_t frame, uint32_t history)
{
	struct hazard_page *page = &state.page[frame];
	uint32_t age;

	qr_hazard_page_restore(page, history);
	age = qr_hazard_page_age(page);
	qr_hazard_returned(qr_hazard_page_class(page), age);
	qr_hazard_exposed(qr_hazard_page_class(page), age);
	qr_hazard_page_used(page, age);
	state.known = frame + 1;
	if (age <= SHIELD_AGE) {
		state.shield[state.shield_next] = frame + 1;
		state.shield_next = state.shield_next + 1 < SHIELDED ? state.shield_next + 1 : 0;
	}
}

/* ---- a victim ------------------------------------------------------------------------------- */

/* Look at the page again, which is the least of the pool or was: is it still? */
static bool confirmed(uint32_t frame, bool last_try)
{
	struct hazard_page *page = &state.page[frame];
	unsigned int bits = k_mem_frame_bits(frame, true);
	uint32_t key, least, least_key;

	if (bits & K_MEM_FRAME_ACCESSED) {
		qr_hazard_page_used(page, qr_hazard_page_age(page));
	}
	key = qr_hazard_page_key(page, bits & K_MEM_FRAME_DIRTY);
	qr_hazard_pool_add(frame, key);
	(void)qr_hazard_pool_least(&least, &least_key);
	return last_try || (!(bits & K_MEM_FRAME_ACCESSED) && least_key == key);
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

static int hazard_pick(uint32_t *frame)
{
	uint32_t least, key;

	if (state.frame_count < FRAMES_MIN) {
		return k_mem_policy_clock.pick(frame);
	}
	newest_settle();
	for (uint32_t tries = 1; qr_hazard_pool_least(&least, &key); tries++) {
		if (!k_mem_frame_evictable(least) || shielded(least)) {
			qr_hazard_pool_forget(least);
		} else if (confirmed(least, tries >= TRIES_MAX)) {
			qr_hazard_pool_forget(least);
			state.passed = 0;
			*frame = least;
			return 0;
		}
	}
	if (state.passed > state.frame_count) {
		state.passed = 0;
		return shielded_take(frame);
	}
	sweep();
	return -EAGAIN;
}

const struct k_mem_policy k_mem_policy_hazard = {
	.name = "hazard",
	.frame_bytes = sizeof(struct hazard_page),
	.start = hazard_start,
	.seen = hazard_seen,
	.forgotten = hazard_forgotten,
	.evicted = hazard_evicted,
	.returned = hazard_came_back,
	.pick = hazard_pick,
};
