/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_compress_lz4.c - LZ4 as the reference kernel uses it: pages come back as they were, what
 * does not fit is refused, and nothing is written beyond the end, whatever the bytes say.
 */
#include "kernel/compress.h"

#include "parts_help.h"

#define PAGE ((size_t)CONFIG_MMU_PAGE_SIZE)
#define MAX ((size_t)K_MEM_COMPRESSED_PACKED_MAX)

static uint64_t work[KERNEL_COMPRESS_WORK_BYTES / 8];

/* Blocks of their own, so that ASan sees what goes beyond them. */
static uint8_t *page, *packed, *back;

static int setup(void **state)
{
	(void)state;
	page = malloc(PAGE);
	packed = malloc(MAX);
	back = malloc(PAGE);
	return page == NULL || packed == NULL || back == NULL;
}

static int teardown(void **state)
{
	(void)state;
	free(page);
	free(packed);
	free(back);
	return 0;
}

static size_t compress(size_t packed_max)
{
	memset(work, (int)random_below(256), sizeof(work));
	return kernel_compressor->compress(work, page, packed, packed_max);
}

/* Every byte one of so many: the fewer, the shorter. */
static void page_of(uint32_t values, uint32_t repeat)
{
	for (size_t i = 0; i < PAGE; i++) {
		page[i] = i < repeat || i % repeat == 0 ? (uint8_t)random_below(values)
							: page[i % repeat];
	}
}

static void test_round_trip(void **state)
{
	unsigned long fitted = 0, refused = 0;

	(void)state;
	for (unsigned int i = 0; i < 2000; i++) {
		size_t bytes;

		page_of(1 + random_below(256), 1 + random_below(PAGE));
		bytes = compress(MAX);
		if (bytes == 0) {
			refused++;
			continue;
		}
		fitted++;
		assert_in_range(bytes, 1, MAX);
		memset(back, 0, PAGE);
		assert_int_equal(kernel_compressor->decompress(packed, bytes, back), 0);
		assert_memory_equal(back, page, PAGE);
		/* what it took is enough, and one byte less is not */
		assert_int_equal(compress(bytes - 1), 0);
	}
	assert_true(fitted > 100);
	assert_true(refused > 100);
}

static void test_sizes(void **state)
{
	(void)state;
	memset(page, 0, PAGE);
	assert_in_range(compress(MAX), 1, 40);
	page_of(256, PAGE);
	assert_int_equal(compress(MAX), 0); /* noise */
	assert_in_range(kernel_compressor->work_bytes, 1, sizeof(work));
}

/* Bytes that are no compressed page are refused or make some page, no more. */
static void test_damaged(void **state)
{
	unsigned long refused = 0;

	(void)state;
	for (unsigned int i = 0; i < 5000; i++) {
		uint8_t *exact;
		size_t bytes;
		int status;

		page_of(8, 1 + random_below(PAGE));
		bytes = compress(MAX);
		if (bytes == 0) {
			continue;
		}
		packed[random_below((uint32_t)bytes)] ^= (uint8_t)(1 + random_below(255));
		bytes -= random_below(2);
		exact = malloc(bytes);
		memcpy(exact, packed, bytes);
		status = kernel_compressor->decompress(exact, bytes, back);
		assert_true(status == 0 || status == -EIO);
		refused += status != 0;
		free(exact);
	}
	assert_true(refused > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
	};

	random_start();
	return cmocka_run_group_tests_name("lz4", tests, NULL, NULL);
}
