/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uninit.h - memory mapped K_MEM_MAP_UNINIT, and user mode, which must not see what a frame held
 * before. That a page is in a frame does not say that it was used: it was read, brought in or
 * pinned, and holds what some other page left. Lock held.
 *
 * While nobody has written such a page the word of its frame says BACKED at QR_LOCATION_UNINIT
 * and its entry is not dirty. What can have it written without dirty being seen, or makes it dirty
 * without a write, comes with zeros in builds with user mode (docs/decisions/0018): memory that is
 * resident for good. So a frame that is PINNED holds nothing of others.
 */
#ifndef QR_MM_UNINIT_H
#define QR_MM_UNINIT_H

#include "frame.h"
#include "store.h"

/* Is what becomes resident for good zeroed, although it was mapped K_MEM_MAP_UNINIT? */
#define QR_UNINIT_ZEROED CONFIG_USERSPACE

/* Does the frame hold a page that was not written, if its entry says so, too? */
QR_INLINE bool qr_frame_uninit(uint32_t frame)
{
	const uint64_t word = qr_frames[frame];

	return (word & (QR_FRAME_BACKED | QR_FRAME_PINNED)) == QR_FRAME_BACKED &&
	       qr_frame_location(word) == QR_LOCATION_UNINIT;
}

/* Take a page that was not written out of this frame, of which qr_frame_uninit() is true: it is at
 * `location`, QR_LOCATION_ZERO or _UNINIT, from now on. False: it was written, and stays. */
bool qr_uninit_out(uint32_t page, uint32_t frame, uint32_t location);

/* The same for any page, in a frame or not: what is no such memory stays as it is. */
void qr_uninit_leave(uint32_t page, uint32_t location);

/* The page is opened to user mode: from now on it is zeros, if nobody wrote it. What is in no frame
 * is rarely such memory. */
QR_INLINE void qr_uninit_open(uint32_t page)
{
	const arch_page_t now = arch_page_state(qr_page_addr(page));

	if ((now & ARCH_DATA_PAGE_LOADED) ||
	    (qr_page_is_away(now) &&
	     arch_page_token(now) == ARCH_TOKEN(ARCH_TOKEN_LOCATION, QR_LOCATION_UNINIT))) {
		qr_uninit_leave(page, QR_LOCATION_ZERO);
	}
}

#endif /* QR_MM_UNINIT_H */
