/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fail.c - each scenario is played with its n-th transfer failing, for every n until none
 * is left to fail; then with all from the n-th on; then with the n-th slot refused; and with
 * every number of frames. Each time: whoever asked is told, or served another way; what was
 * written is there when the trouble is over; and after everything was unmapped nothing is
 * missing but the slots that failed.
 */
#include "rig.h"

#include <tests/unit/parts_help.h>

#include <mm/store.h>

#include "audit.h"

#define PAGES_MAX 24u
#define N_MAX     400u

/* ---- what fails ---------------------------------------------------------------------- */

enum trouble { NONE, READ, WRITE, SLOT };

static struct {
	enum trouble kind;
	unsigned long at;    /* the n-th, counted from 1 */
	bool for_ever;       /* and all after it */
	unsigned long seen;
	unsigned long struck;
} trouble;

static bool strikes(enum trouble kind)
{
	if (trouble.kind != kind) {
		return false;
	}
	trouble.seen++;
	if (trouble.seen == trouble.at || (trouble.for_ever && trouble.seen > trouble.at)) {
		trouble.struck++;
		return true;
	}
	return false;
}

static int verdict(void *argument, const struct k_mem_io *io)
{
	(void)argument;
	return strikes(io->op == K_MEM_IO_READ ? READ : WRITE) ? -EIO : 0;
}

static const struct k_mem_store_ops *slot_ops;

static int reserve(void *context, uint32_t *slot)
{
	return strikes(SLOT) ? -ENOSPC : slot_ops->reserve(context, slot);
}

static void trouble_install(void)
{
	static struct k_mem_store_ops ops;

	slot_ops = rig_store.inner.ops;
	ops = *slot_ops;
	ops.reserve = reserve;
	rig_store.inner.ops = &ops;
	rig_store.verdict = verdict;
	rig_image_store.verdict = verdict;
}

/* ---- memory that remembers ------------------------------------------------------------- */

static struct {
	uint8_t *addr;
	uint32_t pages;
	uint64_t word[PAGES_MAX]; /* what each page's word is */
} area;

static unsigned long refused; /* calls that ended with an error */
static uint64_t stamp;

/* A call failed: that must be because of the trouble. */
static bool failed(int status)
{
	if (status == 0) {
		return false;
	}
	if (trouble.struck == 0) {
		fail_msg("error %d without a failure", status);
	}
	assert_true(status == -EIO || status == -ENOMEM);
	refused++;
	return true;
}

/* An access: a page that could not be read is -EIO, one that found no frame -ENOMEM. */
static bool access_failed(int status)
{
	if (!failed(status)) {
		return false;
	}
	assert_int_equal(status, trouble.kind == READ ? -EIO : -ENOMEM);
	return true;
}

static void area_put(uint32_t page)
{
	if (!access_failed(rig_write(area.addr + page * RIG_PAGE + 8, ++stamp))) {
		area.word[page] = stamp;
	}
}

static void area_get(uint32_t page)
{
	uint64_t word;

	if (!access_failed(rig_read(area.addr + page * RIG_PAGE + 8, &word))) {
		assert_int_equal(word, area.word[page]);
	}
}

/* Each page, in an order that eviction does not like. */
static void area_each(void (*visit)(uint32_t page))
{
	for (uint32_t i = 0; i < area.pages; i++) {
		visit(i * 7 % area.pages);
	}
}

static void area_map(uint32_t pages)
{
	area.pages = pages;
	area.addr = k_mem_map(pages * RIG_PAGE, K_MEM_PERM_RW);
	assert_non_null(area.addr);
	for (uint32_t i = 0; i < pages; i++) {
		area.word[i] = 0;
	}
}

static void area_map_image(uint32_t pages)
{
	uintptr_t location = K_MEM_LOCATION(RIG_STORE_IMAGE, 5);

	area.pages = pages;
	area.addr = k_mem_map_unpaged(location, pages * RIG_PAGE, K_MEM_PERM_RW);
	assert_non_null(area.addr);
	for (uint32_t i = 0; i < pages; i++) {
		area.word[i] = rig_image_word(5 + i);
	}
}

/* The trouble is over: everything is as it was written. */
static void area_end(void)
{
	enum trouble kind = trouble.kind;

	trouble.kind = NONE;
	area_each(area_get);
	assert_int_equal(k_mem_unmap(area.addr, area.pages * RIG_PAGE), 0);
	area.addr = NULL;
	trouble.kind = kind;
}

/* ---- scenarios ----------------------------------------------------------------------- */

static void touch_and_evict(void)
{
	area_map(12);
	for (uint32_t round = 0; round < 3; round++) {
		area_each(area_put);
		area_each(area_get);
	}
	area_end();
}

static void lock_against_lazy(void)
{
	void *lock;
	int status;

	area_map(10);
	area_each(area_put);
	status = k_mem_map_anon(&lock, 4 * RIG_PAGE, K_MEM_PERM_RW | K_MEM_MAP_LOCK);
	if (!failed(status)) {
		assert_int_equal(rig_get((uint8_t *)lock + 3 * RIG_PAGE), 0);
		area_each(area_get);
		assert_int_equal(k_mem_unmap(lock, 4 * RIG_PAGE), 0);
	}
	area_end();
}

static void ranges(void)
{
	area_map(10);
	area_each(area_put);
	(void)failed(k_mem_page_out(area.addr, 10 * RIG_PAGE));
	(void)failed(k_mem_page_in(area.addr, 5 * RIG_PAGE));
	area_each(area_put);
	if (failed(k_mem_pin(area.addr + RIG_PAGE, 4 * RIG_PAGE))) {
		assert_int_equal(rig_counts().charge_pinned, 0);
	} else {
		area_each(area_get);
		for (uint32_t i = 1; i < 5; i++) {
			unsigned long faults = rig_stats().pagefaults.cnt;

			area_get(i);
			assert_int_equal(faults, rig_stats().pagefaults.cnt);
		}
		assert_int_equal(k_mem_unpin(area.addr, 10 * RIG_PAGE), 0);
	}
	(void)failed(k_mem_page_out(area.addr, 10 * RIG_PAGE));
	area_end();
}

static void stored(void)
{
	area_map_image(10);
	area_each(area_get);
	area_each(area_put);
	(void)failed(k_mem_page_out(area.addr, 10 * RIG_PAGE));
	area_each(area_get);
	for (uint32_t frame = 0; frame < 8; frame++) {
		int status = k_mem_page_frame_evict(rig_phys + frame * RIG_PAGE);

		assert_true(status == -EBUSY || status == 0 || failed(status));
	}
	area_each(area_get);
	area_end();
}

/* A second thread unmaps one area while a transfer for it is under way, or for another. */
static uint8_t *second;

static bool unmap_second(void *argument)
{
	(void)argument;
	if (second == NULL) {
		return false;
	}
	assert_int_equal(k_mem_unmap(second, 3 * RIG_PAGE), 0);
	second = NULL;
	return true;
}

static void unmap_meanwhile(void)
{
	uint8_t *addr;

	rig_store.late = 2;
	area_map(6);
	for (uint32_t round = 0; round < 3; round++) {
		second = addr = k_mem_map(3 * RIG_PAGE, K_MEM_PERM_RW);
		assert_non_null(addr);
		for (uint32_t i = 0; i < 3; i++) {
			(void)access_failed(rig_write(addr + i * RIG_PAGE, i));
			area_put(2 * i);
			area_put(2 * i + 1);
		}
		strict_progress_set(unmap_second, NULL);
		for (uint32_t i = 0; i < 3; i++) {
			uint64_t word;
			int status = rig_read(addr + i * RIG_PAGE, &word);

			if (status != -EFAULT || second != NULL) {
				(void)access_failed(status);
			}
		}
		area_each(area_get);
		strict_progress_set(NULL, NULL);
		(void)unmap_second(NULL);
	}
	rig_store.late = 0;
	area_end();
}

static const struct {
	const char *name;
	void (*play)(void);
} scenario[] = {
	{"touch and evict", touch_and_evict},
	{"lock against lazy", lock_against_lazy},
	{"ranges", ranges},
	{"stored", stored},
	{"unmap meanwhile", unmap_meanwhile},
};

/* ---- playing ------------------------------------------------------------------------- */

static void play(uint32_t which, const struct rig *rig)
{
	struct rig_counts before;
	const char *wrong;

	rig_start(rig);
	trouble.seen = trouble.struck = 0;
	trouble_install();
	refused = 0;
	before = rig_counts();
	scenario[which].play();
	wrong = audit();
	if (wrong != NULL) {
		fail_msg("%s, trouble %d at %lu: %s", scenario[which].name, trouble.kind,
			 trouble.at, wrong);
	}
	before.slots_retired = rig_store.retired;
	rig_counts_equal(before, rig_counts());
	rig_check();
	if (trouble.kind == WRITE) {
		assert_int_equal(rig_store.retired, trouble.struck);
	} else {
		assert_int_equal(rig_store.retired, 0);
	}
}

/* Fail the n-th for every n; how many there were. */
static unsigned long play_all(uint32_t which, enum trouble kind, bool for_ever,
			      const struct rig *rig)
{
	unsigned long n = 0;

	do {
		n++;
		assert_in_range(n, 1, N_MAX);
		trouble.kind = kind;
		trouble.at = n;
		trouble.for_ever = for_ever;
		play(which, rig);
		if (trouble.struck == 1 && kind == READ) {
			assert_int_equal(refused, 1); /* who asked, and nobody else */
		}
		if (trouble.struck == 1 && kind == WRITE && !for_ever && which == 0) {
			assert_int_equal(refused, 0); /* another victim */
		}
	} while (trouble.struck > 0);
	trouble.kind = NONE;
	return n - 1;
}

static void each_scenario(enum trouble kind, bool for_ever)
{
	struct rig rig = {.frames = 8, .slots = 40};
	unsigned long failures = 0;

	for (uint32_t which = 0; which < COUNT(scenario); which++) {
		rig.ram = RIG_RAM(which + (for_ever ? 1 : 0));
		failures += play_all(which, kind, for_ever, &rig);
	}
	assert_in_range(failures, 20, COUNT(scenario) * N_MAX);
}

static void test_one_read_fails(void **state)
{
	(void)state;
	each_scenario(READ, false);
}

static void test_one_write_fails(void **state)
{
	(void)state;
	each_scenario(WRITE, false);
}

static void test_one_slot_is_refused(void **state)
{
	(void)state;
	each_scenario(SLOT, false);
}

static void test_reads_fail_from_some_time_on(void **state)
{
	(void)state;
	each_scenario(READ, true);
}

static void test_writes_fail_from_some_time_on(void **state)
{
	(void)state;
	each_scenario(WRITE, true);
}

static void test_slots_are_refused_from_some_time_on(void **state)
{
	(void)state;
	each_scenario(SLOT, true);
}

/* Without trouble, and with as few frames as the charge allows and up: nobody is refused. */
static void test_any_number_of_frames(void **state)
{
	(void)state;
	for (uint32_t which = 0; which < COUNT(scenario); which++) {
		for (uint32_t frames = 8; frames < 24; frames++) {
			const struct rig rig = {
				.frames = frames, .slots = 40, .ram = RIG_RAM(which + frames)};

			play(which, &rig);
			assert_int_equal(refused, 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_number_of_frames),
		cmocka_unit_test(test_one_read_fails),
		cmocka_unit_test(test_one_write_fails),
		cmocka_unit_test(test_one_slot_is_refused),
		cmocka_unit_test(test_reads_fail_from_some_time_on),
		cmocka_unit_test(test_writes_fail_from_some_time_on),
		cmocka_unit_test(test_slots_are_refused_from_some_time_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
