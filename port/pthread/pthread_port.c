/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pthread_port.c - the port over POSIX threads (pthread_port.h).
 *
 * One mutex is "interrupts are masked on the CPU". Each thread counts how deeply it masks;
 * the first level takes the mutex. The mm lock is a level more, and a flag that it is held.
 *
 * Sleepers hang in the bucket of their channel. A wakeup moves those of the channel to the
 * ready list, which is ordered by priority, those of one priority in the order in which they
 * went to sleep. Only the head of that list may go on; it lets the next one go on when it has
 * the mutex. So woken threads get the mm lock in order of priority, whatever the host's
 * scheduler does.
 *
 * Lock: everything here under the mutex, but what is thread-local.
 */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pthread_port.h"

#define BUCKETS 64u
#define PRIORITY_DEFAULT 16u

struct sleeper {
	const void *channel;
	unsigned int priority;
	bool ready;
	pthread_cond_t go;
	struct sleeper *next;
};

static pthread_mutex_t cpu = PTHREAD_MUTEX_INITIALIZER;
static bool mm_locked;
static struct sleeper *asleep[BUCKETS];
static struct sleeper *ready;

static _Thread_local struct port_thread *self;
static _Thread_local unsigned int mask_depth;
static _Thread_local bool in_interrupt;

/* ---- masking and the lock ------------------------------------------------------------ */

void qr_port_panic(const char *what)
{
	fprintf(stderr, "panic: %s\n", what);
	abort();
}

static void must(bool condition, const char *what)
{
	if (!condition) {
		qr_port_panic(what);
	}
}

/* A key is the depth to go back to. */
qr_port_key_t qr_port_irq_lock(void)
{
	if (mask_depth == 0) {
		must(pthread_mutex_lock(&cpu) == 0, "the CPU's mutex cannot be taken");
	}
	return mask_depth++;
}

void qr_port_irq_unlock(qr_port_key_t key)
{
	must(mask_depth == key + 1, "interrupts are unmasked out of order");
	if (--mask_depth == 0) {
		must(pthread_mutex_unlock(&cpu) == 0, "the CPU's mutex cannot be released");
	}
}

qr_port_key_t qr_port_lock(void)
{
	qr_port_key_t key = qr_port_irq_lock();

	must(!mm_locked, "the mm lock is taken twice");
	mm_locked = true;
	return key;
}

void qr_port_unlock(qr_port_key_t key)
{
	must(mask_depth > 0 && mm_locked, "the mm lock is released but not held");
	mm_locked = false;
	qr_port_irq_unlock(key);
}

/* ---- sleeping ------------------------------------------------------------------------ */

bool qr_port_can_sleep(void)
{
	return mask_depth == 0 && !in_interrupt;
}

static struct sleeper **bucket_of(const void *channel)
{
	uint64_t hash = (uint64_t)(uintptr_t)channel * UINT64_C(0x9e3779b97f4a7c15);

	return &asleep[hash >> 58];
}

_Static_assert(BUCKETS == 1u << (64 - 58), "the hash has six bits");

static void append(struct sleeper **list, struct sleeper *sleeper)
{
	while (*list != NULL) {
		list = &(*list)->next;
	}
	sleeper->next = NULL;
	*list = sleeper;
}

static void ready_insert(struct sleeper *sleeper)
{
	struct sleeper **link = &ready;

	while (*link != NULL && (*link)->priority <= sleeper->priority) {
		link = &(*link)->next;
	}
	sleeper->next = *link;
	*link = sleeper;
	sleeper->ready = true;
}

static void ready_go(void)
{
	if (ready != NULL) {
		pthread_cond_signal(&ready->go);
	}
}

qr_port_key_t qr_port_sleep(const void *channel, qr_port_key_t key)
{
	struct sleeper sleeper = {
		.channel = channel,
		.priority = self != NULL ? self->priority : PRIORITY_DEFAULT,
	};

	must(mm_locked && mask_depth == 1 && key == 0, "a sleep with more than the mm lock held");
	must(!in_interrupt, "a sleep in an interrupt handler");
	must(pthread_cond_init(&sleeper.go, NULL) == 0, "no condition variable");
	append(bucket_of(channel), &sleeper);
	mm_locked = false;
	while (!sleeper.ready || ready != &sleeper) {
		pthread_cond_wait(&sleeper.go, &cpu);
	}
	must(!mm_locked, "a thread slept with the mm lock held");
	mm_locked = true;
	ready = sleeper.next;
	ready_go();
	pthread_cond_destroy(&sleeper.go);
	return key;
}

void qr_port_wakeup(const void *channel)
{
	struct sleeper **link = bucket_of(channel);

	must(mm_locked && mask_depth > 0, "a wakeup without the mm lock");
	while (*link != NULL) {
		struct sleeper *sleeper = *link;

		if (sleeper->channel != channel) {
			link = &sleeper->next;
			continue;
		}
		*link = sleeper->next;
		ready_insert(sleeper);
	}
	ready_go();
}

/* ---- the rest of the port ------------------------------------------------------------ */

void qr_port_print(const char *text)
{
	fputs(text, stdout);
}

enum qr_port_context qr_port_context(void)
{
	if (in_interrupt) {
		return QR_PORT_ISR;
	}
	return mask_depth > 0 ? QR_PORT_IRQ_LOCKED : QR_PORT_THREAD;
}

/* Nanoseconds. */
uint32_t qr_port_cycles(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint32_t)((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
}

struct k_mem_paging_stats_t *qr_port_thread_stats(void *thread)
{
	struct port_thread *which = thread != NULL ? thread : self;

	return which != NULL ? &which->stats : NULL;
}

/* A thread that is nobody in particular has a domain of its own all the same. */
struct k_mem_domain **qr_port_thread_domain(void *thread)
{
	static _Thread_local struct k_mem_domain *nobodys;
	struct port_thread *which = thread != NULL ? thread : self;

	return which != NULL ? &which->domain : &nobodys;
}

void port_thread_enter(struct port_thread *thread)
{
	self = thread;
}

void port_interrupt(void (*handler)(void *argument), void *argument)
{
	qr_port_key_t key = qr_port_irq_lock();

	in_interrupt = true;
	handler(argument);
	in_interrupt = false;
	qr_port_irq_unlock(key);
}
