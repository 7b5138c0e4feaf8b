/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_loops_end.c - calls end although others spoil what they do, for as long as one looks.
 *
 * The other thread is the strict port's progress hook: each time that the first one sleeps for a
 * write, it touches the page that is written, or all pages that are.
 */
#include "rig.h"

#include <mm/charge.h>
#include <mm/frame.h>
#include <mm/store.h>

#include "audit.h"

#define FRAMES 6u
#define PAGES  10u

static uint8_t *memory;
static unsigned long touched;
static bool touching;

static uint8_t *at(uint32_t page)
{
	return memory + page * RIG_PAGE;
}

/* Is the page on its way out, and not rescued so far? */
static bool going_out(uint32_t page)
{
	arch_page_t now = arch_page_get(at(page));

	return !(now & ARCH_DATA_PAGE_LOADED) &&
	       ARCH_TOKEN_KIND(arch_page_token(now)) == ARCH_TOKEN_BUSY &&
	       (qr_frames[ARCH_TOKEN_VALUE(arch_page_token(now))] & QR_FRAME_OUT);
}

static bool touch(void *argument)
{
	bool did = false;

	(void)argument;
	for (uint32_t i = 0; touching && i < PAGES; i++) {
		if (going_out(i)) {
			rig_put(at(i), 100 + i);
			touched++;
			did = true;
		}
	}
	return did;
}

static void start(uint32_t pages)
{
	const struct rig rig = {.frames = FRAMES, .slots = 2 * PAGES};

	rig_start(&rig);
	memory = k_mem_map(PAGES * RIG_PAGE, K_MEM_PERM_RW);
	assert_non_null(memory);
	for (uint32_t i = 0; i < pages; i++) {
		rig_put(at(i), 100 + i);
	}
	rig_store.late = 2;
	touched = 0;
	touching = true;
	strict_progress_set(touch, NULL);
}

static void end(uint32_t pages)
{
	touching = false;
	rig_store.late = 0;
	assert_ptr_equal(audit(), NULL);
	for (uint32_t i = 0; i < pages; i++) {
		assert_int_equal(rig_get(at(i)), 100 + i);
	}
	assert_int_equal(k_mem_page_out(memory, PAGES * RIG_PAGE), 0);
	rig_check();
}

static void test_page_out_of_a_page_touched_in_each_write(void **state)
{
	(void)state;
	start(3);
	assert_int_equal(k_mem_page_out(memory, PAGES * RIG_PAGE), -EBUSY);
	assert_int_equal(rig_store.writes, CONFIG_EVICTION_TRIES);
	assert_int_equal(touched, CONFIG_EVICTION_TRIES);
	assert_true(arch_page_get(memory) & ARCH_DATA_PAGE_LOADED);
	end(3);
}

static void test_frame_evict_of_a_page_touched_in_each_write(void **state)
{
	(void)state;
	start(1);
	assert_int_equal(k_mem_page_frame_evict((uintptr_t)arch_page_phys(arch_page_get(memory))),
			 -EBUSY);
	assert_int_equal(rig_store.writes, 1);
	end(1);
}

/* Whatever the fault evicts is touched while it is written. It ends, and would fault again. */
static void test_fault_whose_victims_are_touched(void **state)
{
	(void)state;
	start(FRAMES);
	assert_int_equal(k_mem_page_fault(at(FRAMES), K_MEM_FAULT_WRITE), 0);
	assert_false(arch_page_get(at(FRAMES)) & ARCH_DATA_PAGE_LOADED);
	assert_int_equal(touched, QR_ROUNDS_MAX);
	end(FRAMES);
}

static void test_pin_whose_victims_are_touched(void **state)
{
	struct rig_counts before;

	(void)state;
	start(FRAMES);
	before = rig_counts();
	assert_int_equal(k_mem_pin(at(FRAMES), RIG_PAGE), -EBUSY);
	assert_int_equal(rig_counts().charge_pinned, before.charge_pinned);
	assert_int_equal(k_mem_page_in(at(FRAMES), RIG_PAGE), -EBUSY);
	end(FRAMES);
}

static void test_locked_memory_whose_victims_are_touched(void **state)
{
	struct rig_counts before;
	void *addr;

	(void)state;
	start(FRAMES);
	before = rig_counts();
	assert_int_equal(k_mem_map_anon(&addr, 2 * RIG_PAGE, K_MEM_PERM_RW | K_MEM_MAP_LOCK),
			 -ENOMEM);
	before.slots_reserved = rig_counts().slots_reserved; /* pages were written, and stayed */
	rig_counts_equal(before, rig_counts());
	end(FRAMES);
}

/* A store that has no room, and never will have. */
static unsigned long asked;

static int submit_full(void *context, struct k_mem_io *io)
{
	(void)context;
	(void)io;
	asked++;
	return K_MEM_IO_FULL;
}

static void test_store_that_is_always_full(void **state)
{
	struct k_mem_store_ops ops, full_ops;

	(void)state;
	for (uint32_t masked = 0; masked < 2; masked++) {
		uint64_t word;

		start(2);
		touching = false;
		assert_int_equal(k_mem_page_out(at(0), RIG_PAGE), 0);
		ops = *qr_store_table.store[RIG_STORE_PAGING].ops;
		full_ops = ops;
		full_ops.submit = submit_full;
		qr_store_table.store[RIG_STORE_PAGING].ops = &full_ops;
		asked = 0;
		strict_sleep_allow(masked == 0);
		assert_int_equal(rig_read(at(0), &word), -EBUSY);
		assert_int_equal(k_mem_page_out(at(1), RIG_PAGE), -EBUSY);
		strict_sleep_allow(true);
		assert_in_range(asked, 1, 2 * CONFIG_MEM_POLLS_MAX);
		qr_store_table.store[RIG_STORE_PAGING].ops = &ops;
		end(2);
	}
}

/* The cleaner's frames: a fault takes the last one, then each page that is cleaned is touched. */
static bool fault_then_touch(void *argument)
{
	bool *called = argument;

	if (*called) {
		return touch(NULL);
	}
	*called = true;
	rig_put(at(FRAMES - 1), 100 + FRAMES - 1);
	return true;
}

static void test_cleaner_whose_victims_are_touched(void **state)
{
	bool called = false;

	(void)state;
	start(FRAMES - 1);
	strict_progress_set(fault_then_touch, &called);
	assert_int_equal(k_mem_paging_clean(1, 3), 0);
	strict_progress_set(NULL, NULL);
	assert_true(called);
	assert_int_equal(rig_stats().transfer.cleaned, 0);
	assert_in_range(touched, 1, 2 * qr_frame_table.count);
	end(FRAMES);
}

/* Nothing can be evicted, for all is pinned: the cleaner does not look for ever. */
static bool pin_all(void *argument)
{
	bool *called = argument;

	if (*called) {
		return false;
	}
	*called = true;
	assert_int_equal(k_mem_pin(memory, (FRAMES - 1) * RIG_PAGE), 0);
	rig_put(at(FRAMES - 1), 100 + FRAMES - 1);
	assert_int_equal(k_mem_pin((void *)RIG_DEMAND, RIG_PAGE), -ENOMEM);
	return true;
}

static void test_cleaner_without_victims(void **state)
{
	const struct strict_counts *counts = strict_counts();
	bool called = false;
	unsigned long locks;

	(void)state;
	start(FRAMES - 1);
	touching = false;
	strict_progress_set(pin_all, &called);
	locks = counts->locks;
	assert_int_equal(k_mem_paging_clean(1, FRAMES - 1), 0);
	strict_progress_set(NULL, NULL);
	assert_true(called);
	assert_true(counts->locks - locks < 60);
	assert_int_equal(rig_stats().transfer.cleaned, 1);
	assert_int_equal(k_mem_unpin(memory, (FRAMES - 1) * RIG_PAGE), 0);
	end(FRAMES);
}

/* When nobody needs a frame the cleaner sleeps, however often it is called. */
static unsigned int rounds;

static bool count_rounds(void *argument)
{
	(void)argument;
	if (++rounds == 20) {
		rig_put(at(FRAMES - 1), 100 + FRAMES - 1);
	}
	return true;
}

static void test_cleaner_sleeps_until_it_is_called(void **state)
{
	unsigned long sleeps;

	(void)state;
	start(FRAMES - 1);
	rounds = 0;
	sleeps = strict_counts()->sleeps;
	strict_progress_set(count_rounds, NULL);
	assert_int_equal(k_mem_paging_clean(1, 3), 0);
	strict_progress_set(NULL, NULL);
	assert_int_equal(rounds >= 20, 1);
	assert_in_range(strict_counts()->sleeps - sleeps, 1, 8);
	assert_int_equal(rig_stats().transfer.cleaned, 3);
	end(FRAMES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_out_of_a_page_touched_in_each_write),
		cmocka_unit_test(test_frame_evict_of_a_page_touched_in_each_write),
		cmocka_unit_test(test_fault_whose_victims_are_touched),
		cmocka_unit_test(test_pin_whose_victims_are_touched),
		cmocka_unit_test(test_locked_memory_whose_victims_are_touched),
		cmocka_unit_test(test_store_that_is_always_full),
		cmocka_unit_test(test_cleaner_whose_victims_are_touched),
		cmocka_unit_test(test_cleaner_without_victims),
		cmocka_unit_test(test_cleaner_sleeps_until_it_is_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
