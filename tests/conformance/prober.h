/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prober.h - one access in user mode: what on_kernel.c asks of prober/, and how it went.
 *
 *     call   words           returns
 *     GET    struct probe *  0, or an error of k_usermode_to_copy
 *     DONE   status, word    0
 */
#ifndef TESTS_CONFORMANCE_PROBER_H
#define TESTS_CONFORMANCE_PROBER_H

#include <stdint.h>

#include "kernel/syscall.h"

enum {
	PROBE_GET = SYSCALL_OWN,
	PROBE_DONE,
};

enum probe_kind {
	PROBE_READ,
	PROBE_WRITE,
	PROBE_EXEC, /* a call */
};

/* No error: the prober did not come so far. */
#define PROBE_UNKNOWN 1

struct probe {
	uint64_t address;
	uint64_t word; /* to be written, or that was read */
	uint32_t kind;
	int32_t status; /* 0 or the error with which it was refused */
};

#endif /* TESTS_CONFORMANCE_PROBER_H */
