/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_edges.c - single calls at the edges of what is allowed, each once a mistake of the
 * core that a random test found.
 */
#include "rig.h"

#include <string.h>

#include <mm/charge.h>
#include <mm/frame.h>

#include "audit.h"

static void start(uint32_t frames, uint32_t slots)
{
	const struct rig rig = {.frames = frames, .slots = slots, .device_bytes = 0x600000};

	rig_start(&rig);
}

static void end(void)
{
	rig_check();
	assert_ptr_equal(audit(), NULL);
}

/* The rest of a physical mapping is not a mapping. */
static void test_unmap_tail_of_device(void **state)
{
	uint8_t *virt;

	(void)state;
	start(8, 4);
	assert_int_equal(k_mem_map_phys_bare(&virt, RIG_DEVICE_PHYS, 3 * RIG_PAGE, 0), 0);
	assert_int_equal(k_mem_unmap_phys_bare(virt + RIG_PAGE, 2 * RIG_PAGE), -EINVAL);
	assert_int_equal(k_mem_unmap_phys_bare(virt + 2 * RIG_PAGE, RIG_PAGE), -EINVAL);
	assert_int_equal(k_mem_unmap_phys_bare(virt, 3 * RIG_PAGE), 0);
	end();
}

/* Nor is the rest of anonymous memory, nor a piece of the image. */
static void test_unmap_tail_of_region(void **state)
{
	uint8_t *memory;

	(void)state;
	start(8, 4);
	memory = k_mem_map(2 * RIG_PAGE, K_MEM_PERM_RW);
	rig_put(memory, 1);
	rig_put(memory + RIG_PAGE, 2);
	assert_int_equal(k_mem_unmap_phys_bare(memory + RIG_PAGE, RIG_PAGE), -EINVAL);
	assert_int_equal(k_mem_unmap_phys_bare(memory, 2 * RIG_PAGE), -EINVAL);
	assert_int_equal(k_mem_unmap_phys_bare((uint8_t *)RIG_DATA, RIG_PAGE), -EINVAL);
	assert_int_equal(rig_get(memory + RIG_PAGE), 2);
	assert_int_equal(k_mem_unmap(memory, 2 * RIG_PAGE), 0);
	end();
}

/* The page of zeros is nobody's to map. */
static void test_map_zeros(void **state)
{
	uint8_t *virt;

	(void)state;
	start(8, 4);
	assert_int_not_equal(qr_frame_table.zero, QR_NO_INDEX);
	assert_int_equal(k_mem_map_phys_bare(&virt, qr_frame_phys(qr_frame_table.zero), RIG_PAGE,
					     K_MEM_PERM_RW), -EBUSY);
	end();
}

/* What user mode may execute the kernel may not, on any machine: the fault says so instead of
 * asking for another try. */
static void test_kernel_executes_user_page(void **state)
{
	uint8_t *memory;

	(void)state;
	start(8, 4);
	memory = k_mem_map(RIG_PAGE, K_MEM_PERM_EXEC | K_MEM_PERM_USER);
	assert_int_equal(emu_exec((uintptr_t)memory, K_MEM_FAULT_USER), 0);
	assert_int_equal(emu_exec((uintptr_t)memory, 0), -EACCES);
	assert_int_equal(rig_get(memory), 0);
	end();
}

/* A pinned page that kept its slot would take it from those that need it. Here: four frames,
 * one slot, four pages of memory, and a page of the image that comes and goes. */
static void test_pinned_page_keeps_no_slot(void **state)
{
	uint8_t *memory;

	(void)state;
	start(4, 1);
	memory = k_mem_map(4 * RIG_PAGE, K_MEM_PERM_RW);
	for (uint32_t i = 0; i < 4; i++) {
		rig_put(memory + i * RIG_PAGE, i + 1);
	}
	assert_int_equal(rig_get((void *)RIG_DEMAND), rig_image_word(0)); /* one is written out */
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(rig_get(memory + i * RIG_PAGE), i + 1); /* and comes back */
	}
	assert_int_equal(rig_counts().slots_reserved, 1);
	for (uint32_t i = 0; i < 4 && rig_counts().slots_reserved == 1; i++) {
		assert_int_equal(k_mem_unpin(memory, 4 * RIG_PAGE), 0);
		assert_int_equal(k_mem_pin(memory + i * RIG_PAGE, RIG_PAGE), 0);
	}
	assert_int_equal(rig_counts().slots_reserved, 0);
	assert_int_equal(rig_get((void *)RIG_DEMAND), rig_image_word(0));
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(rig_get(memory + i * RIG_PAGE), i + 1);
	}
	assert_int_equal(k_mem_unmap(memory, 4 * RIG_PAGE), 0);
	end();
}

/* A large leaf that becomes writable is dirty at once: where the CPU sets no bits nobody would. */
static void test_large_leaf_becomes_writable(void **state)
{
	const struct rig rig = {.frames = 8, .slots = 4, .device_bytes = 0x600000,
				.software_flags = true};
	uint8_t *virt;

	(void)state;
	rig_start(&rig);
	assert_int_equal(k_mem_map_phys_bare(&virt, RIG_DEVICE_PHYS, 0x200000, 0), 0);
	assert_true(arch_page_get(virt) & ARCH_PAGE_LARGE);
	assert_int_equal(k_mem_update_flags(virt, 0x200000, K_MEM_PERM_RW), 0);
	assert_true(arch_page_get(virt) & ARCH_PAGE_LARGE);
	rig_put(virt, 1);
	rig_put(virt + 0x1ff000, 2);
	end();
}

/* Instruction caches may still hold what the frame had before: code that comes in is made
 * known to them, all of it, and data is not. */
static void test_code_comes_in(void **state)
{
	uint64_t synced;

	(void)state;
	start(8, 4);
	synced = emu_counters()->code_synced;
	assert_int_equal(emu_exec(RIG_DEMAND, 0), 0);
	assert_int_equal(emu_counters()->code_synced - synced, RIG_PAGE);
	assert_int_equal(k_mem_page_in((void *)RIG_DEMAND, RIG_DEMAND_PAGES * RIG_PAGE), 0);
	assert_int_equal(emu_counters()->code_synced - synced, RIG_DEMAND_PAGES * RIG_PAGE);
	rig_put(k_mem_map(RIG_PAGE, K_MEM_PERM_RW), 1);
	assert_int_equal(emu_counters()->code_synced - synced, RIG_DEMAND_PAGES * RIG_PAGE);
	end();
}

/* Mapped, touched, unmapped: what the TLB knows of it is dropped once, at the end, however
 * many pages it is; each batch of a long range for itself. Each page begins a run: mm/unmap.c. */
static void test_dropped_once(void **state)
{
	const uint32_t batch = (CONFIG_MEM_BATCH * 3 + 7) / 8;
	const uint32_t counts[] = {
		1, CONFIG_MEM_TLB_RANGE_MAX, CONFIG_MEM_TLB_RANGE_MAX + 1, batch, 4 * batch,
	};

	(void)state;
	start(4 * CONFIG_MEM_BATCH, 4);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		const uint32_t count = counts[i];
		const bool one_by_one = count <= CONFIG_MEM_TLB_RANGE_MAX;
		uint8_t *memory = k_mem_map(count * RIG_PAGE, K_MEM_PERM_RW);
		const struct emu_counters *now = emu_counters();
		struct emu_counters before;

		for (uint32_t page = 0; page < count; page++) {
			rig_put(memory + page * RIG_PAGE, page);
		}
		before = *now; /* without the window through which pages were zeroed */
		assert_int_equal(k_mem_unmap(memory, count * RIG_PAGE), 0);
		assert_int_equal(now->syncs - before.syncs, (count - 1) / batch + 1);
		assert_int_equal(now->page_drops - before.page_drops, one_by_one ? count : 0);
		assert_int_equal(now->all_drops - before.all_drops,
				 one_by_one ? 0 : now->syncs - before.syncs);
	}
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unmap_tail_of_device),
		cmocka_unit_test(test_unmap_tail_of_region),
		cmocka_unit_test(test_map_zeros),
		cmocka_unit_test(test_kernel_executes_user_page),
		cmocka_unit_test(test_pinned_page_keeps_no_slot),
		cmocka_unit_test(test_large_leaf_becomes_writable),
		cmocka_unit_test(test_code_comes_in),
		cmocka_unit_test(test_dropped_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
