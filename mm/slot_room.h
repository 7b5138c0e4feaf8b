/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slot_room.h - slots that can be made free: those that hold nothing but the copy of a page in a
 * frame. Lock held; lets go of it between two batches of frames.
 */
#ifndef QR_MM_SLOT_ROOM_H
#define QR_MM_SLOT_ROOM_H

#include "frame.h"
#include "store.h"

/* The copy of the page in the frame is wanted no more: the slot goes back to the store, and the
 * page counts as changed. Not for a frame that is BUSY; nothing to do where there is no copy. */
void qr_slot_copy_give(uint32_t frame);

/* How many slots could be made free by pages that are not among these: copies, and where the
 * holder may sleep what becomes one, or becomes free, when transfers under way have ended. */
uint32_t qr_slots_spare(struct qr_pages but, struct qr_hold *hold);

/* Take the copy of some page; false: no page has one. */
bool qr_slot_copy_take(struct qr_hold *hold);

/* The same, and wait where that may help. 0: there is one now, or there may be after somebody's
 * transfer has ended: look again. -ENOMEM: there is none, and no transfer would change that. */
int qr_slot_make(struct qr_hold *hold) QR_MUST_CHECK;

#endif /* QR_MM_SLOT_ROOM_H */
