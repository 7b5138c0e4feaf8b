/* SPDX-License-Identifier: Apache-2.0 */
/*
 * barrier.h - the order in which a device that reads and writes memory by itself sees what the
 * CPU does, where C's own fences say enough. A machine whose rules for devices are not those for
 * CPUs has a file of this name in its folder, which include paths find first, with the section
 * of its manual at each.
 *
 *     a ring of virtio (Virtio 1.1, section 2.6)
 *     driver                                     device
 *     entry, descriptors                         data, status, used element
 *       barrier_write                            used index
 *     available index                            interrupt
 *       barrier_notify                           ...
 *     register: notify                           reads the available index, then the entry
 *     ...
 *     register: acknowledge the interrupt
 *       barrier_acknowledged
 *     reads the used index
 *       barrier_read
 *     reads the used element, the status; the frame is its owner's
 */
#ifndef KERNEL_BARRIER_H
#define KERNEL_BARRIER_H

/* Between two stores to memory. */
static inline void barrier_write(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Between a store to memory and one to a device's register. */
static inline void barrier_notify(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Between a load of memory and whatever is done to memory after it. */
static inline void barrier_read(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Between a store to a device's register and a load of memory. */
static inline void barrier_acknowledged(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

#endif /* KERNEL_BARRIER_H */
