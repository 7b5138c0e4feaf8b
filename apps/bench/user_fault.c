/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user_fault.c - the faults that users have (options faults=NAME frames=256): a program in user
 * mode touches memory of its domain, which has some partitions beside; sweeps of some hundreds of
 * faults, by kind. NAME says of which policy and store, NAME_KIND_mean, _p99 and _max are
 *
 *     first   written for the first time, a frame is free
 *     zero    read, and never written: the shared page of zeros
 *     free    comes from the store, a frame is free
 *     clean   comes from the store, and a clean page is evicted for it
 *     dirty   the same, and a dirty one
 *     mixed   reads and writes, half of them in a loop, half of them of pages that are used often
 *
 * A sample is from a system call's return to the next one's begin, all that the machine executes
 * until then counted: trap, core, policy, store, driver, interrupts, other threads. The idle
 * thread's waiting is no instruction. What a touch takes that finds its page is taken off; touches
 * that do so are in no sum. The program's stack is pinned, or some touches would be two faults.
 */
#include <quire/domain.h>
#include <quire/paging.h>

#include "kernel/config.h"
#include "kernel/main.h"

#include "bench.h"
#include "calls.h"

#define PRIORITY    20u
#define ARENA       512u  /* pages; twice the frames */
#define HOT         100u  /* of these in "mixed" */
#define FAULTS_MAX  1024u
#define FAULT_LEAST 100u  /* instructions more than without a fault */
#define PARTS       4u    /* beside the program's own */
#define PART_PAGES  16u

USER_PROGRAM(caller);

/* Which pages are touched: of so many, in turn; or mixed. */
struct sweep {
	const char *kind;
	uint32_t begin, pages;
	uint32_t warm;    /* touches that are not looked at */
	uint32_t touches; /* and those that are */
	uint32_t faults;  /* of these, at the least */
	bool write, mixed, out;
};

/* Reading in a loop every policy but CLOCK keeps some pages, so not all touches are faults. */
static const struct sweep sweeps[] = {
	{"first", .pages = 100, .touches = 100, .faults = 100, .write = true},
	{"zero", .begin = 100, .pages = 100, .touches = 100, .faults = 100},
	{"free", .pages = 100, .touches = 100, .faults = 100, .out = true},
	{"dirty", .pages = ARENA, .warm = 2 * ARENA, .touches = ARENA, .faults = 200,
	 .write = true},
	{"clean", .pages = ARENA, .warm = 2 * ARENA, .touches = ARENA, .faults = 200, .out = true},
	{"mixed", .warm = 2 * ARENA, .touches = 2 * ARENA, .faults = 200, .mixed = true},
};

static struct k_mem_domain domain;
static uint8_t *arena;

static struct {
	const struct sweep *sweep;
	uint32_t at, loop;      /* touches so far; of those in a loop */
	uint32_t noise;
	struct row one;
	uint64_t resident;      /* what a touch without a fault takes, and which sample that is */
	unsigned int resident_number, first_number;
	struct k_mem_paging_stats_t before, after;
	uint32_t count;
	uint64_t value[FAULTS_MAX];
	unsigned int number[FAULTS_MAX];
} state;

/* ---- what is touched ----------------------------------------------------------------------- */

static uint32_t noise(uint32_t below)
{
	state.noise = state.noise * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)state.noise * below >> 32);
}

static uintptr_t page_at(uint32_t page, bool write)
{
	return (uintptr_t)(arena + page * PAGE) | (write ? SWEEP_WRITE : 0);
}

static uintptr_t touch_next(const struct sweep *sweep)
{
	if (!sweep->mixed) {
		return page_at(sweep->begin + state.at % sweep->pages, sweep->write);
	}
	return page_at(noise(2) ? noise(HOT) : HOT + state.loop++ % (ARENA - HOT), !noise(4));
}

/* The first two touches are of one page: the second finds it. */
#define PRELUDE 2u

static intptr_t next(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)
{
	const struct sweep *sweep = state.sweep;
	uintptr_t touch = 0;

	(void)a, (void)b, (void)c, (void)d;
	if (!sweep) {
		touch = state.at < PRELUDE ? page_at(ARENA - 1, true) : 0;
	} else if (state.at < sweep->warm + sweep->touches) {
		touch = touch_next(sweep);
	}
	if (sweep && state.at == sweep->warm) {
		k_mem_paging_stats_get(&state.before);
		state.first_number = sample_last() + 1;
	}
	state.at++;
	state.one.count = 0;
	sample_begin(&state.one);
	return (intptr_t)touch;
}

static intptr_t end(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)
{
	uint64_t value;

	sample_end(&state.one);
	(void)a, (void)b, (void)c, (void)d;
	value = state.one.value[0];
	if (!state.sweep) {
		state.resident = value;
		state.resident_number = state.one.number[0];
	} else if (state.at > state.sweep->warm && value >= state.resident + FAULT_LEAST) {
		need(state.count < FAULTS_MAX, "counting faults");
		state.number[state.count] = state.one.number[0];
		state.value[state.count++] = value - state.resident;
	}
	return 0;
}

static kernel_call *const calls[] = {next, end};

/* In a thread of its own, whose stack stays. */
static void run(const struct sweep *sweep)
{
	struct thread *thread;
	void *stack;

	state.sweep = sweep;
	state.at = state.count = 0;
	thread = thread_start_user("caller", PRIORITY, &domain, &caller_program, CALLER_SWEEP);
	need(thread != NULL, "a user thread");
	stack = thread_user_stack(thread);
	need(k_mem_pin(stack, CONFIG_KERNEL_USER_STACK_BYTES) == 0, "its stack");
	need(thread_join(thread, NULL) == 0, "its end");
}

/* ---- what it took ---------------------------------------------------------------------------- */

static void values_sort(void)
{
	for (uint32_t i = 1; i < state.count; i++) {
		uint64_t value = state.value[i];
		unsigned int number = state.number[i];
		uint32_t to = i;

		for (; to > 0 && state.value[to - 1] > value; to--) {
			state.value[to] = state.value[to - 1];
			state.number[to] = state.number[to - 1];
		}
		state.value[to] = value;
		state.number[to] = number;
	}
}

/* "NAME_KIND_what" */
static const char *name_of(const char *name, const char *kind, const char *what)
{
	static char text[64];
	const char *parts[] = {name, "_", kind, "_", what};
	size_t length = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		for (const char *from = parts[i]; *from && length < sizeof(text) - 1; from++) {
			text[length++] = *from;
		}
	}
	text[length] = '\0';
	return text;
}

static void report(const char *name, const char *kind)
{
	const uint32_t p99 = (state.count * 99 + 99) / 100 - 1, most = state.count - 1;
	struct samples samples = {state.first_number, sample_last(), FAULT_LEAST,
				  state.resident_number};
	uint64_t total = 0;

	for (uint32_t i = 0; i < state.count; i++) {
		total += state.value[i];
	}
	samples_print(name_of(name, kind, "mean"), total / state.count, samples);
	values_sort();
	samples.first = samples.last = state.number[p99];
	samples_print(name_of(name, kind, "p99"), state.value[p99], samples);
	samples.first = samples.last = state.number[most];
	samples_print(name_of(name, kind, "max"), state.value[most], samples);
}

/* Each evicted a page, and of that kind. */
static void check(const struct sweep *sweep)
{
	unsigned long clean = state.after.eviction.clean - state.before.eviction.clean;
	unsigned long dirty = state.after.eviction.dirty - state.before.eviction.dirty;

	need(state.count >= sweep->faults, "so many faults");
	need(sweep->mixed ||
		     (clean == (kernel_same(sweep->kind, "clean") ? state.count : 0) &&
		      dirty == (kernel_same(sweep->kind, "dirty") ? state.count : 0)),
	     sweep->kind);
}

/* ---- the domain ----------------------------------------------------------------------------- */

static void prepare(void)
{
	const size_t bytes = CONFIG_KERNEL_USER_STACK_BYTES + ARENA * PAGE;
	void *memory = NULL;

	need(user_domain_init(&domain, &caller_program, bytes, 0) == 0, "a domain");
	for (uint32_t i = 0; i < PARTS; i++) {
		struct k_mem_partition part = {0, PART_PAGES * PAGE, K_MEM_PARTITION_P_RW_U_RW};

		part.start = (uintptr_t)k_mem_map(part.size, K_MEM_PERM_RW);
		need(part.start != 0 && k_mem_domain_add_partition(&domain, &part) == 0, "a part");
	}
	need(k_mem_domain_map(&domain, &memory, ARENA * PAGE, K_MEM_PERM_RW) == 0, "arena");
	arena = memory;
	kernel_calls_set(calls, sizeof(calls) / sizeof(calls[0]));
}

void bench_user_fault(const char *name)
{
	prepare();
	run(NULL);
	for (size_t i = 0; i < sizeof(sweeps) / sizeof(sweeps[0]); i++) {
		need(!sweeps[i].out || k_mem_page_out(arena, sweeps[i].pages * PAGE) == 0, "out");
		run(&sweeps[i]);
		k_mem_paging_stats_get(&state.after);
		check(&sweeps[i]);
		report(name, sweeps[i].kind);
	}
}
