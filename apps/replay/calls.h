/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls.h - the system calls that main.c adds for player/.
 *
 *     call        words                              returns
 *     TRACE_SIZE                                     bytes of the trace disk, -1: there is none
 *     TRACE_READ  offset, buffer, bytes              0, -EINVAL, -EIO, or an error of
 *                                                    k_usermode_to_copy
 *     MAP_STORED  first page, count, writable (0/1)  the address of pages of the image disk, or an
 *                                                    error of k_mem_map_stored or
 *                                                    k_mem_domain_add_partition
 *     START       pages, records                     0; keeps the caller's stack in frames
 *     PROGRESS    touches so far                     0
 *     TICK                                           0; the policy ages frames
 *     REPLAYED    touches, instructions              0
 *     RESULT      wrong words, faults, their instructions   0
 *
 * START, PROGRESS, REPLAYED and RESULT print what tools/run shows (report.c).
 */
#ifndef APPS_REPLAY_CALLS_H
#define APPS_REPLAY_CALLS_H

#include "kernel/syscall.h"

enum replay_call {
	REPLAY_TRACE_SIZE = SYSCALL_OWN,
	REPLAY_TRACE_READ,
	REPLAY_MAP_STORED,
	REPLAY_START,
	REPLAY_PROGRESS,
	REPLAY_TICK,
	REPLAY_REPLAYED,
	REPLAY_RESULT,
	REPLAY_CALLS_END,
};

/* The most that TRACE_READ reads. */
#define REPLAY_READ_MAX 16384u

/* What the player ends with. */
#define STATUS_PASSED    0
#define STATUS_FAILED    1
#define STATUS_BAD_INPUT 2

#endif /* APPS_REPLAY_CALLS_H */
