/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policies.h - the parts of the program behind `make policies` and `make curves`: what each
 * policy of eviction/, compiled as it is, makes of a recording on the host, beside what is best
 * and what exact LRU makes.
 *
 *	recording --> machine.c: frames and bits as the core has them <--> eviction/NAME.c
 *	          --> schedule.c, tools/trace/optimum.c: offline schedules, exact LRU
 *	          --> main.c: lines --> tools/policies_table.py, tools/curves
 */
#ifndef TOOLS_POLICIES_H
#define TOOLS_POLICIES_H

#include <quire/policy.h>

#include "tools/trace/trace.h"

/* Sizes are percents of the recording's pages; fewer frames than these are not tried. */
#define FRAMES_MIN 8u

/* ---- machine.c ---------------------------------------------------------------------- */

struct machine_result {
	uint64_t faults, page_ins, page_outs;
	uint64_t looks;    /* at the bits of pages */
	uint64_t asked_max; /* what one fault asked about frames, looks included, at most */
};

/* Replay the recording with so many frames. Ends the program where the policy breaks its
 * contract. */
void machine_run(const struct trace *trace, const struct k_mem_policy *policy,
		 uint32_t frame_count, struct machine_result *result);

/* ---- schedule.c ---------------------------------------------------------------------- */

/* The least I/O of the offline schedules tried: Belady's rule, where dirty pages are kept
 * longer than clean ones by one of several factors. */
void schedule_best(const struct trace *trace, uint32_t frame_count, struct trace_cost *cost);

#endif /* TOOLS_POLICIES_H */
