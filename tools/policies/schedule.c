/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule.c - the best offline schedule known: Belady's rule, but a dirty page is worth
 * keeping longer, because evicting it costs a write.
 *
 * Clean and dirty pages stand in a heap each, farthest next use on top. The victim is
 * the dirty top only if its distance, times a factor below 1, is still the farther one. With a
 * factor of 1 that is MIN. No one factor is best for all recordings: several are tried and
 * the schedule with the least page-ins plus page-outs counts.
 */
#include <stdlib.h>
#include <string.h>

#include "policies.h"

#define NONE UINT32_MAX

/* In hundredths. */
static const uint32_t factors[] = {100, 85, 70, 50, 35, 20};

struct heap {
	uint32_t *page;
	uint32_t size;
};

struct schedule {
	struct heap heap[2]; /* clean, dirty */
	uint64_t *next;      /* [page]: record of its next use */
	uint32_t *place;     /* [page]: in its heap, NONE: in no frame */
	uint8_t *dirty;      /* [page]: which heap */
	uint8_t *seen;
	uint32_t frame_count;
	uint32_t factor;
};

static void put(struct schedule *schedule, struct heap *heap, uint32_t place, uint32_t page)
{
	heap->page[place] = page;
	schedule->place[page] = place;
}

static void up(struct schedule *schedule, struct heap *heap, uint32_t place)
{
	uint32_t page = heap->page[place];

	while (place > 0) {
		uint32_t parent = heap->page[(place - 1) / 2];

		if (schedule->next[parent] >= schedule->next[page])
			break;
		put(schedule, heap, place, parent);
		place = (place - 1) / 2;
	}
	put(schedule, heap, place, page);
}

static void down(struct schedule *schedule, struct heap *heap, uint32_t place)
{
	const uint64_t *next = schedule->next;
	uint32_t page = heap->page[place];

	for (;;) {
		uint32_t child = 2 * place + 1;

		if (child >= heap->size)
			break;
		if (child + 1 < heap->size && next[heap->page[child + 1]] > next[heap->page[child]])
			child++;
		if (next[heap->page[child]] <= next[page])
			break;
		put(schedule, heap, place, heap->page[child]);
		place = child;
	}
	put(schedule, heap, place, page);
}

static void add(struct schedule *schedule, uint32_t page)
{
	struct heap *heap = &schedule->heap[schedule->dirty[page]];

	put(schedule, heap, heap->size++, page);
	up(schedule, heap, heap->size - 1);
}

static void take(struct schedule *schedule, uint32_t page)
{
	struct heap *heap = &schedule->heap[schedule->dirty[page]];
	uint32_t place = schedule->place[page];
	uint32_t last = heap->page[--heap->size];

	schedule->place[page] = NONE;
	if (last != page) {
		put(schedule, heap, place, last);
		up(schedule, heap, place);
		down(schedule, heap, schedule->place[last]);
	}
}

static uint32_t victim_of(const struct schedule *schedule, uint64_t now)
{
	const struct heap *clean = &schedule->heap[0], *dirty = &schedule->heap[1];

	if (clean->size == 0)
		return dirty->page[0];
	if (dirty->size == 0)
		return clean->page[0];
	return (schedule->next[dirty->page[0]] - now) * schedule->factor >
			       (schedule->next[clean->page[0]] - now) * 100
		       ? dirty->page[0]
		       : clean->page[0];
}

static void touch(struct schedule *schedule, uint32_t page, bool write)
{
	if (write && !schedule->dirty[page]) {
		take(schedule, page);
		schedule->dirty[page] = 1;
		add(schedule, page);
		return;
	}
	/* the next use only ever moves away */
	up(schedule, &schedule->heap[schedule->dirty[page]], schedule->place[page]);
}

static void run(struct schedule *schedule, const struct trace *trace, const uint64_t *next,
		struct trace_cost *cost)
{
	for (uint64_t i = 0; i < trace->record_count; i++) {
		uint32_t page = trace->page[i];
		bool write = trace->kind[i] == TRACE_WRITE;

		schedule->next[page] = next[i];
		if (schedule->place[page] != NONE) {
			touch(schedule, page, write);
			continue;
		}
		cost->faults++;
		cost->page_ins += schedule->seen[page] || !write;
		schedule->seen[page] = 1;
		if (schedule->heap[0].size + schedule->heap[1].size == schedule->frame_count) {
			uint32_t victim = victim_of(schedule, i);

			take(schedule, victim);
			cost->page_outs += schedule->dirty[victim];
		}
		schedule->dirty[page] = write;
		add(schedule, page);
	}
}

static void start(struct schedule *schedule, uint32_t page_count)
{
	memset(schedule->place, 0xff, page_count * sizeof(*schedule->place));
	memset(schedule->dirty, 0, page_count);
	memset(schedule->seen, 0, page_count);
	schedule->heap[0].size = schedule->heap[1].size = 0;
}

void schedule_best(const struct trace *trace, uint32_t frame_count, struct trace_cost *best)
{
	uint32_t pages = trace->page_count;
	uint64_t *next = trace_next_uses(trace);
	struct schedule schedule = {
		.heap = {{trace_alloc(pages, sizeof(uint32_t)), 0},
			 {trace_alloc(pages, sizeof(uint32_t)), 0}},
		.next = trace_alloc(pages, sizeof(uint64_t)),
		.place = trace_alloc(pages, sizeof(uint32_t)),
		.dirty = trace_alloc(pages, 1),
		.seen = trace_alloc(pages, 1),
		.frame_count = frame_count,
	};

	for (size_t i = 0; i < sizeof(factors) / sizeof(factors[0]); i++) {
		struct trace_cost cost = {0};

		start(&schedule, pages);
		schedule.factor = factors[i];
		run(&schedule, trace, next, &cost);
		if (i == 0 || cost.page_ins + cost.page_outs < best->page_ins + best->page_outs)
			*best = cost;
	}
	free(schedule.heap[0].page);
	free(schedule.heap[1].page);
	free(schedule.next);
	free(schedule.place);
	free(schedule.dirty);
	free(schedule.seen);
	free(next);
}
