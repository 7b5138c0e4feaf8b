/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user.c - an empty system call, and a switch between two threads that yield to each other, in
 * one domain and in two. Counted from the kernel's side of two calls with COUNT or no calls
 * between them; the difference, by COUNT, is a call with the loop around it, or two switches.
 *
 * And a fault of a user program's that reads its page from the store: of its domain's own memory,
 * and of the kernel's, which a partition opens to it.
 */
#include <quire/domain.h>
#include <quire/paging.h>

#include "kernel/config.h"

#include "bench.h"
#include "calls.h"

#define COUNT    1000u
#define PRIORITY 20u
#define PAGES    64u

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

static void *memory;

static intptr_t memory_where(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)
{
	(void)a, (void)b, (void)c, (void)d;
	need(k_mem_page_out(memory, PAGES * PAGE) == 0, "page-out");
	return (intptr_t)memory;
}

static kernel_call *const calls[] = {mark, memory_where};

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

/* Faults on memory of the first domain's, which is all that there is in it then. */
static void faults(const char *name)
{
	struct row row = {0};

	for (unsigned int i = 0; i < PAGES; i++) {
		((volatile uint8_t *)memory)[i * PAGE] = 1;
	}
	for (unsigned int i = 0; i < SAMPLES; i++) {
		uint64_t none = between_marks(CALLER_TOUCH, NULL, 0);

		row.value[row.count++] = (between_marks(CALLER_TOUCH, NULL, PAGES) - none) / PAGES;
	}
	row_print(name, &row);
}

static void all_faults(void)
{
	struct k_mem_partition part = {0, PAGES * PAGE, K_MEM_PARTITION_P_RW_U_RW};

	need(k_mem_domain_map(&domains[0], &memory, PAGES * PAGE, K_MEM_PERM_RW) == 0, "memory");
	faults("fault_user_own");
	need(k_mem_domain_unmap(&domains[0], memory, PAGES * PAGE) == 0, "unmap");
	memory = k_mem_map(PAGES * PAGE, K_MEM_PERM_RW);
	need(memory != NULL, "memory");
	part.start = (uintptr_t)memory;
	need(k_mem_domain_add_partition(&domains[0], &part) == 0, "a partition");
	faults("fault_user_partition");
	need(k_mem_domain_remove_partition(&domains[0], &part) == 0 &&
		     k_mem_unmap(memory, PAGES * PAGE) == 0,
	     "unmap");
}

void bench_user(void)
{
	const size_t bytes = 2 * (size_t)CONFIG_KERNEL_USER_STACK_BYTES + PAGES * PAGE;

	for (unsigned int i = 0; i < 2; i++) {
		need(user_domain_init(&domains[i], &caller_program, bytes, 0) == 0, "a domain");
	}
	kernel_calls_set(calls, sizeof(calls) / sizeof(calls[0]));
	row("syscall_none", CALLER_NONE, NULL, COUNT);
	row("switch_one_domain", CALLER_YIELD, &domains[0], 2 * COUNT);
	row("switch_two_domains", CALLER_YIELD, &domains[1], 2 * COUNT);
	all_faults();
}
