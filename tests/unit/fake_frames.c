/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_frames.c - frames for the tests of policies.
 */
#include "fake_frames.h"

#include "parts_help.h"

struct fake_frames fake;

static const struct k_mem_policy *policy_in_use;
static uint32_t frame_count;
static uint32_t history_bits;
static uint64_t state[FAKE_FRAMES_MAX * CONFIG_EVICTION_FRAME_BYTES / 8];

void qr_port_panic(const char *what)
{
	fail_msg("panic: %s", what);
	abort();
}

bool k_mem_frame_looks_spent(void)
{
	return false;
}

bool k_mem_frame_evictable(uint32_t frame)
{
	assert_true(frame < frame_count);
	fake.steps++;
	return fake.evictable[frame];
}

unsigned int k_mem_frame_bits(uint32_t frame, bool clear)
{
	unsigned int bits = (fake.accessed[frame] ? K_MEM_FRAME_ACCESSED : 0) |
			    (fake.dirty[frame] ? K_MEM_FRAME_DIRTY : 0);

	assert_true(frame < frame_count);
	assert_true(fake.evictable[frame]);
	fake.looks++;
	if (clear) {
		fake.clears++;
		fake.accessed[frame] = false;
	}
	return bits;
}

uint32_t k_mem_frames_look(uint32_t first, uint32_t which, uint32_t most,
			   struct k_mem_looks *looks)
{
	*looks = (struct k_mem_looks){0};
	for (uint32_t at = 0; at < 32; at++) {
		unsigned int bits;

		if (!(which >> at & 1) || !k_mem_frame_evictable(first + at)) {
			continue;
		}
		bits = k_mem_frame_bits(first + at, true);
		looks->seen |= 1u << at;
		looks->accessed |= (bits & K_MEM_FRAME_ACCESSED) ? 1u << at : 0;
		looks->dirty |= (bits & K_MEM_FRAME_DIRTY) ? 1u << at : 0;
		if (--most == 0) {
			return at + 1;
		}
	}
	return 32;
}

uint32_t k_mem_dirty_weight(void)
{
	return fake.dirty_weight;
}

uint32_t k_mem_history_bits(void)
{
	return history_bits;
}

void fake_start(const struct k_mem_policy *policy, uint32_t count)
{
	fake_start_history(policy, count, 16);
}

void fake_start_history(const struct k_mem_policy *policy, uint32_t count, uint32_t bits)
{
	assert_true(count <= FAKE_FRAMES_MAX);
	assert_true(policy->frame_bytes <= CONFIG_EVICTION_FRAME_BYTES);
	memset(&fake, 0, sizeof(fake));
	fake.dirty_weight = 32;
	memset(state, 0, sizeof(state));
	policy_in_use = policy;
	frame_count = count;
	history_bits = bits;
	policy->start(state, count);
}

void fake_load(uint32_t frame)
{
	fake.evictable[frame] = true;
	fake.accessed[frame] = true;
	if (policy_in_use->seen != NULL) {
		policy_in_use->seen(frame, true);
	}
}

void fake_drop(uint32_t frame)
{
	fake.evictable[frame] = false;
	if (policy_in_use->forgotten != NULL) {
		policy_in_use->forgotten(frame);
	}
}

void fake_evict(uint32_t frame)
{
	fake.history = policy_in_use->evicted != NULL ? policy_in_use->evicted(frame) : 0;
	assert_true((uint64_t)fake.history >> history_bits == 0);
	fake_drop(frame);
}

void fake_return(uint32_t frame, uint32_t history)
{
	fake.evictable[frame] = true;
	fake.accessed[frame] = true;
	if (history != 0 && policy_in_use->returned != NULL) {
		policy_in_use->returned(frame, history);
	}
	if (policy_in_use->seen != NULL) {
		policy_in_use->seen(frame, true);
	}
}

int fake_pick(uint32_t *frame, unsigned int calls)
{
	int status = -EAGAIN;

	while (status == -EAGAIN && calls-- > 0) {
		status = policy_in_use->pick(frame);
	}
	return status;
}
