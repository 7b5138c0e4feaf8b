/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio.h - a virtio device with one queue on a virtio-mmio transport.
 *
 * What the device is to do is a chain of descriptors: pieces of memory, those that it reads
 * before those that it writes. The index of a chain's first descriptor names it until the
 * device has ended it. All but virtio_start() and virtio_interrupt() are called with
 * interrupts masked.
 */
#ifndef KERNEL_VIRTIO_H
#define KERNEL_VIRTIO_H

#include <quire/compiler.h>

#define VIRTIO_QUEUE 128u /* descriptors */
#define VIRTIO_NONE  0xffffu

#define VIRTIO_ID_BLOCK 2u

struct virtio_descriptor {
	uint64_t phys;
	uint32_t bytes;
	uint16_t flags;
	uint16_t next;
};
#define VIRTIO_DESCRIPTOR_NEXT  1u
#define VIRTIO_DESCRIPTOR_WRITE 2u /* the device writes to it */

/* Shared with the device, in the layout that legacy ones want: the used ring starts a
 * page. In the image, so physically contiguous. */
struct virtio_rings {
	struct virtio_descriptor descriptors[VIRTIO_QUEUE];
	struct {
		uint16_t flags;
		uint16_t index;
		uint16_t heads[VIRTIO_QUEUE];
	} available;
	struct {
		uint16_t flags;
		uint16_t index;
		struct {
			uint32_t head;
			uint32_t bytes;
		} heads[VIRTIO_QUEUE];
	} used QR_ALIGNED(4096);
};

struct virtio {
	uint8_t *registers;
	struct virtio_rings *rings;
	uint16_t free; /* list of free descriptors; the next chain's first one */
	uint16_t free_count;
	uint16_t used_seen;
};

/* Is there a device of this kind? */
bool virtio_is(const uint8_t *registers, uint32_t id);

/* Start the device; false: it is none that this driver understands. */
bool virtio_start(struct virtio *device, uint8_t *registers, struct virtio_rings *rings);

/* A word of the device's configuration. */
uint32_t virtio_config(const struct virtio *device, unsigned int offset);

/* Append a piece to the chain that ends with descriptor *last (VIRTIO_NONE: begin one);
 * free_count says whether there is room. */
void virtio_add(struct virtio *device, uint16_t *last, struct virtio_descriptor piece);

/* Hand the finished chain to the device. */
void virtio_send(struct virtio *device, uint16_t head);

/* Take back a chain that the device has ended; VIRTIO_NONE: there is none. */
uint16_t virtio_take(struct virtio *device);

/* Tell the device that its interrupt was seen. */
void virtio_interrupt(struct virtio *device);

#endif /* KERNEL_VIRTIO_H */
