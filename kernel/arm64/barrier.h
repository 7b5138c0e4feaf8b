/* SPDX-License-Identifier: Apache-2.0 */
/*
 * barrier.h - the order between memory and devices; kernel/barrier.h has who is on the other side.
 *
 * Arm Architecture Reference Manual (DDI 0487), B2.3 and B2.7: accesses to normal memory and to
 * device memory are ordered among each other by barriers only, and a device that is no part of
 * the inner shareable domain, where the CPUs are, sees the order that a barrier of the outer one
 * makes (the OSH forms). A store-release orders for the inner domain alone. Accesses to one
 * peripheral's registers, mapped Device-nGnRE, arrive there as they were made.
 */
#ifndef KERNEL_BARRIER_H
#define KERNEL_BARRIER_H

/* Stores before stores. */
static inline void barrier_write(void)
{
	__asm__ volatile("dmb oshst" : : : "memory");
}

/* The same: the device that has the notification has what was stored before it. */
static inline void barrier_notify(void)
{
	__asm__ volatile("dmb oshst" : : : "memory");
}

/* Loads before loads and stores. */
static inline void barrier_read(void)
{
	__asm__ volatile("dmb oshld" : : : "memory");
}

/* Of a store before a load only the full form is one. */
static inline void barrier_acknowledged(void)
{
	__asm__ volatile("dmb osh" : : : "memory");
}

#endif /* KERNEL_BARRIER_H */
