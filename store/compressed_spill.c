/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compressed_spill.c - from the pool to the lower store, oldest first.
 *
 *     IDLE --(1)--> FILLING --(2)--> QUEUED --(3)--> IDLE
 *                      |                ^
 *                      +--(2')----------+--> IDLE, the entry is the oldest again
 *
 * (1) takes the oldest entry out of the order and marks its slot SPILLING. (2) decompresses it
 * into the spill's page, from which the lower store writes; (2') where the lower store has no
 * room for a request or cannot serve this context, or the buffer is somebody's for whom the caller
 * cannot wait. (3) when the
 * write has ended, wherever that is noticed: if it succeeded, and the record still has the
 * entry, the content is the lower store's now. If it failed, the entry stays where it is, out
 * of the order, and the slot is BAD.
 *
 * Until (3) the entry can be read. The core may also write or release the slot meanwhile: the
 * record lets go of the entry, and what the spill wrote means nothing. There is one spill of a
 * slot at a time.
 *
 * Spills start before the pool is full, when a write leaves less than two large entries free,
 * so that the next write need not wait for one.
 *
 * Lock: the mm lock around (1) and (3).
 */
#include "compressed.h"

#include <quire/host.h>

#if CONFIG_BACKING_STORE_COMPRESSED

enum { IDLE = QR_SPILL_IDLE, FILLING, QUEUED };

/* So much should be free, or on its way to be. */
#define CHUNKS_WANTED (2u * QR_POOL_ENTRY_CHUNKS)

void qr_spill_init(struct k_mem_compressed *c)
{
	c->spilling = 0;
	c->leaving = 0;
	for (uint32_t i = 0; i < c->spill_count; i++) {
		size_t offset = (size_t)i * CONFIG_MMU_PAGE_SIZE;

		c->spills[i].store = c;
		c->spills[i].page = (uint8_t *)c->spill_pages + offset;
		c->spills[i].frame = c->spill_phys + offset;
		c->spills[i].state = IDLE;
		c->spills[i].turn = 0;
	}
}

static struct k_mem_compressed_spill *idle_find(struct k_mem_compressed *c)
{
	for (uint32_t i = 0; i < c->spill_count; i++) {
		if (c->spills[i].state == IDLE) {
			return &c->spills[i];
		}
	}
	return NULL;
}

/* (1). NULL: enough is free, nothing can be spilled, or all spills are under way. */
static struct k_mem_compressed_spill *spill_begin(struct k_mem_compressed *c)
{
	qr_port_key_t key = qr_port_lock();
	struct k_mem_compressed_spill *spill = NULL;
	uint32_t entry = c->oldest;

	if (entry != QR_COMPRESSED_NOWHERE && qr_pool_free_chunks(c) + c->leaving < CHUNKS_WANTED &&
	    !(c->slots[qr_pool_slot(c, entry)].state & QR_SLOT_SPILLING)) {
		spill = idle_find(c);
	}
	if (spill != NULL) {
		spill->state = FILLING;
		spill->turn++;
		spill->entry = entry;
		spill->slot = qr_pool_slot(c, entry);
		qr_pool_order_leave(c, entry);
		qr_pool_need(c, entry);
		c->slots[spill->slot].state |= QR_SLOT_SPILLING;
		c->spilling++;
		c->leaving += qr_pool_chunks(c, entry);
	}
	qr_port_unlock(key);
	return spill;
}

/* The lower slot cannot be written: what it was for stays, and is not tried again. */
static void slot_bad(struct k_mem_compressed *c, struct k_mem_compressed_slot *record)
{
	record->state |= QR_SLOT_BAD;
	if ((record->state & QR_SLOT_KIND) == QR_SLOT_POOL) {
		qr_pool_order_leave(c, record->value);
	}
	c->stats.spill_errors++;
}

/* (3), or (2') with K_MEM_IO_FULL or K_MEM_IO_NOT_HERE. */
static void spill_end(struct k_mem_compressed_spill *spill, int status)
{
	struct k_mem_compressed *c = spill->store;
	qr_port_key_t key = qr_port_lock();
	struct k_mem_compressed_slot *record = &c->slots[spill->slot];
	bool current = (record->state & QR_SLOT_KIND) == QR_SLOT_POOL &&
		       record->value == spill->entry;

	QR_ASSERT(spill->state != IDLE && "a store ended a transfer that is not under way");
	record->state &= ~(uint32_t)QR_SLOT_SPILLING;
	c->spilling--;
	c->leaving -= qr_pool_chunks(c, spill->entry);
	if (status == 0) {
		c->stats.spilled++;
		if (current) {
			qr_compressed_drop(c, spill->slot);
		}
	} else if (status != K_MEM_IO_FULL && status != K_MEM_IO_NOT_HERE) {
		slot_bad(c, record);
	} else if (current) {
		qr_pool_order_oldest(c, spill->entry);
	}
	qr_pool_let_go(c, spill->entry);
	spill->state = IDLE;
	qr_compressed_give_up(c, spill->slot);
	qr_host_wakeup(c->spills);
	qr_port_unlock(key);
}

static void spill_done(struct k_mem_io *io, int status)
{
	struct k_mem_compressed_spill *spill = io->context;

	QR_ASSERT(io == &spill->io && "a store ended a transfer that is not under way");
	spill_end(spill, status == 0 ? K_MEM_IO_DONE : K_MEM_IO_FAILED);
}

/* The page as it was. K_MEM_IO_NOT_HERE: the buffer is somebody's. */
static int spill_fill(struct k_mem_compressed *c, struct k_mem_compressed_spill *spill, bool sleeps)
{
	uint32_t bytes;
	int status;

	if (!qr_compressed_take(c, sleeps)) {
		return K_MEM_IO_NOT_HERE;
	}
	bytes = qr_pool_get(c, spill->entry, c->packed);
	status = c->compressor->decompress(c->packed, bytes, spill->page);
	qr_compressed_give(c);
	return status == 0 ? K_MEM_IO_DONE : K_MEM_IO_FAILED;
}

/* The lower store has the request: from now on it ends whatever becomes of this thread. Perhaps
 * it has ended already, and the spill is another one. */
static void spill_queued(struct k_mem_compressed_spill *spill, uint32_t turn)
{
	qr_port_key_t key = qr_port_lock();

	if (spill->turn == turn && spill->state == FILLING) {
		spill->state = QUEUED;
	}
	qr_port_unlock(key);
}

/* (2). false: (2'). */
static bool spill_go_on(struct k_mem_compressed *c, struct k_mem_compressed_spill *spill,
			bool sleeps)
{
	uint32_t turn = spill->turn;
	int status = spill_fill(c, spill, sleeps);

	if (status == 0) {
		spill->io.op = K_MEM_IO_WRITE;
		spill->io.slot = spill->slot;
		spill->io.page_count = 1;
		spill->io.frames = &spill->frame;
		spill->io.done = spill_done;
		spill->io.context = spill;
		status = k_mem_io_answer(c->lower.ops->submit(c->lower.context, &spill->io));
	}
	if (status == K_MEM_IO_TAKEN) {
		spill_queued(spill, turn);
		return true;
	}
	spill_end(spill, status);
	return status != K_MEM_IO_FULL && status != K_MEM_IO_NOT_HERE;
}

void qr_spill_some(struct k_mem_compressed *c, bool sleeps)
{
	/* each gives back a chunk at least, at once or later */
	for (uint32_t i = 0; i < CHUNKS_WANTED; i++) {
		struct k_mem_compressed_spill *spill = spill_begin(c);

		if (spill == NULL || !spill_go_on(c, spill, sleeps)) {
			return;
		}
	}
}

bool qr_spill_wait(struct k_mem_compressed *c, bool sleeps)
{
	for (uint32_t waits = 0; waits < QR_SPILL_WAITS_MAX; waits++) {
		qr_port_key_t key;
		bool room, wait;

		qr_spill_some(c, sleeps);
		key = qr_port_lock();
		room = qr_pool_free_chunks(c) >= QR_POOL_ENTRY_CHUNKS;
		wait = !room && sleeps && c->spilling > 0;
		if (wait) {
			key = qr_host_sleep(c->spills, key);
		}
		qr_port_unlock(key);
		if (!wait) {
			return room;
		}
	}
	return false;
}

int qr_spill_submit(struct k_mem_compressed *c, struct k_mem_io *io, bool sleeps,
		    unsigned long *counter)
{
	uint32_t waits = 0;
	bool again;
	int status;

	do {
		qr_port_key_t key;

		status = k_mem_io_answer(c->lower.ops->submit(c->lower.context, io));
		key = qr_port_lock();
		again = status == K_MEM_IO_FULL && sleeps && c->spilling > 0 &&
			++waits < QR_SPILL_WAITS_MAX;
		if (again) {
			key = qr_host_sleep(c->spills, key);
		} else if (status == K_MEM_IO_DONE || status == K_MEM_IO_TAKEN) {
			(*counter)++;
		}
		qr_port_unlock(key);
	} while (again);
	return status;
}

int qr_spill_settle(struct k_mem_compressed *c, uint32_t slot, bool sleeps, qr_port_key_t *key)
{
	while (c->slots[slot].state & QR_SLOT_SPILLING) { /* until the write has ended */
		if (!sleeps) {
			for (uint32_t i = 0; i < c->spill_count; i++) {
				if (c->spills[i].state == QUEUED && c->spills[i].slot == slot) {
					return K_MEM_IO_FULL;
				}
			}
			return K_MEM_IO_NOT_HERE;
		}
		*key = qr_host_sleep(c->spills, *key);
	}
	return c->slots[slot].state & QR_SLOT_BAD ? K_MEM_IO_FAILED : K_MEM_IO_DONE;
}

#endif /* CONFIG_BACKING_STORE_COMPRESSED */
