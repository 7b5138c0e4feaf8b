/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pgt.c - the format PGT1, read with suspicion and written.
 *
 * Everything is checked before it is believed: no count makes us allocate more than
 * the file's size justifies, and a number must be in its shortest form, so that a
 * flipped bit rarely passes for another number. What a file can still get away with is
 * a change that is a recording too.
 */
#include "trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_BYTES_MAX 10
#define VPN_MAX          (UINT64_C(1) << 52)

struct reader {
	const uint8_t *data;
	size_t size, at;
	struct trace_fault *fault;
};

/* The next number; `what` names it in the message. */
static bool number(struct reader *reader, const char *what, uint64_t *value)
{
	size_t start = reader->at;
	unsigned int shift = 0;

	*value = 0;
	for (;;) {
		uint8_t byte;

		if (reader->at == reader->size)
			return trace_bad(reader->fault, "%s: the file ends at byte %zu", what,
					 reader->at);
		byte = reader->data[reader->at++];
		if (shift == 63 && byte > 1)
			return trace_bad(reader->fault, "%s: a number over 64 bits at byte %zu",
					 what, start);
		*value |= (uint64_t)(byte & 127) << shift;
		if (byte < 128) {
			if (byte == 0 && shift > 0)
				return trace_bad(reader->fault,
						 "%s: a number not in its "
						 "shortest form at byte %zu",
						 what, start);
			return true;
		}
		shift += 7;
	}
}

static bool header(struct reader *reader, struct trace *trace)
{
	uint64_t pages;

	if (reader->size < 4 || memcmp(reader->data, "PGT1", 4) != 0)
		return trace_bad(reader->fault, "not a recording: no PGT1 at byte 0");
	reader->at = 4;
	if (!number(reader, "page count", &pages) ||
	    !number(reader, "record count", &trace->record_count) ||
	    !number(reader, "instruction count", &trace->instructions) ||
	    !number(reader, "reference count", &trace->references) ||
	    !number(reader, "filter pages", &trace->filter_pages) ||
	    !number(reader, "refresh period", &trace->period))
		return false;
	if (pages == 0 || trace->record_count < pages)
		return trace_bad(reader->fault,
				 "%" PRIu64 " pages in %" PRIu64 " records (header, byte 4)", pages,
				 trace->record_count);
	/* a page takes a byte at least; a record two and a quarter */
	if (pages > reader->size - reader->at || pages > UINT32_MAX ||
	    trace->record_count > (reader->size - reader->at - pages) / 2)
		return trace_bad(reader->fault,
				 "%" PRIu64 " pages and %" PRIu64 " records cannot fit in what "
				 "follows byte %zu: %zu bytes",
				 pages, trace->record_count, reader->at, reader->size - reader->at);
	trace->page_count = (uint32_t)pages;
	return true;
}

static bool page_table(struct reader *reader, struct trace *trace)
{
	uint64_t vpn = 0, step;

	trace->vpn = trace_alloc(trace->page_count, sizeof(*trace->vpn));
	for (uint32_t i = 0; i < trace->page_count; i++) {
		size_t start = reader->at;

		if (!number(reader, "page table", &step))
			return false;
		if ((step == 0 && i > 0) || step >= VPN_MAX || vpn + step >= VPN_MAX)
			return trace_bad(reader->fault,
					 "page table: page %" PRIu32 " %s at byte %zu", i,
					 step == 0 ? "repeats the one before"
						   : "is outside the address space",
					 start);
		trace->vpn[i] = vpn += step;
	}
	return true;
}

static bool kinds(struct reader *reader, struct trace *trace)
{
	uint64_t bytes = trace->record_count / 4 + (trace->record_count % 4 != 0);

	if (bytes > reader->size - reader->at)
		return trace_bad(reader->fault, "kinds: the file ends at byte %zu", reader->size);
	trace->kind = trace_alloc(trace->record_count, 1);
	for (uint64_t i = 0; i < bytes * 4; i++) {
		uint8_t kind = reader->data[reader->at + i / 4] >> (i % 4 * 2) & 3;

		if (i < trace->record_count ? kind >= TRACE_KINDS : kind != 0)
			return trace_bad(reader->fault,
					 "kinds: record %" PRIu64 " has kind %d at byte %" PRIu64,
					 i, kind, reader->at + i / 4);
		if (i < trace->record_count)
			trace->kind[i] = kind;
	}
	reader->at += bytes;
	return true;
}

/* The page indexes; every page must occur, or the page count lies. */
static bool indexes(struct reader *reader, struct trace *trace)
{
	uint8_t *seen = trace_alloc(trace->page_count, 1);
	uint64_t coded, page = 0;
	bool good = true;

	trace->page = trace_alloc(trace->record_count, sizeof(*trace->page));
	for (uint64_t i = 0; good && i < trace->record_count; i++) {
		size_t start = reader->at;

		good = number(reader, "indexes", &coded);
		page += (coded >> 1) ^ -(coded & 1);
		if (good && page >= trace->page_count)
			good = trace_bad(reader->fault,
					 "indexes: record %" PRIu64 " has page %" PRId64
					 " of %" PRIu32 " at byte %zu",
					 i, (int64_t)page, trace->page_count, start);
		if (good) {
			trace->page[i] = (uint32_t)page;
			seen[page] = 1;
		}
	}
	for (uint32_t i = 0; good && i < trace->page_count; i++) {
		if (!seen[i])
			good = trace_bad(reader->fault,
					 "indexes: page %" PRIu32 " of %" PRIu32
					 " has no record in the indexes that end at byte %zu",
					 i, trace->page_count, reader->at);
	}
	free(seen);
	return good;
}

static bool times(struct reader *reader, struct trace *trace)
{
	uint64_t left = trace->instructions;

	trace->elapsed = trace_alloc(trace->record_count, sizeof(*trace->elapsed));
	for (uint64_t i = 0; i < trace->record_count; i++) {
		size_t start = reader->at;

		if (!number(reader, "times", &trace->elapsed[i]))
			return false;
		if (trace->elapsed[i] > left)
			return trace_bad(reader->fault,
					 "times: record %" PRIu64 " is later than the %" PRIu64
					 " instructions covered, at byte %zu",
					 i, trace->instructions, start);
		left -= trace->elapsed[i];
	}
	if (reader->at != reader->size)
		return trace_bad(reader->fault, "%zu bytes too many after byte %zu",
				 reader->size - reader->at, reader->at);
	return true;
}

bool trace_decode(const struct trace_bytes *bytes, struct trace *trace, struct trace_fault *fault)
{
	struct reader reader = {bytes->data, bytes->size, 0, fault};

	*trace = (struct trace){0};
	if (header(&reader, trace) && page_table(&reader, trace) && kinds(&reader, trace) &&
	    indexes(&reader, trace) && times(&reader, trace))
		return true;
	trace_free(trace);
	return false;
}

static void number_add(struct trace_bytes *bytes, uint64_t value)
{
	uint8_t code[NUMBER_BYTES_MAX];
	size_t size = 0;

	for (; value > 127; value >>= 7)
		code[size++] = (uint8_t)(value | 128);
	code[size++] = (uint8_t)value;
	trace_bytes_add(bytes, code, size);
}

void trace_encode(const struct trace *trace, struct trace_bytes *bytes)
{
	const uint64_t head[] = {trace->page_count, trace->record_count, trace->instructions,
				 trace->references, trace->filter_pages, trace->period};

	*bytes = (struct trace_bytes){0};
	trace_bytes_add(bytes, "PGT1", 4);
	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
		number_add(bytes, head[i]);
	for (uint32_t i = 0; i < trace->page_count; i++)
		number_add(bytes, trace->vpn[i] - (i ? trace->vpn[i - 1] : 0));
	for (uint64_t i = 0; i < trace->record_count; i += 4) {
		uint8_t byte = 0;

		for (unsigned int j = 0; j < 4 && i + j < trace->record_count; j++)
			byte |= (uint8_t)(trace->kind[i + j] << (2 * j));
		trace_bytes_add(bytes, &byte, 1);
	}
	for (uint64_t i = 0; i < trace->record_count; i++) {
		int64_t step = (int64_t)trace->page[i] - (i ? (int64_t)trace->page[i - 1] : 0);

		number_add(bytes, (uint64_t)step << 1 ^ (uint64_t)(step >> 63));
	}
	for (uint64_t i = 0; i < trace->record_count; i++)
		number_add(bytes, trace->elapsed[i]);
}

bool trace_load(const char *path, struct trace *trace, struct trace_fault *fault)
{
	struct trace_bytes bytes;
	bool good = trace_input(path, &bytes, fault);

	if (good) {
		good = trace_decode(&bytes, trace, fault);
		free(bytes.data);
	}
	return good;
}

void trace_free(struct trace *trace)
{
	free(trace->vpn);
	free(trace->page);
	free(trace->kind);
	free(trace->elapsed);
	*trace = (struct trace){0};
}
