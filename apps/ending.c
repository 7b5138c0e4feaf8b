/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ending.c - every way in which a program ends, for tests/kernel/ending_test: option
 * `end=` return, touch (memory that is not there), stack (run out of it) or never, and
 * `status=N` for return.
 */
#include "kernel/kernel.h"

static volatile unsigned int depth;

/* Not a tail call: the caller's stack is still wanted. */
static unsigned int deeper(unsigned int level)
{
	volatile uint8_t filler[256];

	filler[0] = (uint8_t)level;
	depth = level;
	return (level < 1000000 ? deeper(level + 1) : 0) + filler[0];
}

int app_main(void)
{
	char end[16] = "return";

	kernel_puts("ending\n");
	kernel_option("end", end, sizeof(end));
	switch (end[0]) {
	case 't':
		*(volatile uint8_t *)(uintptr_t)16 = 1;
		break;
	case 's':
		return (int)deeper(1);
	case 'n':
		for (;;) {
			thread_sleep(1000);
		}
	default:
		break;
	}
	return (int)kernel_option_number("status", 0);
}
