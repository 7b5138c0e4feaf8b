/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evict.c - making room: choosing a victim, taking it out of its frame, writing it.
 *
 *   leaf --(1)--> token BUSY(frame) --(2) clean--> token LOCATION         frame in hand
 *                        |
 *                        +-- dirty: write to slot, lock let go
 *                              |  ended well  --(3)--> token LOCATION     frame in hand
 *                              |  failed      --(4)--> leaf, dirty        slot retired
 *                              |  not here    --(4)--> leaf, dirty        slot given back
 *                              |  touched     --(5)--> leaf               the write goes on
 *                              |  unmapped    --(6)--> frame ORPHAN
 *
 * (1) takes the entry by exchange and flushes, so what it says about dirty is final. After
 * (5) the owner of the write finds MAPPED set, after (6) ORPHAN.
 *
 * A slot is taken only when it is known that one is needed. Where none is free, the charge
 * rule (charge.h) says that some page in a frame has one: that page is evicted instead.
 */
#include "evict.h"

#include "charge.h"
#include "clean.h"
#include "cluster.h"
#include "domain.h"
#include "policy.h"
#include "slot_room.h"
#include "stats.h"
#include "store.h"

/* Map a page whose entry is a token into its frame. */
static QR_NOINLINE void map_again(uint32_t page, uint32_t frame, uint32_t flags)
{
	arch_mem_page_in(qr_page_addr(page), qr_frame_phys(frame), flags);
	qr_domain_came(page);
}

void qr_rescue(uint32_t frame, uint32_t flags)
{
	QR_ASSERT(qr_frames[frame] & QR_FRAME_OUT);
	map_again(qr_frame_page(qr_frames[frame]), frame, flags);
	qr_frames[frame] |= QR_FRAME_MAPPED;
	QR_COUNT_ALL(transfer.rescued, 1);
}

/* The frame keeps its page after all: undo (1), or end the write of a rescued page. The
 * policy is given back what it wanted to know. */
static void keep(uint32_t frame, uint32_t word_flags, uint32_t location)
{
	uint32_t page = qr_frame_page(qr_frames[frame]);

	qr_frames[frame] = qr_frame_word(page, qr_location_bare(location), word_flags);
	qr_frame_table.busy_count--;
	if (!(word_flags & QR_FRAME_PINNED)) {
		qr_policy_came(frame, location, false);
	}
	qr_wake(qr_frame_channel(frame));
}

/* The write of `frame` to `location` ended with `status`. */
static int write_ended(uint32_t frame, uint32_t location, int status)
{
	uint64_t word = qr_frames[frame];
	const uint32_t pins = QR_FRAME_PINNED | QR_FRAME_PINNING;
	uint32_t backed = status == 0 ? QR_FRAME_BACKED : 0;

	if (status != 0 || (word & QR_FRAME_ORPHAN)) {
		qr_slot_written(location, status);
	}
	if (word & QR_FRAME_ORPHAN) {
		qr_wake(qr_frame_channel(frame));
		qr_frame_free(frame);
		return -EAGAIN;
	}
	if (word & QR_FRAME_MAPPED) {
		if (backed && (word & QR_FRAME_PINNED)) {
			qr_slot_give(location);
			backed = 0;
		}
		QR_COUNT_ALL(transfer.kept, status == 0 ? 1 : 0);
		keep(frame,
		     QR_FRAME_MAPPED | backed | (uint32_t)(word & pins) |
			     (status == 0 ? QR_FRAME_WRITTEN : 0),
		     backed ? location : 0);
		qr_frames_changed();
		return -EAGAIN;
	}
	if (status != 0) {
		map_again(qr_frame_page(word), frame, ARCH_MEM_ACCESSED | ARCH_MEM_DIRTY);
		keep(frame, QR_FRAME_MAPPED, 0);
		qr_frames_changed();
		return status;
	}
	arch_page_token_set(qr_page_addr(qr_frame_page(word)),
			    ARCH_TOKEN(ARCH_TOKEN_LOCATION, location));
	qr_frames[frame] = QR_FRAME_BUSY;
	QR_COUNT(eviction.dirty);
	qr_wake(qr_frame_channel(frame));
	return 0;
}

/* The policy lets go of the page. Its location, with what the policy wants to know again. */
static uint32_t leave(uint32_t frame, uint32_t location)
{
	if (qr_location_store(location) != QR_STORE_NONE) {
		location = qr_policy_remembered(frame, location);
	}
	qr_policy_forgotten(frame);
	return location;
}

static int slot_take(uint32_t page, uint32_t *location)
{
	return CONFIG_MEM_CLUSTER && qr_store_table.homes ? qr_slot_take_near(page, location)
							  : qr_slot_take(location);
}

static int write_out(uint32_t frame, uint32_t location, struct qr_hold *hold)
{
	return CONFIG_MEM_CLUSTER && qr_store_table.write_pages > 1 &&
			       qr_location_store(location) == qr_store_table.paging
		       ? qr_cluster_write(frame, hold)
		       : qr_store_transfer(K_MEM_IO_WRITE, location, qr_frame_phys(frame), hold);
}

int qr_evict(uint32_t frame, struct qr_hold *hold)
{
	uint64_t word = qr_frames[frame];
	uint32_t location = qr_frame_location(word);
	uint32_t page = qr_frame_page(word);
	void *virt = qr_page_addr(page);
	bool owned = (word & QR_FRAME_BACKED) && qr_location_owned(location);
	uint32_t was;

	QR_ASSERT_LOCKED();
	QR_ASSERT(k_mem_frame_evictable(frame));
	was = arch_mem_page_out(virt, ARCH_TOKEN(ARCH_TOKEN_BUSY, frame));
	arch_mem_flush(virt, QR_PAGE_SIZE);
	QR_COUNT_ALL(transfer.flushes, 1);
	qr_domain_left(page);
	qr_frame_table.busy_count++;
	if (qr_cluster_ahead(word)) {
		qr_cluster_judge(frame, (was & (ARCH_DATA_PAGE_ACCESSED | ARCH_DATA_PAGE_DIRTY)));
		word &= ~(uint64_t)QR_FRAME_AHEAD;
	}

	if ((word & QR_FRAME_BACKED) && !(was & ARCH_DATA_PAGE_DIRTY)) {
		location = leave(frame, location);
		arch_page_token_set(virt, ARCH_TOKEN(ARCH_TOKEN_LOCATION, location));
		qr_frames[frame] = QR_FRAME_BUSY;
		QR_COUNT(eviction.clean);
		return 0;
	}
	if (!owned && slot_take(page, &location) != 0) {
		uint32_t dirty = (was & ARCH_DATA_PAGE_DIRTY) ? ARCH_MEM_DIRTY : 0;

		qr_policy_forgotten(frame);
		map_again(page, frame, ARCH_MEM_ACCESSED | dirty);
		keep(frame, (uint32_t)word & QR_FRAME_FLAGS, qr_frame_location(word));
		return -ENOMEM;
	}
	QR_COUNT_ALL(transfer.kept_again, (word & QR_FRAME_WRITTEN) ? 1 : 0);
	location = leave(frame, location);
	qr_frames[frame] = qr_frame_word(page, location, QR_FRAME_BUSY | QR_FRAME_OUT);
	return write_ended(frame, location, write_out(frame, location, hold));
}

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

/* The store that the page in a frame with this word would be written to. */
static uint32_t written_to(uint64_t word)
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
	return !(refused >> written_to(qr_frames[frame]) & 1u) &&
	       (needs_no_slot(frame) || qr_store_table.free_slots > 0);
}

/* No slot is free: find a page that has one. Or some stores are refused: find one that needs none
 * of them. A moving hand, so that the cost is spread. */
static uint32_t find_easy(uint32_t refused, struct qr_hold *hold)
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

/* Nothing can be evicted now: wait for a transfer to end, or say that none is under way. Where
 * sleeping is not allowed only polling helps, and only so often. */
static int wait_for_frames(struct qr_hold *hold, uint32_t *polls)
{
	if (qr_frame_table.busy_count == 0 ||
	    (hold->sleep == QR_SLEEP_NO && ++*polls > CONFIG_MEM_POLLS_MAX)) {
		return -ENOMEM;
	}
	qr_wait(QR_FRAME_CHANNEL, hold);
	return 0;
}

int qr_victim(uint32_t *frame, bool slotted, struct qr_hold *hold)
{
	if (!slotted) {
		return qr_policy_pick(frame, hold);
	}
	*frame = find_easy(0, hold);
	if (*frame == QR_NO_INDEX) {
		/* only where writes failed: slots that are left are copies of pages that stay */
		(void)qr_slot_copy_take(hold);
		return -ENOENT;
	}
	return 0;
}

/* The hunt for a frame, beside the frame. */
struct hunt {
	int status;     /* why it ends, or 0 */
	bool slotted;   /* slots ran out: who has one is evicted */
	bool again;     /* the policy goes on with a scan */
	uint32_t refused; /* stores, a bit each, that cannot serve this context */
	uint64_t changes; /* qr_frame_table's, when the policy began to scan */
	uint32_t polls;
	uint32_t errors; /* writes that failed, or were refused */
	uint32_t vain;   /* pages that were touched while they were written */
};

/* Each round is a slice of the policy's scan, a poll, or follows upon what others did. */
#define HUNT_ROUNDS_MAX (QR_ROUNDS_MAX + CONFIG_MEM_POLLS_MAX + 4u * CONFIG_MEM_FRAMES_MAX)

/* A victim; false: there is none in this round. */
static bool hunt_find(struct hunt *hunt, uint32_t *frame, struct qr_hold *hold)
{
	int status;

	hunt->changes = hunt->again ? hunt->changes : qr_frame_table.changes;
	if (QR_LIKELY((hunt->refused | hunt->slotted) == 0)) {
		status = qr_policy_pick(frame, hold);
	} else if (hunt->refused == 0) {
		status = qr_victim(frame, true, hold);
	} else {
		*frame = find_easy(hunt->refused, hold);
		status = *frame == QR_NO_INDEX ? -ENOENT : 0;
	}
	hunt->again = status == -EAGAIN;
	if (QR_LIKELY(status == 0)) {
		return true;
	}
	if (hunt->again) {
		qr_breathe(hold);
		return false;
	}
	hunt->slotted = false;
	if (hunt->changes == qr_frame_table.changes) { /* else it is not what there is */
		hunt->status = wait_for_frames(hold, &hunt->polls);
		if (hunt->status != 0 && hunt->refused != 0) {
			hunt->status = -EBUSY;
		}
	}
	return false;
}

/* The victim, whose frame had this word, was not evicted. */
static void hunt_failed(struct hunt *hunt, uint64_t word, int status)
{
	hunt->slotted = status == -ENOMEM;
	hunt->refused |= status == -EBUSY ? 1u << written_to(word) : 0;
	if ((status == -EIO || status == -EBUSY) && ++hunt->errors == CONFIG_EVICTION_TRIES) {
		hunt->status = status;
	} else if (status == -EAGAIN && ++hunt->vain == QR_ROUNDS_MAX) {
		hunt->status = -EAGAIN;
	}
}

/* Evict until a frame is had. */
static int evict_until(uint32_t *frame, bool take_free, struct qr_hold *hold)
{
	struct hunt hunt = {0};

	for (uint32_t round = 0; round < HUNT_ROUNDS_MAX; round++) {
		/* each time: a cleaner that was called sets frames aside again when it is done */
		qr_clean_call();
		if (take_free && (*frame = qr_frame_take()) != QR_NO_INDEX) {
			return 0;
		}
		if (hunt.status != 0) {
			break;
		}
		if (hunt_find(&hunt, frame, hold)) {
			uint64_t word = qr_frames[*frame];
			int status = qr_evict(*frame, hold);

			if (status == 0) {
				return 0;
			}
			hunt_failed(&hunt, word, status);
		}
	}
	*frame = QR_NO_INDEX;
	return hunt.status != 0 ? hunt.status : -EAGAIN;
}

int qr_frame_make(uint32_t *frame, bool take_free, struct qr_hold *hold)
{
	uint32_t start = qr_stats_time();
	int status = evict_until(frame, take_free, hold);

	qr_stats_duration(QR_HISTOGRAM_EVICTION, qr_stats_time() - start);
	return status;
}
