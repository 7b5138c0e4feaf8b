/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sched.h - the scheduler's face to the kernel's own files.
 *
 * One lock guards everything here: interrupts masked (one CPU). Functions say "masked"
 * where the caller must hold it.
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include <quire/domain.h>

#include "kernel/kernel.h"
#include "kernel/user.h"

#define SCHED_PRIORITIES 32u

enum thread_state {
	THREAD_FREE,     /* the record is not in use */
	THREAD_STARTING, /* taken, not yet known to the scheduler */
	THREAD_READY,    /* in a ready queue; the running thread is, too */
	THREAD_WAITING,  /* in a wait queue, for `channel` */
	THREAD_DEAD,     /* waits for thread_join() */
};

struct thread {
	void *context;        /* what context_switch() saved */
	struct thread *next;  /* in its queue */
	const void *channel;  /* what it waits for */
	uint64_t wake_tick;   /* thread_sleep(): not before this tick; else 0 */
	void *try_stack;      /* inside kernel_try_*: where a fault goes on */
	const char *name;
	void (*entry)(void *);
	void *argument;
	uint8_t *stack;       /* CONFIG_KERNEL_STACK_BYTES from here on */
	int error;            /* of the fault that it died of, or 0 */
	int result;           /* what it exited with, 0 or more */
	uint8_t priority;
	uint8_t state;
	uint8_t faulting;     /* how deep it is in k_mem_page_fault */
	struct k_mem_domain *domain; /* as qr_port_thread_domain() says */
	struct user_thread user;
	struct k_mem_paging_stats_t stats;
};

/* The running code becomes the idle thread, which never sleeps and is in no queue. */
void sched_start(struct thread *idle);

/* Masked: boot is over, and threads run, of which one is ready. */
QR_NORETURN void sched_run(void);

/* The running thread; the idle one counts. */
struct thread *sched_current(void);
bool sched_idle(void);

/* Masked: put a thread that is in no queue into its ready queue. */
void sched_ready(struct thread *thread);

/* Masked: take a thread out of the queue it is in. */
void sched_unqueue(struct thread *thread);

/* Masked: the running thread waits for `channel`; returns after a wake-up. */
void sched_wait(const void *channel);

/* Masked: make every thread ready that waits for `channel`, in the order in which
 * they came; the ready queues order them by priority. Does not switch. */
void sched_wake(const void *channel);

/* Masked, not in an interrupt: switch if another thread should run. */
void sched_preempt(void);

/* Masked: let threads of the same priority run first. */
void sched_rotate(void);

/* Around an interrupt's handler, masked. Leaving may switch threads. */
void sched_irq_enter(void);
void sched_irq_leave(void);
bool sched_in_irq(void);

/* The timer's interrupt. */
void sched_tick(void);

/* ---- threads (thread.c) ---------------------------------------------------------------- */

/* Those on stacks of the image; they are never joined. */
enum thread_static {
	THREAD_IDLE,  /* boot, and whoever waits while none is ready */
	THREAD_FIRST, /* runs app_main() */
	THREAD_AGEING, /* lets the eviction policy age frames */
	THREAD_STATIC_COUNT,
};
struct thread *thread_static(enum thread_static which);
void thread_static_start(enum thread_static which, const char *name, void (*entry)(void *),
			 uint8_t *stack_end);

/* A record and a stack for a thread, NULL: none left; give both back; let the thread run, which
 * begins in its entry. */
struct thread *thread_make(const char *name, unsigned int priority, void (*entry)(void *),
			   void *argument);
void thread_drop(struct thread *thread);
void thread_go(struct thread *thread);

/* Does a stack that is full go on here? */
bool thread_stack_guard(const struct thread *thread, uintptr_t address);

/* The running thread dies of a fault that was refused with `error` (0: it returned). */
QR_NORETURN void thread_end(int error);

/* The K_MEM_FAULT_* as a verb. fault.c */
const char *fault_access_name(uint32_t access);

/* Masked: make those threads ready whose time has come. */
void thread_tick(uint64_t now);

#endif /* KERNEL_SCHED_H */
