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
 *                     pool of the 64 pages worth least --> pick() looks at the least again
 *
 * Time. An epoch is a sixteenth as many faults as there are frames; in one the hand visits each
 * frame once, clears its accessed bit and counts what it says (hazard_table.c). This begins
 * when a quarter of the frames hold pages, so that something is known when the first must go.
 *
 * A page's class is the last gap between two uses of it and a slow average of the gaps, both
 * logarithmic; a page used once so far has a class by whether it came to be read or written.
 * Its worth follows from class and age; that of a dirty page counts double, for its eviction
 * costs a write and a read later.
 *
 * Class and epoch of an evicted page go with it (k_mem_policy.evicted). Where there are fewer
 * bits for them epochs are written coarser; with fewer than HISTORY_BITS_MIN none are.
 *
 * An instruction may need several pages at once, and a page that has just come may well be
 * the one worth least. So the page that came last is never picked, nor are the last SHIELDED
 * that came back soon after they had gone, while there are others.
 *
 * Bounds. A fault visits at most VISITS_MAX frames, passes over at most STEPS_MAX, and brings
 * 8 of the table's columns up to date; a call of pick() looks at TRIES_MAX pages at most. No
 * scan or sort of all frames. Below FRAMES_MIN frames there is nothing to learn from: CLOCK.
 *
 * State: 8 bytes a frame. Invariant: a frame is in the pool if and only if it is marked
 * pooled. All under the mm lock.
 */
#include <quire/policy.h>

#include "hazard.h"

#define EPOCHS       16u /* in as many faults as there are frames */
#define VISITS_MAX   17u
#define STEPS_MAX    64u
#define TRIES_MAX    32u
#define POOL_MAX     64u
#define SHIELDED     7u
#define SHIELD_AGE   2u  /* a page away for so many epochs came back soon */
#define FRAMES_MIN   32u
#define FILLED       4u  /* visits begin when one of so many frames is filled */
#define DIRTY_WORTH  8u  /* eighths of a doubling */
#define PACE_SHARE   10  /* of a new gap in the average */
#define PACE_ONE     64u /* of a doubling, in an average */
#define AGE_KEPT     2047u

#define CLASS_BITS       7u
#define EPOCH_BITS_MAX   9u
#define EPOCH_SPAN_BITS  8u /* epochs that a page may be away without being taken for younger */
#define HISTORY_BITS_MIN (CLASS_BITS + 3u)

_Static_assert(HAZARD_CLASSES + 1 <= 1u << CLASS_BITS, "a history holds a class");

struct page {
	uint16_t last;  /* epoch of the last known use */
	uint16_t pace;  /* average of the logarithm of 1 + gap, PACE_ONE a doubling */
	uint8_t gap;    /* class of the last gap */
	uint8_t once;   /* 0: used more than once; 1: came to be read, 2: to be written */
	bool pooled;
	bool held;      /* the frame holds a page */
};

struct entry {
	uint32_t frame;
	uint32_t key; /* what is worth least has the lowest; among equals the oldest */
};

static struct {
	struct page *page;
	uint32_t frame_count;
	uint32_t held_count;  /* frames that hold pages */
	uint32_t hand;        /* the frame to visit next */
	uint32_t owed;        /* to the hand, in 1/epoch_faults frames */
	uint32_t epoch;
	uint32_t epoch_faults;
	uint32_t passed;      /* frames that the hand went past since there was a victim */
	uint32_t epoch_bits;  /* of an epoch in a history; 0: there are no histories */
	uint32_t epoch_grain; /* low bits of an epoch that are left out */
	uint32_t known;       /* frame whose history was given back, + 1 */
	uint32_t newest;      /* frame that came last, + 1 */
	bool fresh;           /* its accessed bit is that of its coming */
	uint32_t shield[SHIELDED];
	uint32_t shield_next;
	struct entry pool[POOL_MAX]; /* falling keys: the victim is the last */
	uint32_t pool_count;
} state;

/* ---- classes and ages --------------------------------------------------------------------- */

static uint32_t gap_class(uint32_t gap)
{
	uint32_t class = gap <= 1 ? 0 : hazard_log2(gap - 1) + 1;

	return class < HAZARD_GAPS ? class : HAZARD_GAPS - 1;
}

/* The binary logarithm, straight between powers of two. */
static uint32_t pace_of(uint32_t value)
{
	uint32_t whole = hazard_log2(value);

	return whole * PACE_ONE + ((value * PACE_ONE >> whole) & (PACE_ONE - 1));
}

/* 1.4 classes a doubling. */
static uint32_t pace_class(uint32_t pace)
{
	uint32_t class = pace * 90 >> 12;

	return class < HAZARD_PACES ? class : HAZARD_PACES - 1;
}

static uint32_t class_of(const struct page *page)
{
	return page->once ? HAZARD_ONCE + page->once - 1
			  : page->gap * HAZARD_PACES + pace_class(page->pace);
}

static uint32_t age_of(const struct page *page)
{
	return (uint16_t)(state.epoch - page->last);
}

static void page_used(struct page *page, uint32_t age)
{
	int32_t pace = (int32_t)pace_of(1 + age), before = page->pace;

	hazard_used(class_of(page), age);
	page->pace = (uint16_t)(page->once ? pace : before + (pace - before) / PACE_SHARE);
	page->gap = (uint8_t)gap_class(age);
	page->once = 0;
	page->last = (uint16_t)state.epoch;
}

static uint32_t key_of(const struct page *page, unsigned int bits)
{
	uint32_t age = age_of(page);
	uint32_t worth = hazard_index(class_of(page), age) +
			 (bits & K_MEM_FRAME_DIRTY ? DIRTY_WORTH : 0);

	return worth << 11 | (AGE_KEPT - (age < AGE_KEPT ? age : AGE_KEPT));
}

/* ---- the pool ----------------------------------------------------------------------------- */

static void pool_remove(uint32_t at)
{
	state.page[state.pool[at].frame].pooled = false;
	state.pool_count--;
	for (; at < state.pool_count; at++) {
		state.pool[at] = state.pool[at + 1];
	}
}

static void pool_forget(uint32_t frame)
{
	uint32_t at = 0;

	if (state.page[frame].pooled) {
		while (state.pool[at].frame != frame) {
			at++;
		}
		pool_remove(at);
	}
}

/* Keep the frame in mind, if it is among the least. */
static void pool_add(uint32_t frame, uint32_t key)
{
	uint32_t at;

	pool_forget(frame);
	if (state.pool_count == POOL_MAX) {
		if (key >= state.pool[0].key) {
			return;
		}
		pool_remove(0);
	}
	for (at = state.pool_count++; at > 0 && state.pool[at - 1].key < key; at--) {
		state.pool[at] = state.pool[at - 1];
	}
	state.pool[at] = (struct entry){frame, key};
	state.page[frame].pooled = true;
}

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
	struct page *page = &state.page[frame];
	unsigned int bits = k_mem_frame_bits(frame, true);
	uint32_t age = age_of(page);

	if (age > AGE_KEPT) {
		age = AGE_KEPT;
		page->last = (uint16_t)(state.epoch - age);
	}
	hazard_exposed(class_of(page), age);
	if (bits & K_MEM_FRAME_ACCESSED) {
		page_used(page, age);
	}
	pool_add(frame, key_of(page, bits));
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
		state.epoch += state.hand == 0;
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
		unsigned int bits = k_mem_frame_bits(state.newest - 1, true);

		pool_add(state.newest - 1, key_of(&state.page[state.newest - 1], bits));
	}
	state.fresh = false;
}

static void hazard_start(void *frames, uint32_t frame_count)
{
	uint32_t bits = k_mem_history_bits();

	__builtin_memset(&state, 0, sizeof(state));
	state.page = frames;
	state.frame_count = frame_count;
	state.epoch_faults = frame_count / EPOCHS + 1;
	if (bits >= HISTORY_BITS_MIN) {
		bits -= CLASS_BITS;
		state.epoch_bits = bits < EPOCH_BITS_MAX ? bits : EPOCH_BITS_MAX;
		state.epoch_grain = state.epoch_bits < EPOCH_SPAN_BITS
					    ? EPOCH_SPAN_BITS - state.epoch_bits
					    : 0;
	}
	hazard_table_start();
	k_mem_policy_clock.start(NULL, frame_count);
}

static void page_new(struct page *page, uint32_t frame)
{
	page->last = (uint16_t)state.epoch;
	page->once = k_mem_frame_bits(frame, false) & K_MEM_FRAME_DIRTY ? 2 : 1;
	page->pace = 0;
	page->gap = 0;
}

static void hazard_seen(uint32_t frame, bool by_fault)
{
	struct page *page = &state.page[frame];

	if (state.frame_count < FRAMES_MIN) {
		k_mem_policy_clock.seen(frame, by_fault);
		return;
	}
	state.passed = 0;
	if (state.known != frame + 1) {
		page_new(page, frame);
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
		hazard_turn(state.epoch);
	}
}

static void hazard_forgotten(uint32_t frame)
{
	struct page *page = &state.page[frame];

	if (!page->held) {
		return;
	}
	page->held = false;
	state.held_count--;
	pool_forget(frame);
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
	const struct page *page = &state.page[frame];
	uint32_t class = class_of(page), epoch = page->last >> state.epoch_grain;

	if (state.epoch_bits == 0 || !page->held) {
		return 0;
	}
	hazard_left(class, age_of(page));
	return (epoch & ((1u << state.epoch_bits) - 1)) << CLASS_BITS | (class + 1);
}

/* What is left of a page's past. Where in its class the average was is not: anywhere. */
static void page_restore(struct page *page, uint32_t history)
{
	uint32_t class = (history & ((1u << CLASS_BITS) - 1)) - 1;
	uint32_t age = (state.epoch >> state.epoch_grain) - (history >> CLASS_BITS);

	age = (age & ((1u << state.epoch_bits) - 1)) << state.epoch_grain;
	age += state.epoch & ((1u << state.epoch_grain) - 1);
	page->last = (uint16_t)(state.epoch - age);
	page->once = (uint8_t)(class < HAZARD_ONCE ? 0 : class - HAZARD_ONCE + 1);
	page->gap = (uint8_t)(class < HAZARD_ONCE ? class / HAZARD_PACES : 0);
	class %= HAZARD_PACES;
	page->pace = (uint16_t)(((class << 6 | hazard_dice(63)) << 6) / 90);
}

static void hazard_came_back(uint32_t frame, uint32_t history)
{
	struct page *page = &state.page[frame];
	uint32_t age;

	page_restore(page, history);
	age = age_of(page);
	hazard_returned(class_of(page), age);
	hazard_exposed(class_of(page), age);
	page_used(page, age);
	state.known = frame + 1;
	if (age <= SHIELD_AGE) {
		state.shield[state.shield_next] = frame + 1;
		state.shield_next = state.shield_next + 1 < SHIELDED ? state.shield_next + 1 : 0;
	}
}

/* ---- a victim ------------------------------------------------------------------------------- */

/* Look at a page of the pool again: still the least? */
static bool confirmed(uint32_t frame, bool last_try)
{
	struct page *page = &state.page[frame];
	unsigned int bits = k_mem_frame_bits(frame, true);
	uint32_t key;

	if (bits & K_MEM_FRAME_ACCESSED) {
		page_used(page, age_of(page));
	}
	key = key_of(page, bits);
	if (last_try || (!(bits & K_MEM_FRAME_ACCESSED) &&
			 (state.pool_count == 0 || key <= state.pool[state.pool_count - 1].key))) {
		return true;
	}
	pool_add(frame, key);
	return false;
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
	if (state.frame_count < FRAMES_MIN) {
		return k_mem_policy_clock.pick(frame);
	}
	newest_settle();
	for (uint32_t tries = 1; state.pool_count > 0; tries++) {
		uint32_t least = state.pool[state.pool_count - 1].frame;

		pool_remove(state.pool_count - 1);
		if (k_mem_frame_evictable(least) && !shielded(least) &&
		    confirmed(least, tries >= TRIES_MAX)) {
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
	.frame_bytes = sizeof(struct page),
	.start = hazard_start,
	.seen = hazard_seen,
	.forgotten = hazard_forgotten,
	.evicted = hazard_evicted,
	.returned = hazard_came_back,
	.pick = hazard_pick,
};
