/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats_system.c - the counters of the system. Guarded by the mm lock.
 */
#include "stats.h"

#if CONFIG_DEMAND_PAGING_STATS

struct k_mem_paging_stats_t qr_stats;

void k_mem_paging_stats_get(struct k_mem_paging_stats_t *stats)
{
	struct qr_hold hold;

	if (stats == NULL) {
		return;
	}
	qr_lock(&hold);
	*stats = qr_stats;
	qr_stats_complete(stats);
	stats->transfer.reads = stats->transfer.page_in - stats->transfer.reads;
	stats->transfer.writes = stats->transfer.page_out - stats->transfer.writes;
	qr_unlock(&hold);
}

#endif /* CONFIG_DEMAND_PAGING_STATS */
