/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rights.c - k_mem_update_flags.
 *
 * A first walk checks every page and counts the pages that will be charged when they become
 * writable; they are charged together, before anything changes. The second walk changes.
 * What a page is charged for follows from the page (charge.h), so the second walk settles
 * each batch by what its pages were before and are after, and takes that from the reservation.
 * Another thread that takes rights from the same pages, or unpins them, between the two walks can
 * make more of them uncharged than were counted: what the reservation lacks is asked for with the
 * batch that needs it. One that, by its caller's mistake, unmaps the pages between the walks lets
 * others be mapped there, or a guard, whose entry never has rights. So the second walk checks
 * again, under the hold in which it changes.
 */
#include "bring.h"
#include "charge.h"
#include "store.h"
#include "uninit.h"

#if CONFIG_MEM_UPDATE_FLAGS

/* What a page counts as. Paged memory is a token, the shared zeros, or a loaded page that is some
 * frame's own; what else is loaded (physical mappings, the image) has no charge. */
enum count_as {
	NOTHING,
	PINNED,
	PAGEABLE,
};

static QR_NOINLINE enum count_as count_as(arch_page_t now, uint32_t page)
{
	uint32_t frame = qr_paged_frame(page, now);

	if (frame != QR_NO_INDEX) {
		return (qr_frames[frame] & QR_FRAME_PINNED) ? PINNED : PAGEABLE;
	}
	return !qr_page_is_mapped(now) || ((now & ARCH_DATA_PAGE_LOADED) && !qr_is_zero_page(now))
		       ? NOTHING
		       : PAGEABLE;
}

/* Will the page, which is not charged, be with these rights? */
static bool becomes_charged(arch_page_t now, enum count_as as, uint32_t flags)
{
	return (flags & K_MEM_PERM_RW) && as == PAGEABLE && !qr_page_charged(now);
}

/* What a page is at the beginning of the hold in which it is checked or changed. */
struct look {
	arch_page_t now;
	enum count_as as;
};

/* Look at a page: can it have these rights? */
static bool look_at_page(uint32_t page, uint32_t flags, struct look *look)
{
	look->now = arch_page_state(qr_page_addr(page));
	look->as = count_as(look->now, page);
	if (look->as != NOTHING) {
		return !(flags & K_MEM_CACHE_MASK);
	}
	/* a page whose cache mode changes may be away meanwhile: not the code and the tables */
	return qr_page_is_mapped(look->now) && qr_is_image_cached_as(page, flags);
}

/* Look at the pages of a batch. Returns how many, up to the first that can not have these rights:
 * of a large leaf the first one says all. */
static uint32_t look_at(struct qr_pages batch, uint32_t flags, struct look *look)
{
	uint32_t done = 0;

	do {
		if (!look_at_page(batch.first + done, flags, &look[done])) {
			break;
		}
	} while (!(look[done++].now & ARCH_PAGE_LARGE) && done < batch.count);
	return done;
}

/* Make the page ready for its new rights: the shared zeros are taken out (a fault brings them
 * back with the new rights). Settle the charge: what the page was charged for, and what it
 * will be. */
static void change_page(uint32_t page, uint32_t flags, struct look look)
{
	arch_page_t now = look.now;
	bool counts = look.as == PAGEABLE;

	if (counts) {
		qr_charge.pageable -= qr_page_charged(now) ? 1 : 0;
	}
	if (qr_is_zero_page(now)) {
		(void)arch_mem_page_out(qr_page_addr(page),
					ARCH_TOKEN(ARCH_TOKEN_LOCATION, QR_LOCATION_ZERO));
	} else if (counts && (flags & K_MEM_PERM_USER)) {
		qr_uninit_open(page);
	} else if (CONFIG_USERSPACE && counts && (flags & K_MEM_PERM_RW) &&
		   !(now & ARCH_PAGE_RW)) {
		/* it would look written from now on */
		qr_uninit_leave(page, QR_LOCATION_UNINIT);
	}
	if (counts) {
		now = arch_page_state(qr_page_addr(page)) & ~(arch_page_t)ARCH_PAGE_RW;
		now |= (flags & K_MEM_PERM_RW) ? ARCH_PAGE_RW : 0;
		qr_charge.pageable += qr_page_charged(now) ? 1 : 0;
	}
}

/* A changed page that may not be written any more, as now none of the batch may, no longer has its
 * content in a read-only store. Whether it was changed is final only after its rights have gone. */
static void keep_change(uint32_t page)
{
	arch_page_t now = arch_page_state(qr_page_addr(page));
	uint32_t frame = qr_paged_frame(page, now);

	if (frame != QR_NO_INDEX && !(now & ARCH_PAGE_RW) &&
	    (qr_frames[frame] & QR_FRAME_BACKED) &&
	    qr_location_image(qr_frame_location(qr_frames[frame])) &&
	    (arch_page_get(qr_page_addr(page)) & ARCH_DATA_PAGE_DIRTY)) {
		qr_frames[frame] &= ~(uint64_t)QR_FRAME_BACKED;
		qr_charge.pageable += (qr_frames[frame] & QR_FRAME_PINNED) ? 0 : 1;
	}
}

/* The next batch. It ends with a leaf table at the latest, so that a large leaf can only be at
 * its beginning. */
static struct qr_pages next_batch(struct qr_pages pages, uint32_t done)
{
	const uint32_t table = (uint32_t)(QR_PAGE_SIZE / sizeof(uint64_t));
	uint32_t to_end = table - (pages.first + done) % table;

	return qr_batch_of_all_sets(pages, done, qr_min(QR_BATCH_HEAVY, to_end));
}

/* A large leaf maps physical memory, for which there is nothing to check or to charge. Returns
 * how many of these pages it covers, 0 where there is none. */
static uint32_t large_pages(struct qr_pages pages)
{
	void *virt = qr_page_addr(pages.first);
	bool ended;

	if (!(arch_page_state(virt) & ARCH_PAGE_LARGE)) {
		return 0;
	}
	return (uint32_t)(arch_mem_extent(virt, (size_t)pages.count << QR_PAGE_SHIFT, &ended) >>
			  QR_PAGE_SHIFT);
}

/* First walk. *extra: pages that will be charged and are not yet. */
static int check(struct qr_pages pages, uint32_t flags, uint32_t *extra, struct qr_hold *hold)
{
	uint32_t done = 0;

	*extra = 0;
	while (done < pages.count) {
		struct qr_pages batch = next_batch(pages, done);
		uint32_t large = large_pages((struct qr_pages){batch.first, pages.count - done});

		for (uint32_t i = 0; i < batch.count && large == 0; i++) {
			struct look look;

			if (!look_at_page(batch.first + i, flags, &look)) {
				return -EINVAL;
			}
			*extra += becomes_charged(look.now, look.as, flags) ? 1 : 0;
		}
		done += large > 0 ? large : batch.count;
		qr_breathe(hold);
	}
	return 0;
}

/* What the second walk takes for a batch: the pages that become charged. -ENOMEM: the reservation
 * has not so many any more, and there is no room for them. */
static int batch_charge(const struct look *look, uint32_t count, uint32_t flags,
			uint32_t *reserved, uint32_t *taken)
{
	int status;

	*taken = 0;
	for (uint32_t i = 0; i < count; i++) {
		*taken += becomes_charged(look[i].now, look[i].as, flags) ? 1 : 0;
	}
	if (*taken > *reserved) {
		status = qr_charge_add(*taken - *reserved, 0);
		if (status != 0) {
			return status;
		}
		*reserved = *taken;
	}
	*reserved -= *taken;
	return 0;
}

/* Second walk, one batch; returns how many pages were handled. */
static uint32_t change(struct qr_pages batch, uint32_t left, uint32_t flags,
		       const struct look *look)
{
	void *virt = qr_page_addr(batch.first);

	if (look[0].now & ARCH_PAGE_LARGE) {
		/* a whole large leaf may go at once */
		return (uint32_t)(arch_mem_flags(virt, (size_t)left << QR_PAGE_SHIFT, flags) >>
				  QR_PAGE_SHIFT);
	}
	for (uint32_t i = 0; i < batch.count; i++) {
		change_page(batch.first + i, flags, look[i]);
	}
	(void)arch_mem_flags(virt, (size_t)batch.count << QR_PAGE_SHIFT, flags);
	for (uint32_t i = 0; !(flags & K_MEM_PERM_RW) && i < batch.count; i++) {
		keep_change(batch.first + i);
	}
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
	while (done < pages.count && status == 0) {
		struct look look[QR_BATCH_HEAVY];
		struct qr_pages batch;
		uint32_t taken;

		qr_breathe(&hold);
		batch = next_batch(pages, done);
		batch.count = look_at(batch, flags, look);
		status = batch.count == 0 ? -EINVAL
					  : batch_charge(look, batch.count, flags, &extra, &taken);
		if (status == 0) {
			done += change(batch, pages.count - done, flags, look);
			qr_charge_sub(taken, 0); /* change() counted them */
		}
	}
	qr_charge_sub(extra, 0);
	qr_unlock(&hold);
	return status;
}

#endif /* CONFIG_MEM_UPDATE_FLAGS */
