/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy_hazard.c - the learned policy: what it must learn of loops, scans and writes, what
 * it must never do, its bounds, and the pasts of pages that come back.
 */
#include "fake_frames.h"
#include "parts_help.h"

/* What eviction/hazard.c states. */
#define VISITS_MAX 17u
#define TRIES_MAX  32u
#define STEPS_MAX  64u
#define FRAMES_MIN 32u
#define POOL_MAX   255u
#define LOOKS_MAX  (VISITS_MAX + 3u + TRIES_MAX)

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
	unsigned int looks_max;
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
	fake_evict(frame);
	program.history[program.page[frame]] = fake.history;
	program.frame[program.page[frame]] = NONE;
	return frame;
}

static bool resident(uint32_t page)
{
	return program.frame[page] != NONE;
}

static void touch(uint32_t page, bool write)
{
	uint32_t frame = program.frame[page];

	if (frame == NONE) {
		fake.looks = 0;
		frame = program.loaded < program.frame_count ? program.loaded++ : program_evict();
		program.frame[page] = frame;
		program.page[frame] = page;
		program.faults++;
		fake.dirty[frame] = write;
		fake_return(frame, program.history[page]);
		if (fake.looks > program.looks_max) {
			program.looks_max = fake.looks;
		}
	}
	fake.accessed[frame] = true;
	fake.dirty[frame] = fake.dirty[frame] || write;
}

/* ---- learning -------------------------------------------------------------------------- */

/* Of a loop a quarter longer than memory LRU keeps nothing; the best is to keep 4 of 5. */
static void hazard_learns_a_loop(void **state)
{
	const uint32_t pages = 500, frames = 400;

	(void)state;
	program_start(&k_mem_policy_hazard, frames, 16);
	for (uint32_t round = 0; round < 40; round++) {
		if (round == 20) {
			program.faults = 0;
		}
		for (uint32_t page = 0; page < pages; page++) {
			touch(page, false);
		}
	}
	assert_in_range(program.faults, 20 * (pages - frames), 20 * pages * 4 / 10);
}

/* Pages used now and then stay, pages of a scan that is used once go. */
static void hazard_resists_a_scan(void **state)
{
	const uint32_t hot = 200, frames = 256;
	uint32_t hot_faults = 0;

	(void)state;
	program_start(&k_mem_policy_hazard, frames, 16);
	for (uint32_t i = 0; i < 60000; i++) {
		uint32_t page = random_below(hot);

		hot_faults += i > 30000 && !resident(page);
		touch(page, false);
		touch(hot + i % 3000, false);
	}
	assert_in_range(hot_faults, 0, 30000 / 10);
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

static void hazard_is_bounded(void **state)
{
	const uint32_t frames = 2000;

	(void)state;
	program_start(&k_mem_policy_hazard, frames, 16);
	for (uint32_t i = 0; i < 100000; i++) {
		touch(random_below(PAGES_MAX), random_below(4) == 0);
		if (i % 50 == 0) {
			memset(fake.accessed, 1, sizeof(fake.accessed));
		}
	}
	assert_in_range(program.looks_max, 1, LOOKS_MAX);

	/* pages that may not be evicted: no call goes past more than a few */
	for (uint32_t frame = 0; frame < frames; frame++) {
		fake.evictable[frame] = false;
	}
	for (uint32_t call = 0; call < 300; call++) {
		uint32_t victim;

		fake.steps = 0;
		assert_int_not_equal(fake_pick(&victim, 1), 0);
		assert_true(fake.steps <= STEPS_MAX + POOL_MAX + 16);
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
		cmocka_unit_test(hazard_resists_a_scan),
		cmocka_unit_test(hazard_keeps_dirty_pages_longer),
		cmocka_unit_test(hazard_histories_fit),
		cmocka_unit_test(hazard_takes_any_history),
		cmocka_unit_test(hazard_an_instruction_ends),
		cmocka_unit_test(hazard_none),
		cmocka_unit_test(hazard_pages_come_and_go),
		cmocka_unit_test(hazard_is_bounded),
		cmocka_unit_test(hazard_small_is_clock),
	};

	random_start();
	return cmocka_run_group_tests_name("hazard", tests, NULL, NULL);
}
