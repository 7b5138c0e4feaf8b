/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recording.c - a file that is taken for a recording, compressed or not. What is accepted can be
 * written again as the same bytes, for each number has one form only, and everything that is done
 * with recordings can be done with it.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "tools/trace/trace.h"

static void costs(const struct trace *trace, uint32_t frames)
{
	struct trace_cost min, lru;

	trace_min(trace, frames, &min);
	trace_lru(trace, frames, &lru);
	FUZZ_CHECK(min.page_ins <= lru.page_ins && lru.page_ins <= trace->record_count);
	FUZZ_CHECK(min.faults <= lru.faults && lru.faults <= trace->record_count);
	FUZZ_CHECK(min.faults >= trace->page_count || frames < trace->page_count);
	FUZZ_CHECK(min.page_outs <= min.faults && lru.page_outs <= lru.faults);
}

static void use(struct trace *trace)
{
	struct trace_bytes disk;

	costs(trace, 1);
	costs(trace, trace->page_count / 2 + 1);
	costs(trace, UINT32_MAX);
	trace_disk(trace, &disk);
	FUZZ_CHECK(disk.size > 0 && disk.size % 4096 == 0);
	free(disk.data);
}

/* As the command does it, from a file. */
static bool load(const uint8_t *data, size_t size, struct trace *trace)
{
	struct trace_fault fault;
	int file = memfd_create("recording", 0);
	char path[64];
	bool good;

	FUZZ_CHECK(file >= 0 && write(file, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	good = trace_load(path, trace, &fault);
	close(file);
	return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trace_bytes bytes = {fuzz_own(data, size), size, size}, again;
	struct trace_fault fault = {""};
	struct trace trace;

	if (size > 0 && data[0] == 0xfd) {
		if (load(data, size, &trace)) {
			use(&trace);
			trace_free(&trace);
		}
	} else if (trace_decode(&bytes, &trace, &fault)) {
		trace_encode(&trace, &again);
		FUZZ_CHECK(again.size == size && memcmp(again.data, data, size) == 0);
		free(again.data);
		use(&trace);
		trace_free(&trace);
	} else {
		FUZZ_CHECK(strlen(fault.text) > 0);
	}
	free(bytes.data);
	return 0;
}
