/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_slot_room.c - slots that hold nothing but copies of pages in frames are room: who must have
 * one gets it, and what a call counted on beforehand it finds.
 *
 * 18 pages, 15 frames, 8 slots. When all pages were written and then read, all 8 slots are taken:
 * 3 by pages that are nowhere else, 5 by copies.
 */
#include "rig.h"

#include <mm/charge.h>
#include <mm/clean.h>
#include <mm/frame.h>
#include <mm/store.h>

#include "audit.h"
#include "domain_help.h"

#define FRAMES 15u
#define SLOTS  8u
#define PAGES  18u
#define OUT    (PAGES - FRAMES)
#define COPIES (SLOTS - OUT)

static uint8_t *memory;
static struct rig_counts before;

static uint8_t *at(uint32_t page)
{
	return memory + page * RIG_PAGE;
}

static bool loaded(uint32_t page)
{
	return (arch_page_get(at(page)) & ARCH_DATA_PAGE_LOADED) != 0;
}

static bool has_copy(uint32_t page)
{
	arch_page_t now = arch_page_get(at(page));
	uint64_t word;

	if (!(now & ARCH_DATA_PAGE_LOADED)) {
		return false;
	}
	word = qr_frames[qr_frame_of(arch_page_phys(now))];
	return (word & QR_FRAME_BACKED) && qr_location_owned(qr_frame_location(word));
}

static uint32_t count_copies(void)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < PAGES; i++) {
		count += has_copy(i);
	}
	return count;
}

static void read_all(void)
{
	for (uint32_t i = 0; i < PAGES; i++) {
		assert_int_equal(rig_get(at(i)), 100 + i);
	}
}

static void start_with(const struct rig *rig)
{
	rig_start(rig);
	before = rig_counts();
	memory = k_mem_map(PAGES * RIG_PAGE, K_MEM_PERM_RW);
	assert_non_null(memory);
	for (uint32_t i = 0; i < PAGES; i++) {
		rig_put(at(i), 100 + i);
	}
	assert_int_equal(k_mem_page_out(at(PAGES / 2), RIG_PAGE), 0);
	for (unsigned int round = 0; round < 3; round++) {
		read_all();
	}
	assert_int_equal(qr_store_table.free_slots, 0);
	assert_int_equal(count_copies(), COPIES);
}

static void start(void)
{
	const struct rig rig = {.frames = FRAMES, .slots = SLOTS};

	start_with(&rig);
}

static void end(void)
{
	const char *wrong;

	read_all();
	wrong = audit();
	if (wrong != NULL) {
		fail_msg("%s", wrong);
	}
	assert_int_equal(k_mem_unmap(memory, PAGES * RIG_PAGE), 0);
	rig_counts_equal(before, rig_counts());
	rig_check();
}

/* A page in a frame without a copy, at or after this one. */
static uint32_t without_copy(uint32_t page)
{
	while (!loaded(page) || has_copy(page)) {
		page++;
	}
	assert_true(page < PAGES);
	return page;
}

static void test_page_out_takes_a_copy(void **state)
{
	uint32_t page;

	(void)state;
	start();
	for (uint32_t i = 0; i < COPIES; i++) {
		page = without_copy(0);
		assert_int_equal(k_mem_page_out(at(page), RIG_PAGE), 0);
		assert_false(loaded(page));
		assert_int_equal(count_copies(), COPIES - 1 - i);
	}
	/* now each slot is the only place of some page */
	page = without_copy(0);
	assert_int_equal(k_mem_page_out(at(page), RIG_PAGE), -ENOMEM);
	assert_true(loaded(page));
	end();
}

static void test_frame_evict_takes_a_copy(void **state)
{
	uint32_t page;

	(void)state;
	start();
	page = without_copy(0);
	assert_int_equal(k_mem_page_frame_evict((uintptr_t)arch_page_phys(arch_page_get(at(page)))),
			 0);
	assert_false(loaded(page));
	end();
}

/* Ranges that may contain copies themselves: all go that can, and one page more is refused before
 * anything has happened. */
static void test_ranges_are_counted(void **state)
{
	(void)state;
	for (uint32_t first = 0; first < PAGES; first++) {
		uint32_t out = 0, count = 0;

		start();
		while (first + count < PAGES && out + loaded(first + count) <= COPIES) {
			out += loaded(first + count);
			count++;
		}
		if (first + count < PAGES) {
			const size_t size = (count + 1) * RIG_PAGE;
			uint32_t copies = count_copies(), had = 0;

			assert_int_equal(k_mem_page_out(at(first), size), -ENOMEM);
			for (uint32_t i = 0; i < PAGES; i++) {
				had += loaded(i);
			}
			assert_int_equal(had, FRAMES);
			assert_int_equal(count_copies(), copies);
		}
		assert_int_equal(k_mem_page_out(at(first), count * RIG_PAGE), 0);
		for (uint32_t i = 0; i < count; i++) {
			assert_false(loaded(first + i));
		}
		end();
	}
}

/* Who may not sleep can take a copy just as well. */
static void test_masked_page_out_takes_a_copy(void **state)
{
	(void)state;
	start();
	strict_sleep_allow(false);
	assert_int_equal(k_mem_page_out(at(without_copy(0)), RIG_PAGE), 0);
	strict_sleep_allow(true);
	end();
}

/* The page whose copy was taken was not changed since, and is written nonetheless. */
static void test_page_without_its_copy_is_written(void **state)
{
	uint32_t page, taken = 0;
	unsigned long writes;

	(void)state;
	start();
	for (page = 0; page < PAGES; page++) {
		taken |= has_copy(page) ? 1u << page : 0;
	}
	assert_int_equal(k_mem_page_out(at(without_copy(0)), RIG_PAGE), 0);
	for (page = 0; !(taken >> page & 1) || has_copy(page); page++) {
	}
	assert_true(loaded(page));
	writes = rig_store.writes;
	assert_int_equal(k_mem_page_out(at(page), RIG_PAGE), 0);
	assert_int_equal(rig_store.writes, writes + 1);
	end();
}

/* A pinned page has no slot to give, and a page is pinned with its copy given back. */
static void test_pinned_pages_have_none(void **state)
{
	(void)state;
	start();
	for (uint32_t i = 0; i < PAGES; i++) {
		if (has_copy(i)) {
			assert_int_equal(k_mem_pin(at(i), RIG_PAGE), 0);
			assert_false(has_copy(i));
		}
	}
	assert_int_equal(qr_store_table.free_slots, COPIES);
	assert_int_equal(k_mem_page_out(at(0), PAGES * RIG_PAGE), -ENOMEM);
	for (uint32_t i = 0; i < PAGES; i++) {
		assert_int_equal(k_mem_unpin(at(i), RIG_PAGE), 0);
	}
	end();
}

/* The cleaner evicts a page that has a slot, where those that the policy picks have none. */
static bool take_frames(void *argument)
{
	bool *once = argument;

	if (*once) {
		return false;
	}
	*once = true;
	for (uint32_t i = 0; i < PAGES; i++) {
		(void)rig_get(at(i));
	}
	return true;
}

static void test_cleaner_evicts_who_has_a_slot(void **state)
{
	bool once = false;

	(void)state;
	start();
	strict_progress_set(take_frames, &once);
	assert_int_equal(k_mem_paging_clean(1, 4), 0);
	strict_progress_set(NULL, NULL);
	assert_true(once);
	assert_int_equal(qr_frame_table.free_count, 4);
	end();
}

static void test_compressed_store(void **state)
{
	const struct rig rig = {.frames = FRAMES, .slots = SLOTS, .compressed = true};

	(void)state;
	start_with(&rig);
	for (uint32_t i = 0; i < COPIES; i++) {
		assert_int_equal(k_mem_page_out(at(without_copy(0)), RIG_PAGE), 0);
	}
	assert_int_equal(k_mem_page_out(at(without_copy(0)), RIG_PAGE), -ENOMEM);
	end();
}

static void test_requests_of_several_pages(void **state)
{
	const struct rig rig = {.frames = FRAMES, .slots = SLOTS, .request_cost = 4 * 256};

	(void)state;
	start_with(&rig);
	for (uint32_t i = 0; i < COPIES; i++) {
		assert_int_equal(k_mem_page_out(at(without_copy(0)), RIG_PAGE), 0);
	}
	assert_int_equal(k_mem_page_out(at(without_copy(0)), RIG_PAGE), -ENOMEM);
	end();
}

/* Without a store that pages go to there is no slot, whatever other stores have. */
static void test_no_paging_store(void **state)
{
	const struct rig rig = {.frames = FRAMES};

	(void)state;
	rig_start(&rig);
	memory = k_mem_map(4 * RIG_PAGE, K_MEM_PERM_RW);
	assert_non_null(memory);
	rig_put(memory, 1);
	rig_put(at(1), 2);
	assert_int_equal(k_mem_page_out(memory, 4 * RIG_PAGE), -ENOMEM);
	assert_int_equal(k_mem_page_out(memory, RIG_PAGE), -ENOMEM);
	assert_int_equal(k_mem_page_frame_evict((uintptr_t)arch_page_phys(arch_page_get(memory))),
			 -ENOMEM);
	assert_int_equal(rig_get(memory), 1);
	rig_check();
}

/* Frames kept for a domain stay its own; the copies of the pages in them are as good as others. */
static void test_copies_of_a_domains_pages(void **state)
{
	static struct k_mem_domain domain;
	const struct rig rig = {.frames = FRAMES, .slots = SLOTS};
	uint8_t *own;

	(void)state;
	rig_start(&rig);
	before = rig_counts();
	assert_int_equal(k_mem_domain_init(&domain, 0, NULL), 0);
	assert_int_equal(k_mem_domain_limits_set(&domain, 8 * RIG_PAGE, 4 * RIG_PAGE), 0);
	assert_int_equal(k_mem_domain_map(&domain, (void **)&own, 8 * RIG_PAGE, K_MEM_PERM_RW), 0);
	memory = k_mem_map(6 * RIG_PAGE, K_MEM_PERM_RW);
	assert_non_null(memory);
	for (uint32_t i = 0; i < 8; i++) {
		rig_put(own + i * RIG_PAGE, 200 + i);
	}
	assert_int_equal(k_mem_page_out(own, 8 * RIG_PAGE), 0);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(rig_get(own + i * RIG_PAGE), 200 + i);
	}
	rig_put(at(0), 100);
	assert_int_equal(qr_store_table.free_slots, 0);
	assert_int_equal(k_mem_page_out(at(0), RIG_PAGE), 0);
	assert_int_equal(domain.resident_count, 4);
	for (uint32_t i = 0; i < 8; i++) {
		assert_int_equal(rig_get(own + i * RIG_PAGE), 200 + i);
	}
	assert_int_equal(rig_get(at(0)), 100);
	assert_ptr_equal(audit(), NULL);
	assert_int_equal(k_mem_domain_deinit(&domain), 0);
	assert_int_equal(k_mem_unmap(memory, 6 * RIG_PAGE), 0);
	rig_counts_equal(before, rig_counts());
	rig_check();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_out_takes_a_copy),
		cmocka_unit_test(test_frame_evict_takes_a_copy),
		cmocka_unit_test(test_ranges_are_counted),
		cmocka_unit_test(test_masked_page_out_takes_a_copy),
		cmocka_unit_test(test_page_without_its_copy_is_written),
		cmocka_unit_test(test_pinned_pages_have_none),
		cmocka_unit_test(test_cleaner_evicts_who_has_a_slot),
		cmocka_unit_test(test_compressed_store),
		cmocka_unit_test(test_requests_of_several_pages),
		cmocka_unit_test(test_no_paging_store),
		cmocka_unit_test(test_copies_of_a_domains_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
