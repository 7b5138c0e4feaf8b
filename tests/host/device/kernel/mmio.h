/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmio.h - in place of the kernel's: registers are those of the device in C.
 */
#ifndef KERNEL_MMIO_H
#define KERNEL_MMIO_H

#include <stdint.h>

uint32_t mmio_read(const volatile uint8_t *registers, unsigned int offset);
void mmio_write(volatile uint8_t *registers, unsigned int offset, uint32_t value);

#endif /* KERNEL_MMIO_H */
