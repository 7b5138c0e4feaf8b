/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_domain_pool.c - too few private tables: whatever the pool still has and whatever is asked
 * for, a call that fails leaves no trace, and one that succeeds takes what it needs and no more.
 */
#include "domain_help.h"

#include <mm/domain.h>
#include <pagetable/overlay.h>

#define STRETCHES 6u

static struct k_mem_domain hoarders[CONFIG_MEM_DOMAIN_TABLES], mine;
static uint32_t hoarder_count;
static struct rig_counts before;

/* Pages at the beginning of stretches 1 to STRETCHES, each stretch's two. */
static uint8_t *page_in(uint32_t stretch)
{
	return page_at((stretch + 1) * TABLE_PAGES);
}

static void start(void)
{
	const struct rig rig = {.frames = 20, .slots = 60};

	rig_start(&rig);
	before = rig_counts();
	hoarder_count = 0;
	domain_start(&mine);
	for (uint32_t i = 0; i < STRETCHES; i++) {
		uint8_t *got = NULL;

		assert_int_equal(k_mem_map_phys_bare(&got, (uintptr_t)page_in(i), 2 * RIG_PAGE,
						     K_MEM_PERM_RW | K_MEM_DIRECT_MAP), 0);
	}
}

/* Leave so many tables in the pool: other domains take the rest. */
static void hoard(uint32_t leave)
{
	while (arch_mem_domain_tables_free() > leave) {
		uint32_t many = arch_mem_domain_tables_free() - leave;
		struct k_mem_domain *one = &hoarders[hoarder_count];

		if (many >= ENTRY_LEVELS) {
			domain_start(one);
			hoarder_count++;
			assert_int_equal(part_add(one, page_in(0), 1, U_RO), 0);
			continue;
		}
		/* one table more for one that has a path */
		for (uint32_t stretch = 1; many > 0; stretch++) {
			assert_in_range(stretch, 1, STRETCHES - 1);
			assert_int_equal(part_add(&hoarders[0], page_in(stretch), 1, U_RO), 0);
			many--;
		}
	}
}

static void end(void)
{
	for (uint32_t i = 0; i < hoarder_count; i++) {
		domain_end(&hoarders[i]);
	}
	domain_end(&mine);
	for (uint32_t i = 0; i < STRETCHES; i++) {
		assert_int_equal(k_mem_unmap_phys_bare(page_in(i), 2 * RIG_PAGE), 0);
	}
	domains_check(before);
}

/* The tables that the domain lacks for partitions in these stretches of the ones that it has. */
static uint32_t tables_needed(uint32_t count)
{
	return count == 0 ? 0 : ENTRY_LEVELS - 1 + count;
}

/* All sizes of the pool, all numbers of stretches that the domain is in already. */
static void test_add_partition_takes_all_its_tables_or_none(void **state)
{
	(void)state;
	for (uint32_t had = 0; had < 3; had++) {
		for (uint32_t leave = 0; leave < ENTRY_LEVELS + 2; leave++) {
			const uint32_t needed = tables_needed(had + 1) - tables_needed(had);
			struct statics was;
			int status;

			start();
			for (uint32_t i = 0; i < had; i++) {
				assert_int_equal(part_add(&mine, page_in(i), 1, U_RW), 0);
			}
			hoard(leave);
			was = statics_take();
			status = part_add(&mine, page_in(had), 2, U_RW);
			if (needed > leave) {
				assert_int_equal(status, -ENOMEM);
				assert_unchanged(&was, but_counters);
				assert_int_equal(mine.num_partitions, had);
				k_mem_domain_switch(&mine);
				assert_int_equal(arch_buffer_validate(page_in(had), 1, 0), -EACCES);
				k_mem_domain_switch(NULL);
			} else {
				statics_free(&was);
				assert_int_equal(status, 0);
				assert_int_equal(arch_mem_domain_tables_free(), leave - needed);
				k_mem_domain_switch(&mine);
				assert_int_equal(arch_buffer_validate(page_in(had), 1, 1), 0);
				k_mem_domain_switch(NULL);
				/* to where there is a table no other is needed */
				assert_int_equal(part_remove(&mine, page_in(had), 2), 0);
				assert_int_equal(arch_mem_domain_tables_free(), leave);
			}
			end();
		}
	}
}

/* One partition over several stretches. */
static void test_partition_across_tables_takes_all_or_none(void **state)
{
	const uint32_t across = 3, pages = TABLE_PAGES + 2;
	const uint32_t needed = tables_needed(across);

	(void)state;
	for (uint32_t leave = 0; leave <= needed + 1; leave++) {
		uint8_t *device = page_at(2 * TABLE_PAGES - 1), *got = NULL;
		struct statics was;
		int status;

		start();
		/* in place of the pages of two stretches */
		assert_int_equal(k_mem_unmap_phys_bare(page_in(1), 2 * RIG_PAGE), 0);
		assert_int_equal(k_mem_unmap_phys_bare(page_in(2), 2 * RIG_PAGE), 0);
		assert_int_equal(k_mem_map_phys_bare(&got, (uintptr_t)device, pages * RIG_PAGE,
						     K_MEM_PERM_RW | K_MEM_DIRECT_MAP), 0);
		while (arch_mem_domain_tables_free() >= leave + ENTRY_LEVELS) {
			domain_start(&hoarders[hoarder_count]);
			assert_int_equal(part_add(&hoarders[hoarder_count++], page_in(0), 1, U_RO),
					 0);
		}
		for (uint32_t i = 3; arch_mem_domain_tables_free() > leave; i++) {
			assert_int_equal(part_add(&hoarders[0], page_in(i), 1, U_RO), 0);
		}
		was = statics_take();
		status = part_add(&mine, device, pages, U_RO);
		if (leave < needed) {
			assert_int_equal(status, -ENOMEM);
			assert_unchanged(&was, but_counters);
			assert_true(page_what(page_number(device) + 1) & ARCH_PAGE_LARGE);
		} else {
			statics_free(&was);
			assert_int_equal(status, 0);
			assert_int_equal(arch_mem_domain_tables_free(), leave - needed);
			assert_int_equal(part_remove(&mine, device, pages), 0);
			assert_int_equal(arch_mem_domain_tables_free(), leave);
		}
		assert_int_equal(k_mem_unmap_phys_bare(device, pages * RIG_PAGE), 0);
		for (uint32_t i = 1; i < 3; i++) {
			assert_int_equal(k_mem_map_phys_bare(&got, (uintptr_t)page_in(i),
							     2 * RIG_PAGE,
							     K_MEM_PERM_RW | K_MEM_DIRECT_MAP), 0);
		}
		end();
	}
}

/* A domain that cannot have all its partitions has none. */
static void test_init_takes_all_its_tables_or_none(void **state)
{
	struct k_mem_partition parts[3], *list[3];

	(void)state;
	for (uint32_t leave = 0; leave <= tables_needed(3); leave++) {
		struct k_mem_domain domain;
		int status;

		start();
		for (uint32_t i = 0; i < 3; i++) {
			parts[i] = part_of(page_in(i), 1, U_RW);
			list[i] = &parts[i];
		}
		hoard(leave);
		status = k_mem_domain_init(&domain, 3, list);
		assert_int_equal(status, leave < tables_needed(3) ? -ENOMEM : 0);
		if (status == 0) {
			assert_int_equal(arch_mem_domain_tables_free(), 0);
			domain_end(&domain);
		}
		assert_int_equal(arch_mem_domain_tables_free(), leave);
		end();
	}
}

/* Anonymous memory: neither addresses nor charges are left behind. */
static void test_map_takes_all_its_tables_or_none(void **state)
{
	(void)state;
	for (uint32_t leave = 0; leave <= ENTRY_LEVELS; leave++) {
		struct statics was;
		void *addr = NULL;
		int status;

		start();
		assert_int_equal(k_mem_domain_limits_set(&mine, 8 * RIG_PAGE, RIG_PAGE), 0);
		hoard(leave);
		was = statics_take();
		status = k_mem_domain_map(&mine, &addr, 4 * RIG_PAGE, K_MEM_PERM_RW);
		assert_int_equal(status, leave < ENTRY_LEVELS ? -ENOMEM : 0);
		if (status != 0) {
			/* the free addresses may be known in another way */
			const char *const but[] = {"qr_stats", "space", NULL};
			const struct rig_counts now = rig_counts();

			assert_unchanged(&was, but);
			assert_int_equal(mine.page_count, 0);
			assert_null(addr);
			assert_int_equal(now.free_pages, before.free_pages - 2 * STRETCHES);
		} else {
			statics_free(&was);
			assert_int_equal(k_mem_domain_unmap(&mine, addr, 4 * RIG_PAGE), 0);
		}
		assert_int_equal(arch_mem_domain_tables_free(), leave);
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_partition_takes_all_its_tables_or_none),
		cmocka_unit_test(test_partition_across_tables_takes_all_or_none),
		cmocka_unit_test(test_init_takes_all_its_tables_or_none),
		cmocka_unit_test(test_map_takes_all_its_tables_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
