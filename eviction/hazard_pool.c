/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hazard_pool.c - a heap of bounded size, the lowest key on top.
 *
 * Invariant: pages[f].pooled is the place of frame f in the heap, + 1, and 0 for frames
 * that are not in it. Of a full heap not the highest key goes, which would have to be looked for,
 * but the higher one of the new key and that of a leaf, any of them: leaves are the upper
 * half, but for a few.
 */
#include "hazard_pool.h"

#define POOL_MAX 255u
#define LEAVES   128u /* the last places of a full pool */

_Static_assert(POOL_MAX <= UINT8_MAX && LEAVES == POOL_MAX / 2 + 1,
	       "a byte holds a place, and the leaves are a power of two");

struct entry {
	uint32_t frame;
	uint32_t key;
};

static struct {
	struct hazard_page *pages;
	uint32_t count;
	struct entry heap[POOL_MAX];
} pool;

void qr_hazard_pool_start(struct hazard_page *pages)
{
	pool.pages = pages;
	pool.count = 0;
}

static void put(uint32_t place, struct entry entry)
{
	pool.heap[place] = entry;
	pool.pages[entry.frame].pooled = (uint8_t)(place + 1);
}

/* The entry belongs at this place or above it. */
static void up(uint32_t place, struct entry entry)
{
	while (place > 0 && pool.heap[(place - 1) / 2].key > entry.key) {
		put(place, pool.heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	put(place, entry);
}

/* The entry belongs at this place or below it. */
static void down(uint32_t place, struct entry entry)
{
	for (;;) {
		uint32_t child = 2 * place + 1;

		if (child + 1 < pool.count && pool.heap[child + 1].key < pool.heap[child].key) {
			child++;
		}
		if (child >= pool.count || pool.heap[child].key >= entry.key) {
			break;
		}
		put(place, pool.heap[child]);
		place = child;
	}
	put(place, entry);
}

/* The entry takes this place, whose own is not needed any more. */
static void replace(uint32_t place, struct entry entry)
{
	if (place > 0 && pool.heap[(place - 1) / 2].key > entry.key) {
		up(place, entry);
	} else {
		down(place, entry);
	}
}

void qr_hazard_pool_forget(uint32_t frame)
{
	uint32_t place = pool.pages[frame].pooled;

	if (place == 0) {
		return;
	}
	pool.pages[frame].pooled = 0;
	pool.count--;
	if (place - 1 < pool.count) {
		replace(place - 1, pool.heap[pool.count]);
	}
}

void qr_hazard_pool_add(uint32_t frame, uint32_t key)
{
	struct entry entry = {frame, key};
	uint32_t place = pool.pages[frame].pooled;

	if (place != 0) {
		replace(place - 1, entry);
	} else if (pool.count < POOL_MAX) {
		up(pool.count++, entry);
	} else {
		place = POOL_MAX - LEAVES + qr_hazard_dice(LEAVES - 1);
		if (key < pool.heap[place].key) {
			pool.pages[pool.heap[place].frame].pooled = 0;
			up(place, entry);
		}
	}
}

bool qr_hazard_pool_least(uint32_t *frame, uint32_t *key)
{
	*frame = pool.heap[0].frame;
	*key = pool.heap[0].key;
	return pool.count > 0;
}
