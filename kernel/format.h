/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format.h - printf's conversions, for the kernel and for programs in user mode.
 */
#ifndef KERNEL_FORMAT_H
#define KERNEL_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* Characters are collected in pieces, which `flush` puts out and empties. */
#define SINK_PIECE 128

struct sink {
	void (*flush)(struct sink *sink);
	size_t length;
	char piece[SINK_PIECE];
};

/* Put out the text with its %[-][0][width][l|ll|z]letter, letter d, u, x, p, s or c; and flush. */
void format_print(struct sink *sink, const char *format, va_list *list);

#endif /* KERNEL_FORMAT_H */
