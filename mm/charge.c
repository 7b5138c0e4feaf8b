/* SPDX-License-Identifier: Apache-2.0 */
/*
 * charge.c - granting and refusing. The rule and its reason are in charge.h.
 */
#include "charge.h"

struct qr_charge qr_charge;

#define RESERVE \
	((uint64_t)(CONFIG_DEMAND_PAGING ? CONFIG_DEMAND_PAGING_PAGE_FRAMES_RESERVE : 0))

/* Are there so many frames that so many pages can be pinned, beside what is kept? */
static bool frames_keep(uint64_t pinned)
{
	return pinned + qr_charge.kept + RESERVE <= qr_charge.frames;
}

/* Is there a place, a frame or a slot, for so many pages, pinned or not? */
static bool places_keep(uint64_t pages)
{
	const struct qr_charge *c = &qr_charge;

	pages += c->kept;
	return c->slots > 0 ? pages < (uint64_t)c->frames + c->slots : pages + RESERVE <= c->frames;
}

/* Only what grows is asked whether there is room for it: where slots were lost there may be less
 * than was granted, and what stays as it is, or becomes less, makes that no worse. */
int qr_charge_add(uint32_t pageable, uint32_t pinned)
{
	const uint64_t pages = (uint64_t)qr_charge.pageable + qr_charge.pinned;

	QR_ASSERT_LOCKED();
	if ((pinned > 0 && !frames_keep((uint64_t)qr_charge.pinned + pinned)) ||
	    ((pageable | pinned) > 0 && !places_keep(pages + pageable + pinned))) {
		return -ENOMEM;
	}
	qr_charge.pageable += pageable;
	qr_charge.pinned += pinned;
	return 0;
}

int qr_charge_pin(bool was_charged)
{
	const uint64_t pages = (uint64_t)qr_charge.pageable + qr_charge.pinned;

	QR_ASSERT_LOCKED();
	if (!frames_keep((uint64_t)qr_charge.pinned + 1u) ||
	    (!was_charged && !places_keep(pages + 1u))) {
		return -ENOMEM;
	}
	qr_charge.pageable -= was_charged ? 1 : 0;
	qr_charge.pinned++;
	return 0;
}

int qr_charge_keep(uint32_t was, uint32_t count)
{
	const uint32_t kept = qr_charge.kept;

	QR_ASSERT_LOCKED();
	QR_ASSERT(kept >= was);
	qr_charge.kept = kept - was + count;
	if (count > was &&
	    !(frames_keep(qr_charge.pinned) &&
	      places_keep((uint64_t)qr_charge.pageable + qr_charge.pinned))) {
		qr_charge.kept = kept;
		return -ENOMEM;
	}
	return 0;
}

void qr_charge_unpin(bool is_charged)
{
	QR_ASSERT(qr_charge.pinned > 0);
	qr_charge.pinned--;
	qr_charge.pageable += is_charged ? 1 : 0;
}

void qr_charge_slot_lost(void)
{
	QR_ASSERT_LOCKED();
	if (qr_charge.slots > 0) {
		qr_charge.slots--;
	}
}
