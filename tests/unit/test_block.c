/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_block.c - the block store over a device in memory that completes at once, later, or
 * not at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <quire/block.h>

#define PAGE CONFIG_MMU_PAGE_SIZE
#define SECTOR K_MEM_BLOCK_SECTOR_BYTES
#define DEVICE_PAGES 70u
#define SPAN_MAX 4u

/* ---- a device: frames are host memory ----------------------------------------------------- */

static struct device {
	uint8_t bytes[DEVICE_PAGES * PAGE];
	struct k_mem_io *queued; /* the transfer that poll() will end */
	uint64_t sector;
	int answer;              /* of submit: 0, K_MEM_IO_TAKEN or an error */
	int status;              /* with which queued transfers end */
	unsigned int submits, polls;
} device;

static void device_move(const struct k_mem_io *io, uint64_t sector)
{
	for (uint32_t i = 0; i < io->page_count; i++) {
		uint8_t *at = device.bytes + sector * SECTOR + (size_t)i * PAGE;

		assert_true(at + PAGE <= device.bytes + sizeof(device.bytes));
		if (io->op == K_MEM_IO_READ) {
			memcpy((void *)io->frames[i], at, PAGE);
		} else {
			memcpy(at, (void *)io->frames[i], PAGE);
		}
	}
}

static int device_submit(void *context, struct k_mem_io *io, uint64_t sector)
{
	assert_ptr_equal(context, &device);
	device.submits++;
	if (device.answer == 0) {
		device_move(io, sector);
	} else if (device.answer == K_MEM_IO_TAKEN) {
		device.queued = io;
		device.sector = sector;
	}
	return device.answer;
}

static void device_poll(void *context)
{
	struct k_mem_io *io = device.queued;

	assert_ptr_equal(context, &device);
	device.polls++;
	device.queued = NULL;
	if (io && device.status == 0) {
		device_move(io, device.sector);
	}
	if (io) {
		io->done(io, device.status);
	}
}

static const struct k_mem_block_ops device_ops = {.submit = device_submit, .poll = device_poll};

void qr_port_panic(const char *what)
{
	fail_msg("%s", what);
	__builtin_unreachable();
}

/* ---- a store on it ------------------------------------------------------------------------ */

static struct k_mem_store store;
static struct k_mem_block block;
static uint64_t words[K_MEM_SLOT_MAP_WORDS(DEVICE_PAGES)];
static uint8_t pages[SPAN_MAX][PAGE];
static uintptr_t frames[SPAN_MAX];
static unsigned int ended_count;
static int ended_status;

static void ended(struct k_mem_io *io, int status)
{
	assert_ptr_equal(io->context, &ended_count);
	ended_count++;
	ended_status = status;
}

static struct k_mem_io transfer(enum k_mem_io_op op, uint32_t slot, uint32_t page_count)
{
	return (struct k_mem_io){
		.op = op, .slot = slot, .page_count = page_count, .frames = frames,
		.done = ended, .context = &ended_count,
	};
}

static int setup(void **state)
{
	(void)state;
	memset(&device, 0, sizeof(device));
	block = (struct k_mem_block){
		.ops = &device_ops, .device = &device, .page_count_max = SPAN_MAX,
		.request_cost = 1000, .write_cost = 300,
		.sector_count = DEVICE_PAGES * PAGE / SECTOR,
	};
	for (unsigned int i = 0; i < SPAN_MAX; i++) {
		memset(pages[i], (int)(0x10 + i), PAGE);
		frames[i] = (uintptr_t)pages[i];
	}
	ended_count = 0;
	return k_mem_block_store_init(&store, &block, words, DEVICE_PAGES);
}

static void test_shape(void **state)
{
	(void)state;
	assert_int_equal(store.slot_count, DEVICE_PAGES);
	assert_int_equal(store.page_count_max, SPAN_MAX);
	assert_int_equal(store.request_cost, 1000);
	assert_int_equal(store.write_cost, 300);
	assert_false(store.read_only);
	assert_int_equal(k_mem_block_store_init(&store, &block, words, 8), 0);
	assert_int_equal(store.slot_count, 8);
	block.sector_count = 3 * PAGE / SECTOR + 1;
	assert_int_equal(k_mem_block_store_init(&store, &block, NULL, DEVICE_PAGES), 0);
	assert_int_equal(store.slot_count, 3);
	assert_true(store.read_only);
	block.sector_count = UINT64_MAX;
	assert_int_equal(k_mem_block_store_init(&store, &block, NULL, UINT32_MAX), 0);
	assert_int_equal(store.slot_count, K_MEM_SLOTS_MAX);
}

static void test_shape_refused(void **state)
{
	static const struct k_mem_block_ops empty;
	struct k_mem_block good = block;

	(void)state;
	block.sector_count = PAGE / SECTOR - 1;
	assert_int_equal(k_mem_block_store_init(&store, &block, words, DEVICE_PAGES), -EINVAL);
	block = good;
	assert_int_equal(k_mem_block_store_init(&store, &block, words, 0), -EINVAL);
	block.page_count_max = 0;
	assert_int_equal(k_mem_block_store_init(&store, &block, words, DEVICE_PAGES), -EINVAL);
	block = good;
	block.ops = &empty;
	assert_int_equal(k_mem_block_store_init(&store, &block, words, DEVICE_PAGES), -EINVAL);
	block.ops = NULL;
	assert_int_equal(k_mem_block_store_init(&store, &block, words, DEVICE_PAGES), -EINVAL);
}

static void test_slots(void **state)
{
	bool seen[DEVICE_PAGES] = {false};
	uint32_t slot = 0;

	(void)state;
	for (unsigned int i = 0; i < DEVICE_PAGES; i++) {
		assert_int_equal(store.ops->reserve(store.context, &slot), 0);
		assert_true(slot < DEVICE_PAGES && !seen[slot]);
		seen[slot] = true;
	}
	assert_int_equal(store.ops->reserve(store.context, &slot), -ENOSPC);
	store.ops->retire(store.context, 5);
	assert_int_equal(store.ops->reserve(store.context, &slot), -ENOSPC);
	store.ops->release(store.context, 6);
	assert_int_equal(store.ops->reserve(store.context, &slot), 0);
	assert_int_equal(slot, 6);
	assert_int_equal(store.ops->reserve(store.context, &slot), -ENOSPC);
}

static void test_places(void **state)
{
	struct k_mem_io out = transfer(K_MEM_IO_WRITE, 7, 3);
	struct k_mem_io in = transfer(K_MEM_IO_READ, 8, 1);

	(void)state;
	block.first_sector = 8;
	block.sector_count -= 8;
	assert_int_equal(k_mem_block_store_init(&store, &block, words, DEVICE_PAGES), 0);
	assert_int_equal(store.ops->submit(store.context, &out), 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_memory_equal(device.bytes + 8 * SECTOR + (7 + i) * PAGE, pages[i], PAGE);
	}
	assert_int_equal(device.bytes[8 * SECTOR + 7 * PAGE - 1], 0);
	assert_int_equal(device.bytes[8 * SECTOR + 10 * PAGE], 0);
	assert_int_equal(store.ops->submit(store.context, &in), 0);
	assert_memory_equal(pages[0], pages[1], PAGE);
	assert_int_equal(ended_count, 0);
}

static void test_last_slot(void **state)
{
	struct k_mem_io out = transfer(K_MEM_IO_WRITE, DEVICE_PAGES - 1, 1);

	(void)state;
	assert_int_equal(store.ops->submit(store.context, &out), 0);
	assert_memory_equal(device.bytes + (DEVICE_PAGES - 1) * PAGE, pages[0], PAGE);
}

/* Slots far out: sectors are 64 bits wide. */
static void test_far(void **state)
{
	struct k_mem_io in = transfer(K_MEM_IO_READ, K_MEM_SLOTS_MAX - 1, 1);

	(void)state;
	block.sector_count = UINT64_MAX / 2;
	block.first_sector = UINT64_C(1) << 40;
	device.answer = K_MEM_IO_TAKEN;
	assert_int_equal(k_mem_block_store_init(&store, &block, NULL, K_MEM_SLOTS_MAX), 0);
	assert_int_equal(store.ops->submit(store.context, &in), K_MEM_IO_TAKEN);
	assert_int_equal(device.sector, (UINT64_C(1) << 40) +
			 (uint64_t)(K_MEM_SLOTS_MAX - 1) * (PAGE / SECTOR));
}

static void test_later(void **state)
{
	struct k_mem_io in = transfer(K_MEM_IO_READ, 3, 1);

	(void)state;
	memset(device.bytes + 3 * PAGE, 0x77, PAGE);
	device.answer = K_MEM_IO_TAKEN;
	assert_int_equal(store.ops->submit(store.context, &in), K_MEM_IO_TAKEN);
	assert_int_equal(ended_count, 0);
	store.ops->poll(store.context);
	assert_int_equal(ended_count, 1);
	assert_int_equal(ended_status, 0);
	assert_memory_equal(pages[0], device.bytes + 3 * PAGE, PAGE);
	store.ops->poll(store.context);
	assert_int_equal(ended_count, 1);
	device.status = -EIO;
	assert_int_equal(store.ops->submit(store.context, &in), K_MEM_IO_TAKEN);
	store.ops->poll(store.context);
	assert_int_equal(ended_count, 2);
	assert_int_equal(ended_status, -EIO);
}

static void test_errors_pass(void **state)
{
	static const int errors[] = {K_MEM_IO_FULL, -EIO};
	struct k_mem_io in = transfer(K_MEM_IO_READ, 0, 1);

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		device.answer = errors[i];
		assert_int_equal(store.ops->submit(store.context, &in), errors[i]);
	}
	assert_int_equal(ended_count, 0);
}

static void test_read_only(void **state)
{
	struct k_mem_io out = transfer(K_MEM_IO_WRITE, 0, 1);
	struct k_mem_io in = transfer(K_MEM_IO_READ, 0, 1);

	(void)state;
	assert_int_equal(k_mem_block_store_init(&store, &block, NULL, DEVICE_PAGES), 0);
	assert_null(store.ops->reserve);
	assert_null(store.ops->release);
	assert_null(store.ops->retire);
	assert_int_equal(store.ops->submit(store.context, &out), -EROFS);
	assert_int_equal(device.submits, 0);
	assert_int_equal(store.ops->submit(store.context, &in), 0);
	assert_int_equal(pages[0][0], 0);
}

/* A driver that ends everything inside submit() need not have poll(). */
static void test_no_poll(void **state)
{
	static const struct k_mem_block_ops ops = {.submit = device_submit};

	(void)state;
	block.ops = &ops;
	assert_int_equal(k_mem_block_store_init(&store, &block, words, DEVICE_PAGES), 0);
	store.ops->poll(store.context);
	assert_int_equal(device.polls, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_shape, setup),
		cmocka_unit_test_setup(test_shape_refused, setup),
		cmocka_unit_test_setup(test_slots, setup),
		cmocka_unit_test_setup(test_places, setup),
		cmocka_unit_test_setup(test_last_slot, setup),
		cmocka_unit_test_setup(test_far, setup),
		cmocka_unit_test_setup(test_later, setup),
		cmocka_unit_test_setup(test_errors_pass, setup),
		cmocka_unit_test_setup(test_read_only, setup),
		cmocka_unit_test_setup(test_no_poll, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
