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
#include "slot_room.h"
#include "store.h"

#if CONFIG_DEMAND_PAGING_REQUESTS

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

/* What is asked of each page of a range. */
typedef int (*step_t)(uint32_t page, struct qr_hold *hold);

/* Take the step for page after page until one fails. Interrupts are let in after every few. */
static int each_page(struct qr_pages pages, step_t step, uint32_t *done, struct qr_hold *hold)
{
	uint32_t since = arch_mem_work;
	int status = 0;

	for (*done = 0; *done < pages.count && status == 0; *done += status == 0 ? 1 : 0) {
		if (*done % QR_BATCH_HEAVY == 0) {
			qr_breathe(hold);
			since = arch_mem_work;
		}
		qr_sets_breathe(&since, hold);
		status = step(pages.first + *done, hold);
	}
	return status;
}

/* What there is in a range: counted before anything is done. */
struct census {
	uint32_t slots;   /* pages that need a new slot to be evicted */
	uint32_t missing; /* pages that are in no frame */
};

/* -EFAULT: a page of the range is not mapped. */
static int census_take(struct qr_pages pages, struct census *census, struct qr_hold *hold)
{
	uint32_t since = arch_mem_work;

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
		qr_sets_breathe(&since, hold);
		if ((i + 1) % QR_BATCH_MIDDLE == 0) {
			qr_breathe(hold);
		}
	}
	return 0;
}

/* Check a range, take the step for each of its pages, and where there is a `settle` then that for
 * those pages, up to the one that failed. */
struct job {
	bool (*possible)(const struct census *census, struct qr_pages pages, struct qr_hold *hold);
	step_t step;
	step_t settle_good; /* after all pages, or NULL */
	step_t settle_bad;  /* after a failure, or NULL */
};

static int do_job(void *addr, size_t size, const struct job *job)
{
	struct qr_pages pages;
	struct qr_hold hold;
	struct census census;
	step_t settle;
	int status;

	if (qr_pages_of(addr, size, &pages) != 0) {
		return -EINVAL;
	}
	qr_lock(&hold);
	status = census_take(pages, &census, &hold);
	if (status == 0 && !job->possible(&census, pages, &hold)) {
		status = -ENOMEM;
	}
	if (status == 0) {
		uint32_t done;

		status = each_page(pages, job->step, &done, &hold);
		settle = status == 0 ? job->settle_good : job->settle_bad;
		pages.count = done;
		if (settle != NULL) {
			(void)each_page(pages, settle, &done, &hold);
		}
	}
	qr_unlock(&hold);
	return status;
}

static bool always(const struct census *census, struct qr_pages pages, struct qr_hold *hold)
{
	(void)census;
	(void)pages;
	(void)hold;
	return true;
}

/* ---- out and in --------------------------------------------------------------------------- */

/* The frame of a page that somebody's transfer is about, or QR_NO_INDEX. */
static uint32_t frame_in_transfer(arch_page_t now, uint32_t page)
{
	uint32_t frame = qr_paged_frame(page, now);

	if (frame != QR_NO_INDEX) {
		/* part of a request of others */
		return (qr_frames[frame] & QR_FRAME_BUSY) ? frame : QR_NO_INDEX;
	}
	return !(now & (ARCH_DATA_PAGE_LOADED | ARCH_DATA_PAGE_NOT_MAPPED)) &&
			       ARCH_TOKEN_KIND(arch_page_token(now)) == ARCH_TOKEN_BUSY
		       ? ARCH_TOKEN_VALUE(arch_page_token(now))
		       : QR_NO_INDEX;
}

/* Try to empty an evictable frame, into the pool. -EAGAIN: look again, for the page was touched, or
 * a slot was made for it. -EBUSY: it was touched for the last time that is allowed. */
static int empty(uint32_t frame, uint32_t *touches_left, struct qr_hold *hold)
{
	int status = qr_evict(frame, hold);

	if (status == 0) {
		qr_frame_free(frame);
	} else if (status == -ENOMEM) {
		return qr_slot_make(hold) == 0 ? -EAGAIN : -ENOMEM;
	} else if (status == -EAGAIN && --*touches_left == 0) {
		return -EBUSY;
	}
	return status;
}

/* Evict one page, if it is in a frame and not pinned; waits for transfers of it to end. */
static int page_out(uint32_t page, struct qr_hold *hold)
{
	uint32_t touches_left = CONFIG_EVICTION_TRIES;

	for (uint32_t round = 0; round < QR_ROUNDS_MAX; round++) {
		arch_page_t now = arch_page_state(qr_page_addr(page));
		uint32_t frame = evictable_frame(now, page);

		if (frame != QR_NO_INDEX) {
			int status = empty(frame, &touches_left, hold);

			if (status != -EAGAIN) {
				return status;
			}
			continue;
		}
		frame = frame_in_transfer(now, page);
		if (frame == QR_NO_INDEX || hold->sleep == QR_SLEEP_NO) {
			return 0;
		}
		qr_wait(qr_frame_channel(frame), hold);
	}
	return -EBUSY;
}

/* Slots that are free, and those that pages elsewhere have for copies. Who evicts a page of the
 * range may take the copy of another one of it, but that needs a slot then. */
static bool slots_suffice(const struct census *census, struct qr_pages pages, struct qr_hold *hold)
{
	uint32_t spare;

	if (census->slots <= qr_store_table.free_slots) {
		return true;
	}
	spare = qr_slots_spare(pages, hold);
	return census->slots <= qr_store_table.free_slots + spare;
}

int k_mem_page_out(void *addr, size_t size)
{
	static const struct job job = {slots_suffice, page_out, NULL, NULL};

	return do_job(addr, size, &job);
}

/* The same for whatever page is in the frame. */
static int frame_out(uint32_t frame, struct qr_hold *hold)
{
	uint32_t touches_left = 1;

	for (uint32_t round = 0; round < QR_ROUNDS_MAX; round++) {
		int status;

		if (qr_frames[frame] & QR_FRAME_FREE) {
			return 0;
		}
		if (!k_mem_frame_evictable(frame)) {
			return -EBUSY;
		}
		status = empty(frame, &touches_left, hold);
		if (status != -EAGAIN) {
			return status;
		}
	}
	return -EBUSY;
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
	status = frame_out(frame, &hold);
	qr_unlock(&hold);
	return status;
}

static int page_in(uint32_t page, struct qr_hold *hold)
{
	return qr_bring(page, QR_BRING_AHEAD, hold);
}

static bool frames_suffice(const struct census *census, struct qr_pages pages,
			   struct qr_hold *hold)
{
	(void)pages;
	(void)hold;
	return (uint64_t)census->missing + qr_charge.pinned + qr_charge.kept <= qr_charge.frames;
}

int k_mem_page_in(void *addr, size_t size)
{
	static const struct job job = {frames_suffice, page_in, NULL, NULL};

	return do_job(addr, size, &job);
}

/* ---- pinning ------------------------------------------------------------------------------ */

/* The frame of this page if it is paged memory with these flags, else QR_NO_INDEX. */
static uint32_t frame_with(uint32_t page, uint32_t flags)
{
	uint32_t frame = qr_paged_frame(page, arch_page_state(qr_page_addr(page)));

	return frame != QR_NO_INDEX && (qr_frames[frame] & flags) == flags ? frame : QR_NO_INDEX;
}

static int unpin_if(uint32_t page, uint32_t flags)
{
	uint32_t frame = frame_with(page, flags);

	if (frame != QR_NO_INDEX) {
		qr_frames[frame] &= ~(uint64_t)(QR_FRAME_PINNED | QR_FRAME_PINNING);
		qr_charge_unpin(qr_page_charged(arch_page_state(qr_page_addr(page))));
		if (!(qr_frames[frame] & QR_FRAME_BUSY)) {
			qr_policy_seen(frame, false);
			qr_frames_changed();
		}
	}
	return 0;
}

static int pin(uint32_t page, struct qr_hold *hold)
{
	return qr_bring(page, QR_BRING_AHEAD | QR_BRING_PIN, hold);
}

static int pin_for_good(uint32_t page, struct qr_hold *hold)
{
	uint32_t frame = frame_with(page, QR_FRAME_PINNING);

	(void)hold;
	if (frame != QR_NO_INDEX) {
		qr_frames[frame] &= ~(uint64_t)QR_FRAME_PINNING;
	}
	return 0;
}

static int unpin_new(uint32_t page, struct qr_hold *hold)
{
	(void)hold;
	return unpin_if(page, QR_FRAME_PINNED | QR_FRAME_PINNING);
}

/* Without demand paging all memory is always resident, and stays so. */
static int unpin(uint32_t page, struct qr_hold *hold)
{
	(void)hold;
	return !CONFIG_DEMAND_PAGING ? 0 : unpin_if(page, QR_FRAME_PINNED);
}

int k_mem_pin(void *addr, size_t size)
{
	static const struct job job = {always, pin, pin_for_good, unpin_new};

	return do_job(addr, size, &job);
}

int k_mem_unpin(void *addr, size_t size)
{
	static const struct job job = {always, unpin, NULL, NULL};

	return do_job(addr, size, &job);
}

#endif /* CONFIG_DEMAND_PAGING_REQUESTS */
