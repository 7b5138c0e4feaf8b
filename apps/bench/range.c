/* SPDX-License-Identifier: Apache-2.0 */
/*
 * range.c - the other operations on ranges: rights, page-out, page-in, pin and unpin. No
 * operation, whatever its size, may keep interrupts masked for long.
 */
#include "bench.h"

#define PAGES 256u

static void measure(struct row *row, int (*operation)(void *, size_t), void *memory)
{
	int status;

	sample_begin(row);
	status = operation(memory, PAGES * PAGE);
	sample_end(row);
	need(status == 0, "an operation on a range");
}

static int read_only(void *memory, size_t size)
{
	return k_mem_update_flags(memory, size, 0);
}

static int writable(void *memory, size_t size)
{
	return k_mem_update_flags(memory, size, K_MEM_PERM_RW);
}

/* Lazy pages come in by zeroing; pages that were out come in by a copy. */
static void paged(void)
{
	struct row first = {0}, out = {0}, in = {0}, pin = {0}, unpin = {0}, flags = {0};

	for (unsigned int i = 0; i < SAMPLES; i++) {
		uint8_t *memory = (uint8_t *)k_mem_map(PAGES * PAGE, K_MEM_PERM_RW);

		need(memory != NULL, "pages of a range");
		measure(&first, k_mem_page_in, memory);
		measure(&out, k_mem_page_out, memory);
		measure(&in, k_mem_page_in, memory);
		measure(&pin, k_mem_pin, memory);
		measure(&unpin, k_mem_unpin, memory);
		measure(&flags, read_only, memory);
		need(k_mem_unmap(memory, PAGES * PAGE) == 0, "unmap of a range");
	}
	row_print("page_in_zeros_256", &first);
	row_print("page_out_256", &out);
	row_print("page_in_256", &in);
	row_print("pin_256", &pin);
	row_print("unpin_256", &unpin);
	row_print("update_flags_256", &flags);
}

/* Rights of half a large leaf: it is split, where there is one. */
static void split(void)
{
	const size_t leaf = 512 * PAGE;
	struct row row = {0};

	for (unsigned int i = 0; i < SAMPLES; i++) {
		uint8_t *memory = NULL;

		need(k_mem_map_phys_bare(&memory, 0x20000000u, leaf, 0) == 0, "a large leaf");
		measure(&row, writable, memory);
		need(k_mem_unmap_phys_bare(memory, leaf) == 0, "unmap of a split leaf");
	}
	row_print("update_flags_256_split", &row);
}

void bench_range(void)
{
	paged();
	split();
}
