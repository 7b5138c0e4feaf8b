/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console.c - printing. One thread at a time puts out a piece, so that lines of several threads do
 * not mix. A serial port may take longer for a character than interrupts may be masked, and what
 * is printed user mode may have asked for: interrupts are masked for the look whether there is
 * room, and the character that follows, and let in before the next look.
 *
 * Who cannot wait for its turn, with interrupts masked or before there are threads, begins a new
 * line in another's.
 */
#include <stdarg.h>

#include "kernel/format.h"
#include "kernel/kernel.h"
#include "kernel/machine.h"
#include "kernel/sched.h"

#include <cpu.h>

/* Whose turn it is. Masked. */
static const struct thread *speaker;

static void put(char c)
{
	bool taken;

	do {
		unsigned long key = irq_save();

		taken = machine_console_put(c);
		irq_restore(key);
	} while (!taken);
}

/* false: the running context takes no turns. */
static bool turn_take(void)
{
	unsigned long key = irq_save();
	bool waits = irq_key_on(key) && !sched_in_irq() && !sched_idle();

	while (waits && speaker) {
		sched_wait(&speaker);
	}
	if (waits) {
		speaker = sched_current();
	}
	irq_restore(key);
	return waits;
}

static void turn_end(void)
{
	unsigned long key = irq_save();

	speaker = NULL;
	sched_wake(&speaker);
	sched_preempt();
	irq_restore(key);
}

static void flush(struct sink *sink)
{
	bool own = turn_take();

	if (!own && speaker) {
		put('\n');
	}
	for (size_t i = 0; i < sink->length; i++) {
		put(sink->piece[i]);
	}
	sink->length = 0;
	if (own) {
		turn_end();
	}
}

void kernel_printf(const char *format, ...)
{
	struct sink sink = {.flush = flush};
	va_list list;

	va_start(list, format);
	format_print(&sink, format, &list);
	va_end(list);
}

void kernel_puts(const char *text)
{
	kernel_printf("%s", text);
}
