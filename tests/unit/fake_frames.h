/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_frames.h - frames for the tests of policies: what the core would tell a policy, as
 * plain arrays, with counts of what was asked. Asking for the bits of a frame that may not
 * be evicted fails the test.
 */
#ifndef TESTS_UNIT_FAKE_FRAMES_H
#define TESTS_UNIT_FAKE_FRAMES_H

#include <quire/policy.h>

#define FAKE_FRAMES_MAX 4096u

struct fake_frames {
	bool evictable[FAKE_FRAMES_MAX];
	bool accessed[FAKE_FRAMES_MAX];
	bool dirty[FAKE_FRAMES_MAX];
	uint32_t history;    /* of the last page that was evicted */
	uint32_t dirty_weight;
	unsigned int looks;  /* bits asked for */
	unsigned int steps;  /* frames asked about */
	unsigned int clears; /* bits asked for and cleared */
};
extern struct fake_frames fake;

/* Start the policy over `count` frames without pages; histories have 16 bits, or `bits`. */
void fake_start_history(const struct k_mem_policy *policy, uint32_t count, uint32_t bits);
void fake_start(const struct k_mem_policy *policy, uint32_t count);

/* The frame gets a page, which is used; or loses it. */
void fake_load(uint32_t frame);
void fake_drop(uint32_t frame);

/* The same, the page being evicted, or coming back. */
void fake_evict(uint32_t frame);
void fake_return(uint32_t frame, uint32_t history);

/* Pick, at most `calls` times while the answer is -EAGAIN. */
int fake_pick(uint32_t *frame, unsigned int calls);

#endif /* TESTS_UNIT_FAKE_FRAMES_H */
