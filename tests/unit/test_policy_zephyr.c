/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy_zephyr.c - Zephyr's two policies against naive models: NRU by scanning, LRU
 * by a list, each with pages that come, go, and may not be evicted for a while.
 */
#include "fake_frames.h"
#include "parts_help.h"

/* What eviction/nru.c and eviction/lru.c state. */
#define SLICE 16u
#define SKIPS_MAX 64u

/* ---- NRU ----------------------------------------------------------------------------- */

static uint32_t nru_expected(uint32_t count)
{
	for (unsigned int class = 0; class < 4; class++) {
		for (uint32_t i = 0; i < count; i++) {
			if (fake.evictable[i] && fake.accessed[i] == (class >= 2) &&
			    fake.dirty[i] == (class % 2 == 1)) {
				return i;
			}
		}
	}
	return UINT32_MAX;
}

static void nru_classes(void **state)
{
	static const uint32_t counts[] = {1, 2, 7, 15, 16, 17, 63, 64, 65, 300};

	(void)state;
	for (size_t c = 0; c < COUNT(counts); c++) {
		uint32_t count = counts[c];

		fake_start(&k_mem_policy_nru, count);
		for (unsigned int round = 0; round < 2000; round++) {
			/* now and then only the worst classes are there */
			uint32_t used = random_below(3) * 50, dirty = random_below(3) * 50;
			uint32_t evictable = random_below(5) * 25;
			uint32_t expected, victim = 0;

			for (uint32_t i = 0; i < count; i++) {
				fake.evictable[i] = random_below(100) < evictable;
				fake.accessed[i] = random_below(100) < used;
				fake.dirty[i] = random_below(100) < dirty;
			}
			expected = nru_expected(count);
			assert_int_equal(fake_pick(&victim, count / SLICE + 1),
					 expected == UINT32_MAX ? -ENOENT : 0);
			assert_true(expected == UINT32_MAX || victim == expected);
			assert_int_equal(fake.clears, 0);
		}
	}
}

static void nru_slices(void **state)
{
	const uint32_t count = 1000;
	uint32_t victim = 0;

	(void)state;
	fake_start(&k_mem_policy_nru, count);
	for (uint32_t i = 0; i < count; i++) {
		fake_load(i);
	}
	for (unsigned int call = 1; call < (count + SLICE - 1) / SLICE; call++) {
		fake.looks = 0;
		assert_int_equal(fake_pick(&victim, 1), -EAGAIN);
		assert_int_equal(fake.looks, SLICE);
	}
	assert_int_equal(fake_pick(&victim, 1), 0);
	assert_int_equal(victim, 0);
}

/* The best page goes before the scan ends: another scan finds the next best. */
static void nru_best_goes(void **state)
{
	uint32_t victim = 0;

	(void)state;
	fake_start(&k_mem_policy_nru, 200);
	for (uint32_t i = 0; i < 200; i++) {
		fake_load(i);
		fake.dirty[i] = true;
	}
	fake.accessed[10] = false;
	fake.accessed[150] = false;
	assert_int_equal(fake_pick(&victim, 1), -EAGAIN);
	fake_drop(10);
	assert_int_equal(fake_pick(&victim, 40), 0);
	assert_int_equal(victim, 150);
}

static void nru_page_comes_behind(void **state)
{
	uint32_t victim = 0;

	(void)state;
	fake_start(&k_mem_policy_nru, 200);
	assert_int_equal(fake_pick(&victim, 2), -EAGAIN);
	fake_load(3);
	assert_int_equal(fake_pick(&victim, 40), 0);
	assert_int_equal(victim, 3);
}

static void nru_tick(void **state)
{
	const uint32_t count = 1000;
	uint32_t cursor = 0;
	unsigned int calls = 1;

	(void)state;
	fake_start(&k_mem_policy_nru, count);
	for (uint32_t i = 0; i < count; i += 2) {
		fake_load(i);
	}
	while (k_mem_policy_nru.tick(&cursor)) {
		assert_true(fake.steps <= SLICE);
		fake.steps = 0;
		calls++;
	}
	assert_int_equal(calls, (count + SLICE - 1) / SLICE);
	assert_int_equal(fake.clears, count / 2);
	for (uint32_t i = 0; i < count; i++) {
		assert_false(fake.accessed[i]);
	}
}

/* ---- LRU of the head ----------------------------------------------------------------- */

static struct {
	uint32_t frame[FAKE_FRAMES_MAX]; /* the queue, head first */
	uint32_t count;
	uint32_t watched;
} list;

static void list_remove(uint32_t frame)
{
	uint32_t i = 0;

	while (list.frame[i] != frame) {
		i++;
	}
	memmove(&list.frame[i], &list.frame[i + 1], (list.count - i - 1) * sizeof(uint32_t));
	list.count--;
	if (list.watched == frame) {
		list.watched = UINT32_MAX;
	}
}

static void list_to_end(uint32_t frame)
{
	list_remove(frame);
	list.frame[list.count++] = frame;
}

/* Frames whose page may be evicted, in the queue. */
static uint32_t list_evictable(void)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < list.count; i++) {
		count += fake.evictable[list.frame[i]];
	}
	return count;
}

/* `accessed` is from before the policy was asked. */
static uint32_t list_pick(const bool *accessed)
{
	for (;;) {
		uint32_t head = list.frame[0];
		bool spared = list.watched == head && accessed[head];

		list_to_end(head);
		if (fake.evictable[head] && !spared) {
			if (list.frame[0] != head && fake.evictable[list.frame[0]]) {
				list.watched = list.frame[0];
			}
			return head;
		}
	}
}

static void lru_step(uint32_t count)
{
	static bool accessed[FAKE_FRAMES_MAX];
	uint32_t frame = random_below(count), expected, victim = 0;
	bool queued = false;

	for (uint32_t i = 0; i < list.count; i++) {
		queued = queued || list.frame[i] == frame;
	}
	switch (random_below(4)) {
	case 0: /* a page comes, or goes */
		if (queued) {
			fake_drop(frame);
			list_remove(frame);
		} else {
			fake_load(frame);
			list.frame[list.count++] = frame;
		}
		return;
	case 1: /* a page may not be evicted for a while, or may again */
		fake.evictable[frame] = queued && !fake.evictable[frame];
		return;
	case 2:
		fake.accessed[frame] = true;
		return;
	}
	if (list_evictable() == 0) {
		assert_int_equal(fake_pick(&victim, count), -ENOENT);
		list.watched = UINT32_MAX; /* every page has been moved once */
		return;
	}
	memcpy(accessed, fake.accessed, sizeof(accessed));
	fake.clears = 0;
	assert_int_equal(fake_pick(&victim, 1 + count / SKIPS_MAX), 0);
	expected = list_pick(accessed);
	assert_int_equal(victim, expected);
	assert_true(fake.clears <= 1);
	if (random_below(4) != 0) { /* else its eviction failed */
		fake_drop(victim);
		list_remove(victim);
	}
}

static void lru_head(void **state)
{
	static const uint32_t counts[] = {1, 2, 3, 10, 60};

	(void)state;
	for (size_t c = 0; c < COUNT(counts); c++) {
		fake_start(&k_mem_policy_lru, counts[c]);
		list.count = 0;
		list.watched = UINT32_MAX;
		for (unsigned int step = 0; step < 50000; step++) {
			lru_step(counts[c]);
		}
	}
}

/* Used since it became the head: spared once. Unused: evicted. Deeper ones: not looked at. */
static void lru_only_the_head(void **state)
{
	uint32_t victim = 0;

	(void)state;
	fake_start(&k_mem_policy_lru, 8);
	for (uint32_t i = 0; i < 8; i++) {
		fake_load(i);
	}
	assert_int_equal(fake_pick(&victim, 1), 0);
	assert_int_equal(victim, 0);
	fake_drop(0);
	assert_false(fake.accessed[1]); /* the head is watched */
	assert_true(fake.accessed[2]);
	fake.accessed[1] = true;
	assert_int_equal(fake_pick(&victim, 1), 0);
	assert_int_equal(victim, 2); /* used, but never watched */
	fake_drop(2);
	assert_int_equal(fake_pick(&victim, 1), 0);
	assert_int_equal(victim, 3); /* watched and not used */
}

static void lru_skips_are_bounded(void **state)
{
	const uint32_t count = 300;
	uint32_t victim = 0;

	(void)state;
	fake_start(&k_mem_policy_lru, count);
	for (uint32_t i = 0; i < count; i++) {
		fake_load(i);
		fake.evictable[i] = i == count - 1;
	}
	for (unsigned int call = 0; call < (count - 1) / SKIPS_MAX; call++) {
		fake.steps = 0;
		assert_int_equal(fake_pick(&victim, 1), -EAGAIN);
		assert_int_equal(fake.steps, SKIPS_MAX);
	}
	assert_int_equal(fake_pick(&victim, 1), 0);
	assert_int_equal(victim, count - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nru_classes),
		cmocka_unit_test(nru_slices),
		cmocka_unit_test(nru_best_goes),
		cmocka_unit_test(nru_page_comes_behind),
		cmocka_unit_test(nru_tick),
		cmocka_unit_test(lru_head),
		cmocka_unit_test(lru_only_the_head),
		cmocka_unit_test(lru_skips_are_bounded),
	};

	random_start();
	return cmocka_run_group_tests_name("nru and lru", tests, NULL, NULL);
}
