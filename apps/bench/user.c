/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user.c - an empty system call, and a switch between two threads that yield to each other, in
 * one domain and in two. Counted from the kernel's side of two calls with COUNT or no calls
 * between them; the difference, by COUNT, is a call with the loop around it, or two switches.
 */
#include <quire/domain.h>

#include "kernel/config.h"

#include "bench.h"
#include "calls.h"

#define COUNT    1000u
#define PRIORITY 20u

USER_PROGRAM(caller);

static struct k_mem_domain domains[2];
static uint64_t marks[2];
static unsigned int mark_count;

static intptr_t mark(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)
{
	(void)a, (void)b, (void)c, (void)d;
	need(mark_count < 2, "counting marks");
	marks[mark_count++] = kernel_cycles();
	return 0;
}

static kernel_call *const calls[] = {mark};

static struct thread *start(struct k_mem_domain *domain, enum caller what, uint64_t count)
{
	struct thread *thread = thread_start_user("caller", PRIORITY, domain, &caller_program,
						  count << 8 | what);

	need(thread != NULL, "starting a user thread");
	return thread;
}

/* The instructions between the marks; with a partner in its domain, or none. */
static uint64_t between_marks(enum caller what, struct k_mem_domain *partner, uint64_t count)
{
	struct thread *first, *second = NULL;

	mark_count = 0;
	first = start(&domains[0], what, count);
	if (partner) {
		second = start(partner, CALLER_PARTNER, count);
	}
	need(thread_join(first, NULL) == 0, "a user thread");
	need(!second || thread_join(second, NULL) == 0, "its partner");
	need(mark_count == 2, "marks");
	return marks[1] - marks[0];
}

static void row(const char *name, enum caller what, struct k_mem_domain *partner,
		unsigned int divisor)
{
	struct row row = {0};

	for (unsigned int i = 0; i < SAMPLES; i++) {
		uint64_t none = between_marks(what, partner, 0);

		row.value[row.count++] = (between_marks(what, partner, COUNT) - none) / divisor;
	}
	row_print(name, &row);
}

void bench_user(void)
{
	const size_t stacks = 2 * (size_t)CONFIG_KERNEL_USER_STACK_BYTES;

	for (unsigned int i = 0; i < 2; i++) {
		need(user_domain_init(&domains[i], &caller_program, stacks, 0) == 0, "a domain");
	}
	kernel_calls_set(calls, 1);
	row("syscall_none", CALLER_NONE, NULL, COUNT);
	row("switch_one_domain", CALLER_YIELD, &domains[0], 2 * COUNT);
	row("switch_two_domains", CALLER_YIELD, &domains[1], 2 * COUNT);
}
