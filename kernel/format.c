/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format.c - printf's conversions. Linked to the kernel and to each program for user mode.
 */
#include <stdbool.h>
#include <stdint.h>

#include "kernel/format.h"

static void put(struct sink *sink, char c)
{
	if (sink->length == SINK_PIECE) {
		sink->flush(sink);
	}
	sink->piece[sink->length++] = c;
}

/* A conversion: %[-][0][width][l|ll|z]letter */
struct conversion {
	bool left;
	bool zero;
	unsigned int width;
	unsigned int longs;
	char letter;
};

static const char *conversion_parse(const char *at, struct conversion *c)
{
	*c = (struct conversion){0};
	for (; *at == '-' || *at == '0'; at++) {
		if (*at == '-') {
			c->left = true;
		} else {
			c->zero = true;
		}
	}
	for (; *at >= '0' && *at <= '9'; at++) {
		c->width = c->width * 10 + (unsigned int)(*at - '0');
	}
	for (; *at == 'l' || *at == 'z'; at++) {
		c->longs++;
	}
	c->letter = *at;
	return *at ? at + 1 : at;
}

static void pad(struct sink *sink, char c, size_t from, size_t to)
{
	for (; from < to; from++) {
		put(sink, c);
	}
}

static void put_text(struct sink *sink, const struct conversion *c, const char *text)
{
	size_t length = 0;

	while (text[length]) {
		length++;
	}
	if (!c->left) {
		pad(sink, ' ', length, c->width);
	}
	for (size_t i = 0; i < length; i++) {
		put(sink, text[i]);
	}
	if (c->left) {
		pad(sink, ' ', length, c->width);
	}
}

static void put_number(struct sink *sink, const struct conversion *c, uint64_t value, char sign)
{
	char digits[24];
	size_t at = sizeof(digits), length;
	unsigned int base = c->letter == 'd' || c->letter == 'u' ? 10 : 16;

	digits[--at] = '\0';
	do {
		digits[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	length = sizeof(digits) - 1 - at + (sign ? 1 : 0);
	if (sign && c->zero) {
		put(sink, sign);
	}
	if (!c->left) {
		pad(sink, c->zero ? '0' : ' ', length, c->width);
	}
	if (sign && !c->zero) {
		put(sink, sign);
	}
	put_text(sink, &(struct conversion){0}, &digits[at]);
	if (c->left) {
		pad(sink, ' ', length, c->width);
	}
}

static void put_signed(struct sink *sink, const struct conversion *c, int64_t value)
{
	put_number(sink, c, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0 ? '-' : 0);
}

static void convert(struct sink *sink, const struct conversion *c, va_list *list)
{
	switch (c->letter) {
	case 's':
		put_text(sink, c, va_arg(*list, const char *));
		break;
	case 'c':
		put(sink, (char)va_arg(*list, int));
		break;
	case 'd':
		put_signed(sink, c, c->longs ? va_arg(*list, long long) : va_arg(*list, int));
		break;
	case 'u':
	case 'x':
		put_number(sink, c, c->longs ? va_arg(*list, unsigned long long)
					     : va_arg(*list, unsigned int), 0);
		break;
	case 'p':
		put_number(sink, &(struct conversion){.zero = true, .width = 2 * sizeof(void *)},
			   va_arg(*list, uintptr_t), 0);
		break;
	default:
		put(sink, c->letter ? c->letter : '%');
	}
}

/* Machines of this kernel have long and long long of one size. */
_Static_assert(sizeof(long) == sizeof(long long), "%l and %ll are read alike");

void format_print(struct sink *sink, const char *format, va_list *list)
{
	struct conversion c;

	while (*format) {
		if (*format != '%') {
			put(sink, *format++);
			continue;
		}
		format = conversion_parse(format + 1, &c);
		convert(sink, &c, list);
	}
	sink->flush(sink);
}
