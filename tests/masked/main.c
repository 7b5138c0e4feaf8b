/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - how long a program in user mode can keep interrupts masked. An alarm is set to ever
 * other times; how late its interrupt comes is how long they were still masked, and the longest of
 * many is near the longest stretch. Under -icount, so it is a number of instructions. Prints TAP.
 */
#include <quire/domain.h>
#include <quire/user.h>

#include "kernel/kernel.h"
#include "kernel/machine.h"
#include "tests/masked/masked.h"

#define PAGE ((size_t)CONFIG_MMU_PAGE_SIZE)
#define MEMORY_BYTES (128 * PAGE)
#define PRIORITY 20u
#define ENDS     40u

USER_PROGRAM(caller);

static unsigned int test_count, failed_count;
static struct k_mem_domain domain;

static void check(bool passed, const char *name)
{
	test_count++;
	failed_count += !passed;
	kernel_printf("%sok %u - %s\n", passed ? "" : "not ", test_count, name);
}

/* ---- the alarm -------- */

static const struct thread *volatile measured;
static volatile uint64_t due, longest, alarms;
static uint32_t random = 1;

static void alarm(void);

static void alarm_next(void)
{
	uint32_t wait = 700 + (random = random * 1103515245u + 12345u) / 65536u % 997;

	due = kernel_clock() + wait;
	machine_alarm_set(wait, alarm);
}

static void alarm(void)
{
	uint64_t late = kernel_clock() - due;

	if (thread_self() == measured) {
		longest = late > longest && (int64_t)late > 0 ? late : longest;
		alarms++;
	}
	alarm_next();
}

/* ---- what is measured -------- */

static intptr_t call_begin(uintptr_t on, uintptr_t b, uintptr_t c, uintptr_t d)
{
	(void)b, (void)c, (void)d;
	measured = on ? thread_self() : NULL;
	return 0;
}

static intptr_t call_copy(uintptr_t from, uintptr_t bytes, uintptr_t c, uintptr_t d)
{
	static uint8_t buffer[MASKED_COPY_MAX];

	(void)c, (void)d;
	return bytes > sizeof(buffer) ? -EINVAL
				      : k_usermode_from_copy(buffer, (const void *)from, bytes);
}

static kernel_call *const calls[] = {call_begin, call_copy};

static bool run(enum masked_what what)
{
	struct thread *thread = thread_start_user("caller", PRIORITY, &domain, &caller_program,
						  what);
	int status = thread ? thread_join(thread, NULL) : -1;

	return status == (what == MASKED_END ? -EFAULT : 0);
}

static uint64_t measure(enum masked_what what)
{
	bool passed = true;

	longest = 0;
	alarms = 0;
	for (unsigned int i = 0; i < (what == MASKED_END ? ENDS : 1) && passed; i++) {
		passed = run(what);
		measured = NULL;
	}
	return passed ? longest : UINT64_MAX;
}

/* What may be masked beside what the measurement itself takes, in instructions, assertions
 * included: a character, a piece of a copy, a batch of entries. */
static const struct {
	const char *name;
	uint64_t most;
} rows[MASKED_COUNT] = {
	[MASKED_NOTHING] = {"no call at all", 1000},
	[MASKED_SMALL] = {"calls that do next to nothing", 2500},
	[MASKED_PRINT] = {"printing", 2500},
	[MASKED_COPIES] = {"copies", 5000},
	[MASKED_MEMORY] = {"mapping and unmapping", 15000},
	[MASKED_FAULTS] = {"faults that are refused", 500},
	[MASKED_END] = {"threads that end with a line of text", 500},
};

/* Without the copy that a system call makes first. */
static uint64_t measure_text(void)
{
	longest = 0;
	alarms = 0;
	measured = thread_self();
	for (unsigned int i = 0; i < 60; i++) {
		kernel_printf("#%0119u\n", i);
	}
	measured = NULL;
	return longest;
}

int app_main(void)
{
	uint64_t none = 0;

	if (user_domain_init(&domain, &caller_program, MEMORY_BYTES, 0) != 0) {
		return 2;
	}
	kernel_calls_set(calls, sizeof(calls) / sizeof(calls[0]));
	alarm_next();
	for (enum masked_what what = 0; what < MASKED_COUNT; what++) {
		uint64_t late = measure(what), more = late > none ? late - none : 0;

		none = what == MASKED_NOTHING ? late : none;
		kernel_printf("# %s: %lu instructions late, %lu alarms\n", rows[what].name, late,
			      alarms);
		check(more <= rows[what].most, rows[what].name);
	}
	check(alarms >= ENDS, "interrupts come while that line is printed");
	check(measure_text() <= none + 300, "text: masked for a character, not for a line");
	kernel_printf("# %lu instructions late, %lu alarms\n", longest, alarms);
	machine_alarm_set(0, NULL);
	kernel_printf("1..%u\n", test_count);
	return failed_count != 0;
}
