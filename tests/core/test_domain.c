/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_domain.c - what memory domains promise, and mistakes that were made with them elsewhere,
 * each as one test: which partitions there may be, and what rights they give. All of it runs
 * twice: on a CPU that sets accessed and dirty bits, and on one that leaves that to software.
 */
#include "domain_pair.h"

/* ---- what is refused ------------------------------------------------------------------- */

static void test_default_domain_does_not_end(void **state)
{
	(void)state;
	start();
	assert_int_equal(k_mem_domain_deinit(&k_mem_domain_default), -EINVAL);
	end();
}

static void test_domain_with_threads_does_not_end(void **state)
{
	struct k_mem_domain *thread = NULL, *child = NULL;

	(void)state;
	start();
	assert_int_equal(k_mem_domain_add_thread(NULL, &thread), -EINVAL);
	assert_int_equal(k_mem_domain_add_thread(&a, &thread), 0);
	assert_int_equal(k_mem_domain_add_thread(&a, &thread), 0); /* is in it already */
	assert_int_equal(k_mem_domain_deinit(&a), -EBUSY);
	k_mem_domain_inherit_thread(&thread, &child);
	assert_ptr_equal(child, &a);
	k_mem_domain_remove_thread(&thread);
	assert_int_equal(k_mem_domain_deinit(&a), -EBUSY);
	assert_int_equal(k_mem_domain_add_thread(&b, &child), 0); /* moves it */
	assert_int_equal(a.thread_count, 0);
	assert_int_equal(k_mem_domain_add_thread(&k_mem_domain_default, &child), 0);
	k_mem_domain_remove_thread(&child);
	k_mem_domain_remove_thread(&child); /* is in none already */
	assert_int_equal(k_mem_domain_default.thread_count, 0);
	end();
}

static void test_bad_partitions_are_refused(void **state)
{
	uint8_t *page, *read_only;
	struct statics was;

	(void)state;
	start();
	page = pages_map(2, K_MEM_PERM_RW);
	read_only = pages_map(1, 0);
	was = statics_take();
	assert_int_equal(part_add(&a, page, 0, U_RW), -EINVAL);
	assert_int_equal(part_add(&a, page + 1, 1, U_RW), -EINVAL);
	assert_int_equal(part_add(&a, page, (uint32_t)(SIZE_MAX / RIG_PAGE), U_RW), -EINVAL);
	assert_int_equal(part_add(&a, (void *)(UINTPTR_MAX - RIG_PAGE + 1), 2, U_RW), -EINVAL);
	assert_int_equal(part_add(&a, page, SPACE_PAGES, U_RW), -EINVAL);
	assert_int_equal(part_add(&a, page_at(SPACE_SCRATCH), 1, U_RO), -EINVAL);
	assert_int_equal(part_add(&a, page, 2, U_RW | K_MEM_PERM_EXEC), -EINVAL);
	assert_int_equal(part_add(&a, page, 2, U_RW | K_MEM_MAP_LOCK), -EINVAL);
	assert_int_equal(part_add(&a, page, 3, U_RW), -EINVAL); /* with a guard */
	assert_int_equal(part_add(&a, page_at(1000), 1, U_RW), -EINVAL); /* not mapped */
	assert_int_equal(part_add(&a, read_only, 1, U_RW), -EINVAL);
	assert_int_equal(part_add(&a, read_only, 1, U_RX), -EINVAL);
	assert_unchanged(&was, but_counters);
	assert_int_equal(a.num_partitions, 0);
	pages_unmap(page, 2);
	pages_unmap(read_only, 1);
	end();
}

/* It came where another thread unmapped a page of the partition, between check and change. */
static void test_guard_does_not_become_own(void **state)
{
	uint8_t *page;

	(void)state;
	start();
	page = pages_map(1, K_MEM_PERM_RW);
	/* so that there is a private leaf table */
	assert_int_equal(part_add(&a, page, 1, U_RW), 0);
	assert_true(arch_mem_domain_partition_add(&a.arch, page - RIG_PAGE, RIG_PAGE, U_RW) > 0);
	assert_true(arch_mem_domain_partition_add(&a.arch, page - RIG_PAGE, RIG_PAGE, U_RO) > 0);
	assert_int_equal(part_remove(&a, page, 1), 0);
	assert_null(arch_mem_domain_owned(&a.arch));
	pages_unmap(page, 1);
	end();
}

static void test_overlapping_partitions_are_refused(void **state)
{
	uint8_t *pages;

	(void)state;
	start();
	pages = pages_map(6, K_MEM_PERM_RW);
	assert_int_equal(part_add(&a, pages + 2 * RIG_PAGE, 2, U_RO), 0);
	for (uint32_t first = 0; first < 6; first++) {
		for (uint32_t count = 1; first + count <= 6; count++) {
			const bool apart = first + count <= 2 || first >= 4;

			assert_int_equal(part_add(&a, pages + first * RIG_PAGE, count, U_RO),
					 apart ? 0 : -EINVAL);
			assert_int_equal(part_remove(&a, pages + first * RIG_PAGE, count),
					 apart ? 0 : first == 2 && count == 2 ? 0 : -ENOENT);
			if (first == 2 && count == 2) {
				assert_int_equal(part_add(&a, pages + 2 * RIG_PAGE, 2, U_RO), 0);
			}
		}
	}
	assert_int_equal(part_add(&b, pages, 6, U_RW), 0); /* another domain's */
	pages_unmap(pages, 6);
	end();
}

static void test_unknown_partition_is_not_removed(void **state)
{
	uint8_t *pages;

	(void)state;
	start();
	pages = pages_map(3, K_MEM_PERM_RW);
	assert_int_equal(part_remove(&a, pages, 3), -ENOENT);
	assert_int_equal(part_remove(&a, pages, 0), -ENOENT);
	assert_int_equal(part_add(&a, pages, 3, U_RO), 0);
	assert_int_equal(part_remove(&a, pages, 2), -ENOENT);
	assert_int_equal(part_remove(&a, pages + RIG_PAGE, 2), -ENOENT);
	assert_int_equal(part_remove(&b, pages, 3), -ENOENT);
	assert_int_equal(part_remove(&a, pages, 3), 0);
	assert_int_equal(part_remove(&a, pages, 3), -ENOENT);
	assert_false(user_reads(&a, pages));
	pages_unmap(pages, 3);
	end();
}

static void test_partitions_are_counted_and_holes_hide_none(void **state)
{
	const uint32_t max = CONFIG_MAX_DOMAIN_PARTITIONS;
	uint8_t *pages;

	(void)state;
	start_with(40, 100);
	pages = pages_map(max + 1, K_MEM_PERM_RW);
	for (uint32_t i = 0; i < max; i++) {
		assert_int_equal(part_add(&a, pages + i * RIG_PAGE, 1, U_RW), 0);
	}
	assert_int_equal(part_add(&a, pages + max * RIG_PAGE, 1, U_RW), -ENOSPC);
	for (uint32_t i = 0; i + 1 < max; i++) {
		assert_int_equal(part_remove(&a, pages + i * RIG_PAGE, 1), 0);
		assert_false(user_writes(&a, pages + i * RIG_PAGE));
		assert_true(user_writes(&a, pages + (max - 1) * RIG_PAGE));
	}
	assert_int_equal(part_remove(&a, pages + (max - 1) * RIG_PAGE, 1), 0);
	assert_int_equal(tables_used(), 0);
	pages_unmap(pages, max + 1);
	end();
}

static void test_init_takes_all_partitions_or_none(void **state)
{
	uint8_t *pages;
	struct k_mem_partition good, bad, *both[] = {&good, &bad};
	struct k_mem_domain domain;

	(void)state;
	start();
	pages = pages_map(4, K_MEM_PERM_RW);
	good = part_of(pages, 2, U_RW);
	bad = part_of(pages + RIG_PAGE, 2, U_RW);
	assert_int_equal(k_mem_domain_init(&domain, 2, both), -EINVAL);
	assert_int_equal(tables_used(), 0);
	bad = part_of(pages + 2 * RIG_PAGE, 2, U_RO);
	assert_int_equal(k_mem_domain_init(&domain, 2, both), 0);
	assert_true(user_writes(&domain, pages));
	assert_true(user_reads(&domain, pages + 3 * RIG_PAGE));
	assert_false(user_writes(&domain, pages + 3 * RIG_PAGE));
	domain_end(&domain);
	pages_unmap(pages, 4);
	end();
}

/* ---- rights ---------------------------------------------------------------------------- */

static void test_partition_is_its_domains_alone(void **state)
{
	uint8_t *pages;
	uint64_t word;

	(void)state;
	start();
	pages = pages_map(3, K_MEM_PERM_RW);
	assert_int_equal(part_add(&a, pages + RIG_PAGE, 1, U_RW), 0);
	assert_true(user_writes(&a, pages + RIG_PAGE));
	assert_int_equal(user_read(&a, pages, &word), -EACCES);
	assert_int_equal(user_read(&a, pages + 2 * RIG_PAGE, &word), -EACCES);
	assert_int_equal(user_read(&b, pages + RIG_PAGE, &word), -EACCES);
	assert_int_equal(user_read(NULL, pages + RIG_PAGE, &word), -EACCES);
	assert_int_equal(user_exec(&a, pages + RIG_PAGE), -EACCES);
	assert_int_equal(part_add(&b, pages + RIG_PAGE, 1, U_RO), 0);
	assert_int_equal(user_write(&a, pages + RIG_PAGE, 77), 0);
	assert_int_equal(user_read(&b, pages + RIG_PAGE, &word), 0);
	assert_int_equal(word, 77);
	assert_int_equal(user_write(&b, pages + RIG_PAGE, 78), -EACCES);
	pages_unmap(pages, 3);
	end();
}

/* Memory of all user threads, but for those of the domain. */
static void test_partition_takes_rights_away(void **state)
{
	uint8_t *pages;

	(void)state;
	start();
	pages = pages_map(3, K_MEM_PERM_RW | K_MEM_PERM_USER);
	assert_int_equal(part_add(&a, pages, 1, U_RO), 0);
	assert_int_equal(part_add(&a, pages + RIG_PAGE, 1, K_MEM_PARTITION_P_RW_U_NA), 0);
	assert_true(user_writes(&b, pages) && user_writes(NULL, pages + RIG_PAGE));
	assert_true(user_reads(&a, pages));
	assert_false(user_writes(&a, pages));
	assert_false(user_reads(&a, pages + RIG_PAGE));
	assert_true(user_writes(&a, pages + 2 * RIG_PAGE));
	assert_int_equal(part_remove(&a, pages, 1), 0);
	assert_int_equal(part_remove(&a, pages + RIG_PAGE, 1), 0);
	assert_true(user_writes(&a, pages) && user_writes(&a, pages + RIG_PAGE));
	pages_unmap(pages, 3);
	end();
}

static void test_partition_over_image_and_on_demand_pages(void **state)
{
	uint64_t word;

	(void)state;
	start();
	assert_int_equal(part_add(&a, (void *)RIG_TEXT, 1, U_RX), 0);
	assert_int_equal(part_add(&a, (void *)RIG_RODATA, 1, U_RO), 0);
	assert_int_equal(part_add(&a, (void *)RIG_DATA, 1, U_RW), 0);
	assert_int_equal(part_add(&a, (void *)RIG_DEMAND, RIG_DEMAND_PAGES, U_RX), 0);
	assert_int_equal(user_exec(&a, (void *)RIG_TEXT), 0);
	assert_int_equal(user_exec(&a, (void *)RIG_DEMAND), 0);
	assert_int_equal(user_exec(&a, (void *)RIG_RODATA), -EACCES);
	assert_true(user_writes(&a, (void *)RIG_DATA));
	assert_int_equal(user_read(&a, (void *)(RIG_DEMAND + RIG_PAGE), &word), 0);
	assert_int_equal(word, rig_image_word(1));
	assert_int_equal(user_write(&a, (void *)RIG_DEMAND, 1), -EACCES);
	k_mem_domain_switch(NULL);
	pages_out((uint8_t *)RIG_DEMAND, RIG_DEMAND_PAGES);
	end();
}

/* A device in a large leaf, split for the partition; and one that comes over a private table. */
static void test_partition_over_a_device(void **state)
{
	const size_t size = TABLE_PAGES * RIG_PAGE;
	uint8_t *device, *again = NULL;

	(void)state;
	start();
	assert_int_equal(k_mem_map_phys_bare(&device, 0x800000000u, size, K_MEM_PERM_RW), 0);
	assert_true(page_what(page_number(device)) & ARCH_PAGE_LARGE);
	assert_int_equal(part_add(&a, device + RIG_PAGE, 1, U_RW), 0);
	assert_false(page_what(page_number(device)) & ARCH_PAGE_LARGE);
	k_mem_domain_switch(&a);
	assert_int_equal(arch_buffer_validate(device + RIG_PAGE, RIG_PAGE, 1), 0);
	assert_int_equal(arch_buffer_validate(device, 1, 0), -EACCES);
	assert_int_equal(arch_buffer_validate(device + 2 * RIG_PAGE, 1, 0), -EACCES);
	assert_int_equal(k_mem_unmap_phys_bare(device, size), 0);
	assert_int_equal(arch_buffer_validate(device + RIG_PAGE, 1, 0), -EFAULT);
	assert_int_equal(k_mem_map_phys_bare(&again, 0x800000000u, size, K_MEM_PERM_RW), 0);
	assert_ptr_equal(again, device);
	assert_false(page_what(page_number(device)) & ARCH_PAGE_LARGE);
	/* what comes to lie under a partition is not part of it */
	assert_int_equal(arch_buffer_validate(device + RIG_PAGE, 1, 0), -EACCES);
	assert_int_equal(part_remove(&a, device + RIG_PAGE, 1), 0);
	assert_int_equal(k_mem_unmap_phys_bare(device, size), 0);
	end();
}

static void test_change_of_rights_goes_through_partitions(void **state)
{
	uint8_t *pages;

	(void)state;
	start();
	pages = pages_map(2, K_MEM_PERM_RW);
	pages_fill(pages, 2);
	pages_out(pages + RIG_PAGE, 1);
	assert_int_equal(part_add(&a, pages, 2, U_RW), 0);
	assert_true(user_writes(&a, pages));
	assert_int_equal(k_mem_update_flags(pages, 2 * RIG_PAGE, 0), 0);
	for (uint32_t i = 0; i < 2; i++) {
		assert_true(user_reads(&a, pages + i * RIG_PAGE));
		assert_false(user_writes(&a, pages + i * RIG_PAGE));
		assert_false(user_reads(&b, pages + i * RIG_PAGE));
	}
	/* user rights of the kernel's entry are for those without rights of their own */
	assert_int_equal(k_mem_update_flags(pages, 2 * RIG_PAGE, K_MEM_PERM_USER), 0);
	assert_true(user_reads(&b, pages) && user_reads(&b, pages + RIG_PAGE));
	pages_unmap(pages, 2);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default_domain_does_not_end),
		cmocka_unit_test(test_domain_with_threads_does_not_end),
		cmocka_unit_test(test_bad_partitions_are_refused),
		cmocka_unit_test(test_guard_does_not_become_own),
		cmocka_unit_test(test_overlapping_partitions_are_refused),
		cmocka_unit_test(test_unknown_partition_is_not_removed),
		cmocka_unit_test(test_partitions_are_counted_and_holes_hide_none),
		cmocka_unit_test(test_init_takes_all_partitions_or_none),
		cmocka_unit_test(test_partition_is_its_domains_alone),
		cmocka_unit_test(test_partition_takes_rights_away),
		cmocka_unit_test(test_partition_over_image_and_on_demand_pages),
		cmocka_unit_test(test_partition_over_a_device),
		cmocka_unit_test(test_change_of_rights_goes_through_partitions),
	};
	int failed = cmocka_run_group_tests_name("hardware bits", tests, setup_hardware, NULL);

	return failed + cmocka_run_group_tests_name("software bits", tests, setup_software, NULL);
}
