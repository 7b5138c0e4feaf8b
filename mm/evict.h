/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evict.h - making room. Lock held; all may let go of it.
 */
#ifndef QR_MM_EVICT_H
#define QR_MM_EVICT_H

#include "frame.h"

/* A frame in the caller's hand (BUSY, no page): a victim's, or with `take_free` one that fell
 * free meanwhile.
 * -ENOMEM: nothing can be evicted and no transfer is under way that would change that.
 * -EIO: as many victims as CONFIG_EVICTION_TRIES could not be written.
 * -EBUSY: what could be evicted would have to be written, and no store can do so in this context.
 * -EAGAIN: others came between again and again. */
int qr_frame_make(uint32_t *frame, bool take_free, struct qr_hold *hold) QR_MUST_CHECK;

/* A victim: the policy's, or with `slotted`, where no slot is free, a page that needs none. 0;
 * -ENOENT none; -EAGAIN let interrupts in and ask again. */
int qr_victim(uint32_t *frame, bool slotted, struct qr_hold *hold) QR_MUST_CHECK;

/* No slot is free: a page that needs none. Or some stores, a bit each, are refused: a page that
 * needs none of them. QR_NO_INDEX: there is none. */
uint32_t qr_victim_easy(uint32_t refused, struct qr_hold *hold);

/* The store that the page in a frame with this word would be written to. */
uint32_t qr_written_to(uint64_t word);

/* Take the page out of an evictable frame, which is then in the caller's hand.
 * -EAGAIN  the page was touched, or unmapped, while it was being written; look again
 * -ENOMEM  there is no slot for it; the page stays
 * -EIO     the store failed; the page stays
 * -EBUSY   the store cannot write in this context; the page stays */
int qr_evict(uint32_t frame, struct qr_hold *hold) QR_MUST_CHECK;

/* The page's content is being written out and is touched: map it again. Its frame is BUSY and
 * OUT and stays so until the write ends. */
void qr_rescue(uint32_t frame, uint32_t arch_flags);

#endif /* QR_MM_EVICT_H */
