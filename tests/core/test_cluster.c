/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cluster.c - several pages in one request: what goes together, what it is counted as,
 * what an error of a request costs, and what others may do to its pages meanwhile.
 */
#include "rig.h"

#include <string.h>

#include <mm/charge.h>
#include <mm/cluster.h>
#include <mm/frame.h>
#include <mm/store.h>

#include "audit.h"

#define PAGES 64u
#define COST  (4u * 256)

static const struct rig rig = {.frames = 40, .slots = 256, .request_cost = COST};
static const struct rig large = {.frames = 300, .slots = 512, .request_cost = COST};

static uint8_t *memory;

static uint8_t *at(uint32_t page)
{
	return memory + page * RIG_PAGE;
}

/* Pages that begin at a multiple of the largest request. */
static void map(const struct rig *with)
{
	uint8_t *addr;

	rig_start(with);
	addr = k_mem_map(2 * PAGES * RIG_PAGE, K_MEM_PERM_RW);
	assert_non_null(addr);
	memory = addr;
	while (((uintptr_t)memory / RIG_PAGE) % QR_CLUSTER_MAX != 0) {
		memory += RIG_PAGE;
	}
}

static void put_all(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		rig_put(at(i), i + 1);
	}
}

static void get_all(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(rig_get(at(i)), i + 1);
	}
}

static void end(void)
{
	const char *wrong = audit();

	if (wrong != NULL) {
		fail_msg("%s", wrong);
	}
	rig_check();
}

static bool loaded(uint32_t page)
{
	return (arch_page_get(at(page)) & ARCH_DATA_PAGE_LOADED) != 0;
}

/* Nothing is known of the region: four pages are read, those around the wanted one. */
static void test_reads_ahead(void **state)
{
	struct k_mem_paging_stats_t before, after;

	(void)state;
	map(&rig);
	put_all(16);
	assert_int_equal(k_mem_page_out(memory, 16 * RIG_PAGE), 0);
	before = rig_stats();
	assert_int_equal(rig_get(at(5)), 6);
	after = rig_stats();
	assert_int_equal(after.transfer.reads - before.transfer.reads, 1);
	assert_int_equal(after.transfer.page_in - before.transfer.page_in, 4);
	assert_int_equal(after.transfer.prefetched, 3);
	for (uint32_t i = 0; i < 16; i++) {
		assert_int_equal(loaded(i), i >= 4 && i < 8);
	}
	/* all used: the next request beside is larger */
	get_all(8);
	before = rig_stats();
	assert_int_equal(rig_get(at(8)), 9);
	assert_true(rig_stats().transfer.prefetch_used >= 3);
	get_all(16);
	assert_true(rig_stats().transfer.reads - before.transfer.reads < 4);
	assert_int_equal(rig_stats().transfer.prefetch_wasted, 0);
	end();
}

/* Where what was read ahead is evicted unused again and again, pages come alone in the end. */
static void test_learns_not_to(void **state)
{
	unsigned long reads, pages;

	(void)state;
	map(&rig);
	put_all(16);
	for (uint32_t round = 0; round < 4; round++) {
		assert_int_equal(k_mem_page_out(memory, 16 * RIG_PAGE), 0);
		assert_int_equal(rig_get(at(6)), 7);
	}
	assert_true(rig_stats().transfer.prefetch_wasted >= 3);
	assert_int_equal(k_mem_page_out(memory, 16 * RIG_PAGE), 0);
	reads = rig_stats().transfer.reads;
	pages = rig_stats().transfer.page_in;
	assert_int_equal(rig_get(at(6)), 7);
	assert_int_equal(rig_stats().transfer.reads - reads, 1);
	assert_int_equal(rig_stats().transfer.page_in - pages, 1);
	end();
}

/* Make the pages of the first half unused, and evict one of them. */
static void age_and_evict(uint32_t victim, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (loaded(i)) {
			(void)arch_page_bits(at(i), 0, ARCH_DATA_PAGE_ACCESSED);
			arch_mem_flush(at(i), RIG_PAGE);
		}
	}
	assert_int_equal(k_mem_page_out(at(victim), RIG_PAGE), 0);
}

static void test_writes_neighbours(void **state)
{
	(void)state;
	map(&rig);
	put_all(20);
	age_and_evict(3, 8);
	assert_int_equal(rig_stats().transfer.writes, 1);
	assert_int_equal(rig_stats().transfer.page_out, 8);
	assert_int_equal(rig_stats().transfer.kept, 7);
	for (uint32_t i = 0; i < 8; i++) {
		assert_int_equal(loaded(i), i != 3);
	}
	/* they are clean: nothing more is written for them */
	assert_int_equal(k_mem_page_out(memory, 8 * RIG_PAGE), 0);
	assert_int_equal(rig_stats().transfer.page_out, 8);
	get_all(20);
	end();
}

/* Who was written early goes early again, but only if it was changed, and is unused again. */
static void test_early_again(void **state)
{
	(void)state;
	map(&rig);
	put_all(8);
	age_and_evict(0, 8);
	assert_int_equal(rig_stats().transfer.page_out, 8);
	for (uint32_t i = 1; i < 6; i++) {
		rig_put(at(i), i + 1);
	}
	age_and_evict(1, 5); /* 5 stays used; behind it 6 and 7 are clean */
	assert_int_equal(rig_stats().transfer.page_out, 12);
	assert_int_equal(rig_stats().transfer.writes, 2);
	assert_int_equal(rig_stats().transfer.kept_again, 1);
	age_and_evict(5, 8);
	assert_int_equal(rig_stats().transfer.page_out, 13);
	get_all(8);
	end();
}

/* Pages of which these two are changed, all others clean in frames. */
static void two_changed(uint32_t one, uint32_t other)
{
	map(&rig);
	put_all(16);
	assert_int_equal(k_mem_page_out(memory, 16 * RIG_PAGE), 0);
	get_all(16);
	rig_put(at(one), one + 1);
	rig_put(at(other), other + 1);
}

/* Three clean pages between are cheaper than a request that costs four, four are not. */
static void test_writes_over_gaps(void **state)
{
	struct k_mem_paging_stats_t before, after;

	(void)state;
	for (uint32_t gap = 3; gap <= 4; gap++) {
		two_changed(4, 5 + gap);
		before = rig_stats();
		age_and_evict(4, 16);
		after = rig_stats();
		assert_int_equal(after.transfer.writes - before.transfer.writes, 1);
		assert_int_equal(after.transfer.page_out - before.transfer.page_out,
				 gap == 3 ? 5 : 1);
		for (uint32_t i = 0; i < 16; i++) {
			assert_int_equal(loaded(i), i != 4);
		}
		assert_int_equal(k_mem_page_out(memory, 16 * RIG_PAGE), 0);
		assert_int_equal(rig_stats().transfer.writes - before.transfer.writes,
				 gap == 3 ? 1 : 2);
		get_all(16);
		end();
	}
}

/* A used page that was written as a gap is dirty again as soon as it is changed. */
static void test_gap_changed_later(void **state)
{
	(void)state;
	two_changed(4, 6);
	for (uint32_t i = 4; i <= 6; i++) {
		(void)arch_page_bits(at(i), 0, ARCH_DATA_PAGE_ACCESSED);
		arch_mem_flush(at(i), RIG_PAGE);
	}
	rig_put(at(5), 55);
	assert_int_equal(k_mem_page_out(at(4), RIG_PAGE), 0);
	assert_int_equal(rig_stats().transfer.page_out, 16 + 3);
	rig_put(at(5), 555);
	assert_int_equal(k_mem_page_out(memory, 16 * RIG_PAGE), 0);
	assert_int_equal(rig_stats().transfer.page_out, 16 + 4);
	assert_int_equal(rig_get(at(5)), 555);
	end();
}

/* A page that was read ahead and is a gap is still judged by its use. */
static void test_gap_is_judged(void **state)
{
	(void)state;
	map(&rig);
	put_all(8);
	assert_int_equal(k_mem_page_out(memory, 8 * RIG_PAGE), 0);
	rig_put(at(0), 1);
	rig_put(at(2), 3);
	assert_int_equal(rig_stats().transfer.prefetched, 3);
	age_and_evict(0, 3);
	assert_int_equal(rig_stats().transfer.page_out, 8 + 3);
	assert_int_equal(rig_stats().transfer.prefetch_used, 1);
	assert_int_equal(k_mem_page_out(memory, 8 * RIG_PAGE), 0);
	assert_int_equal(rig_stats().transfer.prefetch_wasted, 2);
	assert_int_equal(rig_stats().transfer.page_out, 8 + 3);
	end();
}

/* Pages of an image lie side by side and are read together, whatever the paging store has. */
static void test_reads_image_ahead(void **state)
{
	void *addr;

	(void)state;
	rig_start(&rig);
	assert_int_equal(k_mem_map_stored(&addr, K_MEM_LOCATION(RIG_STORE_IMAGE, 0),
					  RIG_IMAGE_SLOTS * RIG_PAGE, 0), 0);
	for (uint32_t i = 0; i < RIG_IMAGE_SLOTS; i++) {
		assert_int_equal(rig_get((uint8_t *)addr + i * RIG_PAGE), rig_image_word(i));
	}
	assert_in_range(rig_stats().transfer.reads, RIG_IMAGE_SLOTS / 5, RIG_IMAGE_SLOTS / 3);
	assert_int_equal(rig_stats().transfer.page_in, RIG_IMAGE_SLOTS);
	assert_int_equal(rig_stats().transfer.page_out, 0);
	end();
}

/* A clean page of an image has no slot to be written to, and gets none. */
static void test_image_is_no_gap(void **state)
{
	void *addr;
	uint32_t slots;

	(void)state;
	rig_start(&rig);
	assert_int_equal(k_mem_map_stored(&addr, K_MEM_LOCATION(RIG_STORE_IMAGE, 0),
					  RIG_IMAGE_SLOTS * RIG_PAGE, K_MEM_PERM_RW), 0);
	memory = addr;
	while (((uintptr_t)memory / RIG_PAGE) % QR_CLUSTER_MAX != 0) {
		memory += RIG_PAGE;
	}
	rig_put(at(0), 1);
	assert_int_not_equal(rig_get(at(1)), 0);
	rig_put(at(2), 3);
	slots = qr_store_table.free_slots;
	age_and_evict(0, 3);
	assert_int_equal(rig_stats().transfer.page_out, 1);
	assert_int_equal(qr_store_table.free_slots, slots - 1);
	end();
}

/* ---- between two holds ------------------------------------------------------------------ */

static struct {
	uint32_t calls, when, page;
	bool pinned;
} between;

static void pin_between(void)
{
	uint32_t frame = qr_frame_of(arch_page_phys(arch_page_get(at(between.page))));

	if (++between.calls == between.when && k_mem_frame_evictable(frame)) {
		assert_int_equal(k_mem_pin(at(between.page), RIG_PAGE), 0);
		between.pinned = true;
	}
}

/* Every fourth page is to be written, those between are gaps; one of these is pinned at some time
 * while the request is put together. */
static void test_pinned_between_holds(void **state)
{
	uint32_t pinned = 0;

	(void)state;
	for (uint32_t run = 0; run < 6 * 24; run++) {
		map(&large);
		put_all(QR_CLUSTER_MAX);
		assert_int_equal(k_mem_page_out(memory, QR_CLUSTER_MAX * RIG_PAGE), 0);
		get_all(QR_CLUSTER_MAX);
		for (uint32_t i = 4; i < QR_CLUSTER_MAX; i += 4) {
			rig_put(at(i), i + 1);
			(void)arch_page_bits(at(i), 0, ARCH_DATA_PAGE_ACCESSED);
			arch_mem_flush(at(i), RIG_PAGE);
		}
		between.calls = 0;
		between.when = run % 24 + 1;
		between.page = 9 + run / 24;
		between.pinned = false;
		strict_between_set(pin_between);
		assert_int_equal(k_mem_page_out(at(4), RIG_PAGE), 0);
		strict_between_set(NULL);
		pinned += between.pinned;
		if (between.pinned) {
			assert_int_equal(k_mem_page_out(memory, QR_CLUSTER_MAX * RIG_PAGE), 0);
			assert_true(loaded(between.page));
			assert_int_equal(k_mem_unpin(at(between.page), RIG_PAGE), 0);
		}
		get_all(QR_CLUSTER_MAX);
		end();
	}
	assert_true(pinned > 24);
}

/* ---- how much is done in one hold ------------------------------------------------------ */

static uint64_t published, published_most;
static bool held;

/* Called in turn before and after a hold. What is copied between two holds is not in it. */
static void count_entries(void)
{
	const uint64_t now = emu_counters()->published;

	if (held && now - published > published_most) {
		published_most = now - published;
	}
	published = now;
	held = !held;
}

static void count_start(void)
{
	published_most = 0;
	held = false;
	strict_between_set(count_entries);
}

/* Requests of 32 pages: a hold changes the entries of as many pages as fit into a batch. */
static void test_holds_are_bounded(void **state)
{
	const uint32_t pages = CONFIG_MEM_BATCH / QR_CLUSTER_JOIN + 1;
	struct k_mem_paging_stats_t before;

	(void)state;
	map(&large);
	put_all(QR_CLUSTER_MAX);
	for (uint32_t i = 0; i < QR_CLUSTER_MAX; i++) {
		(void)arch_page_bits(at(i), 0, ARCH_DATA_PAGE_ACCESSED);
		arch_mem_flush(at(i), RIG_PAGE);
	}
	count_start();
	assert_int_equal(k_mem_page_out(at(3), RIG_PAGE), 0);
	strict_between_set(NULL);
	assert_int_equal(rig_stats().transfer.writes, 1);
	assert_int_equal(rig_stats().transfer.page_out, QR_CLUSTER_MAX);
	assert_true(published_most > 0 && published_most <= 2 * pages);

	assert_int_equal(k_mem_page_out(memory, QR_CLUSTER_MAX * RIG_PAGE), 0);
	memset(qr_cluster_steps, 6, sizeof(qr_cluster_steps));
	before = rig_stats();
	count_start();
	assert_int_equal(rig_get(at(5)), 6);
	strict_between_set(NULL);
	assert_int_equal(rig_stats().transfer.reads - before.transfer.reads, 1);
	assert_int_equal(rig_stats().transfer.prefetched, QR_CLUSTER_MAX - 1);
	assert_true(published_most > 0 && published_most <= 2 * pages);
	get_all(QR_CLUSTER_MAX);
	end();
}

static void test_cheap_requests(void **state)
{
	static const uint32_t costs[] = {0, 51 /* a fifth of a page */};

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		struct rig cheap = rig;

		cheap.request_cost = costs[i];
		map(&cheap);
		put_all(16);
		age_and_evict(3, 16);
		assert_int_equal(k_mem_page_out(memory, 16 * RIG_PAGE), 0);
		get_all(16);
		assert_int_equal(rig_stats().transfer.writes, 16);
		assert_int_equal(rig_stats().transfer.page_out, 16);
		assert_int_equal(rig_stats().transfer.reads, 16);
		assert_int_equal(rig_stats().transfer.prefetched, 0);
		end();
	}
}

/* ---- errors: requests that touch this slot fail --------------------------------------- */

static struct {
	uint32_t slot;
	enum k_mem_io_op op;
} bad;

static int verdict(void *argument, const struct k_mem_io *io)
{
	(void)argument;
	return io->op == bad.op && bad.slot - io->slot < io->page_count ? -EIO : 0;
}

static uint32_t slot_of(uint32_t page)
{
	return qr_location_slot(ARCH_TOKEN_VALUE(arch_page_token(arch_page_get(at(page)))));
}

static void test_read_error(void **state)
{
	uint64_t word;

	(void)state;
	map(&rig);
	put_all(16);
	assert_int_equal(k_mem_page_out(memory, 16 * RIG_PAGE), 0);
	bad.op = K_MEM_IO_READ;
	bad.slot = slot_of(6);
	rig_store.verdict = verdict;
	/* the wanted page is not concerned, the bad one is where it was */
	assert_int_equal(rig_get(at(5)), 6);
	assert_int_equal(rig_stats().transfer.in_errors, 0);
	assert_int_equal(rig_read(at(6), &word), -EIO);
	assert_int_equal(rig_stats().transfer.in_errors, 1);
	rig_store.verdict = NULL;
	get_all(16);
	end();
}

static void test_write_error(void **state)
{
	(void)state;
	map(&rig);
	put_all(16);
	bad.op = K_MEM_IO_WRITE;
	bad.slot = (uint32_t)(((uintptr_t)at(5) - CONFIG_KERNEL_VM_BASE) / RIG_PAGE) % rig.slots;
	rig_store.verdict = verdict;
	age_and_evict(3, 8);
	assert_false(loaded(3));
	assert_true(loaded(5));
	assert_int_equal(rig_store.retired, 1);
	assert_int_equal(rig_stats().transfer.out_errors, 1);
	assert_int_equal(rig_stats().transfer.kept, 6);
	assert_int_equal(rig_stats().transfer.page_out, 7);
	rig_store.verdict = NULL;
	assert_int_equal(k_mem_page_out(memory, 16 * RIG_PAGE), 0);
	get_all(16);
	end();
}

/* ---- what others do meanwhile ----------------------------------------------------------- */

/* Change, unmap or pin what is being written, pin what is being read. */
static struct {
	enum { CHANGE, PIN, UNMAP } act;
	bool done;
} other;

static bool meanwhile(void *argument)
{
	(void)argument;
	if (other.done || rig_store.in_flight == 0) {
		return false;
	}
	other.done = true;
	if (other.act == CHANGE) {
		rig_put(at(5), 55);
	} else if (other.act == PIN) {
		assert_int_equal(k_mem_pin(at(5), RIG_PAGE), 0);
	} else {
		assert_int_equal(k_mem_unmap(memory, 8 * RIG_PAGE), 0);
	}
	return true;
}

static void write_meanwhile(uint32_t act)
{
	struct rig_counts before;

	rig_start(&rig);
	before = rig_counts();
	memory = k_mem_map(8 * RIG_PAGE, K_MEM_PERM_RW);
	assert_non_null(memory);
	put_all(8);
	rig_store.late = 2;
	other.act = act;
	other.done = false;
	strict_progress_set(meanwhile, NULL);
	age_and_evict(7, 8);
	strict_progress_set(NULL, NULL);
	assert_true(other.done);
	if (act != UNMAP) {
		assert_int_equal(rig_get(at(5)), act == CHANGE ? 55 : 6);
		if (act == PIN) {
			assert_int_equal(k_mem_unpin(at(5), RIG_PAGE), 0);
		}
		assert_int_equal(k_mem_page_out(memory, 8 * RIG_PAGE), 0);
		assert_int_equal(rig_get(at(5)), act == CHANGE ? 55 : 6);
		assert_int_equal(rig_get(at(4)), 5);
		end();
		assert_int_equal(k_mem_unmap(memory, 8 * RIG_PAGE), 0);
	}
	rig_counts_equal(before, rig_counts());
	end();
}

static void test_changed_meanwhile(void **state)
{
	(void)state;
	write_meanwhile(CHANGE);
}

static void test_pinned_meanwhile(void **state)
{
	(void)state;
	write_meanwhile(PIN);
}

static void test_unmapped_meanwhile(void **state)
{
	(void)state;
	write_meanwhile(UNMAP);
}

/* Another CPU writes to the page as soon as its translation is dropped, and again while the request
 * is under way, by what its TLB then holds: the page is to be dirty after that. */
static void write_when_dropped(uintptr_t virt)
{
	uint64_t word = 54;

	if (virt == (uintptr_t)at(5) && !other.done) {
		assert_int_equal(emu_write(virt, &word, sizeof(word), 0), 0);
	}
}

static void test_written_when_dropped(void **state)
{
	(void)state;
	map(&rig);
	put_all(8);
	rig_store.late = 2;
	other.act = CHANGE;
	other.done = false;
	for (uint32_t i = 0; i < 8; i++) {
		(void)arch_page_bits(at(i), 0, ARCH_DATA_PAGE_ACCESSED);
		arch_mem_flush(at(i), RIG_PAGE);
	}
	strict_progress_set(meanwhile, NULL);
	emu_page_drop_hook = write_when_dropped;
	assert_int_equal(k_mem_page_out(at(7), RIG_PAGE), 0);
	emu_page_drop_hook = NULL;
	strict_progress_set(NULL, NULL);
	assert_true(other.done);
	assert_int_equal(rig_stats().transfer.kept, 7);
	assert_int_equal(k_mem_page_out(at(0), 8 * RIG_PAGE), 0);
	assert_int_equal(rig_get(at(5)), 55);
	end();
}

/* Where a page may yet need a slot and there are not enough for all, no page gets one early. */
static void test_no_early_slot_where_they_are_scarce(void **state)
{
	const struct rig scarce = {.frames = 40, .slots = 12, .request_cost = COST};

	(void)state;
	rig_start(&scarce);
	memory = k_mem_map(45 * RIG_PAGE, K_MEM_PERM_RW);
	assert_non_null(memory);
	while (((uintptr_t)memory / RIG_PAGE) % 8 != 0) {
		memory += RIG_PAGE;
	}
	put_all(16);
	age_and_evict(3, 8);
	assert_int_equal(rig_stats().transfer.page_out, 1);
	assert_int_equal(qr_store_table.free_slots, 11);
	end();
}

/* A context that cannot sleep reads its page alone. */
static void test_no_sleep(void **state)
{
	(void)state;
	map(&rig);
	put_all(16);
	assert_int_equal(k_mem_page_out(memory, 16 * RIG_PAGE), 0);
	strict_sleep_allow(false);
	assert_int_equal(rig_get(at(5)), 6);
	assert_int_equal(rig_stats().transfer.prefetched, 0);
	strict_sleep_allow(true);
	get_all(16);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_ahead),
		cmocka_unit_test(test_learns_not_to),
		cmocka_unit_test(test_writes_neighbours),
		cmocka_unit_test(test_early_again),
		cmocka_unit_test(test_writes_over_gaps),
		cmocka_unit_test(test_gap_changed_later),
		cmocka_unit_test(test_gap_is_judged),
		cmocka_unit_test(test_reads_image_ahead),
		cmocka_unit_test(test_image_is_no_gap),
		cmocka_unit_test(test_pinned_between_holds),
		cmocka_unit_test(test_holds_are_bounded),
		cmocka_unit_test(test_cheap_requests),
		cmocka_unit_test(test_read_error),
		cmocka_unit_test(test_write_error),
		cmocka_unit_test(test_changed_meanwhile),
		cmocka_unit_test(test_pinned_meanwhile),
		cmocka_unit_test(test_unmapped_meanwhile),
		cmocka_unit_test(test_written_when_dropped),
		cmocka_unit_test(test_no_early_slot_where_they_are_scarce),
		cmocka_unit_test(test_no_sleep),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
