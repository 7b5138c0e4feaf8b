/* SPDX-License-Identifier: Apache-2.0 */
/*
 * barrier.h - in place of a machine's: what the device sees, and when, is device.c's.
 */
#ifndef KERNEL_BARRIER_H
#define KERNEL_BARRIER_H

void barrier_write(void);
void barrier_notify(void);
void barrier_read(void);
void barrier_acknowledged(void);

#endif /* KERNEL_BARRIER_H */
