/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_domain_inherit.c - a domain gets the partitions of a thread's domain, all or none: what is
 * copied, and that nothing is when places, tables or addresses are not to be had.
 */
#include "domain_pair.h"

#include <string.h>

#include "audit.h"

static struct k_mem_domain *thread; /* a thread of the host kernel, which is in domain a */

static void start_thread_with(uint32_t slots)
{
	start_with(40, slots);
	thread = NULL;
	assert_int_equal(k_mem_domain_add_thread(&a, &thread), 0);
}

static void start_thread(void)
{
	start_thread_with(100);
}

static void end_thread(void)
{
	k_mem_domain_remove_thread(&thread);
	end();
}

static int inherit(struct k_mem_domain *domain)
{
	return k_mem_domain_inherit_thread_partitions(domain, &thread);
}

/* What the call must leave as it was when it fails. */
struct known {
	struct k_mem_domain domain;
	uint32_t tables;
};

static struct known known(const struct k_mem_domain *domain)
{
	return (struct known){*domain, tables_used()};
}

static void assert_as_known(const struct k_mem_domain *domain, struct known was)
{
	assert_int_equal(domain->num_partitions, was.domain.num_partitions);
	assert_memory_equal(domain->partitions, was.domain.partitions,
			    sizeof(domain->partitions));
	assert_int_equal(tables_used(), was.tables);
	assert_null(audit());
}

static void test_partitions_are_copied(void **state)
{
	uint8_t *memory, *code;

	(void)state;
	start_thread();
	memory = pages_map(6, K_MEM_PERM_RW);
	code = pages_map(1, K_MEM_PERM_EXEC);
	assert_int_equal(part_add(&a, memory, 2, U_RW), 0);
	assert_int_equal(part_add(&a, memory + 2 * RIG_PAGE, 1, U_RW), 0);
	assert_int_equal(part_add(&a, memory + 3 * RIG_PAGE, 2, U_RO), 0);
	assert_int_equal(part_add(&a, code, 1, U_RX), 0);
	assert_int_equal(part_remove(&a, memory + 2 * RIG_PAGE, 1), 0); /* a gap in the list */
	assert_int_equal(part_add(&b, memory + 5 * RIG_PAGE, 1, U_RO), 0);

	assert_int_equal(inherit(&b), 0);
	assert_int_equal(b.num_partitions, 4);
	assert_true(user_writes(&b, memory + RIG_PAGE));
	assert_false(user_reads(&b, memory + 2 * RIG_PAGE));
	assert_true(user_reads(&b, memory + 4 * RIG_PAGE));
	assert_false(user_writes(&b, memory + 4 * RIG_PAGE));
	assert_true(user_reads(&b, memory + 5 * RIG_PAGE));
	assert_int_equal(user_exec(&b, code), 0);
	/* the thread stays where it is, and later changes are not followed */
	assert_ptr_equal(thread, &a);
	assert_int_equal(part_remove(&a, memory, 2), 0);
	assert_true(user_writes(&b, memory));
	assert_int_equal(part_remove(&b, memory, 2), 0);
	assert_null(audit());
	pages_unmap(memory, 6);
	pages_unmap(code, 1);
	end_thread();
}

static void test_nothing_is_copied_where_one_overlaps(void **state)
{
	struct known was;
	uint8_t *memory;

	(void)state;
	start_thread();
	memory = pages_map(6, K_MEM_PERM_RW);
	for (uint32_t i = 0; i < 6; i += 2) {
		assert_int_equal(part_add(&a, memory + i * RIG_PAGE, 2, U_RW), 0);
	}
	assert_int_equal(part_add(&b, memory + 5 * RIG_PAGE, 1, U_RO), 0);
	was = known(&b);
	assert_int_equal(inherit(&b), -EINVAL);
	assert_as_known(&b, was);
	assert_false(user_reads(&b, memory));
	/* a second time, too */
	assert_int_equal(part_remove(&b, memory + 5 * RIG_PAGE, 1), 0);
	assert_int_equal(inherit(&b), 0);
	was = known(&b);
	assert_int_equal(inherit(&b), -EINVAL);
	assert_as_known(&b, was);
	pages_unmap(memory, 6);
	end_thread();
}

static void test_nothing_is_copied_to_the_same_domain(void **state)
{
	struct known was;
	uint8_t *memory;

	(void)state;
	start_thread();
	assert_int_equal(inherit(&a), 0); /* none */
	memory = pages_map(CONFIG_MAX_DOMAIN_PARTITIONS, K_MEM_PERM_RW);
	assert_int_equal(part_add(&a, memory, 1, U_RW), 0);
	was = known(&a);
	assert_int_equal(inherit(&a), -EINVAL);
	assert_as_known(&a, was);
	for (uint32_t i = 1; i < CONFIG_MAX_DOMAIN_PARTITIONS / 2 + 1; i++) {
		assert_int_equal(part_add(&a, memory + i * RIG_PAGE, 1, U_RW), 0);
	}
	was = known(&a);
	assert_int_equal(inherit(&a), -ENOSPC);
	assert_as_known(&a, was);
	pages_unmap(memory, CONFIG_MAX_DOMAIN_PARTITIONS);
	end_thread();
}

static void test_nothing_is_copied_where_places_run_out(void **state)
{
	const uint32_t most = CONFIG_MAX_DOMAIN_PARTITIONS;
	struct known was;
	uint8_t *memory;

	(void)state;
	start_thread();
	memory = pages_map(most + 2, 0);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(part_add(&a, memory + i * RIG_PAGE, 1, U_RO), 0);
	}
	for (uint32_t i = 0; i < most - 2; i++) {
		assert_int_equal(part_add(&b, memory + (3 + i) * RIG_PAGE, 1, U_RO), 0);
	}
	was = known(&b);
	assert_int_equal(inherit(&b), -ENOSPC);
	assert_as_known(&b, was);
	assert_int_equal(part_remove(&b, memory + 3 * RIG_PAGE, 1), 0);
	assert_int_equal(inherit(&b), 0); /* to the last place */
	assert_int_equal(b.num_partitions, most);
	pages_unmap(memory, most + 2);
	end_thread();
}

/* Domains that take all tables: a leaf table for each stretch of `memory`, one after the other. */
static struct k_mem_domain hoarders[CONFIG_MEM_DOMAIN_TABLES];
#define STRETCHES 3u

static uint32_t hoard(uint8_t *memory)
{
	uint32_t count = 0;

	for (uint32_t failed = 0; failed < STRETCHES; count++) {
		domain_start(&hoarders[count]);
		failed = 0;
		for (uint32_t i = 0; i < STRETCHES; i++) {
			failed += part_add(&hoarders[count], memory + i * TABLE_PAGES * RIG_PAGE, 1,
					   U_RO) != 0;
		}
	}
	return count;
}

/* Each partition is in a stretch of its own, so it needs a leaf table of its own. Tables come back
 * one by one, so that they run out at each of the partitions. */
static void test_nothing_is_copied_where_tables_run_out(void **state)
{
	const uint32_t pages = STRETCHES * TABLE_PAGES;
	uint32_t hoarder, failures = 0;
	struct known was;
	uint8_t *memory;
	int status;

	(void)state;
	start_thread_with(pages);
	memory = pages_map(pages, 0);
	for (uint32_t i = 0; i < STRETCHES; i++) {
		assert_int_equal(part_add(&a, memory + i * TABLE_PAGES * RIG_PAGE, 1, U_RO), 0);
	}
	hoarder = hoard(memory);
	was = known(&b);
	while ((status = inherit(&b)) != 0) {
		uint32_t step = failures++;

		assert_int_equal(status, -ENOMEM);
		assert_as_known(&b, was);
		assert_false(user_reads(&b, memory));
		(void)part_remove(&hoarders[step / STRETCHES],
				  memory + step % STRETCHES * TABLE_PAGES * RIG_PAGE, 1);
		was = known(&b);
	}
	assert_in_range(failures, STRETCHES, 3 * STRETCHES);
	for (uint32_t i = 0; i < STRETCHES; i++) {
		assert_true(user_reads(&b, memory + i * TABLE_PAGES * RIG_PAGE));
	}
	while (hoarder-- > 0) {
		domain_end(&hoarders[hoarder]);
	}
	pages_unmap(memory, pages);
	end_thread();
}

static void test_what_is_unmapped_is_not_copied(void **state)
{
	struct known was;
	uint8_t *memory, *other;

	(void)state;
	start_thread();
	memory = pages_map(1, K_MEM_PERM_RW);
	other = pages_map(1, K_MEM_PERM_RW);
	assert_int_equal(part_add(&a, memory, 1, U_RW), 0);
	assert_int_equal(part_add(&a, other, 1, U_RW), 0);
	pages_unmap(other, 1);
	was = known(&b);
	assert_int_equal(inherit(&b), -EINVAL);
	assert_as_known(&b, was);
	pages_unmap(memory, 1);
	end_thread();
}

/* A thread that was never added to a domain; and the running one. */
static void test_threads_of_the_default_domain(void **state)
{
	uint8_t *memory;

	(void)state;
	start();
	thread = NULL;
	assert_int_equal(inherit(&b), 0);
	assert_int_equal(b.num_partitions, 0);
	memory = pages_map(2, K_MEM_PERM_RW);
	assert_int_equal(part_add(&k_mem_domain_default, memory, 1, U_RW), 0);
	assert_int_equal(inherit(&b), 0);
	assert_true(user_writes(&b, memory));
	assert_false(user_reads(&b, memory + RIG_PAGE));
	/* both ways */
	assert_int_equal(part_add(&a, memory + RIG_PAGE, 1, U_RO), 0);
	assert_int_equal(k_mem_domain_add_thread(&a, NULL), 0);
	assert_int_equal(k_mem_domain_inherit_thread_partitions(&k_mem_domain_default, NULL), 0);
	k_mem_domain_remove_thread(NULL);
	assert_int_equal(k_mem_domain_default.num_partitions, 2);
	assert_int_equal(part_remove(&k_mem_domain_default, memory, 1), 0);
	assert_int_equal(part_remove(&k_mem_domain_default, memory + RIG_PAGE, 1), 0);
	pages_unmap(memory, 2);
	end();
}

#define BOTH(test) \
	cmocka_unit_test_setup(test, setup_hardware), cmocka_unit_test_setup(test, setup_software)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_partitions_are_copied),
		BOTH(test_nothing_is_copied_where_one_overlaps),
		BOTH(test_nothing_is_copied_to_the_same_domain),
		BOTH(test_nothing_is_copied_where_places_run_out),
		BOTH(test_nothing_is_copied_where_tables_run_out),
		BOTH(test_what_is_unmapped_is_not_copied),
		BOTH(test_threads_of_the_default_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
