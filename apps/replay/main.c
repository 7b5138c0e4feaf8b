/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - replays a recorded program's page references on paged memory and proves
 * that no byte was lost. docs/workloads.md has the whole picture.
 *
 * Counted as instructions are the touches with their faults, not the reading of the
 * trace disk and not the display.
 */
#include <quire/paging.h>

#include "kernel/kernel.h"

#include "replay.h"

#define STATUS_PASSED    0
#define STATUS_FAILED    1
#define STATUS_BAD_INPUT 2

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
		start = kernel_cycles();
		for (uint32_t i = 0; i < count; i++) {
			if (!memory_touch(&records[i]))
				return false;
			if (--until_tick == 0) {
				/* the policy's timer, at the program's own pace */
				k_mem_paging_tick();
				until_tick = head->touches_per_tick;
			}
		}
		*instructions += kernel_cycles() - start;
		*touches += count;
		report_progress(*touches);
	}
}

int app_main(void)
{
	uint64_t touches = 0, instructions = 0;
	struct replay_head head;

	if (!stream_open(disk_find("trace"), &head))
		return STATUS_BAD_INPUT;
	if (!memory_map(&head, kernel_store_image()))
		return STATUS_BAD_INPUT;
	report_start(&head);
	if (!replay(&head, &touches, &instructions))
		return STATUS_BAD_INPUT;
	report_replayed(touches, instructions);
	if (!memory_verify(head.page_count))
		return STATUS_BAD_INPUT;
	report_result();
	return memory_counts.errors == 0 ? STATUS_PASSED : STATUS_FAILED;
}
