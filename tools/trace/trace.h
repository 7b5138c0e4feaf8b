/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace.h - page-reference recordings (format PGT1, docs/workloads.md) on the host.
 *
 * Functions that can meet bad input return false and leave a message in a struct
 * trace_fault, with the byte where the input went wrong. Running out of host memory
 * ends the program.
 */
#ifndef TOOLS_TRACE_H
#define TOOLS_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum trace_kind { TRACE_READ, TRACE_WRITE, TRACE_EXEC, TRACE_KINDS };

struct trace {
	uint32_t page_count;
	uint64_t record_count;
	uint64_t instructions; /* that the program executed while it was recorded */
	uint64_t references;   /* before the recorder's filter */
	uint64_t filter_pages;
	uint64_t period;   /* instructions after which a page is recorded again */
	uint64_t *vpn;     /* [page_count], ascending */
	uint32_t *page;    /* [record_count], index in vpn */
	uint8_t *kind;     /* [record_count], enum trace_kind */
	uint64_t *elapsed; /* [record_count], instructions since the record before */
};

struct trace_fault {
	char text[200];
};

/* Set the message; returns false, for `return trace_bad(...)`. */
bool trace_bad(struct trace_fault *fault, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Bytes that grow. */
struct trace_bytes {
	uint8_t *data;
	size_t size, room;
};
void trace_bytes_add(struct trace_bytes *bytes, const void *data, size_t size);
void *trace_alloc(size_t count, size_t size); /* zeroed */

/* input.c: a whole file, decompressed if it is xz. */
bool trace_input(const char *path, struct trace_bytes *bytes, struct trace_fault *fault);
/* The same bytes as an xz file. */
bool trace_output(const char *path, const struct trace_bytes *bytes, struct trace_fault *fault);

/* pgt.c: from and to the format's bytes. A decoded trace is consistent: everything
 * that the format promises was checked. */
bool trace_decode(const struct trace_bytes *bytes, struct trace *trace, struct trace_fault *fault);
void trace_encode(const struct trace *trace, struct trace_bytes *bytes);
bool trace_load(const char *path, struct trace *trace, struct trace_fault *fault);
void trace_free(struct trace *trace);

/* optimum.c: what replacing pages costs at best, and with exact LRU. */
struct trace_cost {
	uint64_t faults;    /* touches of a page that is in no frame */
	uint64_t page_ins;  /* those that read the page from somewhere */
	uint64_t page_outs; /* evictions of pages written since they came in */
};
/* For each record the one that touches its page next, record_count if none; the caller's to
 * free. */
uint64_t *trace_next_uses(const struct trace *trace);
void trace_min(const struct trace *trace, uint32_t frame_count, struct trace_cost *cost);
void trace_lru(const struct trace *trace, uint32_t frame_count, struct trace_cost *cost);

/* pages.c: what kinds of pages there are. Bits of a page's class: apps/replay/format.h. */
void trace_classes(const struct trace *trace, uint8_t *classes);

/* prepare.c: the disks of the replaying program (apps/replay/format.h). */
/* How many records there are between two calls of the policy's timer. */
uint32_t trace_pace(const struct trace *trace);
void trace_disk(const struct trace *trace, struct trace_bytes *disk);
bool trace_image_write(const struct trace *trace, FILE *file, struct trace_fault *fault);

/* record.c: from the reference stream of valgrind's lackey to a trace. */
struct trace_record_config {
	uint32_t filter_pages;
	uint64_t period;
	uint64_t record_max; /* stop there; 0: no limit */
};
bool trace_record(FILE *stream, const struct trace_record_config *config, struct trace *trace,
		  struct trace_fault *fault);

#endif /* TOOLS_TRACE_H */
