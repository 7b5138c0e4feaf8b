/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_core.c - the first path through the whole core: map, touch, evict, bring back,
 * unmap, with every number back where it was.
 */
#include "rig.h"

static void start(uint32_t frames, uint32_t slots)
{
	const struct rig rig = {.frames = frames, .slots = slots};

	rig_start(&rig);
}

static void test_lazy_round_trip(void **state)
{
	const uint32_t pages = 40;
	struct rig_counts before;
	uint8_t *memory;

	(void)state;
	start(8, 64);
	before = rig_counts();
	memory = (uint8_t *)k_mem_map(pages * RIG_PAGE, K_MEM_PERM_RW);
	assert_non_null(memory);
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < pages; i++) {
			if (round == 0) {
				assert_int_equal(rig_get(memory + i * RIG_PAGE + 8), 0);
			} else {
				assert_int_equal(rig_get(memory + i * RIG_PAGE + 8), i * round);
			}
			rig_put(memory + i * RIG_PAGE + 8, i * (round + 1));
		}
	}
	assert_true(rig_stats().transfer.page_in > 0);
	assert_true(rig_stats().transfer.page_out > 0);
	assert_int_equal(k_mem_unmap(memory, pages * RIG_PAGE), 0);
	rig_counts_equal(before, rig_counts());
	rig_check();
}

static void test_locked(void **state)
{
	struct rig_counts before;
	uint8_t *memory;

	(void)state;
	start(8, 4);
	before = rig_counts();
	memory = (uint8_t *)k_mem_map(7 * RIG_PAGE, K_MEM_PERM_RW | K_MEM_MAP_LOCK);
	assert_non_null(memory);
	for (uint32_t i = 0; i < 7; i++) {
		assert_int_equal(rig_get(memory + i * RIG_PAGE), 0);
		rig_put(memory + i * RIG_PAGE, i);
	}
	assert_int_equal(rig_stats().pagefaults.cnt, 0);
	assert_null(k_mem_map(RIG_PAGE, K_MEM_PERM_RW | K_MEM_MAP_LOCK));
	assert_int_equal(k_mem_unmap(memory, 6 * RIG_PAGE), -EINVAL);
	assert_int_equal(k_mem_unmap(memory + RIG_PAGE, 6 * RIG_PAGE), -EINVAL);
	assert_int_equal(k_mem_unmap(memory, 7 * RIG_PAGE), 0);
	assert_int_equal(k_mem_unmap(memory, 7 * RIG_PAGE), -EINVAL);
	rig_counts_equal(before, rig_counts());
	rig_check();
}

static void test_physical(void **state)
{
	struct rig_counts before;
	uintptr_t phys;
	uint8_t *virt;

	(void)state;
	start(8, 4);
	before = rig_counts();
	assert_int_equal(k_mem_map_phys_bare(&virt, 0x80000123u, 0x2000, K_MEM_PERM_RW), 0);
	assert_int_equal(arch_page_phys_get(virt + 0x1000, &phys), 0);
	assert_int_equal(phys, 0x80001123u);
	assert_int_equal(k_mem_unmap_phys_bare(virt, 0x1000), -EINVAL);
	assert_int_equal(k_mem_unmap_phys_bare(virt, 0x2000), 0);
	assert_int_equal(k_mem_unmap_phys_bare(virt, 0x2000), -EINVAL);
	rig_counts_equal(before, rig_counts());
	rig_check();
}

static void test_on_demand(void **state)
{
	(void)state;
	start(8, 4);
	for (uint32_t i = 0; i < RIG_DEMAND_PAGES; i++) {
		assert_int_equal(rig_get((void *)(RIG_DEMAND + i * RIG_PAGE)), rig_image_word(i));
		assert_int_equal(emu_exec(RIG_DEMAND + i * RIG_PAGE, 0), 0);
	}
	assert_int_equal(rig_write((void *)RIG_DEMAND, 1), -EACCES);
	rig_check();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lazy_round_trip),
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_physical),
		cmocka_unit_test(test_on_demand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
