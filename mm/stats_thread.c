/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats_thread.c - the counters of a thread, which its host keeps. Guarded by the mm lock.
 */
#include "stats.h"

#if CONFIG_DEMAND_PAGING_THREAD_STATS

void k_mem_paging_thread_stats_get(void *thread, struct k_mem_paging_stats_t *stats)
{
	const struct k_mem_paging_stats_t *own = qr_host_thread_stats(thread);
	struct qr_hold hold;

	if (stats == NULL) {
		return;
	}
	qr_lock(&hold);
	*stats = own != NULL ? *own : (struct k_mem_paging_stats_t){0};
	qr_stats_complete(stats);
	qr_unlock(&hold);
}

#endif /* CONFIG_DEMAND_PAGING_THREAD_STATS */
