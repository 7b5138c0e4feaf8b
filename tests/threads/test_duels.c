/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_duels.c - two or three threads who want the same thing at the same time, a few hundred
 * times, each time switched in another order (fiber.h). Small cases for mistakes that the
 * random threads of test_fibers met too seldom.
 */
#include <tests/core/rig.h>

#include <string.h>

#include <quire/domain.h>

#include <mm/frame.h>
#include <mm/store.h>
#include <tests/core/audit.h>

#include "fiber.h"

#define ORDERS 400u

static struct {
	uint8_t *memory;
	uint8_t *other;
	uint32_t pages;
	int status[FIBERS_MAX];
	uint32_t failures; /* writes that are to fail */
} duel;

/* Accesses as in test_fibers: a fault ends them, so that who is slow tries again. */
#define AGAIN 1000

static int on_fault(const struct qr_fault *fault)
{
	int status = k_mem_page_fault(fault->address, fault->access);

	return status == 0 ? AGAIN : status;
}

static int touch(uint8_t *addr, bool write)
{
	uint64_t word = 1;
	int status;

	do {
		status = write ? emu_write((uintptr_t)addr, &word, sizeof(word), 0)
			       : emu_read((uintptr_t)addr, &word, sizeof(word), 0);
	} while (status == AGAIN);
	return status;
}

static int fail_write(void *argument, const struct k_mem_io *io)
{
	(void)argument;
	if (io->op != K_MEM_IO_WRITE || duel.failures == 0) {
		return 0;
	}
	duel.failures--;
	return -EIO;
}

static void start(uint32_t frames, uint32_t slots)
{
	static uint32_t starts;
	const struct rig rig = {.frames = frames, .slots = slots, .ram = RIG_RAM(starts++)};

	memset(&duel, 0, sizeof(duel));
	rig_start(&rig);
	emu_fault = on_fault;
	rig_store.late = 2;
	rig_image_store.late = 2;
	rig_store.verdict = fail_write;
}

static uint8_t *map(uint32_t pages, uint32_t flags)
{
	void *memory = NULL;

	assert_int_equal(k_mem_map_anon(&memory, pages * RIG_PAGE, flags), 0);
	return memory;
}

static void end(void)
{
	const char *wrong = audit();

	if (wrong != NULL) {
		fail_msg("%s", wrong);
	}
	rig_check();
}

/* ---- two unmap the same region ---------------------------------------------------------- */

static void unmap(unsigned int self)
{
	duel.status[self] = k_mem_unmap(duel.memory, duel.pages * RIG_PAGE);
}

static void test_one_of_two_unmaps(void **state)
{
	(void)state;
	for (uint32_t order = 0; order < ORDERS; order++) {
		struct rig_counts before;

		start(4, 300);
		before = rig_counts();
		duel.pages = 3 * CONFIG_MEM_BATCH + 1;
		duel.memory = map(duel.pages, K_MEM_PERM_RW);
		fibers_run(2, unmap, order);
		assert_int_equal(duel.status[0] + duel.status[1], -EINVAL);
		rig_counts_equal(before, rig_counts());
		end();
	}
}

/* ---- two write out the same page, and it cannot be written --------------------------------- */

static void page_out(unsigned int self)
{
	duel.status[self] = k_mem_page_out(duel.memory, RIG_PAGE);
}

static void test_waiting_for_a_write_that_fails(void **state)
{
	(void)state;
	for (uint32_t order = 0; order < ORDERS; order++) {
		start(4, 8);
		duel.memory = map(1, K_MEM_PERM_RW);
		assert_int_equal(touch(duel.memory, true), 0);
		duel.failures = 1;
		fibers_run(3, page_out, order);
		/* one of them met the failure; the next one wrote the page, to another slot */
		assert_int_equal(duel.status[0] + duel.status[1] + duel.status[2], -EIO);
		assert_int_equal(rig_counts().slots_retired, 1);
		assert_int_equal(rig_counts().slots_reserved, 1);
		end();
	}
}

/* ---- a write fails while the page is read --------------------------------------------------- */

static void write_out_or_read(unsigned int self)
{
	duel.status[self] = self == 0 ? k_mem_page_out(duel.memory, RIG_PAGE)
				      : touch(duel.memory, false);
}

static void test_failed_write_of_a_page_in_use(void **state)
{
	(void)state;
	for (uint32_t order = 0; order < ORDERS; order++) {
		uint64_t word = 0;

		start(4, 8);
		duel.memory = map(1, K_MEM_PERM_RW);
		assert_int_equal(touch(duel.memory, true), 0);
		rig_store.late = 6;
		duel.failures = 1;
		fibers_run(2, write_out_or_read, order);
		assert_int_equal(duel.status[1], 0);
		duel.failures = 0;
		rig_store.late = 0;
		assert_int_equal(k_mem_page_out(duel.memory, RIG_PAGE), 0);
		emu_fault = NULL;
		assert_int_equal(k_mem_page_fault(duel.memory, 0), 0);
		assert_int_equal(emu_read((uintptr_t)duel.memory, &word, sizeof(word), 0), 0);
		assert_int_equal(word, 1);
		end();
	}
}

/* ---- more faults than frames ---------------------------------------------------------------- */

static void fault_or_page_out(unsigned int self)
{
	uint8_t *page = duel.memory + self * RIG_PAGE;

	for (unsigned int i = 0; i < 3; i++) {
		duel.status[self] |= touch(page, true);
		if ((self + i) % 2 == 0) {
			duel.status[self] |= k_mem_page_out(page, RIG_PAGE);
		}
	}
}

static void test_more_faults_than_frames(void **state)
{
	(void)state;
	for (uint32_t order = 0; order < ORDERS; order++) {
		start(1, 8);
		duel.memory = map(4, K_MEM_PERM_RW);
		fibers_run(4, fault_or_page_out, order);
		for (unsigned int i = 0; i < 4; i++) {
			assert_int_equal(duel.status[i], 0);
		}
		end();
	}
}

/* ---- the right to write goes while the page comes in -------------------------------------- */

/* Does the page look changed and yet need no slot, because it is said to be in the image? */
static bool is_dirty_image(const void *memory)
{
	arch_page_t now = arch_page_get(memory);
	uint64_t word;

	if (!(now & ARCH_DATA_PAGE_LOADED) || !(now & ARCH_DATA_PAGE_DIRTY)) {
		return false;
	}
	word = qr_frames[qr_frame_of(arch_page_phys(now))];
	return (word & QR_FRAME_BACKED) && qr_location_image(qr_frame_location(word));
}

static void write_or_forbid(unsigned int self)
{
	duel.status[self] = self == 0 ? touch(duel.memory, true)
				      : k_mem_update_flags(duel.memory, RIG_PAGE, 0);
}

static void test_right_that_goes_while_the_page_comes(void **state)
{
	uint32_t refused = 0;

	(void)state;
	for (uint32_t order = 0; order < ORDERS; order++) {
		const uintptr_t image = K_MEM_LOCATION(RIG_STORE_IMAGE, 2);
		uint64_t word = 0;
		void *memory;

		start(4, 8);
		assert_int_equal(k_mem_map_stored(&memory, image, RIG_PAGE, K_MEM_PERM_RW), 0);
		duel.memory = memory;
		fibers_run(2, write_or_forbid, order);
		assert_int_equal(duel.status[1], 0);
		assert_true(duel.status[0] == 0 || duel.status[0] == -EACCES);
		refused += duel.status[0] == -EACCES;
		assert_false(is_dirty_image(memory));
		/* out and in: it is what it was, written or not */
		assert_int_equal(k_mem_page_out(memory, RIG_PAGE), 0);
		assert_int_equal(k_mem_page_in(memory, RIG_PAGE), 0);
		assert_int_equal(emu_read((uintptr_t)memory, &word, sizeof(word), 0), 0);
		assert_int_equal(word, duel.status[0] == 0 ? 1 : rig_image_word(2));
		end();
	}
	assert_true(refused > 0 && refused < ORDERS);
}

/* ---- slots come back while others are promised them --------------------------------------- */

static void unmap_or_map(unsigned int self)
{
	if (self == 0) {
		unmap(self);
		return;
	}
	while (k_mem_map_anon((void **)&duel.other, duel.pages * RIG_PAGE, K_MEM_PERM_RW) != 0) {
		fibers_yield();
	}
	for (uint32_t i = 0; i < duel.pages; i++) {
		duel.status[self] |= touch(duel.other + i * RIG_PAGE, true);
	}
}

static void test_slots_come_back_before_they_are_promised(void **state)
{
	/* so few that all pages are unmapped in one hold (mm/unmap.c) */
	const uint32_t frames = 2, slots = 34;

	(void)state;
	for (uint32_t order = 0; order < ORDERS; order++) {
		start(frames, slots);
		rig_store.late = 0;
		duel.pages = frames + slots - 1;
		duel.memory = map(duel.pages, K_MEM_PERM_RW);
		for (uint32_t i = 0; i < duel.pages; i++) {
			assert_int_equal(touch(duel.memory + i * RIG_PAGE, true), 0);
		}
		fibers_run(2, unmap_or_map, order);
		assert_int_equal(duel.status[0], 0);
		assert_int_equal(duel.status[1], 0);
		end();
	}
}

/* ---- a page that nobody has written is opened while others move it ------------------------ */

static struct k_mem_domain domain;

static void open_or_move(unsigned int self)
{
	const size_t size = duel.pages * RIG_PAGE;
	const struct k_mem_partition part = {(uintptr_t)duel.memory, size,
					     K_MEM_PARTITION_P_RW_U_RW};

	switch (self) {
	case 0:
		duel.status[0] = duel.other == NULL
					 ? k_mem_domain_add_partition(&domain, &part)
					 : k_mem_update_flags(duel.memory, size,
							      K_MEM_PERM_RW | K_MEM_PERM_USER);
		return;
	case 1:
		duel.status[1] = k_mem_page_in(duel.memory, size);
		return;
	case 2:
		duel.status[2] = k_mem_pin(duel.memory + RIG_PAGE, RIG_PAGE);
		return;
	default:
		for (uint32_t i = 0; i < duel.pages; i++) {
			duel.status[3] |= touch(duel.memory + i * RIG_PAGE, false);
		}
		duel.status[3] |= k_mem_page_out(duel.memory + 2 * RIG_PAGE, RIG_PAGE);
	}
}

static int user_reads(const uint8_t *addr, uint64_t *word)
{
	int status;

	do {
		status = emu_read((uintptr_t)addr, word, sizeof(*word), K_MEM_FAULT_USER);
	} while (status == AGAIN);
	return status;
}

static void open_in_order(uint32_t order)
{
	start(7, 20);
	duel.pages = 4;
	duel.memory = map(6, K_MEM_PERM_RW | K_MEM_MAP_LOCK);
	for (uint32_t i = 0; i < 6; i++) {
		assert_int_equal(touch(duel.memory + i * RIG_PAGE, true), 0);
	}
	assert_int_equal(k_mem_unmap(duel.memory, 6 * RIG_PAGE), 0);
	duel.memory = map(duel.pages, K_MEM_PERM_RW | K_MEM_MAP_UNINIT);
	duel.other = order % 2 == 0 ? NULL : duel.memory;
	assert_int_equal(k_mem_domain_init(&domain, 0, NULL), 0);
	fibers_run(4, open_or_move, order);
	k_mem_domain_switch(&domain);
	for (uint32_t i = 0; i < duel.pages; i++) {
		uint64_t word = 1;

		assert_int_equal(duel.status[i], 0);
		assert_int_equal(user_reads(duel.memory + i * RIG_PAGE, &word), 0);
		assert_int_equal(word, 0);
	}
	k_mem_domain_switch(NULL);
	assert_int_equal(k_mem_domain_deinit(&domain), 0);
	end();
}

static void test_untouched_pages_are_opened_while_others_move_them(void **state)
{
	(void)state;
	for (uint32_t order = 0; order < ORDERS; order++) {
		open_in_order(order);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_of_two_unmaps),
		cmocka_unit_test(test_waiting_for_a_write_that_fails),
		cmocka_unit_test(test_failed_write_of_a_page_in_use),
		cmocka_unit_test(test_more_faults_than_frames),
		cmocka_unit_test(test_right_that_goes_while_the_page_comes),
		cmocka_unit_test(test_slots_come_back_before_they_are_promised),
		cmocka_unit_test(test_untouched_pages_are_opened_while_others_move_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
