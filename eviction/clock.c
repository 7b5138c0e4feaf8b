/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.c - CLOCK: second chance with a moving hand.
 *
 *          hand            Frames stand in a ring. pick() looks at the frame under the
 *           |              hand and moves on: a page that was used since the last look
 *     0  1  v  3  4  5     loses its accessed bit and stays, one that was not is the
 *     A  -  A  A  -  A     victim (here: 4). The frame of a victim is filled again behind
 *     ^______________|     the hand, so pages are met in the order in which they came.
 *
 * Bounds. A scan that has met LOOKS_MAX used pages takes the first of them, the
 * one that has been in memory longest; so does a scan that has been round once. Over the
 * recordings that CLOCK was measured with, at four memory sizes, that costs 1 % more
 * I/O than no bound (32 looks: 0.5 %, 8: 2.8 %), and 3.4 looks a fault on average. Frames
 * that are not evictable cost less but may be many: after STEPS_MAX frames in all pick()
 * answers -EAGAIN, and the scan goes on in the next call. A frame that is kept for a domain is one
 * of those, and some 30 instructions; as many as are kept may stand in a row.
 *
 * Where pages beside a victim are written with it (gather), ending a scan early costs more: it
 * has just cleared the bits of the pages beside its victim, which are then taken for unused and
 * written in vain. The scan looks at LOOKS_A_PAGE for each page of a request, LOOKS_MAX a call.
 *
 * Invariant: passed <= frame_count. No state per frame. All under the mm lock.
 */
#include <quire/policy.h>

#if CONFIG_EVICTION_CLOCK || CONFIG_EVICTION_HAZARD

#define LOOKS_MAX 16u
#define STEPS_MAX 32u
#define LOOKS_A_PAGE 4u

static struct {
	uint32_t frame_count;
	uint32_t hand;     /* the frame to look at next */
	uint32_t passed;   /* frames that this scan went past */
	uint32_t looked;   /* pages among them, all used */
	uint32_t first;    /* with looked > 0: the frame of the first */
	uint32_t patience; /* used pages that end a scan, a multiple of LOOKS_MAX */
} ring;

static void clock_start(void *state, uint32_t frame_count)
{
	(void)state;
	ring.frame_count = frame_count;
	ring.hand = 0;
	ring.passed = 0;
	ring.looked = 0;
	ring.patience = LOOKS_MAX;
}

static void clock_gather(uint32_t pages)
{
	ring.patience = (pages * LOOKS_A_PAGE + LOOKS_MAX - 1) / LOOKS_MAX * LOOKS_MAX;
}

static uint32_t ring_next(uint32_t frame)
{
	return frame + 1 == ring.frame_count ? 0 : frame + 1;
}

/* The scan ends without having met an unused page. */
static int clock_settle(uint32_t *frame)
{
	bool any = ring.looked > 0;

	if (ring.passed == ring.frame_count && any) {
		ring.hand = ring_next(ring.first);
	}
	ring.passed = 0;
	ring.looked = 0;
	if (!any) {
		return -ENOENT;
	}
	/* another thread may have taken it between two calls */
	if (!k_mem_frame_evictable(ring.first)) {
		return -EAGAIN;
	}
	*frame = ring.first;
	return 0;
}

static int clock_pick(uint32_t *frame)
{
	for (uint32_t step = 0; step < STEPS_MAX; step++) {
		uint32_t here = ring.hand;

		if (ring.passed == ring.frame_count) {
			return clock_settle(frame);
		}
		ring.hand = ring_next(here);
		ring.passed++;
		if (!k_mem_frame_evictable(here)) {
			continue;
		}
		if (!(k_mem_frame_bits(here, true) & K_MEM_FRAME_ACCESSED)) {
			ring.passed = 0;
			ring.looked = 0;
			*frame = here;
			return 0;
		}
		if (ring.looked++ == 0) {
			ring.first = here;
		}
		if (ring.looked % LOOKS_MAX == 0) {
			return ring.looked < ring.patience ? -EAGAIN : clock_settle(frame);
		}
		if (k_mem_frame_looks_spent()) {
			return -EAGAIN;
		}
	}
	return -EAGAIN;
}

const struct k_mem_policy k_mem_policy_clock = {
	.name = "clock",
	.frame_bytes = 0,
	.start = clock_start,
	.pick = clock_pick,
	.gather = clock_gather,
};

#endif /* CONFIG_EVICTION_CLOCK || CONFIG_EVICTION_HAZARD */
