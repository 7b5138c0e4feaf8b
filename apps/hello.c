/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hello.c - the first program: what the kernel promises to programs, tried once. Prints
 * TAP. Wants a store for paging (disk "swap" or option `ramstore`).
 */
#include <quire/mm.h>
#include <quire/port.h>

#include "kernel/kernel.h"

#define PAGE ((size_t)CONFIG_MMU_PAGE_SIZE)
#define PAGES 64u
#define ARENA_BYTES (PAGES * PAGE)

static unsigned int test_count, failed_count;

static void check(bool passed, const char *name)
{
	test_count++;
	failed_count += !passed;
	kernel_printf("%sok %u - %s\n", passed ? "" : "not ", test_count, name);
}

static void skip(const char *name, const char *why)
{
	test_count++;
	kernel_printf("ok %u - %s # SKIP %s\n", test_count, name, why);
}

/* ---- what a compiler calls --------------------------------------------------------------- */

/* Move `bytes` within a buffer and compare it with one where that was done byte by byte. */
static bool moved(size_t from, size_t to, size_t bytes)
{
	static uint8_t buffer[96], expected[96];

	for (size_t i = 0; i < sizeof(buffer); i++) {
		buffer[i] = expected[i] = (uint8_t)(i * 7 + 1);
	}
	for (size_t i = 0; i < bytes; i++) {
		expected[to + i] = buffer[from + i];
	}
	__builtin_memmove(buffer + to, buffer + from, bytes);
	for (size_t i = 0; i < sizeof(buffer); i++) {
		if (buffer[i] != expected[i]) {
			return false;
		}
	}
	return true;
}

static void test_strings(void)
{
	static uint8_t set[32];
	volatile size_t none = 0;
	bool fine = true;

	for (size_t bytes = 0; bytes <= 40; bytes++) {
		for (size_t to = 0; to <= 40; to++) {
			fine = moved(20, to, bytes) && fine;
		}
	}
	check(fine, "memmove moves, whichever way the ranges overlap");
	__builtin_memset(set + 1, 0x1a5, 13 + none);
	check(set[0] == 0 && set[1] == 0xa5 && set[13] == 0xa5 && set[14] == 0,
	      "memset fills the range and no more");
	check(__builtin_memcmp("ab\x80", "ab\x01", 3 + none) > 0 &&
	      __builtin_memcmp("ab", "bb", 2 + none) < 0 &&
	      __builtin_memcmp("ab", "ac", 1 + none) == 0 && __builtin_memcmp("a", "b", none) == 0,
	      "memcmp orders bytes without sign");
}

/* ---- threads ------------------------------------------------------------------------------ */

static volatile unsigned int order[8], order_count;
static volatile uint64_t spins[2];
static volatile bool spinning;

static void note(void *argument)
{
	order[order_count++] = (unsigned int)(uintptr_t)argument;
}

static void spin(void *argument)
{
	while (spinning) {
		spins[(uintptr_t)argument]++;
	}
}

static void test_priorities(void)
{
	static const uint8_t priorities[] = {23, 20, 22, 21};
	struct thread *threads[4];
	bool joined = true;

	for (unsigned int i = 0; i < 4; i++) {
		threads[i] = thread_start("note", priorities[i], note, (void *)(uintptr_t)i);
	}
	for (unsigned int i = 0; i < 4; i++) {
		joined = joined && threads[i] && thread_join(threads[i], NULL) == 0;
	}
	check(joined && order[0] == 1 && order[1] == 3 && order[2] == 2 && order[3] == 0,
	      "threads run in the order of their priorities");
	order_count = 0;
	threads[0] = thread_start("note", 3, note, NULL);
	check(threads[0] && order_count == 1, "a thread of higher priority runs at once");
	joined = threads[0] && thread_join(threads[0], NULL) == 0;
	check(joined, "a thread that ended can be joined");
}

static volatile bool slept;

static void sleep_for_ever(void *argument)
{
	(void)argument;
	thread_sleep(UINT64_MAX);
	slept = true;
}

static void test_timer(void)
{
	static const char name[] = "threads of one priority share the CPU";
	struct thread *threads[2];
	uint64_t before = kernel_ticks();

	if (kernel_option_number("tick", 1) == 0) {
		skip(name, "no timer");
		skip("a thread sleeps as long as it wants", "no timer");
		skip("a thread that sleeps for ever does so", "no timer");
		return;
	}
	spinning = true;
	threads[0] = thread_start("spin", 20, spin, (void *)0);
	threads[1] = thread_start("spin", 20, spin, (void *)1);
	thread_sleep(6);
	check(kernel_ticks() - before >= 6 && kernel_ticks() - before < 20,
	      "a thread sleeps as long as it wants");
	spinning = false;
	thread_join(threads[0], NULL);
	thread_join(threads[1], NULL);
	check(spins[0] > 0 && spins[1] > 0, name);
	check(thread_start("sleeper", 20, sleep_for_ever, NULL) && (thread_sleep(3), !slept),
	      "a thread that sleeps for ever does so");
}

/* ---- memory --------------------------------------------------------------------------------- */

static unsigned long faults(void)
{
	struct k_mem_paging_stats_t stats;

	k_mem_paging_stats_get(&stats);
	return stats.pagefaults.cnt;
}

/* One word of each page, different in every page. */
static void fill(volatile uint64_t *arena, uint64_t seed)
{
	for (unsigned int page = 0; page < PAGES; page++) {
		arena[page * PAGE / sizeof(*arena) + page] = seed + page;
	}
}

static bool filled(const volatile uint64_t *arena, uint64_t seed)
{
	bool same = true;

	for (unsigned int page = 0; page < PAGES; page++) {
		same = arena[page * PAGE / sizeof(*arena) + page] == seed + page && same;
	}
	return same;
}

static void test_first_touch(uint64_t *arena)
{
	unsigned long before = faults();
	bool zero = true;

	for (unsigned int page = 0; page < PAGES; page++) {
		zero = ((volatile uint64_t *)arena)[page * PAGE / sizeof(*arena)] == 0 && zero;
	}
	check(zero && faults() - before == PAGES, "memory is zero and backed when touched");
	fill(arena, 1000);
	check(filled(arena, 1000), "memory holds what was written");
}

static void test_paging(uint64_t *arena)
{
	size_t free_before = k_mem_free_get();
	unsigned long before;
	qr_port_key_t key;
	int status = k_mem_page_out(arena, ARENA_BYTES);

	check(status == 0 && k_mem_free_get() == free_before + ARENA_BYTES,
	      "paging out gives all frames back");
	before = faults();
	check(filled(arena, 1000) && faults() - before == PAGES,
	      "every page comes back by one fault");
	status = k_mem_page_out(arena, ARENA_BYTES);
	before = faults();
	key = qr_port_irq_lock();
	check(status == 0 && filled(arena, 1000) && faults() - before == PAGES,
	      "pages come back while interrupts are masked");
	qr_port_irq_unlock(key);
}

/* A thread of lower priority runs while this one waits for the disk. A fast disk may have
 * the page before there is anything to wait for: then again. */
static void test_waiting(uint64_t *arena)
{
	static const char name[] = "another thread runs while a page is on its way";
	struct thread *thread;
	bool same = true, ran = false;

	if (disk_find("swap") < 0) {
		skip(name, "no disk");
		return;
	}
	spinning = true;
	thread = thread_start("spin", 20, spin, (void *)0);
	for (unsigned int round = 0; round < 100 && same && !ran; round++) {
		uint64_t before;

		same = k_mem_page_out(arena, ARENA_BYTES) == 0;
		before = spins[0];
		same = filled(arena, 1000) && same;
		ran = spins[0] > before;
	}
	check(same && ran, name);
	spinning = false;
	thread_join(thread, NULL);
}

static void write_to(void *argument)
{
	*(volatile uint8_t *)argument = 1;
	order_count = 99;
}

static void test_refused(uint8_t *arena)
{
	struct thread *thread;
	uint8_t value;
	int error = 0, status;

	check(kernel_try_read(arena - 1, &value) == -EFAULT &&
	      kernel_try_write(arena + ARENA_BYTES, 0) == -EFAULT,
	      "both guards refuse access");
	check(kernel_try_exec(arena) == -EACCES, "data cannot be executed");
	check(kernel_try_write((void *)(uintptr_t)app_main, 0) == -EACCES,
	      "code cannot be written");
	check(kernel_try_read((void *)((uintptr_t)app_main - (uintptr_t)CONFIG_KERNEL_IMAGE_OFFSET),
			      &value) == -EFAULT,
	      "memory is not mapped at its physical address");
	thread = thread_start("victim", 10, write_to, arena - 1);
	status = thread ? thread_join(thread, &error) : 0;
	check(status == -EFAULT && error == -EFAULT && order_count != 99,
	      "a refused fault ends its thread alone");
}

int app_main(void)
{
	size_t free_before;
	uint8_t *arena;

	test_strings();
	test_priorities();
	test_timer();
	free_before = k_mem_free_get();
	arena = k_mem_map(ARENA_BYTES, K_MEM_PERM_RW);
	check(arena && k_mem_free_get() == free_before, "mapping takes no frame");
	if (arena) {
		test_first_touch((uint64_t *)arena);
		test_paging((uint64_t *)arena);
		test_waiting((uint64_t *)arena);
		test_refused(arena);
		check(k_mem_unmap(arena, ARENA_BYTES) == 0 && k_mem_free_get() == free_before,
		      "unmapping gives everything back");
	}
	kernel_printf("1..%u\n", test_count);
	return failed_count != 0;
}
