/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - a store for tests that stands in front of another store, which does the work at
 * once (RAM, image). It panics when the core breaks the contract of quire/store.h, and on
 * request it is late, short of room, out of order, or fails.
 *
 * It panics at: reserve, release and retire without the mm lock; submit and poll with it; a copy
 * with it, or with interrupts on;
 * a transfer of no or too many pages, from or to a frame that is not page-aligned, of a slot
 * that is not reserved or beyond the end, or in which a transfer is under way (quire/store.h
 * has an exception); the release or retirement of a slot that is not reserved or is in transfer.
 */
#ifndef PORT_STRICT_STORE_H
#define PORT_STRICT_STORE_H

#include <quire/store.h>

struct strict_store {
	/* what it stands in front of, and a byte for each slot, zeroed */
	struct k_mem_store inner;
	uint8_t *slots;

	/* switches; 0 and NULL: complete in submit, any number in flight, no failures */
	unsigned int late;      /* transfers end in the n-th poll after they started */
	unsigned int room;      /* above that many in flight submit answers -EAGAIN */
	bool backwards;         /* transfers that are due end last first */
	/* set before strict_store_init: copy() has the pages that go alone, and the other switches
	 * are of requests of several */
	bool copies;
	/* K_MEM_IO_DONE, FAILED or NOT_HERE, asked once */
	int (*verdict)(void *argument, const struct k_mem_io *io);
	void *argument;

	/* what happened */
	unsigned long reads;    /* pages that arrived */
	unsigned long writes;
	unsigned long copied;   /* of the pages that arrived, and were written: by copy() */
	unsigned long failures; /* transfers */
	unsigned long not_here; /* transfers that were not started for the context */
	uint32_t reserved;      /* slots, without the retired ones */
	uint32_t retired;
	unsigned int in_flight;

	struct k_mem_io *first; /* in flight, oldest first */
};

/* Make `store` a store through `strict`, whose `inner`, `slots` and switches are set. Switches
 * may be changed at any time. It must be polled: strict_poll_add(). */
void strict_store_init(struct k_mem_store *store, struct strict_store *strict);

#endif /* PORT_STRICT_STORE_H */
