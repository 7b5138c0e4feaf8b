/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry.h - LPAE's tables for `make compile-32`: arm64's entries on three levels below 32
 * address bits.
 */
#ifndef TESTS_COMPILE32_ENTRY_H
#define TESTS_COMPILE32_ENTRY_H

#include "arch/arm64/entry.h"

#undef ENTRY_LEVELS
#undef ENTRY_LEAF_LEVELS
#undef ENTRY_VA_BITS
#define ENTRY_LEVELS      3
#define ENTRY_LEAF_LEVELS 3
#define ENTRY_VA_BITS     32

_Static_assert(sizeof(void *) == 4, "for 32-bit machines");

#endif /* TESTS_COMPILE32_ENTRY_H */
