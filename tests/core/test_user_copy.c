/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_user_copy.c - the kernel's side of copies from and to user memory: pageable, out, shared,
 * read-only, or no memory at all. The user's side, and who may what, is in test_domain_user.c.
 *
 * Each test runs on a CPU that sets accessed and dirty bits, and on one that leaves it to software.
 */
#include <string.h>

#include "domain_help.h"

#define FRAMES 24u
#define PAGES  4u
#define RW     K_MEM_PERM_RW
#define USER   K_MEM_PERM_USER

static uint8_t *user, *kernel; /* PAGES each, pageable */
static uint8_t text[PAGES * CONFIG_MMU_PAGE_SIZE];

static void start(void)
{
	rig_start(&(struct rig){.frames = FRAMES, .slots = 256, .software_flags = software});
	user = k_mem_map(PAGES * RIG_PAGE, RW | USER);
	kernel = k_mem_map(PAGES * RIG_PAGE, RW);
	assert_non_null(user);
	assert_non_null(kernel);
	for (size_t i = 0; i < sizeof(text); i++) {
		text[i] = (uint8_t)(i * 31 >> 3 | 1);
	}
}

static void end(void)
{
	assert_int_equal(k_mem_unmap(user, PAGES * RIG_PAGE), 0);
	assert_int_equal(k_mem_unmap(kernel, PAGES * RIG_PAGE), 0);
	rig_check();
}

/* As the kernel, or a program, would. */
static void put(uint8_t *at, const void *bytes, size_t size)
{
	assert_int_equal(emu_write((uintptr_t)at, bytes, size, 0), 0);
}

static void has(const uint8_t *at, const void *bytes, size_t size)
{
	static uint8_t there[sizeof(text)];

	assert_int_equal(emu_read((uintptr_t)at, there, size, 0), 0);
	assert_memory_equal(there, bytes, size);
}

static void out(uint8_t *at, size_t pages)
{
	assert_int_equal(k_mem_page_out(at, pages * RIG_PAGE), 0);
}

static int from_user(uint8_t *dst, const uint8_t *src, size_t size)
{
	return k_usermode_from_copy(dst, src, size);
}

static int to_user(uint8_t *dst, const uint8_t *src, size_t size)
{
	return k_usermode_to_copy(dst, src, size);
}

/* ---- a page that can be had -------------------------------------------------------------- */

static void test_kernel_side_in_the_store(void **state)
{
	(void)state;
	start();
	put(user, "from user", 10);
	put(kernel, "from kernel", 12);
	out(kernel, 1);
	assert_int_equal(to_user(user + 100, kernel, 12), 0);
	has(user + 100, "from kernel", 12);
	out(kernel, 1);
	assert_int_equal(from_user(kernel + 50, user, 10), 0);
	has(kernel, "from kernel", 12); /* beside what was written */
	has(kernel + 50, "from user", 10);
	out(kernel, 1);
	has(kernel + 50, "from user", 10);
	out(user, 1);
	out(kernel, 1);
	assert_int_equal(from_user(kernel + 70, user, 10), 0);
	has(kernel + 70, "from user", 10);
	end();
}

/* Untouched; mapped to the shared zeros; clean, so that software may have to see the write. */
static void test_kernel_side_not_written_yet(void **state)
{
	static const uint8_t zeros[16];

	(void)state;
	start();
	put(user, text, RIG_PAGE);
	assert_int_equal(from_user(kernel, user, 16), 0);
	has(kernel, text, 16);
	assert_int_equal(to_user(user, kernel + RIG_PAGE, 16), 0);
	has(user, zeros, 16);
	assert_int_equal(from_user(kernel + RIG_PAGE, user + 16, 16), 0); /* zeros by now */
	has(kernel + RIG_PAGE, text + 16, 16);
	assert_int_equal(to_user(user, kernel + 2 * RIG_PAGE, 16), 0);
	has(kernel + 3 * RIG_PAGE, zeros, 16); /* the page of zeros is nobody's */
	out(kernel, 2);
	has(kernel, text, 16);
	assert_int_equal(from_user(kernel, user + 32, 16), 0);
	assert_true(page_what(page_number(kernel)) & ARCH_DATA_PAGE_DIRTY);
	out(kernel, 1);
	has(kernel, text + 32, 16);
	end();
}

/* Each side begins elsewhere in its page, and both go on to others. */
static void test_kernel_side_of_many_pages(void **state)
{
	(void)state;
	start();
	for (size_t at = 1; at < 30; at += 7) {
		const size_t size = 3 * RIG_PAGE - 100 - at;

		put(user + at, text, size);
		out(user, PAGES);
		out(kernel, PAGES);
		assert_int_equal(from_user(kernel + 90, user + at, size), 0);
		has(kernel + 90, text, size);
		put(kernel + at, text + 5, size);
		out(user, PAGES);
		out(kernel, PAGES);
		assert_int_equal(to_user(user + 88, kernel + at, size), 0);
		has(user + 88, text + 5, size);
	}
	end();
}

static void test_kernel_side_on_demand_in_the_image(void **state)
{
	const uint64_t word = rig_image_word(2);

	(void)state;
	start();
	assert_int_equal(to_user(user, (uint8_t *)RIG_DEMAND + 2 * RIG_PAGE, 8), 0);
	has(user, &word, 8);
	end();
}

/* Both sides are the same page, the same bytes, or overlap. */
static void test_sides_in_the_same_page(void **state)
{
	(void)state;
	start();
	put(user, text, RIG_PAGE);
	assert_int_equal(from_user(user + 2048, user, 1000), 0);
	has(user + 2048, text, 1000);
	out(user, 1);
	assert_int_equal(to_user(user + 100, user + 2048, 1000), 0);
	has(user + 100, text, 1000);
	out(user, 1);
	assert_int_equal(from_user(user + 2048, user + 2048, 1000), 0);
	has(user + 2048, text, 1000);
	/* never touched: read as zeros, and written */
	assert_int_equal(from_user(user + RIG_PAGE, user + RIG_PAGE + 8, 16), 0);
	assert_int_equal(to_user(user + 2 * RIG_PAGE, user + 2 * RIG_PAGE, 16), 0);
	assert_int_equal(from_user(user + 3, user, 2 * RIG_PAGE), 0);
	out(user, PAGES);
	assert_int_equal(to_user(user, user + 3, 2 * RIG_PAGE), 0);
	end();
}

/* ---- one frame for both ------------------------------------------------------------------ */

static void *locked[FRAMES];
static size_t locked_count;

/* All other frames are pinned. */
static void start_with_one_frame(void)
{
	start();
	put(user, text, PAGES * RIG_PAGE);
	out(user, PAGES);
	locked_count = 0;
	while ((locked[locked_count] = k_mem_map(RIG_PAGE, RW | K_MEM_MAP_LOCK)) != NULL) {
		locked_count++;
	}
	assert_int_equal(k_mem_free_get(), 0);
}

static void end_with_one_frame(void)
{
	while (locked_count > 0) {
		assert_int_equal(k_mem_unmap(locked[--locked_count], RIG_PAGE), 0);
	}
	end();
}

static void test_sides_take_the_only_frame_from_each_other(void **state)
{
	const size_t size = 2 * RIG_PAGE + 300;

	(void)state;
	start_with_one_frame();
	assert_int_equal(from_user(kernel + 77, user + 3, size), 0);
	has(kernel + 77, text + 3, size);
	assert_int_equal(to_user(user + 1001, kernel + 77, size), 0);
	has(user + 1001, text + 3, size);
	assert_int_equal(from_user(kernel + RIG_PAGE - 4, user + 1001, 8), 0);
	has(kernel + RIG_PAGE - 4, text + 3, 8);
	end_with_one_frame();
}

static void test_string_and_its_copy_take_the_only_frame_from_each_other(void **state)
{
	char *at = (char *)user + 60;
	int err;

	(void)state;
	start_with_one_frame();
	put(user + RIG_PAGE + 900, "", 1);
	assert_int_equal(k_usermode_string_copy((char *)kernel + RIG_PAGE - 9, at, sizeof(text)),
			 0);
	has(kernel + RIG_PAGE - 9, text + 60, RIG_PAGE + 840);
	has(kernel + 2 * RIG_PAGE + 831, "", 1);
	assert_int_equal(k_usermode_string_nlen(at, 3 * RIG_PAGE, &err), RIG_PAGE + 840);
	assert_int_equal(err, 0);
	end_with_one_frame();
}

/* ---- no page that can be had ------------------------------------------------------------- */

/* Numbers at which the kernel has nothing: none, guards, unmapped, outside, in no half. */
static uintptr_t nowhere(unsigned int which)
{
	const uintptr_t at[] = {
		0, 8, 0xffe, (uintptr_t)kernel - 8, (uintptr_t)kernel + PAGES * RIG_PAGE,
		(uintptr_t)page_at(SPACE_PAGES / 2), (uintptr_t)1 << 60, (uintptr_t)1 << 63,
		UINTPTR_MAX - 4095, UINTPTR_MAX - 15,
	};

	return which < sizeof(at) / sizeof(at[0]) ? at[which] : 0;
}
#define NOWHERES 10u

static void test_kernel_side_nowhere(void **state)
{
	(void)state;
	start();
	put(user, "abcdefgh", 9);
	for (unsigned int i = 0; i < NOWHERES; i++) {
		uint8_t *at = (uint8_t *)nowhere(i);

		assert_int_equal(from_user(at, user, 8), -EFAULT);
		assert_int_equal(to_user(user, at, 8), -EFAULT);
		assert_int_equal(k_usermode_string_copy((char *)at, (char *)user, 9), -EFAULT);
		out(user, 1);
		assert_int_equal(to_user(user, at, 8), -EFAULT);
		assert_int_equal(from_user(at, user, 8), -EFAULT);
	}
	has(user, "abcdefgh", 9);
	end();
}

static void test_kernel_side_read_only(void **state)
{
	uint8_t *constants = (uint8_t *)RIG_RODATA;
	uint64_t word, now;

	(void)state;
	start();
	put(user, "abcdefgh", 9);
	assert_int_equal(rig_read(constants, &word), 0);
	assert_int_equal(from_user(constants, user, 8), -EACCES);
	assert_int_equal(from_user((uint8_t *)RIG_TEXT, user, 8), -EACCES);
	assert_int_equal(from_user((uint8_t *)RIG_DEMAND, user, 8), -EACCES);
	assert_int_equal(k_usermode_string_copy((char *)constants, (char *)user, 9), -EACCES);
	assert_int_equal(k_mem_update_flags(kernel, PAGES * RIG_PAGE, 0), 0);
	assert_int_equal(from_user(kernel, user, 8), -EACCES);
	assert_int_equal(to_user(user, kernel, 8), 0);
	out(kernel, 1);
	assert_int_equal(from_user(kernel, user, 8), -EACCES);
	assert_int_equal(to_user(user, constants, 8), 0);
	has(user, &word, 8);
	assert_int_equal(rig_read(constants, &now), 0);
	assert_int_equal(now, word);
	end();
}

/* What was copied before the page that cannot be had stays copied. */
static void test_kernel_side_ends_within_the_copy(void **state)
{
	const size_t rest = 2 * RIG_PAGE;
	uint8_t *last = kernel + (PAGES - 2) * RIG_PAGE;

	(void)state;
	start();
	put(user, text, PAGES * RIG_PAGE);
	assert_int_equal(from_user(last, user, rest + 1), -EFAULT);
	has(last, text, rest);
	put(last, text + 9, rest);
	assert_int_equal(to_user(user, last, rest + 1), -EFAULT);
	has(user, text + 9, rest);
	has(user + rest, text + rest, 16);
	end();
}

static int fails(void *argument, const struct k_mem_io *io)
{
	(void)argument;
	(void)io;
	return -EIO;
}

static void test_kernel_side_that_cannot_be_read(void **state)
{
	(void)state;
	start();
	put(user, "of user mode", 13);
	put(kernel, "of the kernel's", 16);
	out(kernel, 1);
	rig_store.verdict = fails;
	assert_int_equal(to_user(user, kernel, 16), -EIO);
	assert_int_equal(from_user(kernel, user, 13), -EIO);
	assert_int_equal(k_usermode_string_copy((char *)kernel, (char *)user, 13), -EIO);
	rig_store.verdict = NULL;
	has(kernel, "of the kernel's", 16);
	has(user, "of user mode", 13);
	assert_int_equal(from_user(kernel, user, 13), 0);
	has(kernel, "of user mode", 13);
	end();
}

/* A device that is not there: the page is, each time, and the access fails. */
static void test_kernel_side_that_never_answers(void **state)
{
	uint8_t *device = NULL;

	(void)state;
	start();
	assert_int_equal(k_mem_map_phys_bare(&device, RIG_DEVICE_PHYS, RIG_PAGE, RW), 0);
	assert_int_equal(to_user(user, device, 8), -ENOMEM);
	assert_int_equal(from_user(device, user, 8), -ENOMEM);
	assert_int_equal(k_mem_unmap_phys_bare(device, RIG_PAGE), 0);
	end();
}

/* The user's side is asked first, and nothing at all where there is nothing to copy. */
static void test_which_error_is_told(void **state)
{
	uint8_t *zero = (uint8_t *)nowhere(0), *last = (uint8_t *)UINTPTR_MAX;

	(void)state;
	start();
	assert_int_equal(from_user(zero, kernel, 8), -EACCES);
	assert_int_equal(to_user(kernel, zero, 8), -EACCES);
	assert_int_equal(from_user((uint8_t *)RIG_RODATA, user - 1, 1), -EFAULT);
	for (unsigned int i = 0; i < NOWHERES; i++) {
		assert_int_equal(from_user((uint8_t *)nowhere(i), zero, 0), 0);
		assert_int_equal(to_user(user, (uint8_t *)nowhere(i), 0), 0);
		assert_int_equal(to_user(last, (uint8_t *)nowhere(i), 0), 0);
		assert_int_equal(k_usermode_string_copy((char *)nowhere(i), (char *)zero, 0),
				 -EINVAL);
	}
	/* the kernel's side wraps: not even begun */
	put(user, text, RIG_PAGE);
	assert_int_equal(from_user(kernel, user, SIZE_MAX - (uintptr_t)user), -EFAULT);
	assert_int_equal(to_user(user, last, 2), -EFAULT);
	assert_int_equal(from_user(last, user, 2), -EFAULT);
	end();
}

/* ---- strings ------------------------------------------------------------------------------ */

static void test_string_to_pageable_memory(void **state)
{
	(void)state;
	start();
	put(user + 10, text, 2000);
	put(user + 2010, "\0secret", 8);
	put(kernel + RIG_PAGE + 1100, "xyz", 4);
	out(user, PAGES);
	out(kernel, PAGES);
	assert_int_equal(k_usermode_string_copy((char *)kernel + RIG_PAGE - 900, (char *)user + 10,
						3000), 0);
	has(kernel + RIG_PAGE - 900, text, 2000);
	/* its 0, and nothing behind it */
	has(kernel + RIG_PAGE + 1100, "\0yz", 4);
	assert_int_equal(k_usermode_string_copy((char *)kernel, (char *)user + 10, 2000), -EINVAL);
	has(kernel, text, 2000);
	end();
}

/* ---- interrupts ------------------------------------------------------------------------------ */

static void test_copy_with_interrupts_masked(void **state)
{
	qr_port_key_t key;

	(void)state;
	start();
	put(user, text, PAGES * RIG_PAGE);
	out(user, PAGES);
	key = qr_port_irq_lock();
	assert_int_equal(from_user(kernel + 5, user, 2 * RIG_PAGE), 0);
	assert_int_equal(to_user(user + 9, kernel + 5, 2 * RIG_PAGE), 0);
	assert_int_equal(to_user(user, (uint8_t *)nowhere(0), 1), -EFAULT);
	qr_port_irq_unlock(key);
	has(user + 9, text, 2 * RIG_PAGE);
	end();
}

/* However much is asked for, and of whom. */
static void test_masked_for_a_bounded_copy_only(void **state)
{
	int err;

	(void)state;
	start();
	put(user, text, PAGES * RIG_PAGE);
	assert_int_equal(from_user(kernel, user, PAGES * RIG_PAGE), 0);
	assert_int_equal(to_user(user, kernel, PAGES * RIG_PAGE), 0);
	assert_int_equal(k_usermode_string_copy((char *)kernel, (char *)user, 2 * RIG_PAGE),
			 -EINVAL);
	assert_int_equal(k_usermode_string_nlen((char *)user, RIG_PAGE, &err), RIG_PAGE);
	assert_int_equal(emu_counters()->copied_max, CONFIG_MEM_USER_COPY);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernel_side_in_the_store),
		cmocka_unit_test(test_kernel_side_not_written_yet),
		cmocka_unit_test(test_kernel_side_of_many_pages),
		cmocka_unit_test(test_kernel_side_on_demand_in_the_image),
		cmocka_unit_test(test_sides_in_the_same_page),
		cmocka_unit_test(test_sides_take_the_only_frame_from_each_other),
		cmocka_unit_test(test_string_and_its_copy_take_the_only_frame_from_each_other),
		cmocka_unit_test(test_kernel_side_nowhere),
		cmocka_unit_test(test_kernel_side_read_only),
		cmocka_unit_test(test_kernel_side_ends_within_the_copy),
		cmocka_unit_test(test_kernel_side_that_cannot_be_read),
		cmocka_unit_test(test_kernel_side_that_never_answers),
		cmocka_unit_test(test_which_error_is_told),
		cmocka_unit_test(test_string_to_pageable_memory),
		cmocka_unit_test(test_copy_with_interrupts_masked),
		cmocka_unit_test(test_masked_for_a_bounded_copy_only),
	};
	int failed = cmocka_run_group_tests_name("hardware bits", tests, setup_hardware, NULL);

	return failed + cmocka_run_group_tests_name("software bits", tests, setup_software, NULL);
}
