/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_domain_sets.c - many sets of tables over the same pages (laws L11 to L13), each fact as one
 * test: accessed and dirty bits of any set are seen, and nothing depends on which is current.
 */
#include "domain_help.h"

#include <string.h>

#include <pagetable/set.h>

#include <arch/emu/machine.h>

#define SETS 3u

static struct k_mem_domain domains[SETS];
static struct rig_counts before;

/* The kernel's set, and those of the domains. */
static struct k_mem_domain *const sets[] = {NULL, &domains[0], &domains[1], &domains[2]};
#define SET_COUNT (sizeof(sets) / sizeof(sets[0]))

static void start(uint32_t frames)
{
	const struct rig rig = {.frames = frames, .slots = 100};

	rig_start(&rig);
	before = rig_counts();
	for (uint32_t d = 0; d < SETS; d++) {
		domain_start(&domains[d]);
	}
}

static void end(void)
{
	for (uint32_t d = 0; d < SETS; d++) {
		domain_end(&domains[d]);
	}
	domains_check(before);
}

/* Pages with a partition in every domain, and pages beside it in the same table. */
static uint8_t *shared_map(uint32_t pages)
{
	uint8_t *memory = pages_map(2 * pages, K_MEM_PERM_RW | K_MEM_PERM_USER);

	pages_fill(memory, 2 * pages);
	for (uint32_t d = 0; d < SETS; d++) {
		assert_int_equal(part_add(&domains[d], memory, pages, U_RW), 0);
	}
	return memory;
}

static uint32_t bits(const uint8_t *page)
{
	return (uint32_t)page_what(page_number(page)) &
	       (ARCH_DATA_PAGE_ACCESSED | ARCH_DATA_PAGE_DIRTY);
}

static void clean(uint8_t *page)
{
	const uint32_t both = ARCH_DATA_PAGE_ACCESSED | ARCH_DATA_PAGE_DIRTY;

	(void)arch_page_bits(page, 0, both);
	arch_mem_flush(page, RIG_PAGE);
	assert_int_equal(bits(page), 0);
}

/* A page that is the sets' own and one that they share, clean, for each set. */
static void from_each_set(void (*check)(uint8_t *at, uint32_t set))
{
	uint8_t *memory;

	start(40);
	memory = shared_map(1);
	for (uint32_t page = 0; page < 2; page++) {
		for (uint32_t s = 0; s < SET_COUNT; s++) {
			clean(memory + page * RIG_PAGE);
			check(memory + page * RIG_PAGE, s);
		}
	}
	pages_unmap(memory, 2);
	end();
}

static void is_seen(uint8_t *at, uint32_t set)
{
	assert_true(user_reads(sets[set], at));
	assert_int_equal(bits(at), ARCH_DATA_PAGE_ACCESSED);
	assert_int_equal(user_write(sets[set], at, set), 0);
	assert_int_equal(bits(at), ARCH_DATA_PAGE_ACCESSED | ARCH_DATA_PAGE_DIRTY);
	assert_int_equal(arch_page_info_get(at, NULL, true) &
				 (ARCH_DATA_PAGE_ACCESSED | ARCH_DATA_PAGE_DIRTY),
			 ARCH_DATA_PAGE_ACCESSED | ARCH_DATA_PAGE_DIRTY);
	assert_int_equal(bits(at), ARCH_DATA_PAGE_DIRTY);
}

static void test_L12_accessed_and_dirty_of_any_set_are_seen(void **state)
{
	(void)state;
	from_each_set(is_seen);
}

/* A look says it too, and takes the accessed bit from every set, but only when it is asked to. */
static void is_looked_at(uint8_t *at, uint32_t set)
{
	const uint32_t used = ARCH_DATA_PAGE_ACCESSED, dirty = ARCH_DATA_PAGE_DIRTY;

	assert_int_equal(arch_page_look(at, false), 0);
	assert_true(user_reads(sets[set], at));
	assert_int_equal(arch_page_look(at, false), used);
	assert_int_equal(arch_page_look(at, true), used);
	arch_mem_flush(at, RIG_PAGE);
	assert_int_equal(arch_page_look(at, true), 0);
	assert_int_equal(bits(at), 0);
	assert_int_equal(user_write(sets[set], at, set), 0);
	assert_int_equal(arch_page_look(at, false), used | dirty);
	assert_int_equal(bits(at), used | dirty);
	assert_int_equal(arch_page_look(at, true), used | dirty);
	arch_mem_flush(at, RIG_PAGE);
	assert_int_equal(arch_page_look(at, false), dirty);
	assert_int_equal(bits(at), dirty);
}

static void test_L12_a_look_sees_every_set(void **state)
{
	(void)state;
	from_each_set(is_looked_at);
}

/* A clean page with a copy in the store is dropped, a page that any set wrote to is written. */
static void test_L12_what_any_set_wrote_is_not_lost(void **state)
{
	uint8_t *memory;

	(void)state;
	start(40);
	memory = shared_map(2);
	for (uint32_t page = 0; page < 4; page++) {
		uint8_t *at = memory + page * RIG_PAGE;

		for (uint32_t s = 0; s < SET_COUNT; s++) {
			unsigned long writes;

			assert_int_equal(k_mem_page_out(at, RIG_PAGE), 0);
			assert_true(user_reads(sets[s], at));
			writes = rig_store.writes;
			assert_int_equal(k_mem_page_out(at, RIG_PAGE), 0);
			assert_int_equal(rig_store.writes, writes);
			assert_true(user_reads(sets[s], at));
			assert_int_equal(user_write(sets[s], at, 100 * s + page), 0);
			assert_int_equal(k_mem_page_out(at, RIG_PAGE), 0);
			assert_int_equal(rig_store.writes, writes + 1);
			k_mem_domain_switch(NULL);
			assert_int_equal(rig_get(at), 100 * s + page);
		}
	}
	pages_unmap(memory, 4);
	end();
}

/* What a domain wrote is known also after its private table has gone. */
static void test_L12_what_an_ended_domain_wrote_is_not_lost(void **state)
{
	uint8_t *memory;

	(void)state;
	start(40);
	memory = pages_map(2, K_MEM_PERM_RW | K_MEM_PERM_USER);
	pages_fill(memory, 2);
	assert_int_equal(k_mem_page_out(memory, 2 * RIG_PAGE), 0);
	for (uint32_t end_it = 0; end_it < 2; end_it++) {
		assert_int_equal(part_add(&domains[0], memory, 1, U_RW), 0);
		for (uint32_t page = 0; page < 2; page++) {
			assert_true(user_reads(&domains[0], memory + page * RIG_PAGE));
			clean(memory + page * RIG_PAGE);
			assert_int_equal(user_write(&domains[0], memory + page * RIG_PAGE,
						    10 * end_it + page), 0);
		}
		if (end_it) {
			domain_end(&domains[0]);
			domain_start(&domains[0]);
		} else {
			assert_int_equal(part_remove(&domains[0], memory, 1), 0);
		}
		k_mem_domain_switch(NULL);
		for (uint32_t page = 0; page < 2; page++) {
			assert_int_equal(bits(memory + page * RIG_PAGE),
					 ARCH_DATA_PAGE_ACCESSED | ARCH_DATA_PAGE_DIRTY);
		}
		assert_int_equal(k_mem_page_out(memory, 2 * RIG_PAGE), 0);
		for (uint32_t page = 0; page < 2; page++) {
			assert_int_equal(rig_get(memory + page * RIG_PAGE), 10 * end_it + page);
		}
	}
	pages_unmap(memory, 2);
	end();
}

/* A page in a frame, with a copy in the store, that user mode wrote to in this set alone. */
static void written_in(struct k_mem_domain *domain, uint8_t *page)
{
	assert_int_equal(k_mem_page_out(page, RIG_PAGE), 0);
	assert_true(user_reads(domain, page));
	clean(page);
	assert_int_equal(user_write(domain, page, 55), 0);
	k_mem_domain_switch(NULL);
}

static void check_written(uint8_t *page)
{
	assert_int_equal(bits(page), ARCH_DATA_PAGE_ACCESSED | ARCH_DATA_PAGE_DIRTY);
	assert_int_equal(k_mem_page_out(page, RIG_PAGE), 0);
	assert_int_equal(rig_get(page), 55);
}

/* Where user mode has tables of its own its entry goes with the right to see the page. */
static void test_L12_what_was_written_before_a_right_went_is_not_lost(void **state)
{
	uint8_t *page;

	(void)state;
	start(40);
	page = pages_map(1, K_MEM_PERM_RW);
	pages_fill(page, 1);
	assert_int_equal(part_add(&domains[0], page, 1, U_RW), 0);
	assert_int_equal(part_add(&domains[1], page, 1, U_RW), 0);
	written_in(&domains[0], page);
	assert_int_equal(part_remove(&domains[0], page, 1), 0);
	check_written(page);
	/* the kernel's right for user mode, in a set with a private table and in one without */
	for (uint32_t d = 0; d < 2; d++) {
		assert_int_equal(k_mem_update_flags(page, RIG_PAGE,
						    K_MEM_PERM_RW | K_MEM_PERM_USER), 0);
		written_in(d == 0 ? &domains[2] : &domains[1], page);
		assert_int_equal(k_mem_update_flags(page, RIG_PAGE, K_MEM_PERM_RW), 0);
		check_written(page);
	}
	/* a partition that takes the right away */
	assert_int_equal(k_mem_update_flags(page, RIG_PAGE, K_MEM_PERM_RW | K_MEM_PERM_USER), 0);
	assert_int_equal(part_add(&domains[0], page, 1, U_RW), 0);
	written_in(&domains[0], page);
	assert_int_equal(part_remove(&domains[0], page, 1), 0);
	assert_int_equal(part_add(&domains[0], page, 1, K_MEM_PARTITION_P_RW_U_NA), 0);
	check_written(page);
	pages_unmap(page, 1);
	end();
}

static void test_L13_queries_answer_the_same_in_every_set(void **state)
{
	static arch_page_t answers[SPACE_PAGES];
	static uintptr_t where[SPACE_PAGES];
	uint8_t *memory;

	(void)state;
	start(12);
	memory = shared_map(8); /* more than frames: some are out */
	for (uint32_t s = 0; s < SET_COUNT; s++) {
		k_mem_domain_switch(sets[s]);
		for (uint32_t page = 0; page + 1 < SPACE_PAGES; page++) {
			uintptr_t location = 0, phys = 0;
			const int at = (int)arch_page_location_get(page_at(page), &location);
			const int status = arch_page_phys_get(page_at(page), &phys);

			if (s == 0) {
				answers[page] = page_what(page);
				where[page] = location + (uintptr_t)at;
			}
			assert_int_equal(page_what(page), answers[page]);
			assert_int_equal(location + (uintptr_t)at, where[page]);
			assert_int_equal(status, (answers[page] & ARCH_DATA_PAGE_LOADED) ? 0
											 : -EFAULT);
		}
	}
	pages_unmap(memory, 16);
	end();
}

/* The physical address that a set's own walk finds, 0: none. */
static uint64_t walk_in(struct k_mem_domain *domain, const uint8_t *page)
{
	struct emu_walk walk;

	k_mem_domain_switch(domain);
	assert_true(emu_walk((uintptr_t)page, &walk));
	return walk.view.kind == QR_LEAF ? walk.view.address : 0;
}

/* Each call is made with each set current in turn; all sets follow. */
static void test_L11_all_sets_map_alike_whichever_is_current(void **state)
{
	(void)state;
	start(40);
	for (uint32_t s = 0; s < SET_COUNT; s++) {
		uint8_t *memory = shared_map(3), *more;

		for (int call = 0; call < 6; call++) {
			k_mem_domain_switch(sets[s]);
			switch (call) {
			case 0:
				assert_int_equal(k_mem_page_out(memory, 4 * RIG_PAGE), 0);
				break;
			case 1:
				assert_int_equal(k_mem_page_in(memory + 2 * RIG_PAGE, RIG_PAGE), 0);
				break;
			case 2:
				assert_int_equal(k_mem_update_flags(memory, 6 * RIG_PAGE, 0), 0);
				break;
			case 3:
				assert_int_equal(k_mem_pin(memory, 6 * RIG_PAGE), 0);
				break;
			case 4:
				more = pages_map(3, K_MEM_PERM_RW | K_MEM_MAP_LOCK);
				for (uint32_t t = 0; t < SET_COUNT; t++) {
					assert_int_equal(walk_in(sets[t], more), phys_of(more));
				}
				pages_unmap(more, 3);
				break;
			default:
				pages_unmap(memory, 6);
			}
			for (uint32_t page = 0; page < 6; page++) {
				uint8_t *at = memory + page * RIG_PAGE;
				const arch_page_t now = page_what(page_number(at));

				for (uint32_t t = 0; t < SET_COUNT; t++) {
					assert_int_equal(walk_in(sets[t], at),
							 (now & ARCH_DATA_PAGE_LOADED)
								 ? arch_page_phys(now)
								 : 0);
				}
			}
		}
		for (uint32_t d = 0; d < SETS; d++) {
			assert_int_equal(part_remove(&domains[d], memory, 3), 0);
		}
	}
	end();
}

/* No translation that was remembered in any set outlives a change. */
static void test_every_set_forgets_what_is_taken_away(void **state)
{
	uint8_t *memory;

	(void)state;
	start(40);
	memory = shared_map(2);
	for (uint32_t s = 0; s < SET_COUNT; s++) {
		for (uint32_t page = 0; page < 4; page++) {
			assert_true(user_writes(sets[s], memory + page * RIG_PAGE));
		}
	}
	/* the private table stays, for this */
	assert_int_equal(part_add(&domains[0], memory + 3 * RIG_PAGE, 1, U_RW), 0);
	assert_int_equal(k_mem_update_flags(memory, 2 * RIG_PAGE, K_MEM_PERM_RW), 0);
	assert_true(user_writes(&domains[0], memory));
	assert_int_equal(part_remove(&domains[0], memory, 2), 0);
	assert_false(user_reads(&domains[0], memory));
	assert_int_equal(part_add(&domains[0], memory, 2, U_RO), 0);
	assert_true(user_reads(&domains[0], memory));
	assert_false(user_writes(&domains[0], memory));
	assert_int_equal(k_mem_update_flags(memory, 4 * RIG_PAGE, K_MEM_PERM_USER), 0);
	for (uint32_t s = 0; s < SET_COUNT; s++) {
		for (uint32_t page = 0; page < 4; page++) {
			assert_true(user_reads(sets[s], memory + page * RIG_PAGE));
			assert_false(user_writes(sets[s], memory + page * RIG_PAGE));
		}
	}
	pages_unmap(memory, 4);
	for (uint32_t s = 0; s < SET_COUNT; s++) {
		for (uint32_t page = 0; page < 4; page++) {
			assert_false(user_reads(sets[s], memory + page * RIG_PAGE));
		}
	}
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_L12_accessed_and_dirty_of_any_set_are_seen),
		cmocka_unit_test(test_L12_a_look_sees_every_set),
		cmocka_unit_test(test_L12_what_any_set_wrote_is_not_lost),
		cmocka_unit_test(test_L12_what_an_ended_domain_wrote_is_not_lost),
		cmocka_unit_test(test_L12_what_was_written_before_a_right_went_is_not_lost),
		cmocka_unit_test(test_L13_queries_answer_the_same_in_every_set),
		cmocka_unit_test(test_L11_all_sets_map_alike_whichever_is_current),
		cmocka_unit_test(test_every_set_forgets_what_is_taken_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
