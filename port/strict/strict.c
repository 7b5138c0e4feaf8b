/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strict.c - the port for tests (strict.h).
 *
 * Locks and masks that are held stand on one stack, since both mask interrupts and must be
 * given back in reverse order; a key is a number that is never used again, so that a wrong
 * one is noticed. The mm lock is taken at most once, and nothing but it may be on the stack
 * of a sleeper. Sleepers stand on a stack of their own: one sleeps inside the progress hook
 * of the one below.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "strict.h"

#define DEPTH_MAX 8u
#define IDLE_ROUNDS_MAX 1000u
#define PRINTED_MAX 16384u

enum held_kind { HELD_LOCK, HELD_IRQ };

struct held {
	enum held_kind kind;
	qr_port_key_t key;
};

struct sleeper {
	const void *channel;
	bool woken;
	struct sleeper *below;
};

static struct {
	struct held held[DEPTH_MAX];
	unsigned int depth;
	bool locked;
	enum qr_port_context context;
	bool sleep_forbidden;
	unsigned int wake_early;
	struct sleeper *sleepers;
	struct k_mem_store store[STRICT_STORES_MAX];
	unsigned int store_count;
	bool (*progress)(void *argument);
	void *progress_argument;
	void (*between)(void);
	bool in_between;
	struct k_mem_paging_stats_t *stats;
	struct k_mem_paging_stats_t own_stats;
	struct k_mem_domain *domain;
	uint32_t cycles;
	struct strict_counts counts;
	char printed[PRINTED_MAX];
	size_t printed_bytes;
} port = {.stats = &port.own_stats};

/* Not part of `port`: a key from before a reset must stay wrong. */
static qr_port_key_t last_key = 1000;

jmp_buf strict_catch_point;
bool strict_catching;
static char caught[512];

/* ---- panics and printing ------------------------------------------------------------- */

void qr_port_panic(const char *what)
{
	if (strict_catching) {
		snprintf(caught, sizeof(caught), "%s", what);
		longjmp(strict_catch_point, 1);
	}
	fprintf(stderr, "panic: %s\n", what);
	abort();
}

const char *strict_caught(void)
{
	return caught[0] != '\0' ? caught : NULL;
}

void strict_caught_clear(void)
{
	caught[0] = '\0';
}

static void must(bool condition, const char *what)
{
	if (!condition) {
		qr_port_panic(what);
	}
}

void qr_port_print(const char *text)
{
	size_t bytes = strlen(text);
	size_t room = PRINTED_MAX - 1 - port.printed_bytes;

	if (bytes > room) {
		bytes = room;
	}
	memcpy(port.printed + port.printed_bytes, text, bytes);
	port.printed_bytes += bytes;
}

const char *strict_printed(void)
{
	return port.printed;
}

/* ---- locks --------------------------------------------------------------------------- */

static qr_port_key_t held_push(enum held_kind kind)
{
	must(port.depth < DEPTH_MAX, "locks and masks are nested too deeply");
	port.held[port.depth++] = (struct held){kind, ++last_key};
	if (port.depth > port.counts.depth_max) {
		port.counts.depth_max = port.depth;
	}
	return last_key;
}

static bool held_top_is(enum held_kind kind, qr_port_key_t key)
{
	const struct held *top;

	if (port.depth == 0) {
		return false;
	}
	top = &port.held[port.depth - 1];
	return top->kind == kind && top->key == key;
}

static void between(void)
{
	if (port.between != NULL && !port.in_between && port.depth == 0) {
		port.in_between = true;
		port.between();
		port.in_between = false;
	}
}

qr_port_key_t qr_port_lock(void)
{
	between();
	must(!port.locked, "the mm lock is taken twice");
	port.locked = true;
	port.counts.locks++;
	return held_push(HELD_LOCK);
}

void qr_port_unlock(qr_port_key_t key)
{
	must(port.locked, "the mm lock is released but not held");
	must(held_top_is(HELD_LOCK, key),
	     "the mm lock is released with a wrong key or out of order");
	port.depth--;
	port.locked = false;
	between();
}

qr_port_key_t qr_port_irq_lock(void)
{
	must(!port.locked, "a page is copied under the mm lock");
	port.counts.irq_locks++;
	return held_push(HELD_IRQ);
}

void qr_port_irq_unlock(qr_port_key_t key)
{
	must(held_top_is(HELD_IRQ, key),
	     "interrupts are unmasked with a wrong key or out of order");
	port.depth--;
}

bool strict_locked(void)
{
	return port.locked;
}

bool strict_masked(void)
{
	return port.depth > 0 && port.held[port.depth - 1].kind == HELD_IRQ;
}

/* ---- sleeping ------------------------------------------------------------------------ */

static bool may_sleep_with(unsigned int depth)
{
	return port.context == QR_PORT_THREAD && !port.sleep_forbidden && port.depth == depth;
}

bool qr_port_can_sleep(void)
{
	return may_sleep_with(0);
}

/* One round of what goes on while a thread sleeps; false: nothing is known to have. */
static bool progress(bool nested)
{
	unsigned long wakeups = port.counts.wakeups;
	bool did = false;

	for (unsigned int i = 0; i < port.store_count; i++) {
		port.store[i].ops->poll(port.store[i].context);
	}
	if (!nested && port.progress != NULL) {
		did = port.progress(port.progress_argument);
	}
	return did || port.counts.wakeups != wakeups;
}

static void sleep_until_woken(const struct sleeper *self)
{
	unsigned int idle = 0;

	while (!self->woken) {
		idle = progress(self->below != NULL) ? 0 : idle + 1;
		must(!port.locked && port.depth == 0, "the progress hook left something held");
		must(idle < IDLE_ROUNDS_MAX, "deadlock: nothing wakes the sleeping thread");
	}
}

qr_port_key_t qr_port_sleep(const void *channel, qr_port_key_t key)
{
	struct sleeper self = {.channel = channel, .below = port.sleepers};

	must(channel != NULL, "a sleep on no channel");
	must(port.locked, "a sleep without the mm lock");
	must(held_top_is(HELD_LOCK, key), "a sleep with a wrong key");
	must(may_sleep_with(1), "a sleep where sleeping is not allowed");
	port.counts.sleeps++;
	if (port.wake_early == 0 || port.counts.sleeps % port.wake_early != 0) {
		port.sleepers = &self;
		qr_port_unlock(key);
		sleep_until_woken(&self);
		port.sleepers = self.below;
	} else {
		qr_port_unlock(key);
	}
	return qr_port_lock();
}

void qr_port_wakeup(const void *channel)
{
	must(channel != NULL, "a wakeup on no channel");
	must(port.locked, "a wakeup without the mm lock");
	port.counts.wakeups++;
	for (struct sleeper *sleeper = port.sleepers; sleeper != NULL; sleeper = sleeper->below) {
		sleeper->woken |= sleeper->channel == channel;
	}
}

/* ---- the rest of the port ------------------------------------------------------------ */

enum qr_port_context qr_port_context(void)
{
	return port.context == QR_PORT_THREAD && port.depth > 0 ? QR_PORT_IRQ_LOCKED : port.context;
}

uint32_t qr_port_cycles(void)
{
	return ++port.cycles;
}

struct k_mem_paging_stats_t *qr_port_thread_stats(void *thread)
{
	return thread == NULL ? port.stats : thread;
}

/* Another thread is known by where its domain is kept. */
struct k_mem_domain **qr_port_thread_domain(void *thread)
{
	return thread == NULL ? &port.domain : thread;
}

/* ---- switches ------------------------------------------------------------------------ */

void strict_reset(void)
{
	memset(&port, 0, sizeof(port));
	port.stats = &port.own_stats;
}

void strict_context_set(enum qr_port_context context)
{
	port.context = context;
}

void strict_sleep_allow(bool allow)
{
	port.sleep_forbidden = !allow;
}

void strict_wake_early_set(unsigned int n)
{
	port.wake_early = n;
}

void strict_thread_stats_set(struct k_mem_paging_stats_t *stats)
{
	port.stats = stats;
}

void strict_cycles_add(uint32_t cycles)
{
	port.cycles += cycles;
}

void strict_poll_add(const struct k_mem_store *store)
{
	must(port.store_count < STRICT_STORES_MAX, "too many stores to poll");
	must(store->ops->poll != NULL, "the store cannot be polled");
	port.store[port.store_count++] = *store;
}

void strict_progress_set(bool (*hook)(void *argument), void *argument)
{
	port.progress = hook;
	port.progress_argument = argument;
}

void strict_between_set(void (*hook)(void))
{
	port.between = hook;
}

const struct strict_counts *strict_counts(void)
{
	return &port.counts;
}
