/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry.h - PAE's tables for `make compile-32`: x86_64's entries on three levels below 32
 * address bits. (A port to run would write the entries of its root otherwise: Intel SDM 3A,
 * 4.4.)
 */
#ifndef TESTS_COMPILE32_ENTRY_H
#define TESTS_COMPILE32_ENTRY_H

#include "arch/x86_64/entry.h"

#undef ENTRY_LEVELS
#undef ENTRY_LEAF_LEVELS
#undef ENTRY_VA_BITS
#define ENTRY_LEVELS      3
#define ENTRY_LEAF_LEVELS 2
#define ENTRY_VA_BITS     32

_Static_assert(sizeof(void *) == 4, "for 32-bit machines");

#endif /* TESTS_COMPILE32_ENTRY_H */
