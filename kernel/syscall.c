/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscall.c - what system calls do (kernel/syscall.h lists them). Each runs in the thread that
 * called, on its kernel stack, with interrupts on, and holds nothing on return.
 *
 * What user mode gives are numbers. They are checked here or by what they are given to; memory is
 * reached by quire/user.h alone, and what was copied is looked at, not what it was copied from.
 */
#include "kernel/syscall.h"

#include <quire/user.h>

#include "kernel/machine.h"
#include "kernel/sched.h"

#include <cpu.h>

#define PRINT_PIECE 128u

static struct k_mem_domain *own_domain(void)
{
	struct k_mem_domain *domain = sched_current()->domain;

	return domain ? domain : &k_mem_domain_default;
}

static bool in_space(uintptr_t address)
{
	return address - CONFIG_KERNEL_VM_BASE < CONFIG_KERNEL_VM_SIZE;
}

/* ---- the calls ----------------------------------------------------------------------------- */

static intptr_t call_none(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)
{
	(void)a, (void)b, (void)c, (void)d;
	return 0;
}

static intptr_t call_exit(uintptr_t status, uintptr_t b, uintptr_t c, uintptr_t d)
{
	(void)b, (void)c, (void)d;
	sched_current()->result = (int)(status & INT32_MAX);
	thread_end(0);
}

static intptr_t call_yield(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)
{
	(void)a, (void)b, (void)c, (void)d;
	thread_yield();
	return 0;
}

static intptr_t call_sleep(uintptr_t ticks, uintptr_t b, uintptr_t c, uintptr_t d)
{
	(void)b, (void)c, (void)d;
	/* not beyond the end of time, where 0 is */
	thread_sleep(ticks < UINT32_MAX ? ticks : UINT32_MAX);
	return 0;
}

/* What a screen shows as letters: whoever reads the output is not told more by a program. */
static void print_piece(char *piece, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if ((piece[i] < ' ' || piece[i] > '~') && piece[i] != '\n' && piece[i] != '\t') {
			piece[i] = '?';
		}
	}
	piece[size] = '\0';
	kernel_puts(piece);
}

static intptr_t call_print(uintptr_t text, uintptr_t bytes, uintptr_t c, uintptr_t d)
{
	char piece[PRINT_PIECE + 1];

	(void)c, (void)d;
	if (bytes > SYSCALL_PRINT_MAX) {
		return -EINVAL;
	}
	while (bytes > 0) {
		size_t size = bytes < PRINT_PIECE ? bytes : PRINT_PIECE;
		int status = k_usermode_from_copy(piece, (const void *)text, size);

		if (status != 0) {
			return status;
		}
		print_piece(piece, size);
		text += size;
		bytes -= size;
	}
	return 0;
}

static intptr_t call_cycles(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)
{
	(void)a, (void)b, (void)c, (void)d;
	return (intptr_t)kernel_cycles();
}

static intptr_t call_ticks(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)
{
	(void)a, (void)b, (void)c, (void)d;
	return (intptr_t)kernel_ticks();
}

static intptr_t call_map(uintptr_t bytes, uintptr_t b, uintptr_t c, uintptr_t d)
{
	void *memory = NULL;
	int status = k_mem_domain_map(own_domain(), &memory, bytes, K_MEM_PERM_RW);

	(void)b, (void)c, (void)d;
	return status != 0 ? status : (intptr_t)memory;
}

static intptr_t call_unmap(uintptr_t address, uintptr_t bytes, uintptr_t c, uintptr_t d)
{
	(void)c, (void)d;
	return k_mem_domain_unmap(own_domain(), (void *)address, bytes);
}

static intptr_t call_try(uintptr_t address, uintptr_t stack, uintptr_t c, uintptr_t d)
{
	struct user_thread *user = &sched_current()->user;

	(void)c, (void)d;
	if (address != 0 && !(in_space(address) && in_space(stack))) {
		return -EINVAL;
	}
	user->try_stack = stack;
	user->try_ip = address;
	return 0;
}

static intptr_t call_info(uintptr_t to, uintptr_t b, uintptr_t c, uintptr_t d)
{
	const struct thread *self = sched_current();
	const struct k_mem_domain *domain = own_domain();
	const struct syscall_info info = {
		.stack_begin = (uintptr_t)self->user.stack,
		.stack_end = (uintptr_t)self->user.stack + CONFIG_KERNEL_USER_STACK_BYTES,
		.fault_count = self->stats.pagefaults.cnt,
		.fault_cycles = self->user.fault_cycles,
		.page_in_count = self->stats.transfer.page_in,
		.priority = self->priority,
		.memory_pages = domain->page_count,
		.memory_pages_max = domain->page_count_max,
	};

	(void)b, (void)c, (void)d;
	return k_usermode_to_copy((void *)to, &info, sizeof(info));
}

static kernel_call *const calls[SYSCALL_COUNT] = {
	[SYSCALL_NONE] = call_none,     [SYSCALL_EXIT] = call_exit,
	[SYSCALL_YIELD] = call_yield,   [SYSCALL_SLEEP] = call_sleep,
	[SYSCALL_PRINT] = call_print,   [SYSCALL_CYCLES] = call_cycles,
	[SYSCALL_TICKS] = call_ticks,   [SYSCALL_MAP] = call_map,
	[SYSCALL_UNMAP] = call_unmap,   [SYSCALL_TRY] = call_try,
	[SYSCALL_INFO] = call_info,
};

/* ---- dispatch ------------------------------------------------------------------------------- */

static kernel_call *const *own_calls;
static size_t own_count;

void kernel_calls_set(kernel_call *const *table, size_t count)
{
	own_count = 0;
	own_calls = table;
	own_count = count;
}

intptr_t syscall_handle(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t number)
{
	QR_ASSERT_ALL(entry_clean());
	if (QR_LIKELY(number < SYSCALL_COUNT)) {
		return calls[number](a, b, c, d);
	}
	if (number - SYSCALL_OWN < own_count) {
		return own_calls[number - SYSCALL_OWN](a, b, c, d);
	}
	return -ENOSYS;
}
