/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - exact instruction counts of the operations that a user of Quire waits for.
 * Prints one line "@row NAME NUMBER" each; tools/bench reads them.
 */
#include "bench.h"

static uint64_t counter_cost;
static uint64_t irq_off_max;

void need(bool condition, const char *what)
{
	if (!condition) {
		kernel_printf("bench: %s failed\n", what);
		kernel_exit(1);
	}
}

void sample_begin(struct row *row)
{
	kernel_irq_off_reset();
	row->start = kernel_cycles();
}

void sample_end(struct row *row)
{
	uint64_t end = kernel_cycles();
	uint64_t irq_off = kernel_irq_off_max();

	need(row->count < SAMPLES, "counting samples");
	row->value[row->count++] = end - row->start - counter_cost;
	if (irq_off > row->irq_off) {
		row->irq_off = irq_off;
	}
}

static void sort(uint64_t *value, unsigned int count)
{
	for (unsigned int i = 1; i < count; i++) {
		uint64_t moving = value[i];
		unsigned int to = i;

		for (; to > 0 && value[to - 1] > moving; to--) {
			value[to] = value[to - 1];
		}
		value[to] = moving;
	}
}

void row_print(const char *name, struct row *row)
{
	need(row->count == SAMPLES, name);
	sort(row->value, SAMPLES);
	kernel_printf("@row %s %lu\n", name, row->value[SAMPLES / 2]);
	if (row->irq_off > 0) {
		kernel_printf("@irq %s %lu\n", name, row->irq_off);
		if (row->irq_off > irq_off_max) {
			irq_off_max = row->irq_off;
		}
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
	sort(empty.value, SAMPLES);
	counter_cost = empty.value[SAMPLES / 2];
}

int app_main(void)
{
	calibrate();
	if (kernel_option_number("evict", 0) != 0) {
		bench_evict();
	} else {
		bench_map();
		bench_fault();
	}
	kernel_printf("@row irq_off_max %lu\n", irq_off_max);
	return 0;
}
