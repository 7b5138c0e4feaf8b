/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - replays a recorded program's page references on paged memory and proves
 * that no byte was lost. docs/workloads.md has the whole picture.
 *
 * Counted as instructions are the touches with their faults, not the reading of the
 * trace disk and not the display.
 */
#include "apps/replay/calls.h"

#include "apps/user/user.h"
#include "player.h"

/* Replay everything; *touches and *instructions are what it took. */
static bool replay(const struct replay_head *head, uint64_t *touches, uint64_t *instructions)
{
	const struct replay_record *records;
	uint32_t until_tick = head->touches_per_tick;
	uint32_t count;

	for (;;) {
		uint64_t start;

		if (!stream_records(&records, &count))
			return false;
		if (count == 0)
			return true;
		start = user_cycles();
		for (uint32_t i = 0; i < count; i++) {
			if (!memory_touch(&records[i]))
				return false;
			if (--until_tick == 0) {
				/* the policy's timer, at the program's own pace */
				(void)user_call(REPLAY_TICK, 0, 0, 0, 0);
				until_tick = head->touches_per_tick;
			}
		}
		*instructions += user_cycles() - start;
		*touches += count;
		(void)user_call(REPLAY_PROGRESS, *touches, 0, 0, 0);
	}
}

static int play(const struct replay_head *head)
{
	uint64_t touches = 0, instructions = 0;
	struct syscall_info before, after;

	if (user_call(REPLAY_START, head->page_count, head->record_count, 0, 0) != 0 ||
	    user_info(&before) != 0)
		return STATUS_FAILED;
	if (!replay(head, &touches, &instructions))
		return STATUS_BAD_INPUT;
	if (user_info(&after) != 0)
		return STATUS_FAILED;
	(void)user_call(REPLAY_REPLAYED, touches, instructions, 0, 0);
	if (!memory_verify(head->page_count))
		return STATUS_BAD_INPUT;
	(void)user_call(REPLAY_RESULT, memory_errors, after.fault_count - before.fault_count,
			after.fault_cycles - before.fault_cycles, 0);
	return memory_errors == 0 ? STATUS_PASSED : STATUS_FAILED;
}

int user_main(uintptr_t argument)
{
	struct replay_head head;

	(void)argument;
	if (!stream_open(&head) || !memory_map(&head))
		return STATUS_BAD_INPUT;
	return play(&head);
}
