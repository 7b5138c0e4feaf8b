/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.c - see audit.h. Everything is computed again from the entries, page by page.
 */
#include "audit.h"

#include <stdio.h>
#include <string.h>

#include <quire/domain.h>

#include <mm/charge.h>
#include <mm/frame.h>
#include <mm/store.h>

#include "rig.h"

#define SLOT_RESERVED 1 /* port/strict/store.c */
#define SLOT_MOVING   2

#define OWNERS_MAX 64u

static struct {
	bool quiet;
	uint32_t pageable;
	uint32_t pinned;
	uint32_t slots;
	uint8_t slot_named[RIG_SLOTS_MAX];
	bool frame_named[CONFIG_MEM_FRAMES_MAX]; /* by a leaf */
	bool frame_awaited[CONFIG_MEM_FRAMES_MAX]; /* by a page on its way */
	struct {
		struct arch_mem_domain *arch;
		uint32_t pages;
		uint32_t resident;
	} owner[OWNERS_MAX]; /* domains with memory of their own */
	char wrong[200];
} state;

#define WRONG(...) (snprintf(state.wrong, sizeof(state.wrong), __VA_ARGS__), false)

/* The page, or the frame, has its content in this slot. */
static bool name_slot(uint32_t location, const char *who, uint32_t number)
{
	uint32_t slot = qr_location_slot(location);
	uint8_t slot_state;

	if (!qr_location_owned(location)) {
		return true;
	}
	slot_state = rig_store.slots[slot];
	if (state.slot_named[slot]++ > 0) {
		return WRONG("slot %u of %s %u has another page too", slot, who, number);
	}
	if (slot_state != SLOT_RESERVED && (state.quiet || slot_state != SLOT_MOVING)) {
		return WRONG("slot %u of %s %u is in state %u", slot, who, number, slot_state);
	}
	state.slots++;
	return true;
}

/* Memory without a frame: is it one that counts against the promise? */
static bool token_ok(uint32_t page, arch_page_t now)
{
	arch_token_t token = arch_page_token(now);
	uint32_t value = ARCH_TOKEN_VALUE(token);
	uint32_t location = value;

	if (qr_page_is_guard(now)) {
		const arch_page_t rights = ARCH_PAGE_RW | ARCH_PAGE_EXEC | ARCH_PAGE_USER;

		return (now & (rights | ARCH_PAGE_LAST)) == 0 ||
		       WRONG("guard %u has rights, or ends a mapping: %jx", page, (uintmax_t)now);
	}
	if (ARCH_TOKEN_KIND(token) == ARCH_TOKEN_BUSY) {
		if (state.quiet || !(qr_frames[value] & QR_FRAME_BUSY) ||
		    (qr_frames[value] & (QR_FRAME_ORPHAN | QR_FRAME_MAPPED)) ||
		    qr_frame_page(qr_frames[value]) != page) {
			return WRONG("page %u waits for frame %u: %jx", page, value,
				     (uintmax_t)qr_frames[value]);
		}
		state.frame_awaited[value] = true;
		location = qr_frame_location(qr_frames[value]);
	} else if (!name_slot(location, "page", page)) {
		return false;
	}
	state.pageable += (now & ARCH_PAGE_RW) || !qr_location_image(location);
	return true;
}

/* A page in the shared frame of zeros. */
static bool zeros_ok(uint32_t page, arch_page_t now)
{
	state.pageable++;
	if ((now & ARCH_DATA_PAGE_DIRTY) || ((now & ARCH_PAGE_RW) && !(now & ARCH_PAGE_COW))) {
		return WRONG("page %u may write to the zeros: %jx", page, (uintmax_t)now);
	}
	return true;
}

static bool loaded_ok(uint32_t page, arch_page_t now)
{
	uint32_t frame = qr_frame_of(arch_page_phys(now));
	uint64_t word;

	if (page == QR_SPACE_PAGES - 1 || frame == QR_NO_INDEX) {
		return true; /* the scratch page, or physical memory */
	}
	if (frame == qr_frame_table.zero) {
		return zeros_ok(page, now);
	}
	word = qr_frames[frame];
	if (word & QR_FRAME_RESERVED) {
		return true;
	}
	if (!(word & QR_FRAME_MAPPED) || qr_frame_page(word) != page || state.frame_named[frame]) {
		return WRONG("page %u is in frame %u: %jx", page, frame, (uintmax_t)word);
	}
	state.frame_named[frame] = true;
	if (word & QR_FRAME_PINNED) {
		state.pinned++;
	} else {
		state.pageable += (now & ARCH_PAGE_RW) || !(word & QR_FRAME_BACKED) ||
				  !qr_location_image(qr_frame_location(word));
	}
	return true;
}

/* A page that belongs to a domain is mapped. Count it. */
static bool owner_ok(uint32_t page, arch_page_t now)
{
	struct arch_mem_domain *arch = arch_page_owner(qr_page_addr(page));
	uint32_t i = 0;

	if (arch == NULL) {
		return true;
	}
	if (!qr_page_is_mapped(now)) {
		return WRONG("page %u, which is not mapped, belongs to a domain", page);
	}
	while (state.owner[i].arch != NULL && state.owner[i].arch != arch) {
		if (++i == OWNERS_MAX) {
			return WRONG("page %u belongs to a domain too many", page);
		}
	}
	state.owner[i].arch = arch;
	state.owner[i].pages++;
	state.owner[i].resident += (now & ARCH_DATA_PAGE_LOADED) && !qr_is_zero_page(now);
	return true;
}

/* Each domain knows at every moment how many of its pages are in frames. Those that are being
 * mapped or unmapped count, too. */
static bool owners_ok(void)
{
	for (uint32_t i = 0; i < OWNERS_MAX && state.owner[i].arch != NULL; i++) {
		const struct k_mem_domain *domain =
			(const struct k_mem_domain *)((uintptr_t)state.owner[i].arch -
						      offsetof(struct k_mem_domain, arch));

		if (domain->resident_count != state.owner[i].resident ||
		    domain->page_count < state.owner[i].pages ||
		    (state.quiet && domain->page_count != state.owner[i].pages)) {
			return WRONG("a domain counts %u pages, %u in frames; it has %u and %u",
				     domain->page_count, domain->resident_count,
				     state.owner[i].pages, state.owner[i].resident);
		}
	}
	return true;
}

static bool pages_ok(void)
{
	for (uint32_t page = 0; page < QR_SPACE_PAGES; page++) {
		arch_page_t now = arch_page_get(qr_page_addr(page));

		if (!owner_ok(page, now)) {
			return false;
		}
		if (now & ARCH_DATA_PAGE_NOT_MAPPED) {
			continue;
		}
		if (!((now & ARCH_DATA_PAGE_LOADED) ? loaded_ok : token_ok)(page, now)) {
			return false;
		}
	}
	return true;
}

/* What a frame may be, and the slot that it keeps. */
static bool frame_ok(uint32_t frame)
{
	uint64_t word = qr_frames[frame];
	bool busy = (word & QR_FRAME_BUSY) != 0;

	if (word & (QR_FRAME_FREE | QR_FRAME_RESERVED)) {
		return true;
	}
	if (busy && state.quiet) {
		return WRONG("frame %u is busy: %jx", frame, (uintmax_t)word);
	}
	if (((word & QR_FRAME_MAPPED) != 0) != state.frame_named[frame] &&
	    (state.quiet || !(word & QR_FRAME_PINNED))) { /* locked memory on its way in or out */
		return WRONG("frame %u is said to hold a page: %jx", frame, (uintmax_t)word);
	}
	if (!busy && !(word & QR_FRAME_MAPPED)) {
		return WRONG("frame %u is lost: %jx", frame, (uintmax_t)word);
	}
	if (state.quiet && (word & QR_FRAME_PINNING)) {
		return WRONG("frame %u is being pinned for ever: %jx", frame, (uintmax_t)word);
	}
	/* a busy frame that nobody waits for is in somebody's hand, and empty */
	if ((word & QR_FRAME_BACKED) ||
	    (busy && (word & (QR_FRAME_OUT | QR_FRAME_ORPHAN))) || state.frame_awaited[frame]) {
		return name_slot(qr_frame_location(word), "frame", frame);
	}
	return true;
}

static bool frames_ok(void)
{
	const uint32_t counted = qr_frame_table.free_count + qr_frame_table.aside;
	uint32_t free = 0, on_list = 0;
	uint32_t frame;

	for (frame = 0; frame < qr_frame_table.count; frame++) {
		free += (qr_frames[frame] & QR_FRAME_FREE) != 0;
		if (!frame_ok(frame)) {
			return false;
		}
	}
	on_list = qr_frame_table.recent_count;
	for (uint32_t i = 0; i < on_list; i++) {
		frame = qr_frame_table.recent_first + i;
		if (frame >= qr_frame_table.count || qr_frames[frame] != QR_FRAME_FREE) {
			return WRONG("frame %u was given back last, but is not free", frame);
		}
	}
	for (frame = qr_frame_table.free_head; frame != QR_NO_INDEX && on_list <= free;
	     frame = qr_frame_page(qr_frames[frame])) {
		const uint32_t behind = qr_frame_location(qr_frames[frame]);

		if (frame >= qr_frame_table.count || behind >= qr_frame_table.count - frame ||
		    !(qr_frames[frame] & QR_FRAME_FREE)) {
			return WRONG("no run of %u free frames begins at %u", behind + 1, frame);
		}
		for (uint32_t i = 1; i <= behind; i++) {
			if (qr_frames[frame + i] != QR_FRAME_FREE) {
				return WRONG("frame %u is in a free run, but not free", frame + i);
			}
		}
		on_list += 1 + behind;
	}
	if (free != on_list || (state.quiet && free != counted)) {
		return WRONG("%u frames are free, %u are in the pool, which counts %u", free,
			     on_list, counted);
	}
	return true;
}

static bool zeros_are_zero(void)
{
	const uint64_t *zeros;

	if (qr_frame_table.zero == QR_NO_INDEX) {
		return true;
	}
	zeros = emu_phys(qr_frame_phys(qr_frame_table.zero));
	for (size_t i = 0; i < RIG_PAGE / sizeof(*zeros); i++) {
		if (zeros[i] != 0) {
			return WRONG("word %zu of the zeros is %jx", i, (uintmax_t)zeros[i]);
		}
	}
	return true;
}

static bool numbers_ok(void)
{
	const struct qr_store_table *table = &qr_store_table;
	struct rig_counts counts = rig_counts();

	if (!state.quiet) {
		return true; /* calls under way have charged what they have not mapped yet */
	}
	if (state.pageable != qr_charge.pageable || state.pinned != qr_charge.pinned) {
		return WRONG("charged are %u pageable and %u pinned pages, there are %u and %u",
			     qr_charge.pageable, qr_charge.pinned, state.pageable, state.pinned);
	}
	if (state.slots != counts.slots_reserved) {
		return WRONG("%u slots are reserved and %u named", counts.slots_reserved,
			     state.slots);
	}
	if (table->paging != QR_STORE_NONE &&
	    table->free_slots + counts.slots_reserved + counts.slots_retired !=
		    table->store[table->paging].slot_count) {
		return WRONG("%u slots are said to be free", table->free_slots);
	}
	if (qr_frame_table.busy_count != 0 || table->in_flight != 0) {
		return WRONG("%u frames are said to be busy, %u transfers in flight",
			     qr_frame_table.busy_count, table->in_flight);
	}
	return true;
}

static const char *look(bool quiet)
{
	memset(&state, 0, sizeof(state));
	state.quiet = quiet;
	return pages_ok() && owners_ok() && frames_ok() && zeros_are_zero() && numbers_ok()
		       ? NULL
		       : state.wrong;
}

const char *audit(void)
{
	return look(true);
}

const char *audit_busy(void)
{
	return look(false);
}
