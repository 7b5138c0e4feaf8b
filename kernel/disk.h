/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk.h - disks for the kernel's own files (kernel.h has what apps see).
 */
#ifndef KERNEL_DISK_H
#define KERNEL_DISK_H

#include <quire/block.h>

#include "kernel/kernel.h"

/* Pages in one transfer. */
#define DISK_PAGES_MAX 64u

/* Find the disks and read their names, by polling, while devices are at their physical
 * addresses. */
void disk_find_all(void);

/* Reach the disks through the core's mappings and by interrupts from now on. */
void disk_start_all(void);

/* Requests that may be under way at once on each disk (option `depth=N`); where it was not said,
 * as many as the queue has room for. */
uint32_t disk_depth(void);

/* The disk as a block device for quire/block.h. */
void disk_block(int disk, struct k_mem_block *block);

#endif /* KERNEL_DISK_H */
