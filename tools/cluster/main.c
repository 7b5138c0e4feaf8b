/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - the command `cluster`: a recording replayed on the core itself, on the emulated machine,
 * with stores that only count. What a request costs is declared, and what is counted is how
 * many requests and pages there are:
 *
 *	percent frames cost reads writes page_ins page_outs prefetched used wasted kept kept_again
 *
 * `cost` is that of a request, in pages moved; 0: the store does not say, so that pages are moved
 * one by one. All memory is one mapping. A page that the recorded program reads first was there
 * before: it begins in its slot, and is read from there; one that it writes first begins as zeros.
 * Exit status 0; 1 the core failed; 2 bad input, with a message.
 */
#include <stdlib.h>
#include <string.h>

#include <arch/emu/emu.h>
#include <quire/init.h>
#include <quire/mm.h>

#include "apps/replay/format.h"
#include "tools/trace/trace.h"

#define PAGE       ((size_t)CONFIG_MMU_PAGE_SIZE)
#define PHYS       0x10000000u
#define FRAMES_MIN 8u
#define SLOTS_MAX  16384u
#define RUN_PAGES  64u /* that one request can move */

/* ---- a store that counts nothing itself: the core does ----------------------------- */

static uint64_t slot_words[K_MEM_SLOT_MAP_WORDS(SLOTS_MAX)];
static struct k_mem_slot_map slots;

static int slot_reserve(void *context, uint32_t *slot)
{
	return k_mem_slot_map_reserve(context, slot);
}

static int slot_reserve_near(void *context, uint32_t near, uint32_t *slot)
{
	return k_mem_slot_map_reserve_near(context, near, slot);
}

static void slot_release(void *context, uint32_t slot)
{
	k_mem_slot_map_release(context, slot);
}

static void slot_retire(void *context, uint32_t slot)
{
	(void)context;
	(void)slot;
}

/* Nobody looks at the content. */
static int submit(void *context, struct k_mem_io *io)
{
	(void)context;
	(void)io;
	return 0;
}

static const struct k_mem_store_ops swap_ops = {
	.name = "swap",
	.reserve = slot_reserve,
	.reserve_near = slot_reserve_near,
	.release = slot_release,
	.retire = slot_retire,
	.submit = submit,
};

/* ---- one replay ------------------------------------------------------------------------ */

static void must(int status, const char *what)
{
	if (status != 0) {
		fprintf(stderr, "cluster: %s: error %d\n", what, status);
		exit(1);
	}
}

static int on_fault(const struct qr_fault *fault)
{
	return k_mem_page_fault(fault->address, fault->access);
}

static void start(uint32_t frames, uint32_t pages, uint32_t cost)
{
	const struct k_mem_range ram = {PHYS, (frames + 1) * PAGE}; /* and the page of zeros */
	struct k_mem_store store = {
		.ops = &swap_ops, .context = &slots, .slot_count = pages,
		.page_count_max = RUN_PAGES, .request_cost = cost,
	};
	const struct k_mem_config config = {
		.banks = &ram, .bank_count = 1, .stores = &store, .store_count = 1,
		.policy = &k_mem_policy_clock,
	};

	memset(slot_words, 0, sizeof(slot_words));
	k_mem_slot_map_init(&slots, slot_words, pages);
	must(emu_init(ram.phys, ram.size), "emu_init");
	must(k_mem_init(&config), "k_mem_init");
	emu_fault = on_fault;
}

/* One mapping for all of it; pages whose content was there before are in their slots, the others
 * untouched. */
static uint8_t *map(const struct trace *trace)
{
	uint8_t *classes = trace_alloc(trace->page_count, 1);
	uint64_t word = 1;
	void *addr;

	trace_classes(trace, classes);
	must(k_mem_map_anon(&addr, trace->page_count * PAGE, K_MEM_PERM_RW), "k_mem_map_anon");
	for (uint32_t page = 0; page < trace->page_count; page++) {
		if (classes[page] & REPLAY_PAGE_STORED) {
			must(emu_write((uintptr_t)addr + page * PAGE, &word, sizeof(word), 0),
			     "an access");
		}
	}
	must(k_mem_page_out(addr, trace->page_count * PAGE), "k_mem_page_out");
	free(classes);
	return addr;
}

static void replay(const struct trace *trace, double percent, double cost)
{
	uint32_t frames = (uint32_t)(trace->page_count * percent / 100 + 0.5);
	struct k_mem_paging_stats_t before, stats;
	uint64_t word = 0;
	uint8_t *memory;

	frames = frames < FRAMES_MIN ? FRAMES_MIN : frames;
	start(frames, trace->page_count, (uint32_t)(cost * 256 + 0.5));
	memory = map(trace);
	k_mem_paging_stats_get(&before);
	for (uint64_t i = 0; i < trace->record_count; i++) {
		uintptr_t place = (uintptr_t)memory + trace->page[i] * PAGE;

		must(trace->kind[i] == TRACE_WRITE ? emu_write(place, &word, sizeof(word), 0)
						   : emu_read(place, &word, sizeof(word), 0),
		     "an access");
	}
	k_mem_paging_stats_get(&stats);
	must(emu_errors() == 0 ? 0 : -1, "the machine");
#define SINCE(field) (stats.transfer.field - before.transfer.field)
	printf("%g %u %g %lu %lu %lu %lu %lu %lu %lu %lu %lu\n", percent, frames, cost,
	       SINCE(reads), SINCE(writes), SINCE(page_in), SINCE(page_out), SINCE(prefetched),
	       SINCE(prefetch_used), SINCE(prefetch_wasted), SINCE(kept), SINCE(kept_again));
#undef SINCE
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct trace_fault fault;
	struct trace trace;
	double percent, cost;
	char *end;

	if (argc != 4 || (percent = strtod(argv[2], &end), *end != '\0') || !(percent > 0) ||
	    percent > 100 || (cost = strtod(argv[3], &end), *end != '\0') || !(cost >= 0) ||
	    cost > 255) {
		fputs("usage: cluster FILE PERCENT COST\n"
		      "       replay in memory for PERCENT of the pages; a request costs as much\n"
		      "       as moving COST pages, 0 to 255; 0: not known\n",
		      stderr);
		return 2;
	}
	if (!trace_load(argv[1], &trace, &fault)) {
		fprintf(stderr, "cluster: %s: %s\n", argv[1], fault.text);
		return 2;
	}
	if (trace.page_count > SLOTS_MAX) {
		fprintf(stderr, "cluster: %s: more than %u pages\n", argv[1], SLOTS_MAX);
		return 2;
	}
	replay(&trace, percent, cost);
	trace_free(&trace);
	return 0;
}
