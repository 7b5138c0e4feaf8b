/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unmap.c - k_mem_unmap: a region between guards goes, with all that its pages hold.
 *
 * A batch of pages goes in three steps: the entries are taken, the translations flushed, and the
 * frames freed, all under one hold of the lock, so that nobody ever meets a frame whose page
 * is gone. What is left then is a list of slots, which nobody else knows; giving them back may
 * let go of the lock.
 *
 * Pages in transfer are not waited for: their frames become ORPHAN, and who owns the
 * transfer releases slot and frame when it ends.
 */
#include "anon.h"
#include "bring.h"
#include "charge.h"
#include "domain.h"
#include "policy.h"
#include "store.h"

/* A batch's worth of freeing frames is more work than most. */
#define UNMAP_BATCH ((QR_BATCH_LIGHT * 2 + 2) / 3)

/* Charges to give back, and pages that were in frames of their own. */
struct tally {
	uint32_t pageable;
	uint32_t pinned;
	uint32_t resident;
};

/* Free the frame of a page that was loaded. Returns the location whose slot is to be given back. */
static uint32_t release_loaded(arch_page_t was, struct tally *tally)
{
	uint32_t frame = qr_frame_of(arch_page_phys(was));
	uint64_t word = qr_frames[frame];

	if (QR_UNLIKELY(frame == qr_frame_table.zero)) {
		tally->pageable++;
		return QR_LOCATION_UNINIT;
	}
	tally->resident++;
	if (word & QR_FRAME_PINNED) {
		tally->pinned++;
	} else {
		tally->pageable += qr_page_charged(was) ? 1 : 0;
	}
	if (word & QR_FRAME_BUSY) {
		qr_frames[frame] = (word & ~(uint64_t)(QR_FRAME_MAPPED | QR_FRAME_PINNED |
						       QR_FRAME_PINNING)) |
				   QR_FRAME_ORPHAN;
		return QR_LOCATION_UNINIT;
	}
	if (!(word & QR_FRAME_PINNED)) {
		qr_policy_forgotten(frame);
	}
	qr_frame_give(frame);
	return (word & QR_FRAME_BACKED) ? qr_frame_location(word) : QR_LOCATION_UNINIT;
}

/* The same for a page that was not loaded. */
static uint32_t release_token(arch_page_t was, struct tally *tally)
{
	arch_token_t token = arch_page_token(was);

	tally->pageable += qr_page_charged(was) ? 1 : 0;
	if (ARCH_TOKEN_KIND(token) == ARCH_TOKEN_BUSY) {
		qr_frames[ARCH_TOKEN_VALUE(token)] |= QR_FRAME_ORPHAN;
		return QR_LOCATION_UNINIT;
	}
	return ARCH_TOKEN_VALUE(token);
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

/* The page needs no more than to be counted: untouched anonymous memory. */
static bool is_untouched(arch_page_t was)
{
	arch_token_t token = arch_page_token(was);

	return token == ARCH_TOKEN(ARCH_TOKEN_LOCATION, QR_LOCATION_ZERO) ||
	       token == ARCH_TOKEN(ARCH_TOKEN_LOCATION, QR_LOCATION_UNINIT);
}

/* Free what the pages of the batch held. `was`, what they were, becomes in its first places
 * the locations whose slots are to be given back; returns how many. */
static uint32_t release_frames(arch_page_t *was, struct qr_pages batch, struct tally *tally)
{
	uint32_t done = 0, slots = 0;
	bool loaded = false;

	while (done < batch.count) {
		uint32_t location = QR_LOCATION_UNINIT;

		if (was[done] & ARCH_DATA_PAGE_LOADED) {
			uint32_t locked = release_locked(&was[done], batch.count - done);

			loaded = true;
			tally->pinned += locked;
			tally->resident += locked;
			done += locked;
			if (locked > 0) {
				continue;
			}
			location = release_loaded(was[done], tally);
		} else if (is_untouched(was[done])) {
			tally->pageable++;
		} else {
			location = release_token(was[done], tally);
		}
		done++;
		if (qr_location_owned(location)) {
			was[slots++] = location;
		}
	}
	if (loaded) {
		arch_mem_flush(qr_page_addr(batch.first), (size_t)batch.count << QR_PAGE_SHIFT);
	}
	return slots;
}

static void release_batch(struct qr_pages batch, struct k_mem_domain *domain, struct qr_hold *hold)
{
	arch_page_t was[UNMAP_BATCH];
	struct tally tally = {0, 0, 0};
	uint32_t slots;

	arch_mem_unmap_list(qr_page_addr(batch.first), batch.count, was);
	slots = release_frames(was, batch, &tally);
	if (CONFIG_USERSPACE && domain != NULL) {
		domain->resident_count -= tally.resident;
	}
	qr_frames_changed();
	for (uint32_t i = 0; i < slots; i++) {
		if (i % QR_BATCH_HEAVY == 0) {
			qr_breathe(hold);
		}
		qr_slot_give((uint32_t)was[i]);
	}
	if (slots > 0) {
		qr_wake(QR_FRAME_CHANNEL); /* who needs a slot for the page in a frame */
	}
	/* not before: until the slots are back nobody may be promised them */
	qr_charge_sub(tally.pageable, tally.pinned);
}

/* Is this exactly one region? Its front guard says so. */
static bool is_region(struct qr_pages pages, uint32_t mark)
{
	arch_page_t guard;

	if (pages.first == 0) {
		return false;
	}
	guard = arch_page_state(qr_page_addr(pages.first - 1));
	return qr_page_is_guard(guard) &&
	       arch_page_token(guard) ==
		       ARCH_TOKEN(ARCH_TOKEN_GUARD_BEGIN, pages.count | mark);
}

int qr_region_unmap(struct qr_pages pages, struct k_mem_domain *domain, struct qr_hold *hold)
{
	uint32_t done = 0, since = arch_mem_work;
	arch_page_t guard;

	if (!is_region(pages, domain != NULL ? QR_REGION_DOMAIN : 0)) {
		return -EINVAL;
	}
	arch_page_token_set(qr_page_addr(pages.first - 1), ARCH_TOKEN(ARCH_TOKEN_GUARD_BEGIN, 0));
	while (done < pages.count) {
		struct qr_pages batch;

		if (done > 0) {
			qr_breathe(hold);
			since = arch_mem_work;
		}
		batch = qr_batch_of_all_sets(pages, done, UNMAP_BATCH);
		release_batch(batch, domain, hold);
		done += batch.count;
	}
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t page = i == 0 ? pages.first - 1 : pages.first + pages.count;

		qr_sets_breathe(&since, hold);
		arch_mem_unmap_list(qr_page_addr(page), 1, &guard);
	}
	qr_region_give(pages);
	return 0;
}

int k_mem_unmap(void *addr, size_t size)
{
	struct qr_hold hold;
	struct qr_pages pages;
	int status;

	if (qr_pages_of(addr, size, &pages) != 0) {
		return -EINVAL;
	}
	qr_lock(&hold);
	status = qr_region_unmap(pages, NULL, &hold);
	qr_unlock(&hold);
	return status;
}
