/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats.h - counters and histograms. What is off in quire/config.h leaves nothing: its functions
 * are not there, and nobody calls them.
 */
#ifndef QR_MM_STATS_H
#define QR_MM_STATS_H

#include <quire/store.h>

#include "core.h"

/* Is anything counted? */
#define QR_STATS (CONFIG_DEMAND_PAGING_STATS || CONFIG_DEMAND_PAGING_THREAD_STATS)

/* Add 1 to a counter of the system, and of the running thread. */
#define QR_COUNT(field)                                                               \
	do {                                                                          \
		if (QR_STATS) {                                                       \
			qr_stats_count(offsetof(struct k_mem_paging_stats_t, field)); \
		}                                                                     \
	} while (0)
void qr_stats_count(size_t offset);

/* Counters that only the system has. */
#define QR_COUNT_ALL(field, n)                        \
	do {                                          \
		if (CONFIG_DEMAND_PAGING_STATS) {     \
			qr_stats.field += (n);        \
		}                                     \
	} while (0)

extern struct k_mem_paging_stats_t qr_stats;

enum qr_histogram {
	QR_HISTOGRAM_EVICTION,
	QR_HISTOGRAM_PAGE_IN,
	QR_HISTOGRAM_PAGE_OUT,
	QR_HISTOGRAM_COUNT,
};

QR_INLINE uint32_t qr_stats_time(void)
{
	return qr_host_cycles();
}

void qr_histogram_add(enum qr_histogram which, uint32_t cycles);

/* Something took so long. */
QR_INLINE void qr_stats_duration(enum qr_histogram which, uint32_t cycles)
{
	if (CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM) {
		qr_histogram_add(which, cycles);
	}
}

void qr_stats_count_page(enum k_mem_io_op op);
void qr_stats_count_transfer(enum k_mem_io_op op, int status, uint32_t count);

/* Fill in what follows from what was counted. */
void qr_stats_complete(struct k_mem_paging_stats_t *stats);

/* A fault; and where it came from, if it is not a thread with interrupts on. Lock held. */
QR_INLINE void qr_stats_fault(void)
{
	QR_COUNT(pagefaults.cnt);
}
QR_INLINE void qr_stats_fault_elsewhere(enum qr_port_context context)
{
	if (context == QR_PORT_ISR) {
		QR_COUNT(pagefaults.in_isr);
	} else {
		QR_COUNT(pagefaults.irq_locked);
	}
}

/* Moving a page, or several, took so long. */
QR_INLINE void qr_stats_moved(enum k_mem_io_op op, uint32_t cycles)
{
	qr_stats_duration(op == K_MEM_IO_READ ? QR_HISTOGRAM_PAGE_IN : QR_HISTOGRAM_PAGE_OUT,
			  cycles);
}

/* A page was copied from or to a store. Lock held. */
QR_INLINE void qr_stats_copied(enum k_mem_io_op op, uint32_t cycles)
{
	if (QR_STATS) {
		qr_stats_count_page(op);
	}
	qr_stats_moved(op, cycles);
}

/* A transfer of `count` pages ended. Lock held. */
QR_INLINE void qr_stats_transfer(enum k_mem_io_op op, int status, uint32_t count, uint32_t cycles)
{
	if (QR_STATS) {
		qr_stats_count_transfer(op, status, count);
	}
	if (status == 0) {
		qr_stats_moved(op, cycles);
	}
}

#endif /* QR_MM_STATS_H */
