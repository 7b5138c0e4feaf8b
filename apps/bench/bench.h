/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.h - counting instructions: one counter tick is one instruction under
 * -icount shift=0. Each row is the median of SAMPLES runs of one operation; what reading
 * the counter costs is taken off.
 *
 *     sample_begin(&row);
 *     operation();
 *     sample_end(&row);
 *     ...                    SAMPLES times
 *     row_print("name", &row);
 */
#ifndef APPS_BENCH_BENCH_H
#define APPS_BENCH_BENCH_H

#include <quire/mm.h>

#include "kernel/kernel.h"

#define SAMPLES 5u
#define PAGE    ((size_t)CONFIG_MMU_PAGE_SIZE)

struct row {
	uint64_t start;
	uint64_t value[SAMPLES];
	unsigned int number[SAMPLES]; /* which of all samples it is, from 1; 0: none is the value */
	unsigned int count;
	uint64_t irq_off; /* the longest stretch with interrupts masked in any sample */
};

void sample_begin(struct row *row);
void sample_end(struct row *row);

/* How many there were so far. */
unsigned int sample_last(void);

/* Another row's only sample is one of this one's, too. */
void sample_add(struct row *row, const struct row *one);

/* Print the median, and the longest stretch. */
void row_print(const char *name, struct row *row);

/* What a row is the mean of, for tools/breakdown: the samples `first` to `last` that take so many
 * instructions more than sample `empty`, which is taken off each. */
struct samples {
	unsigned int first, last, least, empty;
};

/* Print a row, and which samples it is. */
void samples_print(const char *name, uint64_t value, struct samples samples);

/* NAME_mean: of the samples since `first` that take so many instructions. */
void mean_print(const char *name, uint64_t mean, unsigned int first, unsigned int least);

/* End the machine unless the condition holds: a benchmark of what failed is worth nothing. */
void need(bool condition, const char *what);

void bench_map(void);
void bench_fault(void);
void bench_evict(void);
void bench_sweep(const char *name);
void bench_reads(const char *name);
void bench_range(void);
void bench_tlb(void);
void bench_user(void);
void bench_user_fault(const char *name);
void bench_domain(void);
void bench_crowd(void);
void bench_overlap(void);

#endif /* APPS_BENCH_BENCH_H */
