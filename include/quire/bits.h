/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quire/bits.h - the number of the highest and of the lowest bit of a word.
 *
 * gcc calls libgcc (__clzdi2, __ctzdi2) for its builtins on a CPU whose base instructions cannot
 * count, and a kernel has no libgcc. clang counts in place. Nothing in the preprocessor says which
 * CPU can, so all compilers but clang get a few steps in C.
 */
#ifndef QUIRE_BITS_H
#define QUIRE_BITS_H

#include <quire/compiler.h>

QR_EXTERN_C_BEGIN

/* Six steps, for a compiler that would call a function. word > 0. */
QR_INLINE uint32_t qr_bit_search(uint64_t word)
{
	uint32_t bit = 0;

	for (uint32_t half = 32; half > 0; half /= 2) {
		if (word >> half != 0) {
			word >>= half;
			bit += half;
		}
	}
	return bit;
}

#ifdef __clang__
#define QR_BIT_HIGHEST(word) (63u - (uint32_t)__builtin_clzll(word))
#define QR_BIT_LOWEST(word)  ((uint32_t)__builtin_ctzll(word))
#else
#define QR_BIT_HIGHEST(word) qr_bit_search(word)
#define QR_BIT_LOWEST(word)  qr_bit_search((word) & (~(word) + 1))
#endif

/* The number of the highest bit that is 1; word > 0. */
QR_INLINE uint32_t qr_bit_highest(uint64_t word)
{
	return QR_BIT_HIGHEST(word);
}

/* The number of the lowest bit that is 1; word > 0. */
QR_INLINE uint32_t qr_bit_lowest(uint64_t word)
{
	return QR_BIT_LOWEST(word);
}

QR_EXTERN_C_END

#endif /* QUIRE_BITS_H */
