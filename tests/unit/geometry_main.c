/* SPDX-License-Identifier: Apache-2.0 */
/* geometry_main.c - runs the configurations of test_geometry.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "geometry.h"

enum { CONFIGURATIONS_MAX = 64 };
static struct CMUnitTest tests[CONFIGURATIONS_MAX];
static size_t test_count;

void geometry_add(const char *name, void (*test)(void **state))
{
	if (test_count < CONFIGURATIONS_MAX) {
		tests[test_count++] = (struct CMUnitTest){.name = name, .test_func = test};
	}
}

int main(void)
{
	return _cmocka_run_group_tests("geometry", tests, test_count, NULL, NULL);
}
