/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster_read.c - reading ahead: the pages beside a page that is read.
 *
 *   1 window  how far (cluster.c)
 *   2 frames  as many as there are pages to read, from the pool or by evicting what the policy
 *             picks; lets go of the lock. Never waits for somebody else's frames: who holds
 *             some and waits for more would wait for another who does the same.
 *   3 join    page after page, away from the wanted one, as it is now: entry := token BUSY(frame)
 *   4 read    one request, the lock let go
 *   5 end     each page on its own: mapped and AHEAD; or as it was before
 *
 * A page that is in a frame already, with its copy in its slot, is a gap: where that is cheaper
 * than another request it is read, too, into a frame that is thrown away. Its own frame is
 * BUSY meanwhile, so that nobody writes to its slot.
 */
#include "bring.h"
#include "charge.h"
#include "clean.h"
#include "cluster.h"
#include "domain.h"
#include "evict.h"
#include "policy.h"
#include "stats.h"

#if CONFIG_MEM_CLUSTER

#define PICKS_MAX 8u /* times that a policy may ask to be called again for one frame */

/* Frames in hand. */
struct spare {
	uint32_t frame[QR_CLUSTER_MAX];
	uint32_t count;
	uint32_t sink; /* where gaps are read to, or QR_NO_INDEX */
};

/* Is it at its place in the store, and nowhere else, or there and in a frame? */
static enum qr_beside look(const struct qr_cluster *cluster, uint32_t index)
{
	uint32_t page = cluster->first + index;
	arch_page_t now = arch_page_state(qr_page_addr(page));
	uint32_t location = qr_cluster_location(cluster, index);
	uint32_t frame = qr_paged_frame(page, now);

	if (frame != QR_NO_INDEX) {
		return k_mem_frame_evictable(frame) && (qr_frames[frame] & QR_FRAME_BACKED) &&
				       qr_frame_location(qr_frames[frame]) == location
			       ? QR_BESIDE_GAP
			       : QR_BESIDE_STOP;
	}
	if (!qr_page_is_mapped(now) || (now & ARCH_DATA_PAGE_LOADED) ||
	    ARCH_TOKEN_KIND(arch_page_token(now)) != ARCH_TOKEN_LOCATION) {
		return QR_BESIDE_STOP;
	}
	/* a location of no store has no history, and a store of its own */
	return qr_location_with(ARCH_TOKEN_VALUE(arch_page_token(now)), 0) == location
		       ? QR_BESIDE_WANT
		       : QR_BESIDE_STOP;
}

/* Pages that could be fetched now. */
static uint32_t count_fetches(struct qr_cluster *cluster, struct qr_hold *hold)
{
	uint32_t count = 0;

	for (uint32_t step = 1; step != 0; step = step == 1 ? -1u : 0) {
		uint32_t index = qr_cluster_next(cluster, cluster->mine, step, look, hold);

		while (index < cluster->size) {
			count++;
			index = qr_cluster_next(cluster, index, step, look, hold);
		}
	}
	return count;
}

/* 2: a frame, without waiting for somebody else's; QR_NO_INDEX: not now. */
static uint32_t frame_now(struct qr_hold *hold)
{
	uint32_t frame = qr_frame_take();
	int status = -EAGAIN;

	for (uint32_t i = 0; frame == QR_NO_INDEX && status == -EAGAIN && i < PICKS_MAX; i++) {
		qr_breathe(hold);
		status = qr_policy_pick(&frame, hold);
		if (status != 0) {
			frame = QR_NO_INDEX;
		}
	}
	if (status == 0 && qr_evict(frame, hold) != 0) {
		return QR_NO_INDEX;
	}
	return frame;
}

static void gather(struct spare *spare, uint32_t count, struct qr_hold *hold)
{
	spare->count = 0;
	spare->sink = QR_NO_INDEX;
	qr_clean_call();
	while (spare->count < count) {
		uint32_t frame = frame_now(hold);

		if (frame == QR_NO_INDEX) {
			return;
		}
		spare->frame[spare->count++] = frame;
	}
}

/* 3: a page that is in a frame keeps it BUSY while its slot is read in vain. What stays true of the
 * page, BACKED and where, stays in the frame's word, so that whoever changes it meanwhile has
 * changed it. */
static void join_gap(struct qr_cluster *cluster, uint32_t index, struct spare *spare)
{
	uint32_t page = cluster->first + index;
	uint32_t frame = qr_paged_frame(page, arch_page_state(qr_page_addr(page)));
	const uint32_t flags = QR_FRAME_AHEAD | QR_FRAME_WRITTEN;

	if (spare->sink == QR_NO_INDEX) {
		spare->sink = spare->frame[--spare->count];
	}
	cluster->frame[index] = frame;
	cluster->phys[index] = (uintptr_t)qr_frame_phys(spare->sink);
	cluster->flags[index] = (uint8_t)(QR_FRAME_MAPPED | (qr_frames[frame] & flags));
	qr_frames[frame] = (qr_frames[frame] & ~(uint64_t)flags) | QR_FRAME_BUSY;
	qr_frame_table.busy_count++;
}

static void join_fetch(struct qr_cluster *cluster, uint32_t index, struct spare *spare)
{
	uint32_t page = cluster->first + index;
	void *virt = qr_page_addr(page);
	uint32_t location = ARCH_TOKEN_VALUE(arch_page_token(arch_page_state(virt)));
	uint32_t frame = spare->frame[--spare->count];

	cluster->frame[index] = frame;
	cluster->phys[index] = (uintptr_t)qr_frame_phys(frame);
	cluster->flags[index] = 0;
	arch_page_token_set(virt, ARCH_TOKEN(ARCH_TOKEN_BUSY, frame));
	qr_frames[frame] = qr_frame_word(page, location, QR_FRAME_BUSY);
}

/* 3: as the page is now. A gap comes only where there is a frame for what is behind it, too. */
static bool join_one(struct qr_cluster *cluster, uint32_t index, struct spare *spare)
{
	enum qr_beside what = look(cluster, index);

	if (what == QR_BESIDE_STOP || spare->count == 0 ||
	    (what == QR_BESIDE_GAP && spare->sink == QR_NO_INDEX && spare->count == 1)) {
		return false;
	}
	if (what == QR_BESIDE_GAP) {
		join_gap(cluster, index, spare);
	} else {
		join_fetch(cluster, index, spare);
	}
	cluster->lo = qr_min(cluster->lo, index);
	cluster->hi = index >= cluster->hi ? index + 1 : cluster->hi;
	return true;
}

/* 3: as far as there are frames, upwards and then downwards. */
static void join(struct qr_cluster *cluster, struct spare *spare, struct qr_hold *hold)
{
	for (uint32_t step = 1; step != 0; step = step == 1 ? -1u : 0) {
		uint32_t at = cluster->mine;
		uint32_t next = qr_cluster_next(cluster, at, step, look, hold);

		while (next < cluster->size && join_one(cluster, at + step, spare)) {
			at += step;
			qr_cluster_worked(cluster, QR_CLUSTER_JOIN, hold);
			next = at == next ? qr_cluster_next(cluster, at, step, look, hold) : next;
		}
	}
}

/* 5: a page that was read ahead, or was not. */
static void end_fetch(uint32_t frame, bool good)
{
	uint64_t word = qr_frames[frame];
	uint32_t location = qr_frame_location(word);
	uint32_t page = qr_frame_page(word);

	qr_wake(qr_frame_channel(frame));
	if (word & QR_FRAME_ORPHAN) {
		qr_slot_give(location);
		qr_frame_free(frame);
		return;
	}
	if (!good) {
		arch_page_token_set(qr_page_addr(page),
				    ARCH_TOKEN(ARCH_TOKEN_LOCATION, location));
		qr_frame_free(frame);
		return;
	}
	arch_mem_page_in(qr_page_addr(page), qr_frame_phys(frame), 0);
	qr_frames[frame] = qr_frame_word(page, qr_location_with(location, 0),
					 QR_FRAME_MAPPED | QR_FRAME_BACKED | QR_FRAME_AHEAD);
	qr_frame_table.busy_count--;
	qr_domain_came(page);
	qr_policy_came(frame, location, false);
	qr_frames_changed();
	QR_COUNT_ALL(transfer.prefetched, 1);
}

static void end(struct qr_cluster *cluster, bool good, struct qr_hold *hold)
{
	for (uint32_t i = cluster->lo; i < cluster->hi; i++) {
		if (i == cluster->mine) {
			continue;
		}
		if (cluster->flags[i] & QR_FRAME_MAPPED) {
			qr_cluster_let_go(cluster->frame[i], cluster->flags[i]);
		} else {
			end_fetch(cluster->frame[i], good);
		}
		qr_cluster_worked(cluster, QR_CLUSTER_JOIN, hold);
	}
}

static void free_spare(struct spare *spare)
{
	if (spare->sink != QR_NO_INDEX) {
		spare->frame[spare->count++] = spare->sink;
	}
	while (spare->count > 0) {
		qr_frame_free(spare->frame[--spare->count]);
	}
}

/* 3 to 5 with frames in hand: 0, or -EIO when the wanted page is still to be read. */
static int read_beside(struct qr_cluster *cluster, struct spare *spare, struct qr_hold *hold)
{
	int status = -EIO;

	join(cluster, spare, hold);
	if (cluster->hi - cluster->lo > 1) {
		status = qr_store_transfer_run(K_MEM_IO_READ,
					       qr_cluster_location(cluster, cluster->lo),
					       &cluster->phys[cluster->lo],
					       cluster->hi - cluster->lo, hold);
		end(cluster, status == 0, hold);
	}
	return status;
}

int qr_cluster_read(uint32_t frame, struct qr_hold *hold)
{
	uint32_t location = qr_frame_location(qr_frames[frame]);
	uint32_t page = qr_frame_page(qr_frames[frame]);
	struct qr_cluster cluster;
	uint32_t wanted, window;
	int status = -EIO;

	(void)qr_sleep_known(hold);
	window = hold->sleep == QR_SLEEP_YES ? qr_cluster_window(page, location, hold) : 1;
	qr_cluster_start(&cluster, page, frame, location, window);
	wanted = count_fetches(&cluster, hold);
	if (wanted > 0) {
		struct spare spare;

		gather(&spare, wanted + 1 < QR_CLUSTER_MAX ? wanted + 1 : wanted, hold);
		status = read_beside(&cluster, &spare, hold);
		free_spare(&spare);
	}
	return status == 0 ? 0
			   : qr_store_transfer(K_MEM_IO_READ, location, qr_frame_phys(frame), hold);
}

#endif /* CONFIG_MEM_CLUSTER */
