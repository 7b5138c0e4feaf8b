/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slot_room.c - room that can be made is not room that is missing.
 *
 *     slot of the paging store       who has it
 *     free                           nobody
 *     a page that is in no frame     that page: it is nowhere else
 *     a copy                         a page in a frame, which would be dropped without a write
 *
 * A copy saves a write, no more: where a slot is wanted and none is free, one is taken from a page
 * that has it for a copy, which then is written when it is evicted. A frame that is BUSY keeps its
 * slot until its transfer ends, and a pinned page has none. A page whose frame is kept for a
 * domain stays there, whatever becomes of its copy.
 *
 * Who asks: calls that evict this very page (move.c). A fault, the cleaner and reading ahead evict
 * a page that has a slot instead (evict.c), which costs no write; they come here where there is no
 * such page. Pages that are written beside another one take a slot only where no one could miss
 * it (cluster_write.c).
 *
 * The count (qr_slots_spare) and the deed (qr_slot_make) look at a frame in the same way, so what
 * was counted is found, unless another thread took it meanwhile.
 */
#include "slot_room.h"

#include "policy.h"

static bool has_slot(uint64_t word)
{
	const uint32_t location = qr_frame_location(word);

	return qr_location_owned(location) && qr_location_store(location) == qr_store_table.paging;
}

/* Is the slot a copy of the page in this frame, that may be taken now? */
static bool is_copy(uint32_t frame)
{
	return k_mem_frame_evictable(frame) && (qr_frames[frame] & QR_FRAME_BACKED) &&
	       has_slot(qr_frames[frame]);
}

/* Will the slot be a copy, or free, when the frame's transfer has ended? Not where the page is
 * being evicted to it, and not where there is no page, in a frame that is in somebody's hand. */
static bool will_be_spare(uint64_t word)
{
	if (!(word & QR_FRAME_BUSY) || word == QR_FRAME_BUSY || !has_slot(word)) {
		return false;
	}
	return !(word & QR_FRAME_OUT) || (word & (QR_FRAME_MAPPED | QR_FRAME_ORPHAN));
}

void qr_slot_copy_give(uint32_t frame)
{
	uint64_t word = qr_frames[frame];

	QR_ASSERT(!(word & QR_FRAME_BUSY));
	if ((word & QR_FRAME_BACKED) && qr_location_owned(qr_frame_location(word))) {
		qr_slot_give(qr_frame_location(word));
		qr_frames[frame] = word & ~(uint64_t)QR_FRAME_BACKED;
	}
}

uint32_t qr_slots_spare(struct qr_pages but, struct qr_hold *hold)
{
	uint32_t count = 0;

	(void)qr_sleep_known(hold);
	for (uint32_t frame = 0; frame < qr_frame_table.count; frame++) {
		const uint64_t word = qr_frames[frame];
		bool spare = is_copy(frame) ||
			     (hold->sleep == QR_SLEEP_YES && will_be_spare(word));

		count += spare && qr_frame_page(word) - but.first >= but.count ? 1 : 0;
		if ((frame + 1) % QR_BATCH_MIDDLE == 0) {
			qr_breathe(hold);
		}
	}
	return count;
}

bool qr_slot_copy_take(struct qr_hold *hold)
{
	static uint32_t hand; /* moves on, so that the cost is spread */
	uint32_t count = qr_frame_table.count;

	for (uint32_t looked = 1; looked <= count; looked++) {
		hand = hand + 1 < count ? hand + 1 : 0;
		if (is_copy(hand)) {
			qr_slot_copy_give(hand);
			return true;
		}
		if (looked % QR_BATCH_MIDDLE == 0) {
			qr_breathe(hold);
		}
	}
	return false;
}

int qr_slot_make(struct qr_hold *hold)
{
	const uint64_t changes = qr_frame_table.changes;

	QR_ASSERT_LOCKED();
	if (qr_slot_copy_take(hold) || changes != qr_frame_table.changes) {
		return 0;
	}
	if (!qr_sleep_known(hold)) {
		return 0;
	}
	if (qr_frame_table.busy_count == 0 || hold->sleep == QR_SLEEP_NO) {
		return -ENOMEM;
	}
	qr_wait(QR_FRAME_CHANNEL, hold);
	return 0;
}
