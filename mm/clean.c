/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clean.c - background cleaning: frames are emptied before a fault needs them.
 *
 *     free frames        what happens
 *     high  ----------   the cleaner stops
 *            ^           it evicts what the policy picks; what is dirty is written
 *     low   ----------   it is woken
 *     0     ----------   faults evict for themselves, as without a cleaner
 *
 * Finding a free frame is the shortest path of a fault, and looks at no watermark. So before
 * the cleaner sleeps it sets `low` frames aside: the pool counts them as taken. The fault
 * that finds the pool empty then puts them back, wakes the cleaner and takes one; nobody else
 * sees the difference, for whoever needs frames asks here before it evicts, and again whenever it
 * looks again: the cleaner that it waited for may have set aside what it waited for.
 *
 * The promise (charge.h) does not depend on any of this: the cleaner only does earlier what
 * some fault would do, and frames set aside are given back before anybody is refused.
 *
 * Invariant: frames are aside only while the cleaner waits. All under the mm lock.
 */
#include "clean.h"

#include "charge.h"
#include "evict.h"
#include "policy.h"
#include "stats.h"

#if CONFIG_DEMAND_PAGING && CONFIG_MEM_CLEAN

/* A channel for the cleaner. */
#define CLEAN_CHANNEL (&qr_frame_table.aside)

void qr_clean_wake(void)
{
	struct qr_frame_table *table = &qr_frame_table;

	QR_ASSERT_LOCKED();
	table->cleaner_waits = false;
	qr_frames_unreserve(table->aside);
	table->aside = 0;
	qr_wake(CLEAN_CHANNEL);
}

/* Sleep until the pool is down to `low` frames, or, where fewer are free, empty. */
static void wait_for_call(uint32_t low, struct qr_hold *hold)
{
	struct qr_frame_table *table = &qr_frame_table;
	uint32_t aside = qr_min(low, table->free_count);

	if (!table->cleaner_waits && qr_frames_reserve(aside)) {
		table->aside = aside;
		table->cleaner_waits = true;
	}
	while (table->cleaner_waits) {
		qr_wait(CLEAN_CHANNEL, hold);
	}
}

/* Evict one page more. 0: go on. */
static int clean_one(bool *slotted, uint32_t *vain, struct qr_hold *hold)
{
	uint32_t frame;
	int status;

	qr_breathe(hold);
	status = qr_victim(&frame, *slotted, hold);
	if (status != 0) {
		return status == -EAGAIN ? 0 : status;
	}
	status = qr_evict(frame, hold);
	if (status == 0) {
		qr_frame_free(frame);
		QR_COUNT_ALL(transfer.cleaned, 1);
	}
	*slotted = status == -ENOMEM;
	*vain += status == -EAGAIN ? 1 : 0;
	return status == -EIO || status == -EBUSY ? status : 0;
}

/* Evict until `high` frames are free; ends early where nothing can be evicted now, where a write
 * fails, for whoever needs a frame then tries more than we would, and where as many pages as there
 * are frames were touched while they were written. */
static void clean(uint32_t high, struct qr_hold *hold)
{
	/* what a policy may need for each: slices of a scan */
	const uint32_t rounds = (high + qr_frame_table.count) * 4;
	uint32_t vain = 0;
	bool slotted = false;
	int status = 0;

	for (uint32_t round = 0; round < rounds && status == 0; round++) {
		if (qr_frame_table.free_count >= high || vain > qr_frame_table.count) {
			break;
		}
		status = clean_one(&slotted, &vain, hold);
	}
}

int k_mem_paging_clean(uint32_t low, uint32_t high)
{
	struct qr_hold hold;
	int status = -EINVAL;

	qr_lock(&hold);
	(void)qr_sleep_known(&hold);
	if (hold.sleep == QR_SLEEP_YES && low > 0 && low < high && high < qr_charge.frames) {
		wait_for_call(low, &hold);
		clean(high, &hold);
		status = 0;
	}
	qr_unlock(&hold);
	return status;
}

#endif /* CONFIG_DEMAND_PAGING && CONFIG_MEM_CLEAN */
