/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parts_help.h - cmocka in the order in which it must be included, and random numbers:
 * SEED= in the environment chooses them, and each program prints which it took.
 */
#ifndef TESTS_UNIT_PARTS_HELP_H
#define TESTS_UNIT_PARTS_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t random_state;

static inline void random_start(void)
{
	const char *text = getenv("SEED");
	uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : 1;

	random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	printf("# SEED=%llu\n", (unsigned long long)seed);
}

/* 0 to below - 1; xorshift64*. With RANDOM_BELOW_OWN who includes this gives another. */
#ifndef RANDOM_BELOW_OWN
static inline uint32_t random_below(uint32_t below)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % below;
}
#endif

/* One of `count` things by their weights, of which the first is here and the others `stride` bytes
 * apart. */
static inline uint32_t random_weighted(const uint32_t *first, size_t stride, size_t count)
{
	const uint8_t *weights = (const uint8_t *)first;
	uint32_t sum = 0, at, i = 0;

	for (size_t k = 0; k < count; k++) {
		sum += *(const uint32_t *)(const void *)(weights + k * stride);
	}
	for (at = random_below(sum); i < count - 1; i++) {
		uint32_t weight = *(const uint32_t *)(const void *)(weights + i * stride);

		if (at < weight) {
			break;
		}
		at -= weight;
	}
	return i;
}

#define RANDOM_OF(menu) random_weighted(&(menu)[0].weight, sizeof((menu)[0]), COUNT(menu))

#endif /* TESTS_UNIT_PARTS_HELP_H */
