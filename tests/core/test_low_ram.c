/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_low_ram.c - RAM whose page numbers are as small as numbers of slots, the frame at physical
 * address 0, and a device there. What an entry says is an address or a token, and never both.
 */
#include "help.h"

#include <mm/frame.h>
#include <mm/store.h>

#include "audit.h"

#define PAGES 300u

static void start(enum rig_ram ram)
{
	const struct rig rig = {
		.frames = 16, .slots = 400, .ram = ram, .device_bytes = 4 * RIG_PAGE};

	rig_start(&rig);
}

static void *map(uint32_t count, uint32_t flags)
{
	void *memory = k_mem_map(count * RIG_PAGE, flags);

	assert_non_null(memory);
	return memory;
}

/* Pages in slots from 0 on: the number of some slot is that of the frame of zeros, those of
 * others are those of frames in use. */
static void pages_in_slots(uint8_t *memory)
{
	for (uint32_t i = 0; i < PAGES; i++) {
		rig_put(memory + i * RIG_PAGE, i + 1);
	}
	assert_int_equal(k_mem_page_out(memory, PAGES * RIG_PAGE), 0);
}

static void test_rights_of_a_page_in_the_slot_of_the_zeros_number(void **state)
{
	(void)state;
	for (uint32_t ram = 0; ram < RIG_RAM_COUNT; ram++) {
		struct rig_counts before;
		uint8_t *memory;

		start(RIG_RAM(ram));
		before = rig_counts();
		memory = map(PAGES, K_MEM_PERM_RW);
		pages_in_slots(memory);
		assert_int_equal(k_mem_update_flags(memory, PAGES * RIG_PAGE, 0), 0);
		assert_int_equal(k_mem_update_flags(memory, PAGES * RIG_PAGE, K_MEM_PERM_RW), 0);
		assert_null(audit());
		for (uint32_t i = 0; i < PAGES; i++) {
			assert_int_equal(rig_get(memory + i * RIG_PAGE), i + 1);
		}
		assert_int_equal(k_mem_unmap(memory, PAGES * RIG_PAGE), 0);
		rig_counts_equal(before, rig_counts());
		rig_check();
	}
}

/* Each page in a slot is asked about, locked and let go, as if there were no frames. */
static void test_tokens_are_never_addresses(void **state)
{
	(void)state;
	for (uint32_t ram = 0; ram < RIG_RAM_COUNT; ram++) {
		uint8_t *memory;

		start(RIG_RAM(ram));
		memory = map(PAGES, K_MEM_PERM_RW);
		pages_in_slots(memory);
		for (uint32_t i = 0; i < PAGES; i++) {
			uint8_t *page = memory + i * RIG_PAGE;
			uintptr_t where;

			assert_int_equal(arch_page_location_get(page, &where),
					 ARCH_PAGE_LOCATION_PAGED_OUT);
			assert_int_equal(arch_page_phys_get(page, &where), -EFAULT);
			assert_int_equal(k_mem_unpin(page, RIG_PAGE), 0);
			assert_int_equal(k_mem_page_out(page, RIG_PAGE), 0);
			assert_int_equal(k_mem_pin(page, RIG_PAGE), 0);
			assert_int_equal(rig_get(page), i + 1);
			assert_int_equal(k_mem_unpin(page, RIG_PAGE), 0);
		}
		assert_null(audit());
		assert_int_equal(k_mem_unmap(memory, PAGES * RIG_PAGE), 0);
		rig_check();
	}
}

/* It holds the zeros that are shared. In a build without them it is a frame like others. */
static void test_the_frame_at_0(void **state)
{
	uint8_t *memory;
	uintptr_t phys;
	uint64_t word;

	(void)state;
	start(RIG_RAM_ZERO);
	memory = map(1, K_MEM_PERM_RW);
	assert_int_equal(rig_get(memory), 0);
	assert_int_equal(arch_page_phys_get(memory + 8, &phys), 0);
	assert_int_equal(phys, CONFIG_DEMAND_PAGING_ZERO_PAGE ? 8 : phys);
	assert_int_equal(arch_page_location_get(memory, &phys), ARCH_PAGE_LOCATION_PAGED_IN);
	assert_int_equal(k_mem_page_frame_evict(0), CONFIG_DEMAND_PAGING_ZERO_PAGE ? -EBUSY : 0);
	rig_put(memory, 5);
	assert_int_equal(k_mem_update_flags(memory, RIG_PAGE, K_MEM_PERM_USER), 0);
	assert_int_equal(emu_read((uintptr_t)memory, &word, sizeof(word), K_MEM_FAULT_USER), 0);
	assert_int_equal(word, 5);
	assert_int_equal(k_mem_page_out(memory, RIG_PAGE), 0);
	assert_int_equal(rig_get(memory), 5);
	assert_null(audit());
	assert_int_equal(k_mem_unmap(memory, RIG_PAGE), 0);
	rig_check();
}

static void test_a_device_at_0(void **state)
{
	struct rig_counts before;
	uint8_t *device;
	uintptr_t phys;

	(void)state;
	start(RIG_RAM_LOW);
	before = rig_counts();
	assert_int_equal(k_mem_map_phys_bare(&device, 0, RIG_LOW_PHYS, K_MEM_PERM_RW), 0);
	assert_int_equal(arch_page_phys_get(device, &phys), 0);
	assert_int_equal(phys, 0);
	rig_put(device, 7);
	assert_int_equal(*(uint64_t *)emu_phys(0), 7);
	assert_int_equal(k_mem_update_flags(device, RIG_PAGE, K_MEM_PERM_USER), 0);
	assert_int_equal(k_mem_page_out(device, RIG_LOW_PHYS), 0);
	assert_int_equal(k_mem_pin(device, RIG_LOW_PHYS), 0);
	assert_int_equal(k_mem_unpin(device, RIG_LOW_PHYS), 0);
	assert_int_equal(k_mem_page_frame_evict(0), -EINVAL);
	assert_int_equal(rig_get(device), 7);
	assert_null(audit());
	assert_int_equal(k_mem_unmap_phys_bare(device, RIG_LOW_PHYS), 0);
	rig_counts_equal(before, rig_counts());
	rig_check();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rights_of_a_page_in_the_slot_of_the_zeros_number),
		cmocka_unit_test(test_tokens_are_never_addresses),
		cmocka_unit_test(test_the_frame_at_0),
		cmocka_unit_test(test_a_device_at_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
