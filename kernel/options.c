/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.c - the command line: words `key=value` between spaces.
 */
#include "kernel/kernel.h"
#include "kernel/main.h"

bool kernel_same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* Where the value of `key` begins on the command line, or NULL. */
static const char *find(const char *key)
{
	const char *at = kernel_command_line();

	while (*at) {
		size_t i = 0;

		while (key[i] && at[i] == key[i]) {
			i++;
		}
		if (!key[i] && at[i] == '=') {
			return at + i + 1;
		}
		while (*at && *at != ' ') {
			at++;
		}
		while (*at == ' ') {
			at++;
		}
	}
	return NULL;
}

bool kernel_option(const char *key, char *value, size_t size)
{
	const char *at = find(key);
	size_t length = 0;

	if (!at || size == 0) {
		return false;
	}
	for (; at[length] && at[length] != ' ' && length + 1 < size; length++) {
		value[length] = at[length];
	}
	value[length] = '\0';
	return true;
}

static uint32_t digit(char c)
{
	if (c >= '0' && c <= '9') {
		return (uint32_t)(c - '0');
	}
	if (c >= 'a' && c <= 'f') {
		return (uint32_t)(c - 'a') + 10;
	}
	return c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A') + 10 : 16;
}

uint64_t kernel_option_number(const char *key, uint64_t fallback)
{
	const char *at = find(key);
	bool too_large = false;
	uint64_t value = 0;
	uint32_t base = 10;

	if (!at) {
		return fallback;
	}
	if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X')) {
		base = 16;
		at += 2;
	}
	if (!*at || *at == ' ') {
		return fallback;
	}
	for (; *at && *at != ' '; at++) {
		if (digit(*at) >= base) {
			return fallback;
		}
		if (value > (UINT64_MAX - digit(*at)) / base) {
			too_large = true;
		}
		value = value * base + digit(*at);
	}
	return too_large ? UINT64_MAX : value;
}

uint32_t kernel_option_count(const char *key, uint32_t fallback)
{
	uint64_t value = kernel_option_number(key, fallback);

	return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}
