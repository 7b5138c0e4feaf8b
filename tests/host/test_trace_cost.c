/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_trace_cost.c - MIN and LRU against slow and obvious computations: MIN against
 * the best of all schedules, LRU against a search for the oldest page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "trace_help.h"

#define PAGES_MAX 8

/* The fewest page-ins of all schedules: best[set] is the fewest with which the resident
 * pages can be `set` after the records so far. */
static uint64_t best_of_all(const struct trace *trace, uint32_t frame_count)
{
	uint64_t best[1 << PAGES_MAX], next[1 << PAGES_MAX], result = UINT64_MAX;
	bool seen[PAGES_MAX] = {false};

	memset(best, 0xff, sizeof(best));
	best[0] = 0;
	for (uint64_t i = 0; i < trace->record_count; i++) {
		uint32_t page = trace->page[i];
		uint64_t cost = seen[page] || trace->kind[i] != TRACE_WRITE;

		seen[page] = true;
		memset(next, 0xff, sizeof(next));
		for (uint32_t set = 0; set < 1u << trace->page_count; set++) {
			bool held = set >> page & 1;

			if (best[set] == UINT64_MAX)
				continue;
			/* keep any part of what is resident that leaves room for the page */
			for (uint32_t kept = set;; kept = (kept - 1) & set) {
				uint32_t after = kept | 1u << page;
				uint64_t total = best[set] + (held ? 0 : cost);

				if ((uint32_t)__builtin_popcount(after) <= frame_count &&
				    total < next[after])
					next[after] = total;
				if (kept == 0)
					break;
			}
		}
		memcpy(best, next, sizeof(best));
	}
	for (uint32_t set = 0; set < 1u << PAGES_MAX; set++)
		result = best[set] < result ? best[set] : result;
	return result;
}

static void min_is_the_best_of_all(void **state)
{
	uint64_t random = help_seed(3);

	(void)state;
	for (uint32_t i = 0; i < 300; i++) {
		uint32_t pages = 2 + (uint32_t)(help_random(&random) % (PAGES_MAX - 1));
		uint32_t frames = 1 + (uint32_t)(help_random(&random) % pages);
		struct trace_cost min, lru;
		struct trace trace;

		help_trace(&trace, pages, pages + help_random(&random) % 40, &random);
		trace_min(&trace, frames, &min);
		trace_lru(&trace, frames, &lru);
		assert_int_equal(min.page_ins, best_of_all(&trace, frames));
		assert_true(lru.page_ins >= min.page_ins);
		trace_free(&trace);
	}
}

static void lru_is_the_oldest(void **state)
{
	uint64_t random = help_seed(5);

	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		uint32_t pages = 2 + (uint32_t)(help_random(&random) % 60);
		uint32_t frames = 1 + (uint32_t)(help_random(&random) % pages), held = 0;
		uint64_t used[64] = {0}, ins = 0, outs = 0, faults = 0;
		bool dirty[64] = {false}, seen[64] = {false};
		struct trace_cost lru;
		struct trace trace;

		help_trace(&trace, pages, pages + help_random(&random) % 2000, &random);
		for (uint64_t r = 0; r < trace.record_count; r++) {
			uint32_t page = trace.page[r], oldest = 64;

			for (uint32_t p = 0; p < pages; p++)
				if (used[p] && (oldest == 64 || used[p] < used[oldest]))
					oldest = p;
			if (!used[page]) {
				faults++;
				ins += seen[page] || trace.kind[r] != TRACE_WRITE;
				if (held == frames) {
					outs += dirty[oldest];
					dirty[oldest] = false;
					used[oldest] = 0;
				} else {
					held++;
				}
			}
			used[page] = r + 1;
			seen[page] = true;
			dirty[page] |= trace.kind[r] == TRACE_WRITE;
		}
		trace_lru(&trace, frames, &lru);
		assert_int_equal(lru.faults, faults);
		assert_int_equal(lru.page_ins, ins);
		assert_int_equal(lru.page_outs, outs);
		trace_free(&trace);
	}
}

/* With a frame for every page only first touches cost anything. */
static void enough_frames(void **state)
{
	uint64_t random = help_seed(11), cold = 0;
	bool seen[50] = {false};
	struct trace_cost min, lru;
	struct trace trace;

	(void)state;
	help_trace(&trace, 50, 1000, &random);
	for (uint64_t i = 0; i < trace.record_count; i++) {
		cold += !seen[trace.page[i]] && trace.kind[i] != TRACE_WRITE;
		seen[trace.page[i]] = true;
	}
	trace_min(&trace, 50, &min);
	trace_lru(&trace, 50, &lru);
	assert_int_equal(min.faults, 50);
	assert_int_equal(lru.faults, 50);
	assert_int_equal(min.page_ins, cold);
	assert_int_equal(lru.page_ins, cold);
	assert_int_equal(min.page_outs + lru.page_outs, 0);
	trace_free(&trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(min_is_the_best_of_all),
		cmocka_unit_test(lru_is_the_oldest),
		cmocka_unit_test(enough_frames),
	};

	return cmocka_run_group_tests_name("trace_cost", tests, NULL, NULL);
}
