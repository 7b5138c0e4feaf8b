/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delay.c - a store whose every transfer ends a fixed time after it was started, however many
 * others are under way, up to a depth.
 *
 * QEMU slows disks by its clock of real time. Under -icount time is instructions, or where the
 * CPU waits the way to the next timer, and a disk is as fast as the host happens to be. So the
 * pages are moved when the transfer is started: the CPU waits for the store behind, and no timer
 * runs, so no time passes. That a transfer has ended is said later, by an interrupt of the timer.
 *
 *     submit   move the pages; due := now + the delay; last in `held`
 *     alarm    those of `held` that are due have ended; set for the first of the others
 *
 * Lock: interrupts masked around all of it; `done` is called outside.
 */
#include "kernel/delay.h"

#include <quire/port.h>

#include "kernel/machine.h"
#include "kernel/sched.h"

#include <cpu.h>

/* The words of a transfer that are the store's. */
enum { DUE, STATUS };

static struct {
	struct k_mem_store lower;
	uint64_t cycles; /* that a transfer takes */
	uint32_t depth;
	uint32_t count;  /* under way */
	struct k_mem_io *held, *last; /* those that were moved, first due first */
} delay;

/* ---- moving the pages ----------------------------------------------------------------- */

struct move {
	struct k_mem_io io;
	bool ended;
	int status;
};

static void move_ended(struct k_mem_io *io, int status)
{
	struct move *move = io->context;

	move->status = status;
	move->ended = true;
}

/* With the CPU halted where that is allowed: how often a loop looks is not exact. */
static int move(const struct k_mem_io *io, bool may_wait)
{
	const struct k_mem_store *lower = &delay.lower;
	struct move move = {.io = *io};
	int status;

	move.io.done = move_ended;
	move.io.context = &move;
	for (;;) { /* what fills the store ends */
		status = k_mem_io_answer(lower->ops->submit(lower->context, &move.io));
		if (status != K_MEM_IO_FULL) {
			break;
		}
		lower->ops->poll(lower->context);
	}
	if (status != K_MEM_IO_TAKEN) {
		return status;
	}
	while (!move.ended) {
		if (may_wait) {
			cpu_wait();
		} else {
			lower->ops->poll(lower->context);
		}
	}
	return move.status;
}

/* ---- the end of transfers -------------------------------------------------------------- */

static struct k_mem_io *due_take(void)
{
	unsigned long key = irq_save();
	struct k_mem_io *io = delay.held;

	if (io && io->scratch[DUE] <= cpu_cycles()) {
		delay.held = io->next;
		delay.count--;
	} else {
		io = NULL;
	}
	irq_restore(key);
	return io;
}

static void alarm(void);

static void alarm_set(void)
{
	uint64_t now = cpu_cycles();
	uint64_t due = delay.held ? delay.held->scratch[DUE] : 0;

	machine_alarm_set(due > now ? (uint32_t)(due - now) : 0, delay.held ? alarm : NULL);
}

static void delay_poll(void *context)
{
	struct k_mem_io *io;

	(void)context;
	while ((io = due_take()) != NULL) {
		io->done(io, -(int)io->scratch[STATUS]);
	}
}

static void alarm(void)
{
	delay_poll(NULL);
	alarm_set();
}

/* ---- the store ------------------------------------------------------------------------- */

static void hold(struct k_mem_io *io, int status)
{
	io->scratch[DUE] = cpu_cycles() + delay.cycles;
	io->scratch[STATUS] = (uintptr_t)-status;
	io->next = NULL;
	if (delay.held) {
		delay.last->next = io;
	} else {
		delay.held = io;
	}
	delay.last = io;
}

/* While the CPU waits, interrupts are let in, but no other thread. */
static int delay_submit(void *context, struct k_mem_io *io)
{
	bool may_wait = qr_port_can_sleep();
	unsigned long key = irq_save();
	bool room = delay.count < delay.depth;
	int status = K_MEM_IO_FULL;

	(void)context;
	if (room) {
		delay.count++;
		machine_alarm_set(0, NULL);
		if (may_wait) {
			sched_irq_enter();
		}
		status = move(io, may_wait);
		if (status == K_MEM_IO_NOT_HERE) {
			delay.count--;
		} else {
			hold(io, status);
			status = K_MEM_IO_TAKEN;
		}
		alarm_set();
		if (may_wait) {
			sched_irq_leave();
		}
	}
	irq_restore(key);
	return status;
}

void delay_start(struct k_mem_store *store, uint32_t nanoseconds, uint32_t depth)
{
	static struct k_mem_store_ops ops; /* slots are those of the store behind */

	ops = *store->ops;
	ops.name = "delayed";
	ops.submit = delay_submit;
	ops.copy = NULL;
	ops.poll = delay_poll;
	delay.lower = *store;
	delay.cycles = nanoseconds;
	delay.depth = depth;
	store->ops = &ops;
}
