/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_races.c - calls that meet a transfer under way, one by one. The other thread is the
 * strict port's progress hook, which plays while the first one sleeps; a late store gives it
 * time. (Random meetings of many threads: tests/threads/test_fibers.c.)
 */
#include "rig.h"

#include <string.h>

#include <mm/charge.h>
#include <mm/frame.h>

#include "audit.h"

static uint8_t *memory; /* what the test is about */
static struct rig_counts before;

static void (*meanwhile)(void);
static unsigned int times;

/* What the other thread does, once. */
static bool on_sleep(void *argument)
{
	void (*now)(void) = meanwhile;

	(void)argument;
	if (now == NULL) {
		return false;
	}
	meanwhile = NULL;
	times++;
	now();
	return true;
}

static void start(uint32_t frames, uint32_t slots)
{
	const struct rig rig = {.frames = frames, .slots = slots};

	rig_start(&rig);
	rig_store.late = 2;
	rig_image_store.late = 2;
	strict_progress_set(on_sleep, NULL);
	before = rig_counts();
	meanwhile = NULL;
	times = 0;
}

static void end(void)
{
	assert_int_equal(times, 1);
	assert_ptr_equal(audit(), NULL);
	assert_int_equal(k_mem_unpin((void *)RIG_DEMAND, RIG_DEMAND_PAGES * RIG_PAGE), 0);
	assert_int_equal(k_mem_page_out((void *)RIG_DEMAND, RIG_DEMAND_PAGES * RIG_PAGE), 0);
	rig_counts_equal(before, rig_counts());
	rig_check();
}

static void map(uint32_t pages)
{
	memory = k_mem_map(pages * RIG_PAGE, K_MEM_PERM_RW);
	assert_non_null(memory);
	for (uint32_t i = 0; i < pages; i++) {
		rig_put(memory + i * RIG_PAGE, 100 + i);
	}
}

static void unmap(uint32_t pages)
{
	assert_int_equal(k_mem_unmap(memory, pages * RIG_PAGE), 0);
}

/* ---- a page is being written out ----------------------------------------------------------- */

static void touch(void)
{
	assert_int_equal(rig_get(memory), 100);
}

static void test_touched_while_written(void **state)
{
	(void)state;
	start(4, 8);
	map(1);
	meanwhile = touch;
	assert_int_equal(k_mem_page_out(memory, RIG_PAGE), 0); /* which tries again */
	assert_int_equal(rig_stats().transfer.rescued, 1);
	assert_int_equal(rig_stats().transfer.page_in, 0);
	assert_int_equal(rig_store.writes, 1); /* the second time it was clean */
	assert_int_equal(rig_get(memory), 100);
	unmap(1);
	end();
}

static void change(void)
{
	rig_put(memory, 101);
}

static void test_changed_while_written(void **state)
{
	(void)state;
	start(4, 8);
	map(1);
	meanwhile = change;
	assert_int_equal(k_mem_page_out(memory, RIG_PAGE), 0);
	assert_int_equal(rig_store.writes, 2);
	assert_int_equal(rig_counts().slots_reserved, 1); /* in place */
	assert_int_equal(rig_get(memory), 101);
	unmap(1);
	end();
}

static void pin(void)
{
	assert_int_equal(k_mem_pin(memory, RIG_PAGE), 0);
}

static void test_pinned_while_written(void **state)
{
	(void)state;
	start(4, 8);
	map(1);
	meanwhile = pin;
	assert_int_equal(k_mem_page_out(memory, RIG_PAGE), 0); /* pinned: not this one */
	assert_true(arch_page_get(memory) & ARCH_DATA_PAGE_LOADED);
	assert_int_equal(rig_counts().slots_reserved, 0);
	assert_int_equal(rig_counts().charge_pinned, 1);
	assert_ptr_equal(audit(), NULL);
	assert_int_equal(k_mem_unpin(memory, RIG_PAGE), 0);
	assert_int_equal(k_mem_page_out(memory, RIG_PAGE), 0);
	touch();
	unmap(1);
	end();
}

static void unmap_two(void)
{
	unmap(2);
}

static void test_unmapped_while_written(void **state)
{
	(void)state;
	start(4, 8);
	map(2);
	meanwhile = unmap_two;
	assert_int_equal(k_mem_page_out(memory, 2 * RIG_PAGE), 0); /* nothing left to move */
	end();
}

/* Another mapping gets the addresses while the old page is still on its way. */
static void unmap_and_map(void)
{
	uint8_t *old = memory;

	unmap(2);
	memory = k_mem_map(2 * RIG_PAGE, K_MEM_PERM_RW);
	assert_ptr_equal(memory, old);
	assert_int_equal(rig_get(memory), 0);
	rig_put(memory + RIG_PAGE, 7);
}

static void test_mapped_anew_while_written(void **state)
{
	(void)state;
	start(4, 8);
	map(2);
	meanwhile = unmap_and_map;
	assert_int_equal(k_mem_page_out(memory, RIG_PAGE), 0);
	assert_int_equal(rig_get(memory), 0);
	assert_int_equal(rig_get(memory + RIG_PAGE), 7);
	unmap(2);
	end();
}

static void make_read_only(void)
{
	assert_int_equal(k_mem_update_flags(memory, RIG_PAGE, K_MEM_PERM_USER), 0);
}

static void test_rights_changed_while_written(void **state)
{
	(void)state;
	start(4, 8);
	map(1);
	meanwhile = make_read_only;
	assert_int_equal(k_mem_page_out(memory, RIG_PAGE), 0);
	assert_int_equal(rig_write(memory, 1), -EACCES);
	touch();
	unmap(1);
	end();
}

static int fail_all(void *argument, const struct k_mem_io *io)
{
	(void)argument;
	(void)io;
	return -EIO;
}

static void test_unmapped_while_write_fails(void **state)
{
	(void)state;
	start(4, 8);
	map(2);
	rig_store.verdict = fail_all;
	meanwhile = unmap_two;
	assert_int_equal(k_mem_page_out(memory, 2 * RIG_PAGE), 0);
	assert_int_equal(rig_store.retired, 1);
	before.slots_retired = 1;
	end();
}

static void test_touched_while_write_fails(void **state)
{
	(void)state;
	start(4, 8);
	map(1);
	rig_store.verdict = fail_all;
	meanwhile = change;
	assert_int_equal(k_mem_page_out(memory, RIG_PAGE), -EIO); /* the second one */
	assert_int_equal(rig_store.retired, 2);
	assert_int_equal(rig_get(memory), 101);
	unmap(1);
	before.slots_retired = 2;
	end();
}

/* ---- a page is being read ------------------------------------------------------------ */

static void test_unmapped_while_read(void **state)
{
	uint64_t word;

	(void)state;
	start(4, 8);
	map(2);
	assert_int_equal(k_mem_page_out(memory, 2 * RIG_PAGE), 0);
	meanwhile = unmap_two;
	assert_int_equal(rig_read(memory, &word), -EFAULT);
	end();
}

static void test_mapped_anew_while_read(void **state)
{
	(void)state;
	start(4, 8);
	map(2);
	assert_int_equal(k_mem_page_out(memory, 2 * RIG_PAGE), 0);
	meanwhile = unmap_and_map;
	assert_int_equal(rig_get(memory), 0); /* the new one */
	assert_int_equal(rig_get(memory + RIG_PAGE), 7);
	unmap(2);
	end();
}

/* The page was to be written; it comes clean, for it may not be any more. It was charged for as
 * long as it could be changed. */
static void test_right_to_write_goes_while_read(void **state)
{
	(void)state;
	start(4, 8);
	memory = k_mem_map_unpaged(K_MEM_LOCATION(RIG_STORE_IMAGE, 9), RIG_PAGE, K_MEM_PERM_RW);
	assert_int_equal(rig_counts().charge_pageable, 1);
	meanwhile = make_read_only;
	assert_int_equal(rig_write(memory, 1), -EACCES);
	assert_int_equal(rig_counts().charge_pageable, 0);
	assert_int_equal(k_mem_page_out(memory, RIG_PAGE), 0);
	assert_int_equal(rig_counts().slots_reserved, 0);
	assert_int_equal(rig_get(memory), rig_image_word(9));
	unmap(1);
	end();
}

static void make_writable(void)
{
	assert_int_equal(k_mem_update_flags(memory, RIG_PAGE, K_MEM_PERM_RW), 0);
}

static void test_right_to_write_comes_while_read(void **state)
{
	(void)state;
	start(4, 8);
	memory = k_mem_map_unpaged(K_MEM_LOCATION(RIG_STORE_IMAGE, 9), RIG_PAGE, 0);
	assert_int_equal(rig_counts().charge_pageable, 0);
	meanwhile = make_writable;
	assert_int_equal(rig_get(memory), rig_image_word(9));
	assert_int_equal(rig_counts().charge_pageable, 1);
	rig_put(memory, 3);
	assert_int_equal(k_mem_page_out(memory, RIG_PAGE), 0);
	assert_int_equal(rig_get(memory), 3);
	unmap(1);
	end();
}

/* In an interrupt handler nobody waits for the thread that reads the page. */
static void touch_in_interrupt(void)
{
	strict_context_set(QR_PORT_ISR);
	touch();
	rig_put(memory + 8, 200);
	strict_context_set(QR_PORT_THREAD);
}

static void test_overtaken_while_read(void **state)
{
	(void)state;
	start(4, 8);
	map(1);
	assert_int_equal(k_mem_page_out(memory, RIG_PAGE), 0);
	meanwhile = touch_in_interrupt;
	touch();
	assert_int_equal(rig_get(memory + 8), 200);
	assert_int_equal(rig_counts().slots_reserved, 0); /* the slow reader gave it back */
	unmap(1);
	end();
}

/* Its read fails: only it is told, and the thread goes on as if nothing had been. */
static void fail_in_interrupt(void)
{
	uint64_t word;

	strict_context_set(QR_PORT_ISR);
	rig_store.verdict = fail_all;
	assert_int_equal(rig_read(memory, &word), -EIO);
	rig_store.verdict = NULL;
	strict_context_set(QR_PORT_THREAD);
	assert_ptr_equal(audit_busy(), NULL);
}

static void test_overtaken_in_vain(void **state)
{
	(void)state;
	start(4, 8);
	map(1);
	assert_int_equal(k_mem_page_out(memory, RIG_PAGE), 0);
	meanwhile = fail_in_interrupt;
	touch();
	assert_int_equal(rig_counts().slots_reserved, 1);
	unmap(1);
	end();
}

/* A handler overtakes the thread, and a second one interrupts and overtakes the first, whose
 * read has not come back either. */
static unsigned int depth;

static int interrupt_again(void *argument, const struct k_mem_io *io)
{
	(void)argument;
	(void)io;
	if (depth++ == 0) {
		touch();
	}
	return 0;
}

static void touch_in_two_interrupts(void)
{
	strict_context_set(QR_PORT_ISR);
	depth = 0;
	rig_store.verdict = interrupt_again;
	touch();
	rig_store.verdict = NULL;
	strict_context_set(QR_PORT_THREAD);
	assert_int_equal(depth, 2);
}

static void test_overtaken_twice(void **state)
{
	(void)state;
	start(6, 8);
	map(1);
	assert_int_equal(k_mem_page_out(memory, RIG_PAGE), 0);
	meanwhile = touch_in_two_interrupts;
	touch();
	assert_int_equal(rig_counts().slots_reserved, 0);
	unmap(1);
	end();
}

/* ---- two that pin ------------------------------------------------------------------------ */

/* In an interrupt handler, which finds the first page pinned by a thread that may yet fail, and
 * fails itself with the second, which that thread reads. */
static void pin_in_vain(void)
{
	strict_context_set(QR_PORT_ISR);
	rig_store.verdict = fail_all;
	assert_int_equal(k_mem_pin(memory, 2 * RIG_PAGE), -EIO);
	rig_store.verdict = NULL;
	strict_context_set(QR_PORT_THREAD);
}

static void test_failed_pin_keeps_the_pin_of_another(void **state)
{
	(void)state;
	start(6, 8);
	map(2);
	assert_int_equal(k_mem_page_out(memory, 2 * RIG_PAGE), 0);
	assert_int_equal(k_mem_page_in(memory, RIG_PAGE), 0);
	meanwhile = pin_in_vain;
	assert_int_equal(k_mem_pin(memory, 2 * RIG_PAGE), 0);
	assert_int_equal(rig_counts().charge_pinned, 2);
	assert_int_equal(k_mem_unpin(memory, 2 * RIG_PAGE), 0);
	unmap(2);
	end();
}

/* ---- the walker ---------------------------------------------------------------------- */

/* As soon as the first page has lost its right to write, another CPU writes to the second. */
static void write_to_second(const qr_entry_t *first, size_t count)
{
	uint64_t word = 300;

	(void)first;
	(void)count;
	if (times == 0 && !(arch_page_get(memory) & ARCH_PAGE_RW)) {
		times++;
		assert_int_equal(emu_write((uintptr_t)memory + RIG_PAGE, &word, sizeof(word), 0),
				 0);
	}
}

/* Pages of a read-only store: what was changed is not there. */
static void test_written_while_rights_go(void **state)
{
	(void)state;
	start(8, 8);
	memory = k_mem_map_unpaged(K_MEM_LOCATION(RIG_STORE_IMAGE, 9), 2 * RIG_PAGE,
				   K_MEM_PERM_RW);
	assert_int_equal(rig_get(memory), rig_image_word(9));
	assert_int_equal(rig_get(memory + RIG_PAGE), rig_image_word(10));
	emu_publish_hook = write_to_second;
	assert_int_equal(k_mem_update_flags(memory, 2 * RIG_PAGE, 0), 0);
	emu_publish_hook = NULL;
	assert_int_equal(rig_counts().charge_pageable, 1);
	assert_int_equal(k_mem_page_out(memory, 2 * RIG_PAGE), 0);
	assert_int_equal(rig_counts().slots_reserved, 1);
	assert_int_equal(rig_get(memory), rig_image_word(9));
	assert_int_equal(rig_get(memory + RIG_PAGE), 300);
	unmap(2);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_touched_while_written),
		cmocka_unit_test(test_changed_while_written),
		cmocka_unit_test(test_pinned_while_written),
		cmocka_unit_test(test_unmapped_while_written),
		cmocka_unit_test(test_mapped_anew_while_written),
		cmocka_unit_test(test_rights_changed_while_written),
		cmocka_unit_test(test_unmapped_while_write_fails),
		cmocka_unit_test(test_touched_while_write_fails),
		cmocka_unit_test(test_unmapped_while_read),
		cmocka_unit_test(test_mapped_anew_while_read),
		cmocka_unit_test(test_right_to_write_goes_while_read),
		cmocka_unit_test(test_right_to_write_comes_while_read),
		cmocka_unit_test(test_overtaken_while_read),
		cmocka_unit_test(test_overtaken_in_vain),
		cmocka_unit_test(test_overtaken_twice),
		cmocka_unit_test(test_failed_pin_keeps_the_pin_of_another),
		cmocka_unit_test(test_written_while_rights_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
