/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.c - what tools/run shows: lines that start with @.
 *
 *	@start pages=N touches=N frames=N pinned=N   frames that pages can have, and that
 *	                                             the kernel keeps for itself
 *	@progress touches=N faults=N page_ins=N page_outs=N
 *	@map FIRST STATES                            frames from FIRST on, a character each
 *	@checking                                    the replay is over, the check begins
 *	@compressed KEY=VALUE ...                    of the compressed store, where there is one,
 *	                                             when the replay was over
 *	@result KEY=VALUE ...
 *	@error MESSAGE                               bad input: the machine's status is 2
 *	@wrong MESSAGE                               a word that is not what it must be
 */
#include <quire/mm.h>
#include <quire/paging.h>

#include "kernel/kernel.h"

#include "report.h"

#define PROGRESS_LINES 200u
#define MAP_LINE       128u
#define MAP_LINES_MAX  64u /* more frames than these hold are shown by their first ones */

static struct report {
	uint64_t touches_all, step, next;
	struct k_mem_paging_stats_t before; /* when the replay began */
	struct k_mem_paging_stats_t replay; /* what it took */
	uint64_t touches, instructions;
	bool compresses;
	struct k_mem_compressed_stats compressed; /* at the replay's end */
} report;

/* Counters since the replay began. */
static struct k_mem_paging_stats_t stats_since(const struct k_mem_paging_stats_t *before)
{
	struct k_mem_paging_stats_t now;

	k_mem_paging_stats_get(&now);
	now.pagefaults.cnt -= before->pagefaults.cnt;
	now.eviction.clean -= before->eviction.clean;
	now.eviction.dirty -= before->eviction.dirty;
	now.transfer.page_in -= before->transfer.page_in;
	now.transfer.page_out -= before->transfer.page_out;
	now.transfer.reads -= before->transfer.reads;
	now.transfer.writes -= before->transfer.writes;
	now.transfer.prefetched -= before->transfer.prefetched;
	now.transfer.prefetch_used -= before->transfer.prefetch_used;
	now.transfer.cleaned -= before->transfer.cleaned;
	now.transfer.kept -= before->transfer.kept;
	now.transfer.kept_again -= before->transfer.kept_again;
	now.transfer.zero_fill -= before->transfer.zero_fill;
	now.transfer.rescued -= before->transfer.rescued;
	now.transfer.in_errors -= before->transfer.in_errors;
	now.transfer.out_errors -= before->transfer.out_errors;
	now.transfer.looks -= before->transfer.looks;
	return now;
}

static void map_print(void)
{
	char line[MAP_LINE + 1];

	for (uint32_t i = 0; i < MAP_LINES_MAX; i++) {
		size_t count = k_mem_page_frames_map(i * MAP_LINE, line, MAP_LINE);

		if (count == 0)
			break;
		line[count] = '\0';
		kernel_printf("@map %u %s\n", i * MAP_LINE, line);
	}
}

static void frames_count(uint32_t *free_count, uint32_t *kept_count)
{
	char state;

	*free_count = *kept_count = 0;
	for (uint32_t i = 0; k_mem_page_frames_map(i, &state, 1) == 1; i++) {
		*free_count += state == '.';
		*kept_count += state == '#';
	}
}

void report_start(uint32_t page_count, uint64_t record_count)
{
	uint32_t free_count, kept_count;

	frames_count(&free_count, &kept_count);
	report.touches_all = record_count;
	report.step = record_count / PROGRESS_LINES;
	k_mem_paging_stats_get(&report.before);
	kernel_printf("@start pages=%u touches=%llu frames=%u pinned=%u\n", page_count,
		      (unsigned long long)record_count, free_count, kept_count);
}

void report_progress(uint64_t touches)
{
	struct k_mem_paging_stats_t stats;

	if (touches < report.next && touches < report.touches_all)
		return;
	report.next = touches + report.step;
	stats = stats_since(&report.before);
	kernel_printf("@progress touches=%llu faults=%lu page_ins=%lu page_outs=%lu\n",
		      (unsigned long long)touches, stats.pagefaults.cnt, stats.transfer.page_in,
		      stats.transfer.page_out);
	map_print();
}

void report_replayed(uint64_t touches, uint64_t instructions)
{
	report.replay = stats_since(&report.before);
	report.compresses = kernel_compressed_stats(&report.compressed);
	report.touches = touches;
	report.instructions = instructions;
	k_mem_paging_stats_get(&report.before);
	kernel_puts("@checking\n");
}

static void compressed_print(const struct k_mem_compressed_stats *stats)
{
	kernel_printf("@compressed pool_pages=%lu packed_bytes=%lu pool_bytes=%lu same_pages=%lu ",
		      stats->pool_pages, stats->packed_bytes, stats->pool_bytes,
		      stats->same_pages);
	kernel_printf("kept=%lu same_filled=%lu rejected=%lu passed=%lu ", stats->kept,
		      stats->same_filled, stats->rejected, stats->passed);
	kernel_printf("hits=%lu misses=%lu spilled=%lu spill_errors=%lu\n", stats->hits,
		      stats->misses, stats->spilled, stats->spill_errors);
}

void report_result(uint64_t errors, uint64_t faults, uint64_t fault_instructions)
{
	struct k_mem_paging_stats_t check = stats_since(&report.before);
	const struct k_mem_paging_stats_t *replay = &report.replay;

	if (report.compresses)
		compressed_print(&report.compressed);
	kernel_printf("@result touches=%llu faults=%lu page_ins=%lu page_outs=%lu ",
		      (unsigned long long)report.touches, replay->pagefaults.cnt,
		      replay->transfer.page_in, replay->transfer.page_out);
	kernel_printf("evict_clean=%lu evict_dirty=%lu zero_fills=%lu rescued=%lu looks=%lu ",
		      replay->eviction.clean, replay->eviction.dirty, replay->transfer.zero_fill,
		      replay->transfer.rescued, replay->transfer.looks);
	kernel_printf("reads=%lu writes=%lu prefetched=%lu prefetch_used=%lu ",
		      replay->transfer.reads, replay->transfer.writes,
		      replay->transfer.prefetched, replay->transfer.prefetch_used);
	kernel_printf("cleaned=%lu written_early=%lu kept_again=%lu ", replay->transfer.cleaned,
		      replay->transfer.kept, replay->transfer.kept_again);
	kernel_printf("in_errors=%lu out_errors=%lu check_faults=%lu check_page_ins=%lu ",
		      replay->transfer.in_errors + check.transfer.in_errors,
		      replay->transfer.out_errors + check.transfer.out_errors, check.pagefaults.cnt,
		      check.transfer.page_in);
	kernel_printf("instructions=%llu timed_faults=%llu fault_instructions=%llu "
		      "verify_errors=%llu\n",
		      (unsigned long long)report.instructions,
		      (unsigned long long)faults, (unsigned long long)fault_instructions,
		      (unsigned long long)errors);
}
