/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - from boot code to the program.
 *
 * Until memory_start() returns, the loader's memory and the devices are reached at their
 * physical addresses; after it nothing is mapped but the image and what the core maps.
 */
#include "kernel/disk.h"
#include "kernel/main.h"
#include "kernel/sched.h"

#include <cpu.h>

static struct machine_boot boot;
static bool timer_runs;

const char *kernel_command_line(void)
{
	return boot.command_line;
}

bool kernel_timer_runs(void)
{
	return timer_runs;
}

void kernel_exit(int status)
{
	kernel_puts(""); /* behind what another thread prints */
	machine_exit(status);
}

static void first(void *argument)
{
	(void)argument;
	kernel_exit(app_main());
}

static void ageing(void *argument)
{
	(void)argument;
	for (;;) {
		thread_sleep(CONFIG_KERNEL_AGEING_TICKS);
		k_mem_paging_tick();
	}
}

static uint32_t clean_high;

static void cleaning(void *argument)
{
	(void)argument;
	while (k_mem_paging_clean(clean_high / 2 + clean_high % 2, clean_high) == 0) {
		/* until it is refused */
	}
	kernel_refuse("clean=%u: at least 2, and fewer than there are frames\n", clean_high);
}

void kernel_main(uintptr_t boot_info)
{
	sched_start(thread_static(THREAD_IDLE));
	machine_early_start();
	machine_boot_read(boot_info, &boot);
	disk_find_all();
	memory_start(&boot);
	machine_start();
	disk_start_all();
	timer_runs = kernel_option_number("tick", 1) != 0;
	if (timer_runs) {
		machine_timer_start();
	}
	if (timer_runs && memory_ages()) {
		thread_static_start(THREAD_AGEING, "ageing", ageing, image_stack_ageing_end);
	}
	clean_high = kernel_option_count("clean", 0);
	if (clean_high > 0 &&
	    !thread_start("cleaning", SCHED_PRIORITIES - 1, cleaning, NULL)) {
		kernel_refuse("clean=%u: no frames for its stack\n", clean_high);
	}
	thread_static_start(THREAD_FIRST, "first", first, image_stack_first_end);
	sched_run();
}
