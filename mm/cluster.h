/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster.h - several pages in one request: pages beside the one that is read or written, whose
 * slots lie beside its slot. Lock held; what takes a hold lets go of it.
 *
 *     pages     first                 mine                    + QR_CLUSTER_MAX
 *               |   .   .  [ R   R   GAP  M   R ]  .   .   |  one request, [lo, hi)
 *     slots                s-3 s-2  s-1   s  s+1
 *
 * How far to reach is the store's cost of a request (store.c) and, for reads, what was learned
 * about this part of the space (cluster.c). Nothing here is needed for the core to be right: any
 * page may be left out, and after an error each page of the request is tried alone. Without
 * CONFIG_MEM_CLUSTER there is no such function, and nobody calls one.
 */
#ifndef QR_MM_CLUSTER_H
#define QR_MM_CLUSTER_H

#include "frame.h"
#include "store.h"

struct qr_cluster {
	uint32_t first;    /* the page of index 0; arrays go by page - first */
	uint32_t size;     /* pages that may be in it */
	uint32_t mine;     /* the page that the request is for */
	uint32_t lo, hi;   /* those that are in it */
	uint32_t location; /* of `mine`, without history */
	uint32_t work;     /* done since the lock was let go, in entries */
	uint32_t sets_since; /* arch_mem_work when the lock was taken */
	uint32_t frame[QR_CLUSTER_MAX];  /* whose flag BUSY is ours */
	uintptr_t phys[QR_CLUSTER_MAX];  /* from or to which */
	/* 0, or of a page that stays: MAPPED, and AHEAD and WRITTEN, whose bits its BUSY frame
	 * needs for something else; for a write BACKED, if its slot had the content before */
	uint8_t flags[QR_CLUSTER_MAX];
};

/* What was learned: cluster.c. */
extern int8_t qr_cluster_steps[CONFIG_MEM_CLUSTER_REGIONS];

/* What a page beside those in the request is to it. */
enum qr_beside {
	QR_BESIDE_STOP, /* it cannot be in it: the request ends before it */
	QR_BESIDE_WANT, /* better with it */
	QR_BESIDE_GAP,  /* better without, if that were not another request for one behind it */
};
typedef enum qr_beside (*qr_beside_t)(const struct qr_cluster *cluster, uint32_t index);

/* The next page that is wanted, from `index` on in steps of +1 or -1, gaps between; cluster->size:
 * there is none. `beside` is not asked about indexes outside, nor beyond the store's ends. May let
 * go of the lock: who joins a page looks again. */
uint32_t qr_cluster_next(struct qr_cluster *cluster, uint32_t index, uint32_t step,
			 qr_beside_t beside, struct qr_hold *hold);

/* What is done for a page, in entries as CONFIG_MEM_BATCH counts them. */
#define QR_CLUSTER_LOOK 5u
#define QR_CLUSTER_JOIN 24u

/* So much was done; lets go of the lock after a batch. */
QR_INLINE void qr_cluster_worked(struct qr_cluster *cluster, uint32_t entries, struct qr_hold *hold)
{
	cluster->work += entries;
	if (cluster->work + QR_CLUSTER_JOIN > CONFIG_MEM_BATCH ||
	    qr_sets_worked(cluster->sets_since)) {
		cluster->work = 0;
		qr_breathe(hold);
		cluster->sets_since = arch_mem_work;
	}
}

/* The store of this index was registered: how many pages a request of it is to move. */
void qr_cluster_plan(uint32_t index);

/* Only this page: in this frame, at this location; others up to an aligned `size` around it. */
void qr_cluster_start(struct qr_cluster *cluster, uint32_t page, uint32_t frame, uint32_t location,
		      uint32_t size);

/* Where the page of an index must be to be in the request. */
QR_INLINE uint32_t qr_cluster_location(const struct qr_cluster *cluster, uint32_t index)
{
	return cluster->location + index - cluster->mine;
}

/* A page that stayed mapped while its frame was BUSY for a request: so no longer. Whether its
 * location has the content (BACKED) is in the frame's word; flags: AHEAD, WRITTEN. */
void qr_cluster_let_go(uint32_t frame, uint32_t flags);

/* Was the page in a frame with this word read ahead, and not seen used so far? */
QR_INLINE bool qr_cluster_ahead(uint64_t word)
{
	return CONFIG_MEM_CLUSTER && QR_UNLIKELY(word & QR_FRAME_AHEAD);
}

/* The page in a frame that is AHEAD was, or was not, used while it was there. */
void qr_cluster_learn(uint32_t frame, bool used);
QR_INLINE void qr_cluster_judge(uint32_t frame, bool used)
{
	if (CONFIG_MEM_CLUSTER) {
		qr_cluster_learn(frame, used);
	}
}

/* How many pages to read for this one that is at this location. Lets go of the lock. */
uint32_t qr_cluster_window(uint32_t page, uint32_t location, struct qr_hold *hold);

/* Read the page that is on its way into the BUSY frame, and others beside it, which are then
 * AHEAD. 0, -EIO or -EBUSY for this page alone, which is all where the holder may not sleep. */
int qr_cluster_read(uint32_t frame, struct qr_hold *hold) QR_MUST_CHECK;

/* Write the page that is on its way out of the frame (BUSY and OUT), and others beside it that are
 * dirty and unused, which stay mapped. 0, -EIO or -EBUSY for this page alone. */
int qr_cluster_write(uint32_t frame, struct qr_hold *hold) QR_MUST_CHECK;

#endif /* QR_MM_CLUSTER_H */
