/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.h - a virtio disk in C behind the kernel's own driver (kernel/virtio.c, kernel/disk.c),
 * legacy or modern, that does what it is told: the truth, or a lie.
 *
 * It acts whenever the driver gives it a moment: at an access to a register, at a barrier, at a
 * change of the interrupt mask. Whether it does is asked of choose(), so a random number or a
 * fuzzer's byte decides. Where choose() always says 0 it acts in device_step() alone.
 *
 * Memory is as weak as the worst machine's. The driver's stores to the rings reach the device at
 * a barrier; with `early` the available index does at once, and what it stands for does not. What
 * the device writes is seen after barrier_read(), but for the used index, which is seen at
 * once. That an interrupt was seen reaches it at barrier_acknowledged(), or when it likes.
 *
 * One device, for one disk. A lie is told once, by the next request that ends.
 */
#ifndef TESTS_HOST_DEVICE_H
#define TESTS_HOST_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/disk.h"

enum device_lie {
	DEVICE_TRUTH,
	/* ends that the driver must see through */
	DEVICE_STATUS_MISSING, /* nothing is moved, no status is written */
	DEVICE_STATUS_UNKNOWN,
	DEVICE_ID_BEYOND,      /* no such descriptor */
	DEVICE_ID_WIDE,        /* more than 16 bits, of which the lower ones are the right ones */
	DEVICE_ID_FREE,        /* of a chain that is not in flight */
	DEVICE_ID_INNER,       /* a descriptor, but not the first of its chain */
	DEVICE_TWICE,          /* the same chain once more */
	DEVICE_LENGTH_LONG,    /* more than there was room for */
	DEVICE_LENGTH_SHORT,   /* a part of the data, with a good status */
	DEVICE_INDEX_JUMPS,
	DEVICE_INDEX_BACK,
	DEVICE_NEVER,          /* this one does not end; the device moves its data much later */
	DEVICE_NEEDS_RESET,    /* it says so, and does no more */
	DEVICE_FORGETS,        /* everything: its status is 0 */
	DEVICE_LIES,
};

#define DEVICE_CONFIG_CHANGED 2u /* a reason of an interrupt, also for what needs a reset */

/* What is wrong with it from the start. */
enum device_fault {
	DEVICE_SOUND,
	DEVICE_VERSION,        /* no known one */
	DEVICE_NO_RESET,       /* it does not go into reset */
	DEVICE_FEATURES,       /* it does not agree to any */
	DEVICE_QUEUE_NONE,
	DEVICE_QUEUE_SMALL,
	DEVICE_QUEUE_ODD,      /* no power of two */
	DEVICE_QUEUE_HUGE,     /* larger than there may be */
	DEVICE_SIZE_MOVES,     /* never the same twice */
	DEVICE_SIZE_HUGE,      /* more bytes than can be counted */
	DEVICE_SILENT,         /* it never answers */
	DEVICE_NAMELESS,       /* no name, but an error */
	DEVICE_FAULTS,
};

#define DEVICE_PAGES 64u
#define DEVICE_SECTORS (DEVICE_PAGES * 8u)

extern struct device {
	/* the test's */
	bool legacy, early;
	enum device_lie lie;      /* told by the next end, then DEVICE_TRUTH again */
	enum device_fault fault;
	int status;               /* with which requests end: virtio's 0, 1 or 2 */
	bool unstoppable;         /* a later reset is not taken */
	bool backwards;           /* the request that came last ends first */
	bool late_ack;            /* acts before it is told that its interrupt was seen */
	const char *serial;
	uint32_t (*choose)(uint32_t below);
	uint8_t bytes[DEVICE_PAGES * CONFIG_MMU_PAGE_SIZE]; /* the disk */

	/* what happened */
	bool running;             /* not in reset, and a queue is there */
	uint32_t interrupts;      /* its reasons, as the driver may read them */
	uint32_t notified;
	unsigned int lies_told;
	unsigned int printed;     /* lines of the kernel that say that a disk is given up ... */
	char why[160];            /* ... and the last of them */
	unsigned int panicked;
} device;

/* A new device, to which nothing of an earlier one is left; the driver forgets its disks. Sound,
 * modern, truthful. */
void device_reset(void);

/* Take what the driver has made available and end one request. false: there was none. */
bool device_step(void);

/* End all there are. */
void device_run(void);

/* Call the driver's interrupt handler while the device wants it. */
void device_interrupt(void);

/* Where kernel_panic() goes on: set with setjmp before what may panic. */
extern void (*device_on_panic)(const char *what);

#endif /* TESTS_HOST_DEVICE_H */
