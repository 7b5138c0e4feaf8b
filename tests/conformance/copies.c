/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copies.c - the suite's tests about copies from and to user memory: what user mode may not, and
 * the kernel's side, which may be pageable, or nowhere.
 */
#include "cases.h"

#include <quire/user.h>

/* A word of user memory, which the kernel may not touch where the CPU keeps it away. */
static bool user_put(uint8_t *at, uint64_t word)
{
	return k_usermode_to_copy(at, &word, sizeof(word)) == 0;
}

static bool user_has(const uint8_t *at, uint64_t expected)
{
	uint64_t word = ~expected;

	return k_usermode_from_copy(&word, at, sizeof(word)) == 0 && word == expected;
}

/* Alignments that differ, two pages, and a fault in the middle: the shared zeros are written. */
static const char *copies_end_where_user_mode_may_not(void)
{
	static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	uint8_t *memory = k_mem_map(2 * PAGE, RW | USER), *own = k_mem_map(PAGE, RW);
	uint8_t *at = memory + PAGE - 13;
	char copy[sizeof(text)];

	EXPECT(memory != NULL && own != NULL && env->write(own, 1) == 0);
	EXPECT(k_usermode_from_copy(copy, at, sizeof(copy)) == 0 && copy[0] == 0 && copy[36] == 0);
	for (size_t from = 0; from < 9; from++) {
		EXPECT(k_usermode_to_copy(at + from % 3, text + from, sizeof(text) - from) == 0);
		EXPECT(k_usermode_from_copy(copy, at + from % 3, sizeof(text) - from) == 0);
		EXPECT(__builtin_memcmp(copy, text + from, sizeof(text) - from) == 0);
		EXPECT(k_mem_page_out(memory, (from & 1 ? 1 : 2) * PAGE) == 0);
	}
	EXPECT(k_usermode_from_copy(copy, memory + 2 * PAGE - 8, 9) == -EFAULT);
	EXPECT(k_usermode_to_copy(own, text, 8) == -EACCES && reads(own, 1));
	EXPECT(k_mem_update_flags(memory, PAGE, USER) == 0);
	EXPECT(k_usermode_to_copy(at, text, 8) == -EACCES);
	EXPECT(k_usermode_to_copy(memory + PAGE, text, 8) == 0);
	EXPECT(k_usermode_from_copy(copy, at, 8) == 0);
	EXPECT(k_usermode_from_copy(copy, (const void *)(UINTPTR_MAX - 3), 8) == -EFAULT);
	EXPECT(k_mem_unmap(memory, 2 * PAGE) == 0 && k_mem_unmap(own, PAGE) == 0);
	return NULL;
}

/* Written over and over: a word of the page in the state that the round says, then the copy. */
static const char *copies_with_a_kernel_side_that_is_paged(void)
{
	uint8_t *user = k_mem_map(2 * PAGE, RW | USER), *kernel = k_mem_map(2 * PAGE, RW);
	const size_t size = PAGE + 200;

	EXPECT(user != NULL && kernel != NULL && user_put(user, 1));
	/* never touched: read as zeros, then written */
	EXPECT(k_usermode_to_copy(user, kernel, 8) == 0 && user_has(user, 0));
	for (uint64_t round = 1; round < 9; round++) {
		uint8_t *at = kernel + 8 * round + (round & 1);

		EXPECT(user_put(user, round) && user_put(user + PAGE, round + 9));
		EXPECT(!(round & 2) || k_mem_page_out(user, 2 * PAGE) == 0);
		EXPECT(k_mem_page_out(kernel, 2 * PAGE) == 0);
		EXPECT(k_usermode_from_copy(at, user, size) == 0);
		EXPECT(user_put(user, 0) && user_put(user + PAGE, 0));
		EXPECT(k_mem_page_out(kernel, (round & 4 ? 1 : 2) * PAGE) == 0);
		EXPECT(k_usermode_to_copy(user, at, size) == 0);
		EXPECT(user_has(user, round) && user_has(user + PAGE, round + 9));
	}
	/* the same page on both sides, and the same bytes */
	EXPECT(k_mem_page_out(user, 2 * PAGE) == 0);
	EXPECT(k_usermode_from_copy(user + PAGE, user, 8) == 0 && user_has(user + PAGE, 8));
	EXPECT(k_mem_page_out(user, 2 * PAGE) == 0);
	EXPECT(k_usermode_to_copy(user, user, PAGE) == 0 && user_has(user, 8));
	EXPECT(k_usermode_from_copy(user + 8, user, 8) == 0 && user_has(user + 8, 8));
	EXPECT(k_mem_unmap(user, 2 * PAGE) == 0 && k_mem_unmap(kernel, 2 * PAGE) == 0);
	return NULL;
}

/* All others are pinned: each side, and a string's, takes the frame from the other one. */
static const char *copies_with_one_frame_for_both_sides(void)
{
	uint8_t *user = k_mem_map(2 * PAGE, RW | USER), *kernel = k_mem_map(2 * PAGE, RW);
	void *locked[2 * SUITE_FRAMES];
	uint32_t count = 0;
	uint64_t word = 0x0807060504030201;

	EXPECT(user != NULL && kernel != NULL);
	EXPECT(user_put(user + PAGE - 8, word) && user_put(user + PAGE, word << 8));
	EXPECT(k_mem_page_out(user, 2 * PAGE) == 0);
	while (count < 2 * SUITE_FRAMES &&
	       (locked[count] = k_mem_map(PAGE, RW | K_MEM_MAP_LOCK)) != NULL) {
		count++;
	}
	EXPECT(count < 2 * SUITE_FRAMES && k_mem_free_get() == 0);
	EXPECT(k_usermode_from_copy(kernel + PAGE - 16, user + PAGE - 8, 16) == 0);
	EXPECT(reads(kernel + PAGE - 16, word) && reads(kernel + PAGE - 8, word << 8));
	EXPECT(k_usermode_to_copy(user, kernel + PAGE - 16, 16) == 0);
	EXPECT(user_has(user, word) && user_has(user + 8, word << 8));
	EXPECT(k_usermode_string_copy((char *)kernel + PAGE - 3, (char *)user + 1, 9) == 0);
	EXPECT(k_usermode_to_copy(user + PAGE, kernel + PAGE - 3, 8) == 0);
	EXPECT(user_has(user + PAGE, word >> 8));
	while (count > 0) {
		EXPECT(k_mem_unmap(locked[--count], PAGE) == 0);
	}
	EXPECT(k_mem_unmap(user, 2 * PAGE) == 0 && k_mem_unmap(kernel, 2 * PAGE) == 0);
	return NULL;
}

/* Each is an error of the caller's, whether the user's page is there or not. */
static const char *copies_with_a_kernel_side_that_is_nowhere(void)
{
	uint8_t *user = k_mem_map(PAGE, RW | USER), *kernel = k_mem_map(PAGE, RW);
	const uintptr_t nowhere[] = {
		0, 8, (uintptr_t)kernel - 8, (uintptr_t)kernel + PAGE, (uintptr_t)1 << 48,
		(uintptr_t)1 << 60, (uintptr_t)1 << 63, UINTPTR_MAX - 7,
	};
	uintptr_t constant = (uintptr_t)env->rodata, code = (uintptr_t)env->text;

	EXPECT(user != NULL && kernel != NULL && user_put(user, 5));
	for (unsigned int i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
		EXPECT(k_usermode_to_copy(user, (void *)nowhere[i], 8) == -EFAULT);
		EXPECT(k_usermode_from_copy((void *)nowhere[i], user, 8) == -EFAULT);
		EXPECT(k_usermode_string_copy((char *)nowhere[i], (char *)user, 8) == -EFAULT);
		EXPECT(k_usermode_from_copy((void *)nowhere[i], user, 0) == 0);
		EXPECT(k_mem_page_out(user, PAGE) == 0);
	}
	EXPECT(k_usermode_from_copy((void *)constant, user, 8) == -EACCES);
	EXPECT(k_usermode_from_copy((void *)(code & ~(uintptr_t)7), user, 8) == -EACCES);
	EXPECT(k_usermode_from_copy(kernel + PAGE - 8, user, 16) == -EFAULT);
	EXPECT(reads(kernel + PAGE - 8, 5));
	EXPECT(k_usermode_to_copy(user, kernel + PAGE - 8, 16) == -EFAULT && user_has(user, 5));
	EXPECT(k_usermode_to_copy(user, (void *)constant, 8) == 0);
	EXPECT(k_mem_unmap(user, PAGE) == 0 && k_mem_unmap(kernel, PAGE) == 0);
	return NULL;
}

const struct suite_case suite_copy_cases[SUITE_COPY_CASES] = {
	TEST_WITH(CONFIG_USERSPACE, copies_end_where_user_mode_may_not),
	TEST_WITH(CONFIG_USERSPACE, copies_with_a_kernel_side_that_is_paged),
	TEST_WITH(CONFIG_USERSPACE, copies_with_one_frame_for_both_sides),
	TEST_WITH(CONFIG_USERSPACE, copies_with_a_kernel_side_that_is_nowhere),
};
