/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mm/space.c against a naive model, for spaces of several sizes: the program is built
 * once for each. SEED= chooses the random numbers, OPERATIONS= how many.
 *
 * The library's files are compiled so that every basic block counts itself
 * (-fsanitize-coverage=trace-pc): that is how the bound on the work is checked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mm/space.h"
#include "space_model.h"

enum {
	PAGES = QR_SPACE_PAGES,
	LIVE_MAX = 4096,
	/* log2 of the words of 64 pages, rounded up. */
	HEIGHT = 31 - __builtin_clz(2 * ((PAGES + 63) / 64) - 1),
};

/* Keep the sanitizer from looking through whole models at each memset. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "replace_intrin=0";
}

/* ---- counted work, caught panics -------------------------------------------------- */

static uint32_t blocks;

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
	blocks++;
}

static jmp_buf panic_return;
static bool panic_expected;

void qr_port_panic(const char *what)
{
	if (panic_expected) {
		longjmp(panic_return, 1);
	}
	fail_msg("%s", what);
	abort();
}

/* Are these pages all free? What can be taken is, and goes back. */
static bool is_free(struct qr_pages pages)
{
	bool taken = qr_space_take_at(pages) == 0;

	if (taken) {
		qr_space_give(pages);
	}
	return taken;
}

/* Does giving these pages back stop the machine? */
static bool give_panics(uint32_t first, uint32_t count)
{
	volatile bool panicked = true;

	panic_expected = true;
	if (setjmp(panic_return) == 0) {
		qr_space_give((struct qr_pages){first, count});
		panicked = false;
	}
	panic_expected = false;
	return panicked;
}

/* ---- random numbers ------------------------------------------------------------------ */

static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(((random_state >> 32) * limit) >> 32);
}

/* 1 to `limit`, small ones as likely as large ones. */
static uint32_t random_size(uint32_t limit)
{
	uint32_t top = limit >> random_below(32 - (uint32_t)__builtin_clz(limit));

	return 1 + random_below(top);
}

static unsigned long env_number(const char *name, unsigned long fallback)
{
	const char *text = getenv(name);

	return text != NULL && *text != '\0' ? strtoul(text, NULL, 0) : fallback;
}

/* ---- one operation, here and in the model ------------------------------------------------ */

static struct qr_pages live[LIVE_MAX];
static uint32_t live_count;
static uint32_t blocks_max;

static void live_add(uint32_t first, uint32_t count)
{
	if (count > 0) {
		assert_true(live_count < LIVE_MAX);
		live[live_count++] = (struct qr_pages){first, count};
	}
}

static void count_blocks(void)
{
	blocks_max = blocks > blocks_max ? blocks : blocks_max;
	blocks = 0;
}

static void check_take(uint32_t count, uint32_t align, uint32_t skew)
{
	struct qr_pages got = {PAGES, PAGES};
	int64_t highest = model_find(count);
	int status;

	blocks = 0;
	status = qr_space_take(count, align, skew, &got);
	count_blocks();
	if (align == 1) {
		assert_int_equal(status, highest < 0 ? -ENOSPC : 0);
	}
	if (status != 0) {
		assert_int_equal(status, -ENOSPC);
		assert_true(model_find(count + align - 1) < 0);
		return;
	}
	assert_int_equal(got.count, count);
	assert_in_range(got.first, 0, PAGES - count);
	assert_true(model_is_free(got));
	assert_int_equal((got.first + skew) % align, 0);
	assert_true(align > 1 || got.first == highest);
	model_set(got, false);
	live_add(got.first, got.count);
}

static void check_take_at(struct qr_pages pages)
{
	int expected = model_is_free(pages) ? 0 : -EBUSY;

	assert_int_equal(is_free(pages), expected == 0);
	blocks = 0;
	assert_int_equal(qr_space_take_at(pages), expected);
	count_blocks();
	if (expected == 0) {
		model_set(pages, false);
		live_add(pages.first, pages.count);
	}
}

/* Give a whole live range back, or a part of it. */
static void check_give(bool whole)
{
	uint32_t chosen = random_below(live_count);
	struct qr_pages range = live[chosen];
	struct qr_pages part = range;

	if (!whole) {
		part.count = random_size(range.count);
		part.first += random_below(range.count - part.count + 1);
	}
	live[chosen] = live[--live_count];
	live_add(range.first, part.first - range.first);
	live_add(part.first + part.count,
		 range.first + range.count - (part.first + part.count));
	blocks = 0;
	qr_space_give(part);
	count_blocks();
	model_set(part, true);
}

static void check_all_pages(void)
{
	for (uint32_t page = 0; page < PAGES; page++) {
		assert_int_equal(is_free((struct qr_pages){page, 1}), model[page]);
	}
}

static void start(void)
{
	qr_space_init();
	live_count = 0;
	model_free_count = 0;
	model_set((struct qr_pages){0, PAGES}, true);
	assert_int_equal(qr_space_free_count(), PAGES);
}

/* ---- tests --------------------------------------------------------------------------------- */

static void random_operation(uint32_t mood)
{
	uint32_t what = random_below(16);
	uint32_t limit = mood & 1 ? PAGES : PAGES / 64 + 1;
	uint32_t ranges_wanted = LIVE_MAX >> (mood >> 1) % 4 * 2;
	uint32_t align = 1u << random_below(11);
	struct qr_pages at = {random_below(PAGES), 0};

	/* By mood the space fills, empties or stays as it is, with few or many ranges. */
	if (live_count > 0 && (live_count > ranges_wanted - 4 || what < 5 + (mood >> 3) % 4 * 2)) {
		check_give(what % 4 != 0);
	} else if (what < 14) {
		check_take(random_size(limit), 1, 0);
	} else if (what == 14) {
		check_take(random_size(limit), align, random_below(align));
	} else {
		at.count = random_size(limit < PAGES - at.first ? limit : PAGES - at.first);
		check_take_at(at);
	}
	assert_int_equal(qr_space_free_count(), model_free_count);
}

static void test_random(void **state)
{
	unsigned long operations = env_number("OPERATIONS", 1000000);

	(void)state;
	random_state = env_number("SEED", 1);
	printf("# %u pages, SEED=%lu\n", (unsigned int)PAGES, (unsigned long)random_state);
	blocks_max = 0;
	start();
	for (unsigned long i = 0; i < operations; i++) {
		if (i % (PAGES > 1024 ? 250000 : 1000) == 0) {
			check_all_pages();
		}
		if (random_below(200000) == 0) {
			start();
		}
		random_operation((uint32_t)(i / 2000) * 2654435761u >> 16);
	}
	check_all_pages();
	printf("# at most %u basic blocks an operation\n", (unsigned int)blocks_max);
	assert_in_range(blocks_max, 1, 10 * HEIGHT + 120);
}

/* Page by page to the end and back, in an order that leaves holes. */
static void test_exhaustion(void **state)
{
	struct qr_pages got;

	(void)state;
	start();
	for (uint32_t page = PAGES; page-- > 0;) {
		assert_int_equal(qr_space_take(1, 1, 0, &got), 0);
		assert_int_equal(got.first, page);
	}
	assert_int_equal(qr_space_take(1, 1, 0, &got), -ENOSPC);
	assert_int_equal(qr_space_free_count(), 0);
	for (uint32_t step = 0; step < 3; step++) {
		for (uint32_t page = step; page < PAGES; page += 3) {
			qr_space_give((struct qr_pages){page, 1});
		}
	}
	assert_int_equal(qr_space_free_count(), PAGES);
	assert_int_equal(qr_space_take(PAGES, 1, 0, &got), 0);
	assert_int_equal(got.first, 0);
	assert_int_equal(qr_space_take(1, 1, 0, &got), -ENOSPC);
	qr_space_give(got);
	assert_int_equal(qr_space_take(PAGES + 1, 1, 0, &got), -ENOSPC);
	assert_int_equal(qr_space_take(UINT32_MAX, 1u << 31, 0, &got), -ENOSPC);
}

static void test_same_address_again(void **state)
{
	struct qr_pages below;
	struct qr_pages first;
	struct qr_pages again;

	(void)state;
	start();
	assert_int_equal(qr_space_take_at((struct qr_pages){PAGES / 4, (PAGES + 3) / 4}), 0);
	for (uint32_t taken = 0; taken + (PAGES + 3) / 4 < PAGES; taken++) {
		assert_int_equal(qr_space_take(1, 1, 0, &first), 0);
		qr_space_give(first);
		assert_int_equal(qr_space_take(1, 1, 0, &again), 0);
		assert_int_equal(again.first, first.first);
		if (qr_space_take(1, 1, 0, &below) == 0) {
			qr_space_give(again);
			assert_int_equal(qr_space_take(1, 1, 0, &again), 0);
			assert_int_equal(again.first, first.first);
			qr_space_give(below);
		}
	}
}

/* A run of count + align - 1 free pages is enough, wherever it is and however small. */
static void test_aligned_in_last_room(void **state)
{
	(void)state;
	for (uint32_t align = 2; 2 * align <= PAGES && align <= 512; align *= 2) {
		for (uint32_t i = 0; i < 200; i++) {
			uint32_t count = 1 + random_below(align);
			uint32_t room = count + align - 1;
			uint32_t first = random_below(PAGES - room + 1);
			struct qr_pages got;

			start();
			assert_int_equal(qr_space_take_at((struct qr_pages){0, PAGES}), 0);
			qr_space_give((struct qr_pages){first, room});
			assert_int_equal(qr_space_take(count, align, i % align, &got), 0);
			assert_int_equal((got.first + i) % align, 0);
			assert_int_equal(qr_space_free_count(), align - 1);
		}
	}
}

/* Giving what is free is a bug of the caller, seen wherever the pages are. */
static void test_bugs_are_seen(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 500; i++) {
		struct qr_pages range = {random_below(PAGES - 1), 2};

		start();
		assert_true(give_panics(range.first, 2));
		assert_true(give_panics(range.first, 0));
		assert_true(give_panics(PAGES - 1, 2));
		assert_true(give_panics(range.first, UINT32_MAX));
		range.count = 1 + random_below(PAGES - range.first);
		start();
		assert_int_equal(qr_space_take_at((struct qr_pages){0, PAGES}), 0);
		qr_space_give((struct qr_pages){range.first + random_below(range.count), 1});
		assert_true(give_panics(range.first, range.count));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_exhaustion),
		cmocka_unit_test(test_same_address_again),
		cmocka_unit_test(test_aligned_in_last_room),
		cmocka_unit_test(test_bugs_are_seen),
	};

	return cmocka_run_group_tests_name("space", tests, NULL, NULL);
}
