/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls.c - system calls as functions.
 */
#include "apps/replay/calls.h"

#include "apps/user/user.h"
#include "player.h"

int64_t trace_bytes(void)
{
	return user_call(REPLAY_TRACE_SIZE, 0, 0, 0, 0);
}

int trace_read(uint64_t offset, void *buffer, size_t bytes)
{
	return (int)user_call(REPLAY_TRACE_READ, offset, (uintptr_t)buffer, bytes, 0);
}

/* The address or the error that a system call returned. */
static int mapped(void **addr, intptr_t result)
{
	if ((uintptr_t)result > (uintptr_t)SYSCALL_ERRORS) {
		return (int)result;
	}
	*addr = (void *)result;
	return 0;
}

int map_zeros(void **addr, size_t size)
{
	return mapped(addr, user_call(SYSCALL_MAP, size, 0, 0, 0));
}

int map_stored(void **addr, uint32_t first, size_t size, bool writable)
{
	return mapped(addr, user_call(REPLAY_MAP_STORED, first, size / REPLAY_PAGE_BYTES, writable,
				      0));
}
