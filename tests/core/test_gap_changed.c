/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_gap_changed.c - a page that lies between two pages of one request stays mapped while its
 * frame is BUSY: whatever others do to it meanwhile is true when the request has ended.
 *
 *     pages   0   1   2   3
 *             M  GAP  R   R      1 is in a frame, its copy where the request passes
 */
#include "rig.h"

#include <string.h>

#include <mm/charge.h>
#include <mm/cluster.h>
#include <mm/frame.h>
#include <mm/store.h>

#include "audit.h"

#define PAGES 64u

static const struct rig rig = {.frames = 40, .slots = 64, .request_cost = 4 * 256};

static uint8_t *memory;
static struct rig_counts before;
static void (*meanwhile)(void);
static unsigned int times;

static uint8_t *at(uint32_t page)
{
	return memory + page * RIG_PAGE;
}

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

static bool gap_is_busy(void)
{
	uint32_t frame = qr_frame_of(arch_page_phys(arch_page_get(at(1))));

	return (qr_frames[frame] & QR_FRAME_BUSY) != 0;
}

static void start(void)
{
	rig_start(&rig);
	before = rig_counts();
	strict_progress_set(on_sleep, NULL);
	meanwhile = NULL;
	times = 0;
}

/* Pages begin where the largest request could. */
static void align(void *addr)
{
	memory = addr;
	while (((uintptr_t)memory / RIG_PAGE) % QR_CLUSTER_MAX != 0) {
		memory += RIG_PAGE;
	}
}

static void one_page_a_request(bool one)
{
	memset(qr_cluster_steps, one ? -4 : 0, sizeof(qr_cluster_steps));
}

static void *map_image(uint32_t flags)
{
	void *addr;

	assert_int_equal(k_mem_map_stored(&addr, K_MEM_LOCATION(RIG_STORE_IMAGE, 0),
					  PAGES * RIG_PAGE, flags), 0);
	align(addr);
	return addr;
}

/* Anonymous pages 0 to 3 with copies in their slots, 1 in a frame. */
static void *map_anon(void)
{
	void *addr = k_mem_map(PAGES * RIG_PAGE, K_MEM_PERM_RW);

	assert_non_null(addr);
	align(addr);
	for (uint32_t i = 0; i < 4; i++) {
		rig_put(at(i), 10 + i);
	}
	assert_int_equal(k_mem_page_out(at(0), 4 * RIG_PAGE), 0);
	one_page_a_request(true);
	assert_int_equal(rig_get(at(1)), 11);
	one_page_a_request(false);
	return addr;
}

/* Read page 0, and with it 2 and 3, across the gap; `now` is what another thread does. */
static void read_across(void (*now)(void))
{
	unsigned long reads = rig_stats().transfer.reads, pages = rig_stats().transfer.page_in;

	rig_store.late = rig_image_store.late = 2;
	meanwhile = now;
	(void)rig_get(at(0));
	rig_store.late = rig_image_store.late = 0;
	meanwhile = NULL;
	assert_int_equal(times, 1);
	assert_int_equal(rig_stats().transfer.reads - reads, 1);
	assert_int_equal(rig_stats().transfer.page_in - pages, 4);
	assert_ptr_equal(audit(), NULL);
}

static void end(void *addr)
{
	const char *wrong = audit();

	if (wrong != NULL) {
		fail_msg("%s", wrong);
	}
	if (addr != NULL) {
		assert_int_equal(k_mem_unmap(addr, PAGES * RIG_PAGE), 0);
	}
	assert_int_equal(k_mem_page_out((void *)RIG_DEMAND, RIG_DEMAND_PAGES * RIG_PAGE), 0);
	rig_counts_equal(before, rig_counts());
	rig_check();
}

static void take_right_to_write(void)
{
	assert_true(gap_is_busy());
	assert_int_equal(k_mem_update_flags(at(1), RIG_PAGE, 0), 0);
}

/* Changed, and then no more to be changed: the page's content is in no read-only store. */
static void test_right_to_write_goes_from_a_gap(void **state)
{
	void *addr;

	(void)state;
	start();
	addr = map_image(K_MEM_PERM_RW);
	one_page_a_request(true);
	rig_put(at(1), 77);
	one_page_a_request(false);
	read_across(take_right_to_write);
	assert_int_equal(k_mem_page_out(at(1), RIG_PAGE), 0);
	assert_int_equal(rig_get(at(1)), 77);
	end(addr);
}

static void give_right_to_write(void)
{
	assert_true(gap_is_busy());
	assert_int_equal(k_mem_update_flags(at(1), RIG_PAGE, K_MEM_PERM_RW), 0);
	rig_put(at(1), 78);
}

static void test_right_to_write_comes_to_a_gap(void **state)
{
	void *addr;

	(void)state;
	start();
	addr = map_image(0);
	one_page_a_request(true);
	assert_int_equal(rig_get(at(1)),
			 rig_image_word((uint32_t)(at(1) - (uint8_t *)addr) / RIG_PAGE));
	one_page_a_request(false);
	read_across(give_right_to_write);
	assert_int_equal(k_mem_page_out(at(1), RIG_PAGE), 0);
	assert_int_equal(rig_get(at(1)), 78);
	end(addr);
}

/* A pinned page keeps no slot, for others are promised it. */
static void pin_gap(void)
{
	assert_true(gap_is_busy());
	assert_int_equal(k_mem_pin(at(1), RIG_PAGE), 0);
}

static void test_gap_is_pinned(void **state)
{
	void *addr;
	uint32_t slots;

	(void)state;
	start();
	addr = map_anon();
	slots = rig_counts().slots_reserved;
	read_across(pin_gap);
	assert_int_equal(rig_counts().slots_reserved, slots - 1);
	assert_int_equal(k_mem_page_out(at(1), RIG_PAGE), 0);
	assert_true(arch_page_get(at(1)) & ARCH_DATA_PAGE_LOADED);
	assert_int_equal(k_mem_unpin(at(1), RIG_PAGE), 0);
	assert_int_equal(rig_get(at(1)), 11);
	end(addr);
}

static void pin_and_unpin_gap(void)
{
	pin_gap();
	assert_int_equal(k_mem_unpin(at(1), RIG_PAGE), 0);
}

static void test_gap_is_pinned_and_unpinned(void **state)
{
	void *addr;

	(void)state;
	start();
	addr = map_anon();
	read_across(pin_and_unpin_gap);
	assert_int_equal(k_mem_page_out(at(1), RIG_PAGE), 0);
	assert_false(arch_page_get(at(1)) & ARCH_DATA_PAGE_LOADED);
	assert_int_equal(rig_get(at(1)), 11);
	end(addr);
}

static void change_gap(void)
{
	assert_true(gap_is_busy());
	rig_put(at(1), 12);
}

static void test_gap_is_changed(void **state)
{
	void *addr;

	(void)state;
	start();
	addr = map_anon();
	read_across(change_gap);
	assert_int_equal(k_mem_page_out(at(1), RIG_PAGE), 0);
	assert_int_equal(rig_get(at(1)), 12);
	end(addr);
}

/* Pages of the request that are unmapped belong to nobody when it ends: neither the gap's slot
 * nor those of the pages that were to be read ahead stay taken. */
static void *mapping;

static void unmap_all(void)
{
	assert_true(gap_is_busy());
	assert_int_equal(k_mem_unmap(mapping, PAGES * RIG_PAGE), 0);
}

static void test_gap_and_pages_read_ahead_are_unmapped(void **state)
{
	uint64_t word;

	(void)state;
	start();
	mapping = map_anon();
	rig_store.late = 2;
	meanwhile = unmap_all;
	assert_int_equal(rig_read(at(0), &word), -EFAULT);
	assert_int_equal(times, 1);
	end(NULL);
}

/* The gap was itself read ahead: it is one more page that stays where it is, and whether it was
 * used is still to be seen. Its frame was written early: it stays known that it was. */
static void test_gap_was_read_ahead(void **state)
{
	void *addr;
	uint32_t frame;

	(void)state;
	start();
	addr = map_anon();
	frame = qr_frame_of(arch_page_phys(arch_page_get(at(1))));
	qr_frames[frame] |= QR_FRAME_AHEAD | QR_FRAME_WRITTEN;
	(void)arch_page_bits(at(1), 0, ARCH_DATA_PAGE_ACCESSED);
	arch_mem_flush(at(1), RIG_PAGE);
	times = 1;
	read_across(NULL);
	assert_int_equal(qr_frame_of(arch_page_phys(arch_page_get(at(1)))), frame);
	assert_int_equal(qr_frames[frame] & (QR_FRAME_AHEAD | QR_FRAME_WRITTEN),
			 QR_FRAME_AHEAD | QR_FRAME_WRITTEN);
	assert_int_equal(k_mem_page_out(at(0), 4 * RIG_PAGE), 0);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(rig_get(at(i)), 10 + i);
	}
	end(addr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right_to_write_goes_from_a_gap),
		cmocka_unit_test(test_right_to_write_comes_to_a_gap),
		cmocka_unit_test(test_gap_is_pinned),
		cmocka_unit_test(test_gap_is_pinned_and_unpinned),
		cmocka_unit_test(test_gap_is_changed),
		cmocka_unit_test(test_gap_and_pages_read_ahead_are_unmapped),
		cmocka_unit_test(test_gap_was_read_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
