/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init_words.c - see init_check.h: how it is said that a field is refused.
 */
#include "init_check.h"

#if CONFIG_MEM_INIT_CHECK && CONFIG_MEM_INIT_WORDS

#define LINE_MAX 112u

/* Append what fits; the line keeps room for its end. */
static void add(char *line, size_t *length, char byte)
{
	if (*length < LINE_MAX - 2) {
		line[(*length)++] = byte;
	}
}

static void add_index(char *line, size_t *length, size_t index)
{
	char digits[24];
	size_t count = 0;

	do {
		digits[count++] = (char)('0' + index % 10);
		index /= 10;
	} while (index > 0);
	while (count > 0) {
		add(line, length, digits[--count]);
	}
}

int qr_refusal_print(const char *what, size_t index)
{
	char line[LINE_MAX] = "k_mem_init: ";
	size_t length = sizeof("k_mem_init: ") - 1;

	for (; *what != '\0'; what++) {
		if (*what == '#') {
			add_index(line, &length, index);
		} else {
			add(line, &length, *what);
		}
	}
	line[length++] = '\n';
	line[length] = '\0';
	qr_port_print(line);
	return -EINVAL;
}

#endif /* CONFIG_MEM_INIT_CHECK && CONFIG_MEM_INIT_WORDS */
