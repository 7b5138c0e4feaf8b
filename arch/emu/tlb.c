/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlb.c - translations that stay until they are dropped.
 *
 * One row of slots for each tag and one for global translations; a row has a slot for
 * every page of the space and for every place where a large leaf can be:
 *
 *     row    | pages ........................ | 2 MiB .... | 1 GiB .. |
 *     valid  slot.epoch == row_epoch[row]; dropping a row takes a new epoch
 *
 * Dropping a page drops the large leaves over it too, as every CPU does.
 * Invariant: a valid slot is what a walk found at slot.time.
 */
#include "machine.h"

#define ROWS       (EMU_TAGS + 1)
#define GLOBAL_ROW EMU_TAGS

#define SLOTS(level)                                                                               \
	((EMU_SPACE_LAST >> EMU_LEVEL_SHIFT(level)) -                                              \
	 (EMU_SPACE_BASE >> EMU_LEVEL_SHIFT(level)) + 1)

_Static_assert(ENTRY_LEAF_LEVELS <= 3, "rows have room for three levels of leaves");
static const size_t slots_before[3] = {0, SLOTS(0), SLOTS(0) + SLOTS(1)};

static struct emu_slot slots[ROWS][SLOTS(0) + SLOTS(1) + SLOTS(2)];
static uint64_t row_epoch[ROWS];
static uint64_t epoch_last;
static bool row_used[ROWS][ENTRY_LEAF_LEVELS]; /* since the row was dropped */

static struct emu_slot *slot_of(unsigned int row, unsigned int level, uintptr_t virt)
{
	const size_t index = (virt >> EMU_LEVEL_SHIFT(level)) -
			     (EMU_SPACE_BASE >> EMU_LEVEL_SHIFT(level));

	return &slots[row][slots_before[level] + index];
}

static bool is_in_space(uintptr_t virt)
{
	return virt >= EMU_SPACE_BASE && virt <= EMU_SPACE_LAST;
}

bool emu_slot_is_live(const struct emu_slot *slot)
{
	return slot->epoch == row_epoch[slot->row];
}

/* ---- comparing ---------------------------------------------------------------------- */

uint8_t emu_rights(const struct qr_view *view)
{
	if (view->kind != QR_LEAF) {
		return 0;
	}
	return (uint8_t)((view->user ? EMU_USER : 0) | (view->write && !view->cow ? EMU_WRITE : 0) |
			 (view->exec ? (view->user ? EMU_EXEC_USER : EMU_EXEC_KERNEL) : 0) |
			 (view->dirty ? EMU_DIRTY : 0) | (view->global ? EMU_GLOBAL : 0));
}

/* The frame that a leaf of this level gives to the page at virt. */
static uint64_t page_in_leaf(const struct qr_view *leaf, unsigned int level, uintptr_t virt)
{
	const uint64_t inside = virt & (((uint64_t)1 << EMU_LEVEL_SHIFT(level)) - 1);

	return (leaf->address + inside) & ~(uint64_t)EMU_PAGE_MASK;
}

static bool differs_at(const struct emu_slot *slot, const struct emu_walk *walk, uintptr_t virt)
{
	return walk->view.kind != QR_LEAF || slot->view.cache != walk->view.cache ||
	       (slot->rights & ~emu_rights(&walk->view)) != 0 ||
	       page_in_leaf(&slot->view, slot->level, virt) !=
		       page_in_leaf(&walk->view, walk->level, virt);
}

bool emu_slot_differs(const struct emu_slot *slot, const struct emu_walk *walk)
{
	return differs_at(slot, walk, 0);
}

static void report_slot(enum emu_error_kind kind, const struct emu_slot *slot,
			const struct emu_walk *walk, uintptr_t virt)
{
	struct emu_error error = {
		.kind = kind,
		.virt = virt,
		.now = walk->view,
		.place = emu_place_of(walk->entry),
	};

	if (slot != NULL) {
		const uint64_t phys = page_in_leaf(&slot->view, slot->level, virt);
		const struct emu_owner *owner = emu_owner_of(phys);

		error.cached = true;
		error.held = slot->view;
		error.held.address = phys;
		if (slot->spoiled != NULL) {
			error.place = slot->spoiled;
		}
		if (owner != NULL && owner->time > slot->time &&
		    owner->virt != (virt & ~EMU_PAGE_MASK)) {
			error.recycled = true;
			error.user = owner->virt;
		}
	}
	emu_report(&error);
}

/* The slot is about to be used: is it what the tables say? If not, drop it, so that one
 * mistake is reported once. */
static bool is_good(struct emu_slot *slot, uintptr_t virt)
{
	struct emu_walk walk;

	if (emu.in_hook) {
		return true;
	}
	if (!emu_walk(virt, &walk) || differs_at(slot, &walk, virt)) {
		report_slot(EMU_STALE, slot, &walk, virt);
		slot->epoch = 0;
		return false;
	}
	emu.count.accessed_missed += !walk.view.accessed;
	return true;
}

/* The slot that the CPU would use. All that cover the address are looked at: which of two
 * a CPU takes is luck. */
static struct emu_slot *find(uintptr_t virt)
{
	const unsigned int rows[] = {emu.tag, GLOBAL_ROW};
	struct emu_slot *found = NULL;

	for (unsigned int i = 0; i < 2; i++) {
		for (unsigned int level = 0; level < ENTRY_LEAF_LEVELS; level++) {
			struct emu_slot *slot = slot_of(rows[i], level, virt);

			if (row_used[rows[i]][level] && slot->epoch == row_epoch[rows[i]] &&
			    is_good(slot, virt)) {
				found = slot;
			}
		}
	}
	return found;
}

/* ---- filling ------------------------------------------------------------------------ */

static uint8_t rights_needed(uint32_t access)
{
	const bool user = (access & K_MEM_FAULT_USER) != 0;

	if (access & K_MEM_FAULT_EXEC) {
		return user ? EMU_EXEC_USER : EMU_EXEC_KERNEL;
	}
	return (uint8_t)((user ? EMU_USER : 0) | (access & K_MEM_FAULT_WRITE ? EMU_WRITE : 0));
}

/* An entry that a walker of a real CPU may refuse or misread. */
static void check_entry(const struct emu_walk *walk, uintptr_t virt)
{
	const qr_entry_t entry = __atomic_load_n(walk->entry, __ATOMIC_RELAXED);

	if (!entry_legal(&walk->view, walk->level) ||
	    entry_encode(walk->view, walk->level) != entry ||
	    walk->view.address >> mmu_phys_bits() != 0) {
		report_slot(EMU_ILLEGAL, NULL, walk, virt);
	}
	if (!is_in_space(virt)) {
		report_slot(EMU_OUTSIDE, NULL, walk, virt);
	}
}

static struct emu_slot *fill(const struct emu_walk *walk, uintptr_t virt)
{
	const unsigned int row = walk->view.global ? GLOBAL_ROW : emu.tag;
	struct emu_slot *slot = slot_of(row, walk->level, virt);

	*slot = (struct emu_slot){
		.epoch = row_epoch[row],
		.time = ++emu.time,
		.entry = walk->entry,
		.view = walk->view,
		.rights = emu_rights(&walk->view),
		.row = (uint8_t)row,
		.level = (uint8_t)walk->level,
	};
	row_used[row][walk->level] = true;
	emu_place_filled(slot);
	return slot;
}

/* A walk for an access, with the bits that it sets. */
static bool walk_for(uintptr_t virt, uint32_t access, struct emu_walk *walk,
		     enum qr_fault_kind *kind)
{
	const bool write = (access & K_MEM_FAULT_WRITE) != 0;

	emu.count.walks++;
	if (!emu_walk(virt, walk) || walk->view.kind != QR_LEAF) {
		*kind = QR_FAULT_MISSING;
		return false;
	}
	check_entry(walk, virt);
	if (rights_needed(access) & ~emu_rights(&walk->view)) {
		*kind = QR_FAULT_DENIED;
		return false;
	}
	if (walk->view.accessed && (walk->view.dirty || !write)) {
		return true;
	}
	if (emu.software_flags) {
		*kind = QR_FAULT_FLAG;
		return false;
	}
	emu_walk_mark(walk, write);
	return true;
}

/* A hit: may the access go on with what the slot says? */
static bool use(struct emu_slot *slot, uintptr_t virt, uint32_t access, enum qr_fault_kind *kind)
{
	struct emu_walk walk;

	emu.count.hits++;
	if (rights_needed(access) & ~slot->rights) {
		*kind = QR_FAULT_DENIED;
		return false;
	}
	if (!(access & K_MEM_FAULT_WRITE) || (slot->rights & EMU_DIRTY)) {
		return true;
	}
	if (emu.software_flags) {
		*kind = QR_FAULT_FLAG;
		return false;
	}
	/* the first write: the walker looks again, and notes it in the entry */
	if (!walk_for(virt, access, &walk, kind)) {
		return false;
	}
	slot->rights |= EMU_DIRTY;
	slot->view.dirty = true;
	return true;
}

bool emu_tlb_translate(uintptr_t virt, uint32_t access, uint64_t *phys, enum qr_fault_kind *kind)
{
	struct emu_slot *slot = is_in_space(virt) ? find(virt) : NULL;
	struct emu_walk walk;

	if (emu.unsynced && !emu.in_hook) {
		emu.unsynced = false;
		emu_report(&(struct emu_error){
			.kind = EMU_UNSYNCED, .virt = virt, .place = emu.unsynced_place});
	}
	if (slot != NULL) {
		if (!use(slot, virt, access, kind)) {
			return false;
		}
		*phys = page_in_leaf(&slot->view, slot->level, virt) | (virt & EMU_PAGE_MASK);
		return true;
	}
	if (!walk_for(virt, access, &walk, kind)) {
		return false;
	}
	if (is_in_space(virt)) {
		slot = fill(&walk, virt);
	}
	*phys = page_in_leaf(&walk.view, walk.level, virt) | (virt & EMU_PAGE_MASK);
	return true;
}

void emu_tlb_report_stuck(uintptr_t virt)
{
	struct emu_slot *slot = is_in_space(virt) ? find(virt) : NULL;
	struct emu_walk walk;

	(void)emu_walk(virt, &walk);
	report_slot(EMU_STUCK, slot, &walk, virt);
}

/* ---- dropping ----------------------------------------------------------------------- */

static void drop_row(unsigned int row)
{
	row_epoch[row] = ++epoch_last;
	for (unsigned int level = 0; level < ENTRY_LEAF_LEVELS; level++) {
		row_used[row][level] = false;
	}
}

static void drop_page(unsigned int row, uintptr_t virt)
{
	for (unsigned int level = 0; level < ENTRY_LEAF_LEVELS; level++) {
		slot_of(row, level, virt)->epoch = 0;
	}
}

static void dropped(uint64_t *count, const void *place)
{
	(*count)++;
	emu.unsynced = true;
	emu.unsynced_place = place;
}

void emu_tlb_page(unsigned int tag, uintptr_t virt)
{
	dropped(&emu.count.page_drops, __builtin_return_address(0));
	if (!is_in_space(virt)) {
		return;
	}
	for (unsigned int row = 0; row < ROWS; row++) {
		if (tag == 0 || row == tag) {
			drop_page(row, virt);
		}
	}
	emu_stack_use(__builtin_return_address(0));
	if (emu_page_drop_hook != NULL && !emu.in_hook) {
		emu.in_hook = true;
		emu_page_drop_hook(virt);
		emu.in_hook = false;
	}
}

static void call_drop_hook(void)
{
	if (emu_drop_hook != NULL && !emu.in_hook) {
		emu.in_hook = true;
		emu_drop_hook();
		emu.in_hook = false;
	}
}

void emu_tlb_tag(unsigned int tag)
{
	dropped(&emu.count.tag_drops, __builtin_return_address(0));
	drop_row(tag);
	emu_stack_use(__builtin_return_address(0));
	call_drop_hook();
}

void emu_tlb_all(void)
{
	dropped(&emu.count.all_drops, __builtin_return_address(0));
	emu_tlb_reset();
	emu_stack_use(__builtin_return_address(0));
	call_drop_hook();
}

void emu_tlb_sync(void)
{
	emu.count.syncs += emu.unsynced;
	emu.unsynced = false;
	emu_stack_use(__builtin_return_address(0));
}

void emu_tlb_reset(void)
{
	for (unsigned int row = 0; row < ROWS; row++) {
		drop_row(row);
	}
}
