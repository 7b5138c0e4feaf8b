/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inner.h - what the files of the device share.
 */
#ifndef TESTS_HOST_DEVICE_INNER_H
#define TESTS_HOST_DEVICE_INNER_H

#include "kernel/virtio.h"
#include "tests/host/device/device.h"

extern struct device_inner {
	uint32_t status;
	uint32_t page;           /* the address of a legacy queue, in pages */
	uint64_t address[3];     /* of a modern one's descriptors, available ring, used ring */
	uint32_t acknowledged;   /* reasons of which it was not told yet that they were seen */
	uint32_t readings;       /* of its size */
	struct virtio_rings *rings;
	struct virtio_rings seen; /* as the device sees them */
	uint16_t taken;           /* of the available ring */
	uint16_t used;            /* its own index */
	uint16_t pending[VIRTIO_QUEUE]; /* first descriptors of chains that it has taken */
	uint32_t pending_count;
	bool dead; /* it does no more */
} device_inner;

uint32_t device_choose(uint32_t below);

/* It may act now. */
void device_moment(void);

/* What the driver stored has arrived; what the device wrote has, or never will. */
void device_arrived(void);
void device_late_end(bool arrives);

/* Write to the memory of requests of which it lied; forget them. */
void device_stray_write(void);
void device_stray_end(void);

#endif /* TESTS_HOST_DEVICE_INNER_H */
