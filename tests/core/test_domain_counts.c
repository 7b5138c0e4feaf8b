/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_domain_counts.c - what is counted for domains is true at every moment at which somebody else
 * may look: their pages, how many of these are in frames, and what they may have.
 */
#include "domain_help.h"

#include <mm/charge.h>
#include <mm/domain.h>

#include "audit.h"

static struct k_mem_domain a, b;
static struct rig_counts before;

static void start(uint32_t frames, uint32_t slots)
{
	const struct rig rig = {.frames = frames, .slots = slots};

	rig_start(&rig);
	before = rig_counts();
	domain_start(&a);
	domain_start(&b);
}

static void end(void)
{
	strict_between_set(NULL);
	domain_end(&a);
	domain_end(&b);
	assert_int_equal(qr_charge.kept, 0);
	assert_int_equal(qr_domain_keeper_count, 0);
	assert_int_equal(qr_domain_anon_count, 0);
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

/* ---- the limit ------------------------------------------------------------------------- */

static unsigned int holds, lower_at;
static int lowered;

/* After so many holds of the lock somebody lowers the limit. */
static void lower_the_limit(void)
{
	if (++holds == lower_at) {
		lowered = limits(&a, 2, 0);
	}
}

static void test_limit_is_lowered_while_memory_is_mapped(void **state)
{
	const uint32_t pages = 40;
	unsigned int refused = 0, busy = 0;

	(void)state;
	for (lower_at = 1; busy < 3; lower_at++) {
		void *addr = NULL;
		int status;

		assert_true(lower_at < 100);
		start(20, 200);
		assert_int_equal(limits(&a, pages, 0), 0);
		holds = 0;
		lowered = 0;
		strict_between_set(lower_the_limit);
		status = k_mem_domain_map(&a, &addr, pages * RIG_PAGE, K_MEM_PERM_RW);
		strict_between_set(NULL);
		assert_true(holds >= lower_at);
		if (status == 0) {
			assert_int_equal(lowered, -EBUSY);
			busy++;
		} else {
			assert_int_equal(status, -ENOMEM);
			assert_int_equal(lowered, 0);
			refused++;
		}
		assert_true(a.page_count <= a.page_count_max);
		assert_int_equal(a.page_count, status == 0 ? pages : 0);
		/* the limit holds for what comes after, too */
		assert_int_equal(k_mem_domain_map(&a, &addr, 3 * RIG_PAGE, K_MEM_PERM_RW), -ENOMEM);
		end();
	}
	assert_true(refused > 0);
}

static void test_limit_is_no_size_that_wraps(void **state)
{
	void *addr = NULL;

	(void)state;
	start(20, 200);
	assert_int_equal(limits(&a, 4, 0), 0);
	(void)map(&a, 4);
	for (size_t size = RIG_PAGE; size < CONFIG_KERNEL_VM_SIZE; size *= 2) {
		assert_int_equal(k_mem_domain_map(&a, &addr, size, 0), -ENOMEM);
	}
	assert_int_equal(a.page_count, 4);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit_is_lowered_while_memory_is_mapped),
		cmocka_unit_test(test_limit_is_no_size_that_wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
