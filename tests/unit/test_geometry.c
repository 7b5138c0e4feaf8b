/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_geometry.c - pagetable/geometry.h against a walk over all pages that counts the
 * tables it meets. Built once for each configuration; GEOMETRY names it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "geometry.h"
#include "pagetable/geometry.h"

/* The part of an address that a table of `level` translates begins at this bit. */
static unsigned int bit_of(unsigned int level)
{
	return 12 + 9 * level;
}

static void test(void **state)
{
	const uint64_t pages = CONFIG_KERNEL_VM_SIZE / 4096;
	const uint64_t va_mask = (UINT64_C(1) << ENTRY_VA_BITS) - 1;
	size_t before = 0;

	(void)state;
	for (unsigned int level = 0; level < ENTRY_LEVELS; level++) {
		size_t tables = 0;
		uint64_t last_table = UINT64_MAX;

		for (uint64_t page = 0; page < pages; page++) {
			uint64_t va = CONFIG_KERNEL_VM_BASE + 4096 * page;
			uint64_t table = (va & va_mask) >> bit_of(level + 1);
			size_t index = (va >> bit_of(level)) & 511;

			tables += table != last_table;
			last_table = table;
			assert_int_equal(qr_entry_index(level, va), index);
			assert_int_equal(qr_entry_slot(level, va + 4095),
					 (before + tables - 1) * 512 + index);
		}
		assert_int_equal(QR_TABLES(level), tables);
		assert_int_equal(QR_TABLES_BEFORE(level), before);
		before += tables;
	}
	assert_int_equal(QR_TABLES(ENTRY_LEVELS - 1), 1);
	assert_int_equal(QR_TABLES(ENTRY_LEVELS), 0);
	assert_int_equal(QR_TABLES_TOTAL, before);
	assert_int_equal(QR_TABLES_BYTES, before * 4096);
}

__attribute__((constructor)) static void add(void)
{
	geometry_add(GEOMETRY, test);
}
