/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlb.c - what a mapping's whole life, made, every page of it touched, and unmapped, drops
 * from the TLB: once for each batch of pages, not once a page. Lines "@tlb NAME NUMBER":
 *
 *     *_batch    how often drops were waited for
 *     *_page     addresses that were dropped one by one
 *     *_all      how often everything was dropped
 *     *_window   pages zeroed through the scratch window, which drops its own address
 */
#include "bench.h"
#include "tlb/count.h"

#define DEVICE_PHYS 0x10000000u

struct tlb_count tlb_count;

static const unsigned int sizes[] = {16, 256, 4096};

static void print(const char *name, unsigned int pages, struct tlb_count before)
{
	const struct tlb_count now = tlb_count;
	const unsigned long window = now.window - before.window;

	kernel_printf("@tlb %s_%u_batch %lu\n", name, pages, now.wait - before.wait - window);
	kernel_printf("@tlb %s_%u_page %lu\n", name, pages, now.page - before.page);
	kernel_printf("@tlb %s_%u_all %lu\n", name, pages, now.all - before.all);
	kernel_printf("@tlb %s_%u_window %lu\n", name, pages, window);
}

static void touch(volatile uint8_t *memory, unsigned int pages)
{
	for (unsigned int i = 0; i < pages; i++) {
		memory[i * PAGE] = 1;
	}
}

static void anonymous(const char *name, unsigned int pages, uint32_t flags)
{
	const struct tlb_count before = tlb_count;
	uint8_t *memory = (uint8_t *)k_mem_map(pages * PAGE, K_MEM_PERM_RW | flags);

	need(memory != NULL, name);
	touch(memory, pages);
	need(k_mem_unmap(memory, pages * PAGE) == 0, name);
	print(name, pages, before);
}

/* Addresses without RAM, which are not touched. */
static void physical(unsigned int pages)
{
	const struct tlb_count before = tlb_count;
	uint8_t *memory = NULL;

	need(k_mem_map_phys_bare(&memory, DEVICE_PHYS, pages * PAGE, K_MEM_PERM_RW) == 0, "phys");
	need(k_mem_unmap_phys_bare(memory, pages * PAGE) == 0, "phys");
	print("phys", pages, before);
}

void bench_tlb(void)
{
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		anonymous("zeroed", sizes[i], 0);
		anonymous("uninit", sizes[i], K_MEM_MAP_UNINIT);
		physical(sizes[i]);
	}
}
