/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port.h - what port.c gives the kernel's other files.
 */
#ifndef KERNEL_PORT_H
#define KERNEL_PORT_H

#include <stdbool.h>

/* Is the mm lock held? Masked. */
bool port_locked(void);

/* Interrupts were, are about to be, masked and unmasked: for kernel_irq_off_max(). */
void port_irq_off(void);
void port_irq_on(void);

#endif /* KERNEL_PORT_H */
