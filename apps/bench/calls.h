/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls.h - what user.c and user_fault.c ask of caller/, in user mode: its argument is a count,
 * shifted by 8, and one of these. Of the system calls that user.c adds MARK notes the counter,
 * MEMORY says where so many pages are.
 */
#ifndef APPS_BENCH_CALLS_H
#define APPS_BENCH_CALLS_H

#include "kernel/syscall.h"

#define CALL_MARK   SYSCALL_OWN
#define CALL_MEMORY (SYSCALL_OWN + 1)

enum caller {
	CALLER_NONE,    /* empty system calls between two marks */
	CALLER_YIELD,   /* yields between two marks */
	CALLER_PARTNER, /* as many yields and some more, for the one above */
	CALLER_TOUCH,   /* a write to each page of the memory between two marks */
	CALLER_SWEEP,   /* touches what SWEEP_NEXT says, until it says 0, and then SWEEP_END */
};

/* Of the system calls that user_fault.c adds, SWEEP_NEXT begins a sample and says the address of a
 * page, and SWEEP_WRITE in its lowest bit, SWEEP_END ends it. */
#define SWEEP_NEXT  SYSCALL_OWN
#define SWEEP_END   (SYSCALL_OWN + 1)
#define SWEEP_WRITE 1u

/* Calls before the first mark: everything was touched once. */
#define CALLER_WARM 4u

/* From one page that CALLER_TOUCH touches to the next. */
#define TOUCH_BYTES 4096u

#endif /* APPS_BENCH_CALLS_H */
