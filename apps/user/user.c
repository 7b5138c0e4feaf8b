/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user.c - system calls as functions, and what little a program needs beside them.
 */
#include "apps/user/user.h"

#include "kernel/format.h"

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

/* ---- printing ----------------------------------------------------------------------------- */

static void flush(struct sink *sink)
{
	(void)user_call(SYSCALL_PRINT, (uintptr_t)sink->piece, sink->length, 0, 0);
	sink->length = 0;
}

void user_printf(const char *format, ...)
{
	struct sink sink = {.flush = flush};
	va_list list;

	va_start(list, format);
	format_print(&sink, format, &list);
	va_end(list);
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
