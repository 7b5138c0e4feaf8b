/* SPDX-License-Identifier: Apache-2.0 */
/*
 * left.c - sends numbers, and keeps the last one to itself.
 */
#include "apps/user/user.h"
#include "examples/sharing/box.h"

int user_main(uintptr_t argument)
{
	struct box *box = (struct box *)argument;
	volatile uint64_t *mine = (volatile uint64_t *)(uintptr_t)box->own[0];

	for (uint32_t i = 0; i < BOX_NUMBERS; i++) {
		while (box->sent - box->taken == 8) {
			user_yield();
		}
		*mine = (uint64_t)i * i;
		box->numbers[i % 8] = *mine;
		__atomic_store_n(&box->sent, i + 1, __ATOMIC_RELEASE);
	}
	return 0;
}
