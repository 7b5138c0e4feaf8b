/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.c - the kernel's command line, against what its words mean, written once more. The
 * first byte is how much room there is for a value; then a key, a newline, and the command line.
 */
#include "fuzz.h"

#include "kernel/kernel.h"
#include "kernel/main.h"

static const char *line;

const char *kernel_command_line(void)
{
	return line;
}

/* The value of the first word that begins with `key` and `=`; its length, or -1. */
static long value_of(const char *key, const char **value)
{
	size_t length = strlen(key);

	for (const char *word = line; *word; word += strspn(word, " ")) {
		size_t size = strcspn(word, " ");

		if (size > length && strncmp(word, key, length) == 0 && word[length] == '=') {
			*value = word + length + 1;
			return (long)(size - length - 1);
		}
		word += size;
	}
	return -1;
}

static uint64_t number_of(const char *text, size_t size, uint64_t fallback)
{
	bool hex = size > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? "0123456789abcdefABCDEF" : "0123456789";
	char copy[64] = "", *end;

	text += hex ? 2 : 0;
	size -= hex ? 2 : 0;
	if (size == 0 || strspn(text, digits) < size)
		return fallback;
	for (; size > 1 && *text == '0'; size--)
		text++;
	/* all numbers of so many digits are too large, and strtoull says the largest */
	memcpy(copy, text, size < 40 ? size : 40);
	return strtoull(copy, &end, hex ? 16 : 10);
}

static void ask(const char *key, size_t room)
{
	const char *value = NULL;
	long size = value_of(key, &value);
	char *got = malloc(room ? room : 1);
	size_t kept = size < (long)room ? (size_t)size : room - 1;

	FUZZ_CHECK(got != NULL);
	FUZZ_CHECK(kernel_option(key, got, room) == (size >= 0 && room > 0));
	if (size >= 0 && room > 0)
		FUZZ_CHECK(strlen(got) == kept && memcmp(got, value, kept) == 0);
	free(got);
	FUZZ_CHECK(kernel_option_number(key, 7) ==
		   (size < 0 ? 7 : number_of(value, (size_t)size, 7)));
	FUZZ_CHECK(kernel_option_count(key, 7) == (kernel_option_number(key, 7) > UINT32_MAX
							   ? UINT32_MAX
							   : kernel_option_number(key, 7)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = {"frames", "policy", "ramstore", "depth", "f", ""};
	struct fuzz_bytes rest = {data, size};
	size_t room = fuzz_byte(&rest) % 24;
	char *text = malloc(rest.size + 1), *key = text;

	FUZZ_CHECK(text != NULL);
	if (rest.size)
		memcpy(text, rest.data, rest.size);
	text[rest.size] = '\0';
	line = text + strcspn(text, "\n");
	if (*line)
		text[line++ - text] = '\0';
	else
		key = "";
	/* a key has no space and no '=' */
	if (strcspn(key, " =") == strlen(key))
		ask(key, room);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		ask(keys[i], room);
	free(text);
	return 0;
}
