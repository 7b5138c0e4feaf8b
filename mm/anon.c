/* SPDX-License-Identifier: Apache-2.0 */
/*
 * anon.c - anonymous memory: k_mem_map_anon.
 *
 * Everything is reserved first: the charge, the addresses, and with LOCK the frames. From the first
 * entry on nothing can fail.
 */
#include "anon.h"

#include "charge.h"
#include "clean.h"
#include "evict.h"
#include "store.h"
#include "uninit.h"

int qr_region_size(size_t size, uint32_t *count)
{
	if (size == 0 || (size & (QR_PAGE_SIZE - 1)) != 0 ||
	    (size >> QR_PAGE_SHIFT) > QR_SPACE_PAGES) {
		return -EINVAL;
	}
	*count = (uint32_t)(size >> QR_PAGE_SHIFT);
	return 0;
}

int qr_region_take(uint32_t count, struct qr_pages *pages)
{
	if (qr_space_take(count + 2, 1, 0, pages) != 0) {
		return -ENOSPC;
	}
	pages->first++;
	pages->count = count;
	return 0;
}

void qr_region_give(struct qr_pages pages)
{
	qr_space_give((struct qr_pages){pages.first - 1, pages.count + 2});
}

uint32_t qr_region_count(uint32_t first)
{
	arch_page_t guard = arch_page_state(qr_page_addr(first - 1));

	return ARCH_TOKEN_VALUE(arch_page_token(guard)) & ~QR_REGION_DOMAIN;
}

void qr_region_close(struct qr_pages pages, uint32_t mark)
{
	arch_mem_map_token(qr_page_addr(pages.first + pages.count), 1,
			   ARCH_TOKEN(ARCH_TOKEN_GUARD_END, 0), 0, 0);
	arch_mem_map_token(qr_page_addr(pages.first - 1), 1,
			   ARCH_TOKEN(ARCH_TOKEN_GUARD_BEGIN, pages.count | mark), 0, 0);
}

/* More than a batch of tokens. */
static QR_NOINLINE void fill_batches(struct qr_pages pages, arch_token_t token, uint32_t step,
				     uint32_t flags, struct qr_hold *hold)
{
	uint32_t done = 0;

	while (done < pages.count) {
		struct qr_pages batch = qr_batch(pages, done, QR_BATCH_LIGHT);
		uint32_t last = done + batch.count == pages.count ? ARCH_MEM_LAST : 0;

		if (done > 0) {
			qr_breathe(hold);
		}
		arch_mem_map_token(qr_page_addr(batch.first), batch.count, token + step * done,
				   step, flags | last);
		done += batch.count;
	}
}

void qr_region_fill(struct qr_pages pages, uint32_t location, uint32_t flags, struct qr_hold *hold)
{
	const uint32_t step = qr_location_store(location) == QR_STORE_NONE ? 0 : 1;
	const arch_token_t token = ARCH_TOKEN(ARCH_TOKEN_LOCATION, location);

	if (pages.count > QR_BATCH_LIGHT) {
		fill_batches(pages, token, step, flags, hold);
		return;
	}
	arch_mem_map_token(qr_page_addr(pages.first), pages.count, token, step,
			   flags | ARCH_MEM_LAST);
}

/* Set aside frames that are not free yet: others are evicted. What was had is kept while more is
 * made, so that others' faults cannot take it each time. */
static QR_NOINLINE int make_frames(uint32_t count, struct qr_hold *hold)
{
	uint32_t got = 0;

	while (got < count) {
		uint32_t frame = QR_NO_INDEX;
		int status;

		qr_clean_call(); /* each time, as in evict_until() */
		if (qr_frames_reserve(1)) {
			got++;
			continue;
		}
		status = CONFIG_DEMAND_PAGING ? qr_frame_make(&frame, false, hold) : -ENOMEM;
		if (status == 0) {
			qr_frame_free(frame);
		} else if (qr_frames_reserve(1)) {
			got++; /* none can be evicted any more, but one fell free meanwhile */
		} else {
			qr_frames_unreserve(got);
			return status == -EAGAIN ? -ENOMEM : status;
		}
	}
	return 0;
}

/* Frames set aside for pages that are resident at once. */
static int reserve_frames(uint32_t count, struct qr_hold *hold)
{
	return QR_LIKELY(qr_frames_reserve(count)) ? 0 : make_frames(count, hold);
}

/* Give the first of the pages that are left, as many as there are frames in a row, frames and map
 * them. With `zero` the lock is let go for the zeroing, page by page; nobody else knows the
 * frames. Returns the number of pages. */
static uint32_t fill_resident(struct qr_pages rest, uint32_t flags, bool zero, struct qr_hold *hold)
{
	struct qr_pages run = qr_batch(rest, 0, QR_BATCH_LIGHT);
	uint64_t phys;

	run.count = qr_frames_take_reserved(run.first, run.count, &phys);
	if (zero) {
		qr_unlock(hold);
		qr_frames_zero(phys, run.count);
		qr_relock(hold);
	}
	qr_map_run(qr_page_addr(run.first), phys, (size_t)run.count << QR_PAGE_SHIFT,
		   flags | (run.count == rest.count ? ARCH_MEM_LAST : 0), hold);
	return run.count;
}

static void region_fill_resident(struct qr_pages pages, uint32_t flags, struct qr_hold *hold)
{
	bool zero = QR_UNINIT_ZEROED || !(flags & K_MEM_MAP_UNINIT);

	for (;;) {
		const uint32_t done = fill_resident(pages, flags, zero, hold);

		if (done == pages.count) {
			break;
		}
		pages = qr_batch(pages, done, pages.count);
		qr_breathe(hold);
	}
}

static int check_anon(size_t size, uint32_t flags, uint32_t *count)
{
	const uint32_t options = K_MEM_MAP_UNINIT | K_MEM_MAP_LOCK | K_MEM_MAP_UNPAGED;

	if (qr_flags_check(flags, QR_PERM_MASK | options) != 0 ||
	    qr_region_size(size, count) != 0 ||
	    ((flags & K_MEM_PERM_USER) && (flags & K_MEM_MAP_UNINIT)) ||
	    ((flags & K_MEM_MAP_LOCK) && (flags & K_MEM_MAP_UNPAGED))) {
		return -EINVAL;
	}
	return !CONFIG_DEMAND_PAGING && (flags & K_MEM_MAP_UNPAGED) ? -K_MEM_ENOTSUP : 0;
}

/* A charge, and addresses for as many pages. */
QR_INLINE int take_charged(uint32_t pageable, uint32_t pinned, struct qr_pages *pages)
{
	int status = qr_charge_add(pageable, pinned);

	if (status == 0) {
		status = qr_region_take(pages->count, pages);
		if (status != 0) {
			qr_charge_sub(pageable, pinned);
		}
	}
	return status;
}

int qr_region_map(void **addr, uint32_t count, uint32_t charged, uint32_t location, uint32_t flags)
{
	struct qr_pages pages = {0, count};
	struct qr_hold hold;
	int status;

	qr_lock(&hold);
	status = take_charged(charged, 0, &pages);
	if (status == 0) {
		if (CONFIG_MEM_STORED && qr_location_store(location) != QR_STORE_NONE) {
			qr_slots_adopt(location, count);
		}
		qr_region_fill(pages, location, flags, &hold);
		qr_region_close(pages, 0);
		*addr = qr_page_addr(pages.first);
	}
	qr_unlock(&hold);
	return status;
}

/* A region of pages that are resident for good. */
static int map_resident(void **addr, uint32_t count, uint32_t flags)
{
	struct qr_pages pages = {0, count};
	struct qr_hold hold;
	int status;

	qr_lock(&hold);
	status = take_charged(0, pages.count, &pages);
	if (status != 0) {
		goto out;
	}
	status = reserve_frames(pages.count, &hold);
	if (QR_UNLIKELY(status != 0)) {
		qr_region_give(pages);
		qr_charge_sub(0, pages.count);
		goto out;
	}
	region_fill_resident(pages, flags, &hold);
	qr_region_close(pages, 0);
	*addr = qr_page_addr(pages.first);
out:
	qr_unlock(&hold);
	return status;
}

int k_mem_map_anon(void **addr, size_t size, uint32_t flags)
{
	uint32_t count;
	int status = addr == NULL ? -EINVAL : check_anon(size, flags, &count);

	if (status != 0) {
		return status;
	}
	if ((flags & K_MEM_MAP_LOCK) || !CONFIG_DEMAND_PAGING) {
		return map_resident(addr, count, flags);
	}
	return qr_region_map(addr, count, count,
			     (flags & K_MEM_MAP_UNINIT) ? QR_LOCATION_UNINIT : QR_LOCATION_ZERO,
			     flags);
}
