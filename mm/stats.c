/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats.c - counting faults, evictions and transfers, for the system and for each thread. Guarded
 * by the mm lock.
 *
 * What follows from other counters is not counted, and filled in for who asks: faults of threads
 * with interrupts on are those of no other kind; and requests are as many as the pages that they
 * moved, but for those that were not the first of one, which `reads` and `writes` hold meanwhile.
 */
#include "stats.h"

#if CONFIG_DEMAND_PAGING_STATS || CONFIG_DEMAND_PAGING_THREAD_STATS

static void add(struct k_mem_paging_stats_t *stats, size_t offset)
{
	*(unsigned long *)(void *)((uint8_t *)stats + offset) += 1;
}

void qr_stats_count(size_t offset)
{
	if (CONFIG_DEMAND_PAGING_STATS) {
		add(&qr_stats, offset);
	}
	if (CONFIG_DEMAND_PAGING_THREAD_STATS) {
		struct k_mem_paging_stats_t *own = qr_host_thread_stats(NULL);

		if (own != NULL) {
			add(own, offset);
		}
	}
}

void qr_stats_complete(struct k_mem_paging_stats_t *stats)
{
	stats->pagefaults.irq_unlocked = stats->pagefaults.cnt - stats->pagefaults.irq_locked -
					 stats->pagefaults.in_isr;
}

void qr_stats_count_page(enum k_mem_io_op op)
{
	qr_stats_count(op == K_MEM_IO_READ
			       ? offsetof(struct k_mem_paging_stats_t, transfer.page_in)
			       : offsetof(struct k_mem_paging_stats_t, transfer.page_out));
}

void qr_stats_count_transfer(enum k_mem_io_op op, int status, uint32_t count)
{
	QR_ASSERT_LOCKED();
	if (status != 0) {
		qr_stats_count(op == K_MEM_IO_READ
				       ? offsetof(struct k_mem_paging_stats_t, transfer.in_errors)
				       : offsetof(struct k_mem_paging_stats_t,
						  transfer.out_errors));
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		qr_stats_count_page(op);
	}
	QR_COUNT_ALL(transfer.reads, op == K_MEM_IO_READ ? count - 1 : 0);
	QR_COUNT_ALL(transfer.writes, op == K_MEM_IO_READ ? 0 : count - 1);
}

#endif /* CONFIG_DEMAND_PAGING_STATS || CONFIG_DEMAND_PAGING_THREAD_STATS */
