/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_replay_memory.c - would the replay notice? Memory that behaves gives no error;
 * each way in which paging can lose something, done to it by hand, is reported.
 *
 * The core is a fake that hands out pages of an array at the place of the address space.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "apps/replay/player/player.h"
#include "apps/user/user.h"

#define PAGES      64u
#define SPACE_SIZE (1024u * 4096u)

static uint8_t *const space = (uint8_t *)CONFIG_KERNEL_VM_BASE;
static uint32_t space_used, granted, grant_max = UINT32_MAX;
static uint8_t *page_at[PAGES];
static char printed[4000];

/* ---- the fake kernel and core ----------------------------------------------------------- */

void user_printf(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(printed, sizeof(printed), format, arguments);
	va_end(arguments);
}

static int take(void **addr, size_t size)
{
	if (granted + size / 4096 > grant_max)
		return -ENOMEM;
	granted += (uint32_t)(size / 4096);
	*addr = space + (size_t)++space_used * 4096; /* a guard first */
	space_used += (uint32_t)(size / 4096);
	assert_true(space_used * 4096 < SPACE_SIZE);
	return 0;
}

int map_zeros(void **addr, size_t size)
{
	if (take(addr, size) != 0)
		return -ENOMEM;
	memset(*addr, 0, size);
	return 0;
}

int map_stored(void **addr, uint32_t first, size_t size, bool writable)
{
	assert_true(first + size / 4096 <= PAGES);
	/* read-only pages of a read-only store are not charged */
	if (!writable)
		granted -= (uint32_t)(size / 4096);
	if (take(addr, size) != 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < size / 8; i++)
		((uint64_t *)*addr)[i] = replay_word(replay_stamp(first + i / REPLAY_PAGE_WORDS, 0),
						     i % REPLAY_PAGE_WORDS);
	return 0;
}

/* Pages 0-15: first written; 16-31: first read, written later; 32-63: only read. */
static uint8_t class_for(uint32_t page)
{
	return page < 16   ? REPLAY_PAGE_WRITTEN
	       : page < 32 ? REPLAY_PAGE_WRITTEN | REPLAY_PAGE_STORED
			   : REPLAY_PAGE_STORED;
}

bool stream_classes(uint8_t *class)
{
	for (uint32_t page = 0; page < PAGES; page++)
		class[page] = class_for(page);
	return true;
}

/* ---- help -------------------------------------------------------------------------------- */

static bool touch(uint32_t page, bool write)
{
	struct replay_record record = {page, write};

	return memory_touch(&record);
}

/* Each page touched as its class wants, the writable ones written three times. */
static void start(void)
{
	struct replay_head head = {.page_count = PAGES};
	uint32_t place = 0;

	space_used = granted = 0;
	grant_max = UINT32_MAX;
	memory_errors = 0;
	assert_true(memory_map(&head));
	for (uint32_t page = 0; page < PAGES; page++) {
		place += page == 0 || class_for(page) != class_for(page - 1);
		page_at[page] = space + (size_t)place++ * 4096;
		assert_true(touch(page, !(class_for(page) & REPLAY_PAGE_STORED)));
	}
	for (uint32_t i = 0; i < 2 * 32; i++)
		assert_true(touch(i % 32, true));
	assert_int_equal(memory_errors, 0);
}

/* The final check finds something, and so did a read of this page if it looks there. */
static void assert_noticed(uint32_t page, bool by_read)
{
	uint64_t before = memory_errors;

	assert_true(touch(page, false));
	if (by_read)
		assert_true(memory_errors > before);
	before = memory_errors;
	assert_true(memory_verify(PAGES));
	assert_true(memory_errors > before);
}

/* ---- tests --------------------------------------------------------------------------------- */

static void nothing_lost(void **state)
{
	(void)state;
	start();
	for (uint32_t i = 0; i < 1000; i++)
		assert_true(touch(i * 7 % PAGES, i * 7 % PAGES < 32 && i % 3 == 0));
	assert_true(memory_verify(PAGES));
	assert_int_equal(memory_errors, 0);
}

static void a_write_that_was_lost(void **state)
{
	uint8_t old[4096];

	(void)state;
	for (uint32_t page = 0; page < 32; page += 31) {
		start();
		memcpy(old, page_at[page], 4096);
		assert_true(touch(page, true));
		memcpy(page_at[page], old, 4096); /* a clean page was dropped that was not */
		assert_noticed(page, true);
	}
}

static void a_lost_write_is_seen_by_the_next_write(void **state)
{
	uint8_t old[4096];

	(void)state;
	start();
	memcpy(old, page_at[5], 4096);
	assert_true(touch(5, true));
	memcpy(page_at[5], old, 4096);
	assert_true(touch(5, true));
	assert_true(memory_errors > 0);
}

static void pages_mixed_up(void **state)
{
	uint8_t swap[4096];

	(void)state;
	start();
	memcpy(swap, page_at[40], 4096);
	memcpy(page_at[40], page_at[41], 4096);
	memcpy(page_at[41], swap, 4096);
	assert_noticed(41, true);
}

static void torn_pages(void **state)
{
	uint8_t old[4096];

	(void)state;
	for (uint32_t sector = 0; sector < 8; sector++) {
		start();
		memcpy(old, page_at[20], 4096);
		assert_true(touch(20, true));
		memcpy(page_at[20] + sector * 512, old + sector * 512, 512);
		assert_noticed(20, true);
	}
}

static void zeros_in_place_of_content(void **state)
{
	(void)state;
	start();
	memset(page_at[33], 0, 4096);
	assert_noticed(33, true);
}

static void a_new_page_that_is_not_zeros(void **state)
{
	struct replay_head head = {.page_count = PAGES};

	(void)state;
	space_used = granted = 0;
	memory_errors = 0;
	assert_true(memory_map(&head));
	page_at[0] = space + 4096;
	((uint64_t *)(void *)page_at[0])[REPLAY_STAMP_STEP] = 1;
	assert_true(touch(0, true));
	assert_int_equal(memory_errors, 1);
}

/* Any single byte of any page: where no stamp is, the final check still sees it. */
static void any_byte(void **state)
{
	(void)state;
	for (uint32_t at = 0; at < 4096; at += 61) {
		uint32_t page = at % PAGES;

		start();
		page_at[page][at] ^= 0x40;
		assert_noticed(page, at / 8 % REPLAY_STAMP_STEP == 0);
	}
}

static void records_against_classes(void **state)
{
	struct replay_head head = {.page_count = PAGES};

	(void)state;
	start();
	assert_false(touch(40, true));
	assert_non_null(strstr(printed, "a record writes page 40"));
	assert_true(memory_map(&head));
	assert_false(touch(3, false));
	assert_non_null(strstr(printed, "the first record of page 3 is a read"));
	assert_false(touch(20, true));
	assert_non_null(strstr(printed, "the first record of page 20 is a write"));
	assert_true(memory_map(&head));
	assert_false(memory_verify(PAGES));
	assert_non_null(strstr(printed, "page 0 has no record"));
}

static void memory_that_is_not_granted(void **state)
{
	struct replay_head head = {.page_count = PAGES};

	(void)state;
	space_used = granted = 0;
	grant_max = 25; /* of 32 that are charged */
	assert_false(memory_map(&head));
	assert_non_null(strstr(printed, "too small: 7 pages"));
	grant_max = UINT32_MAX;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_lost),
		cmocka_unit_test(a_write_that_was_lost),
		cmocka_unit_test(a_lost_write_is_seen_by_the_next_write),
		cmocka_unit_test(pages_mixed_up),
		cmocka_unit_test(torn_pages),
		cmocka_unit_test(zeros_in_place_of_content),
		cmocka_unit_test(a_new_page_that_is_not_zeros),
		cmocka_unit_test(any_byte),
		cmocka_unit_test(records_against_classes),
		cmocka_unit_test(memory_that_is_not_granted),
	};

	if (mmap(space, SPACE_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != space)
		return 1;
	return cmocka_run_group_tests_name("replay_memory", tests, NULL, NULL);
}
