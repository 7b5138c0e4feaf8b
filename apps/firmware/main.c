/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - run the firmware and report its digest, which tools/run_firmware compares
 * with the host's. Lines as in apps/replay/report.c:
 *
 *	@progress touches=PHASES faults=N page_ins=N page_outs=N
 *	@map FIRST STATES
 *	@result digest=N faults=N page_ins=N evict_clean=N evict_dirty=N reads=N
 *		instructions=N
 */
#include <quire/mm.h>
#include <quire/paging.h>

#include "kernel/kernel.h"

#include "firmware.h"

#define MAP_LINE 128u

static void progress(uint32_t phases)
{
	struct k_mem_paging_stats_t stats;
	char line[MAP_LINE + 1];
	size_t count = MAP_LINE;

	k_mem_paging_stats_get(&stats);
	kernel_printf("@progress touches=%u faults=%lu page_ins=%lu page_outs=%lu\n", phases,
		      stats.pagefaults.cnt, stats.transfer.page_in, stats.transfer.page_out);
	for (uint32_t first = 0; count == MAP_LINE; first += MAP_LINE) {
		count = k_mem_page_frames_map(first, line, MAP_LINE);
		line[count] = '\0';
		kernel_printf("@map %u %s\n", first, line);
	}
}

int app_main(void)
{
	struct k_mem_paging_stats_t before, after;
	uint64_t state = FIRMWARE_STATE, instructions = 0;

	k_mem_paging_stats_get(&before);
	for (uint32_t phase = 0; phase < FIRMWARE_PHASES; phase++) {
		uint64_t start = kernel_cycles();

		state = firmware_phase(state, phase);
		instructions += kernel_cycles() - start;
		if (phase % 4 == 3)
			progress(phase + 1);
	}
	k_mem_paging_stats_get(&after);
	kernel_printf("@result digest=%llu faults=%lu page_ins=%lu evict_clean=%lu "
		      "evict_dirty=%lu reads=%lu instructions=%llu\n",
		      (unsigned long long)state, after.pagefaults.cnt - before.pagefaults.cnt,
		      after.transfer.page_in - before.transfer.page_in,
		      after.eviction.clean - before.eviction.clean,
		      after.eviction.dirty - before.eviction.dirty,
		      after.transfer.reads - before.transfer.reads,
		      (unsigned long long)instructions);
	return 0;
}
