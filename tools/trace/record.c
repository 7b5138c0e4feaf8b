/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.c - the recorder: from the output of `valgrind --tool=lackey --trace-mem=yes`
 * to a recording.
 *
 * Lackey prints a line for each reference (lackey.c). Most touch a page that was just
 * touched and is certainly in a frame, so they pass a filter: an LRU list of the last
 * pages used. A reference becomes a record when its page is not in the filter, when it is
 * the first write since the page came into the filter, or when `period` instructions
 * passed since the page's last record. (So a memory of at least about three times the
 * filter sees the same faults.)
 *
 * A modifying reference is a load, then a store: a page first touched so is one whose
 * content was there before.
 */
#include "trace.h"
#include "lackey.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NONE       UINT32_MAX
#define PAGE_SHIFT 12

/* What the recorder knows of a page; ids are given in the order of first touch. */
struct page {
	uint64_t vpn;
	uint64_t recorded;     /* instruction count at its last record */
	uint32_t newer, older; /* in the filter; NONE, NONE outside */
	bool held, written;    /* in the filter; written since it came in */
};

struct recorder {
	const struct trace_record_config *config;
	struct trace_bytes pages; /* struct page[] */
	uint32_t page_count;
	uint32_t *table; /* hash: vpn to id; a power of two slots */
	uint32_t table_size;
	uint32_t newest, oldest, held_count; /* the filter */
	uint64_t now, before;                /* instructions: executed, at the last record */
	uint64_t references, record_count;
	struct trace_bytes page, kind, elapsed; /* the records, as in struct trace */
};

static struct page *page_of(struct recorder *recorder, uint32_t id)
{
	return (struct page *)(void *)recorder->pages.data + id;
}

/* ---- page numbers to ids ----------------------------------------------------------- */

static uint32_t *slot_of(struct recorder *recorder, uint64_t vpn)
{
	uint32_t mask = recorder->table_size - 1;
	uint32_t i = (uint32_t)((vpn * 0x9e3779b97f4a7c15u) >> 32) & mask;

	while (recorder->table[i] != NONE && page_of(recorder, recorder->table[i])->vpn != vpn)
		i = (i + 1) & mask;
	return &recorder->table[i];
}

static void table_grow(struct recorder *recorder)
{
	free(recorder->table);
	recorder->table_size = recorder->table_size ? recorder->table_size * 2 : 4096;
	recorder->table = trace_alloc(recorder->table_size, sizeof(*recorder->table));
	memset(recorder->table, 0xff, recorder->table_size * sizeof(*recorder->table));
	for (uint32_t id = 0; id < recorder->page_count; id++)
		*slot_of(recorder, page_of(recorder, id)->vpn) = id;
}

static uint32_t id_of(struct recorder *recorder, uint64_t vpn)
{
	uint32_t *slot;

	if (recorder->page_count * 2 >= recorder->table_size)
		table_grow(recorder);
	slot = slot_of(recorder, vpn);
	if (*slot == NONE) {
		struct page page = {.vpn = vpn, .newer = NONE, .older = NONE};

		trace_bytes_add(&recorder->pages, &page, sizeof(page));
		*slot = recorder->page_count++;
	}
	return *slot;
}

/* ---- the filter -------------------------------------------------------------------- */

static void filter_remove(struct recorder *recorder, uint32_t id)
{
	struct page *page = page_of(recorder, id);

	*(page->newer == NONE ? &recorder->newest
			      : &page_of(recorder, page->newer)->older) = page->older;
	*(page->older == NONE ? &recorder->oldest
			      : &page_of(recorder, page->older)->newer) = page->newer;
	page->held = false;
	recorder->held_count--;
}

static void filter_add(struct recorder *recorder, uint32_t id)
{
	struct page *page = page_of(recorder, id);

	page->newer = NONE;
	page->older = recorder->newest;
	*(page->older == NONE ? &recorder->oldest : &page_of(recorder, page->older)->newer) = id;
	recorder->newest = id;
	page->held = true;
	recorder->held_count++;
}

static void record_add(struct recorder *recorder, uint32_t id, enum trace_kind kind)
{
	uint64_t elapsed = recorder->now - recorder->before;
	uint8_t byte = (uint8_t)kind;

	trace_bytes_add(&recorder->page, &id, sizeof(id));
	trace_bytes_add(&recorder->kind, &byte, 1);
	trace_bytes_add(&recorder->elapsed, &elapsed, sizeof(elapsed));
	recorder->record_count++;
	recorder->before = recorder->now;
	page_of(recorder, id)->recorded = recorder->now;
}

static void reference(struct recorder *recorder, uint64_t vpn, enum trace_kind kind)
{
	uint64_t period = recorder->config->period;
	uint32_t id = id_of(recorder, vpn);
	struct page *page = page_of(recorder, id);
	bool write = kind == TRACE_WRITE;
	bool record = !page->held || (write && !page->written) ||
		      (period && recorder->now - page->recorded >= period);

	recorder->references++;
	if (!page->held)
		page->written = false;
	if (page->held && recorder->newest != id)
		filter_remove(recorder, id);
	if (!page->held) {
		if (recorder->held_count == recorder->config->filter_pages)
			filter_remove(recorder, recorder->oldest);
		filter_add(recorder, id);
	}
	page->written |= write;
	if (record)
		record_add(recorder, id, kind);
}

/* ---- the stream -------------------------------------------------------------------- */

static void line_take(struct recorder *recorder, const struct lackey_line *line)
{
	uint64_t last = (line->address + line->size - 1) >> PAGE_SHIFT;
	char kind = line->kind;

	recorder->now += kind == 'I';
	for (uint64_t vpn = line->address >> PAGE_SHIFT; vpn <= last; vpn++) {
		if (kind == 'I')
			reference(recorder, vpn, TRACE_EXEC);
		if (kind == 'L' || kind == 'M')
			reference(recorder, vpn, TRACE_READ);
		if (kind == 'S' || kind == 'M')
			reference(recorder, vpn, TRACE_WRITE);
	}
}

/* What valgrind says must be of one process, and of one program in it: others have address spaces
 * of their own. */
struct source {
	uint64_t process;
	unsigned int programs;
};

static bool source_take(struct source *source, const struct lackey_line *line, uint64_t number,
			struct trace_fault *fault)
{
	if (line->process && source->process && line->process != source->process)
		return trace_bad(
			fault, "line %" PRIu64 " is of process %" PRIu64 ", others are of %" PRIu64,
			number, line->process, source->process);
	source->process = line->process ? line->process : source->process;
	source->programs += line->kind == LACKEY_BEGIN;
	return source->programs < 2 ||
	       trace_bad(fault,
			 "at line %" PRIu64 " the program ran another one in its place (exec): "
			 "record that one's own command",
			 number);
}

static bool stream_take(struct recorder *recorder, FILE *stream, struct trace_fault *fault)
{
	uint64_t limit = recorder->config->record_max ? recorder->config->record_max : UINT64_MAX;
	struct source source = {0, 0};
	struct lackey_line line;

	for (uint64_t number = 1; recorder->record_count < limit && lackey_read(stream, &line);
	     number++) {
		if (line.kind == LACKEY_OVER)
			break;
		if (line.kind == LACKEY_BAD)
			return trace_bad(fault, "line %" PRIu64 " is not lackey's: %s", number,
					 line.text);
		if (line.kind != LACKEY_MESSAGE && line.kind != LACKEY_BEGIN)
			line_take(recorder, &line);
		else if (!source_take(&source, &line, number, fault))
			return false;
	}
	if (recorder->record_count == 0)
		return trace_bad(fault, "no memory reference in lackey's output");
	return true;
}

/* ---- the end: sort the pages ------------------------------------------------------- */

static int page_compare(const void *left, const void *right)
{
	uint64_t a = ((const struct page *)left)->vpn, b = ((const struct page *)right)->vpn;

	return a < b ? -1 : a > b;
}

static void trace_finish(struct recorder *recorder, struct trace *trace)
{
	uint32_t *rank = trace_alloc(recorder->page_count, sizeof(*rank));

	/* `recorded` is no longer needed: it carries the id through the sort */
	for (uint32_t id = 0; id < recorder->page_count; id++)
		page_of(recorder, id)->recorded = id;
	qsort(recorder->pages.data, recorder->page_count, sizeof(struct page), page_compare);
	*trace = (struct trace){
		.page_count = recorder->page_count,
		.record_count = recorder->record_count,
		.instructions = recorder->now,
		.references = recorder->references,
		.filter_pages = recorder->config->filter_pages,
		.period = recorder->config->period,
		.vpn = trace_alloc(recorder->page_count, sizeof(*trace->vpn)),
		.page = (uint32_t *)(void *)recorder->page.data,
		.kind = recorder->kind.data,
		.elapsed = (uint64_t *)(void *)recorder->elapsed.data,
	};
	for (uint32_t i = 0; i < recorder->page_count; i++) {
		trace->vpn[i] = page_of(recorder, i)->vpn;
		rank[page_of(recorder, i)->recorded] = i;
	}
	for (uint64_t i = 0; i < trace->record_count; i++)
		trace->page[i] = rank[trace->page[i]];
	free(rank);
}

bool trace_record(FILE *stream, const struct trace_record_config *config, struct trace *trace,
		  struct trace_fault *fault)
{
	struct recorder recorder = {.config = config, .newest = NONE, .oldest = NONE};
	bool good = stream_take(&recorder, stream, fault);

	if (good) {
		trace_finish(&recorder, trace);
	} else {
		free(recorder.page.data);
		free(recorder.kind.data);
		free(recorder.elapsed.data);
	}
	free(recorder.pages.data);
	free(recorder.table);
	return good;
}
