/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unmap.c - k_mem_unmap: a region between guards goes, with all that its pages hold.
 *
 * Pages in transfer are not waited for: their frames become ORPHAN, and who owns the
 * transfer releases slot and frame when it ends.
 */
#include "anon.h"
#include "bring.h"
#include "charge.h"
#include "policy.h"
#include "store.h"

/* Charges to give back. */
struct tally {
	uint32_t pageable;
	uint32_t pinned;
};

static void release_loaded(arch_page_t was, struct tally *tally)
{
	uint32_t frame = qr_frame_of(arch_page_phys(was));
	uint64_t word = qr_frames[frame];

	if (QR_UNLIKELY(frame == qr_frame_table.zero)) {
		tally->pageable++;
		return;
	}
	if (word & QR_FRAME_PINNED) {
		tally->pinned++;
	} else {
		tally->pageable += qr_page_charged(was) ? 1 : 0;
		if (!(word & QR_FRAME_BUSY)) {
			qr_policy_forgotten(frame);
		}
	}
	if (word & QR_FRAME_BUSY) {
		qr_frames[frame] = (word & ~(uint64_t)(QR_FRAME_MAPPED | QR_FRAME_PINNED |
						       QR_FRAME_PINNING)) |
				   QR_FRAME_ORPHAN;
		return;
	}
	if (word & QR_FRAME_BACKED) {
		qr_slot_give(qr_frame_location(word));
	}
	qr_frame_give(frame);
}

/* Returns 1 where it was more than counting. */
static uint32_t release_token(arch_page_t was, struct tally *tally)
{
	arch_token_t token = arch_page_token(was);
	uint32_t value = ARCH_TOKEN_VALUE(token);

	if (token == ARCH_TOKEN(ARCH_TOKEN_LOCATION, QR_LOCATION_ZERO) ||
	    token == ARCH_TOKEN(ARCH_TOKEN_LOCATION, QR_LOCATION_UNINIT)) {
		tally->pageable++; /* and there is nothing to give back */
		return 0;
	}
	tally->pageable += qr_page_charged(was) ? 1 : 0;
	if (ARCH_TOKEN_KIND(token) == ARCH_TOKEN_BUSY) {
		qr_frames[value] |= QR_FRAME_ORPHAN;
	} else {
		qr_slot_give(value);
	}
	return 1;
}

/* The common case, a run of pages that were locked: their frames are theirs alone and have no
 * slots. Returns how many of the first pages that was true for. Of each page only what must
 * be known is looked at; this loop is what unmapping locked memory costs. */
static uint32_t release_locked(const arch_page_t *was, uint32_t count)
{
	const uint64_t mask = QR_FRAME_PINNED | QR_FRAME_BUSY | QR_FRAME_BACKED | QR_FRAME_RESERVED;
	const struct qr_bank bank = *qr_bank_of(arch_page_phys(was[0]));
	const uint64_t first = qr_frame_word(bank.first, 0, QR_FRAME_FREE);
	uint64_t *words = &qr_frames[bank.first];
	uint64_t next = qr_frame_word(qr_frame_table.free_head, 0, QR_FRAME_FREE);
	uint32_t done;

	for (done = 0; done < count && (was[done] & ARCH_DATA_PAGE_LOADED); done++) {
		uint64_t offset = (was[done] - bank.phys) >> QR_PAGE_SHIFT;

		if (offset >= bank.count || (words[offset] & mask) != QR_FRAME_PINNED) {
			break;
		}
		words[offset] = next;
		next = first + (offset << QR_FRAME_PAGE_SHIFT);
	}
	qr_frame_table.free_head = qr_frame_page(next);
	qr_frame_table.free_count += done;
	return done;
}

/* In a list of what pages were: its frame is BUSY, in our hand. */
#define IN_HAND ARCH_PAGE_LARGE

/* The lock is about to be let go. What is left of the list is still named by frames: those that
 * could be evicted are taken in hand, and transfers under way become orphans at once. */
static void take_in_hand(arch_page_t *was, uint32_t count, struct tally *tally)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t frame = ARCH_TOKEN_VALUE(arch_page_token(was[i]));
		bool loaded = (was[i] & ARCH_DATA_PAGE_LOADED) != 0;

		if (loaded) {
			frame = qr_frame_of(arch_page_phys(was[i]));
		} else if (ARCH_TOKEN_KIND(arch_page_token(was[i])) != ARCH_TOKEN_BUSY) {
			continue;
		}
		if ((was[i] & IN_HAND) || (qr_frames[frame] & QR_FRAME_RESERVED)) {
			continue;
		}
		if (qr_frames[frame] & QR_FRAME_BUSY) {
			if (loaded) {
				release_loaded(was[i], tally);
			} else {
				(void)release_token(was[i], tally);
			}
			was[i] = ARCH_DATA_PAGE_NOT_MAPPED;
		} else if (!(qr_frames[frame] & QR_FRAME_PINNED)) {
			qr_policy_forgotten(frame);
			qr_frames[frame] = (qr_frames[frame] & ~(uint64_t)QR_FRAME_MAPPED) |
					   QR_FRAME_BUSY;
			qr_frame_table.busy_count++;
			was[i] |= IN_HAND;
		}
	}
}

/* The rest of what release_loaded does. */
static void release_in_hand(arch_page_t was, struct tally *tally)
{
	uint32_t frame = qr_frame_of(arch_page_phys(was));

	tally->pageable += qr_page_charged(was) ? 1 : 0;
	if (qr_frames[frame] & QR_FRAME_BACKED) {
		qr_slot_give(qr_frame_location(qr_frames[frame]));
	}
	qr_frame_free(frame);
}

/* A page that is more work than most. */
static void release_one(arch_page_t was, struct tally *tally)
{
	if (was & IN_HAND) {
		release_in_hand(was, tally);
	} else {
		release_loaded(was, tally);
	}
}

/* Unmap a batch and give back what its pages hold. Where they are much work the lock is let
 * go in between; not before the flush, which comes before any frame can be taken. */
static void release_batch(struct qr_pages batch, struct qr_hold *hold)
{
	arch_page_t was[CONFIG_MEM_BATCH];
	struct tally tally = {0, 0};
	void *virt = qr_page_addr(batch.first);
	uint32_t done = 0, heavy = 0;
	bool flushed = false;

	arch_mem_unmap_list(virt, batch.count, was);
	while (done < batch.count) {
		if (was[done] & ARCH_DATA_PAGE_NOT_MAPPED) {
			done++;
		} else if (!(was[done] & ARCH_DATA_PAGE_LOADED)) {
			heavy += release_token(was[done++], &tally);
		} else {
			uint32_t locked = release_locked(&was[done], batch.count - done);

			if (!flushed) {
				arch_mem_flush(virt, (size_t)batch.count << QR_PAGE_SHIFT);
				flushed = true;
			}
			tally.pinned += locked;
			done += locked;
			if (locked == 0) {
				release_one(was[done++], &tally);
				heavy++;
			}
		}
		if (heavy == QR_BATCH_HEAVY) {
			arch_mem_flush(virt, (size_t)batch.count << QR_PAGE_SHIFT);
			flushed = true;
			take_in_hand(&was[done], batch.count - done, &tally);
			qr_breathe(hold);
			heavy = 0;
		}
	}
	qr_charge_sub(tally.pageable, tally.pinned);
	qr_wake(QR_FRAME_CHANNEL);
}

/* Is this exactly one region? Its front guard says so. */
static bool is_region(struct qr_pages pages)
{
	arch_page_t guard;

	if (pages.first == 0) {
		return false;
	}
	guard = arch_page_get(qr_page_addr(pages.first - 1));
	return qr_page_is_guard(guard) &&
	       arch_page_token(guard) == ARCH_TOKEN(ARCH_TOKEN_GUARD_BEGIN, pages.count);
}

int k_mem_unmap(void *addr, size_t size)
{
	struct qr_hold hold;
	struct qr_pages pages;
	arch_page_t guard;
	uint32_t done = 0;

	if (qr_pages_of(addr, size, &pages) != 0) {
		return -EINVAL;
	}
	qr_lock(&hold);
	if (!is_region(pages)) {
		qr_unlock(&hold);
		return -EINVAL;
	}
	arch_page_token_set(qr_page_addr(pages.first - 1), ARCH_TOKEN(ARCH_TOKEN_GUARD_BEGIN, 0));
	while (done < pages.count) {
		struct qr_pages batch = qr_batch(pages, done, QR_BATCH_LIGHT);

		if (done > 0) {
			qr_breathe(&hold);
		}
		release_batch(batch, &hold);
		done += batch.count;
	}
	arch_mem_unmap_list(qr_page_addr(pages.first - 1), 1, &guard);
	arch_mem_unmap_list(qr_page_addr(pages.first + pages.count), 1, &guard);
	qr_region_give(pages);
	qr_unlock(&hold);
	return 0;
}
