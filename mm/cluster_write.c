/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster_write.c - writing pages beside a victim while it is written.
 *
 * A page joins that is in a frame, dirty, not used lately, and can have the slot beside. It stays
 * where it is, mapped: dirty is cleared and its translation flushed before the request starts, so
 * a change that the request may miss makes it dirty again. Its frame is BUSY and OUT, like a
 * victim's that was rescued, until the request ends; then it is clean, and evicting it is cheap.
 *
 * Any page in a frame can be a gap: clean, it is written as it is in its slot already; used, it
 * is written early. A page that was written early may be again, but not before it was changed, and
 * then not used for a turn of the policy: else what lies around it goes out in pieces.
 */
#include "bring.h"
#include "charge.h"
#include "cluster.h"
#include "policy.h"
#include "stats.h"

#if CONFIG_MEM_CLUSTER

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

/* Dirty and unused: wanted. Where that saves a request others are written in vain, if they are
 * dirty or have their slot; what is in an image does not get one for that. */
static enum qr_beside look(const struct qr_cluster *cluster, uint32_t index)
{
	uint32_t page = cluster->first + index;
	uint32_t frame = qr_paged_frame(page, arch_page_state(qr_page_addr(page)));
	unsigned int bits;
	bool slotted;

	if (frame == QR_NO_INDEX || !k_mem_frame_evictable(frame)) {
		return QR_BESIDE_STOP;
	}
	slotted = has_slot(qr_frames[frame]);
	if (slotted &&
	    qr_frame_location(qr_frames[frame]) != qr_cluster_location(cluster, index)) {
		return QR_BESIDE_STOP;
	}
	bits = k_mem_frame_bits(frame, false);
	if (bits == K_MEM_FRAME_DIRTY) {
		return QR_BESIDE_WANT;
	}
	return slotted || (bits & K_MEM_FRAME_DIRTY) ? QR_BESIDE_GAP : QR_BESIDE_STOP;
}

/* Put the page of this index into the request, if it can be in it now and have its slot. */
static bool join(struct qr_cluster *cluster, uint32_t index)
{
	uint32_t page = cluster->first + index;
	void *virt = qr_page_addr(page);
	uint32_t location = qr_cluster_location(cluster, index);
	uint32_t was;
	uint32_t frame;
	bool slotted;

	if (look(cluster, index) == QR_BESIDE_STOP) {
		return false;
	}
	frame = qr_paged_frame(page, arch_page_state(virt));
	slotted = has_slot(qr_frames[frame]);
	if (!slotted && !take_slot(location)) {
		return false;
	}
	was = arch_page_bits(virt, 0, ARCH_DATA_PAGE_DIRTY);
	arch_mem_flush(virt, QR_PAGE_SIZE);
	QR_COUNT_ALL(transfer.flushes, 1);
	cluster->frame[index] = frame;
	cluster->phys[index] = (uintptr_t)qr_frame_phys(frame);
	cluster->flags[index] = (uint8_t)(
		(qr_frames[frame] & (QR_FRAME_AHEAD | QR_FRAME_WRITTEN)) |
		(slotted && !(was & ARCH_DATA_PAGE_DIRTY) ? QR_FRAME_BACKED : 0));
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
	qr_breathe(hold); /* the choice of the victim was a batch */
	for (uint32_t step = 1; step != 0; step = step == 1 ? -1u : 0) {
		uint32_t at = cluster->mine;
		uint32_t next = qr_cluster_next(cluster, at, step, look, hold);

		while (next < cluster->size && join(cluster, at + step)) {
			at += step;
			qr_cluster_worked(cluster, QR_CLUSTER_JOIN, hold);
			next = at == next ? qr_cluster_next(cluster, at, step, look, hold) : next;
		}
	}
}

/* The write of a page that stayed ended with `status`. `was`: its flags before; BACKED if its slot
 * had the content, which it has still where nothing was written. */
static void end_stay(uint32_t frame, uint32_t was, int status)
{
	const uint32_t ahead = was & QR_FRAME_AHEAD;

	if (status == -EBUSY && (was & QR_FRAME_BACKED)) {
		qr_frames[frame] |= QR_FRAME_BACKED;
		qr_cluster_let_go(frame, ahead | (was & QR_FRAME_WRITTEN));
		return;
	}
	if (status != 0) {
		qr_slot_written(qr_frame_location(qr_frames[frame]), status);
		qr_cluster_let_go(frame, ahead);
		return;
	}
	QR_COUNT_ALL(transfer.kept, 1);
	qr_frames[frame] |= QR_FRAME_BACKED;
	qr_cluster_let_go(frame, ahead | QR_FRAME_WRITTEN);
}

int qr_cluster_write(uint32_t frame, struct qr_hold *hold)
{
	uint32_t location = qr_frame_location(qr_frames[frame]);
	struct qr_cluster cluster;
	int all = -EIO, mine = 0;
	uint32_t was;

	qr_cluster_start(&cluster, qr_frame_page(qr_frames[frame]), frame, location,
			 qr_store_table.write_pages);
	grow(&cluster, hold);
	location = qr_cluster_location(&cluster, cluster.lo);
	if (cluster.hi - cluster.lo > 1) {
		all = qr_store_transfer_run(K_MEM_IO_WRITE, location, &cluster.phys[cluster.lo],
					    cluster.hi - cluster.lo, hold);
	}
	for (uint32_t i = cluster.lo; i < cluster.hi; i++, location++) {
		int status = all != -EIO ? all
					 : qr_store_transfer(K_MEM_IO_WRITE, location,
							     cluster.phys[i], hold);

		if (i == cluster.mine) {
			mine = status;
			continue;
		}
		/* a request that failed has perhaps written junk: no slot has what it had */
		was = cluster.flags[i] & (all != -EIO ? ~0u : ~(uint32_t)QR_FRAME_BACKED);
		end_stay(cluster.frame[i], was, status);
		qr_cluster_worked(&cluster, QR_CLUSTER_JOIN, hold);
	}
	return mine;
}

#endif /* CONFIG_MEM_CLUSTER */
