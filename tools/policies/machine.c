/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine.c - a machine that has nothing but page frames: the recording's touches, the bits
 * that a CPU would set, and the core's side of quire/policy.h.
 *
 * It moves pages as the kernel does under `make run` (mm/bring.c, mm/evict.c): free frames are
 * given out first, lowest first; a victim is asked for when there is none; a first touch that
 * writes finds zeros; a clean page is dropped, for its content is on the image disk or in the
 * slot that it was once written to; the policy's timer runs at the program's pace. Frames
 * that pages cannot have are there too, for a policy counts them: the lowest KEPT.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policies.h"

#define NONE UINT32_MAX
/* The page of zeros and two stacks of four pages (KEPT_FRAMES in tools/run_machine.py). */
#define KEPT 9u

/* pick() answers -EAGAIN after bounded work; a policy that never chooses is broken. */
#define CALLS_MAX 1000000u

static struct {
	uint32_t frame_count;
	uint32_t *page;     /* [frame_count], NONE: free */
	uint8_t *bits;      /* [frame_count] K_MEM_FRAME_* */
	uint32_t *frame;    /* [page_count], NONE: in no frame */
	uint32_t *history;  /* [page_count], of pages in no frame */
	uint8_t *seen;      /* [page_count] */
	uint64_t asked;     /* by the policy in this fault */
	uint32_t history_bits;
	bool may_clear;
	struct machine_result *result;
} machine;

static void broken(const struct k_mem_policy *policy, const char *what)
{
	fprintf(stderr, "policies: %s: %s\n", policy->name, what);
	exit(1);
}

/* ---- what a policy may ask -------------------------------------------------------- */

/* There are no sets of tables in which pages are. */
bool k_mem_frame_looks_spent(void)
{
	return false;
}

bool k_mem_frame_evictable(uint32_t frame)
{
	machine.asked++;
	return frame < machine.frame_count && machine.page[frame] != NONE;
}

unsigned int k_mem_frame_bits(uint32_t frame, bool clear)
{
	uint8_t bits = machine.bits[frame];

	machine.asked++;
	machine.result->looks++;
	if (clear) {
		if (!machine.may_clear)
			abort();
		machine.bits[frame] &= (uint8_t)~K_MEM_FRAME_ACCESSED;
	}
	return bits;
}

uint32_t k_mem_frames_look(uint32_t first, uint32_t which, uint32_t most,
			   struct k_mem_looks *looks)
{
	*looks = (struct k_mem_looks){0};
	for (uint32_t at = 0; at < 32; at++) {
		unsigned int bits;

		if (!(which >> at & 1) || !k_mem_frame_evictable(first + at))
			continue;
		bits = k_mem_frame_bits(first + at, true);
		looks->seen |= 1u << at;
		looks->accessed |= (bits & K_MEM_FRAME_ACCESSED) ? 1u << at : 0;
		looks->dirty |= (bits & K_MEM_FRAME_DIRTY) ? 1u << at : 0;
		if (--most == 0)
			return at + 1;
	}
	return 32;
}

/* Pages are moved one by one, and a write costs what a read does. */
uint32_t k_mem_dirty_weight(void)
{
	return 32;
}

uint32_t k_mem_history_bits(void)
{
	return machine.history_bits;
}

/* ---- what the core does ------------------------------------------------------------- */

static uint32_t victim_of(const struct k_mem_policy *policy)
{
	uint32_t frame = NONE;
	int status = -EAGAIN;

	machine.may_clear = true;
	for (uint32_t calls = 0; status == -EAGAIN; calls++) {
		if (calls == CALLS_MAX)
			broken(policy, "pick() does not end");
		status = policy->pick(&frame);
	}
	machine.may_clear = false;
	if (status != 0 || frame >= machine.frame_count || machine.page[frame] == NONE)
		broken(policy, "pick() chose no page although all frames have one");
	return frame;
}

/* A transfer is under way, and the thread that waits for it has time. */
static void wait(const struct k_mem_policy *policy)
{
	uint64_t asked = machine.asked;

	machine.may_clear = true;
	while (policy->idle && policy->idle())
		continue;
	machine.may_clear = false;
	machine.asked = asked;
}

static void evict(const struct k_mem_policy *policy, uint32_t frame)
{
	uint32_t page = machine.page[frame];

	machine.history[page] = policy->evicted ? policy->evicted(frame) : 0;
	if (machine.history[page] >> machine.history_bits)
		broken(policy, "evicted() returned more bits than there are");
	if (policy->forgotten)
		policy->forgotten(frame);
	machine.frame[page] = NONE;
	machine.page[frame] = NONE;
	if (machine.bits[frame] & K_MEM_FRAME_DIRTY) {
		machine.result->page_outs++;
		wait(policy);
	}
}

static void fault(const struct k_mem_policy *policy, uint32_t page, bool write)
{
	uint32_t frame = KEPT + (uint32_t)machine.result->faults++;

	machine.asked = 0;
	if (frame >= machine.frame_count) {
		frame = victim_of(policy);
		evict(policy, frame);
	}
	machine.result->page_ins += machine.seen[page] || !write;
	wait(policy); /* for the store, or for zeros */
	machine.seen[page] = 1;
	machine.page[frame] = page;
	machine.frame[page] = frame;
	machine.bits[frame] = K_MEM_FRAME_ACCESSED | (write ? K_MEM_FRAME_DIRTY : 0);
	if (policy->returned && machine.history[page])
		policy->returned(frame, machine.history[page]);
	machine.may_clear = true;
	if (policy->seen)
		policy->seen(frame, true);
	machine.may_clear = false;
	if (machine.asked > machine.result->asked_max)
		machine.result->asked_max = machine.asked;
}

static void tick(const struct k_mem_policy *policy)
{
	uint32_t cursor = 0;

	machine.may_clear = true;
	while (policy->tick && policy->tick(&cursor))
		continue;
	machine.may_clear = false;
}

static void replay(const struct trace *trace, const struct k_mem_policy *policy)
{
	uint64_t pace = trace_pace(trace), until_tick = pace;

	for (uint64_t i = 0; i < trace->record_count; i++) {
		uint32_t page = trace->page[i];
		bool write = trace->kind[i] == TRACE_WRITE;
		uint32_t frame = machine.frame[page];

		if (frame == NONE)
			fault(policy, page, write);
		else
			machine.bits[frame] |=
				K_MEM_FRAME_ACCESSED | (write ? K_MEM_FRAME_DIRTY : 0);
		if (--until_tick == 0) {
			tick(policy);
			until_tick = pace;
		}
	}
}

/* Slots of the larger of the two disks: the image has one for each page. */
static uint32_t history_bits_of(const struct trace *trace)
{
	uint32_t slots = trace->page_count;

	return (uint32_t)__builtin_clz(slots > 1 ? slots - 1 : 1) - 5;
}

void machine_run(const struct trace *trace, const struct k_mem_policy *policy,
		 uint32_t frame_count, struct machine_result *result)
{
	uint32_t pages = trace->page_count;
	void *state = trace_alloc((size_t)frame_count + KEPT, CONFIG_EVICTION_FRAME_BYTES);

	*result = (struct machine_result){0};
	frame_count += KEPT;
	machine.frame_count = frame_count;
	machine.page = trace_alloc(frame_count, sizeof(uint32_t));
	machine.bits = trace_alloc(frame_count, 1);
	machine.frame = trace_alloc(pages, sizeof(uint32_t));
	machine.history = trace_alloc(pages, sizeof(uint32_t));
	machine.seen = trace_alloc(pages, 1);
	machine.history_bits = history_bits_of(trace);
	machine.result = result;
	memset(machine.page, 0xff, frame_count * sizeof(uint32_t));
	memset(machine.frame, 0xff, pages * sizeof(uint32_t));
	policy->start(state, frame_count);
	replay(trace, policy);
	free(machine.page);
	free(machine.bits);
	free(machine.frame);
	free(machine.history);
	free(machine.seen);
	free(state);
}
