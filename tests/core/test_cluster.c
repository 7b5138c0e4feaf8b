/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cluster.c - several pages in one request: what goes together, what it is counted as,
 * what an error of a request costs, and what others may do to its pages meanwhile.
 */
#include "rig.h"

#include <mm/charge.h>
#include <mm/frame.h>
#include <mm/store.h>

#include "audit.h"

#define PAGES 64u
#define COST  (4u * 256)

static const struct rig rig = {.frames = 40, .slots = 256, .request_cost = COST};

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

/* Early once in a stay: who is changed after that is written when it goes. */
static void test_early_once(void **state)
{
	(void)state;
	map(&rig);
	put_all(8);
	age_and_evict(0, 8);
	assert_int_equal(rig_stats().transfer.page_out, 8);
	for (uint32_t i = 1; i < 8; i++) {
		rig_put(at(i), i + 1);
	}
	age_and_evict(1, 8);
	assert_int_equal(rig_stats().transfer.page_out, 9);
	assert_int_equal(rig_stats().transfer.kept_again, 1);
	get_all(8);
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
		cmocka_unit_test(test_early_once),
		cmocka_unit_test(test_cheap_requests),
		cmocka_unit_test(test_read_error),
		cmocka_unit_test(test_write_error),
		cmocka_unit_test(test_changed_meanwhile),
		cmocka_unit_test(test_pinned_meanwhile),
		cmocka_unit_test(test_unmapped_meanwhile),
		cmocka_unit_test(test_no_sleep),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
