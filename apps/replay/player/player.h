/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.h - the parts of the player, which runs in user mode.
 *
 *	trace disk -> stream.c -> records -> main.c -> memory.c: touch, stamp, verify
 *	              |            |                    |
 *	              +------------+--- calls.c --------+
 *	- - - - - - - - - - - - - - - - - -|- - - - - - - - - system calls (../calls.h)
 *	                   ../main.c, ../report.c -> lines that tools/run shows
 *
 * All of its own data is resident: what is paged is the recorded program's memory alone.
 * Functions that meet bad input print what and where, and return false.
 */
#ifndef APPS_REPLAY_PLAYER_PLAYER_H
#define APPS_REPLAY_PLAYER_PLAYER_H

#include <quire/compiler.h>

#include "apps/replay/format.h"

/* Pages that a recording may have here; 9 bytes each, resident. */
#ifndef CONFIG_REPLAY_PAGES_MAX
#define CONFIG_REPLAY_PAGES_MAX 16384
#endif

/* ---- stream.c ----------------------------------------------------------------------- */

struct replay_record {
	uint32_t page;
	uint32_t write; /* 1: a write, 0: a read or an instruction fetch */
};

/* Open the trace disk and check its head and size. */
bool stream_open(struct replay_head *head);
/* Read the class of each page into class[0..page_count-1]; before the first records. */
bool stream_classes(uint8_t *class);
/* The next records, 0 of them at the end of the disk; valid until the next call. */
bool stream_records(const struct replay_record **records, uint32_t *count);

/* ---- memory.c ------------------------------------------------------------------------- */

/* Map the pages of the recording: zeros for those first written, the image disk's content for
 * the others. */
bool memory_map(const struct replay_head *head);

/* Touch the page as recorded, stamping or verifying it. False, with a message, when the
 * records contradict the classes. */
bool memory_touch(const struct replay_record *record);

/* Verify every word of every page. False, with a message, when a page was never touched. */
bool memory_verify(uint32_t page_count);

/* Words that were not what they must be. */
extern uint64_t memory_errors;

/* ---- calls.c ---------------------------------------------------------------------------- */

/* Size of the trace disk in bytes, -1: there is none; read some of it: 0 or an error. */
int64_t trace_bytes(void);
int trace_read(uint64_t offset, void *buffer, size_t bytes);

/* Map zeroed writable memory, or pages of the image disk from `first` on: 0 or an error. */
int map_zeros(void **addr, size_t size);
int map_stored(void **addr, uint32_t first, size_t size, bool writable);

#endif /* APPS_REPLAY_PLAYER_PLAYER_H */
