/* SPDX-License-Identifier: Apache-2.0 */
/*
 * phys.c - physical memory: device registers, ancillary memory, the image seen elsewhere.
 *
 * These mappings have no guards and no frames of their own. The mark LAST on the last page
 * says where one ends, so a run of whole ones is recognised by reading the entries.
 */
#include "core.h"
#include "frame.h"

/* The whole pages around a physical range. */
struct span {
	uint64_t phys;
	uint32_t count;
	uint32_t offset; /* of the first byte in its page */
};

static int span_of(uintptr_t address, size_t size, struct span *span)
{
	uintptr_t offset = address & (QR_PAGE_SIZE - 1);

	if (size == 0 || size > CONFIG_KERNEL_VM_SIZE || address + (size - 1) < address) {
		return -EINVAL;
	}
	span->phys = address - offset;
	span->offset = (uint32_t)offset;
	span->count = (uint32_t)((offset + size + QR_PAGE_SIZE - 1) >> QR_PAGE_SHIFT);
	return 0;
}

/* Does the range touch a frame that the core may hand out, or the page of zeros that others
 * share? RESERVED never changes after k_mem_init, so no lock is needed. */
static QR_NOINLINE bool touches_frames(struct span span)
{
	for (uint32_t i = 0; i < qr_frame_table.bank_count; i++) {
		const struct qr_bank *bank = &qr_frame_table.bank[i];
		uint64_t end = bank->phys + ((uint64_t)bank->count << QR_PAGE_SHIFT);
		uint64_t span_end = span.phys + ((uint64_t)span.count << QR_PAGE_SHIFT);
		uint64_t from = span.phys > bank->phys ? span.phys : bank->phys;
		uint64_t to = span_end < end ? span_end : end;

		for (uint64_t phys = from; phys < to; phys += QR_PAGE_SIZE) {
			uint32_t frame = qr_frame_of(phys);

			if (!(qr_frames[frame] & QR_FRAME_RESERVED) ||
			    frame == qr_frame_table.zero) {
				return true;
			}
		}
	}
	return false;
}

/* The pages with the addresses of the span. */
static QR_NOINLINE int take_direct(struct span span, struct qr_pages *pages)
{
	void *virt = (void *)(uintptr_t)span.phys;

	if (qr_pages_of(virt, (size_t)span.count << QR_PAGE_SHIFT, pages) != 0) {
		return -EINVAL;
	}
	return qr_space_take_at(*pages);
}

/* Pages that are as far from a multiple of `align` pages as the span is. */
static QR_NOINLINE int take_aligned(struct span span, uint32_t align, struct qr_pages *pages)
{
	uint64_t page_number = span.phys >> QR_PAGE_SHIFT;
	uint64_t base_number = (uint64_t)CONFIG_KERNEL_VM_BASE >> QR_PAGE_SHIFT;
	uint32_t skew = (uint32_t)(base_number - page_number) & (align - 1);

	return qr_space_take(span.count, align, skew, pages);
}

/* Pages for the span: with the physical addresses, or such that large leaves fit, which *large
 * says, or any. */
static int take_pages(struct span span, uint32_t flags, struct qr_pages *pages, uint32_t *large)
{
	size_t bytes = (size_t)span.count << QR_PAGE_SHIFT;
	uint32_t align = (uint32_t)(arch_virt_region_align(span.phys, bytes) >> QR_PAGE_SHIFT);

	*large = ARCH_MEM_LARGE;
	if (flags & K_MEM_DIRECT_MAP) {
		return take_direct(span, pages);
	}
	if (align > 1 && take_aligned(span, align, pages) == 0) {
		return 0;
	}
	*large = 0;
	return qr_space_take(span.count, 1, 0, pages);
}

int k_mem_map_phys_bare(uint8_t **virt, uintptr_t phys, size_t size, uint32_t flags)
{
	struct qr_pages pages;
	struct qr_hold hold;
	struct span span;
	const uint64_t end = arch_phys_end();
	uint64_t bytes;
	uint32_t large;
	uint8_t *to;
	int status;

	if (virt == NULL ||
	    qr_flags_check(flags, QR_PERM_MASK | K_MEM_CACHE_MASK | K_MEM_DIRECT_MAP) != 0 ||
	    (flags & K_MEM_CACHE_MASK) > K_MEM_CACHE_NONE || span_of(phys, size, &span) != 0) {
		return -EINVAL;
	}
	bytes = (uint64_t)span.count << QR_PAGE_SHIFT;
	if (span.phys + (bytes - 1) >= end) {
		return -EINVAL;
	}
	if (QR_UNLIKELY(qr_frames_reach(span.phys, bytes)) && touches_frames(span)) {
		return -EBUSY;
	}
	qr_lock(&hold);
	status = take_pages(span, flags, &pages, &large);
	if (status == 0) {
		to = qr_page_addr(pages.first);
		*virt = to + span.offset;
		qr_map_run(to, span.phys, (size_t)bytes, flags | ARCH_MEM_LAST | large, &hold);
	}
	qr_unlock(&hold);
	return status;
}

/* May a physical mapping start here: it is loaded, and not the core's (a region's page or
 * the image)? */
static bool starts_mapping(uint32_t page)
{
	arch_page_t now = arch_page_state(qr_page_addr(page));
	uint32_t frame;

	if (!(now & ARCH_DATA_PAGE_LOADED) || qr_is_image(page)) {
		return false;
	}
	frame = qr_frame_of(arch_page_phys(now));
	return frame == QR_NO_INDEX ||
	       ((qr_frames[frame] & QR_FRAME_RESERVED) && frame != qr_frame_table.zero);
}

/* Does nothing reach into `page` from the page before? */
static bool starts_fresh(uint32_t page)
{
	arch_page_t before;

	if (page == 0) {
		return true;
	}
	before = arch_page_state(qr_page_addr(page - 1));
	return !qr_page_is_mapped(before) || (before & ARCH_PAGE_LAST);
}

static bool is_whole_mappings(struct qr_pages pages, struct qr_hold *hold)
{
	size_t left = (size_t)pages.count << QR_PAGE_SHIFT;
	uint8_t *at = qr_page_addr(pages.first);
	bool ended = true;

	if (!starts_fresh(pages.first)) {
		return false;
	}
	for (;;) {
		size_t bytes;

		if (ended && !starts_mapping(qr_page_of(at))) {
			return false;
		}
		bytes = arch_mem_extent(at, left, &ended);
		if (bytes == left) {
			return ended;
		}
		if (bytes == 0) {
			return false;
		}
		at += bytes;
		left -= bytes;
		qr_breathe(hold);
	}
}

int k_mem_unmap_phys_bare(uint8_t *virt, size_t size)
{
	struct qr_pages pages;
	struct qr_hold hold;
	struct span span;
	uint8_t *from;
	size_t left;

	if (span_of((uintptr_t)virt, size, &span) != 0 ||
	    qr_pages_of((void *)(uintptr_t)span.phys, (size_t)span.count << QR_PAGE_SHIFT,
			&pages) != 0) {
		return -EINVAL;
	}
	qr_lock(&hold);
	if (!is_whole_mappings(pages, &hold)) {
		qr_unlock(&hold);
		return -EINVAL;
	}
	/* Addresses go back batch by batch. A second unmapping of the same range at the same time,
	 * which is its caller's mistake, stops where this one has been. */
	from = qr_page_addr(pages.first);
	left = (size_t)pages.count << QR_PAGE_SHIFT;
	for (;;) {
		size_t done;
		bool ended;

		if (hold.dropped && arch_mem_extent(from, QR_PAGE_SIZE, &ended) == 0) {
			break;
		}
		done = arch_mem_unmap(from, left);
		if (done > 0) {
			qr_space_give((struct qr_pages){qr_page_of(from),
							(uint32_t)(done >> QR_PAGE_SHIFT)});
		}
		left -= done;
		if (left == 0) {
			break;
		}
		from += done;
		qr_breathe(&hold);
	}
	qr_unlock(&hold);
	return left == 0 ? 0 : -EINVAL;
}
