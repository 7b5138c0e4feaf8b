/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack.c - the core's own stack, in memory that the core maps.
 *
 * C code may use its stack between any two statements, at -O0 between all of them. The core
 * here is a program of the host, whose stack is elsewhere; so a word of the page that was told
 * is written through the MMU whenever the core tells the machine something, which is where
 * translations come and go.
 */
#include "machine.h"

void emu_stack_set(uintptr_t virt)
{
	emu.stack = virt;
}

void emu_stack_use(const void *place)
{
	enum qr_fault_kind kind = QR_FAULT_MISSING;
	uint64_t phys;
	bool found;

	if (emu.stack == 0 || emu.root == 0 || emu.in_hook || emu.in_replace) {
		return;
	}
	emu.in_hook = true; /* what is stale is no mistake yet: the core is on its way */
	found = emu_tlb_translate(emu.stack, K_MEM_FAULT_WRITE, &phys, &kind);
	emu.in_hook = false;
	/* who forbids writing to it, or clears its accessed bit, has asked for it */
	if (!found && kind == QR_FAULT_MISSING) {
		emu_report(&(struct emu_error){
			.kind = EMU_STACK, .virt = emu.stack, .place = place});
	}
}

/* One piece of assembly on other machines: no stack until it ends. */
void emu_replace(qr_entry_t *entry, qr_entry_t value)
{
	const void *place = __builtin_return_address(0);

	emu.in_replace = true;
	if (ENTRY_BREAK) {
		__atomic_store_n(entry, 0, __ATOMIC_RELAXED);
		emu_publish_from(entry, 1, place);
		emu_tlb_all();
		emu_tlb_sync();
	}
	__atomic_store_n(entry, value, __ATOMIC_RELAXED);
	emu_publish_from(entry, 1, place);
	emu.in_replace = false;
	emu_stack_use(place);
}
