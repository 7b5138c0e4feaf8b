/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_stack.c - the core runs on a stack that it maps itself: whatever it does to other pages of
 * the same table, or of the same large leaf, its stack is there at every moment.
 */
#include "domain_help.h"

#include <string.h>

#include <arch/emu/machine.h>

#define LARGE 0x200000u

static struct k_mem_domain domain, other;

static void start(void)
{
	const struct rig rig = {.frames = 40, .slots = 16, .device_bytes = 2 * LARGE};

	rig_start(&rig);
	domain_start(&domain);
	domain_start(&other);
}

static void end(void)
{
	k_mem_domain_switch(NULL);
	domain_end(&domain);
	domain_end(&other);
	emu_publish_hook = NULL;
	emu_drop_hook = NULL;
	rig_check();
}

/* A large leaf of memory in which a stack can be. */
static uint8_t *large_map(void)
{
	uint8_t *virt = NULL;

	assert_int_equal(k_mem_map_phys_bare(&virt, RIG_DEVICE_PHYS, LARGE, K_MEM_PERM_RW), 0);
	assert_true(arch_page_get(virt) & ARCH_PAGE_LARGE);
	return virt;
}

/* Something beside the stack is used at each moment, too: translations come into the TLB. */
static uint8_t *used;

static void use(void)
{
	uint64_t word;

	(void)!emu_read((uintptr_t)used, &word, sizeof(word), 0);
}

static void use_at_publish(const qr_entry_t *first, size_t count)
{
	(void)first;
	(void)count;
	use();
}

static void use_all_the_time(uint8_t *virt)
{
	used = virt;
	emu_publish_hook = use_at_publish;
	emu_drop_hook = use;
}

/* ---- in a page ------------------------------------------------------------------------------- */

static void open_and_shut(uint8_t *page)
{
	assert_int_equal(part_add(&domain, page, 1, U_RW), 0);
	assert_true(user_writes(&domain, page));
	assert_int_equal(part_remove(&domain, page, 1), 0);
	assert_false(user_reads(&domain, page));
}

/* The stack's table gets private copies, and its leaves are global no more. */
static void test_a_page_beside_the_stack_is_opened(void **state)
{
	uint8_t *stack, *page;

	(void)state;
	start();
	stack = pages_map(2, K_MEM_PERM_RW | K_MEM_MAP_LOCK);
	page = pages_map(1, K_MEM_PERM_RW);
	assert_int_equal(page_number(stack) / TABLE_PAGES, page_number(page) / TABLE_PAGES);
	emu_stack_set((uintptr_t)stack);
	use_all_the_time(stack + RIG_PAGE);
	open_and_shut(page);
	open_and_shut(stack + RIG_PAGE);
	emu_stack_set(RIG_DATA);
	pages_unmap(page, 1);
	pages_unmap(stack, 2);
	end();
}

/* The image is never global where there can be domains; one that is on the way is like others. */
static void test_a_page_beside_the_image_is_opened(void **state)
{
	(void)state;
	start();
	use_all_the_time((uint8_t *)RIG_TEXT);
	open_and_shut((uint8_t *)RIG_DATA);
	end();
}

/* ---- in a large leaf ------------------------------------------------------------------------- */

/* What is done to the leaf that the stack is in. */
static void split_by_rights(uint8_t *leaf)
{
	assert_int_equal(k_mem_update_flags(leaf, RIG_PAGE, 0), 0);
	assert_int_equal(rig_write(leaf, 1), -EACCES);
}

static void split_by_partition(uint8_t *leaf)
{
	open_and_shut(leaf + 3 * RIG_PAGE);
}

static void split_by_cache_mode(uint8_t *leaf)
{
	assert_int_equal(k_mem_update_flags(leaf + LARGE - RIG_PAGE, RIG_PAGE,
					    K_MEM_PERM_RW | K_MEM_CACHE_NONE), 0);
}

static void another_cache_mode(uint8_t *leaf)
{
	assert_int_equal(k_mem_update_flags(leaf, LARGE, K_MEM_PERM_RW | K_MEM_CACHE_NONE), 0);
	assert_int_equal(k_mem_update_flags(leaf, LARGE, K_MEM_PERM_RW), 0);
}

/* The stack's own page among them, which has a copy in a private table. */
static void another_cache_mode_of_pages(uint8_t *leaf)
{
	uint8_t *stack = (uint8_t *)emu.stack;

	open_and_shut(stack + RIG_PAGE);
	assert_int_equal(part_add(&domain, stack + RIG_PAGE, 1, U_RW), 0);
	assert_int_equal(k_mem_update_flags(stack - RIG_PAGE, 3 * RIG_PAGE,
					    K_MEM_PERM_RW | K_MEM_CACHE_NONE), 0);
	assert_true(user_writes(&domain, stack + RIG_PAGE));
	assert_int_equal(k_mem_update_flags(leaf, LARGE, K_MEM_PERM_RW), 0);
	assert_true(user_writes(&domain, stack + RIG_PAGE));
	assert_int_equal(part_remove(&domain, stack + RIG_PAGE, 1), 0);
}

static void (*const changes[])(uint8_t *leaf) = {
	split_by_rights, split_by_partition, split_by_cache_mode,
	another_cache_mode, another_cache_mode_of_pages,
};

/* Each change with the kernel's set current, that of a domain with private tables above the leaf,
 * and that of one without. */
static void test_the_leaf_that_the_stack_is_in_is_changed(void **state)
{
	struct k_mem_domain *const sets[] = {NULL, &domain, &other};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		for (size_t set = 0; set < 3; set++) {
			uint8_t *beside, *leaf, *stack;

			start();
			beside = pages_map(1, K_MEM_PERM_RW);
			assert_int_equal(part_add(&domain, beside, 1, U_RW), 0);
			leaf = large_map();
			assert_int_not_equal(page_number(beside) / TABLE_PAGES,
					     page_number(leaf) / TABLE_PAGES);
			stack = leaf + 100 * RIG_PAGE;
			rig_put(stack + 8, i);
			k_mem_domain_switch(sets[set]);
			emu_stack_set((uintptr_t)stack);
			use_all_the_time(leaf + 5 * RIG_PAGE);
			changes[i](leaf);
			assert_int_equal(rig_get(stack + 8), i);
			emu_stack_set(RIG_DATA);
			assert_int_equal(k_mem_unmap_phys_bare(leaf, LARGE), 0);
			assert_int_equal(part_remove(&domain, beside, 1), 0);
			pages_unmap(beside, 1);
			end();
		}
	}
}

/* ---- the machine sees it ------------------------------------------------------------------ */

static struct emu_error seen;

static void see(const struct emu_error *error)
{
	seen = *error;
}

static void test_a_stack_that_is_taken_away_is_seen(void **state)
{
	uint8_t *stack;

	(void)state;
	start();
	stack = pages_map(1, K_MEM_PERM_RW | K_MEM_MAP_LOCK);
	emu_stack_set((uintptr_t)stack);
	emu_error_hook = see;
	pages_unmap(stack, 1);
	emu_stack_set(0);
	assert_true(emu_errors() > 0);
	assert_int_equal(seen.kind, EMU_STACK);
	assert_int_equal(seen.virt, (uintptr_t)stack);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_page_beside_the_stack_is_opened),
		cmocka_unit_test(test_a_page_beside_the_image_is_opened),
		cmocka_unit_test(test_the_leaf_that_the_stack_is_in_is_changed),
		cmocka_unit_test(test_a_stack_that_is_taken_away_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
