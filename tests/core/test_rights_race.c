/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_rights_race.c - another thread changes the rights of pages that k_mem_update_flags has
 * counted and not yet changed. Where it takes them, and what that gives back is granted to others,
 * no more is charged than can be kept; where it gives them, nothing stays set aside; and where it
 * unmaps them and maps others, these have their guards as they were made.
 */
#include "help.h"

#include <mm/charge.h>

#include "audit.h"

#define PAGES 24u

static uint8_t *stored;
static void *other;
static size_t other_bytes;
static unsigned int releases_left; /* of the lock, until the other thread comes */

static bool too_much_is_granted(void)
{
	return qr_charge.pageable + qr_charge.pinned + qr_charge.kept >
	       qr_charge.frames + qr_charge.slots - 1;
}

/* Once: the rights go, and all that there is room for is mapped. */
static void take_between(void)
{
	if (releases_left-- > 0) {
		return;
	}
	strict_between_set(NULL);
	assert_int_equal(k_mem_update_flags(stored, PAGES * RIG_PAGE, 0), 0);
	for (size_t pages = 64; other == NULL && pages > 0; pages--) {
		other_bytes = pages * RIG_PAGE;
		other = k_mem_map(other_bytes, K_MEM_PERM_RW);
	}
	assert_non_null(other);
	assert_false(too_much_is_granted());
}

/* False: it came after all was done. */
static bool take_after(unsigned int releases)
{
	const struct rig rig = {.frames = 16, .slots = 24};
	struct rig_counts before;
	void *addr;
	int status;

	rig_start(&rig);
	before = rig_counts();
	other = NULL;
	assert_int_equal(k_mem_map_stored(&addr, K_MEM_LOCATION(RIG_STORE_IMAGE, 8),
					  PAGES * RIG_PAGE, K_MEM_PERM_RW), 0);
	stored = addr;
	releases_left = releases;
	strict_between_set(take_between);
	status = k_mem_update_flags(stored, PAGES * RIG_PAGE, K_MEM_PERM_RW);
	strict_between_set(NULL);
	assert_non_null(other);
	assert_true(status == 0 || status == -ENOMEM);
	assert_false(too_much_is_granted());
	assert_null(audit());
	/* with room again it is what it is without anybody between */
	assert_int_equal(k_mem_unmap(other, other_bytes), 0);
	assert_int_equal(k_mem_update_flags(stored, PAGES * RIG_PAGE, K_MEM_PERM_RW), 0);
	assert_null(audit());
	assert_int_equal(k_mem_unmap(stored, PAGES * RIG_PAGE), 0);
	rig_counts_equal(before, rig_counts());
	rig_check();
	return status != 0;
}

/* While the first walk counts, between the two, and while the second changes. */
static void test_rights_that_are_taken_between_the_walks(void **state)
{
	unsigned int releases = 0;

	(void)state;
	while (take_after(releases)) {
		releases++;
	}
	assert_in_range(releases, 8, 4 * PAGES);
}

/* Once: the rights are given that the call is about to give. */
static void give_between(void)
{
	if (releases_left-- > 0) {
		return;
	}
	strict_between_set(NULL);
	assert_int_equal(k_mem_update_flags(stored, PAGES * RIG_PAGE, K_MEM_PERM_RW), 0);
}

static void test_rights_that_are_given_between_the_walks(void **state)
{
	const struct rig rig = {.frames = 16, .slots = 64};

	(void)state;
	for (unsigned int releases = 0; releases < 2 * PAGES; releases++) {
		struct rig_counts before;
		void *addr;

		rig_start(&rig);
		before = rig_counts();
		assert_int_equal(k_mem_map_stored(&addr, K_MEM_LOCATION(RIG_STORE_IMAGE, 8),
						  PAGES * RIG_PAGE, 0), 0);
		stored = addr;
		releases_left = releases;
		strict_between_set(give_between);
		assert_int_equal(k_mem_update_flags(stored, PAGES * RIG_PAGE, K_MEM_PERM_RW), 0);
		strict_between_set(NULL);
		assert_null(audit());
		assert_int_equal(k_mem_unmap(stored, PAGES * RIG_PAGE), 0);
		rig_counts_equal(before, rig_counts());
		rig_check();
	}
}

/* Once: the pages go, and one comes, in the place of the last but one, between guards. */
static void remap_between(void)
{
	if (releases_left-- > 0) {
		return;
	}
	strict_between_set(NULL);
	assert_int_equal(k_mem_unmap(stored, PAGES * RIG_PAGE), 0);
	other_bytes = RIG_PAGE;
	other = k_mem_map(other_bytes, 0);
	assert_ptr_equal(other, stored + (PAGES - 1) * RIG_PAGE);
}

/* False: it came after all was done. */
static bool remap_after(unsigned int releases)
{
	const struct rig rig = {.frames = 16, .slots = 64};
	struct rig_counts before;
	int status;

	rig_start(&rig);
	before = rig_counts();
	other = NULL;
	stored = k_mem_map(PAGES * RIG_PAGE, 0);
	assert_non_null(stored);
	releases_left = releases;
	strict_between_set(remap_between);
	status = k_mem_update_flags(stored, PAGES * RIG_PAGE, K_MEM_PERM_RW);
	strict_between_set(NULL);
	assert_non_null(other);
	assert_true(status == 0 || status == -EINVAL);
	assert_null(audit());
	assert_int_equal(k_mem_unmap(other, other_bytes), 0);
	rig_counts_equal(before, rig_counts());
	rig_check();
	return status != 0;
}

/* Wherever it happens, the guard before the page, which lies among the pages whose rights change,
 * stays a guard by which the page can be unmapped. */
static void test_pages_that_are_mapped_anew_between_the_walks(void **state)
{
	unsigned int releases = 0;

	(void)state;
	while (remap_after(releases)) {
		releases++;
	}
	assert_in_range(releases, 4, 4 * PAGES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rights_that_are_taken_between_the_walks),
		cmocka_unit_test(test_rights_that_are_given_between_the_walks),
		cmocka_unit_test(test_pages_that_are_mapped_anew_between_the_walks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
