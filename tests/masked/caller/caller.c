/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caller.c - does again and again what makes the kernel mask interrupts, in user mode.
 */
#include <quire/compiler.h>

#include "apps/user/user.h"
#include "tests/masked/masked.h"

#define PAGE ((size_t)CONFIG_MMU_PAGE_SIZE)
#define MEMORY_BYTES (64 * PAGE)
#define LINE_BYTES 127u

static char text[SYSCALL_PRINT_MAX];

static int nothing(void)
{
	for (volatile unsigned int i = 0; i < 200000; i++) {
		;
	}
	return 0;
}

static int small(void)
{
	struct syscall_info info;
	int status = 0;

	for (unsigned int i = 0; i < 500; i++) {
		status |= (int)user_call(SYSCALL_NONE, 0, 0, 0, 0);
		status |= user_info(&info);
		user_yield();
		user_sleep(0);
	}
	return status;
}

/* In lines that a reader of TAP skips. */
static int print(void)
{
	for (size_t i = 0; i < sizeof(text); i++) {
		text[i] = '.';
		if (i % LINE_BYTES == 0) {
			text[i] = '#';
		} else if (i % LINE_BYTES == LINE_BYTES - 1 || i == sizeof(text) - 1) {
			text[i] = '\n';
		}
	}
	for (unsigned int i = 0; i < 12; i++) {
		if (user_call(SYSCALL_PRINT, (uintptr_t)text, sizeof(text), 0, 0) != 0) {
			return __LINE__;
		}
	}
	return 0;
}

static int copies(void)
{
	uint8_t *memory = user_map(MASKED_COPY_MAX);
	int status = memory ? 0 : __LINE__;

	for (unsigned int i = 0; i < 60 && status == 0; i++) {
		status = (int)user_call(MASKED_COPY, (uintptr_t)memory, MASKED_COPY_MAX, 0, 0);
	}
	return memory ? status | user_unmap(memory, MASKED_COPY_MAX) : status;
}

static int memory(void)
{
	for (unsigned int i = 0; i < 40; i++) {
		uint8_t *at = user_map(MEMORY_BYTES);

		for (size_t page = 0; at && page < MEMORY_BYTES; page += 3 * PAGE) {
			at[page] = 1;
		}
		if (!at || user_unmap(at, MEMORY_BYTES) != 0) {
			return __LINE__;
		}
	}
	return 0;
}

static int faults(void)
{
	uint8_t value;

	for (unsigned int i = 0; i < 500; i++) {
		if (user_try_read((void *)(uintptr_t)16, &value) == 0) {
			return __LINE__;
		}
	}
	return 0;
}

static int what(uintptr_t argument)
{
	switch (argument) {
	case MASKED_NOTHING:
		return nothing();
	case MASKED_SMALL:
		return small();
	case MASKED_PRINT:
		return print();
	case MASKED_COPIES:
		return copies();
	case MASKED_MEMORY:
		return memory();
	case MASKED_FAULTS:
		return faults();
	default:
		return *(volatile uint8_t *)(uintptr_t)16;
	}
}

/* Once before it counts: pages are brought in. */
int user_main(uintptr_t argument)
{
	int status = argument == MASKED_END ? 0 : what(argument);

	(void)user_call(MASKED_BEGIN, 1, 0, 0, 0);
	status |= what(argument);
	(void)user_call(MASKED_BEGIN, 0, 0, 0, 0);
	return status;
}
