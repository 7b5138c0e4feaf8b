/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats.c - counting faults, evictions and transfers, for the system and for each thread. Guarded
 * by the mm lock.
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

void qr_stats_count_fault(enum qr_port_context context)
{
	static const uint8_t from[] = {
		[QR_PORT_THREAD] = offsetof(struct k_mem_paging_stats_t, pagefaults.irq_unlocked),
		[QR_PORT_IRQ_LOCKED] = offsetof(struct k_mem_paging_stats_t, pagefaults.irq_locked),
		[QR_PORT_ISR] = offsetof(struct k_mem_paging_stats_t, pagefaults.in_isr),
	};

	QR_COUNT(pagefaults.cnt);
	qr_stats_count(from[context]);
}

void qr_stats_count_transfer(enum k_mem_io_op op, int status, uint32_t count)
{
	static const uint8_t good[] = {
		[K_MEM_IO_READ] = offsetof(struct k_mem_paging_stats_t, transfer.page_in),
		[K_MEM_IO_WRITE] = offsetof(struct k_mem_paging_stats_t, transfer.page_out),
	};
	static const uint8_t bad[] = {
		[K_MEM_IO_READ] = offsetof(struct k_mem_paging_stats_t, transfer.in_errors),
		[K_MEM_IO_WRITE] = offsetof(struct k_mem_paging_stats_t, transfer.out_errors),
	};

	QR_ASSERT_LOCKED();
	if (status != 0) {
		qr_stats_count(bad[op]);
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		qr_stats_count(good[op]);
	}
	QR_COUNT_ALL(transfer.reads, op == K_MEM_IO_READ ? 1 : 0);
	QR_COUNT_ALL(transfer.writes, op == K_MEM_IO_READ ? 0 : 1);
}

#endif /* CONFIG_DEMAND_PAGING_STATS || CONFIG_DEMAND_PAGING_THREAD_STATS */
