/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver.h - what driver.c adds to the kernel's.
 */
#ifndef TESTS_HOST_DEVICE_DRIVER_H
#define TESTS_HOST_DEVICE_DRIVER_H

void driver_forget(void);

#endif /* TESTS_HOST_DEVICE_DRIVER_H */
