/* SPDX-License-Identifier: Apache-2.0 */
/*
 * right.c - adds up the numbers that it gets, and would like to see where they come from.
 */
#include "apps/user/user.h"
#include "examples/sharing/box.h"

int user_main(uintptr_t argument)
{
	struct box *box = (struct box *)argument;
	volatile uint64_t *sum = (volatile uint64_t *)(uintptr_t)box->own[1];
	uint8_t seen = 0;
	int status;

	for (uint32_t i = 0; i < BOX_NUMBERS; i++) {
		while (__atomic_load_n(&box->sent, __ATOMIC_ACQUIRE) == i) {
			user_yield();
		}
		*sum += box->numbers[i % 8];
		__atomic_store_n(&box->taken, i + 1, __ATOMIC_RELEASE);
	}
	user_printf("right: %u numbers, the sum of their squares is %lu\n", BOX_NUMBERS,
		    (unsigned long)*sum);
	status = user_try_read((const void *)(uintptr_t)box->own[0], &seen);
	user_printf("right: the left one's own page: error %d\n", status);
	return status == 0;
}
