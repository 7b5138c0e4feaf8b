/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_domain_holds.c - however many domains have tables over a page, what is done in one hold of
 * the lock is bounded: looking for a victim, evicting, mapping, changing rights, and all calls
 * that go over many pages. Counted are entries of the domains' sets (arch_mem_work).
 */
#include "domain_help.h"

#include <quire/policy.h>

#include <mm/core.h>
#include <mm/domain.h>

#include "audit.h"

#define DOMAINS 7u
#define PAGES   60u

/* What may be added to a batch: an eviction or a change that was begun, in all sets. */
#define MOST (QR_SETS_BATCH + 2 * DOMAINS)

static struct k_mem_domain domains[DOMAINS];
static struct rig_counts before;
static uint8_t *memory;
static uint32_t work, work_most;
static uint32_t request_cost; /* of the store, or 0: pages move one by one */

static void look(void)
{
	const uint32_t done = arch_mem_work - work;

	work_most = done > work_most ? done : work_most;
	work = arch_mem_work;
}

/* Memory that every domain shares the pages of, or has partitions of; all in one leaf table. */
static void start(const struct k_mem_policy *policy, uint32_t slots)
{
	const struct rig rig = {.frames = 40, .slots = slots, .policy = policy,
				.request_cost = request_cost};

	rig_start(&rig);
	before = rig_counts();
	memory = pages_map(PAGES, K_MEM_PERM_RW);
	for (uint32_t d = 0; d < DOMAINS; d++) {
		domain_start(&domains[d]);
		for (uint32_t i = 0; i < 10; i++) {
			assert_int_equal(part_add(&domains[d], memory + 2 * i * RIG_PAGE, 1,
						  d % 2 == 0 ? U_RW : U_RO), 0);
		}
	}
	pages_fill(memory, PAGES);
	work = arch_mem_work;
	work_most = 0;
	strict_between_set(look);
}

static void end(void)
{
	look();
	strict_between_set(NULL);
	pages_unmap(memory, PAGES);
	for (uint32_t d = 0; d < DOMAINS; d++) {
		domain_end(&domains[d]);
	}
	domains_check(before);
	if (work_most > MOST) {
		fail_msg("%u entries in one hold, %u at most", work_most, MOST);
	}
	assert_true(work_most > 0);
}

/* After what was not counted. */
static void uncounted_end(void)
{
	work = arch_mem_work;
	work_most = 1;
	end();
}

/* Everything that is in a frame was used, in some set or other. */
static void touch_all(void)
{
	for (uint32_t i = 0; i < PAGES; i++) {
		rig_put(memory + i * RIG_PAGE, i);
	}
	for (uint32_t i = 0; i < 20; i += 2) {
		assert_true(user_reads(&domains[i % DOMAINS], memory + i * RIG_PAGE));
	}
	k_mem_domain_switch(NULL);
}

static void test_victims_are_looked_for(void **state)
{
	static const struct k_mem_policy *const policies[] = {
		&k_mem_policy_clock, &k_mem_policy_nru, &k_mem_policy_lru, &k_mem_policy_hazard};

	(void)state;
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		start(policies[i], 100);
		for (int round = 0; round < 4; round++) {
			touch_all();
			k_mem_paging_tick();
		}
		end();
	}
}

static void test_victims_that_have_a_slot_are_looked_for(void **state)
{
	(void)state;
	start(NULL, PAGES + 1 - 40 + 2);
	for (int round = 0; round < 4; round++) {
		touch_all();
		(void)k_mem_page_out(memory, PAGES * RIG_PAGE);
	}
	end();
}

/* ---- between a choice and the deed ---------------------------------------------------------- */

#define GONE 30u

static unsigned int holds, strike_at;
static uint8_t *gone;
static void (*strike)(void);

static void strike_once(void)
{
	if (++holds == strike_at) {
		strike();
	}
}

static void unmap_gone(void)
{
	pages_unmap(gone, GONE);
	gone = NULL;
}

static void keep_all(void)
{
	struct k_mem_domain *domain = &domains[0];

	assert_int_equal(k_mem_domain_limits_set(domain, GONE * RIG_PAGE,
						 domain->resident_count * RIG_PAGE), 0);
}

/* A fault evicts a page, and at one of the moments at which it lets interrupts in something happens
 * to those that it might have chosen. */
static void fault_with(void (*what)(void), unsigned int at)
{
	strike = what;
	strike_at = at;
	holds = 0;
	strict_between_set(strike_once);
	for (uint32_t i = 0; i < PAGES && holds < at; i++) {
		rig_put(memory + i * RIG_PAGE, i);
	}
	strict_between_set(NULL);
	assert_true(holds >= at);
}

static void test_victim_goes_away_before_it_is_evicted(void **state)
{
	(void)state;
	start(NULL, 200);
	for (unsigned int i = 0; i < 60; i++) {
		strict_between_set(NULL);
		gone = pages_map(GONE, K_MEM_PERM_RW);
		pages_fill(gone, GONE);
		fault_with(unmap_gone, i % 12 + 1);
		assert_null(gone);
		assert_ptr_equal(audit(), NULL);
	}
	uncounted_end();
}

static void test_victim_is_kept_before_it_is_evicted(void **state)
{
	struct k_mem_domain *domain = &domains[0];
	void *addr;

	(void)state;
	start(NULL, 200);
	strict_between_set(NULL);
	assert_int_equal(k_mem_domain_limits_set(domain, GONE * RIG_PAGE, 0), 0);
	assert_int_equal(k_mem_domain_map(domain, &addr, GONE * RIG_PAGE, K_MEM_PERM_RW), 0);
	for (unsigned int i = 0; i < 60; i++) {
		assert_int_equal(k_mem_domain_limits_set(domain, GONE * RIG_PAGE, 0), 0);
		for (uint32_t page = 0; page < GONE; page++) {
			assert_true(user_writes(domain, (uint8_t *)addr + page * RIG_PAGE));
		}
		k_mem_domain_switch(NULL);
		fault_with(keep_all, i % 12 + 1);
		assert_true(domain->resident_count >= domain->resident_count_min);
		assert_ptr_equal(audit(), NULL);
	}
	uncounted_end();
}

/* ---- calls that go over many pages ------------------------------------------------------ */

static void test_pages_are_moved_together(void **state)
{
	(void)state;
	request_cost = 8 * 256;
	start(NULL, 200);
	for (int round = 0; round < 4; round++) {
		touch_all();
	}
	end();
	request_cost = 0;
}

static void test_pages_are_moved_by_request(void **state)
{
	(void)state;
	start(NULL, 100);
	assert_int_equal(k_mem_page_out(memory, PAGES * RIG_PAGE), 0);
	assert_int_equal(k_mem_page_in(memory, 30 * RIG_PAGE), 0);
	assert_int_equal(k_mem_pin(memory, 30 * RIG_PAGE), 0);
	assert_int_equal(k_mem_pin(memory, 30 * RIG_PAGE), 0);
	assert_int_equal(k_mem_unpin(memory, 30 * RIG_PAGE), 0);
	assert_int_equal(k_mem_page_out(memory, PAGES * RIG_PAGE), 0);
	end();
}

static void test_rights_change(void **state)
{
	(void)state;
	start(NULL, 100);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(k_mem_update_flags(memory, PAGES * RIG_PAGE, 0), 0);
		assert_int_equal(k_mem_update_flags(memory, PAGES * RIG_PAGE, K_MEM_PERM_RW), 0);
		pages_fill(memory, PAGES);
	}
	assert_int_equal(k_mem_update_flags(memory, PAGES * RIG_PAGE, K_MEM_PERM_USER), 0);
	end();
}

static void test_memory_is_mapped_and_unmapped(void **state)
{
	uint8_t *more;
	void *addr;

	(void)state;
	start(NULL, 200);
	more = pages_map(10, K_MEM_PERM_RW | K_MEM_MAP_LOCK);
	pages_unmap(more, 10);
	more = pages_map(1, K_MEM_PERM_RW | K_MEM_MAP_LOCK);
	pages_unmap(more, 1);
	more = pages_map(70, K_MEM_PERM_RW);
	pages_fill(more, 70);
	pages_unmap(more, 70);
	assert_int_equal(k_mem_domain_limits_set(&domains[1], 30 * RIG_PAGE, 2 * RIG_PAGE), 0);
	assert_int_equal(k_mem_domain_map(&domains[1], &addr, 30 * RIG_PAGE, K_MEM_PERM_RW), 0);
	for (uint32_t i = 0; i < 30; i++) {
		assert_true(user_writes(&domains[1], (uint8_t *)addr + i * RIG_PAGE));
	}
	assert_int_equal(k_mem_domain_unmap(&domains[1], addr, 30 * RIG_PAGE), 0);
	k_mem_domain_switch(NULL);
	end();
}

static void test_partitions_come_and_go(void **state)
{
	(void)state;
	start(NULL, 100);
	for (uint32_t d = 0; d < DOMAINS; d++) {
		assert_int_equal(part_add(&domains[d], memory + 20 * RIG_PAGE, 40, U_RW), 0);
	}
	touch_all();
	for (uint32_t d = 0; d < DOMAINS; d++) {
		assert_int_equal(part_remove(&domains[d], memory + 20 * RIG_PAGE, 40), 0);
	}
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_victims_are_looked_for),
		cmocka_unit_test(test_victims_that_have_a_slot_are_looked_for),
		cmocka_unit_test(test_victim_goes_away_before_it_is_evicted),
		cmocka_unit_test(test_victim_is_kept_before_it_is_evicted),
		cmocka_unit_test(test_pages_are_moved_together),
		cmocka_unit_test(test_pages_are_moved_by_request),
		cmocka_unit_test(test_rights_change),
		cmocka_unit_test(test_memory_is_mapped_and_unmapped),
		cmocka_unit_test(test_partitions_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
