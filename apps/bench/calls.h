/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls.h - what user.c asks of caller/, which runs in user mode: its argument is a count, shifted
 * by 8, and one of these. MARK, the system call that user.c adds, notes the counter.
 */
#ifndef APPS_BENCH_CALLS_H
#define APPS_BENCH_CALLS_H

#include "kernel/syscall.h"

#define CALL_MARK SYSCALL_OWN

enum caller {
	CALLER_NONE,    /* empty system calls between two marks */
	CALLER_YIELD,   /* yields between two marks */
	CALLER_PARTNER, /* as many yields and some more, for the one above */
};

/* Calls before the first mark: everything was touched once. */
#define CALLER_WARM 4u

#endif /* APPS_BENCH_CALLS_H */
