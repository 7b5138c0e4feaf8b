/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fault.c - fault_read of a port, which is arithmetic on two words, against the words in
 * its golden.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "golden.h"

static void test_golden_faults(void **state)
{
	const uintptr_t address = (uintptr_t)0xffffffff80001234;

	(void)state;
	for (size_t i = 0; i < sizeof(golden_faults) / sizeof(golden_faults[0]); i++) {
		const struct golden_fault *golden = &golden_faults[i];
		struct qr_fault fault;
		bool is_fault = fault_read(address, (uintptr_t)golden->syndrome, &fault);

		assert_int_equal(is_fault, golden->kind >= 0);
		if (is_fault) {
			assert_int_equal((uintptr_t)fault.address, address);
			assert_int_equal(fault.access, golden->access);
			assert_int_equal(fault.kind, golden->kind);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden_faults)};

	return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
