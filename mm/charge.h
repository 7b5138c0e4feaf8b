/* SPDX-License-Identifier: Apache-2.0 */
/*
 * charge.h - the promise: what was granted can be kept.
 *
 * With F frames that the pool owns (free or not), S usable slots of the paging store, A
 * pageable pages that may need a slot, L pinned pages and frames kept for domains, and R frames
 * that are neither (CONFIG_DEMAND_PAGING_PAGE_FRAMES_RESERVE), every grant keeps
 *
 *     L     <= F - R
 *     A + L <= F + S - 1      where there is a paging store
 *     A + L <= F - R          where there is none
 *
 * Why a fault then always finds a frame. The F - L >= R >= 1 frames that are not pinned hold
 * pages of A, pages of read-only stores, or nothing. One that is free or holds a page of a
 * read-only store, or any clean page with a slot, is had without a new slot. Else all F - L
 * hold pages of A, so at most A - (F - L) <= S - 1 of A are in slots only; a slot is free,
 * or is the copy of a page in a frame, and that page is the victim (it is not pinned: pinned
 * pages keep no slot). Of the frames kept for domains, those that hold p pages of A are not had by
 * others, but then p fewer of A are in slots only, and at most p slots are copies of these. Frames
 * and slots of transfers under way come back when these end; a
 * fault waits for them.
 *
 * Charged pages: anonymous ones, and stored ones that are writable or whose content is not
 * (or no longer) in a read-only store. All of it can be told from the page itself, so that
 * no record of mappings is needed to give the charge back.
 */
#ifndef QR_MM_CHARGE_H
#define QR_MM_CHARGE_H

#include "core.h"

struct qr_charge {
	uint32_t frames;   /* F */
	uint32_t slots;    /* S */
	uint32_t pageable; /* A */
	uint32_t pinned;   /* L, without */
	uint32_t kept;     /* the frames kept for domains, which L includes */
};
extern struct qr_charge qr_charge;

/* Grant more pages, or refuse with -ENOMEM; none are always granted. Lock held. */
int qr_charge_add(uint32_t pageable, uint32_t pinned) QR_MUST_CHECK;

/* Give back. Lock held. */
QR_INLINE void qr_charge_sub(uint32_t pageable, uint32_t pinned)
{
	QR_ASSERT(qr_charge.pageable >= pageable && qr_charge.pinned >= pinned);
	qr_charge.pageable -= pageable;
	qr_charge.pinned -= pinned;
}

/* A page that was (not) charged as pageable becomes pinned: -ENOMEM, for a page that was charged
 * only where frames are missing, since A + L does not grow. And back: cannot fail. */
int qr_charge_pin(bool was_charged) QR_MUST_CHECK;
void qr_charge_unpin(bool is_charged);

/* Keep so many frames for domains instead of `was`: -ENOMEM, never for fewer. Lock held. */
int qr_charge_keep(uint32_t was, uint32_t count) QR_MUST_CHECK;

/* A slot of the paging store went bad. Grants already made stay; new ones see less. */
void qr_charge_slot_lost(void);

#endif /* QR_MM_CHARGE_H */
