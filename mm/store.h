/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - the registered stores, locations, and transfers.
 *
 * Location numbers (quire/store.h) name a store by index and a slot. The last store index
 * is no store: it is where content is that needs none, zeros and don't-care.
 *
 *    29   27 26              slot_bits        0
 *   +-------+-------------------+--------------+
 *   | store |      history      |     slot     |
 *   +-------+-------------------+--------------+
 *
 * No registered store has slots enough to need all bits of a slot. In the token of a page that
 * is in no frame, and in the word of a BUSY frame, the bits above hold what the eviction policy
 * wants to know of the page when it comes back (docs/decisions/). A location in the word of
 * a MAPPED frame is bare, and so is one of no store.
 */
#ifndef QR_MM_STORE_H
#define QR_MM_STORE_H

#include <quire/store.h>

#include "frame.h"
#include "stats.h"

#define QR_STORE_NONE      7u
#define QR_LOCATION_ZERO   ((uint32_t)K_MEM_LOCATION(QR_STORE_NONE, 0))
#define QR_LOCATION_UNINIT ((uint32_t)K_MEM_LOCATION(QR_STORE_NONE, 1))

/* Pages that one transfer moves at most. */
#define QR_CLUSTER_MAX 32u

/* Requests and the pages that they moved. */
struct qr_flow {
	uint32_t requests;
	uint32_t pages;
};

/* What copies pages of a store, one at a time; no function: nothing does, they are transfers. */
struct qr_copier {
	void (*copy)(void *context, enum k_mem_io_op op, uint32_t slot, void *page);
	void *context;
};

struct qr_store_table {
	struct k_mem_store store[CONFIG_MEM_STORES_MAX];
	struct qr_copier copier[QR_STORE_NONE + 1]; /* also of no store */
	uint32_t count;
	uint32_t paging;     /* index of the store that pages go to, or QR_STORE_NONE */
	uint32_t free_slots; /* slots of the paging store that are not in use */
	uint32_t in_flight;  /* transfers that a store has taken and not ended */
	uint32_t ended;      /* transfers that ended so far; where this came round during a submit()
			      * one waits in vain, until the next ends: one is in flight */
	uint32_t slot_bits;  /* that the largest store needs, at least 1 */
	uint32_t slot_mask;  /* as many ones */
	uint32_t bare_mask;  /* of a location's bits: all but those of its history */
	uint64_t word_mask;  /* the same of a frame's word, with all that is not its location */
	/* pages that one request is to move at most, powers of two; 1: one by one (cluster.h) */
	uint8_t read_pages[CONFIG_MEM_STORES_MAX];
	uint8_t write_pages; /* to the paging store */
	bool homes;          /* pages get slots that lie as they do */
	/* from and to the paging store, lately; counted where requests have a cost */
	struct qr_flow read, written;
};
extern struct qr_store_table qr_store_table;

QR_INLINE uint32_t qr_location_store(uint32_t location)
{
	return location >> K_MEM_LOCATION_SLOT_BITS;
}
QR_INLINE uint32_t qr_location_slot(uint32_t location)
{
	return location & qr_store_table.slot_mask;
}

/* Is there any history? */
#define QR_LEARNS (CONFIG_EVICTION_LEARN || CONFIG_EVICTION_HAZARD)

/* The history that a location carries; 0: none. */
QR_INLINE uint32_t qr_location_history(uint32_t location)
{
	return (location & (K_MEM_SLOTS_MAX - 1u)) >> qr_store_table.slot_bits;
}

/* The location without its history, the word of a frame with such a one, and a location of a store
 * with another history. */
QR_INLINE uint32_t qr_location_bare(uint32_t location)
{
	return QR_LEARNS ? location & qr_store_table.bare_mask : location;
}
QR_INLINE uint64_t qr_word_bare(uint64_t word)
{
	return word & qr_store_table.word_mask;
}
QR_INLINE uint32_t qr_location_with(uint32_t location, uint32_t history)
{
	return qr_location_bare(location) |
	       (QR_LEARNS ? history << qr_store_table.slot_bits : 0);
}

/* Is the location a slot that the mapping owns: one of a store that can be written? */
QR_INLINE bool qr_location_owned(uint32_t location)
{
	uint32_t store = qr_location_store(location);

	return store != QR_STORE_NONE &&
	       !(CONFIG_MEM_STORED && qr_store_table.store[store].read_only);
}

/* Is the content safe without a slot or a frame of its own: in a read-only store? */
QR_INLINE bool qr_location_image(uint32_t location)
{
	uint32_t store = qr_location_store(location);

	return CONFIG_MEM_STORED && store != QR_STORE_NONE &&
	       qr_store_table.store[store].read_only;
}

/* Slots that the caller of k_mem_map_stored reserved now belong to the mapping. Lock held. */
QR_INLINE void qr_slots_adopt(uint32_t location, uint32_t count)
{
	if (qr_location_store(location) == qr_store_table.paging) {
		qr_store_table.free_slots -= count;
	}
}

/* -EINVAL: no such store, or slots beyond its end. stored.c */
int qr_location_check(uintptr_t location, uint32_t count) QR_MUST_CHECK;

/* Take a slot of the paging store. -ENOSPC. Lock held. */
int qr_slot_take(uint32_t *location) QR_MUST_CHECK;

/* The same, as near to the location's slot of the paging store as can be. */
int qr_slot_take_near(uint32_t near, uint32_t *location) QR_MUST_CHECK;

/* The slot's content is no longer wanted; nothing to do for locations that are not owned.
 * Lock held. */
void qr_slot_give(uint32_t location);

/* A write to the slot failed: never use it again. Lock held. */
void qr_slot_retire(uint32_t location);

/* A write to the slot ended with `status`, and what it was for does not keep it: retired where the
 * write failed, else given back. Lock held. */
QR_INLINE void qr_slot_written(uint32_t location, int status)
{
	if (status == 0 || status == -EBUSY) {
		qr_slot_give(location);
	} else {
		qr_slot_retire(location);
	}
}

/* Are pages of this location copied? */
QR_INLINE bool qr_store_copies(uint32_t location)
{
	return qr_store_table.copier[qr_location_store(location)].copy != NULL;
}

/* Then copy one between its slot and the frame at `phys`, which must be BUSY. Lets go of the lock
 * meanwhile. */
QR_INLINE void qr_store_copy(enum k_mem_io_op op, uint32_t location, uint64_t phys,
			     struct qr_hold *hold)
{
	const struct qr_copier *copier = &qr_store_table.copier[qr_location_store(location)];
	uint32_t start = qr_stats_time();
	struct qr_window window;

	qr_unlock(hold);
	window = qr_window_open(phys);
	copier->copy(copier->context, op, qr_location_slot(location), window.page);
	qr_window_close(window);
	qr_relock(hold);
	qr_stats_copied(op, qr_stats_time() - start);
}

/* Move one page between its slot and the frame at `phys` and wait for the end. 0 or -EIO; or
 * -EBUSY: the store cannot serve this context, nothing was moved and nothing is broken. Lets
 * go of the lock meanwhile; the frame must be BUSY. */
int qr_store_transfer(enum k_mem_io_op op, uint32_t location, uint64_t phys, struct qr_hold *hold)
	QR_MUST_CHECK;

/* The same for `count` pages, up to QR_CLUSTER_MAX, in consecutive slots from `location` on. After
 * an error nothing is known of any of them, and it is not counted: who asked tries each alone. */
int qr_store_transfer_run(enum k_mem_io_op op, uint32_t location, const uintptr_t *phys,
			  uint32_t count, struct qr_hold *hold) QR_MUST_CHECK;

/* Let every store look for completed transfers. Called without the lock. */
void qr_stores_poll(void);

/* Register stores that were checked. */
void qr_stores_init(const struct k_mem_store *stores, size_t count);

#endif /* QR_MM_STORE_H */
