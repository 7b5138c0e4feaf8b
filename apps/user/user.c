/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user.c - system calls as functions, and what little a program needs beside them.
 */
#include "apps/user/user.h"

_Noreturn void user_exit(int status)
{
	for (;;) {
		(void)user_call(SYSCALL_EXIT, (uintptr_t)status, 0, 0, 0);
	}
}

void user_yield(void)
{
	(void)user_call(SYSCALL_YIELD, 0, 0, 0, 0);
}

void user_sleep(uint64_t ticks)
{
	(void)user_call(SYSCALL_SLEEP, ticks, 0, 0, 0);
}

uint64_t user_ticks(void)
{
	return (uint64_t)user_call(SYSCALL_TICKS, 0, 0, 0, 0);
}

uint64_t user_cycles(void)
{
	return (uint64_t)user_call(SYSCALL_CYCLES, 0, 0, 0, 0);
}

void *user_map(size_t bytes)
{
	intptr_t result = user_call(SYSCALL_MAP, bytes, 0, 0, 0);

	return (uintptr_t)result > (uintptr_t)SYSCALL_ERRORS ? NULL : (void *)result;
}

int user_unmap(void *memory, size_t bytes)
{
	return (int)user_call(SYSCALL_UNMAP, (uintptr_t)memory, bytes, 0, 0);
}

int user_info(struct syscall_info *info)
{
	return (int)user_call(SYSCALL_INFO, (uintptr_t)info, 0, 0, 0);
}

/* ---- printing: a line goes out as a whole ------------------------------------------------- */

static size_t length(const char *text)
{
	size_t count = 0;

	while (text[count]) {
		count++;
	}
	return count;
}

void user_print(const char *text)
{
	(void)user_call(SYSCALL_PRINT, (uintptr_t)text, length(text), 0, 0);
}

#define LINE 96u
#define DIGITS 20u

static void print_with(const char *text, uint64_t value, unsigned int base)
{
	char line[LINE];
	size_t at = LINE, before = length(text);

	do {
		line[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	before = before < LINE - DIGITS ? before : LINE - DIGITS;
	at -= before;
	__builtin_memcpy(line + at, text, before);
	(void)user_call(SYSCALL_PRINT, (uintptr_t)line + at, LINE - at, 0, 0);
}

void user_print_number(const char *text, uint64_t value)
{
	print_with(text, value, 10);
}

void user_print_hex(const char *text, uint64_t value)
{
	print_with(text, value, 16);
}

/* ---- tries --------------------------------------------------------------------------------- */

struct access {
	volatile uint8_t *address;
	uint8_t value;
};

static void access_read(void *argument)
{
	struct access *access = argument;

	access->value = *access->address;
}

static void access_write(void *argument)
{
	struct access *access = argument;

	*access->address = access->value;
}

int user_try_read(const volatile void *address, uint8_t *value)
{
	struct access access = {.address = (volatile uint8_t *)(uintptr_t)address};
	int status = user_try(access_read, &access);

	if (status == 0) {
		*value = access.value;
	}
	return status;
}

int user_try_write(volatile void *address, uint8_t value)
{
	struct access access = {.address = address, .value = value};

	return user_try(access_write, &access);
}

int user_try_exec(const void *address)
{
	return user_try((void (*)(void *))(uintptr_t)address, NULL);
}
