/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_options.c - the kernel's command line: which word is taken, and what is a number.
 */
#include "kernel/kernel.h"
#include "kernel/main.h"

#include "parts_help.h"

static const char *line;

const char *kernel_command_line(void)
{
	return line;
}

static void test_the_first_word_with_the_key(void **state)
{
	char value[8];

	(void)state;
	line = "kernel.elf tick=0  frames=96 frames=97 xframes=1 policy=longest";
	assert_int_equal(kernel_option_number("frames", 1), 96);
	assert_int_equal(kernel_option_number("frame", 1), 1);
	assert_int_equal(kernel_option_number("rames", 1), 1);
	assert_true(kernel_option("policy", value, sizeof(value)));
	assert_string_equal(value, "longest");
	assert_true(kernel_option("policy", value, 4));
	assert_string_equal(value, "lon");
	assert_false(kernel_option("policy", value, 0));
	assert_false(kernel_option("kernel.elf", value, sizeof(value)));
}

static void test_what_is_no_number(void **state)
{
	static const char *const lines[] = {
		"", "n", "n=", "n= 1", "n=0x", "n=-1", "n=+1", "n=1a", "n=0xg", "n=1.", "m=1",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		line = lines[i];
		assert_int_equal(kernel_option_number("n", 7), 7);
		assert_int_equal(kernel_option_count("n", 7), 7);
	}
}

/* It does not become another, smaller number. */
static void test_a_number_too_large_is_the_largest(void **state)
{
	static const char *const lines[] = {
		"n=18446744073709551616", "n=99999999999999999999999999999999999999999",
		"n=0x10000000000000000", "n=18446744073709551615", "n=0xffffFFFFffffFFFF",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		line = lines[i];
		assert_true(kernel_option_number("n", 7) == UINT64_MAX);
		assert_int_equal(kernel_option_count("n", 7), UINT32_MAX);
	}
	line = "n=18446744073709551614";
	assert_true(kernel_option_number("n", 7) == UINT64_MAX - 1);
	line = "n=4294967296";
	assert_int_equal(kernel_option_number("n", 7), 1ull << 32);
	assert_int_equal(kernel_option_count("n", 7), UINT32_MAX);
	line = "n=4294967294";
	assert_int_equal(kernel_option_count("n", 7), UINT32_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_word_with_the_key),
		cmocka_unit_test(test_what_is_no_number),
		cmocka_unit_test(test_a_number_too_large_is_the_largest),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
