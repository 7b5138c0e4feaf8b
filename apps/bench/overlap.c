/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlap.c - several threads that fault at once: how long the same work takes, by how many
 * requests the disk does at once (options delay=N depth=N frames=N). Each thread sweeps over an
 * arena of its own, all arenas together are much larger than the frames, and every page that is
 * touched is checked and changed: each touch reads a page and writes another out.
 */
#include <quire/paging.h>

#include "bench.h"

#define THREADS 8u
#define PAGES   32u
#define SWEEPS  2u

static struct sweeper {
	uint8_t *arena;
	struct thread *thread;
	unsigned int wrong;
} sweepers[THREADS];

static uint64_t stamp(unsigned int who, unsigned int page, unsigned int sweep)
{
	return ((uint64_t)who << 32 | page << 8 | sweep) * 0x9e3779b97f4a7c15u;
}

/* Check and change each page, in a word that is another one for each. */
static void sweep(unsigned int who, unsigned int number)
{
	for (unsigned int page = 0; page < PAGES; page++) {
		volatile uint64_t *word = (volatile uint64_t *)(sweepers[who].arena + page * PAGE);

		word += (who * PAGES + page) % (PAGE / sizeof(*word));
		sweepers[who].wrong += number > 0 && *word != stamp(who, page, number - 1);
		*word = stamp(who, page, number);
	}
}

static void run(void *argument)
{
	unsigned int who = (unsigned int)((struct sweeper *)argument - sweepers);

	for (unsigned int i = 1; i <= SWEEPS; i++) {
		sweep(who, i);
	}
}

/* Pages that are all out. */
static void prepare(void)
{
	for (unsigned int i = 0; i < THREADS; i++) {
		sweepers[i].arena = k_mem_map(PAGES * PAGE, K_MEM_PERM_RW);
		need(sweepers[i].arena != NULL, "arena");
		sweep(i, 0);
		need(k_mem_page_out(sweepers[i].arena, PAGES * PAGE) == 0, "page_out");
	}
	/* they run when this thread waits for them */
	for (unsigned int i = 0; i < THREADS; i++) {
		sweepers[i].thread = thread_start("sweep", 20, run, &sweepers[i]);
		need(sweepers[i].thread != NULL, "thread");
	}
}

void bench_overlap(void)
{
	struct k_mem_paging_stats_t before, after;
	uint64_t start, took;
	unsigned int wrong = 0;

	prepare();
	k_mem_paging_stats_get(&before);
	start = kernel_clock();
	for (unsigned int i = 0; i < THREADS; i++) {
		need(thread_join(sweepers[i].thread, NULL) == 0, "a thread");
	}
	took = kernel_clock() - start;
	k_mem_paging_stats_get(&after);
	for (unsigned int i = 0; i < THREADS; i++) {
		sweep(i, SWEEPS + 1);
		wrong += sweepers[i].wrong;
	}
	need(wrong == 0, "reading what was written");
	kernel_printf("@time overlap_depth_%lu %lu\n", kernel_option_number("depth", 0),
		      took / 1000);
	kernel_printf("@time overlap_depth_%lu_transfers %lu\n", kernel_option_number("depth", 0),
		      after.transfer.page_in - before.transfer.page_in +
		      after.transfer.page_out - before.transfer.page_out);
}
