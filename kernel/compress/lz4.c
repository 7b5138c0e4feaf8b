/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lz4.c - LZ4 as the compressor of the compressed store: its own lib/lz4.c (BSD 2-clause),
 * which the build fetches (mk/lz4.mk), compiled into this file without a library below it.
 *
 * Its table of hashes has 4 KiB, which is cleared for each page: as much as a page, and a
 * fourth of what LZ4 takes by itself, for inputs that are larger.
 */
#include "kernel/compress.h"

#define LZ4_FREESTANDING 1
#define LZ4_memcpy(to, from, bytes) __builtin_memcpy(to, from, bytes)
#define LZ4_memmove(to, from, bytes) __builtin_memmove(to, from, bytes)
#define LZ4_memset(to, value, bytes) __builtin_memset(to, value, bytes)
#define LZ4_MEMORY_USAGE 12
#define LZ4LIB_VISIBILITY static

/* Its warnings are not ours, and its overflows are meant. */
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#pragma clang attribute push(__attribute__((no_sanitize("undefined"))), apply_to = function)
#include <lz4.c>
#pragma clang attribute pop
#pragma clang diagnostic pop

_Static_assert(sizeof(LZ4_stream_t) <= KERNEL_COMPRESS_WORK_BYTES, "room to work");

#define ACCELERATION 1 /* best ratio of the fast modes */

static size_t lz4_compress(void *work, const void *page, void *packed, size_t packed_max)
{
	int bytes = LZ4_compress_fast_extState(work, page, packed, CONFIG_MMU_PAGE_SIZE,
					       (int)packed_max, ACCELERATION);

	return bytes > 0 ? (size_t)bytes : 0;
}

static int lz4_decompress(const void *packed, size_t packed_bytes, void *page)
{
	int bytes = LZ4_decompress_safe(packed, page, (int)packed_bytes, CONFIG_MMU_PAGE_SIZE);

	return bytes == CONFIG_MMU_PAGE_SIZE ? 0 : -EIO;
}

static const struct k_mem_compressor lz4 = {
	.name = "lz4",
	.work_bytes = sizeof(LZ4_stream_t),
	.compress = lz4_compress,
	.decompress = lz4_decompress,
};

const struct k_mem_compressor *const kernel_compressor = &lz4;
