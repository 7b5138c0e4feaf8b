/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_trace_pgt.c - the recording format: what is read from bytes typed by hand, that
 * it survives a round trip, and that damage is found, with its place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "trace_help.h"

/* Three pages, five records. */
static const uint8_t sample[] = {
	'P',
	'G',
	'T',
	'1',
	3,
	5,
	0xac,
	2,
	9,
	2,
	50, /* byte 4: pages, records, 300 instructions, 9, 2, 50 */
	0x80,
	1,
	1,
	10,                           /* 11: pages 128, 129, 139 */
	1 | 0 << 2 | 2 << 4 | 1 << 6, /* 15: write, read, execute, write */
	0,                            /* 16: read */
	0,
	2,
	2,
	3,
	4, /* 17: 0, 1, 2, 0, 2 */
	10,
	0x90,
	1,
	0,
	20,
	30, /* 22: 10, 144, 0, 20, 30 */
};

static struct trace_bytes sample_bytes(void)
{
	struct trace_bytes bytes = {0};

	trace_bytes_add(&bytes, sample, sizeof(sample));
	return bytes;
}

/* Decode a copy that ends exactly where the bytes do, so that ASan sees an overrun. */
static bool decode(const struct trace_bytes *bytes, struct trace *trace, struct trace_fault *fault)
{
	size_t size = bytes->size;
	struct trace_bytes copy = {malloc(size ? size : 1), size, size};
	bool good;

	memcpy(copy.data, bytes->data, size);
	fault->text[0] = '\0';
	good = trace_decode(&copy, trace, fault);
	free(copy.data);
	return good;
}

static void typed_by_hand(void **state)
{
	static const uint32_t pages[] = {0, 1, 2, 0, 2};
	static const uint8_t kinds[] = {TRACE_WRITE, TRACE_READ, TRACE_EXEC, TRACE_WRITE,
					TRACE_READ};
	static const uint64_t times[] = {10, 144, 0, 20, 30};
	struct trace_bytes bytes = sample_bytes();
	struct trace_fault fault;
	struct trace trace;

	(void)state;
	assert_true(decode(&bytes, &trace, &fault));
	assert_int_equal(trace.page_count, 3);
	assert_int_equal(trace.record_count, 5);
	assert_int_equal(trace.instructions, 300);
	assert_int_equal(trace.references, 9);
	assert_int_equal(trace.filter_pages, 2);
	assert_int_equal(trace.period, 50);
	assert_int_equal(trace.vpn[0], 128);
	assert_int_equal(trace.vpn[1], 129);
	assert_int_equal(trace.vpn[2], 139);
	assert_memory_equal(trace.page, pages, sizeof(pages));
	assert_memory_equal(trace.kind, kinds, sizeof(kinds));
	assert_memory_equal(trace.elapsed, times, sizeof(times));
	trace_free(&trace);
	free(bytes.data);
}

/* Each damage by hand, and the place that the message must name. */
static void damage_by_hand(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		const char *message;
	} damages[] = {
		{0, 'X', "no PGT1 at byte 0"},
		{4, 0, "0 pages in 5 records"},
		{4, 6, "6 pages in 5 records"},
		{5, 120, "cannot fit in what follows byte 11"},
		{7, 0, "instruction count: a number not in its shortest form at byte 6"},
		{13, 0, "page table: page 1 repeats the one before at byte 13"},
		{15, 3, "kinds: record 0 has kind 3 at byte 15"},
		{16, 4, "kinds: record 5 has kind 1 at byte 16"},
		{17, 1, "indexes: record 0 has page -1 of 3 at byte 17"},
		{19, 4, "indexes: record 2 has page 3 of 3 at byte 19"},
		{18, 0, "indexes: record 3 has page -1 of 3 at byte 20"},
		{27, 127,
		 "times: record 4 is later than the 300 instructions covered, at "
		 "byte 27"},
		{27, 0x9e, "times: the file ends at byte 28"},
	};
	struct trace_fault fault;
	struct trace trace;

	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct trace_bytes bytes = sample_bytes();

		bytes.data[damages[i].at] = damages[i].value;
		assert_false(decode(&bytes, &trace, &fault));
		if (!strstr(fault.text, damages[i].message))
			fail_msg("damage %zu: \"%s\" is not in \"%s\"", i, damages[i].message,
				 fault.text);
		free(bytes.data);
	}
}

static void a_page_without_records(void **state)
{
	struct trace_bytes bytes = sample_bytes();
	struct trace_fault fault;
	struct trace trace;

	(void)state;
	bytes.data[19] = 0; /* page 1 again in place of page 2 ... */
	bytes.data[20] = 1; /* ... then page 0 ... */
	bytes.data[21] = 0; /* ... twice */
	assert_false(decode(&bytes, &trace, &fault));
	assert_non_null(strstr(fault.text, "page 2 of 3 has no record"));
	free(bytes.data);
}

static void bytes_after_the_end(void **state)
{
	struct trace_bytes bytes = sample_bytes();
	struct trace_fault fault;
	struct trace trace;

	(void)state;
	trace_bytes_add(&bytes, "x", 1);
	assert_false(decode(&bytes, &trace, &fault));
	assert_non_null(strstr(fault.text, "1 bytes too many after byte 28"));
	free(bytes.data);
}

static void counts_that_lie_allocate_nothing(void **state)
{
	static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1};
	static const uint8_t over[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2};
	struct trace_bytes bytes = {0};
	struct trace_fault fault;
	struct trace trace;

	(void)state;
	trace_bytes_add(&bytes, "PGT1\1", 5);
	trace_bytes_add(&bytes, huge, sizeof(huge));
	trace_bytes_add(&bytes, "\1\1\1\1aaaaaaaaaaaaaaaa", 20);
	assert_false(decode(&bytes, &trace, &fault));
	assert_non_null(strstr(fault.text, "18446744073709551615 records cannot fit"));
	bytes.size = 5;
	trace_bytes_add(&bytes, over, sizeof(over));
	assert_false(decode(&bytes, &trace, &fault));
	assert_non_null(strstr(fault.text, "record count: a number over 64 bits at byte 5"));
	free(bytes.data);
}

static void round_trip(void **state)
{
	uint64_t seed = help_seed(1), random = seed;

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	for (uint32_t i = 0; i < 200; i++) {
		uint32_t pages = 1 + (uint32_t)(help_random(&random) % 300);
		uint64_t records = pages + help_random(&random) % 2000;
		struct trace trace, back;
		struct trace_bytes bytes, again;
		struct trace_fault fault;

		help_trace(&trace, pages, records, &random);
		trace_encode(&trace, &bytes);
		if (!decode(&bytes, &back, &fault))
			fail_msg("not read back: %s", fault.text);
		assert_int_equal(back.record_count, records);
		assert_memory_equal(back.vpn, trace.vpn, pages * sizeof(*trace.vpn));
		assert_memory_equal(back.page, trace.page, records * sizeof(*trace.page));
		assert_memory_equal(back.kind, trace.kind, records);
		assert_memory_equal(back.elapsed, trace.elapsed, records * sizeof(*trace.elapsed));
		trace_encode(&back, &again);
		assert_int_equal(again.size, bytes.size);
		assert_memory_equal(again.data, bytes.data, bytes.size);
		trace_free(&trace);
		trace_free(&back);
		free(bytes.data);
		free(again.data);
	}
}

/* Cut anywhere, a recording is refused, and the message names the cut. Any flipped bit
 * is refused, or what was read is exactly what the bytes say. */
static void cut_and_flipped(void **state)
{
	uint64_t random = help_seed(7), flips_found = 0;
	struct trace trace, back;
	struct trace_bytes bytes, again;
	struct trace_fault fault;

	(void)state;
	help_trace(&trace, 20, 300, &random);
	trace_encode(&trace, &bytes);
	for (size_t size = 0; size < bytes.size; size++) {
		struct trace_bytes cut = {bytes.data, size, size};

		assert_false(decode(&cut, &back, &fault));
		assert_non_null(strstr(fault.text, "byte"));
	}
	for (size_t bit = 0; bit < bytes.size * 8; bit++) {
		bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (decode(&bytes, &back, &fault)) {
			trace_encode(&back, &again);
			assert_int_equal(again.size, bytes.size);
			assert_memory_equal(again.data, bytes.data, bytes.size);
			trace_free(&back);
			free(again.data);
		} else {
			assert_non_null(strstr(fault.text, "byte"));
			flips_found++;
		}
		bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_true(flips_found > bytes.size);
	trace_free(&trace);
	free(bytes.data);
}

static void xz_files(void **state)
{
	char path[] = "/tmp/trace-test-XXXXXX";
	uint64_t random = help_seed(9);
	struct trace_bytes bytes, back;
	struct trace_fault fault;
	struct trace trace;
	FILE *file;
	int fd = mkstemp(path), byte;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	help_trace(&trace, 100, 5000, &random);
	trace_encode(&trace, &bytes);
	assert_true(trace_output(path, &bytes, &fault));
	assert_true(trace_input(path, &back, &fault));
	assert_int_equal(back.size, bytes.size);
	assert_memory_equal(back.data, bytes.data, bytes.size);
	free(back.data);
	free(bytes.data);
	trace_free(&trace);

	file = fopen(path, "r+b");
	assert_non_null(file);
	fseek(file, 400, SEEK_SET);
	byte = fgetc(file);
	fseek(file, 400, SEEK_SET);
	fputc(byte ^ 0x10, file);
	fclose(file);
	if (trace_input(path, &back, &fault))
		fail_msg("damaged xz data was taken");
	assert_non_null(strstr(fault.text, "of the compressed file"));
	assert_int_equal(truncate(path, 300), 0);
	assert_false(trace_input(path, &back, &fault));
	assert_non_null(strstr(fault.text, "of the compressed file"));
	unlink(path);
	assert_false(trace_input(path, &back, &fault));
	assert_non_null(strstr(fault.text, "cannot be opened"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(typed_by_hand),
		cmocka_unit_test(damage_by_hand),
		cmocka_unit_test(a_page_without_records),
		cmocka_unit_test(bytes_after_the_end),
		cmocka_unit_test(counts_that_lie_allocate_nothing),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(cut_and_flipped),
		cmocka_unit_test(xz_files),
	};

	return cmocka_run_group_tests_name("trace_pgt", tests, NULL, NULL);
}
