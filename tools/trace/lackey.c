/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lackey.c - lackey's lines, read strictly.
 *
 * A reference is "I  addr,size" for an instruction, " L", " S" and " M" for a load, a store and
 * a load with a store: a hexadecimal and a decimal number, and nothing else in the line. Valgrind
 * itself speaks on the same stream, in lines that begin with its process number between two marks:
 * "==12== ", "--12-- ", "**12** ". They say nothing of memory, and may be of any length. What is
 * neither came from somebody else, and then nothing in the stream is to be trusted.
 */
#include "lackey.h"

#include <string.h>

#define LINE_ROOM 256 /* of a longer line the beginning is looked at; no reference is longer */

/* Its length without the newline. */
static bool text_read(FILE *stream, char text[LINE_ROOM], size_t *length)
{
	int c = getc_unlocked(stream);
	size_t kept = 0;

	if (c == EOF)
		return false;
	for (*length = 0; c != '\n' && c != EOF; ++*length) {
		if (kept < LINE_ROOM - 1)
			text[kept++] = (char)c;
		c = getc_unlocked(stream);
	}
	text[kept] = '\0';
	return true;
}

/* A number of these digits, at least one; *text then is behind it. */
static bool number_take(const char **text, const char *digits, uint64_t *value)
{
	uint64_t base = strlen(digits);
	const char *begin = *text, *digit;

	for (*value = 0; **text && (digit = strchr(digits, **text)) != NULL; ++*text) {
		if (*value > (UINT64_MAX - (uint64_t)(digit - digits)) / base)
			return false;
		*value = *value * base + (uint64_t)(digit - digits);
	}
	return *text != begin;
}

static bool is_message(const char *text, uint64_t *process)
{
	char mark = text[0];
	const char *at = text + 2;

	return mark && strchr("=-*", mark) && text[1] == mark &&
	       number_take(&at, "0123456789", process) &&
	       (at[0] == ':' || (at[0] == mark && at[1] == mark));
}

/* The first that valgrind says, unless it is to be quiet. */
static bool is_beginning(const char *text)
{
	const char *name = strstr(text, "== Lackey, an example Valgrind tool");

	return text[0] == '=' && name &&
	       strspn(text + 2, "0123456789") == (size_t)(name - text - 2);
}

static bool is_reference(const char *text, struct lackey_line *line)
{
	static const char kinds[][4] = {"I  ", " L ", " S ", " M "};
	const char *at = text + 3;
	size_t which = 0;

	while (which < 4 && strncmp(text, kinds[which], 3) != 0)
		which++;
	if (which == 4)
		return false;
	line->kind = kinds[which][which != 0];
	return number_take(&at, "0123456789abcdef", &line->address) && *at++ == ',' &&
	       number_take(&at, "0123456789", &line->size) && !*at && line->size != 0 &&
	       line->size <= 65536 && line->address <= UINT64_MAX - line->size;
}

bool lackey_read(FILE *stream, struct lackey_line *line)
{
	char text[LINE_ROOM];
	size_t length, i;

	if (!text_read(stream, text, &length))
		return false;
	for (i = 0; i < sizeof(line->text) - 1 && text[i]; i++)
		line->text[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	line->text[i] = '\0';
	line->process = 0;
	if (length == 0 || is_message(text, &line->process))
		line->kind = is_beginning(text) ? LACKEY_BEGIN : LACKEY_MESSAGE;
	else if (length != strlen(text)) /* too long, or a byte of zeros */
		line->kind = LACKEY_BAD;
	else if (strcmp(text, "over") == 0)
		line->kind = LACKEY_OVER;
	else if (!is_reference(text, line))
		line->kind = LACKEY_BAD;
	return true;
}
