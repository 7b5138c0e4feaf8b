/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain.c - what domains cost: their tables, adding a partition, and that mapping and evicting a
 * page costs the same however many domains there are, as long as none has a page nearby.
 */
#include <quire/domain.h>
#include <quire/paging.h>

#include "bench.h"

#define DOMAINS 64u
#define PAGES   16u /* in a partition */
#define PARTS   4u

/* In the image, far from what k_mem_map gives out. */
static uint8_t image_page[CONFIG_MMU_PAGE_SIZE] QR_ALIGNED(CONFIG_MMU_PAGE_SIZE);
static struct k_mem_domain domains[DOMAINS];
static struct k_mem_domain measured;

static uint8_t *memory_map(size_t pages)
{
	uint8_t *memory = k_mem_map(pages * PAGE, K_MEM_PERM_RW);

	need(memory != NULL, "memory");
	return memory;
}

static struct k_mem_partition part_of(uint8_t *memory, size_t pages)
{
	return (struct k_mem_partition){(uintptr_t)memory, pages * PAGE,
					K_MEM_PARTITION_P_RW_U_RW};
}

/* Map a page, and evict a page, which is written out. */
static void map_and_out(const char *map, const char *out)
{
	struct row mapped = {0}, evicted = {0};

	for (unsigned int i = 0; i < SAMPLES; i++) {
		uint8_t *memory;
		int status;

		sample_begin(&mapped);
		memory = k_mem_map(PAGE, K_MEM_PERM_RW);
		sample_end(&mapped);
		need(memory != NULL, "a page");
		memory[0] = 1;
		sample_begin(&evicted);
		status = k_mem_page_out(memory, PAGE);
		sample_end(&evicted);
		need(status == 0 && k_mem_unmap(memory, PAGE) == 0, "page-out");
	}
	row_print(map, &mapped);
	row_print(out, &evicted);
}

/* Four partitions of 16 pages in one stretch of addresses, and one more page. */
static void partitions(void)
{
	const size_t stretch = PAGE / sizeof(uint64_t) * PAGE;
	const uint32_t tables = arch_mem_domain_tables_free();
	uint8_t *memory = memory_map(2 * stretch / PAGE);
	uint8_t *inside = (uint8_t *)(((uintptr_t)memory + stretch) & ~(stretch - 1));
	struct k_mem_partition one = part_of(inside + stretch / 2, 1);
	struct row row = {0};

	need(k_mem_domain_init(&measured, 0, NULL) == 0, "a domain");
	for (unsigned int i = 0; i < PARTS; i++) {
		struct k_mem_partition part = part_of(inside + 2 * i * PAGES * PAGE, PAGES);

		need(k_mem_domain_add_partition(&measured, &part) == 0, "a partition");
	}
	kernel_printf("@row domain_tables %u\n", tables - arch_mem_domain_tables_free());
	for (unsigned int i = 0; i < SAMPLES; i++) {
		int status;

		sample_begin(&row);
		status = k_mem_domain_add_partition(&measured, &one);
		sample_end(&row);
		need(status == 0 && k_mem_domain_remove_partition(&measured, &one) == 0,
		     "a partition of one page");
	}
	row_print("partition_add_1", &row);
	need(k_mem_domain_deinit(&measured) == 0 && k_mem_unmap(memory, 2 * stretch) == 0,
	     "the domain's end");
	need(arch_mem_domain_tables_free() == tables, "tables given back");
}

void bench_domain(void)
{
	struct k_mem_partition part = part_of(image_page, 1);

	partitions();
	map_and_out("map_0_domains", "page_out_0_domains");
	for (unsigned int i = 0; i < DOMAINS; i++) {
		need(k_mem_domain_init(&domains[i], 0, NULL) == 0 &&
			     k_mem_domain_add_partition(&domains[i], &part) == 0,
		     "64 domains");
	}
	map_and_out("map_64_domains", "page_out_64_domains");
}
