/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - user mode, tried once: what threads there do and what they may not do. Prints TAP;
 * tests/kernel/user_test looks at the lines about threads that ended. With option spin=1 a thread
 * stays in user mode for ever; with dump=1 the kernel faults with something in every register.
 */
#include <quire/domain.h>

#include "apps/user/user.h"
#include "kernel/kernel.h"
#include "tests/user/visitor.h"

#define PAGE ((size_t)CONFIG_MMU_PAGE_SIZE)
#define MEMORY_BYTES (256 * PAGE)

USER_PROGRAM(visitor);

static unsigned int test_count, failed_count;
static struct k_mem_domain domain;
static QR_ALIGNED(CONFIG_MMU_PAGE_SIZE) uint8_t kernel_data[CONFIG_MMU_PAGE_SIZE];

static void check(bool passed, const char *name)
{
	test_count++;
	failed_count += !passed;
	kernel_printf("%sok %u - %s\n", passed ? "" : "not ", test_count, name);
}

static int visit(const char *name, uintptr_t argument, int *error)
{
	struct thread *thread = thread_start_user(name, 10, &domain, &visitor_program, argument);
	int status = thread ? thread_join(thread, error) : -1;

	if (status != 0) {
		kernel_printf("# %s: %d\n", name, status);
	}
	return status;
}

static void test_life(void)
{
	size_t free_before = k_mem_free_get();

	check(visit("return", VISIT_RETURN, NULL) == 42, "a user thread returns its status");
	check(visit("calls", VISIT_CALLS, NULL) == 0, "system calls do and refuse what they say");
	check(visit("tries", VISIT_TRIES, NULL) == 0, "user mode goes on after what is refused");
	check(k_mem_free_get() == free_before, "threads that ended gave everything back");
}

static void test_paging(void)
{
	struct k_mem_paging_stats_t before, after;

	k_mem_paging_stats_get(&before);
	check(visit("pages", VISIT_PAGES, NULL) == 0, "memory of user mode is paged");
	k_mem_paging_stats_get(&after);
	check(after.transfer.page_in - before.transfer.page_in >= VISIT_READ_MIN,
	      "its pages were on the disk");
}

static void test_preemption(void)
{
	struct thread *threads[2];
	bool joined = true;

	for (uintptr_t i = 0; i < 2; i++) {
		threads[i] = thread_start_user("spin", 20, &domain, &visitor_program,
					       VISIT_SPIN | i << 8);
	}
	for (unsigned int i = 0; i < 2; i++) {
		joined = threads[i] && thread_join(threads[i], NULL) == 0 && joined;
	}
	check(joined, "user threads are preempted and share their domain's memory");
}

/* Two threads by turns; they are joined. */
static bool both(enum visit one, enum visit other)
{
	const enum visit visits[] = {one, other};
	struct thread *threads[2];
	bool passed = true;

	for (unsigned int i = 0; i < 2; i++) {
		threads[i] = thread_start_user("both", 20, &domain, &visitor_program, visits[i]);
	}
	for (unsigned int i = 0; i < 2; i++) {
		int status = threads[i] ? thread_join(threads[i], NULL) : -1;

		if (status != 0) {
			kernel_printf("# visit %d: %d\n", (int)visits[i], status);
		}
		passed = status == 0 && passed;
	}
	return passed;
}

/* Who is preempted comes back by another way than from a system call. */
static void test_leftovers(void)
{
	check(both(VISIT_WAIT, VISIT_FLAGS),
	      "flags that user mode set are not the kernel's, nor another thread's");
	check(both(VISIT_LEAVE, VISIT_LEFT) && visit("left", VISIT_LEFT, NULL) == 0,
	      "what one thread leaves in a register another one does not find");
}

/* ---- registers ------------------------------------------------------------------------------ */

static QR_NOINLINE void does_nothing(void)
{
}

static bool kept(volatile void *address, enum user_touch how)
{
	uint64_t changed = user_touch_all(address, how | USER_TOUCH_KERNEL);

	if (changed != 0) {
		kernel_printf("# touch %d: registers %lx\n", (int)how, changed);
	}
	return changed == 0;
}

/* The page is somewhere else, and comes back. */
static bool kept_paged(uint8_t *page)
{
	return k_mem_page_out(page, PAGE) == 0 && kept(page, USER_TOUCH_READ) &&
	       k_mem_page_out(page, PAGE) == 0 && kept(page, USER_TOUCH_WRITE) && *page == 0xef;
}

/* The same, with a function in it. */
static bool kept_code(uint8_t *page)
{
	__builtin_memcpy(page, (const void *)(uintptr_t)does_nothing, 16);
	return k_mem_update_flags(page, PAGE, K_MEM_PERM_EXEC) == 0 &&
	       k_mem_page_out(page, PAGE) == 0 && kept(page, USER_TOUCH_RUN) &&
	       kept(page, USER_TOUCH_RUN);
}

/* Of the kernel's own: two threads, each of which runs while the other waits for the disk. */
static void keeper(void *argument)
{
	uint8_t *memory = k_mem_map(8 * PAGE, K_MEM_PERM_RW);
	bool *passed = argument;

	*passed = memory != NULL;
	for (unsigned int i = 0; i < 8 && *passed; i++) {
		uint8_t *page = memory + i * PAGE;

		*passed = kept(page, USER_TOUCH_READ) && kept(page, USER_TOUCH_WRITE) &&
			  kept_paged(page) && kept_code(page);
	}
	*passed = *passed && kept(passed, USER_TOUCH_WAIT) &&
		  k_mem_unmap(memory, 8 * PAGE) == 0;
}

static void test_registers(void)
{
	struct thread *threads[2];
	bool passed[2] = {false, false};

	for (unsigned int i = 0; i < 2; i++) {
		threads[i] = thread_start("keeper", 20, keeper, &passed[i]);
	}
	for (unsigned int i = 0; i < 2; i++) {
		passed[i] = threads[i] && thread_join(threads[i], NULL) == 0 && passed[i];
	}
	check(passed[0] && passed[1], "faults and interrupts of the kernel's keep all registers");
	check(both(VISIT_REGISTERS, VISIT_REGISTERS), "so do those of user mode");
}

static void ends(const char *name, uintptr_t argument, int wanted, const char *test)
{
	int error = 0, status = visit(name, argument, &error);

	check(status == -EFAULT && error == wanted, test);
}

static void test_ends(void)
{
	uintptr_t code = (uintptr_t)app_main & ~(PAGE - 1), data = (uintptr_t)kernel_data;

	ends("nowhere", VISIT_READ, -EFAULT, "reading what is not mapped ends the thread");
	ends("intruder", data | VISIT_KERNEL, -EACCES, "writing the kernel's data ends the thread");
	ends("jumper", code | VISIT_JUMP, -EACCES, "running the kernel's code ends the thread");
	ends("illegal", VISIT_ILLEGAL, -EPERM, "an illegal instruction ends the thread");
	ends("halting", VISIT_PRIVILEGED, -EPERM, "a privileged instruction ends the thread");
	ends("deep", VISIT_DEEP, -EFAULT, "a stack overflow in user mode ends the thread");
	check(kernel_data[0] == 0, "the kernel's data is as it was");
}

static volatile unsigned int depth;

static unsigned int deeper(unsigned int level)
{
	volatile uint8_t filler[256];

	filler[0] = (uint8_t)level;
	depth = level;
	return (level < 1000000 ? deeper(level + 1) : 0) + filler[0];
}

static void sink(void *argument)
{
	(void)argument;
	(void)deeper(1);
}

static void test_kernel_stack(void)
{
	struct thread *thread = thread_start("sinking", 10, sink, NULL);
	int error = 0, status = thread ? thread_join(thread, &error) : 0;

	check(status == -EFAULT && error == -EFAULT && depth > 10,
	      "a stack overflow of a thread of the kernel's own ends that thread");
	thread = thread_start("sinking", 10, sink, NULL);
	check(thread && thread_join(thread, NULL) == -EFAULT, "and may happen again");
}

int app_main(void)
{
	int status = user_domain_init(&domain, &visitor_program, MEMORY_BYTES, 0);

	if (kernel_option_number("dump", 0) != 0) {
		return (int)user_touch_all((void *)0, USER_TOUCH_WRITE | USER_TOUCH_KERNEL);
	}
	if (kernel_option_number("spin", 0) != 0) {
		kernel_puts("spinning\n");
		return visit("spin", VISIT_SPIN, NULL);
	}
	check(status == 0, "a domain for a program");
	if (status == 0) {
		test_life();
		test_paging();
		test_preemption();
		test_leftovers();
		test_registers();
		test_ends();
		check(k_mem_domain_deinit(&domain) == 0, "the domain ends");
	}
	test_kernel_stack();
	kernel_printf("1..%u\n", test_count);
	return failed_count != 0;
}
