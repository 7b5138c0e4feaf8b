/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_replay_stream.c - the trace disk: what tools/trace prepares is what the
 * replaying program reads, and no damaged disk gets through.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "apps/replay/player/player.h"
#include "apps/user/user.h"
#include "trace_help.h"

/* ---- a kernel of one disk ------------------------------------------------------------ */

static struct trace_bytes disk;
static uint64_t bad_sector = UINT64_MAX;
static char printed[4000];

int64_t trace_bytes(void)
{
	return (int64_t)disk.size;
}

int trace_read(uint64_t offset, void *buffer, size_t bytes)
{
	assert_int_equal(offset % 512 + bytes % 512, 0);
	assert_true(bytes > 0 && offset + bytes <= disk.size);
	if (bad_sector >= offset / 512 && bad_sector < (offset + bytes) / 512)
		return -EIO;
	memcpy(buffer, disk.data + offset, bytes);
	return 0;
}

void user_printf(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(printed, sizeof(printed), format, arguments);
	va_end(arguments);
}

/* ---- help ------------------------------------------------------------------------------ */

static struct trace trace;

/* Read the whole disk; with `compare` everything must be as recorded. */
static bool read_all(bool compare)
{
	static uint8_t class[CONFIG_REPLAY_PAGES_MAX], expected[CONFIG_REPLAY_PAGES_MAX];
	const struct replay_record *records;
	struct replay_head head;
	uint64_t done = 0;
	uint32_t count;

	printed[0] = '\0';
	if (!stream_open(&head) || !stream_classes(class))
		return false;
	if (compare) {
		trace_classes(&trace, expected);
		assert_int_equal(head.page_count, trace.page_count);
		assert_memory_equal(class, expected, trace.page_count);
	}
	for (;;) {
		if (!stream_records(&records, &count))
			return false;
		if (count == 0)
			break;
		for (uint32_t i = 0; compare && i < count; i++) {
			assert_int_equal(records[i].page, trace.page[done + i]);
			assert_int_equal(records[i].write, trace.kind[done + i] == TRACE_WRITE);
		}
		done += count;
	}
	assert_int_equal(done, head.record_count);
	return true;
}

static void prepare(uint32_t pages, uint64_t records, uint64_t seed)
{
	uint64_t random = seed;

	help_trace(&trace, pages, records, &random);
	trace_disk(&trace, &disk);
}

static void done(void)
{
	trace_free(&trace);
	free(disk.data);
	disk = (struct trace_bytes){0};
	bad_sector = UINT64_MAX;
}

/* Give a block that was changed the check that fits, as a malicious hand would. */
static void block_sign(size_t number)
{
	struct replay_block *block = (struct replay_block *)(void *)disk.data + number;

	block->check = replay_check(block);
}

static struct replay_block *block_at(size_t number)
{
	return (struct replay_block *)(void *)disk.data + number;
}

/* ---- tests ----------------------------------------------------------------------------- */

static void as_prepared(void **state)
{
	uint64_t random = help_seed(17);

	(void)state;
	for (uint32_t i = 0; i < 20; i++) {
		uint32_t pages = 1 + (uint32_t)(help_random(&random) % 12000);

		prepare(pages, pages + help_random(&random) % 30000, help_random(&random));
		if (!read_all(true))
			fail_msg("%s", printed);
		done();
	}
}

static void every_block_is_checked(void **state)
{
	uint64_t random = help_seed(19);

	(void)state;
	prepare(5000, 40000, 19);
	for (uint32_t i = 0; i < 300; i++) {
		size_t at = help_random(&random) % disk.size;
		uint8_t flip = (uint8_t)(1 << help_random(&random) % 8);
		char place[40];

		disk.data[at] ^= flip;
		assert_false(read_all(false));
		snprintf(place, sizeof(place), "block %zu, byte %zu: ", at / 4096,
			 at / 4096 * 4096);
		assert_non_null(strstr(printed, place));
		disk.data[at] ^= flip;
	}
	assert_true(read_all(true));
	done();
}

static void a_disk_that_ends_early(void **state)
{
	size_t size;

	(void)state;
	prepare(5000, 40000, 23);
	for (size = disk.size; disk.size > 0; disk.size -= 512) {
		if (disk.size < size) {
			assert_false(read_all(false));
			assert_non_null(strstr(printed, "the disk ends in it"));
		}
	}
	assert_false(read_all(false));
	done();
}

static void a_sector_that_cannot_be_read(void **state)
{
	(void)state;
	prepare(5000, 40000, 29);
	bad_sector = 30;
	assert_false(read_all(false));
	assert_non_null(strstr(printed, "cannot be read"));
	done();
}

static void blocks_that_changed_places(void **state)
{
	struct replay_block swap;

	(void)state;
	prepare(100, 40000, 31);
	swap = *block_at(3);
	*block_at(3) = *block_at(4);
	*block_at(4) = swap;
	assert_false(read_all(false));
	assert_non_null(strstr(printed, "block 3, byte 12288: not a block of this place"));
	done();
}

/* Contents that contradict themselves behind a check that fits. */
static void counts_that_lie(void **state)
{
	struct replay_head *head;

	(void)state;
	prepare(100, 40000, 37);
	head = (struct replay_head *)(void *)block_at(0)->data;
	for (uint32_t i = 0; i < 9; i++) {
		static const char *const messages[] = {
			"its counts contradict",
			"its counts contradict",
			"records are missing",
			"more records than the head says",
			"of no page or kind",
			"(CONFIG_REPLAY_PAGES_MAX)",
			"not the head",
			"of an unknown class",
			"bytes after its last record",
		};
		struct trace_bytes copy = {0};

		trace_bytes_add(&copy, disk.data, disk.size);
		if (i == 0)
			head->page_count = 0;
		if (i == 1)
			head->class_blocks++;
		if (i == 2)
			head->record_count++;
		if (i == 3)
			head->record_count--;
		if (i == 4)
			block_at(2)->data[0] |= 3;
		if (i == 5)
			head->page_count = CONFIG_REPLAY_PAGES_MAX + 1,
			head->class_blocks = head->page_count / REPLAY_BLOCK_DATA + 1;
		if (i == 6)
			head->magic ^= 1;
		if (i == 7)
			block_at(1)->data[50] = 4;
		if (i == 8)
			block_at(2)->item_count--;
		block_sign(0);
		block_sign(1);
		block_sign(2);
		assert_false(read_all(false));
		if (!strstr(printed, messages[i]))
			fail_msg("lie %u: \"%s\" is not in \"%s\"", i, messages[i], printed);
		memcpy(disk.data, copy.data, disk.size);
		free(copy.data);
	}
	assert_true(read_all(true));
	done();
}

static void the_image_disk(void **state)
{
	uint64_t words[REPLAY_PAGE_WORDS], random = help_seed(41);
	uint8_t class[200];
	struct trace_fault fault;
	FILE *file = tmpfile();

	(void)state;
	help_trace(&trace, 200, 900, &random);
	trace_classes(&trace, class);
	assert_true(trace_image_write(&trace, file, &fault));
	rewind(file);
	for (uint32_t page = 0; page < 200; page++) {
		assert_int_equal(fread(words, sizeof(words), 1, file), 1);
		for (uint32_t i = 0; i < REPLAY_PAGE_WORDS; i++)
			assert_int_equal(words[i], class[page] & REPLAY_PAGE_STORED
							   ? replay_word(replay_stamp(page, 0), i)
							   : 0);
	}
	assert_int_equal(fgetc(file), EOF);
	fclose(file);
	done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_prepared),
		cmocka_unit_test(every_block_is_checked),
		cmocka_unit_test(a_disk_that_ends_early),
		cmocka_unit_test(a_sector_that_cannot_be_read),
		cmocka_unit_test(blocks_that_changed_places),
		cmocka_unit_test(counts_that_lie),
		cmocka_unit_test(the_image_disk),
	};

	return cmocka_run_group_tests_name("replay_stream", tests, NULL, NULL);
}
