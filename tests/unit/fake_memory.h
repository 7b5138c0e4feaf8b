/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_memory.h - a few page frames and the scratch window, for the tests of stores, over any
 * port. A window that is opened twice fails the test.
 */
#ifndef TESTS_UNIT_FAKE_MEMORY_H
#define TESTS_UNIT_FAKE_MEMORY_H

#include <quire/compiler.h>

#define FAKE_PAGES 64u
#define FAKE_PHYS  ((uintptr_t)0x40000000)

extern uint8_t fake_memory[FAKE_PAGES][CONFIG_MMU_PAGE_SIZE];
extern unsigned long fake_windows; /* windows opened so far */

static inline uintptr_t fake_phys(uint32_t frame)
{
	return FAKE_PHYS + (uintptr_t)frame * CONFIG_MMU_PAGE_SIZE;
}

#endif /* TESTS_UNIT_FAKE_MEMORY_H */
