/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random.c - a driver in user mode: the entropy device of virtio (Virtio 1.1, section 5.4), which
 * fills the buffer that it is given. One queue, one buffer at a time, polled.
 *
 * The device reads and writes memory by physical addresses. They are those of this program's
 * variables, which are part of the image and so stay where they are. What the device says is
 * checked, and the order in which it sees memory is made, as in kernel/virtio.c.
 */
#include <quire/compiler.h>

#include "apps/user/user.h"
#include "examples/driver/driver.h"

#include <barrier.h>

/* Registers, section 4.2.2 and, for legacy devices, 4.2.4. */
#define VERSION            0x004u
#define DRIVER_FEATURES    0x020u
#define DRIVER_FEATURE_SET 0x024u
#define LEGACY_PAGE_SIZE   0x028u
#define QUEUE_SELECT       0x030u
#define QUEUE_MAX          0x034u
#define QUEUE_SIZE         0x038u
#define LEGACY_QUEUE_ALIGN 0x03cu
#define LEGACY_QUEUE_PAGE  0x040u
#define QUEUE_READY        0x044u
#define QUEUE_NOTIFY       0x050u
#define STATUS             0x070u
#define QUEUE_DESCRIPTORS  0x080u
#define QUEUE_AVAILABLE    0x090u
#define QUEUE_USED         0x0a0u

#define LEGACY      1u
#define MODERN      2u
#define ACKNOWLEDGE 1u
#define DRIVER      2u
#define DRIVER_OK   4u
#define FEATURES_OK 8u
#define FAILED      128u
#define WRITES      2u /* a descriptor's flag: the device writes */

#define QUEUE 8u
#define BYTES 16u
#define ROUNDS 4u
#define LOOKS  10000000u /* until a device has to have answered */

/* In the layout that legacy devices want. */
static struct {
	struct {
		uint64_t phys;
		uint32_t bytes;
		uint16_t flags, next;
	} descriptors[QUEUE];
	struct {
		uint16_t flags, index, heads[QUEUE];
	} available;
	struct {
		uint16_t flags, index;
		struct {
			uint32_t head, bytes;
		} heads[QUEUE];
	} used QR_ALIGNED(4096);
} rings QR_ALIGNED(4096);

static uint64_t buffer[BYTES / sizeof(uint64_t)];

static volatile uint8_t *registers;
static uint64_t image_offset;

static uint32_t get(unsigned int offset)
{
	return *(volatile uint32_t *)(registers + offset);
}

static void put(unsigned int offset, uint32_t value)
{
	*(volatile uint32_t *)(registers + offset) = value;
}

static uint64_t phys(const void *variable)
{
	return (uintptr_t)variable - image_offset;
}

static void put_phys(unsigned int offset, const void *variable)
{
	put(offset, (uint32_t)phys(variable));
	put(offset + 4, (uint32_t)(phys(variable) >> 32));
}

/* A device is in reset when it says so. */
static bool reset(void)
{
	put(STATUS, 0);
	for (unsigned int i = 0; i < LOOKS; i++) {
		if (get(STATUS) == 0) {
			return true;
		}
	}
	return false;
}

/* It agrees to the features by leaving the bit that was set; sizes of queues are powers of two. */
static bool agrees(bool legacy, uint32_t status)
{
	uint32_t most;

	put(DRIVER_FEATURE_SET, legacy ? 0 : 1);
	put(DRIVER_FEATURES, legacy ? 0 : 1); /* a modern one wants feature 32 */
	put(STATUS, status);
	put(QUEUE_SELECT, 0);
	most = get(QUEUE_MAX);
	return (get(STATUS) & status) == status && most >= QUEUE && (most & (most - 1)) == 0;
}

static bool start(void)
{
	const uint32_t version = get(VERSION);
	const bool legacy = version == LEGACY;
	const uint32_t status = ACKNOWLEDGE | DRIVER | (legacy ? 0 : FEATURES_OK);

	if ((version != LEGACY && version != MODERN) || !reset()) {
		return false;
	}
	put(STATUS, ACKNOWLEDGE | DRIVER);
	if (!agrees(legacy, status)) {
		put(STATUS, FAILED);
		return false;
	}
	put(QUEUE_SIZE, QUEUE);
	if (legacy) {
		put(LEGACY_PAGE_SIZE, 4096);
		put(LEGACY_QUEUE_ALIGN, 4096);
		put(LEGACY_QUEUE_PAGE, (uint32_t)(phys(&rings) / 4096));
	} else {
		put_phys(QUEUE_DESCRIPTORS, rings.descriptors);
		put_phys(QUEUE_AVAILABLE, &rings.available);
		put_phys(QUEUE_USED, &rings.used);
		put(QUEUE_READY, 1);
	}
	barrier_notify();
	put(STATUS, status | DRIVER_OK);
	return true;
}

/* Have the buffer filled. false: the device did not, or says what cannot be so; it is stopped. */
static bool fill(uint16_t index)
{
	uint16_t used = index;
	bool good;

	rings.descriptors[0].phys = phys(buffer);
	rings.descriptors[0].bytes = BYTES;
	rings.descriptors[0].flags = WRITES;
	rings.available.heads[index % QUEUE] = 0;
	barrier_write();
	__atomic_store_n(&rings.available.index, (uint16_t)(index + 1), __ATOMIC_RELAXED);
	barrier_notify();
	put(QUEUE_NOTIFY, 0);
	for (unsigned int i = 0; i < LOOKS && used == index; i++) {
		user_yield();
		used = __atomic_load_n(&rings.used.index, __ATOMIC_RELAXED);
	}
	barrier_read();
	good = used == (uint16_t)(index + 1) && rings.used.heads[index % QUEUE].head == 0 &&
	       rings.used.heads[index % QUEUE].bytes == BYTES;
	if (!good) {
		(void)reset(); /* or it might write later */
	}
	return good;
}

int user_main(uintptr_t argument)
{
	const struct driver_info *info = (const struct driver_info *)argument;
	uint64_t before = 0;

	registers = (volatile uint8_t *)(uintptr_t)info->registers;
	image_offset = info->image_offset;
	if (!start()) {
		return 1;
	}
	for (unsigned int i = 0; i < ROUNDS; i++) {
		if (!fill((uint16_t)i) || buffer[0] == before) {
			return 1;
		}
		before = buffer[0];
		user_printf("random: %016lx %016lx\n", (unsigned long)buffer[0],
			    (unsigned long)buffer[1]);
	}
	return 0;
}
