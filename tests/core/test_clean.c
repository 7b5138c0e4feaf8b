/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_clean.c - background cleaning: the cleaner sleeps, other threads (the progress hook of
 * the strict port) take frames until it is called, and what it did is there to be seen.
 */
#include "rig.h"

#include <mm/charge.h>
#include <mm/frame.h>

#include "audit.h"

#define FRAMES 16u
#define PAGES  32u
#define LOW    3u
#define HIGH   6u

static const struct rig rig = {.frames = FRAMES, .slots = 64};

static uint8_t *memory;
static uint32_t touched;
static size_t free_seen; /* k_mem_free_get() while the cleaner sleeps */

/* What the other threads do, a step each time. */
static bool touch_next(void *argument)
{
	(void)argument;
	if (touched == PAGES) {
		return false;
	}
	free_seen = k_mem_free_get();
	rig_put(memory + touched * RIG_PAGE, touched + 1);
	touched++;
	return true;
}

static void start(void)
{
	rig_start(&rig);
	memory = k_mem_map(PAGES * RIG_PAGE, K_MEM_PERM_RW);
	assert_non_null(memory);
	touched = 0;
	strict_progress_set(touch_next, NULL);
}

static void all_there(void)
{
	const char *wrong;

	strict_progress_set(NULL, NULL);
	for (uint32_t i = 0; i < touched; i++) {
		assert_int_equal(rig_get(memory + i * RIG_PAGE), i + 1);
	}
	wrong = audit();
	if (wrong != NULL) {
		fail_msg("%s", wrong);
	}
	rig_check();
}

static void test_between_watermarks(void **state)
{
	(void)state;
	start();
	assert_int_equal(k_mem_paging_clean(LOW, HIGH), 0);
	/* called by the fault that found LOW frames left and took one */
	assert_int_equal(touched, FRAMES - LOW + 1);
	assert_int_equal(rig_stats().transfer.cleaned, HIGH - LOW + 1);
	assert_int_equal(rig_stats().transfer.page_out, HIGH - LOW + 1);
	assert_int_equal(qr_frame_table.free_count, HIGH);
	/* again: nothing was written for the faults that found these */
	assert_int_equal(k_mem_paging_clean(LOW, HIGH), 0);
	assert_int_equal(rig_stats().transfer.page_out, rig_stats().transfer.cleaned);
	all_there();
}

static void test_free_frames_are_seen(void **state)
{
	size_t before;

	(void)state;
	start();
	before = k_mem_free_get();
	assert_int_equal(k_mem_paging_clean(LOW, HIGH), 0);
	assert_int_equal(free_seen, before - (FRAMES - LOW) * RIG_PAGE);
	all_there();
}

/* Locked memory gets the frames that are set aside, before anything is evicted. */
static bool lock_all(void *argument)
{
	void **addr = argument;

	if (*addr != NULL) {
		return false;
	}
	*addr = k_mem_map((FRAMES - 1) * RIG_PAGE, K_MEM_PERM_RW | K_MEM_MAP_LOCK);
	assert_non_null(*addr);
	return true;
}

static void test_aside_is_not_lost(void **state)
{
	void *locked = NULL;

	(void)state;
	rig_start(&rig);
	strict_progress_set(lock_all, &locked);
	assert_int_equal(k_mem_paging_clean(LOW, HIGH), 0);
	assert_int_equal(rig_stats().transfer.cleaned, 0); /* there is nothing to evict */
	assert_int_equal(k_mem_unmap(locked, (FRAMES - 1) * RIG_PAGE), 0);
	rig_check();
}

/* A page that is touched while the cleaner writes it stays, and is written once more. */
static bool touch_in_transfer(void *argument)
{
	(void)argument;
	if (rig_store.in_flight == 0) {
		return touch_next(NULL);
	}
	for (uint32_t i = 0; i < touched; i++) {
		arch_page_t now = arch_page_get(memory + i * RIG_PAGE);

		if (!(now & ARCH_DATA_PAGE_LOADED) &&
		    ARCH_TOKEN_KIND(arch_page_token(now)) == ARCH_TOKEN_BUSY) {
			rig_put(memory + i * RIG_PAGE, i + 1);
			strict_progress_set(touch_next, NULL);
			return true;
		}
	}
	return false;
}

static void test_touched_meanwhile(void **state)
{
	struct k_mem_paging_stats_t stats;

	(void)state;
	start();
	rig_store.late = 3;
	strict_progress_set(touch_in_transfer, NULL);
	assert_int_equal(k_mem_paging_clean(LOW, HIGH), 0);
	strict_progress_set(NULL, NULL);
	stats = rig_stats();
	assert_int_equal(stats.transfer.rescued, 1);
	assert_int_equal(stats.transfer.kept, 1);
	rig_store.late = 0;
	assert_int_equal(k_mem_page_out(memory, PAGES * RIG_PAGE), 0);
	assert_int_equal(rig_stats().transfer.kept_again, 1);
	assert_int_equal(rig_stats().transfer.page_out, touched + 1);
	all_there();
}

/* A write that fails ends the call; the next one waits until a frame is wanted again. */
static int refuse_writes(void *argument, const struct k_mem_io *io)
{
	bool *refuses = argument;

	return *refuses && io->op == K_MEM_IO_WRITE ? -EIO : 0;
}

static void test_write_fails(void **state)
{
	bool refuses = true;

	(void)state;
	start();
	rig_store.verdict = refuse_writes;
	rig_store.argument = &refuses;
	assert_int_equal(k_mem_paging_clean(LOW, HIGH), 0);
	assert_int_equal(rig_store.retired, 1);
	assert_int_equal(rig_stats().transfer.cleaned, 0);
	refuses = false;
	assert_int_equal(k_mem_paging_clean(LOW, HIGH), 0);
	assert_true(rig_stats().transfer.cleaned > 0);
	all_there();
}

static void test_refused(void **state)
{
	(void)state;
	start();
	assert_int_equal(k_mem_paging_clean(0, HIGH), -EINVAL);
	assert_int_equal(k_mem_paging_clean(LOW, LOW), -EINVAL);
	assert_int_equal(k_mem_paging_clean(LOW, FRAMES), -EINVAL);
	strict_sleep_allow(false);
	assert_int_equal(k_mem_paging_clean(LOW, HIGH), -EINVAL);
	assert_int_equal(touched, 0);
	assert_int_equal(k_mem_free_get(), (FRAMES - 1) * RIG_PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_between_watermarks),
		cmocka_unit_test(test_free_frames_are_seen),
		cmocka_unit_test(test_aside_is_not_lost),
		cmocka_unit_test(test_touched_meanwhile),
		cmocka_unit_test(test_write_fails),
		cmocka_unit_test(test_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
