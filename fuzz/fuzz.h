/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz.h - what the targets share. A target takes any bytes; it ends the program where something
 * was believed that must not be, and otherwise returns with everything given back. The same input
 * does the same each time.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What libFuzzer, and kept.c, call. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(what) ((what) ? (void)0 : fuzz_failed(__FILE__, __LINE__, #what))

_Noreturn static inline void fuzz_failed(const char *file, int line, const char *what)
{
	fprintf(stderr, "panic: %s:%d: %s\n", file, line, what);
	abort();
}

/* The rest of an input, taken from its front; zeros when it is used up. */
struct fuzz_bytes {
	const uint8_t *data;
	size_t size;
};

static inline uint8_t fuzz_byte(struct fuzz_bytes *bytes)
{
	if (bytes->size == 0)
		return 0;
	bytes->size--;
	return *bytes->data++;
}

static inline uint64_t fuzz_number(struct fuzz_bytes *bytes, unsigned int count)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < count; i++)
		value |= (uint64_t)fuzz_byte(bytes) << (8 * i);
	return value;
}

/* So many bytes, or as many as there are, to `to`, of which the rest is zeros. */
static inline void fuzz_copy(struct fuzz_bytes *bytes, void *to, size_t count)
{
	size_t there = count < bytes->size ? count : bytes->size;

	memset(to, 0, count);
	if (there)
		memcpy(to, bytes->data, there);
	bytes->data += there;
	bytes->size -= there;
}

/* A copy of the bytes in a block of its own, so that ASan sees what goes beyond its end. */
static inline uint8_t *fuzz_own(const uint8_t *data, size_t size)
{
	uint8_t *own = malloc(size ? size : 1);

	FUZZ_CHECK(own != NULL);
	if (size)
		memcpy(own, data, size);
	return own;
}

#endif /* FUZZ_FUZZ_H */
