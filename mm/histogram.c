/* SPDX-License-Identifier: Apache-2.0 */
/*
 * histogram.c - how long evictions and transfers took. Guarded by the mm lock.
 */
#include "stats.h"

#if CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM

static unsigned long histogram[QR_HISTOGRAM_COUNT][CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM_NUM_BINS];

void qr_histogram_add(enum qr_histogram which, uint32_t cycles)
{
	unsigned long bound = CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM_FIRST;
	unsigned int bin = 0;

	while (bin < CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM_NUM_BINS - 1 && cycles > bound) {
		bound *= 2;
		bin++;
	}
	histogram[which][bin]++;
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

#endif /* CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM */
