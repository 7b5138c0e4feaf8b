/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_domain_life.c - the life of domains, each fact as one test: paging under partitions, the end
 * of a domain, tags and tables that are used again. All of it runs twice: on a CPU that sets
 * accessed and dirty bits, and on one that leaves that to software.
 */
#include "domain_pair.h"

#include <string.h>

#include <pagetable/overlay.h>

/* ---- paging ---------------------------------------------------------------------------- */

static void test_partition_over_pages_that_are_out(void **state)
{
	uint8_t *pages;
	uint64_t word;

	(void)state;
	start();
	pages = pages_map(4, K_MEM_PERM_RW);
	pages_fill(pages, 3); /* the fourth was never touched */
	pages_out(pages, 4);
	assert_int_equal(part_add(&a, pages, 4, U_RW), 0);
	assert_true(page_is_out(pages));
	for (uint32_t i = 0; i < 3; i++) {
		uint8_t *page = pages + i * RIG_PAGE;

		assert_int_equal(user_read(&a, page + RIG_PAGE / 2, &word), 0);
		assert_int_equal(word, word_of(page));
		assert_int_equal(user_read(&b, page, &word), -EACCES);
	}
	assert_int_equal(user_read(&a, pages + 3 * RIG_PAGE, &word), 0);
	assert_int_equal(word, 0);
	pages_unmap(pages, 4);
	end();
}

static void test_content_and_rights_survive_paging(void **state)
{
	uint8_t *pages;
	uint64_t word;

	(void)state;
	start();
	pages = pages_map(3, K_MEM_PERM_RW);
	pages_fill(pages, 3);
	assert_int_equal(part_add(&a, pages, 1, U_RO), 0);
	assert_int_equal(part_add(&a, pages + RIG_PAGE, 1, U_RW), 0);
	assert_int_equal(part_add(&b, pages, 2, U_RO), 0);
	for (uint64_t round = 0; round < 3; round++) {
		k_mem_domain_switch(round == 1 ? NULL : &b);
		pages_out(pages, 3);
		assert_int_equal(user_write(&a, pages, 1), -EACCES);
		assert_int_equal(user_write(&a, pages + RIG_PAGE, round), 0);
		assert_int_equal(user_read(&b, pages + RIG_PAGE, &word), 0);
		assert_int_equal(word, round);
		assert_int_equal(user_write(&b, pages + RIG_PAGE, 1), -EACCES);
		assert_int_equal(user_read(&a, pages + 2 * RIG_PAGE, &word), -EACCES);
		for (uint32_t i = 0; i < 2; i++) {
			uint8_t *page = pages + i * RIG_PAGE;

			assert_int_equal(user_read(&a, page + RIG_PAGE / 2, &word), 0);
			assert_int_equal(word, word_of(page));
		}
	}
	pages_unmap(pages, 3);
	end();
}

/* More pages than frames, by user mode alone. */
static void test_faults_of_user_mode_are_served(void **state)
{
	const uint32_t count = 24;
	uint8_t *pages;
	uint64_t word;

	(void)state;
	start_with(8, 100);
	pages = pages_map(count, K_MEM_PERM_RW);
	assert_int_equal(part_add(&a, pages, count, U_RW), 0);
	assert_int_equal(part_add(&b, pages, count, U_RO), 0);
	for (uint64_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < count; i++) {
			uint8_t *page = pages + i * RIG_PAGE;

			assert_int_equal(user_read(&b, page, &word), 0);
			assert_int_equal(word, round == 0 ? 0 : i + 100 * (round - 1));
			assert_int_equal(user_write(&a, page, i + 100 * round), 0);
		}
	}
	pages_unmap(pages, count);
	end();
}

static void test_refused_access_brings_nothing_in(void **state)
{
	uint8_t *pages;
	uint64_t word;

	(void)state;
	start();
	pages = pages_map(2, K_MEM_PERM_RW);
	pages_fill(pages, 2);
	assert_int_equal(part_add(&a, pages + RIG_PAGE, 1, U_RO), 0);
	pages_out(pages, 2);
	assert_int_equal(user_read(&a, pages, &word), -EACCES);
	assert_int_equal(user_write(&a, pages, 1), -EACCES);
	assert_int_equal(user_write(&a, pages + RIG_PAGE, 1), -EACCES);
	assert_int_equal(user_exec(&a, pages + RIG_PAGE), -EACCES);
	assert_int_equal(user_read(&b, pages + RIG_PAGE, &word), -EACCES);
	assert_true(page_is_out(pages) && page_is_out(pages + RIG_PAGE));
	assert_int_equal(rig_stats().transfer.page_in, 0);
	pages_unmap(pages, 2);
	end();
}

/* ---- ends ------------------------------------------------------------------------------ */

/* The tables of a domain that has ended are nobody's, also where it was current until then. */
static void test_ended_domain_is_not_used_any_more(void **state)
{
	struct k_mem_domain mortal;
	uint8_t *page;
	uint64_t word;

	(void)state;
	start();
	page = pages_map(1, K_MEM_PERM_RW);
	domain_start(&mortal);
	assert_int_equal(part_add(&mortal, page, 1, U_RW), 0);
	assert_true(user_writes(&mortal, page));
	domain_end(&mortal);
	memset(&mortal, 0xff, sizeof(mortal));
	assert_int_equal(emu_read((uintptr_t)page, &word, sizeof(word), K_MEM_FAULT_USER), -EACCES);
	assert_int_equal(part_add(&b, page, 1, U_RO), 0);
	assert_int_equal(k_mem_page_out(page, RIG_PAGE), 0);
	assert_true(user_reads(&b, page));
	pages_unmap(page, 1);
	end();
}

/* What a domain has under its own partitions and what others have over its memory. */
static void test_domain_ends_under_partitions_of_others(void **state)
{
	void *addr = NULL;
	uint8_t *memory;

	(void)state;
	start();
	assert_int_equal(k_mem_domain_limits_set(&a, 8 * RIG_PAGE, 2 * RIG_PAGE), 0);
	assert_int_equal(k_mem_domain_map(&a, &addr, 8 * RIG_PAGE, K_MEM_PERM_RW), 0);
	memory = addr;
	assert_int_equal(part_add(&b, memory, 4, U_RO), 0);
	for (uint32_t i = 0; i < 8; i++) {
		assert_true(user_writes(&a, memory + i * RIG_PAGE));
		assert_int_equal(user_reads(&b, memory + i * RIG_PAGE), i < 4);
	}
	assert_int_equal(a.resident_count, 8);
	k_mem_domain_switch(NULL);
	assert_int_equal(k_mem_page_out(memory, 3 * RIG_PAGE), 0);
	assert_int_equal(a.resident_count, 5);
	domain_end(&a);
	domain_start(&a);
	assert_false(user_reads(&b, memory));
	assert_int_equal(part_remove(&b, memory, 4), 0);
	end();
}

/* The emulated machine has EMU_TAGS tags, and its TLB forgets nothing by itself. */
static void test_tags_are_used_again_safely(void **state)
{
	static struct k_mem_domain domains[EMU_TAGS + 1];
	const uint32_t count = EMU_TAGS + 1;
	uint8_t *pages;

	(void)state;
	start();
	pages = pages_map(2, K_MEM_PERM_RW);
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t d = 0; d < count; d++) {
			domain_start(&domains[d]);
			assert_int_equal(part_add(&domains[d], pages + (d & 1) * RIG_PAGE, 1,
						  d & 2 ? U_RW : U_RO), 0);
		}
		for (uint32_t i = 0; i < 30; i++) {
			const uint32_t d = (i * 7 + round) % count;

			assert_true(user_reads(&domains[d], pages + (d & 1) * RIG_PAGE));
			assert_false(user_reads(&domains[d], pages + (~d & 1) * RIG_PAGE));
			assert_int_equal(user_writes(&domains[d], pages + (d & 1) * RIG_PAGE),
					 (d & 2) != 0);
		}
		for (uint32_t d = 0; d < count; d++) {
			domain_end(&domains[d]);
		}
	}
	pages_unmap(pages, 2);
	end();
}

/* A CPU may remember where tables are. */
static void test_cpu_forgets_each_table_that_joins_or_leaves_a_set(void **state)
{
	uint8_t *pages;
	uint64_t drops;

	(void)state;
	start();
	pages = pages_map(1, K_MEM_PERM_RW);
	assert_int_equal(part_add(&a, (void *)RIG_DATA, 1, U_RW), 0);
	assert_true(user_reads(&a, (void *)RIG_DATA));
	drops = emu_counters()->tag_drops;
	assert_int_equal(part_add(&a, pages, 1, U_RW), 0);
	assert_true(emu_counters()->tag_drops > drops); /* its leaf table */
	assert_true(user_reads(&a, pages));
	drops = emu_counters()->tag_drops;
	assert_int_equal(part_remove(&a, (void *)RIG_DATA, 1), 0);
	assert_int_equal(emu_counters()->tag_drops, drops + 1);
	assert_int_equal(part_remove(&a, pages, 1), 0);
	assert_int_equal(emu_counters()->tag_drops, drops + 1 + ENTRY_LEVELS);
	pages_unmap(pages, 1);
	end();
}

static void test_four_partitions_in_one_area_cost_a_path_of_tables(void **state)
{
	uint8_t *pages;

	(void)state;
	start();
	pages = pages_map(4 * 17, K_MEM_PERM_RW);
	assert_int_equal(page_number(pages) / TABLE_PAGES,
			 page_number(pages + 68 * RIG_PAGE) / TABLE_PAGES);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(part_add(&a, pages + i * 17 * RIG_PAGE, 16, U_RW), 0);
		assert_int_equal(tables_used(), ENTRY_LEVELS);
	}
	assert_true(tables_used() <= 5);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(tables_used(), ENTRY_LEVELS);
		assert_int_equal(part_remove(&a, pages + i * 17 * RIG_PAGE, 16), 0);
	}
	assert_int_equal(tables_used(), 0);
	pages_unmap(pages, 68);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_partition_over_pages_that_are_out),
		cmocka_unit_test(test_content_and_rights_survive_paging),
		cmocka_unit_test(test_faults_of_user_mode_are_served),
		cmocka_unit_test(test_refused_access_brings_nothing_in),
		cmocka_unit_test(test_ended_domain_is_not_used_any_more),
		cmocka_unit_test(test_domain_ends_under_partitions_of_others),
		cmocka_unit_test(test_tags_are_used_again_safely),
		cmocka_unit_test(test_cpu_forgets_each_table_that_joins_or_leaves_a_set),
		cmocka_unit_test(test_four_partitions_in_one_area_cost_a_path_of_tables),
	};
	int failed = cmocka_run_group_tests_name("hardware bits", tests, setup_hardware, NULL);

	return failed + cmocka_run_group_tests_name("software bits", tests, setup_software, NULL);
}
