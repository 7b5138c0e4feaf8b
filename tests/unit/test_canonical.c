/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_canonical.c - x86_64's user_copy, which is told by no page fault of an address that is not
 * canonical (exception 13), so it looks itself. Which addresses these are depends on the levels of
 * tables that the build has, not on the host that runs this: where the copy goes on to touch
 * one, it ends in a signal here.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <quire/fault.h>

#include "entry.h"

#define BIT(n) ((uintptr_t)1 << (n))

struct qr_fault qr_user_fault;
extern uint8_t mmu_smap;
uint8_t mmu_smap; /* 0: no STAC and CLAC, which are the kernel's */

static sigjmp_buf back;

static void on_signal(int number)
{
	(void)number;
	siglongjmp(back, 1);
}

/* Was the memory at `at` touched, or said to be none? */
static bool touches(uintptr_t at, bool write)
{
	static uint8_t buffer[16];
	const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_NODEFER};
	size_t left;

	assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
	assert_int_equal(sigaction(SIGBUS, &action, NULL), 0);
	if (sigsetjmp(back, 1) != 0) {
		return true;
	}
	qr_user_fault = (struct qr_fault){.address = NULL};
	left = write ? user_copy((void *)at, buffer, sizeof(buffer))
		     : user_copy(buffer, (const void *)at, sizeof(buffer));
	assert_int_equal(left, sizeof(buffer));
	assert_ptr_equal(qr_user_fault.address, (void *)at);
	assert_int_equal(qr_user_fault.access, write ? K_MEM_FAULT_WRITE : 0);
	return false;
}

static void test_what_the_tables_reach_is_touched(void **state)
{
	const uintptr_t half = BIT(ENTRY_VA_BITS - 1);

	(void)state;
	for (unsigned int write = 0; write < 2; write++) {
		assert_true(touches(half - 4096, write));
		assert_true(touches(half / 2, write));
		assert_true(touches(-half, write));
		assert_true(touches(-half + BIT(40), write));
		assert_true(touches(UINTPTR_MAX - 4095, write));
	}
}

static void test_what_no_table_reaches_is_a_fault(void **state)
{
	const uintptr_t half = BIT(ENTRY_VA_BITS - 1);

	(void)state;
	for (unsigned int write = 0; write < 2; write++) {
		assert_false(touches(half, write));
		assert_false(touches(2 * half, write));
		assert_false(touches(-half - 16, write));
		assert_false(touches(BIT(60), write));
		assert_false(touches(BIT(63), write));
	}
}

static void test_bytes_are_copied(void **state)
{
	char to[24] = "";

	(void)state;
	assert_int_equal(user_copy(to, "words and a few bytes", 22), 0);
	assert_string_equal(to, "words and a few bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_the_tables_reach_is_touched),
		cmocka_unit_test(test_what_no_table_reaches_is_a_fault),
		cmocka_unit_test(test_bytes_are_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
