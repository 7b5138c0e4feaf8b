/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy.c - CLOCK: its order against a naive list, its bounds, and what changes while
 * a scan lets interrupts in. The other policies: test_policy_zephyr.c.
 */
#include "fake_frames.h"
#include "parts_help.h"

/* What eviction/clock.c states. */
#define LOOKS_MAX 16u
#define STEPS_MAX 32u

/* Frames of the naive one, and calls in which CLOCK has been past them, and round. */
#define FRAMES_MAX 128u
#define CALLS_MAX  (FRAMES_MAX / STEPS_MAX + 1)

/* ---- a naive CLOCK ------------------------------------------------------------------- */

/* The frames in the order in which the hand meets them: the first one next. The hand passes
 * a frame by putting it at the end of the list. */
struct naive {
	uint32_t frame[FRAMES_MAX];
	uint32_t count;
	bool accessed[FRAMES_MAX];
};

static void naive_to_end(struct naive *naive)
{
	uint32_t passed = naive->frame[0];

	memmove(&naive->frame[0], &naive->frame[1], (naive->count - 1) * sizeof(uint32_t));
	naive->frame[naive->count - 1] = passed;
}

/* The victim, or UINT32_MAX; it stays at its place, where its frame is used again. */
static uint32_t naive_pick(struct naive *naive)
{
	uint32_t first = UINT32_MAX;
	uint32_t looks = 0;
	uint32_t steps;

	for (steps = 0; steps < naive->count && looks < LOOKS_MAX; steps++) {
		uint32_t frame = naive->frame[0];

		naive_to_end(naive);
		if (!fake.evictable[frame]) {
			continue;
		}
		if (!naive->accessed[frame]) {
			return frame;
		}
		naive->accessed[frame] = false;
		first = first == UINT32_MAX ? frame : first;
		looks++;
	}
	/* once round: the hand stands behind the victim */
	while (steps == naive->count && first != UINT32_MAX &&
	       naive->frame[naive->count - 1] != first) {
		naive_to_end(naive);
	}
	return first;
}

static void clock_agrees_with_naive(uint32_t count, uint32_t use_percent, uint32_t pin_percent)
{
	struct naive naive = {.count = count};

	fake_start(&k_mem_policy_clock, count);
	for (uint32_t i = 0; i < count; i++) {
		naive.frame[i] = i;
		naive.accessed[i] = true;
		fake_load(i);
	}
	for (unsigned int round = 0; round < 3000; round++) {
		uint32_t expected, victim;

		for (uint32_t i = 0; i < count; i++) {
			if (random_below(100) < use_percent) {
				fake.accessed[i] = naive.accessed[i] = true;
			}
			fake.evictable[i] = random_below(100) >= pin_percent;
		}
		expected = naive_pick(&naive);
		fake.looks = 0;
		if (expected == UINT32_MAX) {
			assert_int_equal(fake_pick(&victim, CALLS_MAX), -ENOENT);
			continue;
		}
		assert_int_equal(fake_pick(&victim, CALLS_MAX), 0);
		assert_int_equal(victim, expected);
		assert_true(fake.evictable[victim]);
		assert_in_range(fake.looks, 1, LOOKS_MAX);
		fake_drop(victim);
		fake_load(victim);
		naive.accessed[victim] = true;
	}
}

static void clock_order(void **state)
{
	static const uint32_t counts[] = {1, 2, 3, 8, 15, 16, 17, 40, 127};
	static const uint32_t uses[] = {0, 1, 10, 50, 100};
	static const uint32_t pins[] = {0, 10, 60, 95};

	(void)state;
	for (size_t c = 0; c < COUNT(counts); c++) {
		for (size_t u = 0; u < COUNT(uses); u++) {
			for (size_t p = 0; p < COUNT(pins); p++) {
				clock_agrees_with_naive(counts[c], uses[u], pins[p]);
			}
		}
	}
}

/* ---- bounds -------------------------------------------------------------------------- */

/* All pages used, one after the other: each call looks at 16 and takes the first. */
static void clock_all_used(void **state)
{
	uint32_t victim;

	(void)state;
	fake_start(&k_mem_policy_clock, 1024);
	for (uint32_t i = 0; i < 1024; i++) {
		fake_load(i);
	}
	for (uint32_t turn = 0; turn < 64; turn++) {
		fake.looks = 0;
		assert_int_equal(fake_pick(&victim, 1), 0);
		assert_int_equal(victim, turn * LOOKS_MAX);
		assert_int_equal(fake.looks, LOOKS_MAX);
	}
	/* now all bits are clear: one look each */
	fake.looks = 0;
	assert_int_equal(fake_pick(&victim, 1), 0);
	assert_int_equal(victim, 0);
	assert_int_equal(fake.looks, 1);
}

/* Pages go to the store together: four times as many looks, 16 a call, and then the first. */
static void clock_gather(void **state)
{
	const uint32_t pages = 8, calls = pages * 4 / LOOKS_MAX;
	uint32_t victim;

	(void)state;
	fake_start(&k_mem_policy_clock, 1024);
	k_mem_policy_clock.gather(pages);
	for (uint32_t i = 0; i < 1024; i++) {
		fake_load(i);
	}
	for (uint32_t call = 0; call < calls; call++) {
		fake.looks = 0;
		assert_int_equal(fake_pick(&victim, 1), call == calls - 1 ? 0 : -EAGAIN);
		assert_int_equal(fake.looks, LOOKS_MAX);
	}
	assert_int_equal(victim, 0);
	/* what is not used ends a scan at once, as ever; another start is as before */
	fake.accessed[pages * 4] = false;
	assert_int_equal(fake_pick(&victim, 1), 0);
	assert_int_equal(victim, pages * 4);
	fake_start(&k_mem_policy_clock, 64);
	for (uint32_t i = 0; i < 64; i++) {
		fake_load(i);
	}
	assert_int_equal(fake_pick(&victim, 1), 0);
}

/* Loads that sweep through all frames cost two looks each on average. */
static void clock_average(void **state)
{
	const uint32_t frames = 1024, loads = 8192;

	(void)state;
	fake_start(&k_mem_policy_clock, frames);
	for (uint32_t i = 0; i < frames; i++) {
		fake_load(i);
	}
	fake.looks = 0;
	for (uint32_t i = 0; i < loads; i++) {
		uint32_t victim;

		assert_int_equal(fake_pick(&victim, 1), 0);
		fake_drop(victim);
		fake_load(victim);
	}
	assert_in_range(fake.looks, loads, loads * 2 + 2 * frames);
}

/* One evictable frame far away: no call goes past more than STEPS_MAX frames. */
static void clock_skips_are_bounded(void **state)
{
	const uint32_t frames = 4000, calls = (frames + STEPS_MAX - 1) / STEPS_MAX;
	uint32_t victim;

	(void)state;
	fake_start(&k_mem_policy_clock, frames);
	fake_load(frames - 1);
	for (uint32_t call = 1; call < calls; call++) {
		fake.steps = 0;
		assert_int_equal(fake_pick(&victim, 1), -EAGAIN);
		assert_true(fake.steps <= STEPS_MAX);
	}
	/* used, and the only one: it is met, and after a turn it is the oldest */
	assert_int_equal(fake_pick(&victim, calls + 1), 0);
	assert_int_equal(victim, frames - 1);
}

static void clock_none(void **state)
{
	const uint32_t frames = 1000;
	uint32_t victim;

	(void)state;
	fake_start(&k_mem_policy_clock, frames);
	assert_int_equal(fake_pick(&victim, frames / STEPS_MAX + 2), -ENOENT);
	/* and again, from wherever the hand is */
	assert_int_equal(fake_pick(&victim, frames / STEPS_MAX + 2), -ENOENT);
}

/* ---- between two calls --------------------------------------------------------------- */

/* A page that comes behind the hand is met in the scan that follows, which the core asks for. */
static void clock_page_comes_behind(void **state)
{
	const uint32_t frames = 1000;
	uint32_t victim;

	(void)state;
	fake_start(&k_mem_policy_clock, frames);
	assert_int_equal(fake_pick(&victim, 3), -EAGAIN);
	fake_load(5);
	assert_int_equal(fake_pick(&victim, frames / STEPS_MAX), -ENOENT);
	assert_int_equal(fake_pick(&victim, 2 * frames / STEPS_MAX), 0);
	assert_int_equal(victim, 5);
}

/* The oldest page goes, or is pinned, before the scan that found it ends. */
static void clock_first_goes(void **state)
{
	const uint32_t frames = 1000;
	uint32_t victim;

	(void)state;
	fake_start(&k_mem_policy_clock, frames);
	fake_load(0);
	fake_load(frames - 1);
	assert_int_equal(fake_pick(&victim, 2), -EAGAIN);
	fake_drop(0);
	assert_int_equal(fake_pick(&victim, 3 * frames / STEPS_MAX), 0);
	assert_int_equal(victim, frames - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clock_order),
		cmocka_unit_test(clock_all_used),
		cmocka_unit_test(clock_gather),
		cmocka_unit_test(clock_average),
		cmocka_unit_test(clock_skips_are_bounded),
		cmocka_unit_test(clock_none),
		cmocka_unit_test(clock_page_comes_behind),
		cmocka_unit_test(clock_first_goes),
	};

	random_start();
	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
