/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rig.c - see rig.h. The counts look into mm/, which tests of the core may.
 */
#include "rig.h"

#include <string.h>

#include <quire/imagestore.h>
#include <quire/ramstore.h>

#include <mm/charge.h>
#include <mm/cluster.h>
#include <mm/frame.h>
#include <mm/policy.h>
#include <mm/space.h>
#include <mm/stats.h>

#include "rig_compressed.h"
#include "rig_tables.h"

struct strict_store rig_store;
struct strict_store rig_image_store;
uintptr_t rig_phys = RIG_PHYS, rig_image_phys = RIG_PHYS;

static uint8_t store_pages[RIG_SLOTS_MAX * CONFIG_MMU_PAGE_SIZE];
static uint64_t store_words[RIG_SLOTS_MAX];
static uint8_t store_slots[RIG_SLOTS_MAX];
static uint8_t image_slots[RIG_IMAGE_SLOTS];
static uint64_t image_pages[RIG_IMAGE_SLOTS][CONFIG_MMU_PAGE_SIZE / sizeof(uint64_t)];
static struct k_mem_ram_store ram_store;
static struct k_mem_image_store image_store;

uint64_t rig_image_word(uint32_t slot)
{
	return 0x1111111111111111u * (slot % 15u + 1u) ^ slot;
}

static int on_fault(const struct qr_fault *fault)
{
	return k_mem_page_fault(fault->address, fault->access);
}

static void make_stores(const struct rig *rig, struct k_mem_store stores[2])
{
	/* without a paging store the image store takes its index, which on-demand pieces use */
	struct k_mem_store *image = &stores[rig->slots > 0 ? RIG_STORE_IMAGE : 0];

	rig_compressed_none();
	memset(store_slots, 0, sizeof(store_slots));
	memset(image_slots, 0, sizeof(image_slots));
	memset(&rig_store, 0, sizeof(rig_store));
	memset(&rig_image_store, 0, sizeof(rig_image_store));
	if (rig->slots > 0) {
		assert_int_equal(k_mem_ram_store_init(&rig_store.inner, &ram_store, store_pages,
						      rig->slots, store_words), 0);
		rig_store.slots = store_slots;
		rig_store.copies = rig->copies;
		rig_store.inner.request_cost = rig->request_cost;
		rig_store.inner.write_cost = rig->write_cost;
		strict_store_init(&stores[RIG_STORE_PAGING], &rig_store);
		if (rig->compressed) {
			rig_compressed_start(&stores[RIG_STORE_PAGING]);
		}
		strict_poll_add(&stores[RIG_STORE_PAGING]);
	}
	for (uint32_t i = 0; i < RIG_IMAGE_SLOTS; i++) {
		for (size_t word = 0; word < RIG_PAGE / sizeof(uint64_t); word++) {
			image_pages[i][word] = rig_image_word(i);
		}
	}
	if (!CONFIG_MEM_STORED) {
		return;
	}
	assert_int_equal(k_mem_image_store_init(&rig_image_store.inner, &image_store, image_pages,
						sizeof(image_pages)), 0);
	rig_image_store.slots = image_slots;
	rig_image_store.copies = rig->copies;
	rig_image_store.inner.request_cost = rig->request_cost;
	strict_store_init(image, &rig_image_store);
	strict_poll_add(image);
}

void rig_forget(void)
{
	for (uint32_t frame = 0; qr_policy.start != NULL && frame < qr_frame_table.count; frame++) {
		qr_policy_forgotten(frame);
	}
	memset(&qr_charge, 0, sizeof(qr_charge));
	memset(qr_frames, 0, sizeof(qr_frames));
	if (CONFIG_MEM_CLUSTER) {
		memset(qr_cluster_steps, 0, sizeof(qr_cluster_steps));
	}
	if (CONFIG_DEMAND_PAGING_STATS) {
		memset(&qr_stats, 0, sizeof(qr_stats));
	}
	rig_tables_clear();
}

static void make_machine(const struct rig *rig, const struct k_mem_range banks[2])
{
	assert_int_equal(emu_init(banks[0].phys, banks[0].size), 0);
	if (rig->second_bank) {
		assert_int_equal(emu_bank_add(banks[1].phys, banks[1].size), 0);
	}
	if (rig->device_bytes > 0) {
		assert_int_equal(emu_bank_add(RIG_DEVICE_PHYS, rig->device_bytes), 0);
	}
	if (rig->device_bytes > 0 && rig->ram == RIG_RAM_LOW) {
		assert_int_equal(emu_bank_add(0, RIG_LOW_PHYS), 0);
	}
	emu_software_flags(rig->software_flags);
	emu_phys_bits(rig->phys_bits);
}

void rig_start(const struct rig *rig)
{
	static const uintptr_t starts[RIG_RAM_COUNT] = {RIG_PHYS, RIG_LOW_PHYS, 0};
	const uintptr_t phys = starts[rig->ram];
	const uint32_t image_frames = 3;
	const uint32_t zero_frames = CONFIG_DEMAND_PAGING && CONFIG_DEMAND_PAGING_ZERO_PAGE ? 1 : 0;
	uint32_t frames = rig->frames + image_frames + zero_frames;
	uint32_t low = rig->second_bank ? frames / 2 : frames;
	struct k_mem_store stores[2];
	struct k_mem_range banks[2] = {
		{phys, low * RIG_PAGE},
		{phys + 0x8000000u, (frames - low + 1) * RIG_PAGE},
	};
	const struct k_mem_range hole = {banks[1].phys + 5, 1}; /* its first page */
	const uint32_t image_index = rig->slots > 0 ? RIG_STORE_IMAGE : 0;
	const uintptr_t text = rig->ram == RIG_RAM_ZERO ? phys + (low - image_frames) * RIG_PAGE
							: phys;
	const struct k_mem_image image[] = {
		{.virt = (void *)RIG_TEXT, .size = RIG_PAGE, .phys = text,
		 .flags = K_MEM_PERM_EXEC},
		{.virt = (void *)RIG_RODATA, .size = RIG_PAGE, .phys = text + RIG_PAGE},
		{.virt = (void *)RIG_DATA, .size = RIG_PAGE, .phys = text + 2 * RIG_PAGE,
		 .flags = K_MEM_PERM_RW},
		{.virt = (void *)RIG_DEMAND, .size = RIG_DEMAND_PAGES * RIG_PAGE,
		 .location = K_MEM_LOCATION(image_index, 0),
		 .flags = K_MEM_PERM_EXEC | K_MEM_IMAGE_ON_DEMAND},
	};
	const struct k_mem_config config = {
		.banks = banks,
		.bank_count = rig->second_bank ? 2 : 1,
		.holes = &hole,
		.hole_count = rig->second_bank ? 1 : 0,
		.image = image,
		.image_count = CONFIG_DEMAND_PAGING && CONFIG_MEM_STORED ? 4 : 3,
		.stores = stores,
		.store_count = image_index + (CONFIG_MEM_STORED ? 1u : 0u),
		.policy = rig->policy != NULL ? rig->policy : &k_mem_policy_clock,
	};

	strict_reset();
	rig_phys = phys;
	rig_image_phys = text;
	make_machine(rig, banks);
	make_stores(rig, stores);
	rig_forget();
	assert_int_equal(k_mem_init(&config), 0);
	emu_fault = on_fault;
	emu_stack_set(RIG_DATA);
}

void rig_check(void)
{
	assert_int_equal(emu_errors(), 0);
	assert_false(strict_locked());
}

uint32_t rig_slots_lost(void)
{
	return rig_store.retired + rig_compressed_counts().bad;
}

/* As the core sees slots. */
struct rig_counts rig_counts(void)
{
	struct rig_compressed between = rig_compressed_counts();

	return (struct rig_counts){
		.free_bytes = k_mem_free_get(),
		.free_pages = qr_space_free_count(),
		.slots_reserved = rig_store.reserved - between.free - between.retired,
		.slots_retired = rig_store.retired + between.retired,
		.charge_pageable = qr_charge.pageable,
		.charge_pinned = qr_charge.pinned,
		.busy = qr_frame_table.busy_count,
	};
}

void rig_counts_equal(struct rig_counts a, struct rig_counts b)
{
	assert_int_equal(a.free_bytes, b.free_bytes);
	assert_int_equal(a.free_pages, b.free_pages);
	assert_int_equal(a.slots_reserved, b.slots_reserved);
	assert_int_equal(a.slots_retired, b.slots_retired);
	assert_int_equal(a.charge_pageable, b.charge_pageable);
	assert_int_equal(a.charge_pinned, b.charge_pinned);
	assert_int_equal(a.busy, b.busy);
}

int rig_read(const void *addr, uint64_t *word)
{
	return emu_read((uintptr_t)addr, word, sizeof(*word), 0);
}

int rig_write(void *addr, uint64_t word)
{
	return emu_write((uintptr_t)addr, &word, sizeof(word), 0);
}

uint64_t rig_get(const void *addr)
{
	uint64_t word = 0;

	assert_int_equal(rig_read(addr, &word), 0);
	return word;
}

void rig_put(void *addr, uint64_t word)
{
	assert_int_equal(rig_write(addr, word), 0);
}

struct k_mem_paging_stats_t rig_stats(void)
{
	struct k_mem_paging_stats_t stats;

	k_mem_paging_stats_get(&stats);
	return stats;
}
