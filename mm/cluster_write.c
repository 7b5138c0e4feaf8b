/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster_write.c - writing pages beside a victim while it is written.
 *
 * A page joins that is in a frame, dirty, not used lately, and can have the slot beside. It stays
 * where it is, mapped: dirty is cleared and its translation flushed before the request starts, so
 * a change that the request may miss makes it dirty again. Its frame is BUSY and OUT, like a
 * victim's that was rescued, until the request ends; then it is clean, and evicting it is cheap.
 *
 * No page is written early twice in one stay in a frame (WRITTEN), so none is written more than
 * once more than needed.
 */
#include "bring.h"
#include "charge.h"
#include "cluster.h"
#include "policy.h"
#include "stats.h"

/* Does the page keep a slot that it may be written to? */
static bool has_slot(uint64_t word)
{
	return (word & QR_FRAME_BACKED) && qr_location_owned(qr_frame_location(word));
}

/* Are there slots to spare: one for every page that may ever need one, or for every page that
 * is in a frame? Else who counted free slots, and then evicts, would not find what it counted. */
static bool slots_abound(void)
{
	return qr_charge.slots >= qr_charge.pageable ||
	       qr_store_table.free_slots > qr_frame_table.count;
}

/* The slot of this location for a page that has none there. */
static bool take_slot(uint32_t location)
{
	uint32_t taken;

	if (!slots_abound() ||
	    qr_slot_take_near(qr_location_slot(location), &taken) != 0) {
		return false;
	}
	if (taken == location) {
		return true;
	}
	qr_slot_give(taken);
	return false;
}

/* Dirty, unused, never written early, and its slot is the right one or has to be taken: wanted. */
static enum qr_beside look(const struct qr_cluster *cluster, uint32_t index)
{
	uint32_t page = cluster->first + index;
	uint32_t frame = qr_paged_frame(page, arch_page_get(qr_page_addr(page)));

	if (frame == QR_NO_INDEX || !k_mem_frame_evictable(frame) ||
	    (qr_frames[frame] & QR_FRAME_WRITTEN) ||
	    k_mem_frame_bits(frame, false) != K_MEM_FRAME_DIRTY) {
		return QR_BESIDE_STOP;
	}
	return has_slot(qr_frames[frame]) && qr_frame_location(qr_frames[frame]) !=
						     qr_cluster_location(cluster, index)
		       ? QR_BESIDE_STOP
		       : QR_BESIDE_WANT;
}

/* Put the page of this index into the request, if it can have its slot. */
static bool join(struct qr_cluster *cluster, uint32_t index)
{
	uint32_t page = cluster->first + index;
	void *virt = qr_page_addr(page);
	uint32_t frame = qr_paged_frame(page, arch_page_get(virt));
	uint32_t location = qr_cluster_location(cluster, index);

	if (!has_slot(qr_frames[frame]) && !take_slot(location)) {
		return false;
	}
	(void)arch_page_bits(virt, 0, ARCH_DATA_PAGE_DIRTY);
	arch_mem_flush(virt, QR_PAGE_SIZE);
	QR_COUNT_ALL(transfer.flushes, 1);
	cluster->frame[index] = frame;
	cluster->phys[index] = (uintptr_t)qr_frame_phys(frame);
	qr_frames[frame] = qr_frame_word(page, location,
					 QR_FRAME_MAPPED | QR_FRAME_BUSY | QR_FRAME_OUT);
	qr_frame_table.busy_count++;
	cluster->lo = qr_min(cluster->lo, index);
	cluster->hi = index >= cluster->hi ? index + 1 : cluster->hi;
	return true;
}

/* Upwards, then downwards, as far as they join. */
static void grow(struct qr_cluster *cluster, struct qr_hold *hold)
{
	for (uint32_t step = 1; step != 0; step = step == 1 ? -1u : 0) {
		uint32_t next = qr_cluster_next(cluster, cluster->mine, step, look);

		while (next < cluster->size && join(cluster, next)) {
			if (next % QR_BATCH_HEAVY == 0) {
				qr_breathe(hold);
			}
			next = qr_cluster_next(cluster, next, step, look);
		}
	}
}

/* The write of a page that stayed ended with `status`. */
static void end_stay(uint32_t frame, int status)
{
	if (status != 0) {
		qr_slot_retire(qr_frame_location(qr_frames[frame]));
		qr_cluster_let_go(frame, 0);
		return;
	}
	QR_COUNT_ALL(transfer.kept, 1);
	qr_cluster_let_go(frame, QR_FRAME_BACKED | QR_FRAME_WRITTEN);
}

int qr_cluster_write(uint32_t frame, struct qr_hold *hold)
{
	uint32_t location = qr_frame_location(qr_frames[frame]);
	struct qr_cluster cluster;
	int all = -EIO, mine = 0;

	qr_cluster_start(&cluster, qr_frame_page(qr_frames[frame]), frame, location,
			 qr_store_table.write_pages);
	grow(&cluster, hold);
	location = qr_cluster_location(&cluster, cluster.lo);
	if (cluster.hi - cluster.lo > 1) {
		all = qr_store_transfer_run(K_MEM_IO_WRITE, location, &cluster.phys[cluster.lo],
					    cluster.hi - cluster.lo, hold);
	}
	for (uint32_t i = cluster.lo; i < cluster.hi; i++, location++) {
		int status = all == 0 ? 0
				      : qr_store_transfer(K_MEM_IO_WRITE, location,
							  cluster.phys[i], hold);

		if (i == cluster.mine) {
			mine = status;
			continue;
		}
		end_stay(cluster.frame[i], status);
		if (i % QR_BATCH_HEAVY == 0) {
			qr_breathe(hold);
		}
	}
	return mine;
}
