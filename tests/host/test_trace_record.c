/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_trace_record.c - the recorder: each rule of its filter on a few lines typed by
 * hand, and random streams against a filter written as its definition reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <string.h>

#include "trace_help.h"

static bool record(const char *text, uint32_t filter, uint64_t period, struct trace *trace)
{
	struct trace_record_config config = {filter, period, 0};
	struct trace_fault fault = {""};
	FILE *stream = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	bool good;

	assert_non_null(stream);
	good = trace_record(stream, &config, trace, &fault);
	fclose(stream);
	if (!good)
		print_message("# %s\n", fault.text);
	return good;
}

/* The records as text: kind and virtual page number. */
static void assert_records(const struct trace *trace, const char *expected)
{
	char text[400] = "";

	for (uint64_t i = 0; i < trace->record_count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%c%" PRIx64 " ",
			 "RWX"[trace->kind[i]], trace -> vpn[trace->page[i]]);
	assert_string_equal(text, expected);
}

static void kinds_and_crossings(void **state)
{
	struct trace trace;

	(void)state;
	assert_true(record("==12== Lackey\n"
			   "==12== \n"
			   "I  00401ffe,4\n" /* crosses into page 402 */
			   " S 1000,8\n"
			   " L 2ff8,8\n" /* ends with its page */
			   " M 3000,4\n" /* a load, then a store */
			   " L 4ffc,8\n",
			   8, 0, &trace));
	assert_records(&trace, "X401 X402 W1 R2 R3 W3 R4 R5 ");
	assert_int_equal(trace.page_count, 7);
	assert_int_equal(trace.instructions, 1);
	assert_int_equal(trace.references, 8);
	trace_free(&trace);
}

static void filter_holds_the_last_pages(void **state)
{
	struct trace trace;

	(void)state;
	/* page 1 stays in by its use, page 2 leaves when page 3 comes */
	assert_true(record(" L 1000,1\n L 2000,1\n L 1000,1\n L 3000,1\n L 1004,1\n L 2000,1\n", 2,
			   0, &trace));
	assert_records(&trace, "R1 R2 R3 R2 ");
	trace_free(&trace);
}

static void first_write_is_recorded(void **state)
{
	struct trace trace;

	(void)state;
	/* the second write is not; out of the filter and in again, a write is the first */
	assert_true(record(" L 1000,1\n S 1000,1\n S 1008,1\n L 2000,1\n L 3000,1\n L 1000,1\n"
			   " S 1000,1\n",
			   2, 0, &trace));
	assert_records(&trace, "R1 W1 R2 R3 R1 W1 ");
	trace_free(&trace);
}

static void period_refreshes(void **state)
{
	struct trace trace;

	(void)state;
	assert_true(record(" L 1000,1\nI  2000,1\n L 1000,1\nI  2004,1\nI  2008,1\n L 1000,1\n"
			   " L 1000,1\n",
			   4, 3, &trace));
	assert_records(&trace, "R1 X2 R1 ");
	assert_int_equal(trace.elapsed[0], 0);
	assert_int_equal(trace.elapsed[1], 1);
	assert_int_equal(trace.elapsed[2], 2);
	assert_int_equal(trace.instructions, 3);
	trace_free(&trace);
}

static void what_is_not_lackeys(void **state)
{
	static const char *const lines[] = {
		"",
		"==1== nothing\n",
		"hello\n",
		" L 10z0,4\n",
		" L 1000\n",
		" L 1000,0\n",
		" L 1000,4x\n",
		" L ffffffffffffffff,8\n",
		" L 10000000000001000,4\n", /* more than 64 bits */
		" L 1000,18446744073709551620\n",
		" L -1,4\n",
		" L +1000,4\n",
		" L 0x1000,4\n",
		" L  1000,4\n",
		" L 1000, 4\n",
		" L 1000,4 \n",
		" L 1000,4\r\n",
		"I 1000,4\n",
		"L  1000,4\n",
		"LL 1000,4\n",
		"over 1000,4\n",
		"I\n",
		" L",
		"I  1000,3\n X 1000,4\n",
	};
	struct trace trace;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		/* a line that is cut must not be read past its end: an own copy */
		char *copy = strdup(lines[i][0] ? lines[i] : "\n");

		if (record(copy, 4, 0, &trace))
			fail_msg("taken: %s", lines[i]);
		free(copy);
	}
}

/* One good line, then this: refused, and the message says where. */
static void assert_refused(const char *text, const char *message)
{
	struct trace_record_config config = {4, 0, 0};
	struct trace_fault fault = {""};
	char all[600];
	int length = snprintf(all, sizeof(all), " L 1000,4\n%s", text);
	FILE *stream = fmemopen(all, (size_t)length, "r");
	struct trace trace;

	assert_non_null(stream);
	assert_false(trace_record(stream, &config, &trace, &fault));
	fclose(stream);
	assert_non_null(strstr(fault.text, message));
}

static void valgrinds_own_lines(void **state)
{
	char far[600];
	struct trace trace;

	(void)state;
	/* a long line's tail is no line */
	snprintf(far, sizeof(far), " L 1000,4\n==12== %0260d\n==12== %0240d L 7000,4\n L 2000,4\n",
		 0, 0);
	assert_true(record(far, 8, 0, &trace));
	assert_records(&trace, "R1 R2 ");
	trace_free(&trace);
	assert_true(record("==12== \n--12-- WARNING: unhandled syscall: 462\n--12-- You may\n"
			   "**12** said by the program\n--12:0: schedule\n L 1000,4\n"
			   "==12== L 3000,4\n--12-- \n\n L 2000,4\n",
			   8, 0, &trace));
	assert_records(&trace, "R1 R2 ");
	trace_free(&trace);
	assert_refused("==x== hello\n", "line 2 is not lackey's: ==x== hello");
	assert_refused("== 12== hello\n", "line 2");
	assert_refused("==12-- hello\n", "line 2");
	assert_refused("=12== hello\n", "line 2");
	assert_refused("==12==\n\nvalgrind: \033[31mthe 'impossible'\n",
		       "line 4 is not lackey's: valgrind: ?[31mthe 'impossible'");
}

static void two_processes_are_not_one(void **state)
{
	(void)state;
	assert_refused("==12== \n L 2000,4\n--13-- WARNING\n L 3000,4\n",
		       "line 4 is of process 13, others are of 12");
}

static void two_programs_are_not_one(void **state)
{
	(void)state;
	assert_refused("==12== Lackey, an example Valgrind tool\n==12== Command: x\n L 2000,4\n"
		       "==12== \n==12== Lackey, an example Valgrind tool\n L 3000,4\n",
		       "at line 6 the program ran another one in its place");
	/* what the program itself says through valgrind does not count */
	assert_refused("==12== Lackey, an example Valgrind tool\n"
		       "**12** ==12== Lackey, an example Valgrind tool\nend\n",
		       "line 4 is not");
}

static void over_is_the_end(void **state)
{
	struct trace trace;

	(void)state;
	assert_true(record(" L 1000,4\nover\nwhat a child says\n", 8, 0, &trace));
	assert_records(&trace, "R1 ");
	trace_free(&trace);
}

/* ---- against the definition ---------------------------------------------------------- */

#define NAIVE_PAGES 300

struct naive {
	uint64_t used[NAIVE_PAGES];     /* time of last use */
	uint64_t written[NAIVE_PAGES];  /* since it came into the filter */
	uint64_t recorded[NAIVE_PAGES]; /* instructions at the last record */
	uint64_t held[NAIVE_PAGES];
};

/* Is this reference a record, by the definition's words? */
static bool naive_record(struct naive *naive, uint32_t page, bool write, const uint64_t *clock,
			 const struct trace_record_config *config)
{
	uint32_t more_recent = 0;
	bool record;

	for (uint32_t p = 0; p < NAIVE_PAGES; p++)
		more_recent += p != page && naive->used[p] > naive->used[page];
	if (naive->used[page] == 0 || more_recent >= config->filter_pages)
		naive->held[page] = naive->written[page] = 0;
	record = !naive->held[page] || (write && !naive->written[page]) ||
		 clock[1] - naive->recorded[page] >= config->period;
	naive->used[page] = clock[0];
	naive->held[page] = 1;
	naive->written[page] |= write;
	if (record)
		naive->recorded[page] = clock[1];
	return record;
}

static void random_streams(void **state)
{
	uint64_t random = help_seed(13);

	(void)state;
	for (uint32_t round = 0; round < 20; round++) {
		struct trace_record_config config = {1 + (uint32_t)(help_random(&random) % 20),
						     1 + help_random(&random) % 200, 0};
		uint64_t clock[2] = {0, 0}, expected_count = 0;
		static uint32_t expected[8000];
		struct naive naive = {0};
		struct trace_fault fault;
		struct trace trace;
		FILE *stream = tmpfile();

		for (uint32_t i = 0; i < 4000; i++) {
			uint64_t pick = help_random(&random);
			uint32_t page = (uint32_t)(pick % (pick >> 62 ? 12 : NAIVE_PAGES));
			bool write = pick >> 40 & 1;

			if (pick >> 41 & 1) {
				write = false;
				clock[1]++;
			}
			clock[0]++;
			fprintf(stream, "%s %x,4\n",
				pick >> 41 & 1 ? "I "
				: write        ? " S"
					       : " L",
				page << 12);
			if (naive_record(&naive, page, write, clock, &config))
				expected[expected_count++] = page << 1 | write;
		}
		rewind(stream);
		assert_true(trace_record(stream, &config, &trace, &fault));
		fclose(stream);
		assert_int_equal(trace.record_count, expected_count);
		for (uint64_t i = 0; i < expected_count; i++)
			assert_int_equal(trace.vpn[trace.page[i]] << 1 |
						 (trace.kind[i] == TRACE_WRITE),
					 expected[i]);
		trace_free(&trace);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_and_crossings),
		cmocka_unit_test(filter_holds_the_last_pages),
		cmocka_unit_test(first_write_is_recorded),
		cmocka_unit_test(period_refreshes),
		cmocka_unit_test(what_is_not_lackeys),
		cmocka_unit_test(valgrinds_own_lines),
		cmocka_unit_test(two_processes_are_not_one),
		cmocka_unit_test(two_programs_are_not_one),
		cmocka_unit_test(over_is_the_end),
		cmocka_unit_test(random_streams),
	};

	return cmocka_run_group_tests_name("trace_record", tests, NULL, NULL);
}
