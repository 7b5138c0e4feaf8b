/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats.h - counters and histograms. With the options off, every function here is empty.
 */
#ifndef QR_MM_STATS_H
#define QR_MM_STATS_H

#include <quire/store.h>

#include "core.h"

/* Add 1 to a counter of the system, and of the running thread. */
#define QR_COUNT(field)                                                              \
	do {                                                                         \
		if (CONFIG_DEMAND_PAGING_STATS || CONFIG_DEMAND_PAGING_THREAD_STATS) { \
			qr_stats_count(offsetof(struct k_mem_paging_stats_t, field)); \
		}                                                                    \
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

void qr_stats_duration(enum qr_histogram which, uint32_t cycles);

/* A fault, by the context that it came from. */
void qr_stats_fault(enum qr_port_context context);

/* A transfer of `count` pages ended. Lock held. */
void qr_stats_transfer(enum k_mem_io_op op, int status, uint32_t count, uint32_t cycles);

#endif /* QR_MM_STATS_H */
