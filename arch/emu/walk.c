/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk.c - the walker: from an address through the tables to the entry that decides.
 *
 * It reads what the CPU's would, through the format's own decode, and writes accessed and
 * dirty by compare-and-swap, as hardware does. A table's address in an entry is a pointer.
 */
#include "machine.h"

/* Addresses that a CPU with this many bits translates: the rest repeats the top one. */
static bool is_canonical(uintptr_t virt)
{
	const uint64_t top = (uint64_t)virt >> (ENTRY_VA_BITS - 1);

	return top == 0 || top == UINT64_MAX >> (ENTRY_VA_BITS - 1);
}

static bool is_told_table(uint64_t table)
{
	for (unsigned int i = 0; i < 3 && emu.tables[0].end != 0; i++) {
		if (table >= emu.tables[i].start &&
		    table + EMU_TABLE_ENTRIES * sizeof(qr_entry_t) <= emu.tables[i].end) {
			return true;
		}
	}
	return emu.tables[0].end == 0;
}

static void report(enum emu_error_kind kind, uintptr_t virt, const struct emu_walk *walk)
{
	emu_report(&(struct emu_error){
		.kind = kind,
		.virt = virt,
		.now = walk->view,
		.place = emu_place_of(walk->entry),
	});
}

bool emu_walk(uintptr_t virt, struct emu_walk *walk)
{
	uint64_t table = emu.root;

	*walk = (struct emu_walk){.view = {.kind = QR_NONE}};
	if (!is_canonical(virt)) {
		return true;
	}
	for (unsigned int level = ENTRY_LEVELS; level-- > 0;) {
		const size_t index = (virt >> EMU_LEVEL_SHIFT(level)) & (EMU_TABLE_ENTRIES - 1);

		if (!is_told_table(table)) {
			report(EMU_WILD, virt, walk);
			walk->view = (struct qr_view){.kind = QR_NONE};
			return false;
		}
		walk->entry = (qr_entry_t *)(uintptr_t)table + index;
		walk->level = level;
		walk->view = entry_decode(__atomic_load_n(walk->entry, __ATOMIC_RELAXED), level);
		if (walk->view.kind != QR_TABLE) {
			break;
		}
		table = walk->view.address;
	}
	return true;
}

void emu_walk_mark(struct emu_walk *walk, bool dirty)
{
	qr_entry_t old = __atomic_load_n(walk->entry, __ATOMIC_RELAXED);
	struct qr_view view;

	do {
		view = entry_decode(old, walk->level);
		view.accessed = true;
		view.dirty = view.dirty || dirty;
	} while (!__atomic_compare_exchange_n(walk->entry, &old, entry_encode(view, walk->level),
					      false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	walk->view = view;
}

bool emu_walker_marks(uintptr_t virt, bool dirty)
{
	struct emu_walk walk;

	if (!emu_walk(virt, &walk) || walk.view.kind != QR_LEAF ||
	    (dirty && (emu_rights(&walk.view) & EMU_WRITE) == 0)) {
		return false;
	}
	emu_walk_mark(&walk, dirty);
	return true;
}
