/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unmap.c - k_mem_unmap: a region between guards goes, with all that its pages hold.
 *
 * A batch of pages goes run by run, that is, locked pages that have their frames in a row, or
 * untouched ones: frames are freed and entries taken; then the translations are flushed. All
 * that is under one hold of the lock, so that nobody ever meets a frame whose page is gone. What
 * is left then is a list of slots, which nobody else knows; giving them back may let go of the
 * lock.
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

/* A batch's worth of freeing frames is more work than most, and most of it is in pages that are in
 * no run: so few, that a hold stays below 5,000 instructions. */
#define UNMAP_BATCH ((QR_BATCH_LIGHT * 2 + 2) / 3)
#define UNMAP_WORK ((QR_BATCH_LIGHT * 3 + 3) / 4) /* pages and runs */

/* Charges to give back, and pages that were in frames of their own. */
struct tally {
	uint32_t pageable;
	uint32_t pinned;
	uint32_t resident;
};

/* What a batch of pages held, as far as it is not given back with them. */
struct held {
	struct tally tally;
	uint32_t slot_count;
	uint32_t slots[UNMAP_BATCH]; /* locations whose slots are to be given back */
};

/* A page of which nobody has anything: untouched anonymous memory. */
static bool is_untouched(arch_token_t token)
{
	return token == ARCH_TOKEN(ARCH_TOKEN_LOCATION, QR_LOCATION_ZERO) ||
	       token == ARCH_TOKEN(ARCH_TOKEN_LOCATION, QR_LOCATION_UNINIT);
}

static void hold_slot(struct held *held, uint32_t location)
{
	if (qr_location_owned(location)) {
		held->slots[held->slot_count++] = location;
	}
}

/* The common case, a page that was locked, whose frame's word is `locked`: the frame is its alone
 * and has no slot. The words of the frames behind it say which of `count` pages are such, too, so
 * that of all entries only the first one has to be looked at. Returns how many. This loop is what
 * unmapping locked memory costs. */
static uint32_t release_locked(uint32_t frame, uint64_t locked, uint32_t count)
{
	uint64_t *const words = &qr_frames[frame];
	uint32_t done = 0;

	do {
		words[done++] = QR_FRAME_FREE;
		locked += 1u << QR_FRAME_PAGE_SHIFT;
	} while (done < count && words[done] == locked);
	qr_frames_give(frame, done);
	return done;
}

/* Free the frame of any page that was loaded. */
static QR_NOINLINE void release_frame(uint32_t frame, arch_page_t was, struct held *held)
{
	uint64_t word = qr_frames[frame];
	struct tally *tally = &held->tally;

	if (QR_UNLIKELY(frame == qr_frame_table.zero)) {
		tally->pageable++;
		return;
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
		return;
	}
	if (!(word & QR_FRAME_PINNED)) {
		qr_policy_forgotten(frame);
	}
	qr_frame_give(frame);
	if (word & QR_FRAME_BACKED) {
		hold_slot(held, qr_frame_location(word));
	}
}

/* Free what the first of `count` pages, which was loaded, held, and what those behind it did that
 * go with it. Returns how many pages that was. */
static uint32_t release_loaded(arch_page_t was, uint32_t page, uint32_t count, struct held *held)
{
	const uint64_t locked = qr_frame_word(page, 0, QR_FRAME_MAPPED | QR_FRAME_PINNED);
	const uint32_t frame = qr_frames_at(arch_page_phys(was), &count);

	if (qr_frames[frame] != locked) {
		release_frame(frame, was, held);
		return 1;
	}
	count = release_locked(frame, locked, count);
	held->tally.pinned += count;
	held->tally.resident += count;
	return count;
}

/* Let go of the slot of a page that was not loaded, or of the transfer that it is in. */
static QR_NOINLINE void release_token(arch_page_t was, struct held *held)
{
	const arch_token_t token = arch_page_token(was);

	held->tally.pageable += qr_page_charged(was) ? 1 : 0;
	if (ARCH_TOKEN_KIND(token) == ARCH_TOKEN_BUSY) {
		qr_frames[ARCH_TOKEN_VALUE(token)] |= QR_FRAME_ORPHAN;
	} else {
		hold_slot(held, ARCH_TOKEN_VALUE(token));
	}
}

/* The same as release_loaded() for a page that was not loaded. */
static uint32_t release_tokens(arch_page_t was, uint32_t page, uint32_t count, struct held *held)
{
	if (!is_untouched(arch_page_token(was))) {
		release_token(was, held);
		return 1;
	}
	count = (uint32_t)arch_mem_same(qr_page_addr(page), count);
	held->tally.pageable += count;
	return count;
}

/* Free what the first of these pages held, as many as one hold allows, and unmap them. Returns how
 * many. What begins a run is more work than what goes on in one. */
static uint32_t release_pages(struct qr_pages batch, struct held *held)
{
	uint32_t done = 0, runs = 0;
	bool loaded = false;

	do {
		const uint32_t page = batch.first + done;
		const arch_page_t was = arch_page_state(qr_page_addr(page));
		uint32_t count = batch.count - done;

		if (was & ARCH_DATA_PAGE_LOADED) {
			loaded = true;
			count = release_loaded(was, page, count, held);
		} else {
			count = release_tokens(was, page, count, held);
		}
		done += count;
		runs++;
	} while (done < batch.count && done + runs < UNMAP_WORK);
	arch_mem_unmap_pages(qr_page_addr(batch.first), done);
	if (loaded) {
		arch_mem_flush(qr_page_addr(batch.first), (size_t)done << QR_PAGE_SHIFT);
	}
	return done;
}

/* Returns how many pages went. */
static uint32_t release_batch(struct qr_pages batch, struct k_mem_domain *domain,
			      struct qr_hold *hold)
{
	struct held held;
	uint32_t done;

	held.tally = (struct tally){0, 0, 0};
	held.slot_count = 0;
	done = release_pages(batch, &held);
	if (CONFIG_USERSPACE && domain != NULL) {
		domain->resident_count -= held.tally.resident;
	}
	qr_frames_changed();
	for (uint32_t i = 0; i < held.slot_count; i++) {
		if (i % QR_BATCH_HEAVY == 0) {
			qr_breathe(hold);
		}
		qr_slot_give(held.slots[i]);
	}
	if (held.slot_count > 0) {
		qr_wake(QR_FRAME_CHANNEL); /* who needs a slot for the page in a frame */
	}
	/* not before: until the slots are back nobody may be promised them */
	qr_charge_sub(held.tally.pageable, held.tally.pinned);
	return done;
}

/* Are these pages exactly one region? Its front guard says so, and no longer does then. */
static bool region_take(struct qr_pages pages, uint32_t mark)
{
	return pages.first > 0 &&
	       arch_page_token_swap(qr_page_addr(pages.first - 1),
				    ARCH_TOKEN(ARCH_TOKEN_GUARD_BEGIN, pages.count | mark),
				    ARCH_TOKEN(ARCH_TOKEN_GUARD_BEGIN, 0));
}

int qr_region_unmap(struct qr_pages pages, struct k_mem_domain *domain, struct qr_hold *hold)
{
	struct qr_pages rest = pages;

	if (!region_take(pages, domain != NULL ? QR_REGION_DOMAIN : 0)) {
		return -EINVAL;
	}
	for (;;) {
		const struct qr_pages batch = qr_batch_of_all_sets(rest, 0, UNMAP_BATCH);
		const uint32_t done = release_batch(batch, domain, hold);

		if (done == rest.count) {
			break;
		}
		rest = qr_batch(rest, done, rest.count);
		qr_breathe(hold);
	}
	arch_mem_unmap_guard(qr_page_addr(pages.first - 1));
	arch_mem_unmap_guard(qr_page_addr(pages.first + pages.count));
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
