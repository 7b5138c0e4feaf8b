/* SPDX-License-Identifier: Apache-2.0 */
/*
 * visitor.c - user mode tried out from inside (visitor.h).
 */
#include <quire/compiler.h>

#include "apps/user/user.h"
#include "tests/user/visitor.h"

#define PAGE ((size_t)CONFIG_MMU_PAGE_SIZE)

#define EXPECT(condition)                \
	do {                             \
		if (!(condition)) {      \
			return __LINE__; \
		}                        \
	} while (0)

static const uint8_t constant[16] = {1, 2, 3};
static uint8_t variable[16] = {4, 5, 6};
static uint64_t zeros[64];

static int visit_calls(void)
{
	struct syscall_info info = {.reserved = 7};
	uint8_t *memory = user_map(2 * PAGE);

	EXPECT(user_call(SYSCALL_NONE, 1, 2, 3, 4) == 0);
	EXPECT(user_call(SYSCALL_COUNT, 0, 0, 0, 0) == -ENOSYS);
	EXPECT(user_call(SYSCALL_OWN, 0, 0, 0, 0) == -ENOSYS);
	EXPECT(user_call((uintptr_t)-1, 0, 0, 0, 0) == -ENOSYS);
	EXPECT(user_call((uintptr_t)1 << 32, 0, 0, 0, 0) == -ENOSYS);
	EXPECT(memory && memory[0] == 0 && memory[2 * PAGE - 1] == 0);
	memory[PAGE] = 9;
	EXPECT(user_info(&info) == 0 && info.reserved == 0 && info.memory_pages_max > 0);
	EXPECT((uintptr_t)&info - info.stack_begin < info.stack_end - info.stack_begin);
	EXPECT(user_info((struct syscall_info *)(memory + PAGE)) == 0 && memory[PAGE] != 9);
	EXPECT(user_unmap(memory, PAGE) == -EINVAL);
	EXPECT(user_unmap(memory, 2 * PAGE) == 0 && user_unmap(memory, 2 * PAGE) == -EINVAL);
	EXPECT(user_map(1) == NULL && user_map(0) == NULL && user_map((size_t)1 << 40) == NULL);
	EXPECT(user_info((struct syscall_info *)memory) == -EFAULT);
	EXPECT(user_info((struct syscall_info *)(uintptr_t)16) == -EFAULT);
	EXPECT(user_info((struct syscall_info *)(UINTPTR_MAX - 8)) == -EFAULT);
	EXPECT(user_info((struct syscall_info *)(uintptr_t)constant) == -EACCES);
	EXPECT(user_call(SYSCALL_PRINT, (uintptr_t)constant, (uintptr_t)-1, 0, 0) == -EINVAL);
	EXPECT(user_call(SYSCALL_PRINT, (uintptr_t)memory, 1, 0, 0) == -EFAULT);
	EXPECT(user_call(SYSCALL_TRY, 16, (uintptr_t)&info, 0, 0) == -EINVAL);
	EXPECT(user_cycles() < user_cycles());
	EXPECT(user_call_rest() == 0);
	return 0;
}

static void trap(void *argument)
{
	(void)argument;
	__builtin_trap();
}

static void privileged(void *argument)
{
	user_privileged(*(unsigned int *)argument);
}

static void nothing(void *argument)
{
	*(int *)argument += 1;
}

static int visit_tries(void)
{
	uint8_t *memory = user_map(PAGE), value = 77;
	int count = 0;

	EXPECT(memory && user_try(nothing, &count) == 0 && count == 1);
	EXPECT(user_try_read(memory - 1, &value) == -EFAULT && value == 77);
	EXPECT(user_try_write(memory + PAGE, 0) == -EFAULT);
	EXPECT(user_try_write(memory, 3) == 0 && user_try_read(memory, &value) == 0 && value == 3);
	EXPECT(user_try_exec(memory) == -EACCES);
	EXPECT(user_try_exec(variable) == -EACCES && user_try_exec(constant) == -EACCES);
	EXPECT(user_try_write((uint8_t *)(uintptr_t)constant, 0) == -EACCES && constant[0] == 1);
	EXPECT(user_try_write((uint8_t *)(uintptr_t)visit_calls, 0) == -EACCES);
	EXPECT(user_try_read((uint8_t *)(uintptr_t)visit_calls, &value) == 0);
	EXPECT(user_try_read((void *)(uintptr_t)16, &value) == -EFAULT);
	/* in no half of the addresses: the CPU does not even look */
	EXPECT(user_try_read((void *)((uintptr_t)1 << 60), &value) != 0);
	EXPECT(user_try_exec((void *)(uintptr_t)16) == -EFAULT);
	EXPECT(user_try(trap, NULL) == -EPERM);
	for (unsigned int which = 0; which < USER_PRIVILEGED_COUNT; which++) {
		EXPECT(user_try(privileged, &which) == -EPERM);
	}
	EXPECT(user_unmap(memory, PAGE) == 0 && user_try_read(memory, &value) == -EFAULT);
	return 0;
}

static int visit_pages(void)
{
	uint64_t *memory = user_map(VISIT_PAGE_COUNT * PAGE);
	const size_t step = PAGE / sizeof(*memory);

	EXPECT(memory && variable[0] == 4 && zeros[63] == 0);
	for (uint64_t round = 0; round < 3; round++) {
		for (size_t i = 0; i < VISIT_PAGE_COUNT; i++) {
			EXPECT(memory[i * step + i] == (round ? i * 1000 + round - 1 : 0));
			memory[i * step + i] = i * 1000 + round;
		}
	}
	EXPECT(user_unmap(memory, VISIT_PAGE_COUNT * PAGE) == 0);
	return 0;
}

static volatile bool flags_over;

struct flag {
	unsigned int which;
	uintptr_t number;
	volatile uint8_t *address;
	intptr_t result;
};

static void flag_call(void *argument)
{
	struct flag *flag = argument;

	flag->result = user_call_flag(flag->which, flag->number, (uintptr_t)flag->address, 0, 0);
}

static void flag_touch(void *argument)
{
	struct flag *flag = argument;

	flag->result = user_touch_flag(flag->which, flag->address);
}

/* Where the flag is that for single steps, the call or the touch is followed by a trap. */
static bool done(int status)
{
	return status == 0 || status == -EPERM;
}

/* A page that was not touched, and one that is no page, each with one flag set. */
static int visit_flags(void)
{
	for (unsigned int which = 0; which < USER_FLAGS_COUNT; which++) {
		uint8_t *memory = user_map(PAGE);
		const struct syscall_info *info = (struct syscall_info *)(memory + PAGE / 2);
		struct flag flag = {.which = which, .number = SYSCALL_INFO};

		EXPECT(memory != NULL);
		flag.address = memory + PAGE / 2;
		EXPECT(done(user_try(flag_touch, &flag)) && flag.result == 0);
		EXPECT(done(user_try(flag_call, &flag)) && flag.result == 0);
		EXPECT(info->stack_begin != 0 && info->memory_pages_max != 0);
		EXPECT(memory[PAGE / 2 - 1] == 0 && memory[PAGE / 2 - 8] == 0);
		flag.number = SYSCALL_YIELD;
		for (unsigned int i = 0; i < 3; i++) {
			EXPECT(done(user_try(flag_call, &flag)) && flag.result == 0);
		}
		EXPECT(user_unmap(memory, PAGE) == 0);
		EXPECT(user_try(flag_touch, &flag) == -EFAULT);
		flag.number = SYSCALL_INFO;
		EXPECT(done(user_try(flag_call, &flag)));
		EXPECT(user_try(trap, NULL) == -EPERM);
	}
	return 0;
}

static int visit_left(void)
{
	for (unsigned int i = 0; i < 3; i++) {
		EXPECT(user_left() == 0);
		user_yield();
	}
	return 0;
}

static void touch_refused(void *argument)
{
	(void)user_touch_all(argument, USER_TOUCH_WRITE);
}

/* Pages that were never touched, are clean, and were on the disk; and what is refused. */
static int visit_registers(void)
{
	uint8_t *memory = user_map(VISIT_REGISTER_PAGES * PAGE);

	EXPECT(memory != NULL);
	for (unsigned int round = 0; round < 3; round++) {
		for (size_t i = 0; i < VISIT_REGISTER_PAGES; i++) {
			uint8_t *page = memory + i * PAGE;

			EXPECT(user_touch_all(page, USER_TOUCH_READ) == 0);
			EXPECT(user_touch_all(page, USER_TOUCH_WRITE) == 0 && *page == 0xef);
		}
		EXPECT(user_touch_all(memory, USER_TOUCH_WAIT) == 0);
		EXPECT(user_try(touch_refused, memory - PAGE) == -EFAULT);
	}
	EXPECT(user_unmap(memory, VISIT_REGISTER_PAGES * PAGE) == 0);
	return 0;
}

static volatile uint64_t spins[2];

/* Two of these on one CPU, neither of which lets go of it by itself. */
static int visit_spin(unsigned int which)
{
	spins[which] = 1;
	while (spins[!which] == 0) {
		spins[which]++;
	}
	return 0;
}

/* Not a tail call: the caller's stack is still wanted. */
static unsigned int deeper(unsigned int level)
{
	volatile uint8_t filler[256];

	filler[0] = (uint8_t)level;
	return (level < 1000000 ? deeper(level + 1) : 0) + filler[0];
}

static int visit_end(enum visit visit, uint8_t *kernel)
{
	switch (visit) {
	case VISIT_READ:
		return *(volatile uint8_t *)(uintptr_t)16;
	case VISIT_KERNEL:
		*(volatile uint8_t *)kernel = 1;
		break;
	case VISIT_JUMP:
		((void (*)(void))(uintptr_t)kernel)();
		break;
	case VISIT_ILLEGAL:
		__builtin_trap();
	case VISIT_PRIVILEGED:
		user_privileged(0);
		break;
	default:
		return (int)deeper(1);
	}
	return 0;
}

/* The lowest byte says what, the rest is an address, page-aligned, or a number. */
int user_main(uintptr_t argument)
{
	int result;

	switch (argument & 255) {
	case VISIT_RETURN:
		return 42;
	case VISIT_CALLS:
		return visit_calls();
	case VISIT_TRIES:
		return visit_tries();
	case VISIT_PAGES:
		return visit_pages();
	case VISIT_SPIN:
		return visit_spin(argument >> 8 & 1);
	case VISIT_FLAGS:
		result = visit_flags();
		flags_over = true;
		return result;
	case VISIT_WAIT:
		while (!flags_over) {
		}
		return 0;
	case VISIT_LEAVE:
		user_leave();
		return 0;
	case VISIT_LEFT:
		return visit_left();
	case VISIT_REGISTERS:
		return visit_registers();
	default:
		return visit_end(argument & 255, (uint8_t *)(argument & ~(uintptr_t)255));
	}
}
