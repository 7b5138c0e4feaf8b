/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_lost_slots.c - when slots went bad less can be kept than was granted. What asks for nothing
 * more, and what gives something up, succeeds all the same; what asks for more is refused.
 */
#include "domain_help.h"

#include <mm/charge.h>

#include "audit.h"

#define FRAMES 20u
#define SLOTS  20u
#define LOST   8u
#define KEPT   3u

static struct k_mem_domain domain;
static struct rig_counts before;
static uint8_t *memory, *mine, *stored;
static uint32_t pages;

static int fail_writes(void *argument, const struct k_mem_io *io)
{
	(void)argument;
	return io->op == K_MEM_IO_WRITE ? -EIO : 0;
}

static bool too_much_was_granted(void)
{
	return qr_charge.pageable + qr_charge.pinned + qr_charge.kept >
	       qr_charge.frames + qr_charge.slots - 1;
}

/* A domain with memory of its own and frames that are kept for it, memory of the kernel's, as much
 * as is granted, and stored pages that cost nothing. Then slots go bad. */
static void start(void)
{
	const struct rig rig = {.frames = FRAMES, .slots = SLOTS};
	void *addr;

	rig_start(&rig);
	before = rig_counts();
	domain_start(&domain);
	assert_int_equal(k_mem_domain_limits_set(&domain, 8 * RIG_PAGE, KEPT * RIG_PAGE), 0);
	assert_int_equal(k_mem_domain_map(&domain, &addr, 4 * RIG_PAGE, K_MEM_PERM_RW), 0);
	mine = addr;
	assert_int_equal(k_mem_map_stored(&addr, K_MEM_LOCATION(RIG_STORE_IMAGE, 8), 4 * RIG_PAGE,
					  0), 0);
	stored = addr;
	pages = FRAMES + SLOTS - 1 - KEPT - 4;
	memory = pages_map(pages, K_MEM_PERM_RW);
	assert_int_equal(part_add(&domain, memory, 2, U_RW), 0);
	pages_fill(memory, 4);
	rig_store.verdict = fail_writes;
	for (uint32_t i = 0; i < LOST; i++) {
		assert_int_equal(k_mem_page_out(memory, RIG_PAGE), -EIO);
	}
	rig_store.verdict = NULL;
	assert_int_equal(rig_store.retired, LOST);
	assert_true(too_much_was_granted());
}

static void end(void)
{
	assert_true(too_much_was_granted()); /* to the end */
	pages_unmap(memory, pages);
	pages_unmap(stored, 4);
	domain_end(&domain);
	before.slots_retired = LOST;
	domains_check(before);
}

static void test_rights_are_taken_away(void **state)
{
	(void)state;
	start();
	assert_int_equal(k_mem_update_flags((void *)RIG_DATA, RIG_PAGE, 0), 0);
	assert_int_equal(k_mem_update_flags((void *)RIG_DATA, RIG_PAGE, K_MEM_PERM_RW), 0);
	assert_int_equal(k_mem_update_flags((void *)RIG_RODATA, RIG_PAGE, 0), 0);
	assert_int_equal(k_mem_update_flags(memory, pages * RIG_PAGE, 0), 0);
	assert_int_equal(rig_write(memory, 1), -EACCES);
	assert_int_equal(k_mem_update_flags(stored, 4 * RIG_PAGE, 0), 0);
	/* the pages were charged all the time */
	assert_int_equal(k_mem_update_flags(memory, pages * RIG_PAGE, K_MEM_PERM_RW), 0);
	assert_int_equal(rig_write(memory, 1), 0);
	end();
}

static void test_pages_are_pinned_and_unpinned(void **state)
{
	(void)state;
	start();
	assert_int_equal(k_mem_pin(memory, 4 * RIG_PAGE), 0);
	assert_int_equal(k_mem_pin(memory, 4 * RIG_PAGE), 0);
	assert_int_equal(k_mem_unpin(memory, 4 * RIG_PAGE), 0);
	assert_int_equal(k_mem_pin((void *)RIG_DATA, RIG_PAGE), 0);
	end();
}

static void test_memory_that_costs_nothing_is_mapped(void **state)
{
	void *addr;

	(void)state;
	start();
	assert_int_equal(k_mem_map_stored(&addr, K_MEM_LOCATION(RIG_STORE_IMAGE, 20), 2 * RIG_PAGE,
					  0), 0);
	assert_int_equal(rig_get(addr), rig_image_word(20));
	pages_unmap(addr, 2);
	end();
}

static void test_domains_get_smaller(void **state)
{
	(void)state;
	start();
	assert_int_equal(k_mem_domain_limits_set(&domain, 8 * RIG_PAGE, KEPT * RIG_PAGE), 0);
	assert_int_equal(k_mem_domain_limits_set(&domain, 6 * RIG_PAGE, 2 * RIG_PAGE), 0);
	assert_int_equal(k_mem_domain_limits_set(&domain, 4 * RIG_PAGE, 2 * RIG_PAGE), 0);
	assert_int_equal(qr_charge.kept, 2);
	assert_int_equal(part_remove(&domain, memory, 2), 0);
	assert_int_equal(part_add(&domain, memory, 1, U_RO), 0);
	assert_int_equal(k_mem_domain_unmap(&domain, mine, 4 * RIG_PAGE), 0);
	assert_int_equal(k_mem_domain_limits_set(&domain, 0, 0), 0);
	end();
}

static void test_nothing_more_is_granted(void **state)
{
	void *addr = NULL;

	(void)state;
	start();
	assert_int_equal(k_mem_map_anon(&addr, RIG_PAGE, K_MEM_PERM_RW), -ENOMEM);
	assert_int_equal(k_mem_map_anon(&addr, RIG_PAGE, K_MEM_PERM_RW | K_MEM_MAP_LOCK), -ENOMEM);
	assert_int_equal(k_mem_domain_map(&domain, &addr, RIG_PAGE, K_MEM_PERM_RW), -ENOMEM);
	assert_int_equal(k_mem_domain_limits_set(&domain, 8 * RIG_PAGE, (KEPT + 1) * RIG_PAGE),
			 -ENOMEM);
	assert_int_equal(k_mem_update_flags(stored, RIG_PAGE, K_MEM_PERM_RW), -ENOMEM);
	assert_int_equal(k_mem_pin(stored, RIG_PAGE), -ENOMEM);
	/* nor are more pinned than there are frames, though they are charged */
	assert_int_equal(k_mem_pin(memory, (FRAMES - KEPT) * RIG_PAGE), -ENOMEM);
	assert_int_equal(qr_charge.pinned, 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rights_are_taken_away),
		cmocka_unit_test(test_pages_are_pinned_and_unpinned),
		cmocka_unit_test(test_memory_that_costs_nothing_is_mapped),
		cmocka_unit_test(test_domains_get_smaller),
		cmocka_unit_test(test_nothing_more_is_granted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
