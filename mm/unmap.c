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

static void release(arch_page_t was, struct tally *tally)
{
	uint32_t value = ARCH_TOKEN_VALUE(arch_page_token(was));

	if (was & ARCH_DATA_PAGE_LOADED) {
		release_loaded(was, tally);
		return;
	}
	tally->pageable += qr_page_charged(was) ? 1 : 0;
	if (ARCH_TOKEN_KIND(arch_page_token(was)) == ARCH_TOKEN_BUSY) {
		qr_frames[value] |= QR_FRAME_ORPHAN;
	} else {
		qr_slot_give(value);
	}
}

static void release_batch(struct qr_pages batch)
{
	arch_page_t was[CONFIG_MEM_BATCH];
	struct tally tally = {0, 0};

	arch_mem_unmap_list(qr_page_addr(batch.first), batch.count, was);
	for (uint32_t i = 0; i < batch.count; i++) {
		release(was[i], &tally);
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
		struct qr_pages batch = qr_batch(pages, done);

		if (done > 0) {
			qr_breathe(&hold);
		}
		release_batch(batch);
		done += batch.count;
	}
	arch_mem_unmap_list(qr_page_addr(pages.first - 1), 1, &guard);
	arch_mem_unmap_list(qr_page_addr(pages.first + pages.count), 1, &guard);
	qr_region_give(pages);
	qr_unlock(&hold);
	return 0;
}
