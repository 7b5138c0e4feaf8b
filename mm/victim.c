/* SPDX-License-Identifier: Apache-2.0 */
/*
 * victim.c - victims where the policy's choice will not do: no slot is free, or a store is refused
 * in this context. All frames are looked at, so this is for where nothing else is left.
 */
#include "evict.h"

#include "domain.h"
#include "policy.h"
#include "slot_room.h"
#include "store.h"

/* Can the frame be emptied without a new slot? */
static bool needs_no_slot(uint32_t frame)
{
	uint64_t word = qr_frames[frame];

	if (!k_mem_frame_evictable(frame) || !(word & QR_FRAME_BACKED) ||
	    qr_domain_keeps(frame)) {
		return false;
	}
	return qr_location_owned(qr_frame_location(word)) ||
	       !(k_mem_frame_bits(frame, false) & K_MEM_FRAME_DIRTY);
}

uint32_t qr_written_to(uint64_t word)
{
	uint32_t location = qr_frame_location(word);

	return (word & QR_FRAME_BACKED) && qr_location_owned(location)
		       ? qr_location_store(location)
		       : qr_store_table.paging;
}

/* Can the frame be emptied without one of these stores, a bit each, that cannot serve this
 * context, and where it must be written with a slot that there is? */
static bool needs_none_of(uint32_t frame, uint32_t refused)
{
	if (!k_mem_frame_evictable(frame) || qr_domain_keeps(frame)) {
		return false;
	}
	if (!(k_mem_frame_bits(frame, false) & K_MEM_FRAME_DIRTY)) {
		return true;
	}
	return !(refused >> qr_written_to(qr_frames[frame]) & 1u) &&
	       (needs_no_slot(frame) || qr_store_table.free_slots > 0);
}

/* A moving hand, so that the cost is spread. */
uint32_t qr_victim_easy(uint32_t refused, struct qr_hold *hold)
{
	static uint32_t hand;
	uint32_t count = qr_frame_table.count;
	uint32_t since;

	qr_breathe(hold); /* a page that needs a slot was taken out and put back */
	since = arch_mem_work;
	for (uint32_t looked = 1; looked <= count; looked++) {
		hand = hand + 1 < count ? hand + 1 : 0;
		if (refused != 0 ? needs_none_of(hand, refused) : needs_no_slot(hand)) {
			return hand;
		}
		if (looked % QR_BATCH_HEAVY == 0) {
			qr_breathe(hold);
			since = arch_mem_work;
		}
		qr_sets_breathe(&since, hold);
	}
	return QR_NO_INDEX;
}

int qr_victim(uint32_t *frame, bool slotted, struct qr_hold *hold)
{
	if (!slotted) {
		return qr_policy_pick(frame, hold);
	}
	*frame = qr_victim_easy(0, hold);
	if (*frame == QR_NO_INDEX) {
		/* only where writes failed: slots that are left are copies of pages that stay */
		(void)qr_slot_copy_take(hold);
		return -ENOENT;
	}
	return 0;
}
