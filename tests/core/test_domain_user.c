/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_domain_user.c - what system calls do with memory that user threads name: validation and
 * copies, each fact as one test, on a CPU that sets accessed and dirty bits and on one that does
 * not.
 */
#include "domain_help.h"

#include <string.h>

static struct k_mem_domain a;
static struct rig_counts before;
static uint8_t *memory; /* page 0 read and write, 1 read only, 2 the kernel's, 3 read and write */
static uint8_t buffer[4 * CONFIG_MMU_PAGE_SIZE];

static void start(void)
{
	const struct rig rig = {.frames = 12, .slots = 100, .software_flags = software};

	rig_start(&rig);
	before = rig_counts();
	domain_start(&a);
	memory = pages_map(4, K_MEM_PERM_RW);
	assert_int_equal(part_add(&a, memory, 1, U_RW), 0);
	assert_int_equal(part_add(&a, memory + RIG_PAGE, 1, U_RO), 0);
	assert_int_equal(part_add(&a, memory + 3 * RIG_PAGE, 1, U_RW), 0);
	k_mem_domain_switch(&a);
	memset(buffer, 0, sizeof(buffer));
}

static void end(void)
{
	pages_unmap(memory, 4);
	domain_end(&a);
	domains_check(before);
}

/* Text at an address of the space, by the kernel. */
static void put(uint8_t *at, const char *text, size_t size)
{
	k_mem_domain_switch(NULL);
	assert_int_equal(emu_write((uintptr_t)at, text, size, 0), 0);
	k_mem_domain_switch(&a);
}

/* ---- validation ------------------------------------------------------------------------ */

static void test_validation_follows_the_current_set(void **state)
{
	(void)state;
	start();
	assert_int_equal(arch_buffer_validate(memory, 2 * RIG_PAGE, 0), 0);
	assert_int_equal(arch_buffer_validate(memory, RIG_PAGE, 1), 0);
	assert_int_equal(arch_buffer_validate(memory, RIG_PAGE + 1, 1), -EACCES);
	assert_int_equal(arch_buffer_validate(memory + 2 * RIG_PAGE - 1, 1, 0), 0);
	assert_int_equal(arch_buffer_validate(memory + 2 * RIG_PAGE - 1, 2, 0), -EACCES);
	assert_int_equal(arch_buffer_validate(memory + 4 * RIG_PAGE - 1, 1, 1), 0);
	assert_int_equal(arch_buffer_validate(memory + 4 * RIG_PAGE - 1, 2, 1), -EFAULT);
	assert_int_equal(arch_buffer_validate((void *)RIG_TEXT, 1, 0), -EACCES);
	k_mem_domain_switch(NULL);
	assert_int_equal(arch_buffer_validate(memory, 1, 0), -EACCES);
	k_mem_domain_switch(&a);
	assert_int_equal(k_mem_page_out(memory, 4 * RIG_PAGE), 0);
	assert_int_equal(arch_buffer_validate(memory, RIG_PAGE, 1), 0); /* wherever it is */
	assert_int_equal(arch_buffer_validate(memory, RIG_PAGE + 1, 1), -EACCES);
	end();
}

static void test_validation_does_not_wrap(void **state)
{
	const uint8_t *zero = NULL;
	size_t to_end;

	(void)state;
	start();
	to_end = SIZE_MAX - (uintptr_t)memory + 1;
	assert_int_equal(arch_buffer_validate(memory, SIZE_MAX, 0), -EFAULT);
	assert_int_equal(arch_buffer_validate(memory, to_end, 0), -EACCES);
	assert_int_equal(arch_buffer_validate(memory, to_end + 1, 0), -EFAULT);
	assert_int_equal(arch_buffer_validate((void *)UINTPTR_MAX, 1, 0), -EFAULT);
	assert_int_equal(arch_buffer_validate((void *)UINTPTR_MAX, 2, 0), -EFAULT);
	assert_int_equal(arch_buffer_validate(zero, 1, 0), -EFAULT);
	assert_int_equal(arch_buffer_validate(zero, 0, 1), 0);
	assert_int_equal(arch_buffer_validate((void *)UINTPTR_MAX, 0, 1), 0);
	/* the core's window, closed or open */
	assert_true(arch_buffer_validate(page_at(SPACE_SCRATCH), 1, 0) < 0);
	assert_int_equal(k_usermode_to_copy(memory, buffer, 1), 0);
	assert_true(arch_buffer_validate(page_at(SPACE_SCRATCH), 1, 0) < 0);
	assert_int_equal(arch_buffer_validate(page_at(SPACE_PAGES), 1, 0), -EFAULT);
	end();
}

/* ---- copies ---------------------------------------------------------------------------- */

static void test_copies_are_judged_by_the_domain(void **state)
{
	(void)state;
	start();
	put(memory + RIG_PAGE, "abc", 4);
	assert_int_equal(k_usermode_from_copy(buffer, memory + RIG_PAGE, 4), 0);
	assert_string_equal((char *)buffer, "abc");
	assert_int_equal(k_usermode_to_copy(memory + RIG_PAGE, buffer, 4), -EACCES);
	assert_int_equal(k_usermode_from_copy(buffer, memory + 2 * RIG_PAGE, 1), -EACCES);
	assert_int_equal(k_usermode_to_copy(memory + 2 * RIG_PAGE, buffer, 1), -EACCES);
	assert_int_equal(k_usermode_from_copy(buffer, memory - 1, 1), -EFAULT);
	assert_int_equal(k_usermode_from_copy(buffer, memory + 4 * RIG_PAGE, 1), -EFAULT);
	assert_int_equal(k_usermode_from_copy(buffer, memory - 1, 0), 0);
	k_mem_domain_switch(NULL);
	assert_int_equal(k_usermode_from_copy(buffer, memory, 1), -EACCES);
	end();
}

static void test_copies_do_not_wrap(void **state)
{
	(void)state;
	start();
	put(memory, "abc", 4);
	memset(buffer, 1, 8);
	assert_int_equal(k_usermode_from_copy(buffer, memory, SIZE_MAX), -EFAULT);
	assert_int_equal(k_usermode_to_copy(memory, buffer, SIZE_MAX), -EFAULT);
	assert_int_equal(buffer[0], 1); /* not even begun */
	assert_int_equal(k_usermode_from_copy(buffer, memory, 4), 0);
	assert_string_equal((char *)buffer, "abc");
	assert_int_equal(k_usermode_from_copy(buffer, (void *)(UINTPTR_MAX - 1), 2), -EFAULT);
	end();
}

/* What was copied before the page that may not be touched stays copied. */
static void test_copy_ends_at_the_first_page_that_refuses(void **state)
{
	(void)state;
	start();
	memset(buffer, 7, sizeof(buffer));
	assert_int_equal(k_usermode_to_copy(memory, buffer, 2 * RIG_PAGE), -EACCES);
	assert_int_equal(rig_get(memory + RIG_PAGE - 8), 0x0707070707070707u);
	memset(buffer, 0, sizeof(buffer));
	assert_int_equal(k_usermode_from_copy(buffer, memory + 8, 2 * RIG_PAGE), -EACCES);
	assert_int_equal(buffer[RIG_PAGE - 9], 7);
	assert_int_equal(buffer[RIG_PAGE - 8], 0); /* of the read-only page */
	assert_int_equal(buffer[2 * RIG_PAGE - 8], 0);
	end();
}

/* Untouched, shared zeros, out, clean and dirty pages: the copy does what the program would. */
static void test_copies_bring_pages(void **state)
{
	uint64_t word = 0;

	(void)state;
	start();
	assert_int_equal(k_usermode_from_copy(&word, memory, sizeof(word)), 0); /* zeros */
	assert_int_equal(word, 0);
	word = 5;
	assert_int_equal(k_usermode_to_copy(memory, &word, sizeof(word)), 0);
	for (uint64_t round = 5; round < 9; round++) {
		uint64_t next = round + 1;

		k_mem_domain_switch(NULL);
		assert_int_equal(k_mem_page_out(memory, 4 * RIG_PAGE), 0);
		k_mem_domain_switch(&a);
		assert_int_equal(k_usermode_from_copy(&word, memory, sizeof(word)), 0);
		assert_int_equal(word, round);
		assert_true(page_what(page_number(memory)) & ARCH_DATA_PAGE_ACCESSED);
		assert_int_equal(k_usermode_to_copy(memory, &next, sizeof(next)), 0);
		assert_true(page_what(page_number(memory)) & ARCH_DATA_PAGE_DIRTY);
		assert_int_equal(k_usermode_to_copy(memory + 3 * RIG_PAGE, &next, sizeof(next)), 0);
	}
	end();
}

static void test_copy_across_many_pages(void **state)
{
	(void)state;
	start();
	for (size_t i = 0; i < sizeof(buffer); i++) {
		buffer[i] = (uint8_t)(i * 31 >> 3);
	}
	assert_int_equal(part_remove(&a, memory + RIG_PAGE, 1), 0);
	assert_int_equal(part_add(&a, memory + RIG_PAGE, 2, U_RW), 0);
	assert_int_equal(k_usermode_to_copy(memory + 5, buffer, 4 * RIG_PAGE - 5), 0);
	memset(buffer, 0, sizeof(buffer));
	assert_int_equal(k_mem_page_out(memory, 4 * RIG_PAGE), 0);
	assert_int_equal(k_usermode_from_copy(buffer, memory + 5, 4 * RIG_PAGE - 5), 0);
	for (size_t i = 0; i < 4 * RIG_PAGE - 5; i++) {
		assert_int_equal(buffer[i], (uint8_t)(i * 31 >> 3));
	}
	end();
}

static int fails(void *argument, const struct k_mem_io *io)
{
	(void)argument;
	(void)io;
	return -EIO;
}

static void test_page_that_cannot_be_read_ends_the_copy(void **state)
{
	uint64_t word = 3;

	(void)state;
	start();
	assert_int_equal(k_usermode_to_copy(memory, &word, sizeof(word)), 0);
	assert_int_equal(k_mem_page_out(memory, RIG_PAGE), 0);
	rig_store.verdict = fails;
	assert_int_equal(k_usermode_from_copy(&word, memory, sizeof(word)), -EIO);
	rig_store.verdict = NULL;
	word = 0;
	assert_int_equal(k_usermode_from_copy(&word, memory, sizeof(word)), 0);
	assert_int_equal(word, 3);
	end();
}

/* ---- strings --------------------------------------------------------------------------- */

/* The limit, not the page, ends what is looked at; and the 0, where a page that may not be read
 * follows. */
static void test_strings_at_the_end_of_what_may_be_read(void **state)
{
	const uint8_t *last = NULL;
	char text[32];
	int err;

	(void)state;
	start();
	/* at the end of page 1 (page 2 is the kernel's): no 0 */
	put(memory + 2 * RIG_PAGE - 5, "abcde", 5);
	last = memory + 2 * RIG_PAGE - 5;
	assert_int_equal(k_usermode_string_copy(text, (const char *)last, 5), -EINVAL);
	assert_int_equal(k_usermode_string_copy(text, (const char *)last, 6), -EACCES);
	assert_int_equal(k_usermode_string_nlen((const char *)last, 5, &err), 5);
	assert_int_equal(err, 0);
	assert_int_equal(k_usermode_string_nlen((const char *)last, 6, &err), 5);
	assert_int_equal(err, -EACCES);
	/* with its 0 the last byte that may be read */
	put(memory + 2 * RIG_PAGE - 5, "abcd", 5);
	assert_int_equal(k_usermode_string_copy(text, (const char *)last, sizeof(text)), 0);
	assert_string_equal(text, "abcd");
	assert_int_equal(k_usermode_string_copy(text, (const char *)last, 4), -EINVAL);
	assert_int_equal(k_usermode_string_nlen((const char *)last, SIZE_MAX, &err), 4);
	assert_int_equal(err, 0);
	assert_int_equal(k_usermode_string_copy(text, (const char *)last, 0), -EINVAL);
	assert_int_equal(k_usermode_string_nlen((const char *)last, 0, &err), 0);
	assert_int_equal(err, 0);
	end();
}

static void test_string_copy_writes_no_more_than_its_limit(void **state)
{
	char text[8];

	(void)state;
	start();
	put(memory, "abcdefghij", 11);
	memset(text, 'x', sizeof(text));
	assert_int_equal(k_usermode_string_copy(text, (const char *)memory, 4), -EINVAL);
	assert_memory_equal(text, "abcdxxxx", 8);
	end();
}

static void test_long_strings_cross_pages(void **state)
{
	const size_t size = RIG_PAGE + 700;
	char *user = (char *)memory + 100;
	int err;

	(void)state;
	start();
	user = (char *)memory + 100;
	memset(buffer, 'q', size);
	put((uint8_t *)user, (char *)buffer, size);
	put((uint8_t *)user + size, "", 1);
	assert_int_equal(k_mem_page_out(memory, 2 * RIG_PAGE), 0);
	assert_int_equal(k_usermode_string_nlen(user, 2 * RIG_PAGE, &err), size);
	assert_int_equal(err, 0);
	assert_int_equal(k_mem_page_out(memory, 2 * RIG_PAGE), 0);
	memset(buffer, 0, sizeof(buffer));
	assert_int_equal(k_usermode_string_copy((char *)buffer, user, size + 1), 0);
	assert_int_equal(strlen((char *)buffer), size);
	assert_int_equal(k_usermode_string_copy((char *)buffer, user, size), -EINVAL);
	end();
}

static void test_strings_nowhere(void **state)
{
	char text[8];
	int err;

	(void)state;
	start();
	assert_int_equal(k_usermode_string_copy(text, (char *)memory - 1, 8), -EFAULT);
	assert_int_equal(k_usermode_string_copy(text, (char *)UINTPTR_MAX, 8), -EFAULT);
	assert_int_equal(k_usermode_string_nlen((char *)memory + 2 * RIG_PAGE, 8, &err), 0);
	assert_int_equal(err, -EACCES);
	assert_int_equal(k_usermode_string_nlen((char *)UINTPTR_MAX, SIZE_MAX, &err), 0);
	assert_int_equal(err, -EFAULT);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_validation_follows_the_current_set),
		cmocka_unit_test(test_validation_does_not_wrap),
		cmocka_unit_test(test_copies_are_judged_by_the_domain),
		cmocka_unit_test(test_copies_do_not_wrap),
		cmocka_unit_test(test_copy_ends_at_the_first_page_that_refuses),
		cmocka_unit_test(test_copies_bring_pages),
		cmocka_unit_test(test_copy_across_many_pages),
		cmocka_unit_test(test_page_that_cannot_be_read_ends_the_copy),
		cmocka_unit_test(test_strings_at_the_end_of_what_may_be_read),
		cmocka_unit_test(test_string_copy_writes_no_more_than_its_limit),
		cmocka_unit_test(test_long_strings_cross_pages),
		cmocka_unit_test(test_strings_nowhere),
	};
	int failed = cmocka_run_group_tests_name("hardware bits", tests, setup_hardware, NULL);

	return failed + cmocka_run_group_tests_name("software bits", tests, setup_software, NULL);
}
