/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_facts.c - what kernels of this kind promise their users, and mistakes that were made in
 * some of them, each as one test. All of it runs twice: on a CPU that sets accessed and dirty
 * bits, and on one that leaves that to software.
 */
#include "help.h"

#include <string.h>

static bool software;

static void start_with(uint32_t frames, uint32_t slots, const struct k_mem_policy *policy)
{
	const struct rig rig = {
		.frames = frames, .slots = slots, .policy = policy, .software_flags = software,
		.device_bytes = 4 * RIG_PAGE,
	};

	rig_start(&rig);
}

static void start(uint32_t frames, uint32_t slots)
{
	start_with(frames, slots, NULL);
}

static unsigned long faults(void)
{
	return rig_stats().pagefaults.cnt;
}

/* Those that only set an accessed or dirty bit for the CPU left out. */
static unsigned long page_faults(void)
{
	return faults() - rig_stats().transfer.flags;
}

static uint8_t *map(uint32_t pages, uint32_t flags)
{
	uint8_t *memory = k_mem_map(pages * RIG_PAGE, flags);

	assert_non_null(memory);
	return memory;
}

static void unmap(uint8_t *memory, uint32_t pages)
{
	assert_int_equal(k_mem_unmap(memory, pages * RIG_PAGE), 0);
}

static void page_out(uint8_t *memory, uint32_t pages)
{
	assert_int_equal(k_mem_page_out(memory, pages * RIG_PAGE), 0);
}

/* Words in the middle of each page, and whether they are there. */
static void fill(uint8_t *memory, uint32_t pages, uint64_t seed)
{
	for (uint32_t i = 0; i < pages; i++) {
		rig_put(memory + i * RIG_PAGE + 8 * i, seed + i);
	}
}

static void check(uint8_t *memory, uint32_t pages, uint64_t seed)
{
	for (uint32_t i = 0; i < pages; i++) {
		assert_int_equal(rig_get(memory + i * RIG_PAGE + 8 * i), seed + i);
	}
}

static bool is_out(const uint8_t *addr)
{
	uintptr_t location;

	return arch_page_location_get((void *)(uintptr_t)addr, &location) ==
	       ARCH_PAGE_LOCATION_PAGED_OUT;
}

/* ---- how many faults ----------------------------------------------------------------- */

static void test_half_an_arena_paged_out_faults_once_a_page(void **state)
{
	unsigned long before;
	uint8_t *arena;

	(void)state;
	start(40, 64);
	arena = map(32, K_MEM_PERM_RW);
	before = faults();
	fill(arena, 32, 100);
	assert_int_equal(faults() - before, 32);
	page_out(arena, 16);
	before = faults();
	check(arena, 32, 100);
	assert_int_equal(faults() - before, 16);
	before = faults();
	check(arena, 32, 100);
	assert_int_equal(faults() - before, 0);
	/* every second page, and by writing */
	for (uint32_t i = 0; i < 32; i += 2) {
		page_out(arena + i * RIG_PAGE, 1);
	}
	before = page_faults();
	fill(arena, 32, 200);
	assert_int_equal(page_faults() - before, 16);
	check(arena, 32, 200);
	rig_check();
}

static void test_paged_in_ahead_no_fault(void **state)
{
	unsigned long before;
	uint8_t *arena;

	(void)state;
	start_with(40, 64, &k_mem_policy_nru);
	arena = map(32, K_MEM_PERM_RW);
	fill(arena, 32, 100);
	page_out(arena, 32);
	assert_int_equal(k_mem_page_in(arena, 32 * RIG_PAGE), 0);
	before = faults();
	check(arena, 32, 100);
	assert_int_equal(faults() - before, 0);
	/* pages that the policy has looked at since, too */
	before = faults();
	k_mem_paging_tick();
	assert_int_equal(k_mem_page_in(arena, 32 * RIG_PAGE), 0);
	check(arena, 32, 100);
	assert_int_equal(faults() - before, 0);
	/* memory that was never touched, too */
	arena = map(6, K_MEM_PERM_RW);
	assert_int_equal(k_mem_page_in(arena, 6 * RIG_PAGE), 0);
	before = faults();
	assert_int_equal(rig_get(arena + 5 * RIG_PAGE), 0);
	assert_int_equal(faults() - before, 0);
	rig_check();
}

static void test_pinned_no_fault(void **state)
{
	unsigned long before;
	uint8_t *arena, *others;

	(void)state;
	start(24, 128);
	arena = map(16, K_MEM_PERM_RW);
	fill(arena, 8, 100);
	page_out(arena, 8);
	assert_int_equal(k_mem_pin(arena, 16 * RIG_PAGE), 0);
	before = faults();
	check(arena, 8, 100);
	fill(arena, 16, 300);
	assert_int_equal(faults() - before, 0);
	/* nor when memory is short, nor when page-out is asked for */
	others = map(64, K_MEM_PERM_RW);
	fill(others, 64, 1);
	page_out(arena, 16);
	before = faults();
	check(arena, 16, 300);
	fill(arena, 16, 400);
	assert_int_equal(faults() - before, 0);
	assert_int_equal(k_mem_unpin(arena, 16 * RIG_PAGE), 0);
	page_out(arena, 16);
	check(arena, 16, 400);
	assert_int_equal(faults() - before, 16);
	check(others, 64, 1);
	rig_check();
}

/* Resident memory takes no fault either when it is made writable later. */
static void test_resident_memory_made_writable_no_fault(void **state)
{
	unsigned long before;
	uint8_t *locked, *pinned, *phys;

	(void)state;
	start(16, 32);
	locked = map(2, K_MEM_MAP_LOCK);
	pinned = map(2, 0);
	assert_int_equal(k_mem_pin(pinned, 2 * RIG_PAGE), 0);
	assert_int_equal(k_mem_map_phys_bare(&phys, RIG_DEVICE_PHYS, 2 * RIG_PAGE, 0), 0);
	before = faults();
	(void)rig_get(locked);
	(void)rig_get(pinned);
	(void)rig_get(phys);
	assert_int_equal(k_mem_update_flags(locked, 2 * RIG_PAGE, K_MEM_PERM_RW), 0);
	assert_int_equal(k_mem_update_flags(pinned, 2 * RIG_PAGE, K_MEM_PERM_RW), 0);
	assert_int_equal(k_mem_update_flags(phys, 2 * RIG_PAGE, K_MEM_PERM_RW), 0);
	fill(locked, 2, 1);
	fill(pinned, 2, 2);
	fill(phys, 2, 3);
	assert_int_equal(faults() - before, 0);
	rig_check();
}

/* What was tagged to stay is evicted nowhere, by no policy: locked memory (a stack), pinned
 * pages, and the resident image. */
static void test_locked_memory_is_never_evicted(void **state)
{
	static const struct k_mem_policy *const policies[] = {
		&k_mem_policy_clock, &k_mem_policy_hazard, &k_mem_policy_nru,
		&k_mem_policy_lru,
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		unsigned long before;
		uint8_t *stack, *others;

		start_with(16, 128, policies[i]);
		rig_put((void *)RIG_DATA, 7);
		stack = map(4, K_MEM_PERM_RW | K_MEM_MAP_LOCK);
		before = faults();
		fill(stack, 4, 10);
		assert_int_equal(faults() - before, 0);
		others = map(64, K_MEM_PERM_RW);
		for (uint32_t round = 0; round < 3; round++) {
			fill(others, 64, round);
			k_mem_paging_tick();
			before = faults();
			check(stack, 4, 10);
			fill(stack, 4, 10);
			assert_int_equal(rig_get((void *)RIG_DATA), 7);
			rig_put((void *)RIG_DATA, 7);
			assert_int_equal(faults() - before, 0);
		}
		check(others, 64, 2);
		rig_check();
	}
}

/* One instruction that reads some pages and writes others is started again until none of them
 * faults; how often that took. */
static uint32_t run_instruction(uint8_t *first, uint32_t pages, uint32_t written)
{
	unsigned long before;
	uint32_t tries = 0;

	do {
		before = faults();
		for (uint32_t i = 0; i < pages; i++) {
			if (written >> i & 1) {
				rig_put(first + i * RIG_PAGE, 1);
			} else {
				(void)rig_get(first + i * RIG_PAGE);
			}
		}
		tries++;
	} while (faults() != before && tries < 20);
	return tries;
}

/* As few frames as an instruction needs pages: each fault must not take away what the one
 * before it brought. */
static void test_pages_of_one_instruction_do_not_chase_each_other(void **state)
{
	static const struct k_mem_policy *const policies[] = {
		&k_mem_policy_clock, &k_mem_policy_hazard, &k_mem_policy_nru,
		&k_mem_policy_lru,
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (uint32_t pages = 2; pages <= 6; pages++) {
			uint8_t *memory;

			start_with(pages, 32, policies[i]);
			memory = map(16, K_MEM_PERM_RW);
			fill(memory, 16, 0);
			for (uint32_t n = 0; n < 80; n++) {
				uint8_t *first = memory + n % 10 * RIG_PAGE;

				if (run_instruction(first, pages, n * 7) >= 20) {
					fail_msg("%s, %u pages", policies[i]->name, pages);
				}
			}
			rig_check();
		}
	}
}

/* ---- one page at a time -------------------------------------------------------------- */

static void test_one_page_maps_repeat_the_address(void **state)
{
	size_t free_bytes;
	uint8_t *first, *lazy;

	(void)state;
	start(8, 8);
	free_bytes = k_mem_free_get();
	first = map(1, K_MEM_PERM_RW | K_MEM_MAP_LOCK);
	assert_int_equal(k_mem_free_get(), free_bytes - RIG_PAGE);
	unmap(first, 1);
	for (uint32_t i = 0; i < 20; i++) {
		uint8_t *again = map(1, K_MEM_PERM_RW | K_MEM_MAP_LOCK);

		assert_ptr_equal(again, first);
		assert_int_equal(rig_get(again), 0);
		rig_put(again, i + 1);
		assert_int_equal(k_mem_free_get(), free_bytes - RIG_PAGE);
		unmap(again, 1);
		assert_int_equal(k_mem_free_get(), free_bytes);
	}
	/* lazy: when it is touched */
	lazy = map(1, K_MEM_PERM_RW);
	assert_ptr_equal(lazy, first);
	assert_int_equal(k_mem_free_get(), free_bytes);
	assert_int_equal(rig_get(lazy), 0);
	assert_int_equal(k_mem_free_get(), free_bytes); /* shared zeros */
	rig_put(lazy, 1);
	assert_int_equal(k_mem_free_get(), free_bytes - RIG_PAGE);
	unmap(lazy, 1);
	assert_int_equal(k_mem_free_get(), free_bytes);
	rig_check();
}

static void test_a_word_beside_a_mapping_faults(void **state)
{
	static const uint32_t kinds[] = {
		K_MEM_PERM_RW, K_MEM_PERM_RW | K_MEM_MAP_LOCK, K_MEM_PERM_RW | K_MEM_MAP_UNINIT,
	};
	uint64_t word;
	uint8_t *memory, *phys;
	void *stored;

	(void)state;
	start(8, 16);
	for (size_t i = 0; i < 3; i++) {
		memory = map(2, kinds[i]);
		assert_int_equal(rig_read(memory - 8, &word), -EFAULT);
		assert_int_equal(rig_write(memory - 8, 1), -EFAULT);
		assert_int_equal(rig_read(memory + 2 * RIG_PAGE, &word), -EFAULT);
		assert_int_equal(rig_write(memory + 2 * RIG_PAGE, 1), -EFAULT);
		assert_int_equal(rig_write(memory + RIG_PAGE - 4, 1), 0);
		assert_int_equal(rig_write(memory + 2 * RIG_PAGE - 4, 1), -EFAULT);
	}
	stored = k_mem_map_unpaged(K_MEM_LOCATION(RIG_STORE_IMAGE, 0), RIG_PAGE, 0);
	assert_int_equal(rig_read((uint8_t *)stored - 8, &word), -EFAULT);
	assert_int_equal(rig_read((uint8_t *)stored + RIG_PAGE, &word), -EFAULT);
	/* physical mappings have no guards, but nothing lies beside this one */
	assert_int_equal(k_mem_map_phys_bare(&phys, RIG_DEVICE_PHYS, 2 * RIG_PAGE,
					     K_MEM_PERM_RW | K_MEM_DIRECT_MAP), 0);
	assert_int_equal(rig_write(phys - 8, 1), -EFAULT);
	assert_int_equal(rig_write(phys + 2 * RIG_PAGE, 1), -EFAULT);
	rig_put(phys, 1);
	rig_put(phys + 2 * RIG_PAGE - 8, 1);
	rig_check();
}

/* ---- failing ------------------------------------------------------------------------- */

/* Errors for ever, for the slots from `first` on. */
static struct {
	enum k_mem_io_op op;
	uint32_t first_slot;
	uint32_t slots;
	uint32_t times; /* then all is well again */
} bad;

static int verdict(void *argument, const struct k_mem_io *io)
{
	(void)argument;
	if (io->op != bad.op || io->slot - bad.first_slot >= bad.slots || bad.times == 0) {
		return 0;
	}
	bad.times--;
	return -EIO;
}

static void make_bad(enum k_mem_io_op op, uint32_t first_slot, uint32_t slots, uint32_t times)
{
	bad.op = op;
	bad.first_slot = first_slot;
	bad.slots = slots;
	bad.times = times;
	rig_store.verdict = verdict;
}
#define FOR_EVER UINT32_MAX

static uint32_t slot_of(const uint8_t *addr)
{
	uintptr_t location = 0;

	assert_int_equal(arch_page_location_get((void *)(uintptr_t)addr, &location),
			 ARCH_PAGE_LOCATION_PAGED_OUT);
	return (uint32_t)location & (K_MEM_SLOTS_MAX - 1);
}

/* A map that can be kept only in part is not made at all, as often as it is tried. What is
 * counted in pages is given back in pages. */
static void test_failed_maps_leak_nothing(void **state)
{
	struct rig_counts before;
	void *addr;

	(void)state;
	start(16, 8);
	(void)map(4, K_MEM_PERM_RW | K_MEM_MAP_LOCK);
	before = rig_counts();
	for (uint32_t i = 0; i < 200; i++) {
		assert_int_equal(k_mem_map_anon(&addr, (99 + i) * RIG_PAGE, K_MEM_PERM_RW),
				 -ENOMEM);
		assert_int_equal(k_mem_map_anon(&addr, (12 + i) * RIG_PAGE,
						K_MEM_PERM_RW | K_MEM_MAP_LOCK), -ENOMEM);
		assert_int_equal(k_mem_map_anon(&addr, (SPACE_PAGES - 2) * RIG_PAGE, 0), -ENOMEM);
		assert_int_equal(k_mem_map_stored(&addr, K_MEM_LOCATION(RIG_STORE_IMAGE, 0),
						  60 * RIG_PAGE, K_MEM_PERM_RW), -ENOMEM);
		rig_counts_equal(before, rig_counts());
	}
	/* and all that there is can still be had: 12 frames and 8 slots, less the one that keeps
	 * things moving */
	(void)map(12 + 8 - 1, K_MEM_PERM_RW);
	assert_null(k_mem_map(RIG_PAGE, K_MEM_PERM_RW));
	rig_check();
}

/* The space has no room left: an error, not a panic, and it comes back. */
static void test_exhausted_space_is_an_error(void **state)
{
	static uint8_t *all[SPACE_PAGES];
	uint32_t count = 0;
	uint8_t *virt;
	void *addr;

	(void)state;
	start(8, 8192);
	while (k_mem_map_phys_bare(&all[count], RIG_DEVICE_PHYS, RIG_PAGE, 0) == 0) {
		count++;
	}
	assert_int_equal(k_mem_map_phys_bare(&virt, RIG_DEVICE_PHYS, 1, 0), -ENOSPC);
	assert_int_equal(k_mem_map_anon(&addr, RIG_PAGE, 0), -ENOSPC);
	assert_int_equal(k_mem_map_anon(&addr, RIG_PAGE, K_MEM_MAP_LOCK), -ENOSPC);
	assert_int_equal(k_mem_map_stored(&addr, K_MEM_LOCATION(RIG_STORE_IMAGE, 0), RIG_PAGE, 0),
			 -ENOSPC);
	while (count > 0) {
		assert_int_equal(k_mem_unmap_phys_bare(all[--count], RIG_PAGE), 0);
	}
	unmap(map(SPACE_PAGES - RIG_IMAGE_PAGES - 3, K_MEM_PERM_RW),
	      SPACE_PAGES - RIG_IMAGE_PAGES - 3);
	rig_check();
}

/* More pages than the store has slots: refused when it is asked for, never in a fault. */
static void test_full_store_is_an_error(void **state)
{
	uint8_t *memory;
	bool out[11];

	(void)state;
	start(8, 4);
	memory = map(8 + 4 - 1, K_MEM_PERM_RW);
	assert_null(k_mem_map(RIG_PAGE, K_MEM_PERM_RW));
	for (uint32_t round = 0; round < 4; round++) {
		fill(memory, 11, round);
		check(memory, 11, round);
	}
	/* the eight pages that are in would need more slots than there are; none is moved */
	for (uint32_t i = 0; i < 11; i++) {
		out[i] = is_out(memory + i * RIG_PAGE);
	}
	assert_int_equal(k_mem_page_out(memory, 11 * RIG_PAGE), -ENOMEM);
	for (uint32_t i = 0; i < 11; i++) {
		assert_int_equal(is_out(memory + i * RIG_PAGE), out[i]);
	}
	check(memory, 11, 3);
	rig_check();
}

/* Slots go bad one after the other until none is left: pages stay where they are, what cannot
 * be served is an error of the access, and everything that is in a frame is still right. */
static void test_no_victim_is_an_error(void **state)
{
	uint32_t served = 0, refused = 0;
	uint8_t *memory;

	(void)state;
	start(4, 6);
	memory = map(8, K_MEM_PERM_RW);
	fill(memory, 4, 50);
	make_bad(K_MEM_IO_WRITE, 0, UINT32_MAX, FOR_EVER);
	for (uint32_t i = 4; i < 8; i++) {
		int status = rig_write(memory + i * RIG_PAGE, 1);

		served += status == 0;
		refused += status == -EIO || status == -ENOMEM;
	}
	assert_int_equal(served, 0);
	assert_int_equal(refused, 4);
	check(memory, 4, 50);
	assert_int_equal(rig_counts().slots_retired, 6);
	assert_int_equal(rig_stats().transfer.out_errors, 6);
	assert_int_equal(rig_counts().busy, 0);
	/* a read of zeros needs no frame */
	assert_int_equal(rig_get(memory + 7 * RIG_PAGE), 0);
	unmap(memory, 8);
	/* the lost slots are no longer promised to anybody */
	assert_null(k_mem_map(5 * RIG_PAGE, K_MEM_PERM_RW));
	memory = map(3, K_MEM_PERM_RW);
	fill(memory, 3, 1);
	check(memory, 3, 1);
	rig_check();
}

static void test_read_errors_come_to_who_asked(void **state)
{
	struct rig_counts before;
	uint64_t word;
	uint8_t *memory;

	(void)state;
	start(16, 32);
	memory = map(8, K_MEM_PERM_RW);
	fill(memory, 8, 100);
	page_out(memory, 8);
	before = rig_counts();
	make_bad(K_MEM_IO_READ, slot_of(memory + 2 * RIG_PAGE), 1, FOR_EVER);
	assert_int_equal(rig_read(memory + 2 * RIG_PAGE, &word), -EIO);
	assert_int_equal(rig_write(memory + 2 * RIG_PAGE, 1), -EIO);
	assert_int_equal(k_mem_page_in(memory + 2 * RIG_PAGE, RIG_PAGE), -EIO);
	assert_int_equal(rig_stats().transfer.in_errors, 3);
	rig_counts_equal(before, rig_counts());
	/* of a range, nothing is pinned */
	assert_int_equal(k_mem_pin(memory, 8 * RIG_PAGE), -EIO);
	assert_int_equal(rig_counts().charge_pinned, before.charge_pinned);
	page_out(memory, 8);
	for (uint32_t i = 0; i < 8; i++) {
		assert_true(is_out(memory + i * RIG_PAGE));
		assert_int_equal(rig_read(memory + i * RIG_PAGE + 8 * i, &word), i == 2 ? -EIO : 0);
	}
	/* the error goes away: nothing was lost */
	rig_store.verdict = NULL;
	check(memory, 8, 100);
	unmap(memory, 8);
	rig_check();
}

static void test_write_errors_lose_nothing(void **state)
{
	uint8_t *memory;

	(void)state;
	start(16, 32);
	memory = map(8, K_MEM_PERM_RW);
	fill(memory, 8, 100);
	/* asked for: the page that failed stays in its frame */
	make_bad(K_MEM_IO_WRITE, 0, UINT32_MAX, 1);
	assert_int_equal(k_mem_page_out(memory, RIG_PAGE), -EIO);
	assert_false(is_out(memory));
	assert_int_equal(rig_counts().slots_retired, 1);
	make_bad(K_MEM_IO_WRITE, 0, UINT32_MAX, 1);
	assert_int_equal(k_mem_page_frame_evict(phys_of(memory + RIG_PAGE)), -EIO);
	assert_false(is_out(memory + RIG_PAGE));
	check(memory, 8, 100);
	page_out(memory, 8);
	check(memory, 8, 100);
	/* in a fault: another victim is found */
	unmap(memory, 8);
	memory = map(24, K_MEM_PERM_RW);
	fill(memory, 16, 200);
	make_bad(K_MEM_IO_WRITE, 0, UINT32_MAX, 3);
	fill(memory + 16 * RIG_PAGE, 8, 300);
	assert_int_equal(bad.times, 0);
	assert_int_equal(rig_counts().slots_retired, 5);
	check(memory, 16, 200);
	check(memory + 16 * RIG_PAGE, 8, 300);
	unmap(memory, 24);
	assert_int_equal(rig_counts().slots_reserved, 0);
	rig_check();
}

/* Room for locked memory is made by evicting, the n-th write fails and so do all after it. What
 * was evicted before is in the store; everything else is as it was. */
static void test_lock_fails_at_the_nth_write(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < 6; n++) {
		struct rig_counts before, after;
		uint8_t *memory;
		void *addr;

		start(8, 64);
		memory = map(8, K_MEM_PERM_RW);
		fill(memory, 8, 10);
		before = rig_counts();
		make_bad(K_MEM_IO_WRITE, n, UINT32_MAX - n, FOR_EVER);
		assert_int_equal(k_mem_map_anon(&addr, 6 * RIG_PAGE,
						K_MEM_PERM_RW | K_MEM_MAP_LOCK), -EIO);
		after = rig_counts();
		assert_int_equal(after.free_pages, before.free_pages);
		assert_int_equal(after.charge_pageable, before.charge_pageable);
		assert_int_equal(after.charge_pinned, before.charge_pinned);
		assert_int_equal(after.busy, 0);
		assert_int_equal(after.slots_reserved, n);
		check(memory, 8, 10);
		unmap(memory, 8);
		assert_int_equal(k_mem_free_get(), 7 * RIG_PAGE);
		rig_check();
	}
}

/* ---- several at once ----------------------------------------------------------------- */

/* Another thread, which runs while the first one waits for its page. */
static struct {
	uint8_t *memory;
	uint32_t page, pages; /* of `memory`: what it has to write to yet */
	uint64_t seed;
	enum qr_port_context context;
	unsigned int late;
} other;

static uint32_t in_flight_max;

static int note_in_flight(void *argument, const struct k_mem_io *io)
{
	(void)argument;
	(void)io;
	in_flight_max = rig_store.in_flight + 1 > in_flight_max ? rig_store.in_flight + 1
								: in_flight_max;
	return 0;
}

static bool other_runs(void *argument)
{
	uint32_t page = other.page;

	(void)argument;
	if (page == other.pages) {
		return false;
	}
	other.page++;
	rig_store.late = other.late;
	strict_context_set(other.context);
	/* a word that the first thread does not look at */
	rig_put(other.memory + page * RIG_PAGE + 2048, other.seed + page);
	strict_context_set(QR_PORT_THREAD);
	return true;
}

static void other_set(uint8_t *memory, uint32_t first, uint32_t pages, uint64_t seed)
{
	other.memory = memory;
	other.page = first;
	other.pages = first + pages;
	other.seed = seed;
	other.context = QR_PORT_THREAD;
	other.late = rig_store.late;
	in_flight_max = 0;
	rig_store.verdict = note_in_flight;
	strict_progress_set(other_runs, NULL);
}

/* A fault that waits for the store holds up nobody: another thread's faults are served, and come
 * back, before it. */
static void test_others_run_while_a_fault_waits(void **state)
{
	uint8_t *memory;

	(void)state;
	start(24, 32);
	memory = map(16, K_MEM_PERM_RW);
	fill(memory, 16, 100);
	page_out(memory, 16);
	other_set(memory, 8, 8, 900);
	other.late = 2; /* its requests; the first thread's takes long */
	rig_store.late = 60;
	assert_int_equal(rig_get(memory), 100);
	assert_int_equal(other.page, 16);
	assert_int_equal(in_flight_max, 2);
	for (uint32_t i = 8; i < 16; i++) {
		assert_int_equal(rig_get(memory + i * RIG_PAGE + 2048), 900 + i);
	}
	check(memory, 16, 100);
	rig_check();
}

/* A handler that may not sleep wants the page that a thread is waiting for. (Two threads that
 * want one page: tests/qemu.) */
static void test_a_fault_that_cannot_wait_overtakes(void **state)
{
	unsigned long reads;
	uint8_t *memory;

	(void)state;
	start(8, 32);
	memory = map(2, K_MEM_PERM_RW);
	fill(memory, 2, 100);
	page_out(memory, 2);
	reads = rig_store.reads;
	rig_store.late = 5;
	other_set(memory, 0, 1, 700);
	other.context = QR_PORT_ISR;
	assert_int_equal(rig_get(memory), 100);
	assert_int_equal(other.page, 1);
	assert_int_equal(rig_store.reads - reads, 2);
	assert_int_equal(rig_get(memory + 2048), 700);
	assert_int_equal(rig_counts().busy, 0);
	unmap(memory, 2);
	assert_int_equal(k_mem_free_get(), 7 * RIG_PAGE);
	rig_check();
}

/* A page touched while it is being written out is kept, not read back. */
static void test_a_page_being_written_is_rescued(void **state)
{
	unsigned long reads;
	uint8_t *memory;

	(void)state;
	start(8, 32);
	memory = map(2, K_MEM_PERM_RW);
	fill(memory, 2, 100);
	reads = rig_store.reads;
	rig_store.late = 5;
	other_set(memory, 0, 1, 700);
	(void)k_mem_page_out(memory, RIG_PAGE);
	strict_progress_set(NULL, NULL);
	assert_int_equal(other.page, 1);
	assert_int_equal(rig_stats().transfer.rescued, 1);
	assert_int_equal(rig_store.reads - reads, 0);
	assert_int_equal(rig_get(memory), 100);
	assert_int_equal(rig_get(memory + 2048), 700);
	/* what was written to it meanwhile is not lost by the next eviction */
	rig_store.late = 0;
	page_out(memory, 1);
	assert_int_equal(rig_get(memory + 2048), 700);
	rig_check();
}

/* Where nobody may sleep, stores are polled. */
static void test_faults_with_interrupts_masked(void **state)
{
	static const enum qr_port_context contexts[] = {QR_PORT_IRQ_LOCKED, QR_PORT_ISR};
	struct k_mem_paging_stats_t stats;
	unsigned long sleeps;
	uint8_t *memory;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		start(4, 32);
		memory = map(16, K_MEM_PERM_RW);
		fill(memory, 16, 100);
		rig_store.late = 3;
		sleeps = strict_counts()->sleeps;
		strict_context_set(contexts[i]);
		fill(memory, 16, 200);
		check(memory, 16, 200);
		assert_int_equal(strict_counts()->sleeps, sleeps);
		stats = rig_stats();
		assert_true((i == 0 ? stats.pagefaults.irq_locked : stats.pagefaults.in_isr) >= 24);
		assert_int_equal(stats.pagefaults.cnt, stats.pagefaults.irq_locked +
				 stats.pagefaults.in_isr + stats.pagefaults.irq_unlocked);
		rig_check();
	}
}

/* A store with room for one request at a time. */
static void test_a_store_without_room_is_asked_again(void **state)
{
	uint8_t *memory;

	(void)state;
	start(24, 32);
	memory = map(16, K_MEM_PERM_RW);
	fill(memory, 16, 100);
	page_out(memory, 16);
	rig_store.late = 4;
	rig_store.room = 1;
	other_set(memory, 4, 4, 900);
	check(memory, 16, 100);
	assert_int_equal(other.page, 8);
	rig_check();
}

/* ---- translations, accessed and dirty ------------------------------------------------ */

/* Every way to take a page or a right away is followed by an access through what the CPU may
 * still hold; the machine reports each use of a translation that the tables no longer allow. */
static void test_no_stale_translation_is_used(void **state)
{
	uint8_t *memory, *phys, *again;
	uint64_t word;

	(void)state;
	start(6, 64);
	for (uint32_t round = 0; round < 3; round++) {
		memory = map(8, K_MEM_PERM_RW);
		fill(memory, 8, 10); /* frames change hands */
		check(memory, 8, 10);
		assert_int_equal(k_mem_update_flags(memory, 8 * RIG_PAGE, 0), 0);
		for (uint32_t i = 8; i-- > 0;) { /* the last ones are in frames, and were used */
			assert_int_equal(rig_write(memory + i * RIG_PAGE, 1), -EACCES);
		}
		check(memory, 8, 10);
		assert_int_equal(k_mem_update_flags(memory, 8 * RIG_PAGE, K_MEM_PERM_RW), 0);
		page_out(memory + 2 * RIG_PAGE, 2);
		check(memory, 8, 10);
		unmap(memory, 8);
		assert_int_equal(rig_read(memory, &word), -EFAULT);
		assert_int_equal(rig_read(memory + 7 * RIG_PAGE, &word), -EFAULT);
		again = map(8, K_MEM_PERM_RW);
		assert_ptr_equal(again, memory);
		for (uint32_t i = 0; i < 8; i++) {
			assert_int_equal(rig_get(again + i * RIG_PAGE + 8 * i), 0);
		}
		unmap(again, 8);
		for (uint32_t i = 0; i < 2; i++) {
			assert_int_equal(k_mem_map_phys_bare(&phys, RIG_DEVICE_PHYS + i * RIG_PAGE,
							     RIG_PAGE, K_MEM_PERM_RW), 0);
			rig_put(phys, 77 + i);
			word = *(uint64_t *)emu_phys(RIG_DEVICE_PHYS + i * RIG_PAGE);
			assert_int_equal(word, 77 + i);
			assert_int_equal(k_mem_unmap_phys_bare(phys, RIG_PAGE), 0);
		}
		rig_check();
	}
}

static uint32_t dirty_of(uint8_t *addr)
{
	return arch_page_info_get(addr, NULL, false) & ARCH_DATA_PAGE_DIRTY;
}

static void test_the_right_page_is_dirty(void **state)
{
	unsigned long writes;
	uint8_t *memory;

	(void)state;
	start(8, 64);
	memory = map(4, K_MEM_PERM_RW);
	fill(memory, 4, 10);
	page_out(memory, 4);
	check(memory, 4, 10);
	rig_put(memory + 2 * RIG_PAGE, 99);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(dirty_of(memory + i * RIG_PAGE) != 0, i == 2);
	}
	/* only that one is written */
	for (uint32_t i = 0; i < 4; i++) {
		writes = rig_store.writes;
		page_out(memory + i * RIG_PAGE, 1);
		assert_int_equal(rig_store.writes - writes, i == 2);
	}
	assert_int_equal(rig_stats().eviction.clean, 3);
	assert_int_equal(rig_get(memory + 2 * RIG_PAGE), 99);
	rig_check();
}

/* Another CPU's walker sets the dirty bit of a clean page in the very moment in which the core
 * changes entries, of this page or of others: each moment of an eviction in turn. What was
 * written is not lost. */
static struct {
	uint8_t *addr;
	uint64_t value;
	uint32_t wait; /* changes of entries until then */
} walked;

static void walker(const qr_entry_t *first, size_t count)
{
	(void)first;
	(void)count;
	if (walked.wait-- == 0 && emu_walker_marks((uintptr_t)walked.addr, true)) {
		uint64_t *word = emu_phys(phys_of(walked.addr));

		*word = ++walked.value;
	}
}

static void test_a_dirty_bit_set_during_eviction_counts(void **state)
{
	uint64_t before, marked = 0;
	uint8_t *memory;

	(void)state;
	start(4, 64);
	memory = map(6, K_MEM_PERM_RW);
	walked.value = 5000;
	for (uint32_t moment = 0; moment < 60; moment++) {
		walked.addr = memory + moment % 6 * RIG_PAGE;
		rig_put(walked.addr, ++walked.value);
		page_out(walked.addr, 1);
		assert_int_equal(rig_get(walked.addr), walked.value); /* in a frame, and clean */
		before = walked.value;
		walked.wait = moment / 2;
		emu_publish_hook = walker;
		for (uint32_t i = moment < 6 ? 6 : 0; i < 6; i++) {
			if (memory + i * RIG_PAGE != walked.addr) {
				rig_put(memory + i * RIG_PAGE + 1024, moment);
			}
		}
		(void)k_mem_page_out(walked.addr, RIG_PAGE);
		emu_publish_hook = NULL;
		marked += walked.value - before;
		assert_int_equal(rig_get(walked.addr), walked.value);
	}
	assert_true(marked > 20);
	rig_check();
}

/* ---- content and rights -------------------------------------------------------------- */

static void test_content_and_rights_survive_paging(void **state)
{
	static const uint32_t rights[] = {
		0, K_MEM_PERM_RW, K_MEM_PERM_EXEC, K_MEM_PERM_USER,
		K_MEM_PERM_USER | K_MEM_PERM_RW, K_MEM_PERM_USER | K_MEM_PERM_EXEC,
	};
	uint8_t *memory;
	uint64_t word;

	(void)state;
	start(16, 64);
	memory = map(6, K_MEM_PERM_RW);
	fill(memory, 6, 100);
	for (uint32_t i = 0; i < 6; i++) {
		assert_int_equal(k_mem_update_flags(memory + i * RIG_PAGE, RIG_PAGE, rights[i]), 0);
	}
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 6; i++) {
			uint8_t *page = memory + i * RIG_PAGE;
			bool user = (rights[i] & K_MEM_PERM_USER) != 0;
			bool write = (rights[i] & K_MEM_PERM_RW) != 0;
			bool exec = (rights[i] & K_MEM_PERM_EXEC) != 0;

			page_out(page, 1);
			assert_int_equal(emu_read((uintptr_t)page, &word, 8, K_MEM_FAULT_USER),
					 user ? 0 : -EACCES);
			assert_int_equal(rig_get(page + 8 * i), 100 + i);
			page_out(page, 1);
			assert_int_equal(rig_write(page, 1), write ? 0 : -EACCES);
			page_out(page, 1);
			word = 1;
			assert_int_equal(emu_write((uintptr_t)page, &word, 8, K_MEM_FAULT_USER),
					 user && write ? 0 : -EACCES);
			page_out(page, 1);
			assert_int_equal(emu_exec((uintptr_t)page, K_MEM_FAULT_USER),
					 user && exec ? 0 : -EACCES);
			assert_int_equal(emu_exec((uintptr_t)page, 0), !user && exec ? 0 : -EACCES);
		}
	}
	unmap(memory, 6);
	rig_check();
}

/* User mode that touches the kernel's paged-out page gets an error, and the page stays out. */
static void test_refused_access_brings_nothing_in(void **state)
{
	unsigned long reads;
	uint8_t *memory;
	uint64_t word = 1;

	(void)state;
	start(8, 64);
	memory = map(2, K_MEM_PERM_RW);
	fill(memory, 2, 100);
	assert_int_equal(k_mem_update_flags(memory + RIG_PAGE, RIG_PAGE, 0), 0);
	page_out(memory, 2);
	reads = rig_store.reads;
	assert_int_equal(emu_read((uintptr_t)memory, &word, 8, K_MEM_FAULT_USER), -EACCES);
	assert_int_equal(emu_write((uintptr_t)memory, &word, 8, K_MEM_FAULT_USER), -EACCES);
	assert_int_equal(emu_exec((uintptr_t)memory, 0), -EACCES);
	assert_int_equal(rig_write(memory + RIG_PAGE, 1), -EACCES);
	assert_true(is_out(memory) && is_out(memory + RIG_PAGE));
	assert_int_equal(rig_store.reads, reads);
	check(memory, 2, 100);
	rig_check();
}

/* A clean page whose copy is in the store is dropped without writing; so is the image's. */
static void test_clean_pages_are_not_written(void **state)
{
	uint8_t *memory;
	unsigned long writes;

	(void)state;
	start(8, 64);
	memory = map(16, K_MEM_PERM_RW);
	fill(memory, 16, 100);
	page_out(memory, 16);
	writes = rig_store.writes;
	for (uint32_t round = 0; round < 4; round++) {
		check(memory, 16, 100);
		for (uint32_t i = 0; i < RIG_DEMAND_PAGES; i++) {
			assert_int_equal(rig_get((void *)(RIG_DEMAND + i * RIG_PAGE)),
					 rig_image_word(i));
		}
	}
	assert_int_equal(rig_store.writes - writes, 0);
	assert_true(rig_stats().eviction.clean >= 3 * 12);
	rig_check();
}

/* Stored data that is changed goes to the paging store and not back to where it came from. */
static void test_stored_data_is_not_overwritten(void **state)
{
	const uintptr_t location = K_MEM_LOCATION(RIG_STORE_IMAGE, 10);
	uint8_t *memory, *again;

	(void)state;
	start(8, 64);
	memory = k_mem_map_unpaged(location, 8 * RIG_PAGE, K_MEM_PERM_RW);
	for (uint32_t i = 0; i < 8; i++) {
		assert_int_equal(rig_get(memory + i * RIG_PAGE), rig_image_word(10 + i));
		rig_put(memory + i * RIG_PAGE, 1000 + i);
	}
	page_out(memory, 8);
	again = k_mem_map_unpaged(location, 8 * RIG_PAGE, 0);
	for (uint32_t i = 0; i < 8; i++) {
		assert_int_equal(rig_get(again + i * RIG_PAGE), rig_image_word(10 + i));
		assert_int_equal(rig_get(memory + i * RIG_PAGE), 1000 + i);
	}
	unmap(again, 8);
	unmap(memory, 8);
	assert_int_equal(rig_counts().slots_reserved, 0);
	rig_check();
}

/* ---- cost ---------------------------------------------------------------------------- */

/* What CLOCK looks at for one fault does not grow with memory, even when every page was used. */
static void test_work_for_a_victim_is_bounded(void **state)
{
	static const uint32_t sizes[] = {64, 512, 2048};
	unsigned long worst[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		uint32_t pages = sizes[i];
		uint8_t *memory;

		start(pages, 1024);
		memory = map(pages + 64, K_MEM_PERM_RW);
		fill(memory, pages, 0);
		worst[i] = 0;
		for (uint32_t k = 0; k < 64; k++) {
			unsigned long looks = rig_stats().transfer.looks;

			rig_put(memory + (pages + k) * RIG_PAGE, k);
			looks = rig_stats().transfer.looks - looks;
			worst[i] = looks > worst[i] ? looks : worst[i];
		}
		rig_check();
	}
	assert_true(worst[0] > 0 && worst[1] <= worst[0] && worst[2] <= worst[0]);
}

static unsigned long sum(void (*get)(struct k_mem_paging_histogram_t *))
{
	struct k_mem_paging_histogram_t histogram;
	unsigned long all = 0;

	get(&histogram);
	for (unsigned int i = 0; i < CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM_NUM_BINS; i++) {
		all += histogram.counts[i];
		assert_true(i == 0 || histogram.bounds[i] > histogram.bounds[i - 1]);
	}
	return all;
}

static void test_statistics_add_up(void **state)
{
	struct k_mem_paging_stats_t own = {0}, stats, thread;
	unsigned long ins, outs, evictions;
	uint8_t *memory;

	(void)state;
	start(8, 64);
	strict_thread_stats_set(&own);
	ins = sum(k_mem_paging_histogram_backing_store_page_in_get);
	outs = sum(k_mem_paging_histogram_backing_store_page_out_get);
	evictions = sum(k_mem_paging_histogram_eviction_get);
	memory = map(24, K_MEM_PERM_RW);
	for (uint32_t round = 0; round < 3; round++) {
		fill(memory, 24, round);
		check(memory, 24, round);
	}
	k_mem_paging_thread_stats_get(NULL, &thread);
	stats = rig_stats();
	assert_int_equal(stats.pagefaults.cnt, thread.pagefaults.cnt);
	assert_int_equal(stats.pagefaults.cnt, stats.pagefaults.irq_unlocked);
	assert_int_equal(stats.eviction.dirty, thread.eviction.dirty);
	assert_int_equal(stats.transfer.page_in, rig_store.reads);
	assert_int_equal(stats.transfer.page_out, rig_store.writes);
	assert_int_equal(stats.transfer.page_out, stats.eviction.dirty);
	ins = sum(k_mem_paging_histogram_backing_store_page_in_get) - ins;
	outs = sum(k_mem_paging_histogram_backing_store_page_out_get) - outs;
	evictions = sum(k_mem_paging_histogram_eviction_get) - evictions;
	assert_int_equal(ins, rig_store.reads);
	assert_int_equal(outs, rig_store.writes);
	assert_int_equal(evictions, stats.eviction.clean + stats.eviction.dirty);
	rig_check();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_half_an_arena_paged_out_faults_once_a_page),
		cmocka_unit_test(test_paged_in_ahead_no_fault),
		cmocka_unit_test(test_pinned_no_fault),
		cmocka_unit_test(test_resident_memory_made_writable_no_fault),
		cmocka_unit_test(test_locked_memory_is_never_evicted),
		cmocka_unit_test(test_pages_of_one_instruction_do_not_chase_each_other),
		cmocka_unit_test(test_one_page_maps_repeat_the_address),
		cmocka_unit_test(test_a_word_beside_a_mapping_faults),
		cmocka_unit_test(test_failed_maps_leak_nothing),
		cmocka_unit_test(test_exhausted_space_is_an_error),
		cmocka_unit_test(test_full_store_is_an_error),
		cmocka_unit_test(test_no_victim_is_an_error),
		cmocka_unit_test(test_read_errors_come_to_who_asked),
		cmocka_unit_test(test_write_errors_lose_nothing),
		cmocka_unit_test(test_lock_fails_at_the_nth_write),
		cmocka_unit_test(test_others_run_while_a_fault_waits),
		cmocka_unit_test(test_a_fault_that_cannot_wait_overtakes),
		cmocka_unit_test(test_a_page_being_written_is_rescued),
		cmocka_unit_test(test_faults_with_interrupts_masked),
		cmocka_unit_test(test_a_store_without_room_is_asked_again),
		cmocka_unit_test(test_no_stale_translation_is_used),
		cmocka_unit_test(test_the_right_page_is_dirty),
		cmocka_unit_test(test_a_dirty_bit_set_during_eviction_counts),
		cmocka_unit_test(test_content_and_rights_survive_paging),
		cmocka_unit_test(test_refused_access_brings_nothing_in),
		cmocka_unit_test(test_clean_pages_are_not_written),
		cmocka_unit_test(test_stored_data_is_not_overwritten),
		cmocka_unit_test(test_work_for_a_victim_is_bounded),
		cmocka_unit_test(test_statistics_add_up),
	};
	int failed = cmocka_run_group_tests_name("hardware flags", tests, NULL, NULL);

	software = true;
	return failed + cmocka_run_group_tests_name("software flags", tests, NULL, NULL);
}
