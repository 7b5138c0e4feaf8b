/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - the lines that tools/run shows.
 */
#ifndef APPS_REPLAY_REPORT_H
#define APPS_REPLAY_REPORT_H

#include <stdint.h>

void report_start(uint32_t page_count, uint64_t record_count);
/* Touches done so far; prints when there is something new to show. */
void report_progress(uint64_t touches);
/* The replay is over; the final check comes next. */
void report_replayed(uint64_t touches, uint64_t instructions);
/* The last line: words that were wrong, page faults of the player during the replay and
 * what these took. */
void report_result(uint64_t errors, uint64_t faults, uint64_t fault_instructions);

#endif /* APPS_REPLAY_REPORT_H */
