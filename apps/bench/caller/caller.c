/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caller.c - system calls to count (calls.h).
 */
#include "apps/bench/calls.h"

#include "apps/user/user.h"

static void repeat(uintptr_t number, uint64_t count)
{
	while (count-- > 0) {
		(void)user_call(number, 0, 0, 0, 0);
	}
}

/* The pages were there once; now they are not. */
static void touch(uint64_t count)
{
	volatile uint8_t *memory = (uint8_t *)user_call(CALL_MEMORY, 0, 0, 0, 0);

	(void)user_call(CALL_MARK, 0, 0, 0, 0);
	for (uint64_t i = 0; i < count; i++) {
		memory[i * TOUCH_BYTES] = 1;
	}
	(void)user_call(CALL_MARK, 0, 0, 0, 0);
}

/* The one takes as many instructions as the other. */
static __attribute__((noinline)) void page_read(volatile uint8_t *page)
{
	(void)*page;
}

static __attribute__((noinline)) void page_write(volatile uint8_t *page)
{
	*page = 1;
}

static void (*const access[])(volatile uint8_t *page) = {page_read, page_write};

static void sweep(void)
{
	uintptr_t page;

	while ((page = (uintptr_t)user_call(SWEEP_NEXT, 0, 0, 0, 0)) != 0) {
		access[page & SWEEP_WRITE]((uint8_t *)(page & ~(uintptr_t)SWEEP_WRITE));
		(void)user_call(SWEEP_END, 0, 0, 0, 0);
	}
}

int user_main(uintptr_t argument)
{
	uintptr_t number = (argument & 255) == CALLER_NONE ? SYSCALL_NONE : SYSCALL_YIELD;
	uint64_t count = argument >> 8;

	repeat(number, CALLER_WARM);
	if ((argument & 255) == CALLER_TOUCH) {
		touch(count);
		return 0;
	}
	if ((argument & 255) == CALLER_SWEEP) {
		sweep();
		return 0;
	}
	if ((argument & 255) == CALLER_PARTNER) {
		repeat(number, count + CALLER_WARM);
		return 0;
	}
	(void)user_call(CALL_MARK, 0, 0, 0, 0);
	repeat(number, count);
	(void)user_call(CALL_MARK, 0, 0, 0, 0);
	return 0;
}
