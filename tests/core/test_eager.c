/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_eager.c - the core without demand paging: memory is there when the mapping call
 * returns, and stays. Free memory tells exactly how much is left. (test_model runs in this
 * configuration, too.)
 */
#include "rig.h"

#include <mm/charge.h>

#include "audit.h"

#define FRAMES 16u

static struct rig_counts before;

static void start(uint32_t slots)
{
	const struct rig rig = {.frames = FRAMES, .slots = slots, .device_bytes = 0x600000};

	rig_start(&rig);
	before = rig_counts();
	assert_int_equal(before.free_bytes, FRAMES * RIG_PAGE);
}

static void end(void)
{
	assert_ptr_equal(audit(), NULL);
	rig_counts_equal(before, rig_counts());
	rig_check();
}

static void *map(uint32_t pages)
{
	return k_mem_map(pages * RIG_PAGE, K_MEM_PERM_RW);
}

static void test_free_memory_drops_by_the_pages(void **state)
{
	(void)state;
	start(4);
	for (uint32_t pages = 1; pages <= FRAMES; pages++) {
		uint8_t *memory = map(pages);

		assert_non_null(memory);
		assert_int_equal(k_mem_free_get(), (FRAMES - pages) * RIG_PAGE);
		for (uint32_t i = 0; i < pages; i++) {
			assert_int_equal(rig_get(memory + i * RIG_PAGE), 0);
			assert_int_equal(rig_get(memory + i * RIG_PAGE + RIG_PAGE - 8), 0);
			rig_put(memory + i * RIG_PAGE, i + 1);
		}
		assert_int_equal(rig_stats().pagefaults.cnt, 0);
		assert_int_equal(k_mem_unmap(memory, pages * RIG_PAGE), 0);
		assert_int_equal(k_mem_free_get(), FRAMES * RIG_PAGE);
	}
	end();
}

static void test_one_page_maps_repeat_the_address(void **state)
{
	void *first;

	(void)state;
	start(4);
	first = map(1);
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(k_mem_free_get(), (FRAMES - 1) * RIG_PAGE);
		assert_int_equal(k_mem_unmap(first, RIG_PAGE), 0);
		assert_ptr_equal(map(1), first);
	}
	assert_int_equal(k_mem_unmap(first, RIG_PAGE), 0);
	end();
}

/* Stores or not, what is granted is what there is. */
static void refuse(uint32_t slots)
{
	void *memory, *none = &memory;

	start(slots);
	memory = map(FRAMES - 2);
	assert_non_null(memory);
	assert_int_equal(k_mem_map_anon(&none, 3 * RIG_PAGE, K_MEM_PERM_RW), -ENOMEM);
	assert_ptr_equal(none, &memory);
	assert_int_equal(k_mem_free_get(), 2 * RIG_PAGE);
	assert_int_equal(k_mem_map_anon(&none, 2 * RIG_PAGE, K_MEM_MAP_LOCK), 0);
	assert_int_equal(k_mem_free_get(), 0);
	assert_null(map(1));
	assert_int_equal(k_mem_unmap(none, 2 * RIG_PAGE), 0);
	assert_int_equal(k_mem_unmap(memory, (FRAMES - 2) * RIG_PAGE), 0);
	end();
}

static void test_too_much_is_refused(void **state)
{
	(void)state;
	refuse(0);
	refuse(1);
	refuse(100);
}

static void test_what_needs_paging_is_not_supported(void **state)
{
	void *addr = NULL;

	(void)state;
	start(4);
	assert_int_equal(k_mem_map_anon(&addr, RIG_PAGE, K_MEM_PERM_RW | K_MEM_MAP_UNPAGED),
			 -ENOTSUP);
	assert_int_equal(k_mem_map_anon(&addr, RIG_PAGE, K_MEM_MAP_LOCK | K_MEM_MAP_UNPAGED),
			 -EINVAL);
	assert_int_equal(k_mem_map_stored(&addr, K_MEM_LOCATION(RIG_STORE_IMAGE, 0), RIG_PAGE, 0),
			 -ENOTSUP);
	assert_null(addr);
	end();
}

/* All memory is resident: nothing to page in, to pin, to let go or to evict. */
static void test_nothing_moves(void **state)
{
	uint8_t *memory;
	uintptr_t phys, now;

	(void)state;
	start(32);
	memory = map(FRAMES);
	rig_put(memory, 7);
	assert_int_equal(arch_page_phys_get(memory, &phys), 0);
	assert_int_equal(k_mem_page_in(memory, FRAMES * RIG_PAGE), 0);
	assert_int_equal(k_mem_pin(memory, FRAMES * RIG_PAGE), 0);
	assert_int_equal(k_mem_unpin(memory, FRAMES * RIG_PAGE), 0);
	assert_int_equal(k_mem_page_out(memory, FRAMES * RIG_PAGE), 0);
	assert_int_equal(k_mem_page_frame_evict(phys), -EBUSY);
	k_mem_paging_tick();
	assert_int_equal(k_mem_page_out(memory, (FRAMES + 1) * RIG_PAGE), -EFAULT);
	assert_int_equal(arch_page_phys_get(memory, &now), 0);
	assert_int_equal(now, phys);
	assert_int_equal(rig_get(memory), 7);
	assert_int_equal(rig_stats().pagefaults.cnt, 0);
	assert_int_equal(k_mem_free_get(), 0);
	assert_int_equal(k_mem_unmap(memory, FRAMES * RIG_PAGE), 0);
	end();
}

static void test_guards_and_rights(void **state)
{
	uint64_t word;
	uint8_t *memory;

	(void)state;
	start(4);
	memory = map(2);
	assert_int_equal(rig_read(memory - 8, &word), -EFAULT);
	assert_int_equal(rig_read(memory + 2 * RIG_PAGE, &word), -EFAULT);
	assert_int_equal(k_mem_update_flags(memory, 2 * RIG_PAGE, 0), 0);
	assert_int_equal(rig_write(memory, 1), -EACCES);
	assert_int_equal(k_mem_update_flags(memory, RIG_PAGE, K_MEM_PERM_RW), 0);
	rig_put(memory, 1);
	assert_int_equal(rig_write(memory + RIG_PAGE, 1), -EACCES);
	assert_int_equal(k_mem_unmap(memory, RIG_PAGE), -EINVAL);
	assert_int_equal(k_mem_unmap(memory, 2 * RIG_PAGE), 0);
	assert_int_equal(rig_read(memory, &word), -EFAULT);
	end();
}

static void test_physical_mappings_take_no_frames(void **state)
{
	uint8_t *virt;

	(void)state;
	start(4);
	assert_int_equal(k_mem_map_phys_bare(&virt, RIG_DEVICE_PHYS, 0x400000, K_MEM_PERM_RW), 0);
	assert_int_equal(k_mem_free_get(), FRAMES * RIG_PAGE);
	rig_put(virt + 0x3ffff8, 5);
	assert_int_equal(rig_get(virt + 0x3ffff8), 5);
	assert_int_equal(k_mem_unmap_phys_bare(virt, 0x400000), 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_free_memory_drops_by_the_pages),
		cmocka_unit_test(test_one_page_maps_repeat_the_address),
		cmocka_unit_test(test_too_much_is_refused),
		cmocka_unit_test(test_what_needs_paging_is_not_supported),
		cmocka_unit_test(test_nothing_moves),
		cmocka_unit_test(test_guards_and_rights),
		cmocka_unit_test(test_physical_mappings_take_no_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
