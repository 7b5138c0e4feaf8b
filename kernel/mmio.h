/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmio.h - device registers.
 */
#ifndef KERNEL_MMIO_H
#define KERNEL_MMIO_H

#include <stdint.h>

static inline uint32_t mmio_read(const volatile uint8_t *registers, unsigned int offset)
{
	return *(const volatile uint32_t *)(registers + offset);
}

static inline void mmio_write(volatile uint8_t *registers, unsigned int offset, uint32_t value)
{
	*(volatile uint32_t *)(registers + offset) = value;
}

#endif /* KERNEL_MMIO_H */
