/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quire/policy.h - the seam to eviction policies.
 *
 * A policy chooses which frame to empty. It is a const table of functions over
 * per-frame state of its own, which the core allocates (statically:
 * CONFIG_EVICTION_FRAME_BYTES a frame) and hands over in start(). Frames are
 * known by their index, 0 to frame_count - 1.
 *
 * All functions are called with the mm lock held, so each must be bounded:
 * what it does per call may not grow with the number of frames, or be limited
 * by a constant that its file states.
 */
#ifndef QUIRE_POLICY_H
#define QUIRE_POLICY_H

#include <quire/compiler.h>

QR_EXTERN_C_BEGIN

struct k_mem_policy {
	const char *name;

	/* Bytes of state per frame; at most CONFIG_EVICTION_FRAME_BYTES. */
	size_t frame_bytes;

	/* `state` is frame_count * frame_bytes zeroed bytes, 8-aligned. Called once
	 * by k_mem_init. */
	void (*start)(void *state, uint32_t frame_count);

	/* The frame holds a data page that may be evicted, from now on. `by_fault`:
	 * because a fault brought it in, which is when a policy may do work that is due
	 * with every fault. May be NULL. */
	void (*seen)(uint32_t frame, bool by_fault);

	/* The frame no longer holds such a page (unmapped, pinned, evicted). May be NULL. */
	void (*forgotten)(uint32_t frame);

	/* What a policy knows of a page may outlive its stay in a frame: evicted() is called
	 * for a page that is evicted, just before forgotten(), and what it returns is given to
	 * returned() just before seen() when the page comes back. The value has at most
	 * k_mem_history_bits() bits and is never 0, which says that nothing is known. Both may
	 * be NULL, returned() only where evicted() is. A page that keeps no place in a store,
	 * because its content needs none, comes back as a new one. */
	uint32_t (*evicted)(uint32_t frame);
	void (*returned)(uint32_t frame, uint32_t history);

	/* Choose a victim among the frames for which k_mem_frame_evictable() is true.
	 * -ENOENT: there is none. May return -EAGAIN after bounded work without a
	 * choice; the core then calls again with interrupts let in between. A page that
	 * came during such a scan may be missed: the core asks anew then. */
	int (*pick)(uint32_t *frame);

	/* Time passed: called from k_mem_paging_tick() by the host kernel's timer,
	 * in slices: *cursor is 0 in the first call, the policy handles a bounded
	 * number of frames from there and moves it; returns false when the pass is
	 * complete. NULL for policies without a clock. */
	bool (*tick)(uint32_t *cursor);

	/* Up to `pages` pages, more than one, go to the store in a request: a dirty victim takes
	 * those beside it along that are not used. Called once by k_mem_init, after start().
	 * May be NULL. */
	void (*gather)(uint32_t pages);

	/* A thread has handed a transfer to a store and is about to sleep, or is about to fill a
	 * page with zeros: a bounded part of the work that would else be done with faults, for
	 * which k_mem_frame_bits() may clear. False: nothing is left to do now; until then the
	 * core calls again, interrupts let in and all other functions possible in between, also
	 * idle() for another thread. The transfer may have ended meanwhile. Thread context only,
	 * where sleeping is allowed, at the priority of the thread. May be NULL. */
	bool (*idle)(void);
};

/* ---- what a policy may ask, mm lock held ------------------------------------ */

/* May this frame be evicted now: it holds a pageable data page, is not pinned,
 * not busy? */
bool k_mem_frame_evictable(uint32_t frame);

#define K_MEM_FRAME_ACCESSED 1u /* used since the bit was last cleared */
#define K_MEM_FRAME_DIRTY    2u /* evicting it costs a write: changed since it was
				 * read, or never written to a store */

/* The bits of the page in an evictable frame, over all sets of tables; with
 * `clear`, for pick(), tick() and idle() only, and for seen(), by a fault, of a policy that has
 * returned(), the accessed bit is cleared in the same step
 * (the flush is batched and done by the core when they return). */
unsigned int k_mem_frame_bits(uint32_t frame, bool clear);

/* What was seen of some frames: bit i is the i-th of them. */
struct k_mem_looks {
	uint32_t seen;     /* its page was looked at */
	uint32_t accessed; /* and as k_mem_frame_bits() says */
	uint32_t dirty;
};

/* Look at the pages of those of 32 frames, from `first` on, that have a bit in `which` and may be
 * evicted, in their order, as k_mem_frame_bits() does with `clear`. Ends after `most` looks, or
 * where k_mem_frame_looks_spent(). Returns how many of the frames it went past: 32 are all. */
uint32_t k_mem_frames_look(uint32_t first, uint32_t which, uint32_t most,
			   struct k_mem_looks *looks);

/* Looking at a page takes longer where several sets of tables have it. True: in this call of
 * pick(), tick(), idle() or seen() so much was looked at that interrupts should be let in. A policy
 * asks after each look and ends its scan then as at a bound of its own. */
bool k_mem_frame_looks_spent(void);

/* Bits that can be kept of a page that is in no frame: 0 to 27, fixed by k_mem_init before it
 * calls start(). They are those of a location's slot that no store is large enough to need. */
uint32_t k_mem_history_bits(void);

/* What evicting a dirty page costs over evicting a clean one, in 16ths, 17 and more: a clean one
 * costs the read that brings it back, a dirty one a write as well. 32 where nothing else is known;
 * else by what the paging store declares (quire/store.h) and by how many pages its requests
 * moved so far. */
uint32_t k_mem_dirty_weight(void);

/* ---- the policies that come with Quire --------------------------------------- */

/* Second chance with a moving hand; looks at a bounded number of frames. */
extern const struct k_mem_policy k_mem_policy_clock;

/* Not recently used, as in Zephyr: classes by accessed and dirty, a periodic
 * timer ages them, a scan of all frames for each victim. To compare with. */
extern const struct k_mem_policy k_mem_policy_nru;

/* The chance of the next use learned from the past of each kind of page. */
extern const struct k_mem_policy k_mem_policy_hazard;

/* Least recently used by the head of one queue only, as in Zephyr. To compare with. */
extern const struct k_mem_policy k_mem_policy_lru;

QR_EXTERN_C_END

#endif /* QUIRE_POLICY_H */
