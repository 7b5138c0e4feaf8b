/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.c - what an eviction policy may ask of the core, and the batched flush behind it.
 *
 * A translation whose accessed bit was cleared must be dropped, or the CPU, which holds it,
 * would not set the bit again. The pages of one call of the policy are collected and
 * flushed together before the lock is let go.
 */
#include "policy.h"

#include <quire/bits.h>

#include "cluster.h"
#include "domain.h"
#include "stats.h"

struct k_mem_policy qr_policy;

#define STATE_BYTES (CONFIG_MEM_FRAMES_MAX * CONFIG_EVICTION_FRAME_BYTES)
static QR_ALIGNED(8) uint8_t policy_state[CONFIG_DEMAND_PAGING ? STATE_BYTES : 8];

/* Pages to flush; more than fit are flushed as "everything". */
static uint32_t cleared[CONFIG_MEM_TLB_RANGE_MAX];
static uint32_t cleared_count;

/* A victim is looked for, or what may be one: frames that are kept for a domain do not count. */
static bool picking;

/* arch_mem_work when the policy was called. */
static uint32_t work_before;

bool k_mem_frame_looks_spent(void)
{
	return qr_sets_worked(work_before);
}

bool k_mem_frame_evictable(uint32_t frame)
{
	const uint32_t mask = QR_FRAME_MAPPED | QR_FRAME_PINNED | QR_FRAME_BUSY | QR_FRAME_RESERVED;

	return (qr_frames[frame] & mask) == QR_FRAME_MAPPED &&
	       !(qr_domain_keepers() && picking && qr_domain_keeps(frame));
}

uint32_t k_mem_history_bits(void)
{
	return K_MEM_LOCATION_SLOT_BITS - qr_store_table.slot_bits;
}

QR_INLINE unsigned int frame_bits(uint32_t frame, bool clear)
{
	uint64_t word = qr_frames[frame];
	uint32_t page = qr_frame_page(word);
	uint32_t bits = arch_page_look_n(page, clear);
	bool dirty = (bits & ARCH_DATA_PAGE_DIRTY) || !(word & QR_FRAME_BACKED);

	QR_ASSERT_LOCKED();
	QR_COUNT_ALL(transfer.looks, 1);
	if (qr_cluster_ahead(word) && (bits & (ARCH_DATA_PAGE_ACCESSED | ARCH_DATA_PAGE_DIRTY))) {
		qr_cluster_judge(frame, true);
	}
	if (clear && (bits & ARCH_DATA_PAGE_ACCESSED)) {
		if (cleared_count < CONFIG_MEM_TLB_RANGE_MAX) {
			cleared[cleared_count] = page;
		}
		cleared_count++;
	}
	return ((bits & ARCH_DATA_PAGE_ACCESSED) ? K_MEM_FRAME_ACCESSED : 0u) |
	       (dirty ? K_MEM_FRAME_DIRTY : 0u);
}

unsigned int k_mem_frame_bits(uint32_t frame, bool clear)
{
	return frame_bits(frame, clear);
}

uint32_t k_mem_frames_look(uint32_t first, uint32_t which, uint32_t most,
			   struct k_mem_looks *looks)
{
	*looks = (struct k_mem_looks){0};
	for (; which != 0; which &= which - 1) {
		const uint32_t at = qr_bit_lowest(which);
		unsigned int bits;

		if (!k_mem_frame_evictable(first + at)) {
			continue;
		}
		bits = frame_bits(first + at, true);
		looks->seen |= 1u << at;
		looks->accessed |= (uint32_t)((bits & K_MEM_FRAME_ACCESSED) != 0) << at;
		looks->dirty |= (uint32_t)((bits & K_MEM_FRAME_DIRTY) != 0) << at;
		if (--most == 0 || k_mem_frame_looks_spent()) {
			return at + 1;
		}
	}
	return 32;
}

static QR_NOINLINE void flush_some(void)
{
	if (cleared_count > CONFIG_MEM_TLB_RANGE_MAX) {
		arch_mem_flush(qr_page_addr(0), CONFIG_KERNEL_VM_SIZE);
		QR_COUNT_ALL(transfer.flushes, 1);
	} else {
		for (uint32_t i = 0; i < cleared_count; i++) {
			arch_mem_flush(qr_page_addr(cleared[i]), QR_PAGE_SIZE);
		}
		QR_COUNT_ALL(transfer.flushes, cleared_count);
	}
	cleared_count = 0;
}

static void flush_cleared(void)
{
	if (cleared_count > 0) {
		flush_some();
	}
}

QR_NOINLINE void qr_policy_told(uint32_t frame, uint32_t location, bool by_fault)
{
	uint32_t history = qr_location_history(location);

	if (!QR_LEARNS || qr_policy.returned == NULL) {
		qr_policy_seen(frame, by_fault);
		return;
	}
	if (history != 0 && qr_location_store(location) != QR_STORE_NONE) {
		qr_policy.returned(frame, history);
	}
	picking = true;
	work_before = arch_mem_work;
	qr_policy_seen(frame, by_fault);
	picking = false;
	flush_cleared();
}

int qr_policy_pick(uint32_t *frame, struct qr_hold *hold)
{
	int status;

	QR_ASSERT_LOCKED();
	picking = true;
	work_before = arch_mem_work;
	status = qr_policy.pick(frame);
	QR_ASSERT(status != 0 || k_mem_frame_evictable(*frame));
	picking = false;
	flush_cleared();
	if (status == 0 && k_mem_frame_looks_spent()) {
		qr_breathe(hold); /* evicting it is as much work again */
		status = k_mem_frame_evictable(*frame) && !qr_domain_keeps(*frame) ? 0 : -EAGAIN;
	}
	return status;
}

/* Between two slices interrupts are let in. How many there are does not depend on how long the
 * store takes, so that the same faults evict the same pages. */
void qr_policy_work(struct qr_hold *hold)
{
	bool more;

	QR_ASSERT_LOCKED();
	(void)qr_sleep_known(hold);
	more = hold->sleep == QR_SLEEP_YES;
	for (uint32_t slices = 0; more && slices < QR_ROUNDS_MAX; slices++) {
		picking = true;
		work_before = arch_mem_work;
		more = qr_policy.idle();
		picking = false;
		flush_cleared();
		qr_breathe(hold);
	}
}

void k_mem_paging_tick(void)
{
	uint32_t cursor = 0;
	bool more = CONFIG_DEMAND_PAGING && qr_policy.tick != NULL;
	struct qr_hold hold;

	while (more) { /* until the cursor is at the end */
		qr_lock(&hold);
		work_before = arch_mem_work;
		more = qr_policy.tick(&cursor);
		flush_cleared();
		qr_unlock(&hold);
	}
}

void qr_policy_init(const struct k_mem_policy *policy)
{
	if (!CONFIG_DEMAND_PAGING) {
		return;
	}
	qr_policy = *policy;
	qr_told.policy = policy->seen != NULL || policy->forgotten != NULL ||
			 policy->evicted != NULL || policy->returned != NULL;
	__builtin_memset(policy_state, 0, qr_frame_table.count * policy->frame_bytes);
	policy->start(policy_state, qr_frame_table.count);
	if (QR_LEARNS && policy->gather != NULL && qr_store_table.write_pages > 1) {
		policy->gather(qr_store_table.write_pages);
	}
}
