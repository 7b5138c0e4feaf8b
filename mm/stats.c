/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats.c - counters of faults, evictions and transfers, for the system and for each
 * thread, and histograms of how long things took. Guarded by the mm lock.
 */
#include "stats.h"

struct k_mem_paging_stats_t qr_stats;

static unsigned long histogram[QR_HISTOGRAM_COUNT][CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM_NUM_BINS];

void qr_stats_duration(enum qr_histogram which, uint32_t cycles)
{
	unsigned long bound = CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM_FIRST;
	unsigned int bin = 0;

	if (!CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM) {
		return;
	}
	while (bin < CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM_NUM_BINS - 1 && cycles > bound) {
		bound *= 2;
		bin++;
	}
	histogram[which][bin]++;
}

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

void qr_stats_fault(enum qr_port_context context)
{
	static const uint8_t from[] = {
		[QR_PORT_THREAD] = offsetof(struct k_mem_paging_stats_t, pagefaults.irq_unlocked),
		[QR_PORT_IRQ_LOCKED] = offsetof(struct k_mem_paging_stats_t, pagefaults.irq_locked),
		[QR_PORT_ISR] = offsetof(struct k_mem_paging_stats_t, pagefaults.in_isr),
	};

	QR_COUNT(pagefaults.cnt);
	if (CONFIG_DEMAND_PAGING_STATS || CONFIG_DEMAND_PAGING_THREAD_STATS) {
		qr_stats_count(from[context]);
	}
}

void qr_stats_transfer(enum k_mem_io_op op, int status, uint32_t count, uint32_t cycles)
{
	bool reads = op == K_MEM_IO_READ;

	QR_ASSERT_LOCKED();
	if (status != 0 && reads) {
		QR_COUNT(transfer.in_errors);
		return;
	}
	if (status != 0) {
		QR_COUNT(transfer.out_errors);
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (reads) {
			QR_COUNT(transfer.page_in);
		} else {
			QR_COUNT(transfer.page_out);
		}
	}
	QR_COUNT_ALL(transfer.reads, reads ? 1 : 0);
	QR_COUNT_ALL(transfer.writes, reads ? 0 : 1);
	qr_stats_duration(reads ? QR_HISTOGRAM_PAGE_IN : QR_HISTOGRAM_PAGE_OUT, cycles);
}

void k_mem_paging_stats_get(struct k_mem_paging_stats_t *stats)
{
	struct qr_hold hold;

	if (stats == NULL) {
		return;
	}
	qr_lock(&hold);
	*stats = qr_stats;
	qr_unlock(&hold);
}

void k_mem_paging_thread_stats_get(void *thread, struct k_mem_paging_stats_t *stats)
{
	const struct k_mem_paging_stats_t *own = qr_host_thread_stats(thread);
	struct qr_hold hold;

	if (stats == NULL) {
		return;
	}
	qr_lock(&hold);
	*stats = own != NULL ? *own : (struct k_mem_paging_stats_t){0};
	qr_unlock(&hold);
}

static void histogram_get(enum qr_histogram which, struct k_mem_paging_histogram_t *hist)
{
	unsigned long bound = CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM_FIRST;
	struct qr_hold hold;

	if (hist == NULL) {
		return;
	}
	qr_lock(&hold);
	for (unsigned int bin = 0; bin < CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM_NUM_BINS; bin++) {
		hist->counts[bin] = histogram[which][bin];
		hist->bounds[bin] = bound;
		bound *= 2;
	}
	qr_unlock(&hold);
	hist->bounds[CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM_NUM_BINS - 1] = (unsigned long)-1;
}

void k_mem_paging_histogram_eviction_get(struct k_mem_paging_histogram_t *hist)
{
	histogram_get(QR_HISTOGRAM_EVICTION, hist);
}

void k_mem_paging_histogram_backing_store_page_in_get(struct k_mem_paging_histogram_t *hist)
{
	histogram_get(QR_HISTOGRAM_PAGE_IN, hist);
}

void k_mem_paging_histogram_backing_store_page_out_get(struct k_mem_paging_histogram_t *hist)
{
	histogram_get(QR_HISTOGRAM_PAGE_OUT, hist);
}
