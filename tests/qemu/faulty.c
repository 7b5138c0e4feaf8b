/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faulty.c - threads whose memory is paged to a disk that fails, as tests/qemu/disk_test makes
 * it. Each thread owns an arena and knows what every page of it holds, in memory of the image.
 * However the disk fails, no page is ever read wrong; what else is expected is said by options:
 *
 *     threads=N pages=N rounds=N   so many threads, pages for each, touches (4, 64, 600)
 *     dead=N        so many threads die of -EIO, no other thread dies (0); any: of -EIO or -ENOMEM
 *     unreadable=N  so many pages cannot be read in the end (0); any: some may be
 *     reads=N writes=N   at least so many transfers failed (0)
 *     masked=1      every touch is with interrupts masked, so that the disk is polled
 *     refused=1     the memory is more than frames and disk can keep: k_mem_map says so
 */
#include <quire/mm.h>
#include <quire/paging.h>
#include <quire/port.h>

#include "kernel/kernel.h"

#define PAGE ((size_t)CONFIG_MMU_PAGE_SIZE)
#define THREADS_MAX 4u
#define PAGES_MAX 256u

struct worker {
	uint8_t *arena;
	struct thread *thread;
	uint64_t random;
	uint64_t stamps[PAGES_MAX]; /* what each page holds */
	unsigned long wrong_count;
};

static struct worker workers[THREADS_MAX];
static uint32_t thread_count, page_count;
static uint64_t rounds;
static bool masked, failed;

static void check(bool right, const char *what)
{
	failed = failed || !right;
	kernel_printf("# %s: %s\n", right ? "right" : "WRONG", what);
}

static uint32_t random_below(struct worker *worker, uint32_t limit)
{
	worker->random = worker->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(worker->random >> 33) % limit;
}

static volatile uint64_t *word_of(const struct worker *worker, uint32_t page)
{
	return (volatile uint64_t *)(worker->arena + page * PAGE) + page % (PAGE / 8);
}

/* One store changes the page, and is noted after it: a thread that dies in between of a fault
 * has done neither. */
static void page_write(struct worker *worker, uint32_t page)
{
	uint64_t stamp = (uint64_t)(worker - workers + 1) << 56 | worker->random >> 8;

	*word_of(worker, page) = stamp;
	worker->stamps[page] = stamp;
}

static void step(struct worker *worker, uint32_t page)
{
	worker->wrong_count += *word_of(worker, page) != worker->stamps[page];
	if (random_below(worker, 2)) {
		page_write(worker, page);
	}
}

static void work(void *argument)
{
	struct worker *worker = argument;

	for (uint32_t page = 0; page < page_count; page++) {
		page_write(worker, page);
	}
	for (uint64_t i = 0; i < rounds; i++) {
		uint32_t page = random_below(worker, page_count);

		if (masked) {
			qr_port_key_t key = qr_port_irq_lock();

			step(worker, page);
			qr_port_irq_unlock(key);
		} else {
			step(worker, page);
		}
	}
}

/* ---- afterwards ---------------------------------------------------------------------- */

/* How many pages of the worker cannot be read; those that can are what they should be. */
static uint64_t verify(struct worker *worker)
{
	uint64_t unreadable = 0;
	uint8_t byte;

	for (uint32_t page = 0; page < page_count; page++) {
		volatile uint64_t *word = word_of(worker, page);

		if (kernel_try_read(word, &byte) != 0) {
			unreadable++;
		} else {
			worker->wrong_count += *word != worker->stamps[page];
		}
	}
	return unreadable;
}

static bool any(const char *key)
{
	char value[4];

	return kernel_option(key, value, sizeof(value)) && value[0] == 'a';
}

static void join_all(void)
{
	uint64_t dead = 0, other = 0;

	for (uint32_t i = 0; i < thread_count; i++) {
		int error = 0;

		if (thread_join(workers[i].thread, &error) != 0) {
			dead += error == -EIO || (any("dead") && error == -ENOMEM);
			other += error != -EIO && !(any("dead") && error == -ENOMEM);
		}
	}
	kernel_printf("# %lu threads died\n", dead + other);
	check(other == 0, "threads die of the disk's errors only");
	check(any("dead") || dead == kernel_option_number("dead", 0), "as many as expected");
}

static void verify_all(void)
{
	uint64_t unreadable = 0, wrong = 0;

	/* the memory of those that are done goes at once, so that there is room for others */
	for (uint32_t i = 0; i < thread_count; i++) {
		unreadable += verify(&workers[i]);
		wrong += workers[i].wrong_count;
		check(k_mem_unmap(workers[i].arena, page_count * PAGE) == 0, "unmapped");
	}
	kernel_printf("# %lu pages unreadable, %lu wrong\n", unreadable, wrong);
	check(wrong == 0, "no page is wrong");
	check(any("unreadable") || unreadable == kernel_option_number("unreadable", 0),
	      "as many unreadable as expected");
}

static bool map_all(void)
{
	for (uint32_t i = 0; i < thread_count; i++) {
		workers[i].random = i + 1;
		workers[i].arena = k_mem_map(page_count * PAGE, K_MEM_PERM_RW);
		if (!workers[i].arena) {
			while (i-- > 0) {
				check(k_mem_unmap(workers[i].arena, page_count * PAGE) == 0,
				      "unmapped");
			}
			return false;
		}
	}
	return true;
}

int app_main(void)
{
	struct k_mem_paging_stats_t stats;
	size_t free_bytes = k_mem_free_get();

	thread_count = kernel_option_count("threads", THREADS_MAX);
	page_count = kernel_option_count("pages", 64);
	rounds = kernel_option_number("rounds", 600);
	masked = kernel_option_number("masked", 0) != 0;
	if (!map_all()) {
		check(kernel_option_number("refused", 0) != 0, "the memory was refused");
		check(k_mem_free_get() == free_bytes, "and nothing was taken");
		return failed;
	}
	check(kernel_option_number("refused", 0) == 0, "the memory was granted");
	for (uint32_t i = 0; i < thread_count; i++) {
		workers[i].thread = thread_start("worker", 20, work, &workers[i]);
		if (!workers[i].thread) {
			kernel_printf("faulty: no room for the stack of thread %u\n", i);
			return 2;
		}
	}
	join_all();
	verify_all();
	k_mem_paging_stats_get(&stats);
	kernel_printf("# %lu reads and %lu writes failed, %lu and %lu did not\n",
		      stats.transfer.in_errors, stats.transfer.out_errors, stats.transfer.page_in,
		      stats.transfer.page_out);
	check(stats.transfer.in_errors >= kernel_option_number("reads", 0), "reads failed");
	check(stats.transfer.out_errors >= kernel_option_number("writes", 0), "writes failed");
	check(k_mem_free_get() == free_bytes, "every frame came back");
	return failed;
}
