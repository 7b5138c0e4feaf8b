/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fiber.c - see fiber.h.
 *
 * There is one CPU: what masks interrupts is counted in `depth`, and as long as it is not 0
 * the running fiber stays. A sleeper is a fiber with a channel. When all sleep, only devices
 * can help: the stores are polled, and if that wakes nobody, it is a deadlock.
 */
#include "fiber.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <sanitizer/common_interface_defs.h>

#include <quire/port.h>

#include <port/strict/strict.h>

#define STACK_BYTES     0x40000u
#define IDLE_ROUNDS_MAX 10000u

struct fiber {
	ucontext_t context;
	const void *stack;
	size_t stack_bytes;
	void *fake; /* the sanitizer's */
	const void *channel;
	uint64_t order; /* fibers_rank(): when it could run again, then when it fell asleep */
	bool done;
};

/* Fiber 0 is who called fibers_run(). */
static struct fiber fibers[FIBERS_MAX + 1];
static unsigned int fiber_count = 1;
static unsigned int current;
static unsigned int running;
static void (*fiber_body)(unsigned int self);
static uint64_t random_state = 1;

static struct {
	unsigned int depth;
	bool locked;
	bool interrupt;
	bool held; /* fibers_hold() */
	const uint8_t *rank; /* fibers_rank() */
	uint32_t sleeps, wakeups;
	qr_port_key_t last_key;
	qr_port_key_t key[8];
	void (*handler)(void);
	struct k_mem_store store[STRICT_STORES_MAX];
	unsigned int store_count;
	struct k_mem_paging_stats_t stats;
	struct k_mem_domain *domain;
	uint32_t cycles;
	unsigned long switches;
} port;

static uint32_t chance(uint32_t below)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % below;
}

static void must(bool condition, const char *what)
{
	if (!condition) {
		qr_port_panic(what);
	}
}

void qr_port_panic(const char *what)
{
	fprintf(stderr, "# panic in fiber %u: %s\n", current, what);
	abort();
}

/* ---- switching ----------------------------------------------------------------------- */

static void switch_to(unsigned int next)
{
	struct fiber *from = &fibers[current];

	if (next == current) {
		return;
	}
	port.switches++;
	current = next;
	__sanitizer_start_switch_fiber(from->done ? NULL : &from->fake, fibers[next].stack,
				       fibers[next].stack_bytes);
	swapcontext(&from->context, &fibers[next].context);
	__sanitizer_finish_switch_fiber(from->fake, NULL, NULL);
}

static void interrupt(void (*handler)(void))
{
	must(port.depth == 0 && !port.interrupt, "an interrupt where they are masked");
	port.interrupt = true;
	handler();
	must(port.depth == 0, "an interrupt handler left something held");
	port.interrupt = false;
}

static void poll_stores(void)
{
	for (unsigned int i = 0; i < port.store_count; i++) {
		port.store[i].ops->poll(port.store[i].context);
	}
}

/* The first of those that can run. Fiber 0 can when all others have ended. */
static unsigned int first_of(const unsigned int *ready, unsigned int count)
{
	unsigned int first = ready[0];

	for (unsigned int i = 1; i < count; i++) {
		unsigned int a = port.rank[ready[i] - 1], b = port.rank[first - 1];

		if (a < b || (a == b && fibers[ready[i]].order < fibers[first].order)) {
			first = ready[i];
		}
	}
	return first;
}

/* A fiber that can run. */
static unsigned int choose(void)
{
	unsigned int ready[FIBERS_MAX + 1];

	for (unsigned int idle = 0; idle < IDLE_ROUNDS_MAX; idle++) {
		unsigned int count = 0;

		for (unsigned int i = 0; i < fiber_count; i++) {
			if (!fibers[i].done && fibers[i].channel == NULL) {
				ready[count++] = i;
			}
		}
		if (count > 0) {
			return port.rank != NULL ? first_of(ready, count) : ready[chance(count)];
		}
		interrupt(poll_stores);
	}
	qr_port_panic("deadlock: all fibers sleep");
}

/* Here a kernel could switch threads. */
void fibers_yield(void)
{
	if (port.depth > 0 || port.interrupt) {
		return;
	}
	if (port.rank != NULL) {
		if (running > 0) {
			switch_to(choose());
		}
		return;
	}
	if (chance(8) == 0) {
		interrupt(poll_stores);
	}
	if (port.handler != NULL && running > 0 && chance(24) == 0) {
		interrupt(port.handler);
	}
	if (running > 0 && !port.held && chance(2) == 0) {
		switch_to(choose());
	}
}

static void entry(void)
{
	struct fiber *self = &fibers[current];

	if (fibers[0].stack == NULL) {
		__sanitizer_finish_switch_fiber(NULL, &fibers[0].stack, &fibers[0].stack_bytes);
	} else {
		__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
	}
	fiber_body(current - 1);
	must(port.depth == 0 && !port.held, "a fiber ended with something held");
	self->done = true;
	running--;
	if (running == 0) {
		fibers[0].channel = NULL;
	}
	switch_to(choose());
}

void fibers_run(unsigned int count, void (*body)(unsigned int self), uint64_t seed)
{
	must(count > 0 && count <= FIBERS_MAX && running == 0, "no such number of fibers");
	random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	fiber_body = body;
	fiber_count = count + 1;
	running = count;
	for (unsigned int i = 1; i <= count; i++) {
		struct fiber *fiber = &fibers[i];

		*fiber = (struct fiber){.stack = malloc(STACK_BYTES), .stack_bytes = STACK_BYTES};
		getcontext(&fiber->context);
		fiber->context.uc_stack.ss_sp = (void *)(uintptr_t)fiber->stack;
		fiber->context.uc_stack.ss_size = STACK_BYTES;
		makecontext(&fiber->context, entry, 0);
	}
	fibers[0].channel = fibers; /* until the last one ends */
	switch_to(choose());
	for (unsigned int i = 1; i <= count; i++) {
		free((void *)(uintptr_t)fibers[i].stack);
	}
	fiber_count = 1;
}

void fibers_interrupt_set(void (*handler)(void))
{
	port.handler = handler;
}

void fibers_rank(const uint8_t *rank)
{
	port.rank = rank;
}

unsigned int fibers_self(void)
{
	return current - 1;
}

void fibers_hold(bool hold)
{
	port.held = hold;
}

/* Not part of `port`: it outlives a reset. */
static const struct fibers_watch *watch;

void fibers_watch(const struct fibers_watch *who)
{
	watch = who;
}

static void tell_released(const void *frame)
{
	if (watch != NULL) {
		watch->released(frame, port.interrupt);
	}
}

unsigned long fibers_switches(void)
{
	return port.switches;
}

/* ---- locks --------------------------------------------------------------------------- */

static qr_port_key_t push(void)
{
	must(port.depth < 8, "locks and masks are nested too deeply");
	port.key[port.depth++] = ++port.last_key;
	return port.last_key;
}

static void pop(qr_port_key_t key)
{
	must(port.depth > 0 && port.key[port.depth - 1] == key, "a wrong key, or out of order");
	port.depth--;
}

qr_port_key_t qr_port_lock(void)
{
	must(!port.locked, "the mm lock is taken twice");
	port.locked = true;
	if (watch != NULL) {
		watch->locked(port.interrupt);
	}
	return push();
}

void qr_port_unlock(qr_port_key_t key)
{
	must(port.locked, "the mm lock is released but not held");
	pop(key);
	port.locked = false;
	tell_released(__builtin_frame_address(0));
	fibers_yield();
}

qr_port_key_t qr_port_irq_lock(void)
{
	must(!port.locked, "a page is copied under the mm lock");
	return push();
}

void qr_port_irq_unlock(qr_port_key_t key)
{
	must(!port.locked, "interrupts are unmasked under the mm lock");
	pop(key);
	fibers_yield();
}

/* ---- sleeping ------------------------------------------------------------------------ */

bool qr_port_can_sleep(void)
{
	return port.depth == 0 && !port.interrupt && !port.held;
}

qr_port_key_t qr_port_sleep(const void *channel, qr_port_key_t key)
{
	must(port.locked && port.depth == 1, "a sleep with more or less than the mm lock");
	must(!port.interrupt && !port.held, "a sleep where sleeping is not allowed");
	pop(key);
	port.locked = false;
	tell_released(__builtin_frame_address(0));
	if (port.rank != NULL || chance(16) != 0) { /* else woken early */
		fibers[current].channel = channel;
		fibers[current].order = ++port.sleeps;
	}
	switch_to(choose());
	must(port.depth == 0, "woken with something held");
	return qr_port_lock();
}

void qr_port_wakeup(const void *channel)
{
	must(port.locked, "a wakeup without the mm lock");
	port.wakeups++;
	for (unsigned int i = 0; i < fiber_count; i++) {
		if (fibers[i].channel == channel) {
			fibers[i].channel = NULL;
			fibers[i].order |= (uint64_t)port.wakeups << 32;
		}
	}
}

/* ---- the rest ------------------------------------------------------------------------ */

void qr_port_print(const char *text)
{
	(void)text;
}

enum qr_port_context qr_port_context(void)
{
	if (port.interrupt) {
		return QR_PORT_ISR;
	}
	return port.depth > 0 ? QR_PORT_IRQ_LOCKED : QR_PORT_THREAD;
}

uint32_t qr_port_cycles(void)
{
	return ++port.cycles;
}

struct k_mem_paging_stats_t *qr_port_thread_stats(void *thread)
{
	return thread == NULL ? &port.stats : thread;
}

struct k_mem_domain **qr_port_thread_domain(void *thread)
{
	return thread == NULL ? &port.domain : thread;
}

void strict_reset(void)
{
	memset(&port, 0, sizeof(port));
}

void strict_poll_add(const struct k_mem_store *store)
{
	must(port.store_count < STRICT_STORES_MAX, "too many stores");
	port.store[port.store_count++] = *store;
}

bool strict_locked(void)
{
	return port.locked;
}

bool strict_masked(void)
{
	return !port.locked && port.depth > 0;
}
