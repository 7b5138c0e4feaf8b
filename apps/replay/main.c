/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - the kernel's side of the replay: the player's domain, and the system calls that it
 * has beside the usual ones.
 *
 * The domain has the player's own text, constants and variables, which are resident, and the
 * recorded program's memory, which is what is paged: anonymous memory, and a partition for each
 * run of pages of the image disk.
 */
#include <quire/domain.h>
#include <quire/init.h>
#include <quire/user.h>

#include "kernel/config.h"
#include "kernel/kernel.h"

#include "calls.h"
#include "report.h"

USER_PROGRAM(player);

#define PAGE_BYTES ((size_t)CONFIG_MMU_PAGE_SIZE)
#define SECTOR_BYTES 512u

static struct k_mem_domain domain;
static int trace;
static K_MEM_PINNED_BUFFER_DEFINE(buffer, REPLAY_READ_MAX, CONFIG_MMU_PAGE_SIZE);

static intptr_t trace_size(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)
{
	(void)a, (void)b, (void)c, (void)d;
	return trace < 0 ? -1 : (intptr_t)disk_bytes(trace);
}

static intptr_t trace_read(uintptr_t offset, uintptr_t to, uintptr_t bytes, uintptr_t d)
{
	int status;

	(void)d;
	if (trace < 0 || bytes == 0 || bytes > REPLAY_READ_MAX || bytes % SECTOR_BYTES != 0 ||
	    offset % SECTOR_BYTES != 0 || offset > disk_bytes(trace) ||
	    bytes > disk_bytes(trace) - offset) {
		return -EINVAL;
	}
	status = disk_read(trace, offset, buffer, bytes);
	return status != 0 ? status : k_usermode_to_copy((void *)to, buffer, bytes);
}

static intptr_t map_stored(uintptr_t first, uintptr_t count, uintptr_t writable, uintptr_t d)
{
	uint32_t flags = writable ? K_MEM_PERM_RW : 0;
	int store = kernel_store_image(), status;
	struct k_mem_partition part = {.attr = flags | K_MEM_PERM_USER};
	void *memory = NULL;

	(void)d;
	if (store < 0 || first >= K_MEM_SLOTS_MAX || count == 0 || count > K_MEM_SLOTS_MAX) {
		return -EINVAL;
	}
	part.size = count * PAGE_BYTES;
	status = k_mem_map_stored(&memory, K_MEM_LOCATION((unsigned int)store, first), part.size,
				  flags);
	if (status != 0) {
		return status;
	}
	part.start = (uintptr_t)memory;
	status = k_mem_domain_add_partition(&domain, &part);
	if (status == 0) {
		return (intptr_t)memory;
	}
	return k_mem_unmap(memory, part.size) == 0 ? status : -EBUSY;
}

/* The stack is in a frame at every touch: kept there, it takes none of those that are counted. */
static intptr_t start(uintptr_t pages, uintptr_t records, uintptr_t c, uintptr_t d)
{
	int status = k_mem_pin(thread_user_stack(thread_self()), CONFIG_KERNEL_USER_STACK_BYTES);

	(void)c, (void)d;
	if (status == 0) {
		report_start((uint32_t)pages, records);
	}
	return status;
}

static intptr_t progress(uintptr_t touches, uintptr_t b, uintptr_t c, uintptr_t d)
{
	(void)b, (void)c, (void)d;
	report_progress(touches);
	return 0;
}

static intptr_t tick(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)
{
	(void)a, (void)b, (void)c, (void)d;
	k_mem_paging_tick();
	return 0;
}

static intptr_t replayed(uintptr_t touches, uintptr_t instructions, uintptr_t c, uintptr_t d)
{
	(void)c, (void)d;
	report_replayed(touches, instructions);
	return 0;
}

static intptr_t result(uintptr_t errors, uintptr_t faults, uintptr_t instructions, uintptr_t d)
{
	(void)d;
	report_result(errors, faults, instructions);
	return 0;
}

static kernel_call *const calls[] = {
	[REPLAY_TRACE_SIZE - SYSCALL_OWN] = trace_size,
	[REPLAY_TRACE_READ - SYSCALL_OWN] = trace_read,
	[REPLAY_MAP_STORED - SYSCALL_OWN] = map_stored,
	[REPLAY_START - SYSCALL_OWN] = start,
	[REPLAY_PROGRESS - SYSCALL_OWN] = progress,
	[REPLAY_TICK - SYSCALL_OWN] = tick,
	[REPLAY_REPLAYED - SYSCALL_OWN] = replayed,
	[REPLAY_RESULT - SYSCALL_OWN] = result,
};

/* Below the first thread's priority: nothing runs beside the player. */
#define PLAYER_PRIORITY 16u

int app_main(void)
{
	/* what can be mapped at all */
	int status = user_domain_init(&domain, &player_program, CONFIG_KERNEL_VM_SIZE, 0);
	struct thread *player;

	if (status != 0) {
		kernel_printf("@error the player's domain: error %d\n", status);
		return STATUS_FAILED;
	}
	trace = disk_find("trace");
	kernel_calls_set(calls, sizeof(calls) / sizeof(calls[0]));
	player = thread_start_user("player", PLAYER_PRIORITY, &domain, &player_program, 0);
	status = player ? thread_join(player, NULL) : -ENOMEM;
	if (status < 0) {
		kernel_printf("@error the player: error %d\n", status);
		return STATUS_FAILED;
	}
	return status;
}
