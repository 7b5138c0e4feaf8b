/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy_seam.c - what the core tells a policy beside the frames: what a look at a page says,
 * what a dirty page costs, and when there is time.
 */
#include "rig.h"

#include <string.h>

#include <quire/policy.h>

#include "audit.h"

static uint8_t *memory;

static void map(const struct rig *rig, uint32_t pages)
{
	rig_start(rig);
	memory = k_mem_map(pages * RIG_PAGE, K_MEM_PERM_RW);
	assert_non_null(memory);
}

static uint8_t *at(uint32_t page)
{
	return memory + page * RIG_PAGE;
}

static void end(void)
{
	assert_null(audit());
	rig_check();
}

/* ---- looks ---------------------------------------------------------------------------- */

static void test_a_look_says_what_get_says(void **state)
{
	const uint32_t used = ARCH_DATA_PAGE_ACCESSED, both = used | ARCH_DATA_PAGE_DIRTY;

	(void)state;
	for (uint32_t run = 0; run < 2; run++) {
		const struct rig rig = {.frames = 8, .slots = 8, .software_flags = run == 1};

		map(&rig, 1);
		rig_put(memory, 1);
		for (uint32_t set = 0; set < 4; set++) {
			uint32_t bits = (set & 1 ? used : 0) | (set & 2 ? ARCH_DATA_PAGE_DIRTY : 0);
			arch_page_t what;

			(void)arch_page_bits(memory, 0, both);
			(void)arch_page_bits(memory, bits, 0);
			arch_mem_flush(memory, RIG_PAGE);
			what = arch_page_get(memory);
			assert_int_equal(what & both, bits);
			assert_int_equal(arch_page_look(memory, false), bits);
			assert_int_equal(arch_page_get(memory), what);
			assert_int_equal(arch_page_look(memory, true), bits);
			assert_int_equal(arch_page_get(memory), what & ~(arch_page_t)used);
			assert_int_equal(arch_page_look(memory, true), bits & ~used);
			/* nothing but the bit has changed: the page is there, and used again */
			arch_mem_flush(memory, RIG_PAGE);
			rig_put(memory, set);
			assert_int_equal(arch_page_look(memory, false), both);
			assert_int_equal(rig_get(memory), set);
		}
		end();
	}
}

/* ---- what a dirty page costs ----------------------------------------------------------- */

static void test_a_write_costs_a_read_by_default(void **state)
{
	static const struct rig rigs[] = {
		{.frames = 8}, {.frames = 8, .slots = 40},
		{.frames = 8, .slots = 40, .write_cost = 256},
		{.frames = 8, .slots = 40, .request_cost = 1024},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rigs) / sizeof(rigs[0]); i++) {
		rig_start(&rigs[i]);
		assert_int_equal(k_mem_dirty_weight(), 32);
	}
}

/* And never less than a sixteenth more than nothing, whatever is rounded. */
static void test_a_dear_write_weighs_more(void **state)
{
	uint32_t before = 16;

	(void)state;
	for (uint32_t cost = 1; cost <= UINT16_MAX; cost += cost) {
		const struct rig rig = {.frames = 8, .slots = 40, .write_cost = cost};
		const struct rig dear = {.frames = 8, .slots = 40, .write_cost = cost,
					 .request_cost = 15};

		rig_start(&rig);
		assert_int_equal(k_mem_dirty_weight(), 16 + (cost >= 16 ? cost / 16 : 1));
		assert_true(k_mem_dirty_weight() >= before);
		before = k_mem_dirty_weight();
		rig_start(&dear);
		assert_true(k_mem_dirty_weight() >= 17);
	}
}

/* By what was moved so far, and a request's cost is shared by the pages that it moves. */
static uint32_t expected_weight(uint32_t request_cost, uint32_t write_cost)
{
	const struct k_mem_paging_stats_t now = rig_stats();
	double read = 256 + (double)request_cost * (double)now.transfer.reads /
				    (double)now.transfer.page_in;
	double write = 256 + (double)request_cost * (double)now.transfer.writes /
				     (double)now.transfer.page_out;

	return 16 + (uint32_t)(16 * write * write_cost / 256 / read);
}

/* Pages that were not used lately go out many at a time, and come back one by one or with their
 * neighbours. */
static void move_on(uint32_t rounds, bool alone)
{
	for (uint32_t round = 0; round < rounds; round++) {
		for (uint32_t page = 0; page < 32; page++) {
			rig_put(at(page), page);
			(void)arch_page_bits(at(page), 0, ARCH_DATA_PAGE_ACCESSED);
			arch_mem_flush(at(page), RIG_PAGE);
		}
		assert_int_equal(k_mem_page_out(memory, 32 * RIG_PAGE), 0);
		strict_sleep_allow(!alone);
		for (uint32_t page = 0; page < 32; page++) {
			assert_int_equal(rig_get(at(page)), page);
		}
		strict_sleep_allow(true);
	}
}

static void move(uint32_t request_cost, uint32_t write_cost, bool alone)
{
	const struct rig rig = {.frames = 40, .slots = 64, .request_cost = request_cost,
				.write_cost = write_cost};

	map(&rig, 32);
	move_on(8, alone);
	end();
}

static void test_requests_of_many_pages_weigh_less(void **state)
{
	const uint32_t cost = 8 * 256;
	uint32_t together, alone;

	(void)state;
	move(cost, 256, false);
	together = k_mem_dirty_weight();
	assert_in_range(together, expected_weight(cost, 256) - 1, expected_weight(cost, 256) + 1);
	move(cost, 256, true);
	alone = k_mem_dirty_weight();
	assert_in_range(alone, expected_weight(cost, 256) - 1, expected_weight(cost, 256) + 1);
	/* reading has become dear, not writing */
	assert_true(alone < together);
	assert_true(alone < 24);
	move(cost, 4 * 256, true);
	assert_true(k_mem_dirty_weight() > alone);
	assert_in_range(k_mem_dirty_weight(), expected_weight(cost, 4 * 256) - 1,
			expected_weight(cost, 4 * 256) + 1);
}

/* After some tens of thousands of pages. */
static void test_requests_of_long_ago_weigh_less(void **state)
{
	const uint32_t cost = 8 * 256, write_cost = 16 * 256, rounds = 70000 / 32;
	const struct rig rig = {.frames = 40, .slots = 64, .request_cost = cost,
				.write_cost = write_cost};

	(void)state;
	map(&rig, 32);
	move_on(rounds, true);
	assert_in_range(k_mem_dirty_weight(), expected_weight(cost, write_cost) - 1,
			expected_weight(cost, write_cost) + 1);
	move_on(rounds, false);
	assert_true(k_mem_dirty_weight() > expected_weight(cost, write_cost) * 9 / 8);
	end();
}

/* What another store moves says nothing of the paging store. */
static void test_other_stores_do_not_count(void **state)
{
	const struct rig rig = {.frames = 40, .slots = 64, .request_cost = 8 * 256};
	uint32_t weight;

	(void)state;
	map(&rig, 16);
	for (uint32_t page = 0; page < 16; page++) {
		rig_put(at(page), page);
	}
	assert_int_equal(k_mem_page_out(memory, 16 * RIG_PAGE), 0);
	assert_int_equal(rig_get(at(0)), 0);
	weight = k_mem_dirty_weight();
	assert_true(weight != 32);
	strict_sleep_allow(false);
	for (uint32_t page = 0; page < RIG_DEMAND_PAGES; page++) {
		(void)rig_get((void *)(RIG_DEMAND + page * RIG_PAGE));
	}
	strict_sleep_allow(true);
	assert_int_equal(rig_image_store.reads, RIG_DEMAND_PAGES);
	assert_int_equal(k_mem_dirty_weight(), weight);
	end();
}

/* ---- time ------------------------------------------------------------------------------- */

#define SLICES 3u

static struct {
	uint32_t frame_count;
	unsigned long calls;
	unsigned long unlocked;  /* calls without the lock */
	unsigned long no_breath; /* calls between which the lock was held on */
	bool breathed;
} spare_time;

static void breath(void)
{
	spare_time.breathed = true;
}

static void count_start(void *frames, uint32_t frame_count)
{
	spare_time.frame_count = frame_count;
	k_mem_policy_clock.start(frames, frame_count);
}

/* It looks at all frames, and says twice that there is more to do. */
static bool count_idle(void)
{
	spare_time.unlocked += !strict_locked();
	spare_time.no_breath += !spare_time.breathed;
	spare_time.breathed = false;
	for (uint32_t frame = 0; frame < spare_time.frame_count; frame++) {
		if (k_mem_frame_evictable(frame)) {
			(void)k_mem_frame_bits(frame, true);
		}
	}
	return ++spare_time.calls % SLICES != 0;
}

static void idle_start(unsigned int late)
{
	static struct k_mem_policy policy;
	const struct rig rig = {.frames = 8, .slots = 64, .policy = &policy};

	memset(&spare_time, 0, sizeof(spare_time));
	policy = k_mem_policy_clock;
	policy.start = count_start;
	policy.idle = count_idle;
	map(&rig, 24);
	strict_between_set(breath);
	rig_store.late = late;
}

static unsigned long zero_fills;

/* Pages come, go, and come back; how many transfers that took, and pages of zeros. */
static unsigned long run(void)
{
	const struct k_mem_paging_stats_t before = rig_stats();
	struct k_mem_paging_stats_t after;

	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t page = 0; page < 24; page++) {
			rig_put(at(page), page + round);
			assert_int_equal(rig_get(at(page)), page + round);
		}
	}
	after = rig_stats();
	assert_true(after.transfer.reads > before.transfer.reads);
	assert_true(after.transfer.writes > before.transfer.writes);
	zero_fills = after.transfer.zero_fill - before.transfer.zero_fill;
	assert_true(zero_fills > 0);
	return after.transfer.reads - before.transfer.reads +
	       after.transfer.writes - before.transfer.writes;
}

static void idle_end(void)
{
	assert_int_equal(spare_time.unlocked, 0);
	assert_int_equal(emu_counters()->accessed_missed, 0);
	strict_between_set(NULL);
	end();
}

static void test_idle_while_a_thread_waits(void **state)
{
	unsigned long transfers;

	(void)state;
	idle_start(2);
	transfers = run();
	/* until it says that nothing is left to do, once for each */
	assert_int_equal(spare_time.calls, SLICES * (transfers + zero_fills));
	assert_int_equal(spare_time.no_breath, 0);
	idle_end();
}

static void test_no_idle_for_a_store_that_is_done_at_once(void **state)
{
	(void)state;
	idle_start(0);
	(void)run();
	assert_int_equal(spare_time.calls, SLICES * zero_fills);
	idle_end();
}

static void test_no_idle_where_nobody_may_sleep(void **state)
{
	static const enum qr_port_context contexts[] = {
		QR_PORT_IRQ_LOCKED, QR_PORT_ISR, QR_PORT_THREAD,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
		idle_start(2);
		strict_context_set(contexts[i]);
		strict_sleep_allow(contexts[i] != QR_PORT_THREAD);
		(void)run();
		assert_int_equal(spare_time.calls, 0);
		strict_context_set(QR_PORT_THREAD);
		strict_sleep_allow(true);
		idle_end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_look_says_what_get_says),
		cmocka_unit_test(test_a_write_costs_a_read_by_default),
		cmocka_unit_test(test_a_dear_write_weighs_more),
		cmocka_unit_test(test_requests_of_many_pages_weigh_less),
		cmocka_unit_test(test_requests_of_long_ago_weigh_less),
		cmocka_unit_test(test_other_stores_do_not_count),
		cmocka_unit_test(test_idle_while_a_thread_waits),
		cmocka_unit_test(test_no_idle_for_a_store_that_is_done_at_once),
		cmocka_unit_test(test_no_idle_where_nobody_may_sleep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
