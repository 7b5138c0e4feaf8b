/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rights.c - k_mem_update_flags.
 *
 * A first walk checks every page and counts the pages that will be charged when they become
 * writable; they are charged together, before anything changes. The second walk changes.
 * What a page is charged for follows from the page (charge.h), so the second walk settles
 * each batch by what its pages were before and are after, and the reservation goes back.
 */
#include "bring.h"
#include "charge.h"
#include "store.h"

/* Paged memory is a token, the shared zeros, or a loaded page that is some frame's own; what
 * else is loaded (physical mappings, the image) has no charge. */
static bool is_paged(arch_page_t now, uint32_t page)
{
	return !(now & ARCH_DATA_PAGE_LOADED) || qr_is_zero_page(now) ||
	       qr_paged_frame(page, now) != QR_NO_INDEX;
}

/* A page of paged memory that is pinned. */
static bool is_pinned(arch_page_t now, uint32_t page)
{
	uint32_t frame = qr_paged_frame(page, now);

	return frame != QR_NO_INDEX && (qr_frames[frame] & QR_FRAME_PINNED);
}

/* Pages of the batch that count as pageable; -EINVAL for a page that cannot have `flags`. All
 * are counted even then: the caller may be unmapping some of them, which is its mistake, but the
 * charge of the others must stay right. */
static int charged_in(struct qr_pages batch, uint32_t flags, uint32_t *charged, uint32_t *paged)
{
	int status = 0;

	*charged = 0;
	*paged = 0;
	for (uint32_t i = 0; i < batch.count; i++) {
		arch_page_t now = arch_page_get(qr_page_addr(batch.first + i));

		if (!qr_page_is_mapped(now)) {
			status = -EINVAL;
			continue;
		}
		if (!is_paged(now, batch.first + i)) {
			continue;
		}
		if (flags & K_MEM_CACHE_MASK) {
			status = -EINVAL;
		}
		if (!is_pinned(now, batch.first + i)) {
			*paged += 1;
			*charged += qr_page_charged(now) ? 1 : 0;
		}
	}
	return status;
}

/* Take the shared zeros out; a fault brings them back with the new rights. */
static void take_zeros_out(struct qr_pages batch)
{
	for (uint32_t i = 0; i < batch.count; i++) {
		void *virt = qr_page_addr(batch.first + i);
		arch_page_t now = arch_page_get(virt);

		if ((now & ARCH_DATA_PAGE_LOADED) && qr_is_zero_page(now)) {
			(void)arch_mem_page_out(virt, ARCH_TOKEN(ARCH_TOKEN_LOCATION,
								 QR_LOCATION_ZERO));
		}
	}
}

/* A changed page that may not be written any more no longer has its content in a read-only
 * store. Whether it was changed is final only now that it cannot be written. */
static void forget_images(struct qr_pages batch)
{
	for (uint32_t i = 0; i < batch.count; i++) {
		arch_page_t now = arch_page_get(qr_page_addr(batch.first + i));
		uint32_t frame = qr_paged_frame(batch.first + i, now);

		if (frame != QR_NO_INDEX && (now & ARCH_DATA_PAGE_DIRTY) &&
		    (qr_frames[frame] & QR_FRAME_BACKED) &&
		    qr_location_image(qr_frame_location(qr_frames[frame]))) {
			qr_frames[frame] &= ~(uint64_t)QR_FRAME_BACKED;
		}
	}
}

/* The next batch. It ends with a leaf table at the latest, so that a large leaf can only be at
 * its beginning. */
static struct qr_pages next_batch(struct qr_pages pages, uint32_t done)
{
	const uint32_t table = (uint32_t)(QR_PAGE_SIZE / sizeof(uint64_t));
	uint32_t to_end = table - (pages.first + done) % table;

	return qr_batch(pages, done, qr_min(QR_BATCH_HEAVY, to_end));
}

/* First walk. *extra: pages that will be charged and are not yet. */
static int check(struct qr_pages pages, uint32_t flags, uint32_t *extra, struct qr_hold *hold)
{
	uint32_t done = 0;

	*extra = 0;
	while (done < pages.count) {
		struct qr_pages batch = next_batch(pages, done);
		void *virt = qr_page_addr(batch.first);
		uint32_t charged, paged;

		if (done > 0) {
			qr_breathe(hold);
		}
		if (arch_page_get(virt) & ARCH_PAGE_LARGE) {
			/* physical memory: nothing to charge */
			bool ended;
			size_t left = (size_t)(pages.count - done) << QR_PAGE_SHIFT;

			done += (uint32_t)(arch_mem_extent(virt, left, &ended) >> QR_PAGE_SHIFT);
			continue;
		}
		if (charged_in(batch, flags, &charged, &paged) != 0) {
			return -EINVAL;
		}
		*extra += (flags & K_MEM_PERM_RW) ? paged - charged : 0;
		done += batch.count;
	}
	return 0;
}

/* Change one batch and settle its charge; returns how many pages were handled. */
static uint32_t change(struct qr_pages batch, uint32_t left, uint32_t flags)
{
	void *virt = qr_page_addr(batch.first);
	uint32_t before, after, paged;

	if (arch_page_get(virt) & ARCH_PAGE_LARGE) {
		/* physical: a whole large leaf may go at once */
		return (uint32_t)(arch_mem_flags(virt, (size_t)left << QR_PAGE_SHIFT,
						 flags) >> QR_PAGE_SHIFT);
	}
	(void)charged_in(batch, flags, &before, &paged);
	take_zeros_out(batch);
	(void)arch_mem_flags(virt, (size_t)batch.count << QR_PAGE_SHIFT, flags);
	if (!(flags & K_MEM_PERM_RW)) {
		forget_images(batch);
	}
	(void)charged_in(batch, flags, &after, &paged);
	qr_charge.pageable += after - before;
	return batch.count;
}

int k_mem_update_flags(void *addr, size_t size, uint32_t flags)
{
	struct qr_pages pages;
	struct qr_hold hold;
	uint32_t extra, done = 0;
	int status;

	if (qr_flags_check(flags, QR_PERM_MASK | K_MEM_CACHE_MASK) != 0 ||
	    (flags & K_MEM_CACHE_MASK) > K_MEM_CACHE_NONE || qr_pages_of(addr, size, &pages) != 0) {
		return -EINVAL;
	}
	qr_lock(&hold);
	status = check(pages, flags, &extra, &hold);
	if (status == 0) {
		status = qr_charge_add(extra, 0);
	}
	if (status != 0) {
		qr_unlock(&hold);
		return status;
	}
	while (done < pages.count) {
		qr_breathe(&hold);
		done += change(next_batch(pages, done), pages.count - done, flags);
	}
	qr_charge_sub(extra, 0);
	qr_unlock(&hold);
	return 0;
}
