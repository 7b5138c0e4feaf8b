/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - the command `trace`. Exit status 0; 1 for a failure of ours; 2 for bad
 * input, with a message that says what and where.
 */
#include "trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../../apps/replay/format.h"

#define STATUS_FAILED 1
#define STATUS_BAD    2

static const char usage[] =
	"usage: trace check FILE                  is this recording whole?\n"
	"       trace info FILE                   what is in it, as key=value\n"
	"       trace cost FILE FRAMES            page-ins and page-outs of MIN and LRU\n"
	"       trace prepare FILE TRACE IMAGE    make the two disks for the replay\n"
	"       trace record FILE FILTER PERIOD MAX\n"
	"                                         from lackey's output on standard input\n"
	"FILE is a recording, .pgt or .pgt.xz. Exit status 2: bad input.\n";

static int bad(const char *path, const struct trace_fault *fault)
{
	fprintf(stderr, "trace: %s: %s\n", path, fault->text);
	return STATUS_BAD;
}

/* A decimal number up to `max`. */
static bool argument(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *value <= max)
		return true;
	fprintf(stderr, "trace: %s: not a number from 0 to %" PRIu64 "\n", text, max);
	return false;
}

static int check(const struct trace *trace, char **arguments)
{
	printf("%s: whole: %" PRIu32 " pages, %" PRIu64 " records, %" PRIu64 " instructions\n",
	       arguments[0], trace->page_count, trace->record_count, trace->instructions);
	return 0;
}

static int info(const struct trace *trace, char **arguments)
{
	uint8_t *classes = trace_alloc(trace->page_count, 1);
	uint64_t kinds[TRACE_KINDS] = {0};
	uint32_t stored = 0, written = 0, charged = 0;

	(void)arguments;
	trace_classes(trace, classes);
	for (uint64_t i = 0; i < trace->record_count; i++)
		kinds[trace->kind[i]]++;
	for (uint32_t i = 0; i < trace->page_count; i++) {
		stored += (classes[i] & REPLAY_PAGE_STORED) != 0;
		written += (classes[i] & REPLAY_PAGE_WRITTEN) != 0;
		charged += classes[i] != REPLAY_PAGE_STORED;
	}
	printf("pages=%" PRIu32 "\nrecords=%" PRIu64 "\ninstructions=%" PRIu64
	       "\nreferences=%" PRIu64 "\nfilter_pages=%" PRIu64 "\nperiod=%" PRIu64 "\n",
	       trace->page_count, trace->record_count, trace->instructions, trace->references,
	       trace->filter_pages, trace->period);
	printf("reads=%" PRIu64 "\nwrites=%" PRIu64 "\nexecutes=%" PRIu64 "\n", kinds[TRACE_READ],
	       kinds[TRACE_WRITE], kinds[TRACE_EXEC]);
	printf("stored_pages=%" PRIu32 "\nwritten_pages=%" PRIu32 "\ncharged_pages=%" PRIu32 "\n",
	       stored, written, charged);
	free(classes);
	return 0;
}

static int cost(const struct trace *trace, char **arguments)
{
	struct trace_cost min, lru;
	uint64_t frames;

	if (!argument(arguments[1], UINT32_MAX, &frames))
		return STATUS_BAD;
	if (frames == 0) {
		fputs("trace: no program runs in 0 frames\n", stderr);
		return STATUS_BAD;
	}
	trace_min(trace, (uint32_t)frames, &min);
	trace_lru(trace, (uint32_t)frames, &lru);
	printf("min_faults=%" PRIu64 "\nmin_page_ins=%" PRIu64 "\nmin_page_outs=%" PRIu64 "\n",
	       min.faults, min.page_ins, min.page_outs);
	printf("lru_faults=%" PRIu64 "\nlru_page_ins=%" PRIu64 "\nlru_page_outs=%" PRIu64 "\n",
	       lru.faults, lru.page_ins, lru.page_outs);
	return 0;
}

static int failed(const char *path)
{
	fprintf(stderr, "trace: %s: cannot be written: %s\n", path, strerror(errno));
	return STATUS_FAILED;
}

static int prepare(const struct trace *trace, char **arguments)
{
	struct trace_bytes disk;
	struct trace_fault fault;
	FILE *file = fopen(arguments[1], "wb");
	bool good;

	trace_disk(trace, &disk);
	good = file && fwrite(disk.data, 1, disk.size, file) == disk.size;
	free(disk.data);
	if (file && fclose(file) != 0)
		good = false;
	if (!good)
		return failed(arguments[1]);
	file = fopen(arguments[2], "wb");
	good = file && trace_image_write(trace, file, &fault);
	if (file && fclose(file) != 0)
		good = false;
	return good ? 0 : failed(arguments[2]);
}

static int record(char **arguments)
{
	struct trace_record_config config;
	struct trace_fault fault;
	struct trace_bytes bytes;
	struct trace trace;
	uint64_t filter;
	bool good;

	if (!argument(arguments[1], 1u << 20, &filter) ||
	    !argument(arguments[2], UINT64_MAX, &config.period) ||
	    !argument(arguments[3], UINT32_MAX, &config.record_max))
		return STATUS_BAD;
	if (filter == 0) {
		fputs("trace: the filter needs a page at least\n", stderr);
		return STATUS_BAD;
	}
	config.filter_pages = (uint32_t)filter;
	if (!trace_record(stdin, &config, &trace, &fault))
		return bad("standard input", &fault);
	trace_encode(&trace, &bytes);
	good = trace_output(arguments[0], &bytes, &fault);
	free(bytes.data);
	trace_free(&trace);
	return good ? 0 : bad(arguments[0], &fault);
}

static const struct command {
	const char *name;
	int argument_count;
	int (*run)(const struct trace *trace, char **arguments);
} commands[] = {
	{"check", 1, check},
	{"info", 1, info},
	{"cost", 2, cost},
	{"prepare", 3, prepare},
};

int main(int argc, char **argv)
{
	struct trace_fault fault;
	struct trace trace;
	int status;

	if (argc == 6 && strcmp(argv[1], "record") == 0)
		return record(argv + 2);
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name) != 0 ||
		    argc != commands[i].argument_count + 2)
			continue;
		if (!trace_load(argv[2], &trace, &fault))
			return bad(argv[2], &fault);
		status = commands[i].run(&trace, argv + 2);
		trace_free(&trace);
		return status;
	}
	fputs(usage, stderr);
	return STATUS_BAD;
}
