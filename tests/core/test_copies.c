/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_copies.c - stores that copy (copy() in quire/store.h): what is moved how, what is counted,
 * and what others do while a page is about to be copied, or was just now. They run where the mm
 * lock is let go for the copy (strict_between_set), in an interrupt as well.
 */
#include "rig.h"

#include <mm/frame.h>

#include "audit.h"

#define PAGES 12u

static uint8_t *memory;
static struct rig_counts before;
static void (*meanwhile)(void);
static unsigned int times;

static void start(uint32_t frames, uint32_t request_cost)
{
	const struct rig rig = {
		.frames = frames, .slots = 24, .copies = true, .request_cost = request_cost};

	rig_start(&rig);
	before = rig_counts();
	times = 0;
	memory = k_mem_map(PAGES * RIG_PAGE, K_MEM_PERM_RW);
	assert_non_null(memory);
}

static void end(void)
{
	assert_ptr_equal(audit(), NULL);
	assert_int_equal(k_mem_unmap(memory, PAGES * RIG_PAGE), 0);
	assert_int_equal(k_mem_page_out((void *)RIG_DEMAND, RIG_DEMAND_PAGES * RIG_PAGE), 0);
	rig_counts_equal(before, rig_counts());
	rig_check();
}

static void fill(void)
{
	for (uint32_t i = 0; i < PAGES; i++) {
		rig_put(memory + i * RIG_PAGE, 100 + i);
	}
}

static void test_pages_are_copied(void **state)
{
	struct k_mem_paging_stats_t stats;

	(void)state;
	start(4, 0);
	fill();
	for (uint32_t i = 0; i < PAGES; i++) {
		assert_int_equal(rig_get(memory + i * RIG_PAGE), 100 + i);
	}
	stats = rig_stats();
	assert_true(rig_store.reads >= PAGES - 4 && rig_store.writes >= PAGES - 4);
	assert_int_equal(rig_store.copied, rig_store.reads + rig_store.writes);
	assert_int_equal(stats.transfer.page_in, rig_store.reads);
	assert_int_equal(stats.transfer.reads, rig_store.reads);
	assert_int_equal(stats.transfer.page_out, rig_store.writes);
	assert_int_equal(stats.transfer.writes, rig_store.writes);
	assert_int_equal(stats.eviction.dirty, rig_store.writes);
	end();
}

static void test_image_is_copied(void **state)
{
	uint64_t word;

	(void)state;
	start(4, 0);
	/* code, which cannot be read by all formats, is brought in by its name */
	assert_int_equal(k_mem_page_in((void *)RIG_DEMAND, RIG_PAGE), 0);
	assert_int_equal(emu_read(RIG_DEMAND, &word, sizeof(word), 0), 0);
	assert_int_equal(word, rig_image_word(0));
	assert_int_equal(rig_image_store.copied, 1);
	assert_int_equal(rig_image_store.reads, 1);
	end();
}

/* Where requests are dear, pages go in requests of several, and none is copied. */
static void test_requests_are_not_copies(void **state)
{
	(void)state;
	start(4, 4 * 256);
	fill();
	for (uint32_t i = 0; i < PAGES; i++) {
		assert_int_equal(rig_get(memory + i * RIG_PAGE), 100 + i);
	}
	assert_int_equal(rig_store.copied, 0);
	assert_true(rig_store.reads > 0);
	end();
}

/* ---- meanwhile ------------------------------------------------------------------------- */

/* The page is on its way, and the lock was let go for it: now, once. */
static void on_way(void)
{
	void (*now)(void) = meanwhile;
	arch_page_t page = arch_page_state(memory);

	if (now == NULL ||
	    (page & (ARCH_DATA_PAGE_LOADED | ARCH_DATA_PAGE_NOT_MAPPED)) ||
	    ARCH_TOKEN_KIND(arch_page_token(page)) != ARCH_TOKEN_BUSY) {
		return;
	}
	meanwhile = NULL;
	times++;
	now();
}

static void out_and_then(void (*what)(void))
{
	fill();
	assert_int_equal(k_mem_page_out(memory, PAGES * RIG_PAGE), 0);
	meanwhile = what;
	strict_between_set(on_way);
}

static void unmap(void)
{
	assert_int_equal(k_mem_unmap(memory, PAGES * RIG_PAGE), 0);
}

static void test_unmapped_meanwhile(void **state)
{
	uint64_t word;

	(void)state;
	start(4, 0);
	out_and_then(unmap);
	assert_int_equal(rig_read(memory, &word), -EFAULT);
	strict_between_set(NULL);
	assert_int_equal(times, 1);
	assert_ptr_equal(audit(), NULL);
	rig_counts_equal(before, rig_counts());
	rig_check();
}

static void read_in_interrupt(void)
{
	strict_context_set(QR_PORT_ISR);
	assert_int_equal(rig_get(memory), 100);
	strict_context_set(QR_PORT_THREAD);
}

/* The interrupt cannot wait for the thread: it copies the page for itself. */
static void test_overtaken_meanwhile(void **state)
{
	(void)state;
	start(4, 0);
	out_and_then(read_in_interrupt);
	assert_int_equal(rig_get(memory), 100);
	strict_between_set(NULL);
	assert_int_equal(times, 1);
	/* whose page has no slot: that was the thread's, which gave it back */
	assert_int_equal(rig_counts().slots_reserved, PAGES - 1);
	end();
}

static void take_write_away(void)
{
	assert_int_equal(k_mem_update_flags(memory, PAGES * RIG_PAGE, 0), 0);
}

static void test_right_taken_meanwhile(void **state)
{
	(void)state;
	start(4, 0);
	out_and_then(take_write_away);
	assert_int_equal(rig_write(memory, 1), -EACCES);
	strict_between_set(NULL);
	assert_int_equal(times, 1);
	assert_false(arch_page_get(memory) & ARCH_DATA_PAGE_DIRTY);
	assert_int_equal(rig_get(memory), 100);
	end();
}

static void touch_and_change(void)
{
	rig_put(memory, 7);
}

/* The page is copied to the store, and written meanwhile: it stays. */
static void test_rescued_meanwhile(void **state)
{
	(void)state;
	start(4, 0);
	fill();
	rig_put(memory, 6);
	meanwhile = touch_and_change;
	strict_between_set(on_way);
	assert_int_equal(k_mem_page_out(memory, RIG_PAGE), 0);
	strict_between_set(NULL);
	assert_int_equal(times, 1);
	assert_int_equal(rig_stats().transfer.rescued, 1);
	assert_int_equal(rig_get(memory), 7);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages_are_copied),
		cmocka_unit_test(test_image_is_copied),
		cmocka_unit_test(test_requests_are_not_copies),
		cmocka_unit_test(test_unmapped_meanwhile),
		cmocka_unit_test(test_overtaken_meanwhile),
		cmocka_unit_test(test_right_taken_meanwhile),
		cmocka_unit_test(test_rescued_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
