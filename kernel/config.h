/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - every number of the reference kernel that is fixed when it is built.
 * Quire's own are in quire/config.h. Also read by the linker script and by assembly.
 */
#ifndef KERNEL_CONFIG_H
#define KERNEL_CONFIG_H

#include <quire/config.h>

/* Timer ticks a second. */
#ifndef CONFIG_KERNEL_HZ
#define CONFIG_KERNEL_HZ 100
#endif

/* Timer ticks between two calls of k_mem_paging_tick, for policies that age. */
#ifndef CONFIG_KERNEL_AGEING_TICKS
#define CONFIG_KERNEL_AGEING_TICKS 10
#endif

/* Threads beside the first one. */
#ifndef CONFIG_KERNEL_THREADS
#define CONFIG_KERNEL_THREADS 16
#endif

/* Bytes in each thread's stack, a multiple of the page size. */
#ifndef CONFIG_KERNEL_STACK_BYTES
#define CONFIG_KERNEL_STACK_BYTES 16384
#endif

/* The same for stacks of user mode. */
#ifndef CONFIG_KERNEL_USER_STACK_BYTES
#define CONFIG_KERNEL_USER_STACK_BYTES 16384
#endif

/* Disks that are driven. */
#ifndef CONFIG_KERNEL_DISKS
#define CONFIG_KERNEL_DISKS 4
#endif

/* Looks at a disk in a row, by who cannot sleep, that find nothing ended although something is in
 * flight: then the disk is given up. Also interrupts of a disk that nothing comes of. */
#ifndef CONFIG_KERNEL_DISK_POLLS_MAX
#define CONFIG_KERNEL_DISK_POLLS_MAX 10000000u
#endif

/* Measure how long interrupts are masked (kernel_irq_off_max); for benchmarks. */
#ifndef CONFIG_KERNEL_IRQ_TIME
#define CONFIG_KERNEL_IRQ_TIME 0
#endif

/* Tell disks of requests when the CPU is about to wait, so that none ends earlier: for benchmarks,
 * whose counts must not depend on how fast the host's disk is. */
#ifndef CONFIG_KERNEL_DISK_AT_IDLE
#define CONFIG_KERNEL_DISK_AT_IDLE 0
#endif

#if CONFIG_KERNEL_HZ < 1 || CONFIG_KERNEL_HZ > 10000
#error "CONFIG_KERNEL_HZ must be 1 to 10000"
#endif
#if CONFIG_KERNEL_STACK_BYTES < 8192 || CONFIG_KERNEL_STACK_BYTES % CONFIG_MMU_PAGE_SIZE
#error "CONFIG_KERNEL_STACK_BYTES must be whole pages, at least 8192 bytes"
#endif

#if CONFIG_KERNEL_USER_STACK_BYTES < 4096 || CONFIG_KERNEL_USER_STACK_BYTES % CONFIG_MMU_PAGE_SIZE
#error "CONFIG_KERNEL_USER_STACK_BYTES must be whole pages"
#endif

#endif /* KERNEL_CONFIG_H */
