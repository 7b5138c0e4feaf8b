/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_newlib.c - a host that was compiled with newlib's <errno.h>, and a library that was
 * compiled with none. What the two say to each other are numbers of Quire's own.
 */
#include <errno.h>

#include "tests/core/liar.h"
#include "tests/core/rig.h"
#include "tests/unit/parts_help.h"

#define PAGES 24u

_Static_assert(EINPROGRESS == 119 && ENOTSUP == 134 && ENOSYS == 88, "this is newlib's");
_Static_assert(K_MEM_IO_TAKEN != -EINPROGRESS && K_MEM_ENOTSUP != ENOTSUP, "and not Quire's");

static uint8_t *area;

static void page_round_trip(int taken)
{
	const struct rig rig = {.frames = 8, .slots = 32};

	rig_start(&rig);
	liar_start(RIG_STORE_PAGING);
	liar.taken = taken;
	area = k_mem_map(PAGES * RIG_PAGE, K_MEM_PERM_RW);
	assert_non_null(area);
	for (uint64_t round = 1; round < 4; round++) {
		for (uint32_t page = 0; page < PAGES; page++) {
			rig_put(area + page * RIG_PAGE, round << 32 | page);
		}
		for (uint32_t page = 0; page < PAGES; page++) {
			assert_int_equal(rig_get(area + page * RIG_PAGE), round << 32 | page);
		}
	}
	assert_true(rig_store.writes > PAGES);
	assert_int_equal(rig_store.retired, 0);
	assert_int_equal(k_mem_unmap(area, PAGES * RIG_PAGE), 0);
	rig_check();
}

static void pages_go_out_and_come_back(void **state)
{
	(void)state;
	page_round_trip(K_MEM_IO_TAKEN);
}

static void a_driver_that_says_einprogress(void **state)
{
	(void)state;
	page_round_trip(-EINPROGRESS);
}

static void errors_mean_the_same(void **state)
{
	const struct rig rig = {.frames = 8, .slots = 32};
	void *addr;

	(void)state;
	rig_start(&rig);
	assert_int_equal(k_mem_map_anon(&addr, 1, K_MEM_PERM_RW), -EINVAL);
	assert_int_equal(k_mem_map_anon(&addr, 64 * RIG_PAGE, K_MEM_PERM_RW), -ENOMEM);
	assert_int_equal(rig_write((void *)(RIG_RODATA + 64 * RIG_PAGE), 1), -EFAULT);
	assert_int_equal(rig_write((void *)RIG_RODATA, 1), -EACCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_go_out_and_come_back),
		cmocka_unit_test(a_driver_that_says_einprogress),
		cmocka_unit_test(errors_mean_the_same),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
