/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slow.c - what goes on while a disk takes its time: each transfer on the disk of
 * tests/qemu/disk_test takes LATENCY ticks, as many at once as option depth=N allows. It reads as
 * zeros, so all pages here are zeros that were written. Prints TAP.
 */
#include <quire/mm.h>
#include <quire/paging.h>
#include <quire/port.h>

#include "kernel/kernel.h"
#include "mm/store.h"

#define PAGE ((size_t)CONFIG_MMU_PAGE_SIZE)
#define THREADS 8u
#define LATENCY 20u /* timer ticks */

static unsigned int test_count, failed_count;

static void check(bool passed, const char *name)
{
	test_count++;
	failed_count += !passed;
	kernel_printf("%sok %u - %s\n", passed ? "" : "not ", test_count, name);
}

static struct k_mem_paging_stats_t stats(void)
{
	struct k_mem_paging_stats_t now;

	k_mem_paging_stats_get(&now);
	return now;
}

/* ---- threads that touch pages ---------------------------------------------------------- */

struct toucher {
	volatile uint64_t *word;
	struct thread *thread;
	uint64_t value; /* what was read */
	uint32_t place; /* how many were served before */
	volatile bool waiting;
};
static struct toucher touchers[THREADS];
static uint32_t served;

/* What another thread sees while the touchers wait. */
static struct {
	uint32_t waiting_max;
	uint32_t in_flight_max;
	volatile bool over;
} seen;

static void touch(void *argument)
{
	struct toucher *self = argument;

	self->waiting = true;
	self->value = *self->word;
	self->place = served++;
	self->waiting = false;
}

/* Of the lowest priority: runs when all others wait. */
static void look(void *argument)
{
	(void)argument;
	while (!seen.over) {
		uint32_t waiting = 0;

		for (uint32_t i = 0; i < THREADS; i++) {
			waiting += touchers[i].waiting;
		}
		seen.waiting_max = waiting > seen.waiting_max ? waiting : seen.waiting_max;
		if (qr_store_table.in_flight > seen.in_flight_max) {
			seen.in_flight_max = qr_store_table.in_flight;
		}
		thread_yield();
	}
}

static struct thread *look_start(void)
{
	seen.waiting_max = seen.in_flight_max = 0;
	seen.over = false;
	return thread_start("look", 31, look, NULL);
}

static void look_end(struct thread *thread)
{
	seen.over = true;
	thread_join(thread, NULL);
}

static void touch_start_at(uint32_t i, uint8_t *addr, unsigned int priority)
{
	touchers[i].word = (volatile uint64_t *)addr;
	touchers[i].value = 1;
	touchers[i].thread = thread_start("touch", priority, touch, &touchers[i]);
}

static void touch_start(uint32_t i, uint8_t *addr)
{
	touch_start_at(i, addr, 10);
}

static bool touched_zeros(uint32_t count)
{
	bool right = true;

	for (uint32_t i = 0; i < count; i++) {
		right = thread_join(touchers[i].thread, NULL) == 0 && right;
		right = touchers[i].value == 0 && right;
	}
	return right;
}

/* Pages of written zeros, paged out. */
static uint8_t *pages_out(uint32_t count)
{
	uint8_t *memory = k_mem_map(count * PAGE, K_MEM_PERM_RW);

	for (uint32_t i = 0; i < count; i++) {
		*(volatile uint64_t *)(memory + i * PAGE) = 0;
	}
	check(k_mem_page_out(memory, count * PAGE) == 0, "pages are written out");
	return memory;
}

/* ---- tests ------------------------------------------------------------------------------- */

static void test_many_faults(void)
{
	uint8_t *memory = pages_out(THREADS);
	struct thread *looker = look_start();
	uint64_t start = kernel_ticks(), took, wanted;
	uint32_t depth = kernel_option_count("depth", THREADS);
	bool right;

	for (uint32_t i = 0; i < THREADS; i++) {
		touch_start(i, memory + i * PAGE);
	}
	right = touched_zeros(THREADS);
	took = kernel_ticks() - start;
	look_end(looker);
	kernel_printf("# %u faults took %lu ticks, %u waiting, %u requests in flight\n", THREADS,
		      took, seen.waiting_max, seen.in_flight_max);
	check(right, "many threads fault at once");
	check(seen.waiting_max == THREADS, "all of them wait at the same time");
	check(seen.in_flight_max == depth, "for as many requests in flight as there may be");
	wanted = LATENCY * THREADS / depth;
	check(took >= wanted / 2 && took < wanted * 2 - wanted / 4,
	      "which take the time of so many fewer");
	check(k_mem_unmap(memory, THREADS * PAGE) == 0, "unmapped");
}

/* One request at a time: who is more urgent than those who wait is served before them. */
static void test_urgent(void)
{
	static const unsigned int priorities[] = {10, 10, 12, 10, 5, 8};
	static const uint32_t places[] = {0, 3, 5, 4, 1, 2};
	uint8_t *memory = pages_out(6);
	bool right;

	served = 0;
	for (uint32_t i = 0; i < 6; i++) {
		touch_start_at(i, memory + i * PAGE, priorities[i]);
	}
	check(touched_zeros(6), "threads of several priorities fault");
	right = true;
	for (uint32_t i = 0; i < 6; i++) {
		right = right && touchers[i].place == places[i];
	}
	check(right, "the most urgent is served next, equals in turn");
	check(k_mem_unmap(memory, 6 * PAGE) == 0, "unmapped");
}

static void test_one_page(void)
{
	uint8_t *memory = pages_out(1);
	unsigned long before = stats().transfer.page_in;
	struct thread *looker = look_start();
	bool right;

	for (uint32_t i = 0; i < 4; i++) {
		touch_start(i, memory + i * 8);
	}
	right = touched_zeros(4);
	look_end(looker);
	check(right, "four threads want one page");
	check(seen.waiting_max == 4 && seen.in_flight_max == 1, "and wait for one request");
	check(stats().transfer.page_in - before == 1, "it is read once");
	check(k_mem_unmap(memory, PAGE) == 0, "unmapped");
}

/* A page that is wanted with interrupts masked while a thread waits for it, and others. */
static void test_masked(void)
{
	uint8_t *memory = pages_out(3);
	volatile uint64_t *words = (volatile uint64_t *)memory;
	unsigned long locked = stats().pagefaults.irq_locked;
	qr_port_key_t key;
	uint64_t sum;

	touch_start(0, memory);
	touch_start(1, memory + PAGE);
	key = qr_port_irq_lock();
	sum = words[0] + words[2 * PAGE / 8];
	qr_port_irq_unlock(key);
	check(touched_zeros(2) && sum == 0, "interrupts are masked, and pages come nevertheless");
	check(stats().pagefaults.irq_locked - locked == 2, "by faults that said so");
	check(k_mem_unmap(memory, 3 * PAGE) == 0, "unmapped");
}

static void page_out(void *argument)
{
	(void)k_mem_page_out(argument, PAGE);
}

static void test_rescue(void)
{
	uint8_t *memory = k_mem_map(PAGE, K_MEM_PERM_RW);
	volatile uint64_t *words = (volatile uint64_t *)memory;
	struct thread *writer;
	unsigned long before;
	uint64_t start;

	words[0] = 7;
	before = stats().transfer.rescued;
	writer = thread_start("writer", 10, page_out, memory);
	start = kernel_ticks();
	check(words[0] == 7, "a page is touched while it is being written out");
	check(kernel_ticks() - start < LATENCY / 2, "and does not wait for that");
	check(stats().transfer.rescued - before == 1, "it is kept");
	words[1] = 8;
	check(words[0] == 7 && words[1] == 8, "and may be written meanwhile");
	thread_join(writer, NULL);
	check(k_mem_unmap(memory, PAGE) == 0, "unmapped");
}

/* The page's mapping goes while a thread waits for it: it dies, and the frame comes back. */
static void test_unmapped_meanwhile(void)
{
	uint8_t *memory = pages_out(1);
	size_t free_bytes = k_mem_free_get();
	int error = 0;

	touch_start(0, memory);
	check(touchers[0].waiting, "a thread waits for a page");
	check(k_mem_unmap(memory, PAGE) == 0, "which is unmapped");
	check(thread_join(touchers[0].thread, &error) == -EFAULT && error == -EFAULT,
	      "the thread finds nothing there");
	touchers[0].waiting = false;
	check(k_mem_free_get() == free_bytes, "every frame came back");
}

int app_main(void)
{
	test_many_faults();
	if (kernel_option_number("depth", 0) == 1) {
		test_urgent();
	}
	test_one_page();
	test_masked();
	test_rescue();
	test_unmapped_meanwhile();
	kernel_printf("1..%u\n", test_count);
	return failed_count != 0;
}
