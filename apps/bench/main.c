/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - exact instruction counts of the operations that a user of Quire waits for.
 * For tools/bench it prints lines "@row NAME NUMBER"; where that is measured, "@irq NAME
 * NUMBER", how long interrupts were masked at a stretch; "@size NAME NUMBER", bytes; from tlb.c
 * "@tlb NAME NUMBER"; and from overlap.c "@time NAME NUMBER", microseconds. For tools/breakdown it
 * prints "@sample NAME FIRST-LAST:LEAST/EMPTY", which samples a row is (bench.h).
 */
#include <quire/policy.h>

#include "bench.h"

static uint64_t counter_cost;
static unsigned int samples, empty_sample;

void need(bool condition, const char *what)
{
	if (!condition) {
		kernel_printf("bench: %s failed\n", what);
		kernel_exit(1);
	}
}

/* Calls, so that the compiler moves nothing across them, and that the empty sample of
 * calibrate() costs what others do. */
QR_NOINLINE void sample_begin(struct row *row)
{
	samples++;
	kernel_irq_off_reset();
	row->start = kernel_cycles();
}

QR_NOINLINE void sample_end(struct row *row)
{
	uint64_t end = kernel_cycles();
	uint64_t irq_off = kernel_irq_off_max();

	need(row->count < SAMPLES, "counting samples");
	row->number[row->count] = samples;
	row->value[row->count++] = end - row->start - counter_cost;
	if (irq_off > row->irq_off) {
		row->irq_off = irq_off;
	}
}

unsigned int sample_last(void)
{
	return samples;
}

void sample_add(struct row *row, const struct row *one)
{
	need(row->count < SAMPLES, "adding samples");
	row->number[row->count] = one->number[0];
	row->value[row->count++] = one->value[0];
}

static void sort(struct row *row)
{
	for (unsigned int i = 1; i < row->count; i++) {
		uint64_t value = row->value[i];
		unsigned int number = row->number[i], to = i;

		for (; to > 0 && row->value[to - 1] > value; to--) {
			row->value[to] = row->value[to - 1];
			row->number[to] = row->number[to - 1];
		}
		row->value[to] = value;
		row->number[to] = number;
	}
}

void samples_print(const char *name, uint64_t value, struct samples of)
{
	kernel_printf("@row %s %lu\n", name, value);
	kernel_printf("@sample %s %u-%u:%u/%u\n", name, of.first, of.last, of.least, of.empty);
}

void mean_print(const char *name, uint64_t mean, unsigned int first, unsigned int least)
{
	char full[40];
	size_t length = 0;

	for (const char *part = name; *part && length < sizeof(full) - sizeof("_mean"); part++) {
		full[length++] = *part;
	}
	__builtin_memcpy(full + length, "_mean", sizeof("_mean"));
	samples_print(full, mean, (struct samples){first, samples, least, empty_sample});
}

void row_print(const char *name, struct row *row)
{
	need(row->count == SAMPLES, name);
	sort(row);
	if (row->number[SAMPLES / 2] > 0) {
		unsigned int number = row->number[SAMPLES / 2];

		samples_print(name, row->value[SAMPLES / 2],
			      (struct samples){number, number, 0, empty_sample});
	} else {
		kernel_printf("@row %s %lu\n", name, row->value[SAMPLES / 2]);
	}
	if (row->irq_off > 0) {
		kernel_printf("@irq %s %lu\n", name, row->irq_off);
	}
}

/* What an empty sample counts. */
static void calibrate(void)
{
	struct row empty = {0};

	for (unsigned int i = 0; i < SAMPLES; i++) {
		sample_begin(&empty);
		sample_end(&empty);
	}
	sort(&empty);
	counter_cost = empty.value[SAMPLES / 2];
	empty_sample = empty.number[SAMPLES / 2];
}

/* Bytes that each policy keeps for a frame. */
static void policies(void)
{
	static const struct k_mem_policy *const all[] = {
		&k_mem_policy_clock, &k_mem_policy_hazard, &k_mem_policy_nru,
		&k_mem_policy_lru,
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		kernel_printf("@size policy_frame_bytes_%s %lu\n", all[i]->name,
			      (unsigned long)all[i]->frame_bytes);
	}
}

int app_main(void)
{
	char name[40];

	policies();
	calibrate();
	if (kernel_option_number("evict", 0) != 0) {
		bench_evict();
	} else if (kernel_option("sweep", name, sizeof(name))) {
		bench_sweep(name);
	} else if (kernel_option("reads", name, sizeof(name))) {
		bench_reads(name);
	} else if (kernel_option_number("tlb", 0) != 0) {
		bench_tlb();
	} else if (kernel_option_number("domain", 0) != 0) {
		bench_domain();
	} else if (kernel_option_number("crowd", 0) != 0) {
		bench_crowd();
	} else if (kernel_option_number("overlap", 0) != 0) {
		bench_overlap();
	} else if (kernel_option("faults", name, sizeof(name))) {
		bench_user_fault(name);
	} else if (kernel_option_number("user", 0) != 0) {
		bench_user();
	} else {
		bench_map();
		bench_fault();
		bench_range();
	}
	return 0;
}
