/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uninit.c - see uninit.h.
 */
#include "uninit.h"

#include "bring.h"
#include "domain.h"
#include "policy.h"

QR_NOINLINE bool qr_uninit_out(uint32_t page, uint32_t frame, uint32_t location)
{
	void *virt = qr_page_addr(page);

	QR_ASSERT_LOCKED();
	QR_ASSERT(qr_frame_uninit(frame) && !(qr_frames[frame] & QR_FRAME_BUSY));
	if (arch_page_get(virt) & ARCH_DATA_PAGE_DIRTY) {
		return false;
	}
	if (arch_mem_page_out(virt, ARCH_TOKEN(ARCH_TOKEN_LOCATION, location)) &
	    ARCH_DATA_PAGE_DIRTY) {
		/* written at the last moment */
		arch_mem_flush(virt, QR_PAGE_SIZE);
		arch_mem_page_in(virt, qr_frame_phys(frame), ARCH_MEM_ACCESSED | ARCH_MEM_DIRTY);
		return false;
	}
	arch_mem_flush(virt, QR_PAGE_SIZE);
	qr_domain_left(page);
	qr_policy_forgotten(frame);
	qr_frame_give(frame);
	qr_frames_changed();
	return true;
}

static QR_NOINLINE void leave_frame(uint32_t page, arch_page_t now, uint32_t location)
{
	uint32_t frame = qr_paged_frame(page, now);

	if (frame != QR_NO_INDEX && qr_frame_uninit(frame)) {
		(void)qr_uninit_out(page, frame, location);
	}
}

void qr_uninit_leave(uint32_t page, uint32_t location)
{
	void *virt = qr_page_addr(page);
	arch_page_t now = arch_page_state(virt);

	if (now & ARCH_DATA_PAGE_LOADED) {
		leave_frame(page, now, location);
	} else if (!(now & ARCH_DATA_PAGE_NOT_MAPPED) &&
		   arch_page_token(now) == ARCH_TOKEN(ARCH_TOKEN_LOCATION, QR_LOCATION_UNINIT)) {
		arch_page_token_set(virt, ARCH_TOKEN(ARCH_TOKEN_LOCATION, location));
	}
}
