/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - copies from and to user memory whose kernel side is on the disk, or nowhere, by threads
 * that take each other's frames. Prints TAP. A copy that does not come back is told by a watchdog.
 */
#include <quire/mm.h>
#include <quire/user.h>

#include "kernel/kernel.h"
#include "kernel/machine.h"

#include <cpu.h>

#define PAGE        ((size_t)CONFIG_MMU_PAGE_SIZE)
#define RW          K_MEM_PERM_RW
#define SECONDS_MAX 60u

static unsigned int test_count, failed_count;
static volatile bool over;
static const char *volatile doing = "nothing";
static uint8_t *user, *kernel; /* two pages each, pageable */

static void check(bool passed, const char *name)
{
	test_count++;
	failed_count += !passed;
	kernel_printf("%sok %u - %s\n", passed ? "" : "not ", test_count, name);
	doing = name;
}

static void watchdog(void *argument)
{
	(void)argument;
	for (unsigned int i = 0; i < SECONDS_MAX && !over; i++) {
		for (unsigned int j = 0; j < 10 && !over; j++) {
			thread_sleep(CONFIG_KERNEL_HZ / 10);
		}
	}
	if (!over) {
		kernel_printf("not ok - a copy after \"%s\" never returns\n", doing);
		kernel_exit(1);
	}
}

static bool out(uint8_t *at)
{
	return k_mem_page_out(at, PAGE) == 0;
}

static void test_paged(void)
{
	static const uint8_t seed[16] = {42, 1, 2, 3};

	check(k_usermode_to_copy(user, seed, 16) == 0, "a copy from the image");
	kernel[0] = 1;
	check(k_usermode_from_copy(kernel, user, 16) == 0 && kernel[0] == 42,
	      "a kernel side in a frame");
	check(k_usermode_from_copy(kernel + PAGE, user, 16) == 0 && kernel[PAGE] == 42,
	      "a kernel side that was never touched");
	check(out(kernel) && k_usermode_to_copy(user + 100, kernel, 16) == 0 &&
		      k_usermode_from_copy(kernel + 16, user + 100, 16) == 0 && kernel[16] == 42,
	      "a kernel side on the disk is read");
	check(out(kernel) && k_usermode_from_copy(kernel + 40, user, 16) == 0 && kernel[40] == 42 &&
		      kernel[43] == 3,
	      "a kernel side on the disk is written");
	check(out(kernel) && out(user) && k_usermode_from_copy(kernel + 80, user, 16) == 0 &&
		      out(kernel) && kernel[80] == 42 && kernel[83] == 3,
	      "both sides are on the disk");
}

static void test_masked(void)
{
	unsigned long key;
	int from, to;

	check(out(kernel) && out(user), "both sides go to the disk");
	key = irq_save();
	from = k_usermode_from_copy(kernel + 120, user, 16);
	irq_restore(key);
	check(from == 0 && kernel[120] == 42, "a copy with interrupts masked");
	check(out(kernel) && out(user), "again");
	key = irq_save();
	to = k_usermode_to_copy(user + 200, kernel + 120, 16);
	irq_restore(key);
	check(to == 0, "and the other way");
}

/* On x86_64 the CPU refuses what is in no half of the addresses without a page fault. */
static void test_nowhere(void)
{
	const uintptr_t nowhere[] = {
		0, 16, 0x7fffffffffff, (uintptr_t)1 << 47, (uintptr_t)1 << 56, (uintptr_t)1 << 63,
		0xffff7fffffffffff, 0xffff800000000000, UINTPTR_MAX - 15, (uintptr_t)kernel - 1,
	};
	bool refused = true;

	for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
		uint8_t *at = (uint8_t *)nowhere[i];

		refused = k_usermode_from_copy(at, user, 1) == -EFAULT && refused;
		refused = k_usermode_to_copy(user, at, 1) == -EFAULT && refused;
		refused = k_usermode_string_copy((char *)at, (char *)user, 16) == -EFAULT &&
			  refused;
	}
	check(refused, "a kernel side that is nowhere is an error");
	check(k_usermode_from_copy(image_rodata_begin, user, 16) == -EACCES &&
		      k_usermode_from_copy(image_text_begin, user, 16) == -EACCES,
	      "a kernel side that may not be written is an error");
	check(k_usermode_to_copy(user, kernel + 2 * PAGE - 8, 16) == -EFAULT,
	      "a kernel side that ends in the middle is an error");
}

/* ---- threads that take each other's frames -------- */

#define THREADS     3u
#define ROUNDS      60u
#define FRAMES_LEFT 2u
#define LOCKED_MAX  128u

static void copier(void *argument)
{
	const uintptr_t number = (uintptr_t)argument;
	uint8_t *mine = user + number * 512, *own = kernel + PAGE - 256 + number * 16;
	uint64_t word, back;

	for (uint64_t round = 0; round < ROUNDS; round++) {
		word = round << 8 | number;
		back = 0;
		if (k_usermode_to_copy(mine, &word, 8) != 0 ||
		    k_usermode_from_copy(own + 3, mine, 8) != 0 ||
		    k_usermode_to_copy(mine + PAGE - 4, own + 3, 8) != 0 ||
		    k_usermode_from_copy(&back, mine + PAGE - 4, 8) != 0 || back != word) {
			kernel_printf("# thread %lu, round %lu: %lx\n", number, round, back);
			failed_count++;
			return;
		}
	}
}

static void test_threads(void)
{
	static void *locked[LOCKED_MAX];
	struct thread *threads[THREADS];
	unsigned int count = 0;
	bool joined = true;

	for (uintptr_t i = 0; i < THREADS; i++) {
		threads[i] = thread_start("copier", 20, copier, (void *)i);
	}
	while (count < LOCKED_MAX && k_mem_free_get() > FRAMES_LEFT * PAGE &&
	       (locked[count] = k_mem_map(PAGE, RW | K_MEM_MAP_LOCK)) != NULL) {
		count++;
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		joined = threads[i] && thread_join(threads[i], NULL) == 0 && joined;
	}
	while (count > 0) {
		joined = k_mem_unmap(locked[--count], PAGE) == 0 && joined;
	}
	check(joined && failed_count == 0, "threads that take each other's frames come to an end");
}

int app_main(void)
{
	struct thread *dog = thread_start("watchdog", 0, watchdog, NULL);

	user = k_mem_map(2 * PAGE, RW | K_MEM_PERM_USER);
	kernel = k_mem_map(2 * PAGE, RW);
	check(dog && user && kernel, "memory of user mode's and of the kernel's");
	if (failed_count == 0) {
		test_paged();
		test_masked();
		test_nowhere();
		test_threads();
		check(k_mem_unmap(user, 2 * PAGE) == 0 && k_mem_unmap(kernel, 2 * PAGE) == 0,
		      "everything is given back");
	}
	over = true;
	kernel_printf("1..%u\n", test_count);
	return failed_count != 0 || (dog && thread_join(dog, NULL) != 0);
}
