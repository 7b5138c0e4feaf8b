/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tags.c - tags, under which a CPU remembers sets of tables: a tag stands for one set. The
 * counters of pagetable/set.c are forced here (mk/core.mk makes them global in this program).
 */
#include "domain_help.h"

#include <arch/emu/machine.h>

extern uint64_t generation;
extern uint32_t tag_next;

static struct k_mem_domain open, shut, other;
static struct rig_counts before;
static uint8_t *page;

/* A page that the first domain may use and the second may not. */
static void start(void)
{
	const struct rig rig = {.frames = 40, .slots = 32};

	rig_start(&rig);
	before = rig_counts();
	domain_start(&open);
	domain_start(&shut);
	domain_start(&other);
	page = pages_map(1, K_MEM_PERM_RW);
	pages_fill(page, 1);
	assert_int_equal(part_add(&open, page, 1, U_RW), 0);
	assert_int_equal(part_add(&shut, page, 1, K_MEM_PARTITION_P_RW_U_NA), 0);
}

static void end(void)
{
	k_mem_domain_switch(NULL);
	pages_unmap(page, 1);
	domain_end(&open);
	domain_end(&shut);
	domain_end(&other);
	domains_check(before);
}

/* The next tag to be given out is this one. */
static void tags_use_up_to(uint32_t tag)
{
	while (tag_next != tag) {
		domain_end(&other);
		domain_start(&other);
		assert_int_equal(part_add(&other, page, 1, U_RW), 0);
		assert_true(user_reads(&other, page));
	}
}

/* ---- counting ----------------------------------------------------------------------------- */

/* Where a CPU may walk by itself while the highest tag is in use, over whatever root there is. */
static uintptr_t walked;
static uint32_t walked_as;

static void walk(void)
{
	uint64_t word;

	(void)!emu_read(walked, &word, sizeof(word), walked_as);
}

static void walk_while_counted(uintptr_t where, uint32_t as)
{
	walked = where;
	walked_as = as;
	emu_count_hook = walk;
}

static void test_tags_are_not_counted_over_a_domains_tables(void **state)
{
	(void)state;
	start();
	tags_use_up_to(EMU_TAGS - 2);
	assert_true(user_reads(&open, page));
	assert_int_equal(tag_next, EMU_TAGS - 1);
	walk_while_counted((uintptr_t)page, K_MEM_FAULT_USER);
	assert_false(user_reads(&shut, page));
	emu_count_hook = NULL;
	assert_int_equal(shut.arch.tag, EMU_TAGS - 1);
	end();
}

/* A page of the image is remembered under the highest tag, with the kernel's rights, which the set
 * that gets the tag has not. */
static void test_what_counting_left_is_dropped(void **state)
{
	(void)state;
	walk_while_counted(RIG_DATA, 0);
	start();
	emu_count_hook = NULL;
	assert_int_equal(part_add(&shut, (void *)RIG_DATA, 1, U_RO), 0);
	tags_use_up_to(EMU_TAGS - 1);
	assert_true(user_reads(&shut, (void *)RIG_DATA));
	assert_false(user_writes(&shut, (void *)RIG_DATA));
	assert_int_equal(shut.arch.tag, EMU_TAGS - 1);
	end();
}

/* ---- what a tag is for --------------------------------------------------------------------- */

/* The kernel remembers its right to write; in the other set there is none. */
static void test_a_leaf_that_sets_do_not_share_is_global_no_more(void **state)
{
	(void)state;
	start();
	rig_put(page, 1);
	assert_int_equal(part_add(&other, page, 1, U_RO), 0);
	k_mem_domain_switch(&other); /* has its tag, so nothing is dropped the next time */
	k_mem_domain_switch(NULL);
	rig_put(page, 2);
	k_mem_domain_switch(&other);
	assert_int_equal(rig_get(page), 2);
	assert_int_equal(rig_write(page, 3), -EACCES);
	end();
}

/* ---- giving out ----------------------------------------------------------------------------- */

/* A domain that never had a tag, with one partition. */
static void begin_anew(struct k_mem_domain *domain, uint32_t attr)
{
	domain_end(domain);
	domain_start(domain);
	assert_int_equal(part_add(domain, page, 1, attr), 0);
}

/* The generations of 32 bits were used up: domains that never had a tag do not find that they have
 * one of the next, the same one all of them. */
static void test_generations_do_not_come_round(void **state)
{
	uint64_t last;

	(void)state;
	start();
	generation = UINT32_MAX - 1;
	for (uint32_t i = 0; i < 4; i++) {
		tags_use_up_to(EMU_TAGS);
		last = generation;
		k_mem_domain_switch(NULL);
		begin_anew(&shut, U_RO);
		k_mem_domain_switch(&shut);
		assert_true(generation > last);
		begin_anew(&open, U_RW);
		begin_anew(&shut, K_MEM_PARTITION_P_RW_U_NA);
		assert_true(user_reads(&open, page));
		assert_false(user_reads(&shut, page));
		assert_true(open.arch.tag != shut.arch.tag);
		rig_check();
	}
	end();
}

/* Tables that were made while a set had no tag are not walked ahead of what was stored in them. The
 * machine here walks no earlier than it must, so all there is to see is that the tag was dropped
 * when it was given out, once, and not on each switch. */
static void test_a_new_tag_is_fenced_before_its_first_use(void **state)
{
	uint64_t drops;

	(void)state;
	start();
	tags_use_up_to(EMU_TAGS - 2);
	drops = emu_counters()->tag_drops;
	k_mem_domain_switch(&open);
	assert_int_equal(emu_counters()->tag_drops, drops + 1);
	k_mem_domain_switch(&shut);
	assert_int_equal(emu_counters()->tag_drops, drops + 2);
	k_mem_domain_switch(&open);
	k_mem_domain_switch(&shut);
	assert_int_equal(emu_counters()->tag_drops, drops + 2);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tags_are_not_counted_over_a_domains_tables),
		cmocka_unit_test(test_what_counting_left_is_dropped),
		cmocka_unit_test(test_a_leaf_that_sets_do_not_share_is_global_no_more),
		cmocka_unit_test(test_generations_do_not_come_round),
		cmocka_unit_test(test_a_new_tag_is_fenced_before_its_first_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
