/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk.c - the kernel's disk driver and a device that lies (tests/host/device), which also writes
 * what it likes into the used ring, when it likes. The input is a list of what is done: requests,
 * polls, interrupts, steps of the device, lies, words.
 *
 * There is one lie, or as many words as one likes: a disk that says of a request that it ended
 * before it has, then ends it, but goes on writing, is none that a driver could see through.
 *
 * Whatever it says: each request ends once; one that ended well moved its data; a frame is not
 * written to after its request ended; and at last all have ended.
 */
#include "fuzz.h"

#include <errno.h>

#include "tests/host/device/device.h"
#include "tests/host/device/inner.h"

#define PAGE       CONFIG_MMU_PAGE_SIZE
#define RIDES      8u
#define RIDE_PAGES 3u
#define OPS_MAX    300u
#define IDLE_BYTE  0x5a

/* One request and its frames. */
static struct ride {
	struct k_mem_io io;
	uint8_t frame[RIDE_PAGES][PAGE] QR_ALIGNED(4096);
	uintptr_t phys[RIDE_PAGES];
	bool under_way;
} rides[RIDES];

static struct k_mem_block block;
static uint8_t content[DEVICE_PAGES]; /* what each page on the disk is full of */
static bool known[DEVICE_PAGES];
static uint8_t next_content;
static bool lied, words; /* it did not always tell the truth; it wrote words */
static struct fuzz_bytes input;

/* ---- requests -------------------------------------------------------------------------- */

static bool page_is(const uint8_t *page, uint8_t value)
{
	return page[0] == value && memcmp(page, page + 1, PAGE - 1) == 0;
}

static void ride_done(struct k_mem_io *io, int status)
{
	struct ride *ride = io->context;

	FUZZ_CHECK(ride->under_way);
	FUZZ_CHECK(status == 0 || (status == -EIO && lied));
	ride->under_way = false;
	for (uint32_t i = 0; i < io->page_count; i++) {
		uint32_t slot = io->slot + i;

		if (io->op == K_MEM_IO_WRITE)
			known[slot] = status == 0;
		else if (status == 0 && known[slot])
			FUZZ_CHECK(page_is(ride->frame[i], content[slot]));
	}
	memset(ride->frame, IDLE_BYTE, sizeof(ride->frame)); /* somebody else's from now on */
}

static bool slots_used(uint32_t slot, uint32_t pages)
{
	for (struct ride *ride = rides; ride < rides + RIDES; ride++)
		if (ride->under_way && slot < ride->io.slot + ride->io.page_count &&
		    ride->io.slot < slot + pages)
			return true;
	return false;
}

static void ride_start(struct ride *ride, enum k_mem_io_op op, uint32_t slot, uint32_t pages)
{
	bool beyond = slot + pages > DEVICE_PAGES;
	int status;

	if (ride->under_way || slots_used(slot, pages))
		return;
	for (uint32_t i = 0; i < pages && op == K_MEM_IO_WRITE; i++) {
		memset(ride->frame[i], ++next_content, PAGE);
		if (!beyond) {
			content[slot + i] = next_content;
			known[slot + i] = false;
		}
	}
	ride->io = (struct k_mem_io){
		.op = op,
		.slot = slot,
		.page_count = pages,
		.frames = ride->phys,
		.done = ride_done,
		.context = ride,
	};
	ride->under_way = true;
	status = block.ops->submit(block.device, &ride->io, (uint64_t)slot * (PAGE / 512));
	FUZZ_CHECK(status == K_MEM_IO_TAKEN || status == K_MEM_IO_FULL ||
		   (status == -EIO && (lied || beyond)));
	if (status != K_MEM_IO_TAKEN) {
		ride->under_way = false;
		memset(ride->frame, IDLE_BYTE, sizeof(ride->frame));
	}
}

static void idle_check(void)
{
	for (struct ride *ride = rides; ride < rides + RIDES; ride++)
		for (uint32_t i = 0; i < RIDE_PAGES && !ride->under_way; i++)
			FUZZ_CHECK(page_is(ride->frame[i], IDLE_BYTE));
}

/* ---- the device's part -------------------------------------------------------------------- */

static uint64_t dice;

static uint32_t eager(uint32_t below)
{
	return 3 % below; /* acts at every moment */
}

static uint32_t by_dice(uint32_t below)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (uint32_t)(dice >> 33) % below;
}

/* Anything at all in the used ring, which is the device's. */
static void ring_write(void)
{
	struct virtio_rings *rings = device_inner.rings;
	uint8_t at = fuzz_byte(&input);
	uint32_t word = (uint32_t)fuzz_number(&input, 4);

	if (!rings || device.lie != DEVICE_TRUTH || device.lies_told > 0)
		return;
	lied = words = true;
	if (at < VIRTIO_QUEUE)
		rings->used.heads[at].head = word;
	else if (at < VIRTIO_QUEUE + 32)
		rings->used.index = (uint16_t)word;
	else if (at < VIRTIO_QUEUE + 64)
		rings->used.index = (uint16_t)(rings->used.index + (word & 7));
	else if (at < VIRTIO_QUEUE + 96)
		rings->used.heads[rings->used.index % VIRTIO_QUEUE].head = word % VIRTIO_QUEUE;
	else
		rings->used.heads[rings->used.index % VIRTIO_QUEUE].bytes = word;
	device.interrupts |= word >> 31;
}

static void op_play(uint8_t op)
{
	uint8_t more;

	switch (op & 7) {
	case 0:
	case 1:
		more = fuzz_byte(&input);
		ride_start(&rides[op >> 5], op & 1 ? K_MEM_IO_WRITE : K_MEM_IO_READ,
			   more % (DEVICE_PAGES + 1), 1 + (op >> 3) % RIDE_PAGES);
		break;
	case 2:
		block.ops->poll(block.device);
		break;
	case 3:
		device_interrupt();
		break;
	case 4:
	case 5:
		(void)device_step();
		break;
	case 6:
		if (!words && device.lies_told == 0)
			device.lie = (op >> 3) % DEVICE_LIES;
		device.status = op >> 6 == 3 ? 1 : 0;
		lied |= device.lie != DEVICE_TRUTH || device.status != 0;
		break;
	default:
		ring_write();
		break;
	}
}

/* ---- start and end -------------------------------------------------------------------------- */

static bool start(void)
{
	uint8_t how = fuzz_byte(&input), fault = fuzz_byte(&input);

	for (struct ride *ride = rides; ride < rides + RIDES; ride++) {
		memset(ride, IDLE_BYTE, sizeof(*ride));
		ride->under_way = false;
		for (uint32_t i = 0; i < RIDE_PAGES; i++)
			ride->phys[i] = (uintptr_t)ride->frame[i];
	}
	memset(known, 0, sizeof(known));
	next_content = 0;
	device_reset();
	device.legacy = how & 1;
	device.early = how & 2;
	device.backwards = how & 4;
	device.late_ack = how & 8;
	device.fault = fault < 200 ? DEVICE_SOUND : fault % DEVICE_FAULTS;
	lied = device.fault != DEVICE_SOUND;
	words = false;
	device.choose = eager;
	disk_find_all();
	disk_start_all();
	if (disk_find("swap") < 0) {
		FUZZ_CHECK(lied);
		return false;
	}
	disk_block(0, &block);
	dice = 0x9e3779b97f4a7c15u * (1u + how);
	device.choose = how & 16 ? by_dice : how & 32 ? eager : NULL;
	return true;
}

static bool under_way(void)
{
	for (struct ride *ride = rides; ride < rides + RIDES; ride++)
		if (ride->under_way)
			return true;
	return false;
}

/* All requests end: by the device, or because it is given up. */
static void finish(void)
{
	for (unsigned int i = 0; i < CONFIG_KERNEL_DISK_POLLS_MAX + RIDES && under_way(); i++) {
		(void)device_step();
		block.ops->poll(block.device);
	}
	FUZZ_CHECK(!under_way());
	device_run();
	block.ops->poll(block.device);
	idle_check();
	FUZZ_CHECK(device.panicked == 0 && device.printed <= 1 && (lied || !device.printed));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input = (struct fuzz_bytes){data, size};
	if (!start())
		return 0;
	for (unsigned int i = 0; input.size > 0 && i < OPS_MAX; i++) {
		op_play(fuzz_byte(&input));
		idle_check();
	}
	finish();
	return 0;
}
