/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk.c - virtio-blk disks (Virtio 1.1, section 5.2).
 *
 * A request is a chain of descriptors: header, then pages or a buffer wherever they are in memory,
 * then a status byte. Its record has the number of the chain, so the device's word of completion
 * leads to it. Requests end in the interrupt handler or in disk_poll(), whoever sees them first.
 *
 * A disk is not believed (virtio.h). The status byte is set beforehand to what is none, so a
 * request of which the disk says that it ended, and which it did not touch, is no success. A disk
 * that says what cannot be so is put in reset, then given up: what was in flight ends with -EIO, so
 * does what is asked of it later. Lies with good status, length and index are for a checksum.
 *
 * Who sleeps for a disk that never answers sleeps on, as with a slow one. Who polls gives it up
 * after CONFIG_KERNEL_DISK_POLLS_MAX looks in a row at which nothing ended, a register each.
 *
 * Lock: interrupts masked around the queue; `done` is called outside.
 */
#include "kernel/disk.h"

#include <quire/port.h>

#include "kernel/main.h"
#include "kernel/virtio.h"
#include "kernel/virtio_blk.h"

#include <cpu.h>

#define SECTOR_BYTES K_MEM_BLOCK_SECTOR_BYTES

struct request {
	struct request_header header;
	struct k_mem_io *io; /* whose `done` to call; NULL: not in flight */
	uint8_t status;
};

static struct disk {
	struct virtio virtio;
	unsigned int slot; /* of the transport */
	char serial[SERIAL_BYTES + 1];
	uint64_t sector_count;
	uint32_t idle; /* looks in a row that found nothing ended */
	bool told;     /* it was said that it is given up */
	struct request requests[VIRTIO_CHAINS];
} disks[CONFIG_KERNEL_DISKS];
static int disk_count;
static uint32_t depth;

_Static_assert(DISK_PAGES_MAX <= VIRTIO_MORE + 1, "the largest request can be sent");

static struct virtio_rings rings[CONFIG_KERNEL_DISKS]
	QR_SECTION(".bss.pinned") QR_ALIGNED(4096);

/* ---- requests ------------------------------------------------------------------------- */

/* Move the pieces of `io`, `bytes` each. K_MEM_IO_TAKEN; FULL, the queue; FAILED: the disk was
 * given up. */
static int request_start(struct disk *disk, struct k_mem_io *io, uint32_t type, uint64_t sector,
			 uint32_t bytes)
{
	unsigned long key = irq_save();
	int status = K_MEM_IO_TAKEN;

	if (disk->virtio.fault) {
		status = K_MEM_IO_FAILED;
	} else if (!virtio_room(&disk->virtio, io->page_count) ||
		   disk->virtio.in_flight >= depth) {
		status = K_MEM_IO_FULL;
	} else {
		struct request *request = &disk->requests[disk->virtio.free];

		request->header.type = type;
		request->header.sector = sector;
		request->io = io;
		request->status = STATUS_NONE;
		virtio_send(&disk->virtio, io->frames, io->page_count, bytes,
			    type == REQUEST_OUT ? 0 : VIRTIO_DESCRIPTOR_WRITE);
	}
	irq_restore(key);
	return status;
}

/* Did the request end well, of which the disk says that it wrote so many bytes? 0 are no lie
 * (legacy, Virtio 1.1, 2.6.8.3). Too few are one: the rest may come when the frame is somebody
 * else's. The byte of the status itself does not count. */
static bool ended_well(const struct disk *disk, uint16_t chain, uint32_t bytes)
{
	return __atomic_load_n(&disk->requests[chain].status, __ATOMIC_RELAXED) == STATUS_OK &&
	       (bytes == 0 || bytes + 1 >= disk->virtio.own[chain].writable_bytes);
}

/* It did not: is that a lie? */
static QR_NOINLINE int request_status(struct disk *disk, uint16_t chain)
{
	uint8_t status = __atomic_load_n(&disk->requests[chain].status, __ATOMIC_RELAXED);

	if (status == STATUS_OK) {
		virtio_fail(&disk->virtio, "less was written than its status says");
	} else if (status != STATUS_IO_ERROR && status != STATUS_UNSUPPORTED) {
		virtio_fail(&disk->virtio, "a request ended without a status");
	}
	return -EIO;
}

/* Nothing ended. */
static void idle_count(struct disk *disk, bool polled)
{
	if (polled) {
		virtio_look(&disk->virtio);
	}
	disk->idle++;
	if (disk->idle >= CONFIG_KERNEL_DISK_POLLS_MAX) {
		virtio_fail(&disk->virtio, "it does not answer");
	}
}

/* Some request that was in flight when the disk was given up; NULL: all have ended. */
static struct request *orphan_find(struct disk *disk)
{
	for (uint32_t i = 0; i < VIRTIO_CHAINS; i++) {
		if (disk->requests[i].io) {
			return &disk->requests[i];
		}
	}
	return NULL;
}

/* None ended, but perhaps the disk is given up. */
static QR_NOINLINE struct request *none_ended(struct disk *disk, bool polled)
{
	if (!disk->virtio.fault && (disk->virtio.in_flight > 0 || !polled)) {
		idle_count(disk, polled);
	}
	return disk->virtio.fault ? orphan_find(disk) : NULL;
}

/* The next request that has ended, with its status; NULL: there is none. Masked. */
static QR_NOINLINE struct k_mem_io *ended_take(struct disk *disk, bool polled, int *status)
{
	struct request *request;
	struct k_mem_io *io;
	uint32_t bytes;
	uint16_t chain = virtio_take(&disk->virtio, &bytes);

	if (QR_UNLIKELY(chain == VIRTIO_NONE)) {
		*status = -EIO;
		request = none_ended(disk, polled);
		if (!request) {
			return NULL;
		}
	} else {
		disk->idle = 0;
		*status = ended_well(disk, chain, bytes) ? 0 : request_status(disk, chain);
		request = &disk->requests[chain];
	}
	io = request->io;
	request->io = NULL;
	return io;
}

/* Said once, by whoever comes first. */
static void tell(struct disk *disk)
{
	unsigned long key = irq_save();
	bool first = disk->virtio.fault && !disk->told;

	disk->told |= first;
	irq_restore(key);
	if (first) {
		kernel_printf("# disk, transport %u: given up: %s\n", disk->slot,
			      disk->virtio.fault);
	}
}

static void disk_poll(void *device)
{
	struct disk *disk = device;
	struct k_mem_io *io;
	int status;

	virtio_tell_all();
	do {
		unsigned long key = irq_save();

		io = ended_take(disk, true, &status);
		irq_restore(key);
		if (io) {
			io->done(io, status);
		}
	} while (io);
	tell(disk);
}

static void disk_interrupt(void *device)
{
	struct disk *disk = device;
	struct k_mem_io *io;
	int status;

	virtio_interrupt(&disk->virtio);
	do {
		io = ended_take(disk, false, &status);
		if (io) {
			io->done(io, status);
		}
	} while (io && virtio_more(&disk->virtio));
	if (QR_UNLIKELY(disk->virtio.fault != NULL)) {
		tell(disk);
	}
}

/* Is all of it on the disk, whose size was read once? */
static bool on_disk(const struct disk *disk, uint64_t sector, uint64_t bytes)
{
	return sector <= disk->sector_count &&
	       (bytes + SECTOR_BYTES - 1) / SECTOR_BYTES <= disk->sector_count - sector;
}

static int disk_submit(void *device, struct k_mem_io *io, uint64_t sector)
{
	if (io->page_count > DISK_PAGES_MAX ||
	    !on_disk(device, sector, (uint64_t)io->page_count * CONFIG_MMU_PAGE_SIZE)) {
		return K_MEM_IO_FAILED;
	}
	return request_start(device, io, io->op == K_MEM_IO_WRITE ? REQUEST_OUT : REQUEST_IN,
			     sector, CONFIG_MMU_PAGE_SIZE);
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
	int status;
	bool ended;
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

/* Read from the disk, or ask it for its name, into a buffer of the image's. */
static int read_wait(struct disk *disk, uint32_t type, uint64_t sector, void *buffer, size_t bytes)
{
	bool can_sleep = qr_port_can_sleep();
	uintptr_t phys = image_phys(buffer);
	struct wait wait = {.io = {
		.done = wait_ended, .context = &wait, .frames = &phys, .page_count = 1}};
	qr_port_key_t key;
	int status;

	/* bounded: what fills the queue ends, or the disk is given up */
	while ((status = request_start(disk, &wait.io, type, sector, (uint32_t)bytes)) ==
	       K_MEM_IO_FULL) {
		disk_poll(disk);
	}
	if (status != K_MEM_IO_TAKEN) {
		return status;
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
	uint64_t sector = offset / SECTOR_BYTES;

	QR_ASSERT(offset % SECTOR_BYTES == 0 && bytes % SECTOR_BYTES == 0 && bytes <= UINT32_MAX);
	QR_ASSERT((uint8_t *)buffer >= image_data_begin && (uint8_t *)buffer < image_data_end);
	return on_disk(&disks[disk], sector, bytes)
		       ? read_wait(&disks[disk], REQUEST_IN, sector, buffer, bytes)
		       : -EIO;
}

/* ---- finding and starting ------------------------------------------------------------------ */

/* The size is read once: requests beyond the end of a disk that shrinks fail there. */
static bool size_read(struct disk *disk)
{
	return virtio_config(&disk->virtio, 0, &disk->sector_count) &&
	       disk->sector_count <= UINT64_MAX / SECTOR_BYTES;
}

/* Each request has a chain of its own, so that header and status are where they were. */
static void chains_set(struct disk *disk)
{
	for (uint16_t i = 0; i < VIRTIO_CHAINS; i++) {
		struct request *request = &disk->requests[i];

		virtio_chain_set(&disk->virtio, i, (struct virtio_descriptor){
			.phys = image_phys(&request->header), .bytes = sizeof(request->header)},
			(struct virtio_descriptor){
			.phys = image_phys(&request->status), .bytes = 1});
	}
}

static bool disk_open(struct disk *disk, uint8_t *registers, unsigned int slot)
{
	__builtin_memset(disk, 0, sizeof(*disk));
	disk->slot = slot;
	if (!virtio_start(&disk->virtio, registers, &rings[disk - disks])) {
		kernel_printf("# disk, transport %u: it does not start as it should\n", slot);
		return false;
	}
	chains_set(disk);
	if (!size_read(disk)) {
		virtio_fail(&disk->virtio, "no size that can be");
	} else if (read_wait(disk, REQUEST_SERIAL, 0, disk->serial, SERIAL_BYTES) != 0) {
		virtio_fail(&disk->virtio, "it does not tell its name");
	}
	tell(disk);
	virtio_blk_name_cut(disk->serial);
	return !disk->virtio.fault;
}

void disk_find_all(void)
{
	uint64_t asked = kernel_option_number("depth", VIRTIO_QUEUE);

	depth = asked < UINT32_MAX ? (uint32_t)asked : UINT32_MAX;
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
