/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.c - mapping and unmapping. Memory is mapped with K_MEM_MAP_UNINIT, so that zeroing,
 * which is a row of its own, is apart; but locked memory, which builds with user mode zero all
 * the same: tools/bench takes that off (page_zero_window). Physical
 * mappings are of addresses without RAM, which are never touched.
 */
#include <quire/arch.h>

#include "bench.h"

#define DEVICE_PHYS 0x20000000u

static const unsigned int sizes[] = {1, 16, 256, 4096};

/* "prefix" and a number. */
static const char *name_of(const char *prefix, unsigned int number)
{
	static char name[40];
	char digits[12];
	unsigned int length = 0, count = 0;

	while (prefix[length] != '\0') {
		name[length] = prefix[length];
		length++;
	}
	do {
		digits[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	while (count > 0) {
		name[length++] = digits[--count];
	}
	name[length] = '\0';
	return name;
}

static void anonymous(const char *map_name, const char *unmap_name, unsigned int pages,
		      uint32_t flags)
{
	struct row map = {0}, unmap = {0};

	for (unsigned int i = 0; i < SAMPLES; i++) {
		void *memory = NULL;
		int status;

		sample_begin(&map);
		status = k_mem_map_anon(&memory, pages * PAGE,
					K_MEM_PERM_RW | K_MEM_MAP_UNINIT | flags);
		sample_end(&map);
		need(status == 0, map_name);
		sample_begin(&unmap);
		status = k_mem_unmap(memory, pages * PAGE);
		sample_end(&unmap);
		need(status == 0, unmap_name);
	}
	row_print(name_of(map_name, pages), &map);
	row_print(name_of(unmap_name, pages), &unmap);
}

static void physical(const char *map_name, const char *unmap_name, unsigned int pages)
{
	struct row map = {0}, unmap = {0};

	for (unsigned int i = 0; i < SAMPLES; i++) {
		uint8_t *memory = NULL;
		int status;

		sample_begin(&map);
		status = k_mem_map_phys_bare(&memory, DEVICE_PHYS, pages * PAGE, K_MEM_PERM_RW);
		sample_end(&map);
		need(status == 0, map_name);
		sample_begin(&unmap);
		status = k_mem_unmap_phys_bare(memory, pages * PAGE);
		sample_end(&unmap);
		need(status == 0, unmap_name);
	}
	row_print(name_of(map_name, pages), &map);
	row_print(name_of(unmap_name, pages), &unmap);
}

/* Map 64 pages below so many holes of one page each. */
static void below_holes(unsigned int holes)
{
	static uint8_t *spacer[2 * 1000];
	struct row row = {0};

	for (unsigned int i = 0; i < 2 * holes; i++) {
		need(k_mem_map_phys_bare(&spacer[i], DEVICE_PHYS, PAGE, 0) == 0, "spacer");
	}
	for (unsigned int i = 0; i < 2 * holes; i += 2) {
		need(k_mem_unmap_phys_bare(spacer[i], PAGE) == 0, "hole");
	}
	for (unsigned int i = 0; i < SAMPLES; i++) {
		uint8_t *memory = NULL;
		int status;

		sample_begin(&row);
		status = k_mem_map_phys_bare(&memory, DEVICE_PHYS, 64 * PAGE, K_MEM_PERM_RW);
		sample_end(&row);
		need(status == 0, "phys_map_64");
		need(k_mem_unmap_phys_bare(memory, 64 * PAGE) == 0, "phys_unmap_64");
	}
	for (unsigned int i = 1; i < 2 * holes; i += 2) {
		need(k_mem_unmap_phys_bare(spacer[i], PAGE) == 0, "spacer");
	}
	row_print(name_of("phys_map_64_holes_", holes), &row);
}

/* One page, when the only hole that fits is deep among others: the worst case of finding
 * and of giving back addresses. */
static void in_hole(void)
{
	static uint8_t *spacer[64];
	struct row map = {0}, unmap = {0};

	for (unsigned int i = 0; i < 64; i++) {
		need(k_mem_map_phys_bare(&spacer[i], DEVICE_PHYS, PAGE, 0) == 0, "spacer");
	}
	need(k_mem_unmap_phys_bare(spacer[31], PAGE) == 0, "hole");
	for (unsigned int i = 0; i < SAMPLES; i++) {
		uint8_t *memory = NULL;
		int status;

		sample_begin(&map);
		status = k_mem_map_phys_bare(&memory, DEVICE_PHYS, PAGE, K_MEM_PERM_RW);
		sample_end(&map);
		need(status == 0 && memory == spacer[31], "phys_map_1 in a hole");
		sample_begin(&unmap);
		status = k_mem_unmap_phys_bare(memory, PAGE);
		sample_end(&unmap);
		need(status == 0, "phys_unmap_1 in a hole");
	}
	for (unsigned int i = 0; i < 64; i++) {
		need(i == 31 || k_mem_unmap_phys_bare(spacer[i], PAGE) == 0, "spacer");
	}
	row_print("phys_map_1_in_hole", &map);
	row_print("phys_unmap_1_in_hole", &unmap);
}

static void phys_get(void)
{
	struct row row = {0};
	uint8_t *memory = NULL;

	need(k_mem_map_phys_bare(&memory, DEVICE_PHYS, PAGE, 0) == 0, "phys_get");
	for (unsigned int i = 0; i < SAMPLES; i++) {
		uintptr_t phys = 0;
		int status;

		sample_begin(&row);
		status = arch_page_phys_get(memory, &phys);
		sample_end(&row);
		need(status == 0 && phys == DEVICE_PHYS, "phys_get");
	}
	need(k_mem_unmap_phys_bare(memory, PAGE) == 0, "phys_get");
	row_print("phys_get", &row);
}

void bench_map(void)
{
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		anonymous("anon_lock_map_", "anon_lock_unmap_", sizes[i], K_MEM_MAP_LOCK);
		anonymous("anon_lazy_map_", "anon_lazy_unmap_", sizes[i], 0);
		physical("phys_map_", "phys_unmap_", sizes[i]);
	}
	below_holes(0);
	below_holes(100);
	below_holes(1000);
	in_hole();
	phys_get();
}
