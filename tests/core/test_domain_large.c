/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_domain_large.c - a large leaf beside a domain's partitions that maps the very memory in
 * which the private tables are: it is no pointer to one of them.
 *
 * That memory has an address at which a large leaf can begin where there are tables enough, as in
 * the variant in which this runs.
 */
#include "domain_help.h"

#include <unistd.h>

#include <pagetable/overlay.h>

#define LARGE 0x200000u
#define COUNT (CONFIG_MEM_DOMAIN_TABLES / (ENTRY_LEVELS + 1)) /* the pages may be in two tables */
#define PAGES (TABLE_PAGES / 2)

_Static_assert(sizeof(qr_private_tables) > LARGE, "a large leaf can begin in them");

static struct k_mem_domain domains[COUNT];

/* The domains may use nothing of it. */
static void leaf_with(uint32_t flags)
{
	const uintptr_t phys = ((uintptr_t)qr_private_tables + LARGE - 1) & ~(uintptr_t)(LARGE - 1);
	uint8_t *virt;

	assert_int_equal(k_mem_map_phys_bare(&virt, phys, LARGE, flags), 0);
	assert_true(arch_page_get(virt) & ARCH_PAGE_LARGE);
	(void)alarm(10); /* a walk may come round to where it was */
	for (uint32_t d = 0; d < COUNT; d++) {
		k_mem_domain_switch(&domains[d]);
		for (uint32_t i = 0; i < TABLE_PAGES; i++) {
			assert_int_equal(arch_buffer_validate(virt + i * RIG_PAGE, 1, 0), -EACCES);
		}
	}
	(void)alarm(0);
	k_mem_domain_switch(NULL);
	assert_int_equal(k_mem_unmap_phys_bare(virt, LARGE), 0);
}

static void test_a_leaf_over_the_tables_is_no_table(void **state)
{
	const struct rig rig = {.frames = 40, .slots = TABLE_PAGES};
	struct rig_counts before;
	uint8_t *memory;

	(void)state;
	rig_start(&rig);
	before = rig_counts();
	memory = pages_map(PAGES, K_MEM_PERM_RW);
	/* so that each table is somebody's, and says much of its pages */
	for (uint32_t d = 0; d < COUNT; d++) {
		domain_start(&domains[d]);
		assert_int_equal(part_add(&domains[d], memory, PAGES, U_RW), 0);
	}
	leaf_with(0);
	leaf_with(K_MEM_PERM_RW);
	leaf_with(K_MEM_PERM_EXEC);
	for (uint32_t d = 0; d < COUNT; d++) {
		domain_end(&domains[d]);
	}
	pages_unmap(memory, PAGES);
	domains_check(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_leaf_over_the_tables_is_no_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
