/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - changes of translations by a thread whose stack is beside what changes, in the same
 * leaf table or in the same large leaf, or in it. Prints TAP.
 *
 *     spare=ADDRESS  RAM behind what `frames` and `ramstore` use, two large leaves of it
 */
#include <quire/domain.h>
#include <quire/mm.h>

#include "kernel/kernel.h"
#include "kernel/machine.h"
#include "kernel/main.h"
#include "kernel/sched.h"

#include <cpu.h>

#define PAGE  ((size_t)CONFIG_MMU_PAGE_SIZE)
#define LARGE ((size_t)0x200000)
#define RW    K_MEM_PERM_RW

static struct k_mem_domain domain;
static unsigned int test_count, failed_count;

static void check(bool passed, const char *name)
{
	test_count++;
	failed_count += !passed;
	kernel_printf("%sok %u - %s\n", passed ? "" : "not ", test_count, name);
}

/* ---- what a thread does ------------------------------------------------------------------ */

/* Give its page to a domain, and take it back. */
static bool open_and_shut(uint8_t *page)
{
	const struct k_mem_partition part = {(uintptr_t)page, PAGE, K_MEM_PARTITION_P_RW_U_RW};

	return k_mem_domain_add_partition(&domain, &part) == 0 &&
	       k_mem_domain_remove_partition(&domain, &part) == 0;
}

/* A page in the leaf table of the stack. */
static bool beside_the_stack(uint8_t *stack)
{
	uint8_t *page = k_mem_map(PAGE, RW);
	bool done = page != NULL && ((uintptr_t)page ^ (uintptr_t)stack) < LARGE &&
		    open_and_shut(page);

	return k_mem_unmap(page, PAGE) == 0 && done;
}

/* Not the stack's own page: the kernel may not touch what user mode may. */
static bool partition_of_others(uint8_t *stack)
{
	return open_and_shut(stack - 3 * PAGE);
}

static bool rights_of_others(uint8_t *stack)
{
	return k_mem_update_flags(stack - 3 * PAGE, PAGE, 0) == 0 &&
	       k_mem_update_flags(stack - 3 * PAGE, PAGE, RW) == 0;
}

static bool own_rights(uint8_t *stack)
{
	return k_mem_update_flags(stack, CONFIG_KERNEL_STACK_BYTES, RW) == 0;
}

static bool own_cache_mode(uint8_t *stack)
{
	return k_mem_update_flags(stack - PAGE, CONFIG_KERNEL_STACK_BYTES + PAGE,
				  RW | K_MEM_CACHE_WT) == 0 &&
	       k_mem_update_flags(stack - PAGE, CONFIG_KERNEL_STACK_BYTES + PAGE, RW) == 0;
}

static bool (*const in_pages[])(uint8_t *) = {beside_the_stack, own_rights};
static const char *const in_pages_names[] = {
	"a page in the stack's leaf table is given to a domain",
	"the stack's pages are given the rights that they have",
};

/* Each is the first that is done to a large leaf. */
static bool (*const in_leaf[])(uint8_t *) = {
	rights_of_others, partition_of_others, own_rights, own_cache_mode,
};
static const char *const in_leaf_names[] = {
	"rights of a page of the large leaf that the stack is in are changed",
	"a page of the large leaf that the stack is in is given to a domain",
	"rights of the stack's part of a large leaf are changed",
	"the cache mode of the stack's part of a large leaf is changed",
};

/* ---- threads ----------------------------------------------------------------------------- */

static struct job {
	bool (*change)(uint8_t *stack);
	uint8_t *stack;
	struct k_mem_domain *current; /* meanwhile */
	bool done;
} job;

static void work(void *argument)
{
	(void)argument;
	k_mem_domain_switch(job.current);
	job.done = job.change(job.stack);
	k_mem_domain_switch(NULL);
}

/* Do it on the stack that begins here, or, with NULL, on a thread's usual one. */
static void run(bool (*change)(uint8_t *), const char *name, uint8_t *stack,
		struct k_mem_domain *current)
{
	struct thread *thread = thread_make("worker", 20, work, NULL);
	uint8_t *own = thread ? thread->stack : NULL;

	job = (struct job){.change = change, .stack = stack ? stack : own, .current = current};
	if (thread) {
		thread->stack = job.stack;
		thread_go(thread); /* has a higher priority, and never waits */
		thread->stack = own;
	}
	check(thread && thread_join(thread, NULL) == 0 && job.done, name);
}

/* The thread's stack in the middle of a large leaf, where there is RAM at `spare`. */
static void run_in_leaf(unsigned int which, struct k_mem_domain *current)
{
	const uintptr_t spare = (uintptr_t)kernel_option_number("spare", 0);
	uint8_t *leaf = NULL;
	bool mapped = spare != 0 && k_mem_map_phys_bare(&leaf, spare, LARGE, RW) == 0;

	if (mapped) {
		run(in_leaf[which], in_leaf_names[which], leaf + LARGE / 2, current);
	}
	check(mapped && k_mem_unmap_phys_bare(leaf, LARGE) == 0, "and goes");
}

int app_main(void)
{
	uint8_t *page = k_mem_map(PAGE, RW);
	const struct k_mem_partition part = {(uintptr_t)page, PAGE, K_MEM_PARTITION_P_RW_U_RW};
	bool started = page != NULL && k_mem_domain_init(&domain, 0, NULL) == 0;

	for (unsigned int i = 0; i < sizeof(in_pages) / sizeof(in_pages[0]); i++) {
		run(in_pages[i], in_pages_names[i], NULL, NULL);
		run(in_pages[i], in_pages_names[i], NULL, &domain);
	}
	/* so that the domain has private tables above the leaf, too */
	check(started && k_mem_domain_add_partition(&domain, &part) == 0, "a domain");
	for (unsigned int i = 0; i < sizeof(in_leaf) / sizeof(in_leaf[0]); i++) {
		run_in_leaf(i, NULL);
		run_in_leaf(i, &domain);
	}
	check(k_mem_domain_deinit(&domain) == 0 && k_mem_unmap(page, PAGE) == 0, "its end");
	kernel_printf("1..%u\n", test_count);
	return failed_count != 0;
}
