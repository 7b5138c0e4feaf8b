/* SPDX-License-Identifier: Apache-2.0 */
/*
 * space_model.h - the address space as one byte a page: 1 free, 0 taken. Naive on
 * purpose, but for eight bytes at a time.
 */
#ifndef TESTS_UNIT_SPACE_MODEL_H
#define TESTS_UNIT_SPACE_MODEL_H

#include <string.h>

#include "mm/space.h"

static uint8_t model[QR_SPACE_PAGES];
static uint32_t model_free_count;

static void model_set(struct qr_pages pages, bool free)
{
	memset(&model[pages.first], free, pages.count);
	model_free_count += free ? pages.count : -pages.count;
}

/* The first of the pages below `end` that are all alike. */
static uint32_t model_run(uint32_t end, bool free)
{
	uint64_t alike = free ? UINT64_C(0x0101010101010101) : 0;
	uint64_t eight = alike;

	while (end >= 8 && eight == alike) {
		memcpy(&eight, &model[end - 8], 8);
		end -= eight == alike ? 8 : 0;
	}
	while (end > 0 && model[end - 1] == free) {
		end--;
	}
	return end;
}

static bool model_is_free(struct qr_pages pages)
{
	return model_run(pages.first + pages.count, true) <= pages.first;
}

/* The highest `count` free pages in a row; -1 where there are none. */
static int64_t model_find(uint32_t count)
{
	uint32_t end = model_run(QR_SPACE_PAGES, false);

	while (end > 0) {
		uint32_t first = model_run(end, true);

		if (end - first >= count) {
			return end - count;
		}
		end = model_run(first, false);
	}
	return -1;
}

#endif /* TESTS_UNIT_SPACE_MODEL_H */
