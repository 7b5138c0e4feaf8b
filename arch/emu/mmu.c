/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmu.c - starting the emulated MMU (contract: pagetable/mmu_port.h).
 *
 * Making another root current drops nothing, as on CPUs with tags: what a tag's
 * translations were, they stay until they are dropped.
 */
#include "machine.h"

bool emu_takes_over;

void mmu_start(void)
{
	emu.started = true;
}

void mmu_root_set(uint64_t root, unsigned int tag)
{
	QR_ASSERT(emu.started && (root & EMU_PAGE_MASK) == 0 && tag < EMU_TAGS);
	emu.sets[0] = (struct emu_set){root, tag};
	emu_mode_set(false);
	emu_stack_use(__builtin_return_address(0));
}

void mmu_user_root_set(uint64_t root, unsigned int tag)
{
	QR_ASSERT(MMU_SPLIT && emu.started && (root & EMU_PAGE_MASK) == 0 && tag < EMU_TAGS);
	emu.sets[1] = (struct emu_set){root, tag};
}

/* What a CPU's trap code does on the way to user mode and back. */
void emu_mode_set(bool user)
{
	const struct emu_set *set = &emu.sets[MMU_SPLIT && user && emu.sets[1].root != 0];

	emu.root = set->root;
	emu.tag = set->tag;
}

unsigned int mmu_phys_bits(void)
{
	return emu.phys_bits != 0 ? emu.phys_bits : ENTRY_PA_BITS;
}

/* Counting is a use of the highest tag, as on CPUs that have no other way to tell. */
unsigned int mmu_tags(void)
{
	const unsigned int was = emu.sets[0].tag;

	if (emu_count_hook != NULL) {
		emu.sets[0].tag = EMU_TAGS - 1;
		emu_mode_set(false);
		emu.in_hook = true;
		emu_count_hook();
		emu.in_hook = false;
		emu.sets[0].tag = was;
		emu_mode_set(false);
	}
	return EMU_TAGS;
}

/* Instructions are not run, so none is stale: only counted. */
void code_sync(void *virt, size_t size)
{
	(void)virt;
	emu.count.code_synced += size;
}
