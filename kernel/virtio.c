/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio.c - virtio-mmio transports, legacy and modern (Virtio 1.1, sections 2.6 and 4.2).
 */
#include "kernel/virtio.h"

#include "kernel/machine.h"
#include "kernel/mmio.h"

/* Registers of the transport. */
#define MAGIC              0x000
#define VERSION            0x004
#define DEVICE_ID          0x008
#define DRIVER_FEATURES    0x020
#define DRIVER_FEATURE_SET 0x024
#define LEGACY_PAGE_SIZE   0x028
#define QUEUE_SELECT       0x030
#define QUEUE_MAX          0x034
#define QUEUE_SIZE         0x038
#define LEGACY_QUEUE_ALIGN 0x03c
#define LEGACY_QUEUE_PAGE  0x040
#define QUEUE_READY        0x044
#define QUEUE_NOTIFY       0x050
#define INTERRUPT_STATUS   0x060
#define INTERRUPT_ACK      0x064
#define STATUS             0x070
#define QUEUE_DESCRIPTORS  0x080
#define QUEUE_AVAILABLE    0x090
#define QUEUE_USED         0x0a0
#define CONFIG             0x100

#define MAGIC_VALUE  0x74726976u
#define LEGACY       1u
#define ACKNOWLEDGE  1u
#define DRIVER       2u
#define DRIVER_OK    4u
#define FEATURES_OK  8u
#define FEATURE_SET_VERSION_1 1u /* feature bit 32 */

/* ---- the queue ------------------------------------------------------------------------- */

void virtio_add(struct virtio *device, uint16_t *last, struct virtio_descriptor piece)
{
	struct virtio_descriptor *descriptors = device->rings->descriptors;
	uint16_t index = device->free;

	device->free = descriptors[index].next;
	device->free_count--;
	descriptors[index] = piece;
	if (*last != VIRTIO_NONE) {
		descriptors[*last].flags |= VIRTIO_DESCRIPTOR_NEXT;
		descriptors[*last].next = index;
	}
	*last = index;
}

void virtio_send(struct virtio *device, uint16_t head)
{
	struct virtio_rings *rings = device->rings;
	uint16_t index = rings->available.index;

	rings->available.heads[index % VIRTIO_QUEUE] = head;
	__atomic_store_n(&rings->available.index, (uint16_t)(index + 1), __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	mmio_write(device->registers, QUEUE_NOTIFY, 0);
}

static void chain_free(struct virtio *device, uint16_t head)
{
	struct virtio_descriptor *descriptors = device->rings->descriptors;
	uint16_t last = head;

	device->free_count++;
	while (descriptors[last].flags & VIRTIO_DESCRIPTOR_NEXT) {
		last = descriptors[last].next;
		device->free_count++;
	}
	descriptors[last].next = device->free;
	device->free = head;
}

uint16_t virtio_take(struct virtio *device)
{
	struct virtio_rings *rings = device->rings;
	uint16_t head;

	if (__atomic_load_n(&rings->used.index, __ATOMIC_ACQUIRE) == device->used_seen) {
		return VIRTIO_NONE;
	}
	head = (uint16_t)rings->used.heads[device->used_seen % VIRTIO_QUEUE].head;
	device->used_seen++;
	chain_free(device, head);
	return head;
}

void virtio_interrupt(struct virtio *device)
{
	uint32_t status = mmio_read(device->registers, INTERRUPT_STATUS);

	mmio_write(device->registers, INTERRUPT_ACK, status);
}

/* ---- starting ----------------------------------------------------------------------------- */

bool virtio_is(const uint8_t *registers, uint32_t id)
{
	return mmio_read(registers, MAGIC) == MAGIC_VALUE && mmio_read(registers, DEVICE_ID) == id;
}

uint32_t virtio_config(const struct virtio *device, unsigned int offset)
{
	return mmio_read(device->registers, CONFIG + offset);
}

static void address_write(struct virtio *device, unsigned int offset, const void *part)
{
	mmio_write(device->registers, offset, (uint32_t)image_phys(part));
	mmio_write(device->registers, offset + 4, (uint32_t)((uint64_t)image_phys(part) >> 32));
}

static void queue_start(struct virtio *device, bool legacy)
{
	struct virtio_rings *rings = device->rings;

	for (uint16_t i = 0; i < VIRTIO_QUEUE; i++) {
		rings->descriptors[i].next = (uint16_t)(i + 1);
	}
	device->free_count = VIRTIO_QUEUE;
	mmio_write(device->registers, QUEUE_SIZE, VIRTIO_QUEUE);
	if (legacy) {
		mmio_write(device->registers, LEGACY_QUEUE_ALIGN, 4096);
		mmio_write(device->registers, LEGACY_QUEUE_PAGE,
			   (uint32_t)(image_phys(rings) / 4096));
		return;
	}
	address_write(device, QUEUE_DESCRIPTORS, rings->descriptors);
	address_write(device, QUEUE_AVAILABLE, &rings->available);
	address_write(device, QUEUE_USED, &rings->used);
	mmio_write(device->registers, QUEUE_READY, 1);
}

/* No optional feature is wanted; a modern device insists on one. */
bool virtio_start(struct virtio *device, uint8_t *registers, struct virtio_rings *rings)
{
	bool legacy = mmio_read(registers, VERSION) == LEGACY;
	uint32_t status = ACKNOWLEDGE | DRIVER;

	*device = (struct virtio){.registers = registers, .rings = rings};
	mmio_write(registers, STATUS, 0);
	mmio_write(registers, STATUS, status);
	mmio_write(registers, DRIVER_FEATURE_SET, 0);
	mmio_write(registers, DRIVER_FEATURES, 0);
	if (legacy) {
		mmio_write(registers, LEGACY_PAGE_SIZE, 4096);
	} else {
		mmio_write(registers, DRIVER_FEATURE_SET, 1);
		mmio_write(registers, DRIVER_FEATURES, FEATURE_SET_VERSION_1);
		status |= FEATURES_OK;
		mmio_write(registers, STATUS, status);
	}
	mmio_write(registers, QUEUE_SELECT, 0);
	if (mmio_read(registers, QUEUE_MAX) < VIRTIO_QUEUE) {
		return false;
	}
	queue_start(device, legacy);
	mmio_write(registers, STATUS, status | DRIVER_OK);
	return true;
}
