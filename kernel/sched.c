/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sched.c - which thread runs: the first of the highest priority that is ready. Where none is, who
 * went to sleep waits for an interrupt by the name of the idle thread, which has no stack of its
 * own once boot is over: no switch to it and back.
 *
 *     ready_mask   bit p: ready[p] is not empty
 *     ready[p]     threads that can run; the running one stays in it
 *     waiting[h]   threads whose channel has hash h
 *
 * All of it is guarded by masking interrupts. A thread is in at most one queue. Nothing
 * switches inside an interrupt handler or under the mm lock: who makes a thread ready
 * sets `stale`, and sched_preempt() switches where that is next allowed.
 */
#include "kernel/sched.h"

#include "kernel/machine.h"
#include "kernel/port.h"
#include "kernel/virtio.h"

#include <quire/bits.h>

#include <cpu.h>

#define CHANNELS 16u

struct queue {
	struct thread *head;
	struct thread *tail;
};

static struct queue ready[SCHED_PRIORITIES];
static struct queue waiting[CHANNELS];
static uint32_t ready_mask;
static struct thread *current, *idle;
static unsigned int irq_depth;
static bool stale; /* perhaps another thread should run */
static uint64_t ticks;

/* ---- queues ------------------------------------------------------------------------- */

static void queue_push(struct queue *queue, struct thread *thread)
{
	thread->next = NULL;
	if (queue->head) {
		queue->tail->next = thread;
	} else {
		queue->head = thread;
	}
	queue->tail = thread;
}

/* It is not the first. */
static QR_NOINLINE void queue_remove_later(struct queue *queue, struct thread *thread)
{
	struct thread *before = queue->head;

	while (before->next != thread) {
		QR_ASSERT(before->next);
		before = before->next;
	}
	before->next = thread->next;
	if (queue->tail == thread) {
		queue->tail = before;
	}
}

static inline void queue_remove(struct queue *queue, struct thread *thread)
{
	if (queue->head == thread) {
		queue->head = thread->next; /* `tail` is of no account without a head */
	} else {
		queue_remove_later(queue, thread);
	}
}

static struct queue *queue_of_channel(const void *channel)
{
	uintptr_t word = (uintptr_t)channel;

	return &waiting[(word >> 4 ^ word >> 12) % CHANNELS];
}

/* ---- switching ------------------------------------------------------------------------- */

void sched_start(struct thread *thread)
{
	thread->name = "idle";
	current = idle = thread;
}

struct thread *sched_current(void)
{
	return current;
}

bool sched_idle(void)
{
	return current == idle;
}

void sched_ready(struct thread *thread)
{
	thread->state = THREAD_READY;
	queue_push(&ready[thread->priority], thread);
	ready_mask |= 1u << thread->priority;
	stale = true;
}

static inline void unready(struct thread *thread)
{
	struct queue *queue = &ready[thread->priority];

	queue_remove(queue, thread);
	if (!queue->head) {
		ready_mask &= ~(1u << thread->priority);
	}
}

void sched_unqueue(struct thread *thread)
{
	if (thread->state == THREAD_WAITING) {
		queue_remove(queue_of_channel(thread->channel), thread);
	} else {
		unready(thread);
		stale = true;
	}
}

/* Nothing is ready: wait, on the stack of who went to sleep, which is often who is woken.
 * Interrupts find the idle thread running, and leave the choice to the loop. */
static void idle_wait(void)
{
	current = idle;
	port_irq_on();
	while (ready_mask == 0) {
		virtio_tell_all();
		cpu_wait();
	}
	port_irq_off();
}

/* Apart, because whoever lets go of the mm lock asks, and mostly in vain. */
static QR_NOINLINE void preempt(void)
{
	struct thread *from = current;

	if (ready_mask == 0) {
		idle_wait();
	}
	stale = false;
	current = ready[qr_bit_lowest(ready_mask)].head;
	if (current != from) {
		if (CONFIG_USERSPACE) {
			user_switch(from, current);
		}
		context_switch(&from->context, current->context);
	}
}

/* Boot goes on to its end, and who waits as the idle thread looks by himself. */
void sched_preempt(void)
{
	if (stale && current != idle) {
		preempt();
	}
}

void sched_run(void)
{
	preempt();
	kernel_panic(NULL, "boot goes on");
}

void sched_rotate(void)
{
	if (sched_idle() || !ready[current->priority].head->next) {
		return;
	}
	sched_unqueue(current);
	sched_ready(current);
}

/* ---- waiting ---------------------------------------------------------------------------- */

void sched_wait(const void *channel)
{
	QR_ASSERT(!sched_idle() && irq_depth == 0);
	unready(current);
	current->state = THREAD_WAITING;
	current->channel = channel;
	queue_push(queue_of_channel(channel), current);
	preempt();
}

void sched_wake(const void *channel)
{
	struct queue *queue = queue_of_channel(channel);
	struct thread **link = &queue->head, *before = NULL, *thread;

	while ((thread = *link) != NULL) {
		if (thread->channel != channel) {
			before = thread;
			link = &thread->next;
			continue;
		}
		*link = thread->next;
		if (queue->tail == thread) {
			queue->tail = before;
		}
		sched_ready(thread);
	}
}

/* ---- interrupts --------------------------------------------------------------------------- */

void sched_irq_enter(void)
{
	QR_ASSERT_ALL(!CONFIG_USERSPACE || entry_clean());
	irq_depth++;
}

void sched_irq_leave(void)
{
	if (--irq_depth == 0) {
		sched_preempt();
	}
}

bool sched_in_irq(void)
{
	return irq_depth != 0;
}

void sched_tick(void)
{
	ticks++;
	thread_tick(ticks);
	sched_rotate();
}

uint64_t kernel_ticks(void)
{
	return ticks;
}
