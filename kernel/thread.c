/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread.c - the life of a thread: started on a stack of its own, with a guard page
 * on each side; ended by returning or by a fault; gone when it was joined.
 *
 * Locks: interrupts masked, as in sched.h. The table's records do not move.
 */
#include "kernel/machine.h"
#include "kernel/main.h"
#include "kernel/sched.h"

#include <quire/mm.h>
#include <cpu.h>

/* The static ones first, then those of thread_start(). */
#define THREAD_COUNT (THREAD_STATIC_COUNT + CONFIG_KERNEL_THREADS)
static struct thread threads[THREAD_COUNT];
static unsigned int sleeper_count;

/* ---- start --------------------------------------------------------------------------- */

/* Where a new thread begins, interrupts masked. */
static void thread_main(void)
{
	struct thread *self = sched_current();

	irq_enable();
	self->entry(self->argument);
	thread_end(0);
}

void thread_go(struct thread *thread)
{
	unsigned long key = irq_save();

	thread->context = context_make(thread->stack + CONFIG_KERNEL_STACK_BYTES, thread_main);
	sched_ready(thread);
	sched_preempt();
	irq_restore(key);
}

struct thread *thread_static(enum thread_static which)
{
	return &threads[which];
}

void thread_static_start(enum thread_static which, const char *name, void (*entry)(void *),
			 uint8_t *stack_end)
{
	static const uint8_t priorities[] = {
		[THREAD_FIRST] = SCHED_PRIORITIES / 2, [THREAD_AGEING] = 0,
	};

	threads[which] = (struct thread){
		.name = name, .priority = priorities[which], .entry = entry,
		.stack = stack_end - CONFIG_KERNEL_STACK_BYTES,
	};
	thread_go(&threads[which]);
}

static struct thread *record_take(void)
{
	unsigned long key = irq_save();
	struct thread *found = NULL;

	for (size_t i = THREAD_STATIC_COUNT; i < THREAD_COUNT && !found; i++) {
		if (threads[i].state == THREAD_FREE) {
			found = &threads[i];
			found->state = THREAD_STARTING;
		}
	}
	irq_restore(key);
	return found;
}

struct thread *thread_make(const char *name, unsigned int priority, void (*entry)(void *),
			   void *argument)
{
	struct thread *thread = priority < SCHED_PRIORITIES ? record_take() : NULL;
	uint8_t *stack;

	if (!thread) {
		return NULL;
	}
	stack = k_mem_map(CONFIG_KERNEL_STACK_BYTES, K_MEM_PERM_RW | K_MEM_MAP_LOCK);
	if (!stack) {
		thread->state = THREAD_FREE;
		return NULL;
	}
	*thread = (struct thread){
		.state = THREAD_STARTING, .name = name, .priority = (uint8_t)priority,
		.entry = entry, .argument = argument, .stack = stack,
	};
	return thread;
}

void thread_drop(struct thread *thread)
{
	if (k_mem_unmap(thread->stack, CONFIG_KERNEL_STACK_BYTES) != 0) {
		kernel_panic(NULL, "a thread's stack cannot be unmapped");
	}
	thread->state = THREAD_FREE;
}

struct thread *thread_start(const char *name, unsigned int priority, void (*entry)(void *),
			    void *argument)
{
	struct thread *thread = thread_make(name, priority, entry, argument);

	if (thread) {
		thread_go(thread);
	}
	return thread;
}

/* ---- end ------------------------------------------------------------------------------- */

void thread_end(int error)
{
	struct thread *self = sched_current();

	irq_disable();
	self->error = error;
	sched_unqueue(self);
	self->state = THREAD_DEAD;
	sched_wake(self);
	sched_preempt();
	kernel_panic(NULL, "a dead thread runs");
}

int thread_join(struct thread *thread, int *error)
{
	unsigned long key = irq_save();
	int status;

	while (thread->state != THREAD_DEAD) {
		sched_wait(thread);
	}
	irq_restore(key);
	status = thread->error ? -EFAULT : thread->result;
	if (error) {
		*error = thread->error;
	}
	if (CONFIG_USERSPACE && thread->user.entry) {
		user_thread_drop(thread);
	}
	thread_drop(thread);
	return status;
}

bool thread_stack_guard(const struct thread *thread, uintptr_t address)
{
	return (uintptr_t)thread->stack - 1 - address < CONFIG_MMU_PAGE_SIZE;
}

/* ---- the running thread ------------------------------------------------------------------- */

struct thread *thread_self(void)
{
	return sched_current();
}

void thread_yield(void)
{
	unsigned long key = irq_save();

	sched_rotate();
	sched_preempt();
	irq_restore(key);
}

void thread_priority_set(struct thread *thread, unsigned int priority)
{
	unsigned long key = irq_save();

	QR_ASSERT(priority < SCHED_PRIORITIES);
	if (thread->state == THREAD_READY) {
		sched_unqueue(thread);
		thread->priority = (uint8_t)priority;
		sched_ready(thread);
	} else {
		thread->priority = (uint8_t)priority;
	}
	sched_preempt();
	irq_restore(key);
}

/* ---- sleeping ------------------------------------------------------------------------------ */

void thread_sleep(uint64_t count)
{
	struct thread *self = sched_current();
	unsigned long key;

	if (!kernel_timer_runs() || count == 0) {
		thread_yield();
		return;
	}
	key = irq_save();
	/* 0 is who does not sleep: a sum that wraps around must not be it, nor soon */
	self->wake_tick = count < UINT64_MAX - kernel_ticks() ? kernel_ticks() + count : UINT64_MAX;
	sleeper_count++;
	sched_wait(&self->wake_tick);
	irq_restore(key);
}

void thread_tick(uint64_t now)
{
	for (size_t i = 0; i < THREAD_COUNT && sleeper_count != 0; i++) {
		if (threads[i].wake_tick == 0 || threads[i].wake_tick > now) {
			continue;
		}
		threads[i].wake_tick = 0;
		sleeper_count--;
		sched_wake(&threads[i].wake_tick);
	}
}
