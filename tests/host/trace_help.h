/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace_help.h - random recordings for the tests of tools/trace and apps/replay.
 */
#ifndef TESTS_HOST_TRACE_HELP_H
#define TESTS_HOST_TRACE_HELP_H

#include <stdlib.h>

#include "tools/trace/trace.h"

static inline uint64_t help_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* SEED= in the environment, or the default. */
static inline uint64_t help_seed(uint64_t fallback)
{
	const char *text = getenv("SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : 0;

	return seed ? seed : fallback;
}

/* A consistent recording: each page occurs, the rest is random, half of it among a
 * quarter of the pages. */
static inline void help_trace(struct trace *trace, uint32_t pages, uint64_t records,
			      uint64_t *state)
{
	uint64_t vpn = help_random(state) % 1000, time = 0;

	*trace = (struct trace){
		.page_count = pages,
		.record_count = records,
		.references = records * 3,
		.filter_pages = 2,
		.period = 1000,
		.vpn = trace_alloc(pages, sizeof(*trace->vpn)),
		.page = trace_alloc(records, sizeof(*trace->page)),
		.kind = trace_alloc(records, 1),
		.elapsed = trace_alloc(records, sizeof(*trace->elapsed)),
	};
	for (uint32_t i = 0; i < pages; i++)
		trace->vpn[i] = vpn += 1 + help_random(state) % (i % 16 ? 2 : 100000);
	for (uint64_t i = 0; i < records; i++) {
		uint64_t pick = help_random(state), turn = i / (records / pages);

		if (i % (records / pages) != 0 || turn >= pages)
			turn = pick % (pick >> 60 < 8 ? pages / 4 + 1 : pages);
		trace->page[i] = (uint32_t)turn;
		trace->kind[i] = (uint8_t)(help_random(state) % TRACE_KINDS);
		trace->elapsed[i] = help_random(state) % 300;
		time += trace->elapsed[i];
	}
	trace->instructions = time + 5;
}

#endif /* TESTS_HOST_TRACE_HELP_H */
