/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu.h - in place of a machine's: the mask is a flag, and while it is clear the device may act.
 */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

unsigned long irq_save(void);
void irq_restore(unsigned long key);

#endif /* KERNEL_CPU_H */
