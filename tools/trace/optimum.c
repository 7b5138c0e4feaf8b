/* SPDX-License-Identifier: Apache-2.0 */
/*
 * optimum.c - the yardsticks: Belady's MIN and exact LRU.
 *
 * A first touch that writes finds a page of zeros and costs no page-in; every other
 * touch of a page that is in no frame costs one. A page leaves with a page-out when it
 * was written since it came in.
 *
 * MIN evicts the page whose next use is farthest. No schedule has fewer faults, and as
 * the zero fills are the same in all, none has fewer page-ins. Its page-outs depend on
 * which of the pages that are never used again goes first: here a clean one.
 */
#include "trace.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

/* A page comes in for record `i`. */
static void came_in(const struct trace *trace, uint64_t i, uint8_t *seen, struct trace_cost *cost)
{
	uint32_t page = trace->page[i];

	cost->faults++;
	if (seen[page] || trace->kind[i] != TRACE_WRITE)
		cost->page_ins++;
	seen[page] = 1;
}

/* ---- MIN: a heap of the resident pages, farthest next use on top ---------------------- */

struct heap {
	uint32_t *page;  /* [size], the heap */
	uint64_t *key;   /* [page]: next use * 2, + 1 for a clean page */
	uint32_t *place; /* [page]: index in the heap, NONE when in no frame */
	uint32_t size;
};

static void heap_put(struct heap *heap, uint32_t place, uint32_t page)
{
	heap->page[place] = page;
	heap->place[page] = place;
}

static void heap_up(struct heap *heap, uint32_t place)
{
	uint32_t page = heap->page[place];

	while (place > 0) {
		uint32_t parent = (place - 1) / 2;

		if (heap->key[heap->page[parent]] >= heap->key[page])
			break;
		heap_put(heap, place, heap->page[parent]);
		place = parent;
	}
	heap_put(heap, place, page);
}

static void heap_down(struct heap *heap, uint32_t place)
{
	uint32_t page = heap->page[place];

	for (;;) {
		uint32_t child = 2 * place + 1;

		if (child >= heap->size)
			break;
		if (child + 1 < heap->size &&
		    heap->key[heap->page[child + 1]] > heap->key[heap->page[child]])
			child++;
		if (heap->key[heap->page[child]] <= heap->key[page])
			break;
		heap_put(heap, place, heap->page[child]);
		place = child;
	}
	heap_put(heap, place, page);
}

static uint32_t heap_pop(struct heap *heap)
{
	uint32_t top = heap->page[0];
	uint32_t last = heap->page[--heap->size];

	heap->place[top] = NONE;
	if (heap->size > 0) {
		heap_put(heap, 0, last);
		heap_down(heap, 0);
	}
	return top;
}

uint64_t *trace_next_uses(const struct trace *trace)
{
	uint64_t *next = trace_alloc(trace->record_count, sizeof(*next));
	uint64_t *later = trace_alloc(trace->page_count, sizeof(*later));

	for (uint32_t page = 0; page < trace->page_count; page++)
		later[page] = trace->record_count;
	for (uint64_t i = trace->record_count; i-- > 0;) {
		next[i] = later[trace->page[i]];
		later[trace->page[i]] = i;
	}
	free(later);
	return next;
}

void trace_min(const struct trace *trace, uint32_t frame_count, struct trace_cost *cost)
{
	uint32_t pages = trace->page_count;
	uint8_t *seen = trace_alloc(pages, 1), *dirty = trace_alloc(pages, 1);
	struct heap heap = {trace_alloc(pages, sizeof(*heap.page)),
			    trace_alloc(pages, sizeof(*heap.key)),
			    trace_alloc(pages, sizeof(*heap.place)), 0};
	uint64_t *next = trace_next_uses(trace);

	*cost = (struct trace_cost){0};
	memset(heap.place, 0xff, pages * sizeof(*heap.place));
	for (uint64_t i = 0; i < trace->record_count; i++) {
		uint32_t page = trace->page[i];

		if (heap.place[page] == NONE) {
			came_in(trace, i, seen, cost);
			if (heap.size == frame_count)
				cost->page_outs += dirty[heap_pop(&heap)];
			dirty[page] = 0;
			heap_put(&heap, heap.size++, page);
		}
		dirty[page] |= trace->kind[i] == TRACE_WRITE;
		/* the next use only ever moves away, so the key only grows */
		heap.key[page] = next[i] * 2 + !dirty[page];
		heap_up(&heap, heap.place[page]);
	}
	free(next);
	free(heap.page);
	free(heap.key);
	free(heap.place);
	free(seen);
	free(dirty);
}

/* ---- LRU: a ring of the resident pages, most recent behind the head ---------------------- */

struct ring {
	uint32_t *newer, *older; /* [page_count + 1]; the last is the head */
	uint32_t head;
};

static void ring_remove(struct ring *ring, uint32_t page)
{
	ring->newer[ring->older[page]] = ring->newer[page];
	ring->older[ring->newer[page]] = ring->older[page];
	ring->newer[page] = NONE;
}

static void ring_add(struct ring *ring, uint32_t page)
{
	uint32_t newest = ring->older[ring->head];

	ring->older[page] = newest;
	ring->newer[page] = ring->head;
	ring->newer[newest] = page;
	ring->older[ring->head] = page;
}

void trace_lru(const struct trace *trace, uint32_t frame_count, struct trace_cost *cost)
{
	uint32_t pages = trace->page_count, held = 0;
	uint8_t *seen = trace_alloc(pages, 1), *dirty = trace_alloc(pages, 1);
	struct ring ring = {trace_alloc((size_t)pages + 1, sizeof(uint32_t)),
			    trace_alloc((size_t)pages + 1, sizeof(uint32_t)), pages};

	*cost = (struct trace_cost){0};
	memset(ring.newer, 0xff, pages * sizeof(*ring.newer));
	ring.newer[pages] = ring.older[pages] = pages;
	for (uint64_t i = 0; i < trace->record_count; i++) {
		uint32_t page = trace->page[i];

		if (ring.newer[page] != NONE) {
			ring_remove(&ring, page);
		} else {
			came_in(trace, i, seen, cost);
			dirty[page] = 0;
			if (held == frame_count) {
				uint32_t oldest = ring.newer[ring.head];

				cost->page_outs += dirty[oldest];
				ring_remove(&ring, oldest);
			} else {
				held++;
			}
		}
		dirty[page] |= trace->kind[i] == TRACE_WRITE;
		ring_add(&ring, page);
	}
	free(ring.newer);
	free(ring.older);
	free(seen);
	free(dirty);
}
