/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stores.c - see stores.h.
 */
#include "kernel/stores.h"

#include <quire/ramstore.h>

#include "kernel/compress.h"
#include "kernel/delay.h"
#include "kernel/disk.h"
#include "kernel/main.h"

#define PAGE ((size_t)CONFIG_MMU_PAGE_SIZE)
#define SLOTS_MAX (CONFIG_KERNEL_VM_SIZE / CONFIG_MMU_PAGE_SIZE)

struct stores stores;

static int store_swap = -1, store_image = -1;
static struct k_mem_block block_swap, block_image;
static struct k_mem_ram_store ram_store;
static struct k_mem_compressed compressed;
static uint64_t compress_work[KERNEL_COMPRESS_WORK_BYTES / sizeof(uint64_t)];
static uint64_t slot_words[K_MEM_SLOT_MAP_WORDS(SLOTS_MAX)];

int kernel_store_swap(void)
{
	return store_swap;
}

int kernel_store_image(void)
{
	return store_image;
}

bool kernel_compressed_stats(struct k_mem_compressed_stats *stats)
{
	if (compressed.pool_bytes == 0) {
		return false;
	}
	k_mem_compressed_stats_get(&compressed, stats);
	return true;
}

/* So many bytes behind the image, rounded up to pages. */
static void *behind_take(size_t bytes)
{
	uint8_t *at = stores_behind + stores.behind_bytes;

	stores.behind_bytes += (bytes + PAGE - 1) / PAGE * PAGE;
	return at;
}

/* Where it is in RAM. */
static uintptr_t behind_phys(const void *at)
{
	return image_phys(image_end) + (uintptr_t)((const uint8_t *)at - stores_behind);
}

/* Of a request to any store behind. */
static uint32_t request_cost(void)
{
	return kernel_option_count("request", 0);
}

static void swap_on_disk(int disk, struct k_mem_store *store)
{
	disk_block(disk, &block_swap);
	block_swap.request_cost = request_cost();
	if (k_mem_block_store_init(store, &block_swap, slot_words, SLOTS_MAX) != 0) {
		kernel_refuse("disk swap: %lu bytes are too few\n", disk_bytes(disk));
	}
}

static void swap_in_ram(uint64_t pages, struct k_mem_store *store)
{
	if (pages > SLOTS_MAX ||
	    k_mem_ram_store_init(store, &ram_store, behind_take(pages * PAGE), (uint32_t)pages,
				 slot_words) != 0) {
		kernel_refuse("ramstore=%lu: at most %u pages\n", pages, SLOTS_MAX);
	}
	store->request_cost = request_cost();
}

static void swap_delay(struct k_mem_store *store)
{
	uint64_t nanoseconds = kernel_option_number("delay", 0);

	if (nanoseconds == 0) {
		return;
	}
	if (nanoseconds > DELAY_MAX || kernel_option_number("tick", 1) != 0) {
		kernel_refuse("delay=%lu: at most a second, and with tick=0\n", nanoseconds);
	}
	delay_start(store, (uint32_t)nanoseconds, disk_depth());
}

/* Put a compressed store in front of the store. */
static void swap_compress(uint64_t pages, struct k_mem_store *store)
{
	struct k_mem_compressed *c = &compressed;

	if (!kernel_compressor) {
		kernel_refuse("compress=%lu: the kernel was built without LZ4\n", pages);
	}
	if (pages > SLOTS_MAX) {
		kernel_refuse("compress=%lu: at most %u pages\n", pages, SLOTS_MAX);
	}
	QR_REQUIRE(kernel_compressor->work_bytes <= sizeof(compress_work));
	c->lower = *store;
	c->compressor = kernel_compressor;
	c->work = compress_work;
	c->pool_bytes = pages * PAGE;
	c->pool = behind_take(c->pool_bytes);
	c->slots = behind_take(store->slot_count * sizeof(*c->slots));
	c->spill_count = K_MEM_COMPRESSED_SPILLS_MAX;
	c->spill_pages = behind_take(c->spill_count * PAGE);
	c->spill_phys = behind_phys(c->spill_pages);
	if (k_mem_compressed_store_init(store, c) != 0) {
		kernel_refuse("compress=%lu: at least %lu pages\n", pages,
			      K_MEM_COMPRESSED_POOL_MIN / PAGE);
	}
}

void stores_find(void)
{
	int swap = disk_find("swap"), image = disk_find("image");
	uint64_t ram_pages = kernel_option_number("ramstore", 0);
	uint64_t pool_pages = kernel_option_number("compress", 0);

	if (swap >= 0 || ram_pages > 0) {
		store_swap = stores.count++;
		if (swap >= 0) {
			swap_on_disk(swap, &stores.list[store_swap]);
		} else {
			swap_in_ram(ram_pages, &stores.list[store_swap]);
		}
		swap_delay(&stores.list[store_swap]);
		if (pool_pages > 0) {
			swap_compress(pool_pages, &stores.list[store_swap]);
		}
	}
	stores.slow = swap >= 0 || (image >= 0 && ram_pages == 0) ||
		      kernel_option_number("delay", 0) > 0;
	if (image >= 0) {
		disk_block(image, &block_image);
		block_image.request_cost = request_cost();
		store_image = stores.count++;
		if (k_mem_block_store_init(&stores.list[store_image], &block_image, NULL,
					   K_MEM_SLOTS_MAX) != 0) {
			kernel_refuse("disk image: %lu bytes are too few\n", disk_bytes(image));
		}
	}
}
