/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - the command `policies`: a recording at some sizes of memory, a line for each size
 * and policy:
 *
 *	percent frames policy faults page_ins page_outs looks asked_max
 *
 * The policies are those of eviction/, and `min`, `best` and `exact-lru`, which no kernel
 * can have. Exit status 0; 1 a policy broke its contract; 2 bad input, with a message.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "policies.h"

#define SIZES_MAX 64u

static const char usage[] =
	"usage: policies FILE PERCENT... [POLICY...]\n"
	"       replay in memory for PERCENT of the pages; all policies, or those named\n";

static const struct k_mem_policy *const policies[] = {
	&k_mem_policy_hazard, &k_mem_policy_clock, &k_mem_policy_nru, &k_mem_policy_lru,
};

static void trace_best(const struct trace *trace, uint32_t frames, struct trace_cost *cost)
{
	schedule_best(trace, frames, cost);
}

static const struct yardstick {
	const char *name;
	void (*run)(const struct trace *trace, uint32_t frames, struct trace_cost *cost);
} yardsticks[] = {
	{"best", trace_best},
	{"min", trace_min},
	{"exact-lru", trace_lru},
};

static bool known(const char *name)
{
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		if (strcmp(name, policies[i]->name) == 0)
			return true;
	for (size_t i = 0; i < sizeof(yardsticks) / sizeof(yardsticks[0]); i++)
		if (strcmp(name, yardsticks[i].name) == 0)
			return true;
	return false;
}

/* Is it among the names given, or are none? */
static bool wanted(const char *name, char **names)
{
	if (!*names)
		return true;
	while (*names)
		if (strcmp(*names++, name) == 0)
			return true;
	return false;
}

static void size_run(const struct trace *trace, double percent, char **names)
{
	uint32_t frames = (uint32_t)(trace->page_count * percent / 100 + 0.5);

	if (frames < FRAMES_MIN)
		frames = FRAMES_MIN;
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		struct machine_result result;

		if (!wanted(policies[i]->name, names))
			continue;
		machine_run(trace, policies[i], frames, &result);
		printf("%g %" PRIu32 " %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
		       "\n",
		       percent, frames, policies[i]->name, result.faults, result.page_ins,
		       result.page_outs, result.looks, result.asked_max);
	}
	for (size_t i = 0; i < sizeof(yardsticks) / sizeof(yardsticks[0]); i++) {
		struct trace_cost cost;

		if (!wanted(yardsticks[i].name, names))
			continue;
		yardsticks[i].run(trace, frames, &cost);
		printf("%g %" PRIu32 " %s %" PRIu64 " %" PRIu64 " %" PRIu64 " 0 0\n", percent,
		       frames, yardsticks[i].name, cost.faults, cost.page_ins, cost.page_outs);
	}
}

int main(int argc, char **argv)
{
	double percent[SIZES_MAX];
	struct trace_fault fault;
	struct trace trace;
	uint32_t count = 0;
	int at = 2;

	for (char *end; at < argc && count < SIZES_MAX; at++, count++) {
		percent[count] = strtod(argv[at], &end);
		if (end == argv[at])
			break;
		if (*end != '\0' || !(percent[count] > 0 && percent[count] <= 100)) {
			fprintf(stderr, "policies: %s: not a percentage\n", argv[at]);
			return 2;
		}
	}
	for (int i = at; i < argc; i++) {
		if (!known(argv[i])) {
			fprintf(stderr, "policies: %s: no such policy\n", argv[i]);
			return 2;
		}
	}
	if (count == 0) {
		fputs(usage, stderr);
		return 2;
	}
	if (!trace_load(argv[1], &trace, &fault)) {
		fprintf(stderr, "policies: %s: %s\n", argv[1], fault.text);
		return 2;
	}
	for (uint32_t i = 0; i < count; i++)
		size_run(&trace, percent[i], argv + at);
	trace_free(&trace);
	return 0;
}
