/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.c - page faults from the touch to the next instruction, trap, copies and all, on
 * the RAM store. Where faults evict (options frames=1024 evict=1) the memory is twice as
 * large as the frames; the *_mean and *_max rows are of a whole sweep of it.
 */
#include <quire/arch.h>
#include <quire/store.h>

#include "bench.h"

#define ARENA_PAGES 2048u
#define READ_SWEEPS 4u
#define RESIDENT_MAX 200u /* instructions; no touch that finds its page takes so many */
#define FREE_PAGES  64u /* what the rows without eviction need at the most */

static uint8_t source[PAGE] QR_ALIGNED(4096), target[PAGE] QR_ALIGNED(4096);

static void copies(void)
{
	struct row copy = {0}, zero = {0};

	for (unsigned int i = 0; i < SAMPLES; i++) {
		/* or the compiler knows that the source is zero, and sets the target */
		__asm__ volatile("" : : "r"(source) : "memory");
		sample_begin(&copy);
		__builtin_memcpy(target, source, PAGE);
		__asm__ volatile("" : : "r"(target) : "memory");
		sample_end(&copy);
		sample_begin(&zero);
		__builtin_memset(target, 0, PAGE);
		__asm__ volatile("" : : "r"(target) : "memory");
		sample_end(&zero);
	}
	row_print("page_copy", &copy);
	row_print("page_zero", &zero);
}

/* A page is zeroed as the core does it, which reaches a frame through the scratch window. */
static void zero_frame(void)
{
	struct row row = {0};
	uintptr_t phys;

	need(arch_page_phys_get(target, &phys) == 0, "page_zero_window");
	for (unsigned int i = 0; i < SAMPLES; i++) {
		unsigned long key;
		void *window;

		sample_begin(&row);
		window = k_mem_scratch_open(phys, &key);
		__builtin_memset(window, 0, PAGE);
		k_mem_scratch_close(key);
		sample_end(&row);
	}
	row_print("page_zero_window", &row);
}

static void touch(volatile uint8_t *page, bool write)
{
	if (write) {
		*page = 1;
	} else {
		(void)*page;
	}
}

/* Faults that find a free frame, and calls that find the page resident. */
static void free_frames(void)
{
	struct row first = {0}, first_read = {0}, again = {0}, pin = {0}, unpin = {0}, in = {0};
	uint8_t *memory = (uint8_t *)k_mem_map(FREE_PAGES * PAGE, K_MEM_PERM_RW);

	need(memory != NULL, "fault_first_touch");
	for (unsigned int i = 0; i < SAMPLES; i++) {
		uint8_t *page = memory + i * PAGE;

		sample_begin(&first);
		touch(page, true);
		sample_end(&first);
		need(k_mem_page_out(page, PAGE) == 0, "page_out");
		sample_begin(&again);
		touch(page, false);
		sample_end(&again);
		sample_begin(&first_read);
		touch(page + SAMPLES * PAGE, false);
		sample_end(&first_read);
	}
	for (unsigned int i = 0; i < SAMPLES; i++) {
		uint8_t *page = memory + i * PAGE;
		int status;

		sample_begin(&pin);
		status = k_mem_pin(page, PAGE);
		sample_end(&pin);
		need(status == 0, "pin");
		sample_begin(&unpin);
		status = k_mem_unpin(page, PAGE);
		sample_end(&unpin);
		need(status == 0, "unpin");
		sample_begin(&in);
		status = k_mem_page_in(page, PAGE);
		sample_end(&in);
		need(status == 0, "page_in");
	}
	need(k_mem_unmap(memory, FREE_PAGES * PAGE) == 0, "unmap");
	row_print("fault_first_touch", &first);
	row_print("fault_first_touch_read", &first_read);
	row_print("fault_free_frame", &again);
	row_print("pin", &pin);
	row_print("unpin", &unpin);
	row_print("page_in_resident", &in);
}

/* A sweep over pages that are all out: every touch evicts the page of another. The row is of
 * samples spread over it; mean, longest and time with interrupts masked are of all touches. */
static void sweep(uint8_t *memory, bool write, const char *name)
{
	struct row row = {0};
	uint64_t total = 0, most = 0;
	const unsigned int first = sample_last() + 1;

	for (unsigned int i = 0; i < ARENA_PAGES; i++) {
		bool sample = i % (ARENA_PAGES / SAMPLES) == ARENA_PAGES / SAMPLES / 2;
		struct row one = {.irq_off = row.irq_off};

		sample_begin(&one);
		touch(memory + i * PAGE, write);
		sample_end(&one);
		total += one.value[0];
		most = one.value[0] > most ? one.value[0] : most;
		row.irq_off = one.irq_off;
		if (sample && row.count < SAMPLES) {
			sample_add(&row, &one);
		}
	}
	row_print(name, &row);
	mean_print(name, total / ARENA_PAGES, first, 0);
	kernel_printf("@row %s_max %lu\n", name, most);
}

void bench_evict(void)
{
	uint8_t *memory = (uint8_t *)k_mem_map(ARENA_PAGES * PAGE, K_MEM_PERM_RW);
	struct k_mem_paging_stats_t before, after;

	need(memory != NULL, "arena");
	for (unsigned int i = 0; i < ARENA_PAGES; i++) {
		touch(memory + i * PAGE, true);
	}
	for (unsigned int i = 0; i < ARENA_PAGES; i++) {
		touch(memory + i * PAGE, false); /* now every page has a copy in the store */
	}
	k_mem_paging_stats_get(&before);
	sweep(memory, false, "fault_evict_clean");
	k_mem_paging_stats_get(&after);
	need(after.eviction.clean - before.eviction.clean == ARENA_PAGES &&
	     after.eviction.dirty == before.eviction.dirty, "evicting clean pages only");
	for (unsigned int i = 0; i < ARENA_PAGES; i++) {
		touch(memory + i * PAGE, true);
	}
	k_mem_paging_stats_get(&before);
	sweep(memory, true, "fault_evict_dirty");
	k_mem_paging_stats_get(&after);
	need(after.eviction.dirty - before.eviction.dirty == ARENA_PAGES,
	     "evicting dirty pages only");
	need(k_mem_unmap(memory, ARENA_PAGES * PAGE) == 0, "unmap");
}

/* Reading pages that all have a copy in the store, with a policy that does not evict them in
 * turn: mean and longest of the touches that fault. */
void bench_reads(const char *name)
{
	uint8_t *memory = (uint8_t *)k_mem_map(ARENA_PAGES * PAGE, K_MEM_PERM_RW);
	struct k_mem_paging_stats_t before, after;
	uint64_t total = 0, most = 0, faults = 0, irq_off = 0;
	unsigned int first;

	need(memory != NULL, "arena");
	for (unsigned int i = 0; i < ARENA_PAGES; i++) {
		struct row one = {.irq_off = irq_off};

		sample_begin(&one);
		touch(memory + i * PAGE, true);
		sample_end(&one);
		irq_off = one.irq_off;
	}
	need(k_mem_page_out(memory, ARENA_PAGES * PAGE) == 0, "page_out");
	for (unsigned int i = 0; i < READ_SWEEPS * ARENA_PAGES; i++) {
		touch(memory + i % ARENA_PAGES * PAGE, false);
	}
	k_mem_paging_stats_get(&before);
	first = sample_last() + 1;
	for (unsigned int i = 0; i < READ_SWEEPS * ARENA_PAGES; i++) {
		struct row one = {.irq_off = irq_off};

		sample_begin(&one);
		touch(memory + i % ARENA_PAGES * PAGE, false);
		sample_end(&one);
		irq_off = one.irq_off;
		if (one.value[0] >= RESIDENT_MAX) {
			faults++;
			total += one.value[0];
			most = one.value[0] > most ? one.value[0] : most;
		}
	}
	k_mem_paging_stats_get(&after);
	need(after.eviction.clean - before.eviction.clean == faults &&
	     after.eviction.dirty == before.eviction.dirty, "evicting clean pages only");
	need(k_mem_unmap(memory, ARENA_PAGES * PAGE) == 0, "unmap");
	mean_print(name, total / faults, first, RESIDENT_MAX);
	kernel_printf("@row %s_max %lu\n", name, most);
	if (irq_off > 0) {
		kernel_printf("@irq %s %lu\n", name, irq_off);
	}
}

/* Writing to pages that are out, with what the other options say: another policy, or as few
 * slots as the promise needs, when most pages in frames have none, and the victim is one of the
 * few that do. */
void bench_sweep(const char *name)
{
	uint8_t *memory = (uint8_t *)k_mem_map(ARENA_PAGES * PAGE, K_MEM_PERM_RW);

	need(memory != NULL, "arena");
	for (unsigned int i = 0; i < ARENA_PAGES; i++) {
		touch(memory + i * PAGE, true);
	}
	sweep(memory, true, name);
	need(k_mem_unmap(memory, ARENA_PAGES * PAGE) == 0, "unmap");
}

void bench_fault(void)
{
	copies();
	zero_frame();
	free_frames();
}
