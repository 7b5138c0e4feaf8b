/* SPDX-License-Identifier: Apache-2.0 */
/*
 * move.c - page-out, page-in, pin and unpin by request.
 *
 * Moving a page between a frame and a store changes nothing that a program can see but the
 * time that its next access takes; what must be all or nothing is the set of pinned pages.
 */
#include "bring.h"
#include "charge.h"
#include "evict.h"
#include "policy.h"
#include "store.h"

/* The frame of a page that may be evicted, or QR_NO_INDEX. */
static uint32_t evictable_frame(arch_page_t now, uint32_t page)
{
	uint32_t frame = qr_paged_frame(page, now);

	return frame != QR_NO_INDEX && k_mem_frame_evictable(frame) ? frame : QR_NO_INDEX;
}

static bool needs_slot(uint32_t frame, arch_page_t now)
{
	uint64_t word = qr_frames[frame];

	if (!(word & QR_FRAME_BACKED)) {
		return true;
	}
	return (now & ARCH_DATA_PAGE_DIRTY) && !qr_location_owned(qr_frame_location(word));
}

/* Every page of the range is mapped: -EFAULT. Counts what the caller wants to know. */
struct census {
	uint32_t slots;   /* pages that need a new slot to be evicted */
	uint32_t missing; /* pages that are in no frame */
};

static int census_take(struct qr_pages pages, struct census *census, struct qr_hold *hold)
{
	*census = (struct census){0, 0};
	for (uint32_t i = 0; i < pages.count; i++) {
		arch_page_t now = arch_page_get(qr_page_addr(pages.first + i));
		uint32_t frame;

		if (!qr_page_is_mapped(now)) {
			return -EFAULT;
		}
		frame = evictable_frame(now, pages.first + i);
		census->slots += frame != QR_NO_INDEX && needs_slot(frame, now) ? 1 : 0;
		census->missing += !(now & ARCH_DATA_PAGE_LOADED) ? 1 : 0;
		if ((i + 1) % QR_BATCH_MIDDLE == 0) {
			qr_breathe(hold);
		}
	}
	return 0;
}

/* Evict one page, if it is in a frame and not pinned; waits for transfers of it to end. */
static int page_out(uint32_t page, struct qr_hold *hold)
{
	for (;;) {
		arch_page_t now = arch_page_get(qr_page_addr(page));
		arch_token_t token = arch_page_token(now);
		uint32_t frame = evictable_frame(now, page);
		int status;

		if (!(now & (ARCH_DATA_PAGE_LOADED | ARCH_DATA_PAGE_NOT_MAPPED)) &&
		    ARCH_TOKEN_KIND(token) == ARCH_TOKEN_BUSY && hold->sleep != QR_SLEEP_NO) {
			qr_wait(qr_frame_channel(ARCH_TOKEN_VALUE(token)), hold);
			continue;
		}
		if (frame == QR_NO_INDEX) {
			return 0;
		}
		status = qr_evict(frame, hold);
		if (status == 0) {
			qr_frame_free(frame);
		}
		if (status != -EAGAIN) {
			return status;
		}
	}
}

int k_mem_page_out(void *addr, size_t size)
{
	struct qr_pages pages;
	struct qr_hold hold;
	struct census census;
	int status;

	if (qr_pages_of(addr, size, &pages) != 0) {
		return -EINVAL;
	}
	qr_lock(&hold);
	status = census_take(pages, &census, &hold);
	if (status == 0 && census.slots > qr_store_table.free_slots) {
		status = -ENOMEM;
	}
	for (uint32_t i = 0; i < pages.count && status == 0; i++) {
		status = page_out(pages.first + i, &hold);
		qr_breathe(&hold);
	}
	qr_unlock(&hold);
	return status;
}

int k_mem_page_frame_evict(uintptr_t phys)
{
	uint32_t frame = qr_frame_of(phys);
	struct qr_hold hold;
	int status;

	if (frame == QR_NO_INDEX || (phys & (QR_PAGE_SIZE - 1)) != 0) {
		return -EINVAL;
	}
	qr_lock(&hold);
	if (qr_frames[frame] & QR_FRAME_FREE) {
		status = 0;
	} else if (!k_mem_frame_evictable(frame)) {
		status = -EBUSY;
	} else {
		status = qr_evict(frame, &hold);
		if (status == 0) {
			qr_frame_free(frame);
		} else if (status == -EAGAIN) {
			status = -EBUSY;
		}
	}
	qr_unlock(&hold);
	return status;
}

int k_mem_page_in(void *addr, size_t size)
{
	struct qr_pages pages;
	struct qr_hold hold;
	struct census census;
	int status;

	if (qr_pages_of(addr, size, &pages) != 0) {
		return -EINVAL;
	}
	qr_lock(&hold);
	status = census_take(pages, &census, &hold);
	if (status == 0 && census.missing > qr_charge.frames - qr_charge.pinned) {
		status = -ENOMEM;
	}
	for (uint32_t i = 0; i < pages.count && status == 0; i++) {
		status = qr_bring(pages.first + i, QR_BRING_AHEAD, &hold, NULL);
		if ((i + 1) % QR_BATCH_HEAVY == 0) {
			qr_breathe(&hold);
		}
	}
	qr_unlock(&hold);
	return status;
}

/* The frame of this page if it is pinned paged memory, else QR_NO_INDEX. */
static uint32_t pinned_frame(uint32_t page)
{
	uint32_t frame = qr_paged_frame(page, arch_page_get(qr_page_addr(page)));

	return frame != QR_NO_INDEX && (qr_frames[frame] & QR_FRAME_PINNED) ? frame : QR_NO_INDEX;
}

static void unpin(uint32_t page, uint32_t frame)
{
	qr_frames[frame] &= ~(uint64_t)(QR_FRAME_PINNED | QR_FRAME_PINNING);
	qr_charge_unpin(qr_page_charged(arch_page_get(qr_page_addr(page))));
	if (!(qr_frames[frame] & QR_FRAME_BUSY)) {
		qr_policy_seen(frame, false);
		qr_frames_changed();
	}
}

/* Make the pins of this call final, or undo them. */
static void settle_pins(struct qr_pages pages, bool keep, struct qr_hold *hold)
{
	for (uint32_t i = 0; i < pages.count; i++) {
		uint32_t frame = pinned_frame(pages.first + i);

		if (frame != QR_NO_INDEX && (qr_frames[frame] & QR_FRAME_PINNING)) {
			qr_frames[frame] &= ~(uint64_t)QR_FRAME_PINNING;
			if (!keep) {
				unpin(pages.first + i, frame);
			}
		}
		if ((i + 1) % QR_BATCH_HEAVY == 0) {
			qr_breathe(hold);
		}
	}
}

int k_mem_pin(void *addr, size_t size)
{
	struct qr_pages pages;
	struct qr_hold hold;
	struct census census;
	uint32_t done = 0;
	int status;

	if (qr_pages_of(addr, size, &pages) != 0) {
		return -EINVAL;
	}
	qr_lock(&hold);
	status = census_take(pages, &census, &hold);
	while (status == 0 && done < pages.count) {
		bool newly;

		status = qr_bring(pages.first + done, QR_BRING_AHEAD | QR_BRING_PIN, &hold, &newly);
		if (status == 0) {
			uint32_t frame = pinned_frame(pages.first + done);

			if (newly) {
				qr_frames[frame] |= QR_FRAME_PINNING;
			} else if (frame != QR_NO_INDEX) {
				/* pinned before: now nobody's failure may undo it */
				qr_frames[frame] &= ~(uint64_t)QR_FRAME_PINNING;
			}
			done++;
		}
		if (done % QR_BATCH_HEAVY == 0) {
			qr_breathe(&hold);
		}
	}
	settle_pins((struct qr_pages){pages.first, done}, status == 0, &hold);
	qr_unlock(&hold);
	return status;
}

int k_mem_unpin(void *addr, size_t size)
{
	struct qr_pages pages;
	struct qr_hold hold;
	struct census census;
	int status;

	if (qr_pages_of(addr, size, &pages) != 0) {
		return -EINVAL;
	}
	qr_lock(&hold);
	status = census_take(pages, &census, &hold);
	for (uint32_t i = 0; i < pages.count && status == 0; i++) {
		uint32_t frame = pinned_frame(pages.first + i);

		if (frame != QR_NO_INDEX) {
			unpin(pages.first + i, frame);
		}
		if ((i + 1) % QR_BATCH_HEAVY == 0) {
			qr_breathe(&hold);
		}
	}
	qr_unlock(&hold);
	return status;
}
