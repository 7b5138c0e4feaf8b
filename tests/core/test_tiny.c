/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tiny.c - a handful of frames and slots, and as much memory promised as can be: every
 * page of it must be had, in any order, for ever; and not a page more is granted.
 */
#include "rig.h"

#include <tests/unit/parts_help.h>

#include <mm/charge.h>

#include "audit.h"

#define ROUNDS 30u

static const struct k_mem_policy *const policies[] = {
	&k_mem_policy_clock, &k_mem_policy_hazard, &k_mem_policy_nru, &k_mem_policy_lru};

/* What can be promised beside `locked` pages: charge.h. */
static uint32_t promise(uint32_t frames, uint32_t slots, uint32_t locked)
{
	return (slots > 0 ? frames + slots - 1 : frames - 1) - locked;
}

/* The image needs frames, too: it comes and goes. */
static void touch_image(void)
{
	uint32_t page = random_below(RIG_DEMAND_PAGES);
	uintptr_t addr = RIG_DEMAND + page * RIG_PAGE;

	assert_int_equal(rig_get((void *)addr), rig_image_word(page));
	assert_int_equal(emu_exec(addr, 0), 0);
}

/* All pages in some order, each once. */
static void shuffle(uint32_t *order, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t other = random_below(i + 1);

		order[i] = order[other];
		order[other] = i;
	}
}

static void use(uint8_t *memory, uint32_t pages)
{
	uint32_t order[64];

	assert_in_range(pages, 0, COUNT(order));
	for (uint32_t round = 0; round < ROUNDS; round++) {
		shuffle(order, pages);
		for (uint32_t i = 0; i < pages; i++) {
			uint8_t *page = memory + order[i] * RIG_PAGE;

			if (round > 0) {
				assert_int_equal(rig_get(page + 16), (round - 1) * 100 + order[i]);
			}
			if (random_below(4) == 0) {
				touch_image();
			}
			rig_put(page + 16, round * 100 + order[i]);
		}
		for (uint32_t i = 0; i < 2 * pages; i++) {
			uint32_t page = random_below(pages);
			uint64_t word = rig_get(memory + page * RIG_PAGE + 16);

			assert_int_equal(word, round * 100 + page);
		}
		k_mem_paging_tick();
		assert_ptr_equal(audit(), NULL);
	}
}

/* Lock some, map all that is left, refuse one page more, and use it. */
static void fill(const struct rig *rig, uint32_t locked)
{
	uint32_t pages = promise(rig->frames, rig->slots, locked);
	struct rig_counts before;
	uint8_t *memory = NULL, *lock = NULL;

	rig_start(rig);
	rig_store.late = random_below(3);
	rig_image_store.late = random_below(3);
	before = rig_counts();
	if (locked > 0) {
		lock = k_mem_map(locked * RIG_PAGE, K_MEM_PERM_RW | K_MEM_MAP_LOCK);
		assert_non_null(lock);
	}
	assert_null(k_mem_map((pages + 1) * RIG_PAGE, K_MEM_PERM_RW));
	if (pages > 0) {
		memory = k_mem_map(pages * RIG_PAGE, K_MEM_PERM_RW);
		assert_non_null(memory);
	}
	assert_null(k_mem_map(RIG_PAGE, K_MEM_PERM_RW));
	assert_null(k_mem_map(RIG_PAGE, K_MEM_PERM_RW | K_MEM_MAP_LOCK));
	assert_int_equal(qr_charge.pageable + qr_charge.pinned, pages + locked);
	touch_image();
	if (pages > 0) {
		use(memory, pages);
		assert_int_equal(k_mem_unmap(memory, pages * RIG_PAGE), 0);
	}
	if (locked > 0) {
		assert_int_equal(k_mem_unmap(lock, locked * RIG_PAGE), 0);
	}
	assert_int_equal(k_mem_page_out((void *)RIG_DEMAND, RIG_DEMAND_PAGES * RIG_PAGE), 0);
	rig_counts_equal(before, rig_counts());
	rig_check();
}

static void fill_all_ways(uint32_t frames, uint32_t slots)
{
	for (uint32_t way = 0; way < 2 * COUNT(policies); way++) {
		const struct rig rig = {
			.frames = frames,
			.slots = slots,
			.policy = policies[way / 2],
			.software_flags = way % 2,
			.ram = RIG_RAM(way),
		};

		for (uint32_t locked = 0; locked < frames; locked += 1 + frames / 4) {
			fill(&rig, locked);
		}
	}
}

static void test_8_frames_1_slot(void **state)
{
	(void)state;
	fill_all_ways(8, 1);
}

static void test_8_frames_2_slots(void **state)
{
	(void)state;
	fill_all_ways(8, 2);
}

static void test_8_frames_no_slots(void **state)
{
	(void)state;
	fill_all_ways(8, 0);
}

static void test_8_frames_20_slots(void **state)
{
	(void)state;
	fill_all_ways(8, 20);
}

static void test_3_frames(void **state)
{
	(void)state;
	for (uint32_t slots = 0; slots < 4; slots++) {
		fill_all_ways(3, slots);
	}
}

static void test_2_frames(void **state)
{
	(void)state;
	for (uint32_t slots = 0; slots < 4; slots++) {
		fill_all_ways(2, slots);
	}
}

static void test_1_frame(void **state)
{
	(void)state;
	for (uint32_t slots = 0; slots < 4; slots++) {
		fill_all_ways(1, slots);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_8_frames_1_slot),
		cmocka_unit_test(test_8_frames_2_slots),
		cmocka_unit_test(test_8_frames_no_slots),
		cmocka_unit_test(test_8_frames_20_slots),
		cmocka_unit_test(test_3_frames),
		cmocka_unit_test(test_2_frames),
		cmocka_unit_test(test_1_frame),
	};

	random_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
