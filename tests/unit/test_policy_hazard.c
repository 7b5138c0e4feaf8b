/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy_hazard.c - the learned policy: what it must learn of loops, scans and writes, what
 * it must never do, its bounds, with time while threads wait and without, and the pasts of pages
 * that come back.
 */
#include "fake_frames.h"
#include "parts_help.h"

/* What eviction/hazard.c states. */
#define SLICE_VISITS 8u
#define SLICES_MAX   6u
#define STEPS_MAX    64u
#define TRIES_MAX    8u
#define FRAMES_MIN   32u
#define POOL_MAX     255u

/* The page that came and the one that came before it are looked at beside. */
#define SEEN_LOOKS_MAX  (2u + SLICE_VISITS)
#define FAULT_LOOKS_MAX (SEEN_LOOKS_MAX + TRIES_MAX)

#define NONE UINT32_MAX
#define PAGES_MAX 4096u

/* ---- a program's pages in the fake frames ---------------------------------------------- */

static struct {
	uint32_t frame[PAGES_MAX];
	uint32_t history[PAGES_MAX];
	uint32_t page[FAKE_FRAMES_MAX];
	uint32_t frame_count;
	uint32_t loaded;
	uint32_t faults;
	uint32_t dirty_evicted;
	bool waits;               /* idle() is called with every fault, until it says no */
	unsigned int looks_max;   /* in a fault, without idle() */
	unsigned int seen_max;    /* looks in a call of seen() */
	unsigned int idle_max;    /* looks in a call of idle() */
	unsigned int idle_looks;  /* in all */
	uint32_t idle_calls_max;  /* with a fault */
} program;

static void program_start(const struct k_mem_policy *policy, uint32_t frames, uint32_t bits)
{
	memset(&program, 0, sizeof(program));
	memset(program.frame, 0xff, sizeof(program.frame));
	memset(program.page, 0xff, sizeof(program.page));
	program.frame_count = frames;
	fake_start_history(policy, frames, bits);
}

static uint32_t program_evict(void)
{
	uint32_t frame;

	assert_int_equal(fake_pick(&frame, program.frame_count + 64), 0);
	assert_true(fake.evictable[frame]);
	program.dirty_evicted += fake.dirty[frame];
	fake_evict(frame);
	program.history[program.page[frame]] = fake.history;
	program.frame[program.page[frame]] = NONE;
	return frame;
}

static bool resident(uint32_t page)
{
	return program.frame[page] != NONE;
}

static void most(unsigned int *max, unsigned int value)
{
	*max = value > *max ? value : *max;
}

/* A thread waits: idle() until there is nothing left to do. */
static void program_wait(void)
{
	uint32_t calls = 0;
	bool more = true;

	while (more) {
		fake.looks = fake.steps = 0;
		more = k_mem_policy_hazard.idle();
		assert_true(fake.steps <= STEPS_MAX);
		most(&program.idle_max, fake.looks);
		program.idle_looks += fake.looks;
		assert_true(++calls <= SLICES_MAX);
	}
	most(&program.idle_calls_max, calls);
}

static uint32_t program_fault(uint32_t page, bool write)
{
	unsigned int pick_looks;
	uint32_t frame;

	fake.looks = 0;
	frame = program.loaded < program.frame_count ? program.loaded++ : program_evict();
	pick_looks = fake.looks;
	program.frame[page] = frame;
	program.page[frame] = page;
	program.faults++;
	fake.dirty[frame] = write;
	if (program.waits) {
		program_wait();
	}
	fake.looks = 0;
	fake_return(frame, program.history[page]);
	most(&program.seen_max, fake.looks);
	most(&program.looks_max, pick_looks + fake.looks);
	return frame;
}

static void touch(uint32_t page, bool write)
{
	uint32_t frame = program.frame[page];

	if (frame == NONE) {
		frame = program_fault(page, write);
	}
	fake.accessed[frame] = true;
	fake.dirty[frame] = fake.dirty[frame] || write;
}

/* ---- learning -------------------------------------------------------------------------- */

/* Of a loop a quarter longer than memory LRU keeps nothing; the best is to keep 4 of 5. */
static uint32_t learn_a_loop(bool waits)
{
	const uint32_t pages = 500, frames = 400;

	program_start(&k_mem_policy_hazard, frames, 16);
	program.waits = waits;
	for (uint32_t round = 0; round < 40; round++) {
		if (round == 20) {
			program.faults = 0;
		}
		for (uint32_t page = 0; page < pages; page++) {
			touch(page, false);
		}
	}
	assert_in_range(program.faults, 20 * (pages - frames), 20 * pages * 4 / 10);
	return program.faults;
}

static void hazard_learns_a_loop(void **state)
{
	(void)state;
	(void)learn_a_loop(false);
}

static void hazard_learns_a_loop_while_threads_wait(void **state)
{
	uint32_t faults = learn_a_loop(false);

	(void)state;
	assert_in_range(learn_a_loop(true), 1, faults + faults / 20);
}

/* Pages used now and then stay, pages of a scan that is used once go. */
static void resist_a_scan(bool waits)
{
	const uint32_t hot = 200, frames = 256;
	uint32_t hot_faults = 0;

	program_start(&k_mem_policy_hazard, frames, 16);
	program.waits = waits;
	for (uint32_t i = 0; i < 60000; i++) {
		uint32_t page = random_below(hot);

		hot_faults += i > 30000 && !resident(page);
		touch(page, false);
		touch(hot + i % 3000, false);
	}
	assert_in_range(hot_faults, 0, 30000 / 10);
}

static void hazard_resists_a_scan(void **state)
{
	(void)state;
	resist_a_scan(false);
}

static void hazard_resists_a_scan_while_threads_wait(void **state)
{
	(void)state;
	resist_a_scan(true);
}

/* Of pages that are alike but for writes the clean ones go first. */
static void hazard_keeps_dirty_pages_longer(void **state)
{
	const uint32_t frames = 200;
	uint32_t dirty = 0;

	(void)state;
	program_start(&k_mem_policy_hazard, frames, 16);
	for (uint32_t page = 0; page < frames; page++) {
		touch(page, page % 2 == 1);
	}
	for (uint32_t page = frames; page < frames + 40; page++) {
		touch(page, false);
	}
	for (uint32_t page = 1; page < frames; page += 2) {
		dirty += !resident(page);
	}
	assert_in_range(dirty, 0, 4);
}

/* Dirty pages evicted by so many touches of pages at random, some more often than others; half
 * of them are written to. */
static uint32_t dirty_evictions(uint32_t touches)
{
	program.dirty_evicted = 0;
	for (uint32_t i = 0; i < touches; i++) {
		uint32_t page = random_below(1 + random_below(3 * program.frame_count));

		touch(page, page % 2 == 1);
	}
	return program.dirty_evicted;
}

/* The dearer it is to evict a dirty page, the fewer go; also when it becomes so on the way. */
static void hazard_heeds_the_dirty_weight(void **state)
{
	static const uint32_t weights[] = {17, 32, 128};
	const uint32_t touches = 20000;
	uint32_t evicted[COUNT(weights)];

	(void)state;
	for (size_t i = 0; i < COUNT(weights); i++) {
		program_start(&k_mem_policy_hazard, 200, 16);
		fake.dirty_weight = weights[i];
		(void)dirty_evictions(touches);
		evicted[i] = dirty_evictions(touches);
	}
	fake.dirty_weight = weights[0];
	(void)dirty_evictions(touches);
	assert_true(dirty_evictions(touches) > evicted[1] * 5 / 4);
	assert_true(evicted[0] > evicted[1] * 5 / 4);
	assert_true(evicted[1] > evicted[2] * 5 / 4);
}

/* ---- the same again -------------------------------------------------------------------- */

static uint32_t victims_hash(uint32_t touches)
{
	uint32_t hash = 0;

	program_start(&k_mem_policy_hazard, 150, 12);
	for (uint32_t i = 0; i < touches; i++) {
		uint32_t page = i * 2654435761u >> 8 & i >> 3 & 511;

		if (!resident(page)) {
			touch(page, i % 3 == 0);
			hash = (hash ^ program.frame[page]) * 16777619u;
		}
		touch(page, false);
	}
	assert_true(program.faults > 1000);
	return hash;
}

/* It rounds by dice, but each start throws the same ones. */
static void hazard_starts_alike(void **state)
{
	uint32_t first = victims_hash(20000);

	(void)state;
	(void)victims_hash(7001);
	assert_int_equal(victims_hash(20000), first);
}

/* ---- histories ------------------------------------------------------------------------- */

static void hazard_histories_fit(void **state)
{
	(void)state;
	for (uint32_t bits = 0; bits <= 27; bits++) {
		program_start(&k_mem_policy_hazard, 64, bits);
		for (uint32_t i = 0; i < 3000; i++) {
			touch(random_below(150), random_below(2));
		}
		for (uint32_t page = 0; page < 150; page++) {
			/* fake_evict looks whether they fit; they are there or not */
			assert_true(bits < 10 ? program.history[page] == 0
					      : resident(page) || program.history[page] != 0);
		}
	}
}

/* Any value may come back: a policy that was not this one may have written it. */
static void hazard_takes_any_history(void **state)
{
	(void)state;
	fake_start_history(&k_mem_policy_hazard, 64, 12);
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t frame = i % 64;

		if (i >= 64) {
			assert_int_equal(fake_pick(&frame, 200), 0);
			fake_evict(frame);
		}
		fake_return(frame, random_below(1u << 12));
	}
}

/* ---- what must never happen ------------------------------------------------------------- */

/* An instruction needs seven pages at once, with memory full of pages in use: it ends. */
static void hazard_an_instruction_ends(void **state)
{
	static const uint32_t frame_counts[] = {9, 16, 31, 32, 33, 64, 300};

	(void)state;
	for (size_t c = 0; c < COUNT(frame_counts); c++) {
		uint32_t frames = frame_counts[c];

		program_start(&k_mem_policy_hazard, frames, 16);
		for (uint32_t round = 0; round < 300; round++) {
			uint32_t first = random_below(frames * 2), tries = 0;

			for (uint32_t missing = 1; missing > 0; tries++) {
				missing = 0;
				for (uint32_t i = 0; i < 7; i++) {
					uint32_t page = (first + i * 5) % (frames * 2);

					missing += !resident(page);
					touch(page, false);
				}
				assert_in_range(tries, 0, 100);
			}
		}
	}
}

static void hazard_none(void **state)
{
	uint32_t victim;

	(void)state;
	fake_start(&k_mem_policy_hazard, 1000);
	assert_int_equal(fake_pick(&victim, 200), -ENOENT);
	fake_load(77);
	/* the only one is the one that has just come */
	assert_int_equal(fake_pick(&victim, 200), 0);
	assert_int_equal(victim, 77);
	fake.evictable[77] = false;
	assert_int_equal(fake_pick(&victim, 200), -ENOENT);
}

/* Pages are pinned, unmapped and unpinned at random: a victim may always be evicted. */
static void hazard_pages_come_and_go(void **state)
{
	const uint32_t frames = 300;

	(void)state;
	fake_start(&k_mem_policy_hazard, frames);
	for (uint32_t i = 0; i < 100000; i++) {
		uint32_t frame = random_below(frames), victim;

		if (!fake.evictable[frame]) {
			fake_load(frame);
		} else if (random_below(3) == 0) {
			fake_drop(frame);
		} else if (random_below(2) == 0) {
			assert_int_equal(fake_pick(&victim, 200), 0);
			assert_true(fake.evictable[victim]);
			fake_evict(victim);
		} else {
			fake.accessed[frame] = true;
		}
	}
}

/* ---- bounds ------------------------------------------------------------------------------ */

/* So many faults, with pages in use and without. */
static void fault_at_random(uint32_t touches)
{
	for (uint32_t i = 0; i < touches; i++) {
		touch(random_below(PAGES_MAX), random_below(4) == 0);
		if (i % 50 == 0) {
			memset(fake.accessed, 1, sizeof(fake.accessed));
		}
	}
}

/* While threads wait, all visits are made then, and none with the fault. */
static void hazard_works_while_threads_wait(void **state)
{
	(void)state;
	program_start(&k_mem_policy_hazard, 2000, 16);
	program.waits = true;
	fault_at_random(100000);
	assert_in_range(program.seen_max, 1, SEEN_LOOKS_MAX - SLICE_VISITS);
	assert_in_range(program.looks_max, 1, FAULT_LOOKS_MAX - SLICE_VISITS);
	assert_in_range(program.idle_max, 1, SLICE_VISITS);
	/* sixteen frames a fault are due */
	assert_true(program.idle_looks > program.faults / 2 * 16);
}

/* Of a loop most pages that are in memory are old: they rest, and looks are few. */
static void hazard_lets_old_pages_rest(void **state)
{
	const uint32_t pages = 1500, frames = 400;

	(void)state;
	program_start(&k_mem_policy_hazard, frames, 16);
	program.waits = true;
	for (uint32_t round = 0; round < 12; round++) {
		if (round == 6) {
			program.faults = program.idle_looks = 0;
		}
		for (uint32_t page = 0; page < pages; page++) {
			touch(page, false);
		}
	}
	assert_in_range(program.idle_looks, program.faults * 3, program.faults * 8);
}

/* However much is due: and nothing is before the first fault, or with CLOCK. */
static void hazard_idle_ends(void **state)
{
	static const uint32_t frame_counts[] = {FRAMES_MIN - 1, FRAMES_MIN, 500};

	(void)state;
	for (size_t i = 0; i < COUNT(frame_counts); i++) {
		bool learns = frame_counts[i] >= FRAMES_MIN;

		program_start(&k_mem_policy_hazard, frame_counts[i], 16);
		assert_false(k_mem_policy_hazard.idle());
		for (uint32_t page = 0; page < 2 * frame_counts[i]; page++) {
			touch(page, false);
		}
		program_wait();
		assert_int_equal(program.idle_calls_max, learns ? SLICES_MAX : 1);
		assert_int_equal(program.idle_looks > 0, learns);
		program_wait();
		assert_false(k_mem_policy_hazard.idle());
	}
}

static void hazard_is_bounded(void **state)
{
	const uint32_t frames = 2000;

	(void)state;
	program_start(&k_mem_policy_hazard, frames, 16);
	fault_at_random(100000);
	assert_in_range(program.seen_max, 1, SEEN_LOOKS_MAX);
	assert_in_range(program.looks_max, 1, FAULT_LOOKS_MAX);

	/* pages that may not be evicted: no call goes past more than a few */
	for (uint32_t frame = 0; frame < frames; frame++) {
		fake.evictable[frame] = false;
	}
	for (uint32_t call = 0; call < 300; call++) {
		uint32_t victim;

		fake.steps = 0;
		assert_int_not_equal(fake_pick(&victim, 1), 0);
		assert_true(fake.steps <= STEPS_MAX + POOL_MAX + 1);
	}
	for (uint32_t i = 0; i < SLICES_MAX; i++) {
		program_wait();
	}
}

/* Too few frames to learn from: the victims are CLOCK's. */
static void hazard_small_is_clock(void **state)
{
	static uint32_t victims[2][2000];
	const struct k_mem_policy *policies[2] = {&k_mem_policy_clock, &k_mem_policy_hazard};

	(void)state;
	for (uint32_t p = 0; p < 2; p++) {
		program_start(policies[p], FRAMES_MIN - 1, 16);
		for (uint32_t i = 0; i < 2000; i++) {
			touch(i * 7919 % 61, i % 3 == 0);
			victims[p][i] = program.faults;
		}
	}
	assert_memory_equal(victims[0], victims[1], sizeof(victims[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hazard_learns_a_loop),
		cmocka_unit_test(hazard_learns_a_loop_while_threads_wait),
		cmocka_unit_test(hazard_resists_a_scan),
		cmocka_unit_test(hazard_resists_a_scan_while_threads_wait),
		cmocka_unit_test(hazard_keeps_dirty_pages_longer),
		cmocka_unit_test(hazard_heeds_the_dirty_weight),
		cmocka_unit_test(hazard_starts_alike),
		cmocka_unit_test(hazard_histories_fit),
		cmocka_unit_test(hazard_takes_any_history),
		cmocka_unit_test(hazard_an_instruction_ends),
		cmocka_unit_test(hazard_none),
		cmocka_unit_test(hazard_pages_come_and_go),
		cmocka_unit_test(hazard_is_bounded),
		cmocka_unit_test(hazard_works_while_threads_wait),
		cmocka_unit_test(hazard_lets_old_pages_rest),
		cmocka_unit_test(hazard_idle_ends),
		cmocka_unit_test(hazard_small_is_clock),
	};

	random_start();
	return cmocka_run_group_tests_name("hazard", tests, NULL, NULL);
}
