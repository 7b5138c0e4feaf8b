/* SPDX-License-Identifier: Apache-2.0 */
/*
 * charge.c - granting and refusing. The rule and its reason are in charge.h.
 */
#include "charge.h"

struct qr_charge qr_charge;

static bool keeps(uint64_t pageable, uint64_t pinned)
{
	const struct qr_charge *c = &qr_charge;
	uint64_t frames = c->frames;
	uint64_t reserve = CONFIG_DEMAND_PAGING ? CONFIG_DEMAND_PAGING_PAGE_FRAMES_RESERVE : 0;

	pinned += c->kept;
	if (pinned + reserve > frames) {
		return false;
	}
	if (c->slots > 0) {
		return pageable + pinned <= frames + c->slots - 1u;
	}
	return pageable + pinned + reserve <= frames;
}

int qr_charge_add(uint32_t pageable, uint32_t pinned)
{
	QR_ASSERT_LOCKED();
	if (!keeps((uint64_t)qr_charge.pageable + pageable, (uint64_t)qr_charge.pinned + pinned)) {
		return -ENOMEM;
	}
	qr_charge.pageable += pageable;
	qr_charge.pinned += pinned;
	return 0;
}

int qr_charge_pin(bool was_charged)
{
	uint32_t from = was_charged ? 1 : 0;

	QR_ASSERT_LOCKED();
	if (!keeps((uint64_t)qr_charge.pageable - from, (uint64_t)qr_charge.pinned + 1u)) {
		return -ENOMEM;
	}
	qr_charge.pageable -= from;
	qr_charge.pinned++;
	return 0;
}

int qr_charge_keep(uint32_t was, uint32_t count)
{
	const uint32_t kept = qr_charge.kept;

	QR_ASSERT_LOCKED();
	QR_ASSERT(kept >= was);
	qr_charge.kept = kept - was + count;
	if (count > was && !keeps(qr_charge.pageable, qr_charge.pinned)) {
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
