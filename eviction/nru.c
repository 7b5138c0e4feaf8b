/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nru.c - not recently used, the way Zephyr does it. Here to be compared with.
 *
 * A timer clears the accessed bits of all pages. Until it does so again a page is in one
 * of four classes; for each victim all frames are looked at in order of their index, and
 * the first of the lowest class is taken:
 *
 *     0 not used, clean   1 not used, dirty   2 used, clean   3 used, dirty
 *
 * Zephyr scans with interrupts masked throughout. Here pick() looks at SLICE frames and
 * answers -EAGAIN, the scan going on in the next call; tick() likewise. In between pages
 * come and go: a victim that went away meanwhile means a new scan.
 *
 * One thing is not Zephyr's. There an instruction that needs two pages can evict one by the
 * fault of the other for ever: the page that came last is clean, and so of a lower class than
 * older ones that were written. Here the pages that faults brought last are not looked at, as
 * many as one instruction can need; where there are no others, the oldest of them is taken.
 *
 * No state per frame. All under the mm lock.
 */
#include <quire/policy.h>

#if CONFIG_EVICTION_NRU

#define SLICE 16u
#define CLASSES 4u
/* Code, what is read and what is written, each across the end of a page; and a stack. */
#define RECENT 7u

/* Frames of the last faults, oldest first. */
static struct {
	uint32_t frame[RECENT];
	uint32_t count;
} recent;

static struct {
	uint32_t frame_count;
	uint32_t at;         /* the frame to look at next; 0: no scan is under way */
	uint32_t best;       /* with best_class < CLASSES: the best frame so far */
	uint32_t best_class;
} scan;

static void scan_reset(void)
{
	scan.at = 0;
	scan.best_class = CLASSES;
}

static void nru_start(void *state, uint32_t frame_count)
{
	(void)state;
	recent.count = 0;
	scan.frame_count = frame_count;
	scan_reset();
}

static bool is_recent(uint32_t frame)
{
	for (uint32_t i = 0; i < recent.count; i++) {
		if (recent.frame[i] == frame) {
			return true;
		}
	}
	return false;
}

/* Make this frame the last one: what goes for it is its old place, or the oldest frame. */
static void recent_add(uint32_t frame)
{
	uint32_t kept = recent.count == RECENT && !is_recent(frame) ? 1 : 0;
	uint32_t count = 0;

	for (; kept < recent.count; kept++) {
		if (recent.frame[kept] != frame) {
			recent.frame[count++] = recent.frame[kept];
		}
	}
	recent.frame[count++] = frame;
	recent.count = count;
}

/* As in clock.c: a page that came behind the scan must not be overlooked. */
static void nru_seen(uint32_t frame, bool by_fault)
{
	if (by_fault) {
		recent_add(frame);
	}
	if (scan.best_class == CLASSES) {
		scan.at = 0;
	}
}

static uint32_t nru_class(uint32_t frame)
{
	unsigned int bits = k_mem_frame_bits(frame, false);

	return (bits & K_MEM_FRAME_ACCESSED ? 2u : 0u) + (bits & K_MEM_FRAME_DIRTY ? 1u : 0u);
}

static int recent_take(uint32_t *frame)
{
	for (uint32_t i = 0; i < recent.count; i++) {
		if (k_mem_frame_evictable(recent.frame[i])) {
			*frame = recent.frame[i];
			return 0;
		}
	}
	return -ENOENT;
}

static int nru_settle(uint32_t *frame)
{
	bool any = scan.best_class < CLASSES;

	scan_reset();
	if (!any) {
		return recent_take(frame);
	}
	if (!k_mem_frame_evictable(scan.best)) {
		return -EAGAIN;
	}
	*frame = scan.best;
	return 0;
}

static int nru_pick(uint32_t *frame)
{
	for (uint32_t step = 0; step < SLICE && scan.at < scan.frame_count; step++) {
		uint32_t here = scan.at++;
		uint32_t class_here;

		if (!k_mem_frame_evictable(here) || is_recent(here)) {
			continue;
		}
		class_here = nru_class(here);
		if (class_here < scan.best_class) {
			scan.best = here;
			scan.best_class = class_here;
		}
		if (class_here == 0 || k_mem_frame_looks_spent()) {
			break;
		}
	}
	if (scan.best_class == 0 || scan.at == scan.frame_count) {
		return nru_settle(frame);
	}
	return -EAGAIN;
}

static bool nru_tick(uint32_t *cursor)
{
	for (uint32_t step = 0; step < SLICE && *cursor < scan.frame_count; step++) {
		uint32_t here = (*cursor)++;

		if (k_mem_frame_evictable(here)) {
			(void)k_mem_frame_bits(here, true);
		}
		if (k_mem_frame_looks_spent()) {
			break;
		}
	}
	return *cursor < scan.frame_count;
}

const struct k_mem_policy k_mem_policy_nru = {
	.name = "nru",
	.frame_bytes = 0,
	.start = nru_start,
	.seen = nru_seen,
	.pick = nru_pick,
	.tick = nru_tick,
};

#endif /* CONFIG_EVICTION_NRU */
