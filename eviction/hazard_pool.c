/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hazard_pool.c - a list of frames for each worth, and which lists have any.
 *
 *	some      bit w: some_in[w] is not 0
 *	some_in   bit b of word w: list 32 w + b has a frame
 *	list[b]   a ring of places, the one that has been in it longest first
 *
 * pages[f].pooled is the place of frame f, and 0 for frames that are in no list. Places that no
 * frame has are a list as well. A full pool gives up a frame that is worth most.
 */
#include "hazard_pool.h"

#include <quire/bits.h>

#if CONFIG_EVICTION_HAZARD

#define PLACES 255u
#define LISTS  256u
#define WORD   32u

_Static_assert(PLACES <= UINT8_MAX, "a byte holds a place");

static struct {
	struct hazard_page *pages;
	uint32_t some;
	uint32_t some_in[LISTS / WORD];
	uint32_t frame[PLACES + 1];
	uint8_t worth[PLACES + 1];
	uint8_t next[PLACES + 1];
	uint8_t before[PLACES + 1];
	uint8_t list[LISTS];
	uint8_t unused; /* places, linked by `next` */
} pool;

void qr_hazard_pool_start(struct hazard_page *pages)
{
	__builtin_memset(&pool, 0, sizeof(pool));
	pool.pages = pages;
	pool.unused = 1;
	for (uint32_t place = 1; place < PLACES; place++) {
		pool.next[place] = (uint8_t)(place + 1);
	}
}

/* Into its list, as the last. */
static void link_in(uint8_t place, uint32_t worth)
{
	uint8_t first = pool.list[worth], last;

	pool.worth[place] = (uint8_t)worth;
	if (first == 0) {
		pool.list[worth] = pool.next[place] = pool.before[place] = place;
		pool.some_in[worth / WORD] |= 1u << worth % WORD;
		pool.some |= 1u << worth / WORD;
		return;
	}
	last = pool.before[first];
	pool.next[place] = first;
	pool.before[place] = last;
	pool.next[last] = pool.before[first] = place;
}

static void link_out(uint8_t place)
{
	uint32_t worth = pool.worth[place];
	uint8_t next = pool.next[place], before = pool.before[place];

	if (next != place) {
		pool.next[before] = next;
		pool.before[next] = before;
		if (pool.list[worth] == place) {
			pool.list[worth] = next;
		}
		return;
	}
	pool.list[worth] = 0;
	pool.some_in[worth / WORD] &= ~(1u << worth % WORD);
	if (pool.some_in[worth / WORD] == 0) {
		pool.some &= ~(1u << worth / WORD);
	}
}

void qr_hazard_pool_forget(uint32_t frame)
{
	uint8_t place = pool.pages[frame].pooled;

	if (place != 0) {
		pool.pages[frame].pooled = 0;
		link_out(place);
		pool.next[place] = pool.unused;
		pool.unused = place;
	}
}

/* A place that is worth more than this is given up; 0: there is none. */
static uint8_t given_up(uint32_t worth)
{
	uint32_t word = hazard_log2(pool.some);
	uint32_t most = word * WORD + hazard_log2(pool.some_in[word]);
	uint8_t place = pool.list[most];

	if (most <= worth) {
		return 0;
	}
	place = pool.before[place];
	pool.pages[pool.frame[place]].pooled = 0;
	link_out(place);
	return place;
}

void qr_hazard_pool_add(uint32_t frame, uint32_t worth)
{
	uint8_t place = pool.pages[frame].pooled;

	if (place != 0) {
		if (pool.worth[place] != worth) {
			link_out(place);
			link_in(place, worth);
		}
		return;
	}
	if (pool.unused != 0) {
		place = pool.unused;
		pool.unused = pool.next[place];
	} else {
		place = given_up(worth);
		if (place == 0) {
			return;
		}
	}
	pool.frame[place] = frame;
	pool.pages[frame].pooled = place;
	link_in(place, worth);
}

bool qr_hazard_pool_least(uint32_t *frame, uint32_t *worth)
{
	uint32_t word;

	if (pool.some == 0) {
		return false;
	}
	word = qr_bit_lowest(pool.some);
	*worth = word * WORD + qr_bit_lowest(pool.some_in[word]);
	*frame = pool.frame[pool.list[*worth]];
	return true;
}

#endif /* CONFIG_EVICTION_HAZARD */
