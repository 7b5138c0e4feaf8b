/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_domain_races.c - what may happen to domains at the moments at which the core can be
 * interrupted, each as one test: between two holds of the lock, and between two steps that a
 * walker sees.
 */
#include "domain_help.h"

#include <mm/charge.h>
#include <mm/domain.h>
#include <pagetable/overlay.h>

#include <arch/emu/machine.h>

#define DOMAINS 6u

static struct k_mem_domain domains[DOMAINS];
static struct rig_counts before;

static void start(bool software)
{
	const struct rig rig = {.frames = 40, .slots = 200, .software_flags = software};

	rig_start(&rig);
	before = rig_counts();
	for (uint32_t d = 0; d < DOMAINS; d++) {
		domain_start(&domains[d]);
	}
}

static void end(void)
{
	strict_between_set(NULL);
	for (uint32_t d = 0; d < DOMAINS; d++) {
		domain_end(&domains[d]);
	}
	assert_int_equal(qr_charge.kept, 0);
	assert_int_equal(qr_domain_keeper_count, 0);
	assert_int_equal(qr_told.domains, 0);
	domains_check(before);
}

/* Device pages at this page of this stretch of a leaf table. */
static uint8_t *device_map(uint32_t stretch, uint32_t page, uint32_t pages)
{
	uint8_t *virt = page_at(stretch * TABLE_PAGES + page);
	uint8_t *got = NULL;

	assert_int_equal(k_mem_map_phys_bare(&got, (uintptr_t)virt, pages * RIG_PAGE,
					     K_MEM_PERM_RW | K_MEM_DIRECT_MAP), 0);
	assert_ptr_equal(got, virt);
	return virt;
}

static void device_unmap(void *virt, uint32_t pages)
{
	assert_int_equal(k_mem_unmap_phys_bare(virt, pages * RIG_PAGE), 0);
}

/* ---- a private table that is on its way -------------------------------------------------- */

static uint8_t *making; /* in the stretch that a private table is made for; or NULL */

/* Unmap the second page behind it as soon as there is a table. */
static void unmap_behind(void)
{
	if (making != NULL && qr_copies_of(qr_entry(0, making)) != 0) {
		uint8_t *second = making + 2 * RIG_PAGE;

		making = NULL;
		device_unmap(second, 1);
	}
}

/* Large leaves leave their marks, that a mapping ends, in private tables above them. Such a table,
 * given back and taken again for pages, must not pass them for pages of the domain's own. */
static void test_entries_of_a_table_used_before_mean_nothing(void **state)
{
	static const uint32_t stretches[] = {3, 4, 5};
	uint8_t *base;

	(void)state;
	start(false);
	(void)device_map(1, 0, TABLE_PAGES);
	(void)device_map(2, 0, TABLE_PAGES);
	base = device_map(6, 0, 1);
	assert_int_equal(part_add(&domains[0], base, 1, U_RO), 0);
	assert_int_equal(part_add(&domains[1], base, 1, U_RO), 0);
	assert_int_equal(part_remove(&domains[1], base, 1), 0);
	strict_between_set(unmap_behind);
	for (int i = 0; i < 3; i++) {
		uint8_t *page = device_map(stretches[i], 0, 1);

		(void)device_map(stretches[i], 2, 1);
		making = page;
		assert_int_equal(part_add(&domains[0], page, 1, U_RO), 0);
		assert_null(making);
		assert_int_equal(part_remove(&domains[0], page, 1), 0);
		assert_int_equal(part_add(&domains[0], page, 1, U_RO), 0);
	}
	for (int i = 0; i < 3; i++) {
		device_unmap(page_at(stretches[i] * TABLE_PAGES), 1);
	}
	device_unmap(base, 1);
	device_unmap(page_at(TABLE_PAGES), 2 * TABLE_PAGES);
	end();
}

/* Has the page's stretch a private table that says nothing about it, not yet or no more? */
static bool is_in_no_copy(const uint8_t *page)
{
	const qr_entry_t *entry = qr_entry(0, page);
	const uint16_t copy = qr_copies_of(entry);

	return copy != 0 && qr_copy_with(copy, entry) == 0;
}

static uint8_t *ahead; /* a page that the private table in the making did not come to; or NULL */

static void change_ahead(void)
{
	if (ahead != NULL && is_in_no_copy(ahead)) {
		uint8_t *page = ahead;

		ahead = NULL;
		assert_int_equal(entry_decode(*qr_entry(0, page), 0).global, !MMU_SPLIT);
		assert_int_equal(k_mem_update_flags(page, RIG_PAGE, 0), 0);
		assert_int_equal(k_mem_update_flags(page, RIG_PAGE, K_MEM_CACHE_NONE), 0);
	}
}

/* Its leaf is still global when it changes, and is like the others when the table comes to it. */
static void test_a_page_that_a_table_did_not_come_to_yet_changes(void **state)
{
	uint8_t *page, *last;
	const qr_entry_t *entry;
	struct qr_view kernel, copy;

	(void)state;
	start(false);
	page = device_map(3, 0, 1);
	last = ahead = device_map(3, TABLE_PAGES - 1, 1);
	strict_between_set(change_ahead);
	assert_int_equal(part_add(&domains[0], page, 1, U_RO), 0);
	assert_null(ahead);
	entry = qr_entry(0, last);
	kernel = entry_decode(*entry, 0);
	assert_true(kernel.kind == QR_LEAF && !kernel.write && !kernel.global);
	copy = entry_decode(*qr_private_entry(qr_copies_of(entry), entry), 0);
	if (MMU_SPLIT) {
		assert_int_equal(copy.kind, QR_NONE);
	} else {
		assert_true(copy.kind == QR_LEAF && !copy.write && !copy.global);
		assert_int_equal(copy.cache, kernel.cache); /* not all formats have modes */
	}
	device_unmap(page, 1);
	device_unmap(last, 1);
	end();
}

static uint8_t *leaving; /* a page in the stretch whose private table is given back; or NULL */

/* Open the page to user mode once the private table has nothing to say about it. */
static void open_behind(void)
{
	if (leaving != NULL && is_in_no_copy(leaving)) {
		uint8_t *page = leaving;

		leaving = NULL;
		assert_int_equal(k_mem_update_flags(page, RIG_PAGE,
						    K_MEM_PERM_RW | K_MEM_PERM_USER), 0);
		assert_int_equal(arch_buffer_validate(page, 1, 1), 0);
	}
}

/* A table that the walker does not come to any more is not asked for rights either. */
static void test_a_table_that_is_given_back_grants_nothing(void **state)
{
	uint8_t *page;

	(void)state;
	start(false);
	page = pages_map(2, K_MEM_PERM_RW);
	pages_fill(page, 2);
	assert_int_equal(part_add(&domains[0], page, 1, U_RO), 0);
	k_mem_domain_switch(&domains[0]);
	assert_int_equal(arch_buffer_validate(page + RIG_PAGE, 1, 0), -EACCES);
	leaving = page + RIG_PAGE;
	strict_between_set(open_behind);
	assert_int_equal(part_remove(&domains[0], page, 1), 0);
	assert_null(leaving);
	k_mem_domain_switch(NULL);
	pages_unmap(page, 2);
	end();
}

/* ---- accessed and dirty -------------------------------------------------------------------- */

static void accessed_is_set_again(bool software)
{
	uint8_t *page;

	start(software);
	page = pages_map(1, K_MEM_PERM_RW);
	assert_int_equal(part_add(&domains[0], page, 1, U_RW), 0);
	assert_true(user_reads(&domains[0], page)); /* the shared zeros, where there are any */
	assert_true(arch_page_info_get(page, NULL, true) & ARCH_DATA_PAGE_ACCESSED);
	assert_false(arch_page_info_get(page, NULL, false) & ARCH_DATA_PAGE_ACCESSED);
	assert_true(user_reads(&domains[0], page));
	assert_true(arch_page_info_get(page, NULL, false) & ARCH_DATA_PAGE_ACCESSED);
	assert_true(user_writes(&domains[0], page));
	pages_unmap(page, 1);
	end();
}

static void test_accessed_is_set_again_by_hardware(void **state)
{
	(void)state;
	accessed_is_set_again(false);
}

static void test_accessed_is_set_again_by_software(void **state)
{
	(void)state;
	accessed_is_set_again(true);
}

/* ---- walks at the wrong moment --------------------------------------------------------- */

static uint8_t *walked;

static void walk_in_user_mode(void)
{
	uint64_t word;

	(void)emu_read((uintptr_t)walked, &word, sizeof(word), K_MEM_FAULT_USER);
}

/* The next domain that needs a tag is the first of a new generation. */
static void tags_use_up(uint8_t *page)
{
	struct k_mem_domain *last = &domains[DOMAINS - 1];

	do {
		domain_end(last);
		domain_start(last);
		assert_int_equal(part_add(last, page, 1, U_RW), 0);
		assert_true(user_reads(last, page));
	} while (last->arch.tag != EMU_TAGS - 1);
}

/* The running thread's set is walked once more after everything was dropped. With tables of its own
 * user mode's set is not in use while the kernel runs. */
static void test_tags_begin_anew_while_one_is_in_use(void **state)
{
	uint8_t *pages;

	(void)state;
	if (MMU_SPLIT) {
		skip();
	}
	start(false);
	pages = pages_map(1, K_MEM_PERM_RW);
	pages_fill(pages, 1);
	assert_int_equal(part_add(&domains[0], pages, 1, U_RW), 0);
	for (uint32_t d = 1; d < EMU_TAGS; d++) {
		assert_int_equal(part_add(&domains[d], pages, 1, K_MEM_PERM_RW), 0);
	}
	tags_use_up(pages);
	/* the one whose tag the newcomer gets is current when there are no more tags */
	assert_true(user_reads(&domains[0], pages));
	assert_int_equal(domains[0].arch.tag, 1);
	for (uint32_t d = 1; d + 1 < EMU_TAGS; d++) {
		assert_false(user_reads(&domains[d], pages));
	}
	assert_true(user_reads(&domains[0], pages));
	walked = pages;
	emu_drop_hook = walk_in_user_mode;
	assert_false(user_reads(&domains[EMU_TAGS - 1], pages));
	assert_int_equal(domains[EMU_TAGS - 1].arch.tag, 1);
	emu_drop_hook = NULL;
	assert_int_equal(emu_errors(), 0);
	pages_unmap(pages, 1);
	end();
}

static void walk_scratch(const qr_entry_t *first, size_t count)
{
	const void *scratch = page_at(SPACE_SCRATCH);
	uint64_t word;

	if (count == 1 && first == qr_entry(0, scratch)) {
		(void)emu_read((uintptr_t)scratch, &word, sizeof(word), 0);
	}
}

/* What a frame was used for is still in it. */
static void leave_junk(uint32_t count)
{
	uint8_t *pages = pages_map(count, K_MEM_PERM_RW);

	for (uint32_t i = 0; i < count; i++) {
		rig_put(pages + i * RIG_PAGE + 8, 0x6a756e6b);
	}
	pages_unmap(pages, count);
}

/* The window is opened in a set that has a private table for it, and shows the frame there, too. */
static void test_scratch_window_is_walked_while_it_is_opened(void **state)
{
	uint8_t *pages;

	(void)state;
	start(false);
	leave_junk(4);
	pages = pages_map(4, K_MEM_PERM_RW);
	assert_int_equal(page_number(pages) / TABLE_PAGES, SPACE_SCRATCH / TABLE_PAGES);
	assert_int_equal(part_add(&domains[0], pages, 4, U_RW), 0);
	assert_true(user_writes(&domains[0], pages));
	emu_publish_hook = walk_scratch;
	for (uint32_t i = 1; i < 4; i++) {
		assert_true(user_writes(&domains[0], pages + i * RIG_PAGE));
		assert_int_equal(rig_get(pages + i * RIG_PAGE + 8), 0);
	}
	emu_publish_hook = NULL;
	pages_unmap(pages, 4);
	end();
}

/* ---- calls that meet ------------------------------------------------------------------- */

static uint8_t *expected;

static void write_early(void)
{
	if (expected != NULL && !is_unmapped(page_what(page_number(expected)))) {
		uint8_t *page = expected;

		expected = NULL;
		rig_put(page, 1);
	}
}

/* A stray access of the kernel's to memory that is being mapped for a domain. */
static void test_touched_while_it_is_mapped_for_a_domain(void **state)
{
	const uint32_t count = 40;
	void *addr = NULL;

	(void)state;
	start(false);
	assert_int_equal(k_mem_domain_limits_set(&domains[0], count * RIG_PAGE, 0), 0);
	expected = pages_map(count, K_MEM_PERM_RW);
	pages_unmap(expected, count);
	strict_between_set(write_early);
	assert_int_equal(k_mem_domain_map(&domains[0], &addr, count * RIG_PAGE, K_MEM_PERM_RW), 0);
	assert_null(expected);
	assert_int_equal(domains[0].resident_count, 1);
	assert_int_equal(k_mem_page_out(addr, count * RIG_PAGE), 0);
	assert_int_equal(domains[0].resident_count, 0);
	end();
}

/* Nothing of its domain is left to a thread that ends, which may run on for a while. */
static void test_running_thread_leaves_its_domain(void **state)
{
	uint8_t *page;

	(void)state;
	start(false);
	page = pages_map(1, K_MEM_PERM_RW);
	assert_int_equal(part_add(&domains[0], page, 1, U_RW), 0);
	assert_int_equal(k_mem_domain_add_thread(&domains[0], NULL), 0);
	assert_true(user_writes(&domains[0], page));
	k_mem_domain_remove_thread(NULL);
	assert_null(qr_domain_current);
	assert_int_equal(arch_buffer_validate(page, 1, 0), -EACCES);
	pages_unmap(page, 1);
	end();
}

static bool limits_change;

static void change_limits(void)
{
	if (limits_change) {
		limits_change = false;
		assert_int_equal(k_mem_domain_limits_set(&domains[0], 64 * RIG_PAGE,
							 5 * RIG_PAGE), 0);
	}
}

static void test_limits_set_by_two(void **state)
{
	(void)state;
	start(false);
	limits_change = true;
	strict_between_set(change_limits);
	assert_int_equal(k_mem_domain_limits_set(&domains[0], 64 * RIG_PAGE, 3 * RIG_PAGE), 0);
	assert_false(limits_change);
	assert_int_equal(qr_charge.kept, 3);
	end();
}

/* ---- how much is done in one hold ------------------------------------------------------ */

static uint64_t written, written_most;

static void count_entries(void)
{
	const uint64_t now = emu_counters()->published;

	written_most = now - written > written_most ? now - written : written_most;
	written = now;
}

/* However many sets have a private table there, a hold writes to about a batch of entries at most.
 * Never to fewer than one in each set. */
static void test_holds_are_bounded_with_many_sets(void **state)
{
	const uint32_t pages = 30;
	uint8_t *base, *memory, *device;

	(void)state;
	start(false);
	base = pages_map(1, K_MEM_PERM_RW);
	for (uint32_t d = 0; d < DOMAINS; d++) {
		assert_int_equal(part_add(&domains[d], base, 1, U_RO), 0);
	}
	written = emu_counters()->published;
	written_most = 0;
	strict_between_set(count_entries);
	memory = pages_map(pages, K_MEM_PERM_RW | K_MEM_MAP_LOCK);
	assert_int_equal(k_mem_update_flags(memory, pages * RIG_PAGE, 0), 0);
	assert_int_equal(part_add(&domains[0], memory, pages, U_RO), 0);
	pages_unmap(memory, pages);
	device = device_map(7, 0, pages);
	assert_int_equal(k_mem_update_flags(device, pages * RIG_PAGE, K_MEM_CACHE_NONE), 0);
	device_unmap(device, pages);
	assert_true(written_most <= CONFIG_MEM_BATCH + 4 * DOMAINS);
	pages_unmap(base, 1);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries_of_a_table_used_before_mean_nothing),
		cmocka_unit_test(test_a_page_that_a_table_did_not_come_to_yet_changes),
		cmocka_unit_test(test_a_table_that_is_given_back_grants_nothing),
		cmocka_unit_test(test_accessed_is_set_again_by_hardware),
		cmocka_unit_test(test_accessed_is_set_again_by_software),
		cmocka_unit_test(test_tags_begin_anew_while_one_is_in_use),
		cmocka_unit_test(test_scratch_window_is_walked_while_it_is_opened),
		cmocka_unit_test(test_touched_while_it_is_mapped_for_a_domain),
		cmocka_unit_test(test_running_thread_leaves_its_domain),
		cmocka_unit_test(test_limits_set_by_two),
		cmocka_unit_test(test_holds_are_bounded_with_many_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
