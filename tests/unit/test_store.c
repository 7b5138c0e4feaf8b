/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store.c - the RAM store and the image store: content, slots, errors, and that they
 * copy one page at a time and never under the mm lock.
 */
#include <quire/imagestore.h>
#include <quire/ramstore.h>
#include <port/strict/strict.h>

#include "fake_memory.h"
#include "parts_help.h"

#define PAGE CONFIG_MMU_PAGE_SIZE
#define SLOTS 100u
#define RUN_MAX 8u

static void never_done(struct k_mem_io *io, int status)
{
	(void)io;
	fail_msg("done(%d) was called", status);
}

static int transfer(const struct k_mem_store *store, enum k_mem_io_op op, uint32_t slot,
		    const uintptr_t *frames, uint32_t count)
{
	struct k_mem_io io = {
		.op = op,
		.slot = slot,
		.page_count = count,
		.frames = frames,
		.done = never_done,
	};

	return store->ops->submit(store->context, &io);
}

static int reserve(const struct k_mem_store *store, uint32_t *slot)
{
	qr_port_key_t key = qr_port_lock();
	int status = store->ops->reserve(store->context, slot);

	qr_port_unlock(key);
	return status;
}

static void fill(uint8_t *page, uint32_t stamp)
{
	for (uint32_t i = 0; i < PAGE; i++) {
		page[i] = (uint8_t)(stamp * 31 + i * 7 + (i >> 8));
	}
}

static void check(const uint8_t *page, uint32_t stamp)
{
	uint8_t expected[PAGE];

	fill(expected, stamp);
	assert_memory_equal(page, expected, PAGE);
}

/* ---- RAM ----------------------------------------------------------------------------- */

static struct k_mem_ram_store ram;
static struct k_mem_store store;
static uint64_t words[K_MEM_SLOT_MAP_WORDS(SLOTS)];

/* A block of its own, so that ASan sees a copy that goes too far. */
static uint8_t *pages;

static int ram_setup(void **state)
{
	(void)state;
	strict_reset();
	pages = malloc((size_t)SLOTS * PAGE);
	return k_mem_ram_store_init(&store, &ram, pages, SLOTS, words);
}

static int ram_teardown(void **state)
{
	(void)state;
	free(pages);
	return 0;
}

static void ram_content(void **state)
{
	uint32_t stamps[SLOTS] = {0};

	(void)state;
	for (uint32_t i = 0; i < SLOTS; i++) {
		uint32_t slot;

		assert_int_equal(reserve(&store, &slot), 0);
	}
	for (uint32_t stamp = 1; stamp < 5000; stamp++) {
		uint32_t count = 1 + random_below(RUN_MAX);
		uint32_t slot = random_below(SLOTS - count + 1);
		uint32_t first = random_below(FAKE_PAGES - RUN_MAX);
		uintptr_t frames[RUN_MAX];
		bool write = random_below(2) == 0;

		/* frames in falling order: they need not be neighbours */
		for (uint32_t i = 0; i < count; i++) {
			uint32_t frame = first + count - 1 - i;

			frames[i] = fake_phys(frame);
			fill(fake_memory[frame], write ? stamp + i : 0);
			stamps[slot + i] = write ? stamp + i : stamps[slot + i];
		}
		fake_windows = 0;
		assert_int_equal(transfer(&store, write ? K_MEM_IO_WRITE : K_MEM_IO_READ, slot,
					  frames, count), 0);
		assert_int_equal(fake_windows, count);
		for (uint32_t i = 0; i < count; i++) {
			if (stamps[slot + i] != 0) {
				check(fake_memory[first + count - 1 - i], stamps[slot + i]);
			}
		}
	}
	/* the mm lock, or one window: never one inside the other */
	assert_int_equal(strict_counts()->depth_max, 1);
}

static void ram_slots(void **state)
{
	uint32_t slot, last;
	qr_port_key_t key;

	(void)state;
	for (uint32_t i = 0; i < SLOTS; i++) {
		assert_int_equal(reserve(&store, &last), 0);
		assert_true(last < SLOTS);
	}
	assert_int_equal(reserve(&store, &slot), -ENOSPC);
	key = qr_port_lock();
	store.ops->release(store.context, last);
	qr_port_unlock(key);
	assert_int_equal(reserve(&store, &slot), 0);
	assert_int_equal(slot, last);
	/* a retired slot does not come back */
	key = qr_port_lock();
	store.ops->retire(store.context, slot);
	qr_port_unlock(key);
	assert_int_equal(reserve(&store, &slot), -ENOSPC);
}

static void ram_refuses(void **state)
{
	struct k_mem_store other;
	uintptr_t frames[2] = {fake_phys(0), fake_phys(1)};

	(void)state;
	assert_int_equal(k_mem_ram_store_init(&other, &ram, pages, 0, words), -EINVAL);
	assert_int_equal(k_mem_ram_store_init(&other, &ram, pages, K_MEM_SLOTS_MAX + 1, words),
			 -EINVAL);
	STRICT_CATCH((void)transfer(&store, K_MEM_IO_READ, SLOTS - 1, frames, 2));
	assert_non_null(strict_caught());
	STRICT_CATCH((void)transfer(&store, K_MEM_IO_READ, SLOTS, frames, 1));
	assert_non_null(strict_caught());
}

static void ram_copies_without_the_lock(void **state)
{
	uintptr_t frame = fake_phys(0);

	(void)state;
	(void)qr_port_lock();
	STRICT_CATCH((void)transfer(&store, K_MEM_IO_READ, 0, &frame, 1));
	assert_string_equal(strict_caught(), "a page is copied under the mm lock");
}

/* ---- image --------------------------------------------------------------------------- */

static void image_content(void **state)
{
	static const size_t sizes[] = {1, PAGE - 1, PAGE, PAGE + 1, 5 * PAGE, 5 * PAGE + 100};

	(void)state;
	strict_reset();
	for (size_t s = 0; s < COUNT(sizes); s++) {
		/* an odd address, and nothing behind the end */
		uint8_t *bytes = malloc(sizes[s] + 1);
		uint32_t count = (uint32_t)((sizes[s] + PAGE - 1) / PAGE);
		uintptr_t frames[RUN_MAX];
		struct k_mem_image_store image;

		for (size_t i = 0; i < sizes[s]; i++) {
			bytes[1 + i] = (uint8_t)(1 + i % 251);
		}
		assert_int_equal(k_mem_image_store_init(&store, &image, bytes + 1, sizes[s]), 0);
		assert_true(store.read_only);
		assert_int_equal(store.slot_count, count);
		for (uint32_t i = 0; i < count; i++) {
			frames[i] = fake_phys(i);
		}
		memset(fake_memory, 0xee, sizeof(fake_memory));
		assert_int_equal(transfer(&store, K_MEM_IO_READ, 0, frames, count), 0);
		assert_memory_equal(fake_memory, bytes + 1, sizes[s]);
		for (size_t i = sizes[s]; i < count * (size_t)PAGE; i++) {
			assert_int_equal(fake_memory[i / PAGE][i % PAGE], 0);
		}
		assert_int_equal(fake_memory[count][0], 0xee);
		/* the last page by itself */
		assert_int_equal(transfer(&store, K_MEM_IO_READ, count - 1, &frames[0], 1), 0);
		assert_memory_equal(fake_memory[0], fake_memory[count - 1], PAGE);
		free(bytes);
	}
}

static void image_refuses(void **state)
{
	static const uint8_t bytes[PAGE] = {1};
	uintptr_t frame = fake_phys(0);
	struct k_mem_image_store image;

	(void)state;
	strict_reset();
	assert_int_equal(k_mem_image_store_init(&store, &image, bytes, 0), -EINVAL);
	assert_int_equal(k_mem_image_store_init(&store, &image, bytes, SIZE_MAX), -EINVAL);
	assert_int_equal(k_mem_image_store_init(&store, &image, bytes,
						(size_t)K_MEM_SLOTS_MAX * PAGE + 1), -EINVAL);
	assert_int_equal(k_mem_image_store_init(&store, &image, bytes, PAGE), 0);
	assert_int_equal(transfer(&store, K_MEM_IO_WRITE, 0, &frame, 1), -EROFS);
	STRICT_CATCH((void)transfer(&store, K_MEM_IO_READ, 1, &frame, 1));
	assert_non_null(strict_caught());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ram_content, ram_setup, ram_teardown),
		cmocka_unit_test_setup_teardown(ram_slots, ram_setup, ram_teardown),
		cmocka_unit_test_setup_teardown(ram_refuses, ram_setup, ram_teardown),
		cmocka_unit_test_setup_teardown(ram_copies_without_the_lock, ram_setup,
						ram_teardown),
		cmocka_unit_test(image_content),
		cmocka_unit_test(image_refuses),
	};

	random_start();
	return cmocka_run_group_tests_name("ram and image store", tests, NULL, NULL);
}
