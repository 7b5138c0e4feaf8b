/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver.c - the kernel's driver, which can be made to forget its disks.
 */
#include "kernel/disk.c"

#include "tests/host/device/driver.h"

void driver_forget(void)
{
	disk_count = 0;
}
