/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver.h - what the kernel tells the driver: the argument of its thread is where this is.
 */
#ifndef EXAMPLES_DRIVER_DRIVER_H
#define EXAMPLES_DRIVER_DRIVER_H

#include <stdint.h>

struct driver_info {
	uint64_t registers;    /* of the device, mapped */
	uint64_t image_offset; /* from physical addresses to those of the driver's variables */
};

#endif /* EXAMPLES_DRIVER_DRIVER_H */
