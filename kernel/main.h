/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.h - what main.c and memory.c give the kernel's other files.
 */
#ifndef KERNEL_MAIN_H
#define KERNEL_MAIN_H

#include "kernel/kernel.h"
#include "kernel/machine.h"

const char *kernel_command_line(void);
bool kernel_same(const char *a, const char *b);

/* Does the timer run (option `tick`)? */
bool kernel_timer_runs(void);

/* The machine cannot run what it was given (a disk too small, an option that makes no
 * sense): say so and end with status 2. */
#define kernel_refuse(...) (kernel_printf(__VA_ARGS__), kernel_exit(2))

/* Build the core's configuration from what boot found and the options, start the core
 * and make its tables current. */
void memory_start(const struct machine_boot *boot);

/* Does the chosen policy age frames? */
bool memory_ages(void);

#endif /* KERNEL_MAIN_H */
