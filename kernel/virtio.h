/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio.h - a virtio device with one queue on a virtio-mmio transport.
 *
 * What the device is to do is a chain of descriptors: pieces of memory, those that it reads
 * before those that it writes. All chains begin and end alike, and most have one piece between,
 * so three descriptors are a chain's own and linked; only the middle one is written each time:
 *
 *     0               VIRTIO_CHAINS    2 *             3 *                         VIRTIO_QUEUE
 *     | begin of each | piece of each  | end of each   | more pieces of any chain  |
 *
 * The index of its first descriptor names a chain until the device has ended it. All but
 * virtio_start() are called with interrupts masked.
 *
 * The device is not believed. What is known of chains is kept apart from the rings, which are
 * only written, but for the used ring; and a word of that is checked against what is in flight
 * before it is anything. A device that says what cannot be so is stopped: `fault` says what it
 * was, and from then on nothing may be sent or taken.
 */
#ifndef KERNEL_VIRTIO_H
#define KERNEL_VIRTIO_H

#include <quire/compiler.h>

#include "kernel/config.h"

#define VIRTIO_QUEUE  128u /* descriptors */
#define VIRTIO_CHAINS 21u  /* in flight at once */
#define VIRTIO_MORE   (VIRTIO_QUEUE - 3 * VIRTIO_CHAINS) /* descriptors beside three for each */
#define VIRTIO_NONE   0xffffu

_Static_assert(65536u % VIRTIO_QUEUE == 0, "16-bit indexes come round within the ring");

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

/* A chain as this side knows it. */
struct virtio_own {
	uint32_t writable_bytes; /* what the device may write */
	uint32_t end_bytes;      /* of what it ends with */
	uint16_t count;          /* of pieces between begin and end; 0: it is not in flight */
	uint16_t first, last;    /* of those beyond one */
	uint16_t next;           /* in the list of free ones */
};

struct virtio {
	uint8_t *registers;
	struct virtio_rings *rings;
	const char *fault;  /* why it was stopped; NULL: it was not */
	bool legacy;
	struct virtio *untold; /* the next of those below */
	uint16_t free;      /* list of free chains */
	uint16_t in_flight; /* the others */
	uint16_t more;      /* list of free descriptors for chains of several pieces */
	uint16_t more_count;
	/* these come round: what counts is how far one is ahead of another, and the place in the
	 * ring, whose length divides 65536 */
	uint16_t sent;      /* the available index */
	uint16_t used_seen; /* chains that were taken back */
	uint16_t next[VIRTIO_QUEUE]; /* of those, in a chain or in the list */
	struct virtio_own own[VIRTIO_CHAINS];
};

/* Is there a device of this kind? */
bool virtio_is(const uint8_t *registers, uint32_t id);

/* Start the device; false: it is none that this driver understands, or does not do as it should,
 * and is not running. */
bool virtio_start(struct virtio *device, uint8_t *registers, struct virtio_rings *rings);

/* Two words of the device's configuration, of the same moment. false: they never stand still. */
bool virtio_config(const struct virtio *device, unsigned int offset, uint64_t *value);

/* What a chain begins and ends with each time: a piece that the device reads and one that it
 * writes. To be said of each chain, once, after the start. */
void virtio_chain_set(struct virtio *device, uint16_t chain, struct virtio_descriptor begin,
		      struct virtio_descriptor end);

/* Is there a chain for so many pieces, one at least? */
static inline bool virtio_room(const struct virtio *device, uint32_t count)
{
	return device->in_flight < VIRTIO_CHAINS && count <= device->more_count + 1u;
}

/* Hand the chain device->free to the device, with `count` pieces of `bytes` each, for which there
 * must be room; flags: 0 or VIRTIO_DESCRIPTOR_WRITE. */
void virtio_send(struct virtio *device, const uintptr_t *phys, uint32_t count, uint32_t bytes,
		 uint16_t flags);

/* With CONFIG_KERNEL_DISK_AT_IDLE devices are told when this is called: by who waits, or looks. */
void virtio_untold_tell(void);
static inline void virtio_tell_all(void)
{
	if (CONFIG_KERNEL_DISK_AT_IDLE) {
		virtio_untold_tell();
	}
}

/* Take back a chain that the device has ended, with the number of bytes that the device says it
 * wrote, no more than it might. VIRTIO_NONE: there is none, or there is a `fault`. */
uint16_t virtio_take(struct virtio *device, uint32_t *bytes);

/* May virtio_take() find something, or a `fault`? */
static inline bool virtio_more(const struct virtio *device)
{
	return device->fault ||
	       __atomic_load_n(&device->rings->used.index, __ATOMIC_RELAXED) != device->used_seen;
}

/* The device did what no device may do: stop it. When this returns it does not touch memory any
 * more; one that cannot be stopped ends the machine, which it could write to at any time. */
void virtio_fail(struct virtio *device, const char *what);

/* Nothing ended: does the device say that it needs a reset, or had one? Then it is stopped. */
void virtio_look(struct virtio *device);

/* Tell the device that its interrupt was seen. What it wrote before is seen after this. A change
 * of the configuration is a reason for virtio_look(). From the interrupt's handler, so masked. */
void virtio_interrupt(struct virtio *device);

#endif /* KERNEL_VIRTIO_H */
