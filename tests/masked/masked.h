/* SPDX-License-Identifier: Apache-2.0 */
/*
 * masked.h - what main.c asks of caller/, which runs in user mode: its argument, and a system call.
 *
 *     call   words        returns
 *     BEGIN  0 or 1       0: from now on, or no longer, it is measured
 *     COPY   from, bytes  0: read by the kernel, at most MASKED_COPY_MAX; an error of the copy
 */
#ifndef TESTS_MASKED_MASKED_H
#define TESTS_MASKED_MASKED_H

#include "kernel/syscall.h"

#define MASKED_BEGIN    SYSCALL_OWN
#define MASKED_COPY     (SYSCALL_OWN + 1)
#define MASKED_COPY_MAX 8192u

enum masked_what {
	MASKED_NOTHING, /* no call at all: what the measurement itself takes */
	MASKED_SMALL,   /* calls that do next to nothing */
	MASKED_PRINT,   /* as much as there may be in a call */
	MASKED_COPIES,  /* likewise */
	MASKED_MEMORY,  /* maps and unmaps */
	MASKED_FAULTS,  /* faults that come back to it */
	MASKED_END,     /* one that does not: a line is printed */
	MASKED_COUNT,
};

#endif
