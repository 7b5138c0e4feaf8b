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

void qr_region_fill(struct qr_pages pages, uint32_t location, uint32_t flags, struct qr_hold *hold)
{
	uint32_t step = qr_location_store(location) == QR_STORE_NONE ? 0 : 1;
	uint32_t done = 0;

	while (done < pages.count) {
		struct qr_pages batch = qr_batch(pages, done, QR_BATCH_LIGHT);
		uint32_t last = done + batch.count == pages.count ? ARCH_MEM_LAST : 0;

		if (done > 0) {
			qr_breathe(hold);
		}
		arch_mem_map_token(qr_page_addr(batch.first), batch.count,
				   ARCH_TOKEN(ARCH_TOKEN_LOCATION, location + step * done), step,
				   flags | last);
		done += batch.count;
	}
}

/* Frames set aside for pages that are resident at once; may evict others. What was had is kept
 * while more is made, so that others' faults cannot take it each time. */
static int reserve_frames(uint32_t count, struct qr_hold *hold)
{
	uint32_t got = qr_frames_reserve(count) ? count : 0;

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
		for (uint32_t i = 0; i < run.count; i++) {
			qr_frame_zero(phys + ((uint64_t)i << QR_PAGE_SHIFT));
		}
		qr_relock(hold);
	}
	qr_map_run(run, phys, flags | (run.count == rest.count ? ARCH_MEM_LAST : 0), hold);
	return run.count;
}

static void region_fill_resident(struct qr_pages pages, uint32_t flags, struct qr_hold *hold)
{
	bool zero = QR_UNINIT_ZEROED || !(flags & K_MEM_MAP_UNINIT);

	while (pages.count > 0) {
		const uint32_t done = fill_resident(pages, flags, zero, hold);

		pages.first += done;
		pages.count -= done;
		if (pages.count > 0) {
			qr_breathe(hold);
		}
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

int k_mem_map_anon(void **addr, size_t size, uint32_t flags)
{
	bool resident = (flags & K_MEM_MAP_LOCK) || !CONFIG_DEMAND_PAGING;
	struct qr_hold hold;
	struct qr_pages pages;
	uint32_t count;
	int status = addr == NULL ? -EINVAL : check_anon(size, flags, &count);

	if (status != 0) {
		return status;
	}
	qr_lock(&hold);
	status = qr_charge_add(resident ? 0 : count, resident ? count : 0);
	if (status != 0) {
		goto out;
	}
	status = qr_region_take(count, &pages);
	if (status != 0) {
		goto uncharge;
	}
	if (resident) {
		status = reserve_frames(count, &hold);
		if (status != 0) {
			goto give;
		}
		region_fill_resident(pages, flags, &hold);
	} else {
		qr_region_fill(pages,
			       (flags & K_MEM_MAP_UNINIT) ? QR_LOCATION_UNINIT : QR_LOCATION_ZERO,
			       flags, &hold);
	}
	qr_region_close(pages, 0);
	*addr = qr_page_addr(pages.first);
	qr_unlock(&hold);
	return 0;

give:
	qr_region_give(pages);
uncharge:
	qr_charge_sub(resident ? 0 : count, resident ? count : 0);
out:
	qr_unlock(&hold);
	return status;
}
