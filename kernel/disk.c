/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk.c - virtio-blk disks (Virtio 1.1, section 5.2).
 *
 * A request is a chain of descriptors: header, then pages or a buffer wherever they
 * are in memory, then a status byte. Its record has the index of the chain, so the
 * device's word of completion leads to it. Requests end in the interrupt handler or in
 * disk_poll(), whoever sees them first.
 *
 * Lock: interrupts masked around the queue; `done` is called outside.
 */
#include "kernel/disk.h"

#include <quire/port.h>

#include "kernel/main.h"
#include "kernel/virtio.h"

#include <cpu.h>

#define SECTOR_BYTES K_MEM_BLOCK_SECTOR_BYTES
#define SERIAL_BYTES 20u

#define REQUEST_IN     0u
#define REQUEST_OUT    1u
#define REQUEST_SERIAL 8u

struct request {
	struct {
		uint32_t type;
		uint32_t reserved;
		uint64_t sector;
	} header;
	struct k_mem_io *io; /* whose `done` to call */
	uint8_t status;
};

/* What to move: `count` pieces of `bytes` each. */
struct transfer {
	uint32_t type;
	uint64_t sector;
	const uintptr_t *phys;
	uint32_t count;
	uint32_t bytes;
};

static struct disk {
	struct virtio virtio;
	unsigned int slot; /* of the transport */
	char serial[SERIAL_BYTES + 1];
	uint64_t sector_count;
	uint32_t in_flight;
	struct request requests[VIRTIO_QUEUE];
} disks[CONFIG_KERNEL_DISKS];
static int disk_count;
static uint32_t depth;

static struct virtio_rings rings[CONFIG_KERNEL_DISKS]
	QR_SECTION(".bss.pinned") QR_ALIGNED(4096);

/* ---- requests ------------------------------------------------------------------------- */

static void request_send(struct disk *disk, const struct transfer *transfer, struct k_mem_io *io)
{
	uint16_t head = disk->virtio.free, last = VIRTIO_NONE;
	struct request *request = &disk->requests[head];
	uint16_t flags = transfer->type == REQUEST_OUT ? 0 : VIRTIO_DESCRIPTOR_WRITE;

	request->header.type = transfer->type;
	request->header.sector = transfer->sector;
	request->io = io;
	virtio_add(&disk->virtio, &last, (struct virtio_descriptor){
		.phys = image_phys(&request->header), .bytes = sizeof(request->header)});
	for (uint32_t i = 0; i < transfer->count; i++) {
		virtio_add(&disk->virtio, &last, (struct virtio_descriptor){
			.phys = transfer->phys[i], .bytes = transfer->bytes, .flags = flags});
	}
	virtio_add(&disk->virtio, &last, (struct virtio_descriptor){
		.phys = image_phys(&request->status), .bytes = 1,
		.flags = VIRTIO_DESCRIPTOR_WRITE});
	disk->in_flight++;
	virtio_send(&disk->virtio, head);
}

/* -EINPROGRESS, or -EAGAIN where the queue is full. */
static int transfer_start(struct disk *disk, const struct transfer *transfer, struct k_mem_io *io)
{
	unsigned long key = irq_save();
	bool room = disk->virtio.free_count >= transfer->count + 2 && disk->in_flight < depth;

	if (room) {
		request_send(disk, transfer, io);
	}
	irq_restore(key);
	return room ? -EINPROGRESS : -EAGAIN;
}

/* The next request that has ended, with its status; NULL: there is none. */
static struct k_mem_io *ended_take(struct disk *disk, int *status)
{
	unsigned long key = irq_save();
	uint16_t head = virtio_take(&disk->virtio);
	struct k_mem_io *io = NULL;

	if (head != VIRTIO_NONE) {
		disk->in_flight--;
		io = disk->requests[head].io;
		*status = disk->requests[head].status == 0 ? 0 : -EIO;
	}
	irq_restore(key);
	return io;
}

static void disk_poll(void *device)
{
	struct k_mem_io *io;
	int status;

	while ((io = ended_take(device, &status)) != NULL) {
		io->done(io, status);
	}
}

static void disk_interrupt(void *device)
{
	struct disk *disk = device;

	virtio_interrupt(&disk->virtio);
	disk_poll(disk);
}

static int disk_submit(void *device, struct k_mem_io *io, uint64_t sector)
{
	struct transfer transfer = {
		.type = io->op == K_MEM_IO_WRITE ? REQUEST_OUT : REQUEST_IN,
		.sector = sector,
		.phys = io->frames,
		.count = io->page_count,
		.bytes = CONFIG_MMU_PAGE_SIZE,
	};

	return transfer_start(device, &transfer, io);
}

void disk_block(int disk, struct k_mem_block *block)
{
	static const struct k_mem_block_ops ops = {.submit = disk_submit, .poll = disk_poll};

	*block = (struct k_mem_block){
		.ops = &ops,
		.device = &disks[disk],
		.sector_count = disks[disk].sector_count,
		.page_count_max = DISK_PAGES_MAX,
	};
}

/* ---- waiting for one transfer ------------------------------------------------------------ */

struct wait {
	struct k_mem_io io;
	bool ended;
	int status;
};

static void wait_ended(struct k_mem_io *io, int status)
{
	struct wait *wait = io->context;
	qr_port_key_t key = qr_port_lock();

	wait->status = status;
	wait->ended = true;
	qr_port_wakeup(wait);
	qr_port_unlock(key);
}

static int transfer_wait(struct disk *disk, const struct transfer *transfer)
{
	bool can_sleep = qr_port_can_sleep();
	struct wait wait = {.io = {.done = wait_ended, .context = &wait}};
	qr_port_key_t key;

	while (transfer_start(disk, transfer, &wait.io) == -EAGAIN) {
		disk_poll(disk);
	}
	key = qr_port_lock();
	while (!wait.ended) {
		if (can_sleep) {
			key = qr_port_sleep(&wait, key);
			continue;
		}
		qr_port_unlock(key);
		disk_poll(disk);
		key = qr_port_lock();
	}
	qr_port_unlock(key);
	return wait.status;
}

int disk_read(int disk, uint64_t offset, void *buffer, size_t bytes)
{
	uintptr_t phys = image_phys(buffer);
	struct transfer transfer = {
		.type = REQUEST_IN,
		.sector = offset / SECTOR_BYTES,
		.phys = &phys,
		.count = 1,
		.bytes = (uint32_t)bytes,
	};

	QR_ASSERT(offset % SECTOR_BYTES == 0 && bytes % SECTOR_BYTES == 0 && bytes <= UINT32_MAX);
	QR_ASSERT((uint8_t *)buffer >= image_data_begin && (uint8_t *)buffer < image_data_end);
	return transfer_wait(&disks[disk], &transfer);
}

/* ---- finding and starting ------------------------------------------------------------------ */

static bool disk_open(struct disk *disk, uint8_t *registers, unsigned int slot)
{
	uintptr_t serial = image_phys(disk->serial);
	struct transfer transfer = {
		.type = REQUEST_SERIAL, .phys = &serial, .count = 1, .bytes = SERIAL_BYTES,
	};

	disk->slot = slot;
	if (!virtio_start(&disk->virtio, registers, &rings[disk - disks])) {
		return false;
	}
	disk->sector_count = virtio_config(&disk->virtio, 0) |
			     (uint64_t)virtio_config(&disk->virtio, 4) << 32;
	return transfer_wait(disk, &transfer) == 0;
}

void disk_find_all(void)
{
	depth = (uint32_t)kernel_option_number("depth", VIRTIO_QUEUE);
	if (depth == 0) {
		kernel_refuse("depth=0: no request could ever be sent\n");
	}
	/* QEMU gives the last transport to the first disk. */
	for (unsigned int slot = machine_virtio.count; slot-- > 0;) {
		uint8_t *at = (uint8_t *)machine_virtio.base + slot * machine_virtio.stride;

		if (virtio_is(at, VIRTIO_ID_BLOCK) && disk_count < CONFIG_KERNEL_DISKS &&
		    disk_open(&disks[disk_count], at, slot)) {
			disk_count++;
		}
	}
}

void disk_start_all(void)
{
	size_t bytes = machine_virtio.stride * machine_virtio.count;
	uint8_t *registers = NULL;

	if (disk_count == 0) {
		return;
	}
	if (k_mem_map_phys_bare(&registers, machine_virtio.base, bytes,
				K_MEM_CACHE_NONE | K_MEM_PERM_RW) != 0) {
		kernel_panic(NULL, "no room to map the disks");
	}
	for (struct disk *disk = disks; disk < disks + disk_count; disk++) {
		disk->virtio.registers = registers + disk->slot * machine_virtio.stride;
		machine_irq_attach(machine_virtio.irq + disk->slot, disk_interrupt, disk);
	}
}

int disk_find(const char *serial)
{
	for (int i = 0; i < disk_count; i++) {
		if (kernel_same(disks[i].serial, serial)) {
			return i;
		}
	}
	return -1;
}

uint32_t disk_depth(void)
{
	return depth;
}

uint64_t disk_bytes(int disk)
{
	return disks[disk].sector_count * SECTOR_BYTES;
}
