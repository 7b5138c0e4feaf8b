/* SPDX-License-Identifier: Apache-2.0 */
/*
 * victim.c - has secrets in its memory, which is paged, and looks after them. What it leaves in
 * registers nobody else may see.
 */
#include <quire/compiler.h>

#include "apps/user/user.h"
#include "tests/attack/attack.h"

#define PAGE_WORDS ((size_t)CONFIG_MMU_PAGE_SIZE / sizeof(uint64_t))
#define WORDS (ATTACK_VICTIM_PAGES * PAGE_WORDS)

static uint64_t secret(size_t word, uint64_t round)
{
	return (uint64_t)ATTACK_MARK_VICTIM << ATTACK_MARK_SHIFT | round << 20 | word;
}

/* It says where its memory is: an attacker may know. */
int user_main(uintptr_t argument)
{
	uint64_t *memory = user_map(WORDS * sizeof(*memory));
	uint64_t round = 1;

	if (!memory || user_call(ATTACK_GO_ON, (uintptr_t)memory, 0, 0, 0) != 1) {
		return __LINE__;
	}
	(void)argument;
	for (size_t i = 0; i < WORDS; i++) {
		memory[i] = secret(i, round);
	}
	while (user_call(ATTACK_GO_ON, (uintptr_t)memory, 0, 0, 0) == 1) {
		for (size_t i = 0; i < WORDS; i++) {
			if (memory[i] != secret(i, round)) {
				return __LINE__;
			}
			memory[i] = secret(i, round + 1);
		}
		user_leave();
		round++;
	}
	return 0;
}
