/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lackey.c - text that is taken for the output of valgrind's lackey. Three bytes in front of it are
 * the recorder's options. What is accepted is a recording.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "tools/trace/trace.h"

static void is_recording(const struct trace *trace, uint64_t limit)
{
	struct trace_bytes bytes;
	struct trace_fault fault;
	struct trace again;

	/* one reference may be of more pages than the limit leaves room for */
	FUZZ_CHECK(limit == 0 || trace->record_count < limit + 2 * 17);
	trace_encode(trace, &bytes);
	FUZZ_CHECK(trace_decode(&bytes, &again, &fault));
	FUZZ_CHECK(again.record_count == trace->record_count &&
		   again.references == trace->references &&
		   again.instructions == trace->instructions);
	trace_free(&again);
	free(bytes.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes rest = {data, size};
	struct trace_record_config config;
	struct trace_fault fault = {""};
	struct trace trace;
	uint8_t *text;
	FILE *stream;

	config.filter_pages = 1 + fuzz_byte(&rest) % 8;
	config.period = fuzz_byte(&rest);
	config.record_max = fuzz_byte(&rest);
	if (rest.size == 0)
		return 0;
	text = fuzz_own(rest.data, rest.size);
	stream = fmemopen(text, rest.size, "r");
	FUZZ_CHECK(stream != NULL);
	if (trace_record(stream, &config, &trace, &fault)) {
		is_recording(&trace, config.record_max);
		trace_free(&trace);
	} else {
		FUZZ_CHECK(strlen(fault.text) > 0);
	}
	fclose(stream);
	free(text);
	return 0;
}
