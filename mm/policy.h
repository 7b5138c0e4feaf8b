/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h - the eviction policy in use, as the core calls it. All with the lock held.
 */
#ifndef QR_MM_POLICY_H
#define QR_MM_POLICY_H

#include <quire/policy.h>

#include "frame.h"
#include "store.h"

extern struct k_mem_policy qr_policy; /* a copy: one load less to a function */

/* The frame may be evicted from now on. */
QR_INLINE void qr_policy_seen(uint32_t frame, bool by_fault)
{
	if (CONFIG_DEMAND_PAGING && qr_policy.seen != NULL) {
		qr_policy.seen(frame, by_fault);
	}
}

/* The same for a page that comes from `location`: a policy that remembers is given what it
 * remembered there, and translations whose accessed bit it cleared are flushed. */
void qr_policy_told(uint32_t frame, uint32_t location, bool by_fault);
QR_INLINE void qr_policy_came(uint32_t frame, uint32_t location, bool by_fault)
{
	if (CONFIG_DEMAND_PAGING && qr_told.policy) {
		qr_policy_told(frame, location, by_fault);
	}
}

/* The page in the frame is being evicted to a location of a store: with its history. */
QR_INLINE uint32_t qr_policy_remembered(uint32_t frame, uint32_t location)
{
	uint32_t history = QR_LEARNS && qr_policy.evicted != NULL ? qr_policy.evicted(frame) : 0;

	QR_ASSERT(history >> k_mem_history_bits() == 0);
	return qr_location_with(location, history);
}

/* The frame may not be evicted any more. */
QR_INLINE void qr_policy_forgotten(uint32_t frame)
{
	if (CONFIG_DEMAND_PAGING && qr_policy.forgotten != NULL) {
		qr_policy.forgotten(frame);
	}
}

/* A victim: 0; -ENOENT none; -EAGAIN let interrupts in and ask again. Translations whose
 * accessed bit was cleared on the way are flushed. May let go of the lock. */
int qr_policy_pick(uint32_t *frame, struct qr_hold *hold) QR_MUST_CHECK;

/* The caller is about to wait for a transfer or to fill a page: the policy has time. Where the
 * caller must not sleep it has none. */
void qr_policy_work(struct qr_hold *hold);
QR_INLINE void qr_policy_idle(struct qr_hold *hold)
{
	if (CONFIG_DEMAND_PAGING && QR_LEARNS && qr_policy.idle != NULL) {
		qr_policy_work(hold);
	}
}

/* Start a policy that was checked; after the frames and the stores are known. */
void qr_policy_init(const struct k_mem_policy *policy);

#endif /* QR_MM_POLICY_H */
