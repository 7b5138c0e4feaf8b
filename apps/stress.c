/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stress.c - several threads at once page memory, several times larger than the RAM that they
 * have (option `frames`), in and out, while the timer preempts them. Every page holds a
 * stamp that its thread knows. Prints TAP.
 *
 *     threads=N   (4)      pages=N    for each thread (64)
 *     rounds=N    (4000)   seed=N     of the pseudo-random order (1)
 */
#include <quire/mm.h>
#include <quire/port.h>

#include "kernel/kernel.h"

#define PAGE ((size_t)CONFIG_MMU_PAGE_SIZE)
#define THREADS_MAX 8u
#define PAGES_MAX 256u
#define SETTLE_TICKS 100u

struct worker {
	uint8_t *arena;
	uint64_t random;
	uint32_t stamps[PAGES_MAX]; /* what each page holds; 0 before the first write */
	unsigned long error_count;
	unsigned long done_count;
};

static struct worker workers[THREADS_MAX];
static uint32_t page_count;
static uint64_t rounds;

static uint32_t random_next(struct worker *worker)
{
	worker->random = worker->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(worker->random >> 33);
}

/* The word of the page that holds its stamp moves with the stamp. */
static volatile uint32_t *word_of(const struct worker *worker, uint32_t page)
{
	uint32_t place = worker->stamps[page] % (PAGE / sizeof(uint32_t));

	return (volatile uint32_t *)(worker->arena + page * PAGE) + place;
}

static void page_check(struct worker *worker, uint32_t page)
{
	worker->error_count += *word_of(worker, page) != worker->stamps[page];
}

static void page_write(struct worker *worker, uint32_t page)
{
	*word_of(worker, page) = 0;
	worker->stamps[page] = random_next(worker) | 1u;
	*word_of(worker, page) = worker->stamps[page];
}

/* Mostly touches; sometimes a page goes out, comes in, or is used with interrupts masked. */
static void step(struct worker *worker)
{
	uint32_t page = random_next(worker) % page_count;
	uint32_t what = random_next(worker) % 64;
	uint8_t *at = worker->arena + page * PAGE;
	qr_port_key_t key;

	if (what == 0) {
		worker->error_count += k_mem_page_out(at, PAGE) != 0;
	} else if (what == 1) {
		worker->error_count += k_mem_page_in(at, PAGE) != 0;
	} else if (what == 2) {
		key = qr_port_irq_lock();
		page_check(worker, page);
		qr_port_irq_unlock(key);
	}
	page_check(worker, page);
	if (what % 2) {
		page_write(worker, page);
	}
}

static void work(void *argument)
{
	struct worker *worker = argument;

	for (uint64_t round = 0; round < rounds; round++) {
		step(worker);
		worker->done_count++;
	}
	for (uint32_t page = 0; page < page_count; page++) {
		page_check(worker, page);
	}
}

static unsigned int test_count, failed_count;

static void check(bool passed, const char *name)
{
	test_count++;
	failed_count += !passed;
	kernel_printf("%sok %u - %s\n", passed ? "" : "not ", test_count, name);
}

/* What the compressed store did, if there is one. */
static void report_compressed(void)
{
	struct k_mem_compressed_stats stats;

	if (!kernel_compressed_stats(&stats)) {
		return;
	}
	for (uint32_t i = 0; i < SETTLE_TICKS && stats.pool_pages > 0; i++) {
		thread_sleep(1); /* pages are on their way to the disk that nobody wants any more */
		(void)kernel_compressed_stats(&stats);
	}
	kernel_printf("# %lu kept, %lu hits, %lu misses, %lu spilled, %lu passed\n", stats.kept,
		      stats.hits, stats.misses, stats.spilled, stats.passed);
	check(stats.kept > rounds / 100 && stats.hits > rounds / 100,
	      "pages were compressed and came back");
	check(stats.spilled > rounds / 100 && stats.misses > rounds / 100,
	      "pages were spilled and came back");
	check(stats.pool_pages == 0 && stats.pool_bytes == 0, "unmapped pages left the pool");
}

static void report(void)
{
	struct k_mem_paging_stats_t stats;

	k_mem_paging_stats_get(&stats);
	kernel_printf("# %lu faults, %lu page-ins, %lu page-outs, %lu evicted clean, %lu rescued\n",
		      stats.pagefaults.cnt, stats.transfer.page_in, stats.transfer.page_out,
		      stats.eviction.clean, stats.transfer.rescued);
	check(stats.transfer.page_in > rounds / 100, "pages went to the store and came back");
	report_compressed();
}

int app_main(void)
{
	uint32_t count = kernel_option_count("threads", 4);
	struct thread *threads[THREADS_MAX];
	unsigned long errors = 0, done = 0;
	bool fine = true;

	page_count = kernel_option_count("pages", 64);
	rounds = kernel_option_number("rounds", 4000);
	if (count < 1 || count > THREADS_MAX || page_count < 1 || page_count > PAGES_MAX) {
		kernel_printf("stress: at most %u threads of %u pages\n", THREADS_MAX, PAGES_MAX);
		return 2;
	}
	for (uint32_t i = 0; i < count; i++) {
		workers[i].random = kernel_option_number("seed", 1) * THREADS_MAX + i;
		workers[i].arena = k_mem_map(page_count * PAGE, K_MEM_PERM_RW);
		threads[i] = NULL;
		if (workers[i].arena) {
			threads[i] = thread_start("worker", 10 + i / 2, work, &workers[i]);
		}
		fine = fine && threads[i];
	}
	check(fine, "every thread has its memory");
	for (uint32_t i = 0; i < count; i++) {
		fine = threads[i] && thread_join(threads[i], NULL) == 0 && fine;
		errors += workers[i].error_count;
		done += workers[i].done_count;
		fine = k_mem_unmap(workers[i].arena, page_count * PAGE) == 0 && fine;
	}
	check(fine && done == count * rounds, "every thread ran to its end");
	check(errors == 0, "every page held its stamp");
	report();
	kernel_printf("1..%u\n", test_count);
	return failed_count != 0;
}
