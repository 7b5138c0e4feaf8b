/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmu.c - starting the MMU of a machine that does not exist. Demand here, by qr_port_panic,
 * what the entry format relies on and not every CPU of the family has.
 */
#include "entry.h"
#include "mmu.h"

#define ROOT_ON ((uint64_t)1)

/* Nothing to switch on: translation starts with the first root. */
void mmu_start(void)
{
}

/* Everything that was dropped belonged to the old root. */
void mmu_root_set(uint64_t root, unsigned int tag)
{
	QR_ASSERT(tag == 0 && (root & ~ENTRY_ADDRESS) == 0);
	mmu_registers.root = root | ROOT_ON;
	mmu_tlb_all();
	mmu_tlb_sync();
}

/* All that an entry can hold. */
unsigned int mmu_phys_bits(void)
{
	return ENTRY_PA_BITS;
}

unsigned int mmu_tags(void)
{
	return 1;
}

/* Instructions are fetched from where data is written. */
void code_sync(void *virt, size_t size)
{
	(void)virt;
	(void)size;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
