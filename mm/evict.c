/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evict.c - making room: choosing a victim, taking it out of its frame, writing it.
 *
 *   leaf --(1)--> token LOCATION --clean-->                               frame in hand
 *                        |
 *                       (2) dirty, or nowhere else
 *                        v
 *                 token BUSY(frame): write to slot, lock let go
 *                        |  ended well  --(3)--> token LOCATION           frame in hand
 *                        |  failed      --(4)--> leaf, dirty              slot retired
 *                        |  not here    --(4)--> leaf, dirty              slot given back
 *                        |  touched     --(5)--> leaf                     the write goes on
 *                        |  unmapped    --(6)--> frame ORPHAN
 *
 * (1) takes the entry by exchange and flushes, so what it says about dirty is final. It leaves what
 * is right for a clean page, which mostly is what is evicted; until (2) has put right what it says
 * of any other, the lock is not let go, so nobody sees that. Where the flush would be waited for
 * without the lock, (1) would have to leave BUSY. After (5) the owner of the write finds MAPPED
 * set, after (6) ORPHAN.
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
	arch_mem_page_in_n(page, qr_frame_phys(frame), flags);
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
	arch_page_token_set_n(qr_frame_page(word),
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
	if (qr_store_copies(location)) {
		qr_store_copy(K_MEM_IO_WRITE, location, qr_frame_phys(frame), hold);
		return 0;
	}
	return CONFIG_MEM_CLUSTER && qr_store_table.write_pages > 1 &&
			       qr_location_store(location) == qr_store_table.paging
		       ? qr_cluster_write(frame, hold)
		       : qr_store_transfer(K_MEM_IO_WRITE, location, qr_frame_phys(frame), hold);
}

/* (2): the page was `was`, changed or without a copy anywhere. */
static int evict_changed(uint32_t frame, uint32_t was, struct qr_hold *hold)
{
	uint64_t word = qr_frames[frame];
	uint32_t location = qr_frame_location(word);
	uint32_t page = qr_frame_page(word);
	bool owned = (word & QR_FRAME_BACKED) && qr_location_owned(location);

	arch_page_token_set_n(page, ARCH_TOKEN(ARCH_TOKEN_BUSY, frame));
	if (!owned && slot_take(page, &location) != 0) {
		uint32_t dirty = (was & ARCH_DATA_PAGE_DIRTY) ? ARCH_MEM_DIRTY : 0;

		qr_policy_forgotten(frame);
		map_again(page, frame, ARCH_MEM_ACCESSED | dirty);
		keep(frame, (uint32_t)word & QR_FRAME_FLAGS,
		     qr_frame_location(word));
		return -ENOMEM;
	}
	QR_COUNT_ALL(transfer.kept_again, (word & QR_FRAME_WRITTEN) ? 1 : 0);
	location = leave(frame, location);
	qr_frames[frame] = qr_frame_word(page, location, QR_FRAME_BUSY | QR_FRAME_OUT);
	return write_ended(frame, location, write_out(frame, location, hold));
}

/* The page is clean, and out. */
static int left_clean(uint32_t frame)
{
	qr_frames[frame] = QR_FRAME_BUSY;
	QR_COUNT(eviction.clean);
	return 0;
}

/* What is left to do where the page was changed, was read ahead, or others are to be told: all that
 * is rare. */
static QR_NOINLINE int evict_rest(uint32_t frame, uint32_t was, struct qr_hold *hold)
{
	const uint64_t word = qr_frames[frame];

	qr_domain_left(qr_frame_page(word));
	if (qr_cluster_ahead(word)) {
		qr_cluster_judge(frame, (was & (ARCH_DATA_PAGE_ACCESSED | ARCH_DATA_PAGE_DIRTY)));
	}
	if ((was & ARCH_DATA_PAGE_DIRTY) || !(word & QR_FRAME_BACKED)) {
		return evict_changed(frame, was, hold);
	}
	if (qr_policy.evicted != NULL) {
		const uint32_t location = leave(frame, qr_frame_location(word));

		arch_page_token_set_n(qr_frame_page(word),
				      ARCH_TOKEN(ARCH_TOKEN_LOCATION, location));
	} else {
		qr_policy_forgotten(frame);
	}
	return left_clean(frame);
}

int qr_evict(uint32_t frame, struct qr_hold *hold)
{
	const uint32_t flags = QR_FRAME_BACKED | QR_FRAME_AHEAD;
	const uint64_t word = qr_frames[frame];
	const uint32_t page = qr_frame_page(word);
	uint32_t was;

	QR_ASSERT_LOCKED();
	QR_ASSERT(k_mem_frame_evictable(frame));
	was = arch_mem_page_out_n(page, ARCH_TOKEN(ARCH_TOKEN_LOCATION, qr_frame_location(word)));
	arch_mem_flush(qr_page_addr(page), QR_PAGE_SIZE);
	QR_COUNT_ALL(transfer.flushes, 1);
	qr_frame_table.busy_count++;
	if (QR_UNLIKELY((was & ARCH_DATA_PAGE_DIRTY) || (word & flags) != QR_FRAME_BACKED ||
			qr_told.of_pages != 0)) {
		return evict_rest(frame, was, hold);
	}
	return left_clean(frame);
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

/* No victim was found in this round: status of the policy, or of the search in its place. */
static void hunt_missed(struct hunt *hunt, int status, struct qr_hold *hold)
{
	hunt->again = status == -EAGAIN;
	if (hunt->again) {
		qr_breathe(hold);
		return;
	}
	hunt->slotted = false;
	if (hunt->changes == qr_frame_table.changes) { /* else it is not what there is */
		hunt->status = wait_for_frames(hold, &hunt->polls);
		if (hunt->status != 0 && hunt->refused != 0) {
			hunt->status = -EBUSY;
		}
	}
}

static int hunt_find(struct hunt *hunt, uint32_t *frame, struct qr_hold *hold)
{
	hunt->changes = hunt->again ? hunt->changes : qr_frame_table.changes;
	if (QR_LIKELY((hunt->refused | hunt->slotted) == 0)) {
		return qr_policy_pick(frame, hold);
	}
	if (hunt->refused == 0) {
		return qr_victim(frame, true, hold);
	}
	*frame = qr_victim_easy(hunt->refused, hold);
	return *frame == QR_NO_INDEX ? -ENOENT : 0;
}

/* The victim, whose frame had this word, was not evicted. */
static void hunt_failed(struct hunt *hunt, uint64_t word, int status)
{
	hunt->again = false;
	hunt->slotted = status == -ENOMEM;
	hunt->refused |= status == -EBUSY ? 1u << qr_written_to(word) : 0;
	if ((status == -EIO || status == -EBUSY) && ++hunt->errors == CONFIG_EVICTION_TRIES) {
		hunt->status = status;
	} else if (status == -EAGAIN && ++hunt->vain == QR_ROUNDS_MAX) {
		hunt->status = -EAGAIN;
	}
}

/* The first try came to `status`: of the policy, or with the word of a frame of evicting that.
 * Evict until a frame is had. */
static QR_NOINLINE int evict_until(uint32_t *frame, bool take_free, uint64_t word, int status,
				   struct qr_hold *hold)
{
	struct hunt hunt = {.changes = qr_frame_table.changes};

	for (uint32_t round = 0; round < HUNT_ROUNDS_MAX; round++) {
		if (word != 0) {
			hunt_failed(&hunt, word, status);
		} else {
			hunt_missed(&hunt, status, hold);
		}
		/* each time: a cleaner that was called sets frames aside again when it is done */
		qr_clean_call();
		if (take_free && (*frame = qr_frame_take()) != QR_NO_INDEX) {
			return 0;
		}
		if (hunt.status != 0) {
			break;
		}
		status = hunt_find(&hunt, frame, hold);
		word = 0;
		if (status == 0) {
			word = qr_frames[*frame];
			status = qr_evict(*frame, hold);
			if (status == 0) {
				return 0;
			}
		}
	}
	*frame = QR_NO_INDEX;
	return hunt.status != 0 ? hunt.status : -EAGAIN;
}

/* The first try, which mostly is the last. */
static int evict_one(uint32_t *frame, bool take_free, struct qr_hold *hold)
{
	uint64_t word = 0;
	int status;

	qr_clean_call();
	if (QR_UNLIKELY(qr_frame_table.free_count > 0) && take_free) {
		*frame = qr_frame_take();
		return 0;
	}
	status = qr_policy_pick(frame, hold);
	if (QR_LIKELY(status == 0)) {
		word = qr_frames[*frame];
		status = qr_evict(*frame, hold);
	}
	return QR_LIKELY(status == 0) ? 0 : evict_until(frame, take_free, word, status, hold);
}

int qr_frame_make(uint32_t *frame, bool take_free, struct qr_hold *hold)
{
	uint32_t start = qr_stats_time();
	int status = evict_one(frame, take_free, hold);

	qr_stats_duration(QR_HISTOGRAM_EVICTION, qr_stats_time() - start);
	return status;
}
