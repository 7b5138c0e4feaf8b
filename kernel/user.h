/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user.h - user mode, for the kernel's own files (kernel.h has what apps see).
 *
 * Traps from user mode, system calls among them, run on the kernel stack of their thread, from
 * its end on. All tables map the kernel alike, so nothing but the stack changes.
 */
#ifndef KERNEL_USER_H
#define KERNEL_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct thread;
struct trap_frame;
struct qr_fault;

/* Of a thread that runs in user mode. */
struct user_thread {
	uintptr_t entry;     /* where it starts, 0: the thread is the kernel's own */
	uintptr_t argument;
	uint8_t *stack;      /* as given by k_mem_domain_map */
	uintptr_t try_ip;    /* where it goes on after what it may not do; 0: nowhere ... */
	uintptr_t try_stack; /* ... and on what stack */
	uint64_t fault_cycles; /* in page faults that it took in user mode */
};

/* Masked: `to` runs next, after `from`, which may be on its last instructions. */
void user_switch(const struct thread *from, const struct thread *to);

/* The thread is dead: give back what it had for user mode. */
void user_thread_drop(struct thread *thread);

/* Masked: the core refused a page fault of user mode with `status`. The thread goes on where it
 * said, or ends. */
void user_refuse(struct trap_frame *frame, const struct qr_fault *fault, int status);

#endif /* KERNEL_USER_H */
