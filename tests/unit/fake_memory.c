/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_memory.c - page frames and the scratch window for the tests of stores.
 */
#include "fake_memory.h"

#include <quire/port.h>
#include <quire/store.h>

#include "parts_help.h"

uint8_t fake_memory[FAKE_PAGES][CONFIG_MMU_PAGE_SIZE];
unsigned long fake_windows;

static bool window_open;

void *k_mem_scratch_open(uintptr_t phys, unsigned long *key)
{
	*key = qr_port_irq_lock();
	assert_false(window_open);
	assert_int_equal(phys % CONFIG_MMU_PAGE_SIZE, 0);
	assert_true(phys >= FAKE_PHYS && phys < fake_phys(FAKE_PAGES));
	window_open = true;
	fake_windows++;
	return fake_memory[(phys - FAKE_PHYS) / CONFIG_MMU_PAGE_SIZE];
}

void k_mem_scratch_close(unsigned long key)
{
	assert_true(window_open);
	window_open = false;
	qr_port_irq_unlock(key);
}
