/* SPDX-License-Identifier: Apache-2.0 */
/*
 * barrier.h - the order between memory and devices; kernel/barrier.h has who is on the other side.
 *
 * Intel SDM volume 3, 9.2.2: stores are seen in the order of the program, and so are loads;
 * devices are no exception, for they are coherent. Only a load may be done before an earlier
 * store to another place. So but for that the compiler alone must be kept from moving anything.
 */
#ifndef KERNEL_BARRIER_H
#define KERNEL_BARRIER_H

static inline void barrier_write(void)
{
	__asm__ volatile("" : : : "memory");
}

static inline void barrier_notify(void)
{
	__asm__ volatile("" : : : "memory");
}

static inline void barrier_read(void)
{
	__asm__ volatile("" : : : "memory");
}

static inline void barrier_acknowledged(void)
{
	__asm__ volatile("mfence" : : : "memory");
}

#endif /* KERNEL_BARRIER_H */
