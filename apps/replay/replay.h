/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.h - the parts of the replaying program.
 *
 *	trace disk -> stream.c -> records -> main.c -> memory.c: touch, stamp, verify
 *	                                        |
 *	                                     report.c -> lines that tools/run shows
 *
 * All of its own data is pinned: what is paged is the recorded program's memory alone.
 * Functions that meet bad input print what and where, and return false.
 */
#ifndef APPS_REPLAY_REPLAY_H
#define APPS_REPLAY_REPLAY_H

#include <quire/compiler.h>

#include "format.h"

/* Pages that a recording may have here; 9 bytes each, pinned. */
#ifndef CONFIG_REPLAY_PAGES_MAX
#define CONFIG_REPLAY_PAGES_MAX 16384
#endif

/* ---- stream.c ----------------------------------------------------------------------- */

struct replay_record {
	uint32_t page;
	uint32_t write; /* 1: a write, 0: a read or an instruction fetch */
};

/* Open the trace disk and check its head and size. */
bool stream_open(int disk, struct replay_head *head);
/* Read the class of each page into class[0..page_count-1]; before the first records. */
bool stream_classes(uint8_t *class);
/* The next records, 0 of them at the end of the disk; valid until the next call. */
bool stream_records(const struct replay_record **records, uint32_t *count);

/* ---- memory.c ------------------------------------------------------------------------- */

/* Map the pages of the recording: zeros for those first written, the image disk's (store
 * index `store`) content for the others. 0 or -EINVAL, with a message. */
bool memory_map(const struct replay_head *head, unsigned int store);

/* Touch the page as recorded, stamping or verifying it. False, with a message, when the
 * records contradict the classes. */
bool memory_touch(const struct replay_record *record);

/* Verify every word of every page. False, with a message, when a page was never touched. */
bool memory_verify(uint32_t page_count);

struct memory_counts {
	uint64_t errors;             /* words that were not what they must be */
	uint64_t fault_count;        /* touches whose first access took a fault ... */
	uint64_t fault_instructions; /* ... and what these accesses cost */
};
extern struct memory_counts memory_counts;

/* ---- report.c --------------------------------------------------------------------------- */

void report_start(const struct replay_head *head);
/* Touches done so far; prints when there is something new to show. */
void report_progress(uint64_t touches);
/* The replay is over; the final check comes next. */
void report_replayed(uint64_t touches, uint64_t instructions);
/* The last line. */
void report_result(void);

#endif /* APPS_REPLAY_REPLAY_H */
