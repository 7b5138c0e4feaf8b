/* SPDX-License-Identifier: Apache-2.0 */
/*
 * breakdown_plugin.c - a plugin of QEMU (-plugin) for tools/breakdown: how often each instruction
 * was executed in samples of a benchmark. Debian has no header of this interface, so what is used
 * of it is declared here; its version is checked by QEMU, which refuses another.
 *
 *     begin=PC, end=PC   a sample: from the first instruction of one function up to that of
 *                        another, which is not in it
 *     keep=A-B:N/E       add up samples A to B, counted from 1, that have N instructions more than
 *                        sample E; given for each sum, and E comes first
 *     out=FILE           gets lines "SUM PC TIMES" and, for samples, "SUM samples COUNT"
 *
 * QEMU says when an instruction is about to be executed. One that faults is executed again, and
 * -icount, which the sums must equal, does not count the attempt. Where something leaves a block
 * of translated code before its end, it is a fault: interrupts are only let in between blocks.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* ---- QEMU's, version 1 ---------------------------------------------------------------------- */

struct qemu_plugin_tb;
struct qemu_plugin_insn;
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
					   void (*)(uint64_t id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *,
					    void (*)(unsigned int cpu, void *data), int flags,
					    void *data);
void qemu_plugin_register_atexit_cb(uint64_t id, void (*)(uint64_t id, void *data), void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);

/* ---- counting ------------------------------------------------------------------------------- */

#define SUMS 256u

/* An instruction, as translated once. */
struct insn {
	uint64_t pc;
	uint64_t next_pc;  /* behind it; 0 for the last of its block */
	uint64_t sample;   /* the last one in which it was executed */
	uint64_t count;    /* in that sample */
	uint64_t *total;   /* by sum */
	struct insn *link; /* of all */
	struct insn *touched;
};

static struct sum {
	uint64_t first, last, least, empty, samples;
} sums[SUMS];

static uint64_t begin, end, sample, length;
static unsigned int sum_count;
static bool sampling;
static struct insn *all, *touched, *previous;
static char out[4096];

static void sample_add(unsigned int which)
{
	sums[which].samples++;
	for (struct insn *insn = touched; insn; insn = insn->touched) {
		if (!insn->total) {
			insn->total = calloc(sum_count, sizeof(*insn->total));
		}
		insn->total[which] += insn->count;
	}
}

static void sample_ended(void)
{
	for (unsigned int i = 0; i < sum_count; i++) {
		if (sample == sums[i].empty) {
			sums[i].least += length;
		}
		if (sample >= sums[i].first && sample <= sums[i].last && length >= sums[i].least) {
			sample_add(i);
		}
	}
	touched = NULL;
	sampling = false;
}

static void count(struct insn *insn)
{
	if (previous && previous->next_pc && previous->next_pc != insn->pc &&
	    previous->sample == sample) {
		previous->count--;
		length--;
	}
	if (insn->sample != sample) {
		insn->sample = sample;
		insn->count = 0;
		insn->touched = touched;
		touched = insn;
	}
	insn->count++;
	length++;
}

static void executed(unsigned int cpu, void *data)
{
	struct insn *insn = data;

	(void)cpu;
	if (insn->pc == begin) {
		sample++;
		length = 0;
		previous = NULL;
		touched = NULL; /* of one that was begun and not ended */
		sampling = true;
	} else if (insn->pc == end && sampling) {
		sample_ended();
	}
	if (sampling) {
		count(insn);
		previous = insn;
	}
}

static void translated(uint64_t id, struct qemu_plugin_tb *block)
{
	const size_t insns = qemu_plugin_tb_n_insns(block);

	(void)id;
	for (size_t i = 0; i < insns; i++) {
		struct qemu_plugin_insn *theirs = qemu_plugin_tb_get_insn(block, i);
		struct insn *insn = calloc(1, sizeof(*insn));

		insn->pc = qemu_plugin_insn_vaddr(theirs);
		insn->next_pc = i + 1 < insns ? insn->pc + qemu_plugin_insn_size(theirs) : 0;
		insn->link = all;
		all = insn;
		qemu_plugin_register_vcpu_insn_exec_cb(theirs, executed, 0, insn);
	}
}

static void ended(uint64_t id, void *data)
{
	FILE *file = fopen(out, "w");

	(void)id, (void)data;
	for (unsigned int i = 0; file && i < sum_count; i++) {
		fprintf(file, "%u samples %lu\n", i, (unsigned long)sums[i].samples);
	}
	for (struct insn *insn = all; file && insn; insn = insn->link) {
		for (unsigned int i = 0; insn->total && i < sum_count; i++) {
			if (insn->total[i]) {
				fprintf(file, "%u %lx %lu\n", i, (unsigned long)insn->pc,
					(unsigned long)insn->total[i]);
			}
		}
	}
	if (!file || fclose(file) != 0) {
		perror(out);
	}
}

/* "A-B:N/E" */
static bool sum_of(const char *words)
{
	struct sum *sum = &sums[sum_count];
	char *after;

	if (sum_count == SUMS) {
		return false;
	}
	sum_count++;
	sum->first = strtoull(words, &after, 10);
	sum->last = *after == '-' ? strtoull(after + 1, &after, 10) : 0;
	sum->least = *after == ':' ? strtoull(after + 1, &after, 10) : 0;
	sum->empty = *after == '/' ? strtoull(after + 1, &after, 10) : 0;
	return *after == '\0' && sum->first > 0 && sum->first <= sum->last;
}

static bool option(const char *word)
{
	if (strncmp(word, "begin=", 6) == 0) {
		begin = strtoull(word + 6, NULL, 0);
	} else if (strncmp(word, "end=", 4) == 0) {
		end = strtoull(word + 4, NULL, 0);
	} else if (strncmp(word, "out=", 4) == 0) {
		snprintf(out, sizeof(out), "%s", word + 4);
	} else {
		return strncmp(word, "keep=", 5) == 0 && sum_of(word + 5);
	}
	return true;
}

EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		if (!option(argv[i])) {
			fprintf(stderr, "breakdown: not understood: %s\n", argv[i]);
			return 1;
		}
	}
	if (begin == 0 || end == 0 || out[0] == '\0' || sum_count == 0) {
		fprintf(stderr, "breakdown: begin, end, out and keep are wanted\n");
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, ended, NULL);
	return 0;
}
