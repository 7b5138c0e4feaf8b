/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_gaps.c - mistakes that make mutants made and that no other test saw.
 */
#define _DEFAULT_SOURCE /* sigaction */

#include "rig.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include <quire/policy.h>

#include <mm/frame.h>
#include <pagetable/tables.h>

#include "audit.h"

#define LARGE 0x200000u

static void end(void)
{
	assert_null(audit());
	rig_check();
}

static uint8_t *map(uint32_t pages, uint32_t flags)
{
	void *memory = NULL;

	assert_int_equal(k_mem_map_anon(&memory, pages * RIG_PAGE, flags), 0);
	return memory;
}

/* ---- what a policy is told ----------------------------------------------------------- */

static struct {
	bool known[CONFIG_MEM_FRAMES_MAX]; /* seen, and not forgotten since */
	uint32_t frame_count;
	uint32_t hand;
	uint32_t picks;
	uint32_t mistakes;
} spy;

static void spy_start(void *state, uint32_t frame_count)
{
	(void)state;
	memset(&spy, 0, sizeof(spy));
	spy.frame_count = frame_count;
}

static void spy_seen(uint32_t frame, bool by_fault)
{
	(void)by_fault;
	spy.known[frame] = true;
}

static void spy_forgotten(uint32_t frame)
{
	spy.mistakes += !spy.known[frame];
	spy.known[frame] = false;
}

/* What it knows is what may be evicted. */
static void spy_compare(void)
{
	for (uint32_t frame = 0; frame < spy.frame_count; frame++) {
		spy.mistakes += spy.known[frame] != k_mem_frame_evictable(frame);
	}
}

static int spy_pick(uint32_t *frame)
{
	spy.picks++;
	spy_compare();
	for (uint32_t i = 0; i < spy.frame_count; i++) {
		spy.hand = (spy.hand + 1) % spy.frame_count;
		if (spy.known[spy.hand]) {
			*frame = spy.hand;
			return 0;
		}
	}
	return -ENOENT;
}

static const struct k_mem_policy spy_policy = {
	.name = "spy",
	.start = spy_start,
	.seen = spy_seen,
	.forgotten = spy_forgotten,
	.pick = spy_pick,
};

static void test_policy_knows_what_may_be_evicted(void **state)
{
	const struct rig rig = {.frames = 8, .slots = 40, .policy = &spy_policy};
	uint8_t *memory, *locked;

	(void)state;
	rig_start(&rig);
	memory = map(20, K_MEM_PERM_RW);
	for (uint32_t round = 0; round < 40; round++) {
		uint8_t *page = memory + round * 7 % 20 * RIG_PAGE;

		rig_put(page, round);
		(void)rig_get(memory + round * 3 % 20 * RIG_PAGE);
		assert_int_equal(k_mem_pin(page, RIG_PAGE), 0);
		rig_put(memory + round * 11 % 20 * RIG_PAGE, round);
		assert_int_equal(k_mem_unpin(page, RIG_PAGE), 0);
		assert_int_equal(k_mem_page_out(page, RIG_PAGE), 0);
		locked = map(2, K_MEM_PERM_RW | K_MEM_MAP_LOCK);
		assert_int_equal(k_mem_unmap(locked, 2 * RIG_PAGE), 0);
		spy_compare();
		assert_int_equal(spy.mistakes, 0);
	}
	assert_true(spy.picks > 20);
	assert_int_equal(k_mem_unmap(memory, 20 * RIG_PAGE), 0);
	spy_compare();
	assert_int_equal(spy.mistakes, 0);
	end();
}

/* A scan of two slices finds nothing. Meanwhile so many frames became evictable that a count of 32
 * bits is where it was. */
static int slow_pick(uint32_t *frame)
{
	switch (spy.picks++) {
	case 0:
		return -EAGAIN;
	case 1:
		qr_frame_table.changes += 1u << 31;
		qr_frame_table.changes += 1u << 31;
		return -ENOENT;
	default:
		return spy_pick(frame);
	}
}

static void test_much_that_changed_is_not_nothing(void **state)
{
	static const struct k_mem_policy slow = {
		.name = "slow", .start = spy_start, .seen = spy_seen,
		.forgotten = spy_forgotten, .pick = slow_pick,
	};
	const struct rig rig = {.frames = 4, .slots = 16, .policy = &slow};
	uint8_t *memory;

	(void)state;
	rig_start(&rig);
	memory = map(8, K_MEM_PERM_RW);
	for (uint32_t page = 0; page < 8; page++) {
		rig_put(memory + page * RIG_PAGE, page);
	}
	assert_true(spy.picks > 2);
	assert_int_equal(k_mem_unmap(memory, 8 * RIG_PAGE), 0);
	end();
}

/* ---- accessed bits ------------------------------------------------------------------- */

/* A CPU that still holds the translation does not set an accessed bit again that was cleared. */
static void test_no_use_of_a_page_is_missed(void **state)
{
	static const struct k_mem_policy *const policies[] = {
		&k_mem_policy_clock, &k_mem_policy_hazard, &k_mem_policy_nru,
		&k_mem_policy_lru,
	};
	const uint32_t frames = 4 * CONFIG_MEM_TLB_RANGE_MAX, pages = frames + frames / 2;

	(void)state;
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		const struct rig rig = {.frames = frames, .slots = pages, .policy = policies[i]};
		uint8_t *memory;

		rig_start(&rig);
		memory = map(pages, K_MEM_PERM_RW);
		for (uint32_t touch = 0; touch < 8 * pages; touch++) {
			/* the first half often, the others now and then */
			uint32_t page = touch % 3 == 0 ? touch / 3 % pages : touch % (pages / 2);

			rig_put(memory + page * RIG_PAGE, touch);
			if (touch % frames == 0) {
				k_mem_paging_tick();
			}
		}
		assert_true(rig_stats().eviction.dirty > 0);
		assert_int_equal(emu_counters()->accessed_missed, 0);
		end();
	}
}

/* ---- dirty bits that the walker sets at any moment -------------------------------------- */

static struct {
	uintptr_t virt;
	volatile sig_atomic_t armed;
	volatile sig_atomic_t marked; /* since it was armed */
} walker;

#define WALKER_HITS 400u

static void walker_strikes(int number)
{
	(void)number;
	if (walker.armed && emu_walker_marks(walker.virt, true)) {
		walker.marked = true;
	}
}

static bool is_dirty(uint8_t *page)
{
	return (arch_page_get(page) & ARCH_DATA_PAGE_DIRTY) != 0;
}

/* A walker that marks the page dirty between any two instructions of `change`, which says
 * whether it has taken a dirty bit out of the entry. */
static void race(bool (*change)(uint8_t *))
{
	const struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
	const struct sigaction strike = {.sa_handler = walker_strikes, .sa_flags = SA_RESTART};
	const struct rig rig = {.frames = 8, .slots = 8};
	uint32_t hits = 0;
	bool lost = false;
	uint8_t *page;

	rig_start(&rig);
	page = map(1, K_MEM_PERM_RW);
	walker.virt = (uintptr_t)page;
	assert_int_equal(sigaction(SIGALRM, &strike, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	while (hits < WALKER_HITS && !lost) {
		bool taken;

		rig_put(page, 1);
		(void)arch_page_bits(page, 0, ARCH_DATA_PAGE_DIRTY);
		arch_mem_flush(page, RIG_PAGE);
		walker.marked = false;
		walker.armed = true;
		taken = change(page);
		walker.armed = false;
		hits += walker.marked;
		lost = walker.marked && !taken && !is_dirty(page);
	}
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_false(lost);
}

static bool age(uint8_t *page)
{
	for (unsigned int i = 0; i < 50; i++) {
		(void)arch_page_bits(page, ARCH_DATA_PAGE_ACCESSED, 0);
		(void)arch_page_bits(page, 0, ARCH_DATA_PAGE_ACCESSED);
	}
	return false;
}

/* The step alone, for the most part, by which a look clears: it flips. */
static bool look(uint8_t *page)
{
	qr_entry_t *entry = qr_entry(0, page);

	(void)arch_page_bits(page, ARCH_DATA_PAGE_ACCESSED, 0);
	for (unsigned int i = 0; i < 1000; i++) {
		qr_entry_unaccess(entry);
	}
	(void)arch_page_look(page, true);
	return false;
}

static bool change_rights(uint8_t *page)
{
	for (unsigned int i = 0; i < 100; i++) {
		(void)arch_mem_flags(page, RIG_PAGE, K_MEM_PERM_RW);
	}
	return false;
}

static bool take_out(uint8_t *page)
{
	const arch_token_t token = ARCH_TOKEN(ARCH_TOKEN_LOCATION, 0);
	uint64_t phys = arch_page_phys(arch_page_get(page));
	bool taken = false;

	for (unsigned int i = 0; i < 50 && !walker.marked; i++) {
		taken = (arch_mem_page_out(page, token) & ARCH_DATA_PAGE_DIRTY) != 0;
		arch_mem_page_in(page, phys, ARCH_MEM_ACCESSED);
	}
	return taken;
}

static void test_dirty_while_ageing(void **state)
{
	(void)state;
	race(age);
}

static void test_dirty_while_looked_at(void **state)
{
	(void)state;
	race(look);
}

static void test_dirty_while_rights_change(void **state)
{
	(void)state;
	race(change_rights);
}

static void test_dirty_while_taken_out(void **state)
{
	(void)state;
	race(take_out);
}

/* ---- large leaves -------------------------------------------------------------------- */

static uint8_t *large_leaf(void)
{
	const struct rig rig = {.frames = 8, .slots = 4, .device_bytes = 0x600000};
	uint8_t *virt = NULL;

	rig_start(&rig);
	assert_int_equal(k_mem_map_phys_bare(&virt, RIG_DEVICE_PHYS, LARGE, K_MEM_PERM_RW), 0);
	assert_true(arch_page_get(virt) & ARCH_PAGE_LARGE);
	rig_put(virt, 1);
	return virt;
}

static void test_rights_of_a_large_leaf(void **state)
{
	uint8_t *virt = large_leaf();

	(void)state;
	assert_int_equal(k_mem_update_flags(virt, LARGE, 0), 0);
	assert_int_equal(rig_write(virt, 2), -EACCES);
	assert_int_equal(rig_get(virt), 1);
	assert_int_equal(k_mem_unmap_phys_bare(virt, LARGE), 0);
	assert_int_equal(rig_write(virt, 2), -EFAULT);
	end();
}

static void test_rights_of_part_of_a_large_leaf(void **state)
{
	uint8_t *virt = large_leaf();

	(void)state;
	assert_int_equal(k_mem_update_flags(virt, RIG_PAGE, 0), 0);
	assert_int_equal(rig_write(virt, 2), -EACCES);
	rig_put(virt + RIG_PAGE, 3);
	assert_int_equal(k_mem_unmap_phys_bare(virt, LARGE - RIG_PAGE), -EINVAL);
	assert_int_equal(k_mem_unmap_phys_bare(virt, LARGE), 0);
	assert_int_equal(rig_write(virt + RIG_PAGE, 2), -EFAULT);
	end();
}

/* ---- leaves that become others ----------------------------------------------------------- */

/* Where the machine demands it nothing may remember the old entry when another one takes its place;
 * elsewhere there is no moment without a translation. This looks at when the machine is told to
 * forget. */
static struct {
	const qr_entry_t *entry;
	bool broken;
	uint64_t drops_at_fill; /* of the table that takes a large leaf's place */
	uint64_t drops_at_break;
	uint64_t drops_at_make;
	uint64_t all_drops_at_make;
} change;

static uint64_t drops(void)
{
	return emu_counters()->all_drops + emu_counters()->page_drops;
}

static void watch_change(const qr_entry_t *first, size_t count)
{
	if (count == QR_TABLE_ENTRIES) {
		change.drops_at_fill = drops();
	}
	if (count != 1 || first != change.entry) {
		return;
	}
	if (*first == 0) {
		change.broken = true;
		change.drops_at_break = drops();
	} else {
		change.drops_at_make = drops();
		change.all_drops_at_make = emu_counters()->all_drops;
	}
}

/* Change the flags of a page, and watch its entry of this level. */
static void watch_flags(uint8_t *virt, unsigned int level, uint32_t flags)
{
	memset(&change, 0, sizeof(change));
	change.entry = qr_entry(level, virt);
	emu_publish_hook = watch_change;
	assert_int_equal(k_mem_update_flags(virt, RIG_PAGE, flags), 0);
	emu_publish_hook = NULL;
	assert_int_equal(change.broken, ENTRY_BREAK);
	assert_true(!ENTRY_BREAK || change.drops_at_make > change.drops_at_break);
	assert_true(drops() > change.drops_at_make);
}

static void test_split_breaks_where_it_must(void **state)
{
	uint8_t *virt = large_leaf();

	(void)state;
	watch_flags(virt, 1, 0);
	/* nothing remembers what was in the table before it was filled, nor what led to the leaf */
	assert_true(change.drops_at_make > change.drops_at_fill);
	assert_true(emu_counters()->all_drops > change.all_drops_at_make);
	end();
}

static void test_cache_mode_breaks_where_it_must(void **state)
{
	uint8_t *virt = large_leaf();

	(void)state;
	if (!(ENTRY_CACHE_MODES >> K_MEM_CACHE_NONE & 1u)) {
		skip();
	}
	assert_int_equal(k_mem_update_flags(virt, RIG_PAGE, 0), 0); /* split it first */
	watch_flags(virt, 0, K_MEM_CACHE_NONE);
	end();
}

/* ---- no addresses left ----------------------------------------------------------------- */

static void test_mapping_without_addresses_is_not_charged(void **state)
{
	const struct rig rig = {.frames = 8, .slots = 64};
	struct rig_counts before;
	uint8_t *virt;
	void *memory;

	(void)state;
	rig_start(&rig);
	while (k_mem_map_phys_bare(&virt, RIG_DEVICE_PHYS, RIG_PAGE, 0) == 0) {
		;
	}
	before = rig_counts();
	assert_int_equal(k_mem_map_anon(&memory, RIG_PAGE, K_MEM_PERM_RW), -ENOSPC);
	assert_int_equal(k_mem_map_anon(&memory, RIG_PAGE, K_MEM_MAP_LOCK), -ENOSPC);
	assert_int_equal(k_mem_map_stored(&memory, K_MEM_LOCATION(RIG_STORE_IMAGE, 0), RIG_PAGE,
					  K_MEM_PERM_RW), -ENOSPC);
	rig_counts_equal(before, rig_counts());
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy_knows_what_may_be_evicted),
		cmocka_unit_test(test_much_that_changed_is_not_nothing),
		cmocka_unit_test(test_no_use_of_a_page_is_missed),
		cmocka_unit_test(test_dirty_while_ageing),
		cmocka_unit_test(test_dirty_while_looked_at),
		cmocka_unit_test(test_dirty_while_rights_change),
		cmocka_unit_test(test_dirty_while_taken_out),
		cmocka_unit_test(test_rights_of_a_large_leaf),
		cmocka_unit_test(test_rights_of_part_of_a_large_leaf),
		cmocka_unit_test(test_split_breaks_where_it_must),
		cmocka_unit_test(test_cache_mode_breaks_where_it_must),
		cmocka_unit_test(test_mapping_without_addresses_is_not_charged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
