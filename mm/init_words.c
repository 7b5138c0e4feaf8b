/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init_words.c - see init_check.h: how it is said that a field is refused.
 */
#include "init_check.h"

#if CONFIG_MEM_INIT_CHECK && CONFIG_MEM_INIT_WORDS

#define LINE_MAX 112u

/* Append what fits; the line keeps room for its end. */
static void add(char *line, size_t *length, const char *text)
{
	while (*text != '\0' && *length < LINE_MAX - 2) {
		line[(*length)++] = *text++;
	}
}

static void add_index(char *line, size_t *length, size_t index)
{
	char digits[24] = "";
	size_t at = sizeof(digits) - 1;

	do {
		digits[--at] = (char)('0' + index % 10);
		index /= 10;
	} while (index > 0);
	add(line, length, "[");
	add(line, length, &digits[at]);
	add(line, length, "].");
}

void qr_refusal_print(struct qr_field field, const char *why)
{
	char line[LINE_MAX];
	size_t length = 0;

	add(line, &length, "k_mem_init: ");
	add(line, &length, field.list);
	if (field.name != NULL) {
		add_index(line, &length, field.index);
		add(line, &length, field.name);
	}
	add(line, &length, ": ");
	add(line, &length, why);
	line[length++] = '\n';
	line[length] = '\0';
	qr_port_print(line);
}

#endif /* CONFIG_MEM_INIT_CHECK && CONFIG_MEM_INIT_WORDS */
