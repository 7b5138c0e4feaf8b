/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_frames.c - frames for the tests of policies.
 */
#include "fake_frames.h"

#include "parts_help.h"

struct fake_frames fake;

static const struct k_mem_policy *policy_in_use;
static uint32_t frame_count;
static uint64_t state[FAKE_FRAMES_MAX * CONFIG_EVICTION_FRAME_BYTES / 8];

void qr_port_panic(const char *what)
{
	fail_msg("panic: %s", what);
	abort();
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

void fake_start(const struct k_mem_policy *policy, uint32_t count)
{
	assert_true(count <= FAKE_FRAMES_MAX);
	assert_true(policy->frame_bytes <= CONFIG_EVICTION_FRAME_BYTES);
	memset(&fake, 0, sizeof(fake));
	memset(state, 0, sizeof(state));
	policy_in_use = policy;
	frame_count = count;
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

int fake_pick(uint32_t *frame, unsigned int calls)
{
	int status = -EAGAIN;

	while (status == -EAGAIN && calls-- > 0) {
		status = policy_in_use->pick(frame);
	}
	return status;
}
