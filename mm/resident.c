/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resident.c - pages that are in a frame: which frame, what they are charged, and what a fault or
 * a request for them still has to do: bits that the CPU asks for, and the pin.
 */
#include "bring.h"

#include "charge.h"
#include "policy.h"
#include "slot_room.h"
#include "stats.h"
#include "store.h"
#include "uninit.h"

bool qr_page_charged(arch_page_t page)
{
	uint32_t location;

	if (!CONFIG_MEM_STORED || (page & ARCH_PAGE_RW)) {
		return true;
	}
	if (page & ARCH_DATA_PAGE_LOADED) {
		uint32_t frame = qr_frame_of(arch_page_phys(page));

		QR_ASSERT_ALL(frame != QR_NO_INDEX);
		if (frame == qr_frame_table.zero) {
			return true;
		}
		location = qr_frame_location(qr_frames[frame]);
		return !(qr_frames[frame] & QR_FRAME_BACKED) || !qr_location_image(location);
	}
	location = ARCH_TOKEN_VALUE(arch_page_token(page));
	if (ARCH_TOKEN_KIND(arch_page_token(page)) == ARCH_TOKEN_BUSY) {
		location = qr_frame_location(qr_frames[location]);
	}
	return !qr_location_image(location);
}

uint32_t qr_paged_frame(uint32_t page, arch_page_t now)
{
	uint32_t frame;

	if (!(now & ARCH_DATA_PAGE_LOADED)) {
		return QR_NO_INDEX;
	}
	frame = qr_frame_of(arch_page_phys(now));
	if (frame == QR_NO_INDEX || (qr_frames[frame] & QR_FRAME_RESERVED) ||
	    qr_frame_page(qr_frames[frame]) != page) {
		return QR_NO_INDEX;
	}
	return frame;
}

/* The page is to be pinned; QR_BRING_LOOK: in another frame. */
static int pin(uint32_t page, arch_page_t now)
{
	uint32_t frame = qr_paged_frame(page, now);

	if (frame == QR_NO_INDEX) {
		return 0;
	}
	if (qr_frames[frame] & QR_FRAME_PINNED) {
		/* by somebody else perhaps, whose failure may now not undo it */
		qr_frames[frame] &= ~(uint64_t)QR_FRAME_PINNING;
		return 0;
	}
	if (QR_UNINIT_ZEROED && qr_frame_uninit(frame) &&
	    qr_uninit_out(page, frame, QR_LOCATION_ZERO)) {
		return QR_BRING_LOOK;
	}
	if (qr_charge_pin(qr_page_charged(now)) != 0) {
		return -ENOMEM;
	}
	if (!(qr_frames[frame] & QR_FRAME_BUSY)) {
		qr_policy_forgotten(frame);
		qr_slot_copy_give(frame); /* charge.h counts on slots of pages that can go */
	}
	qr_frames[frame] |= QR_FRAME_PINNED | QR_FRAME_PINNING;
	if (now & ARCH_PAGE_RW) {
		(void)arch_page_bits_n(page, ARCH_DATA_PAGE_DIRTY, 0);
		arch_mem_flush(qr_page_addr(page), QR_PAGE_SIZE);
	}
	return 0;
}

int qr_bring_resident(uint32_t page, arch_page_t now, unsigned int want)
{
	if (!(want & QR_BRING_AHEAD)) {
		/* the CPU asks for a bit, or somebody was faster, or its TLB was behind */
		uint32_t set = ARCH_DATA_PAGE_ACCESSED |
			       ((want & QR_BRING_WRITE) ? ARCH_DATA_PAGE_DIRTY : 0);

		if (!(now & ARCH_PAGE_LARGE)) {
			(void)arch_page_bits_n(page, set, 0);
		}
		arch_mem_flush(qr_page_addr(page), QR_PAGE_SIZE);
		QR_COUNT(transfer.flags);
		return 0;
	}
	/* where the CPU leaves these bits to software, the use that is to come would fault */
	if (!(now & (ARCH_DATA_PAGE_ACCESSED | ARCH_PAGE_LARGE))) {
		(void)arch_page_bits_n(page, ARCH_DATA_PAGE_ACCESSED, 0);
	}
	return (want & QR_BRING_PIN) ? pin(page, now) : 0;
}
