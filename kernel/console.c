/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console.c - printing. A piece goes out with interrupts masked, so that lines of several
 * threads do not mix.
 */
#include <stdarg.h>

#include "kernel/format.h"
#include "kernel/kernel.h"
#include "kernel/machine.h"

#include <cpu.h>

static void flush(struct sink *sink)
{
	unsigned long key = irq_save();

	for (size_t i = 0; i < sink->length; i++) {
		machine_console_put(sink->piece[i]);
	}
	irq_restore(key);
	sink->length = 0;
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
