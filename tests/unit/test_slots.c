/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_slots.c - the slot map against an array that is searched one by one.
 */
#include <quire/store.h>

#include "parts_help.h"

void qr_port_panic(const char *what)
{
	mock_assert(0, what, __FILE__, __LINE__);
	abort();
}

/* ---- the naive model ----------------------------------------------------------------- */

static struct {
	bool *used;
	uint32_t count;
	uint32_t next;
} model;

static uint32_t model_reserve(void)
{
	for (uint32_t i = 0; i < model.count; i++) {
		uint32_t slot = (uint32_t)(((uint64_t)model.next + i) % model.count);

		if (!model.used[slot]) {
			model.used[slot] = true;
			model.next = slot + 1;
			return slot;
		}
	}
	return UINT32_MAX;
}

struct fixture {
	struct k_mem_slot_map map;
	uint64_t *words;
};

/* The words lie in a block of exactly the promised size, so that ASan sees a word too far. */
static void fixture_start(struct fixture *fixture, uint32_t count)
{
	size_t bytes = K_MEM_SLOT_MAP_WORDS(count) * sizeof(uint64_t);

	fixture->words = malloc(bytes);
	assert_non_null(fixture->words);
	memset(fixture->words, 0xa5, bytes);
	k_mem_slot_map_init(&fixture->map, fixture->words, count);
	model.used = calloc(count, sizeof(bool));
	model.count = count;
	model.next = 0;
}

static void fixture_end(struct fixture *fixture)
{
	free(fixture->words);
	free(model.used);
}

static void reserve_both(struct fixture *fixture)
{
	uint32_t expected = model_reserve(), slot = UINT32_MAX;
	uint32_t before = fixture->map.free_count;

	if (expected == UINT32_MAX) {
		assert_int_equal(k_mem_slot_map_reserve(&fixture->map, &slot), -ENOSPC);
		assert_int_equal(before, 0);
		return;
	}
	assert_int_equal(k_mem_slot_map_reserve(&fixture->map, &slot), 0);
	assert_int_equal(slot, expected);
	assert_int_equal(fixture->map.free_count, before - 1);
}

static void release_both(struct fixture *fixture, uint32_t slot)
{
	if (model.used[slot]) {
		model.used[slot] = false;
		k_mem_slot_map_release(&fixture->map, slot);
	}
}

/* ---- tests --------------------------------------------------------------------------- */

/* Sizes around the places where a word or a level begins. */
static const uint32_t sizes[] = {1, 2, 63, 64, 65, 127, 128, 4095, 4096, 4097, 5000, 300000};

static void slots_random(void **state)
{
	(void)state;
	for (size_t s = 0; s < COUNT(sizes); s++) {
		struct fixture fixture;

		fixture_start(&fixture, sizes[s]);
		for (unsigned int phase = 0; phase < 40; phase++) {
			/* phases that mostly fill and phases that mostly empty */
			uint32_t bias = phase % 2 == 0 ? 80 : 20;
			uint32_t steps = sizes[s] < 1000 ? 500 : 2000;

			for (uint32_t i = 0; i < steps; i++) {
				if (random_below(100) < bias) {
					reserve_both(&fixture);
				} else {
					release_both(&fixture, random_below(sizes[s]));
				}
			}
		}
		fixture_end(&fixture);
	}
}

/* Full to the last slot, then only scattered ones free: all levels have to be used. */
static void slots_full_and_sparse(void **state)
{
	(void)state;
	for (size_t s = 0; s < COUNT(sizes); s++) {
		struct fixture fixture;

		fixture_start(&fixture, sizes[s]);
		for (uint32_t i = 0; i < sizes[s]; i++) {
			uint32_t slot;

			assert_int_equal(k_mem_slot_map_reserve(&fixture.map, &slot), 0);
			assert_int_equal(slot, i);
			model.used[i] = true;
		}
		model.next = sizes[s];
		reserve_both(&fixture);
		for (unsigned int round = 0; round < 50; round++) {
			release_both(&fixture, random_below(sizes[s]));
			if (round % 3 != 0) {
				release_both(&fixture, random_below(sizes[s]));
			}
			reserve_both(&fixture);
		}
		while (fixture.map.free_count > 0) {
			reserve_both(&fixture);
		}
		reserve_both(&fixture);
		fixture_end(&fixture);
	}
}

/* Pages written one after the other get slots side by side; the start is found again. */
static void slots_side_by_side(void **state)
{
	struct fixture fixture;
	uint32_t slot;

	(void)state;
	fixture_start(&fixture, 100);
	for (uint32_t i = 0; i < 250; i++) {
		assert_int_equal(k_mem_slot_map_reserve(&fixture.map, &slot), 0);
		assert_int_equal(slot, i % 100);
		k_mem_slot_map_release(&fixture.map, slot);
	}
	fixture_end(&fixture);
}

/* The largest map there may be: one free slot in 2^27, found by going up and down. */
static void slots_largest(void **state)
{
	const uint32_t count = K_MEM_SLOTS_MAX;
	static const uint32_t lonely[] = {0, 63, 64, 262144, 77777777, K_MEM_SLOTS_MAX - 1};
	struct k_mem_slot_map map;
	uint64_t *words = malloc(K_MEM_SLOT_MAP_WORDS(count) * sizeof(uint64_t));
	uint32_t slot;

	(void)state;
	assert_non_null(words);
	k_mem_slot_map_init(&map, words, count);
	for (uint32_t i = 0; i < count; i++) {
		if (k_mem_slot_map_reserve(&map, &slot) != 0 || slot != i) {
			fail_msg("slot %u", i);
		}
	}
	assert_int_equal(k_mem_slot_map_reserve(&map, &slot), -ENOSPC);
	for (size_t i = 0; i < COUNT(lonely); i++) {
		k_mem_slot_map_release(&map, lonely[i]);
		assert_int_equal(k_mem_slot_map_reserve(&map, &slot), 0);
		assert_int_equal(slot, lonely[i]);
		assert_int_equal(k_mem_slot_map_reserve(&map, &slot), -ENOSPC);
	}
	free(words);
}

static void slots_misuse(void **state)
{
	const uint32_t counts[] = {0, K_MEM_SLOTS_MAX + 1, UINT32_MAX};
	struct fixture fixture;
	uint32_t slot;

	(void)state;
	fixture_start(&fixture, 10);
	expect_assert_failure(k_mem_slot_map_release(&fixture.map, 3));
	expect_assert_failure(k_mem_slot_map_release(&fixture.map, 10));
	for (size_t i = 0; i < COUNT(counts); i++) {
		k_mem_slot_map_init(&fixture.map, fixture.words, counts[i]);
		assert_int_equal(k_mem_slot_map_reserve(&fixture.map, &slot), -ENOSPC);
		assert_int_equal(k_mem_slot_map_reserve_near(&fixture.map, 3, &slot), -ENOSPC);
	}
	fixture_end(&fixture);
}

/* The first free slot from a place on, going round; reserve() goes on where it was. */
static void slots_near(void **state)
{
	struct fixture fixture;
	uint32_t slot;

	(void)state;
	fixture_start(&fixture, 200);
	assert_int_equal(k_mem_slot_map_reserve_near(&fixture.map, 100, &slot), 0);
	assert_int_equal(slot, 100);
	assert_int_equal(k_mem_slot_map_reserve_near(&fixture.map, 100, &slot), 0);
	assert_int_equal(slot, 101);
	assert_int_equal(k_mem_slot_map_reserve_near(&fixture.map, 199, &slot), 0);
	assert_int_equal(slot, 199);
	assert_int_equal(k_mem_slot_map_reserve_near(&fixture.map, 199, &slot), 0);
	assert_int_equal(slot, 0);
	assert_int_equal(k_mem_slot_map_reserve(&fixture.map, &slot), 0);
	assert_int_equal(slot, 1);
	assert_int_equal(fixture.map.free_count, 195);
	while (fixture.map.free_count > 0) {
		assert_int_equal(k_mem_slot_map_reserve_near(&fixture.map, 50, &slot), 0);
	}
	assert_int_equal(k_mem_slot_map_reserve_near(&fixture.map, 50, &slot), -ENOSPC);
	fixture_end(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_near),
		cmocka_unit_test(slots_random),
		cmocka_unit_test(slots_full_and_sparse),
		cmocka_unit_test(slots_side_by_side),
		cmocka_unit_test(slots_largest),
		cmocka_unit_test(slots_misuse),
	};

	random_start();
	return cmocka_run_group_tests_name("slot map", tests, NULL, NULL);
}
