/* SPDX-License-Identifier: Apache-2.0 */
/*
 * barrier.h - the order between memory and devices; kernel/barrier.h has who is on the other side.
 *
 * RISC-V Unprivileged ISA, 2.7, FENCE: accesses to memory (r, w) and to devices (i, o) are four
 * kinds, and what is not named is not ordered. C's fences name r and w only. Registers of one
 * device are in a strongly ordered I/O region (Privileged Architecture, 3.6.5): they
 * need no fence among each other.
 */
#ifndef KERNEL_BARRIER_H
#define KERNEL_BARRIER_H

/* Stores before stores. */
static inline void barrier_write(void)
{
	__asm__ volatile("fence w, w" : : : "memory");
}

/* Stores to memory before the store to the register. */
static inline void barrier_notify(void)
{
	__asm__ volatile("fence w, o" : : : "memory");
}

/* Loads before loads and stores. */
static inline void barrier_read(void)
{
	__asm__ volatile("fence r, rw" : : : "memory");
}

/* The store to a register, or the load of it, before loads and stores of memory: of a device that
 * was put in reset the status is read, and then its memory is used for something else. */
static inline void barrier_acknowledged(void)
{
	__asm__ volatile("fence io, rw" : : : "memory");
}

#endif /* KERNEL_BARRIER_H */
