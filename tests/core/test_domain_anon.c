/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_domain_anon.c - anonymous memory of domains and its limits, each fact as one test.
 */
#include "domain_help.h"

#include <mm/charge.h>
#include <mm/domain.h>

#include "audit.h"

static struct k_mem_domain a, b;
static struct rig_counts before;

static void start(uint32_t frames, uint32_t slots, const struct k_mem_policy *policy)
{
	const struct rig rig = {.frames = frames, .slots = slots, .policy = policy};

	rig_start(&rig);
	before = rig_counts();
	domain_start(&a);
	domain_start(&b);
}

static void end(void)
{
	domain_end(&a);
	domain_end(&b);
	assert_int_equal(qr_charge.kept, 0);
	assert_int_equal(qr_domain_keeper_count, 0);
	assert_int_equal(qr_told.domains, 0);
	domains_check(before);
}

static int limits(struct k_mem_domain *domain, uint32_t max, uint32_t min)
{
	return k_mem_domain_limits_set(domain, max * RIG_PAGE, min * RIG_PAGE);
}

static uint8_t *map(struct k_mem_domain *domain, uint32_t pages)
{
	void *addr = NULL;

	assert_int_equal(k_mem_domain_map(domain, &addr, pages * RIG_PAGE, K_MEM_PERM_RW), 0);
	return addr;
}

static void touch(struct k_mem_domain *domain, uint8_t *memory, uint32_t pages)
{
	for (uint32_t i = 0; i < pages; i++) {
		assert_int_equal(user_write(domain, memory + i * RIG_PAGE, i), 0);
	}
}

static uint32_t pages_in(const uint8_t *memory, uint32_t pages)
{
	uint32_t in = 0;

	for (uint32_t i = 0; i < pages; i++) {
		in += (page_what(page_number(memory) + i) & ARCH_DATA_PAGE_LOADED) != 0;
	}
	return in;
}

static void test_memory_is_zero_and_the_domains_alone(void **state)
{
	uint8_t *memory;
	uint64_t word = 1;

	(void)state;
	start(20, 60, NULL);
	assert_int_equal(limits(&a, 4, 0), 0);
	memory = map(&a, 4);
	assert_int_equal(user_read(&a, memory, &word), 0);
	assert_int_equal(word, 0);
	touch(&a, memory, 4);
	assert_int_equal(user_read(&b, memory, &word), -EACCES);
	assert_int_equal(user_read(NULL, memory, &word), -EACCES);
	assert_int_equal(user_exec(&a, memory), -EACCES);
	assert_int_equal(user_write(&a, memory - RIG_PAGE, 1), -EFAULT);
	assert_int_equal(user_write(&a, memory + 4 * RIG_PAGE, 1), -EFAULT);
	k_mem_domain_switch(&a);
	assert_int_equal(k_usermode_from_copy(&word, memory + 3 * RIG_PAGE, sizeof(word)), 0);
	assert_int_equal(word, 3);
	end(); /* which unmaps it */
}

static void test_no_memory_without_a_limit(void **state)
{
	void *addr = NULL;

	(void)state;
	start(20, 60, NULL);
	assert_int_equal(k_mem_domain_map(&a, &addr, RIG_PAGE, K_MEM_PERM_RW), -ENOMEM);
	assert_int_equal(limits(&a, 3, 0), 0);
	assert_int_equal(k_mem_domain_map(&a, &addr, 4 * RIG_PAGE, K_MEM_PERM_RW), -ENOMEM);
	(void)map(&a, 2);
	assert_int_equal(k_mem_domain_map(&a, &addr, 2 * RIG_PAGE, K_MEM_PERM_RW), -ENOMEM);
	(void)map(&a, 1);
	assert_int_equal(k_mem_domain_map(&a, &addr, RIG_PAGE, K_MEM_PERM_RW), -ENOMEM);
	assert_int_equal(a.page_count, 3);
	assert_null(addr);
	end();
}

static void test_bad_limits_are_refused(void **state)
{
	struct statics was;

	(void)state;
	start(20, 60, NULL);
	assert_int_equal(limits(&a, 8, 2), 0);
	(void)map(&a, 4);
	was = statics_take();
	assert_int_equal(k_mem_domain_limits_set(&a, 8 * RIG_PAGE + 1, 0), -EINVAL);
	assert_int_equal(k_mem_domain_limits_set(&a, 8 * RIG_PAGE, 1), -EINVAL);
	assert_int_equal(limits(&a, 8, 9), -EINVAL);
	assert_int_equal(limits(&a, 3, 0), -EBUSY);
	assert_int_equal(limits(&a, 20, 20), -ENOMEM); /* one frame is for the others */
	assert_int_equal(limits(&a, SPACE_PAGES, SPACE_PAGES), -ENOMEM);
	assert_int_equal(k_mem_domain_limits_set(&a, -RIG_PAGE, -RIG_PAGE), -ENOMEM);
	assert_unchanged(&was, but_counters);
	assert_int_equal(a.page_count_max, 8);
	assert_int_equal(a.resident_count_min, 2);
	assert_int_equal(limits(&a, 20, 19), 0);
	assert_int_equal(limits(&b, 1, 1), -ENOMEM);
	assert_int_equal(limits(&a, 4, 0), 0);
	assert_int_equal(limits(&b, 1, 1), 0);
	end();
}

static void test_bad_memory_is_refused(void **state)
{
	uint8_t *memory, *kernels;
	void *addr = NULL;
	struct statics was;

	(void)state;
	start(20, 60, NULL);
	assert_int_equal(limits(&a, 8, 0), 0);
	assert_int_equal(limits(&b, 8, 0), 0);
	memory = map(&a, 4);
	kernels = pages_map(4, K_MEM_PERM_RW);
	assert_int_equal(part_add(&a, kernels, 4, U_RW), 0);
	was = statics_take();
	assert_int_equal(k_mem_domain_map(&a, &addr, 0, 0), -EINVAL);
	assert_int_equal(k_mem_domain_map(&a, &addr, RIG_PAGE + 1, 0), -EINVAL);
	assert_int_equal(k_mem_domain_map(&a, &addr, RIG_PAGE, K_MEM_PERM_EXEC), -EINVAL);
	assert_int_equal(k_mem_domain_map(&a, &addr, RIG_PAGE, K_MEM_PERM_USER), -EINVAL);
	assert_int_equal(k_mem_domain_unmap(&a, memory, 3 * RIG_PAGE), -EINVAL);
	assert_int_equal(k_mem_domain_unmap(&a, memory + RIG_PAGE, 3 * RIG_PAGE), -EINVAL);
	assert_int_equal(k_mem_domain_unmap(&a, memory, 0), -EINVAL);
	assert_int_equal(k_mem_domain_unmap(&b, memory, 4 * RIG_PAGE), -EINVAL);
	assert_int_equal(k_mem_domain_unmap(&a, kernels, 4 * RIG_PAGE), -EINVAL);
	assert_int_equal(k_mem_unmap(memory, 4 * RIG_PAGE), -EINVAL);
	assert_int_equal(part_add(&a, memory, 1, U_RO), -EINVAL); /* its own memory */
	assert_unchanged(&was, but_counters);
	assert_int_equal(k_mem_domain_unmap(&a, memory, 4 * RIG_PAGE), 0);
	assert_int_equal(k_mem_domain_unmap(&a, memory, 4 * RIG_PAGE), -EINVAL);
	pages_unmap(kernels, 4);
	end();
}

/* With partitions of others over it, which is how memory is lent. */
static void test_pages_in_frames_are_counted(void **state)
{
	uint8_t *memory;
	uint64_t word;

	(void)state;
	start(20, 60, NULL);
	assert_int_equal(limits(&a, 8, 0), 0);
	assert_int_equal(limits(&b, 8, 0), 0);
	memory = map(&a, 6);
	(void)map(&b, 2);
	assert_int_equal(part_add(&b, memory, 6, U_RW), 0);
	assert_int_equal(user_read(&a, memory, &word), 0);
	assert_int_equal(a.resident_count, CONFIG_DEMAND_PAGING_ZERO_PAGE ? 0 : 1);
	touch(&a, memory, 2);
	touch(&b, memory, 4);
	assert_int_equal(a.resident_count, 4);
	assert_int_equal(b.resident_count, 0);
	k_mem_domain_switch(NULL);
	assert_int_equal(k_mem_page_out(memory, 3 * RIG_PAGE), 0);
	assert_int_equal(a.resident_count, 1);
	assert_int_equal(k_mem_pin(memory, 6 * RIG_PAGE), 0);
	assert_int_equal(a.resident_count, 6);
	assert_int_equal(k_mem_unpin(memory, 2 * RIG_PAGE), 0);
	assert_int_equal(k_mem_page_out(memory, 6 * RIG_PAGE), 0);
	assert_int_equal(a.resident_count, 4);
	assert_int_equal(k_mem_domain_unmap(&a, memory, 6 * RIG_PAGE), 0);
	assert_int_equal(a.resident_count, 0);
	assert_int_equal(part_remove(&b, memory, 6), 0);
	end();
}

static const struct k_mem_policy *const policies[] = {&k_mem_policy_clock, &k_mem_policy_nru,
						      &k_mem_policy_lru};

/* However much the others need, what is kept stays; and they have all that they were promised. */
static void test_others_leave_the_domain_its_minimum(void **state)
{
	enum { FRAMES = 8, SLOTS = 20, KEPT = 3 };
	const uint32_t others = FRAMES + SLOTS - 1 - KEPT - 6;

	(void)state;
	for (int p = 0; p < 3; p++) {
		uint8_t *mine, *theirs, *kernels;
		void *more = NULL;

		start(FRAMES, SLOTS, policies[p]);
		assert_int_equal(limits(&a, 6, KEPT), 0);
		assert_int_equal(limits(&b, others, 0), 0);
		mine = map(&a, 6);
		theirs = map(&b, others - 4);
		kernels = pages_map(4, K_MEM_PERM_RW);
		assert_int_equal(k_mem_map_anon(&more, RIG_PAGE, K_MEM_PERM_RW), -ENOMEM);
		touch(&a, mine, 6);
		for (uint32_t round = 0; round < 5; round++) {
			touch(&b, theirs, others - 4);
			k_mem_domain_switch(NULL);
			pages_fill(kernels, 4);
			assert_true(a.resident_count >= KEPT);
			assert_int_equal(pages_in(mine, 6), a.resident_count);
			k_mem_paging_tick();
		}
		assert_ptr_equal(audit(), NULL);
		/* its own faults may take them, and the others' pages, too */
		touch(&a, mine, 6);
		assert_int_equal(pages_in(mine, 6), a.resident_count);
		assert_true(a.resident_count >= KEPT);
		pages_unmap(kernels, 4);
		end();
	}
}

static void test_without_a_minimum_others_take_all(void **state)
{
	(void)state;
	for (int p = 0; p < 3; p++) {
		uint8_t *mine, *theirs;

		start(8, 60, policies[p]);
		assert_int_equal(limits(&a, 6, 3), 0);
		assert_int_equal(limits(&b, 20, 0), 0);
		mine = map(&a, 6);
		theirs = map(&b, 20);
		touch(&a, mine, 6);
		touch(&b, theirs, 20);
		assert_int_equal(a.resident_count, 3);
		assert_int_equal(limits(&a, 6, 0), 0);
		for (uint32_t round = 0; round < 3; round++) {
			touch(&b, theirs, 20);
		}
		assert_int_equal(a.resident_count, 0);
		assert_int_equal(pages_in(mine, 6), 0);
		end();
	}
}

/* One page more than there is room for beside what is kept is refused: charge.h. */
static void test_kept_frames_are_charged(void **state)
{
	uint8_t *memory;
	void *addr = NULL;

	(void)state;
	start(8, 10, NULL);
	assert_int_equal(limits(&a, 5, 5), 0);
	assert_int_equal(k_mem_map_anon(&addr, 3 * RIG_PAGE, K_MEM_PERM_RW | K_MEM_MAP_LOCK),
			 -ENOMEM);
	assert_int_equal(k_mem_map_anon(&addr, 13 * RIG_PAGE, K_MEM_PERM_RW), -ENOMEM);
	memory = pages_map(12, K_MEM_PERM_RW);
	assert_int_equal(k_mem_page_in(memory, 4 * RIG_PAGE), -ENOMEM);
	pages_fill(memory, 12);
	assert_int_equal(limits(&a, 5, 6), -EINVAL);
	assert_int_equal(limits(&a, 6, 6), -ENOMEM);
	assert_int_equal(limits(&a, 5, 4), 0);
	assert_int_equal(limits(&a, 5, 5), 0);
	pages_unmap(memory, 12);
	end();
}

/* Where a partition lay whose memory is gone the domain's memory ends it. */
static void test_memory_over_a_partition_whose_pages_are_gone(void **state)
{
	uint8_t *gone, *memory;

	(void)state;
	start(20, 60, NULL);
	assert_int_equal(limits(&a, 8, 0), 0);
	gone = pages_map(4, K_MEM_PERM_RW);
	assert_int_equal(part_add(&a, gone, 4, U_RO), 0);
	pages_unmap(gone, 4);
	memory = map(&a, 4);
	assert_ptr_equal(memory, gone);
	assert_int_equal(a.num_partitions, 0);
	assert_int_equal(part_remove(&a, gone, 4), -ENOENT);
	touch(&a, memory, 4);
	assert_int_equal(a.resident_count, 4);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_is_zero_and_the_domains_alone),
		cmocka_unit_test(test_no_memory_without_a_limit),
		cmocka_unit_test(test_bad_limits_are_refused),
		cmocka_unit_test(test_bad_memory_is_refused),
		cmocka_unit_test(test_pages_in_frames_are_counted),
		cmocka_unit_test(test_others_leave_the_domain_its_minimum),
		cmocka_unit_test(test_without_a_minimum_others_take_all),
		cmocka_unit_test(test_kept_frames_are_charged),
		cmocka_unit_test(test_memory_over_a_partition_whose_pages_are_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
