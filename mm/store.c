/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.c - registered stores, slots, and waiting for one transfer.
 */
#include "store.h"

#include "charge.h"
#include "cluster.h"
#include "frame.h"
#include "policy.h"
#include "stats.h"

struct qr_store_table qr_store_table;

void qr_stores_init(const struct k_mem_store *stores, size_t count)
{
	struct qr_store_table *table = &qr_store_table;

	*table = (struct qr_store_table){
		.count = (uint32_t)count, .paging = QR_STORE_NONE, .slot_bits = 1};
	for (uint32_t i = 0; i < count; i++) {
		table->store[i] = stores[i];
		while ((stores[i].slot_count - 1) >> table->slot_bits != 0) {
			table->slot_bits++;
		}
		if (!stores[i].read_only && table->paging == QR_STORE_NONE) {
			table->paging = i;
			table->free_slots = stores[i].slot_count;
		}
		if (CONFIG_MEM_CLUSTER) {
			qr_cluster_plan(i);
		}
		if (table->read_pages[i] <= 1) {
			table->copier[i] =
				(struct qr_copier){stores[i].ops->copy, stores[i].context};
		}
	}
	table->slot_mask = (1u << table->slot_bits) - 1u;
	table->bare_mask = ~(K_MEM_SLOTS_MAX - (1u << table->slot_bits));
	table->word_mask = (uint64_t)table->bare_mask << QR_FRAME_LOCATION_SHIFT |
			   (((uint64_t)1 << QR_FRAME_LOCATION_SHIFT) - 1);
}

/* What a store may hand out: a slot that it has, of those that are left. */
static void slot_check(const struct k_mem_store *store, uint32_t slot)
{
	QR_ASSERT(slot < store->slot_count && "a store handed out a slot that it does not have");
	QR_ASSERT(qr_store_table.free_slots > 0 && "a store handed out more slots than it has");
}

int qr_slot_take(uint32_t *location)
{
	struct qr_store_table *table = &qr_store_table;
	const struct k_mem_store *store;
	uint32_t slot;

	QR_ASSERT_LOCKED();
	if (table->paging == QR_STORE_NONE) {
		return -ENOSPC;
	}
	store = &table->store[table->paging];
	if (store->ops->reserve(store->context, &slot) != 0) {
		return -ENOSPC;
	}
	slot_check(store, slot);
	table->free_slots--;
	*location = (uint32_t)K_MEM_LOCATION(table->paging, slot);
	return 0;
}

int qr_slot_take_near(uint32_t near, uint32_t *location)
{
	struct qr_store_table *table = &qr_store_table;
	const struct k_mem_store *store = &table->store[table->paging];
	uint32_t slot;

	QR_ASSERT_LOCKED();
	if (store->ops->reserve_near(store->context, near % store->slot_count, &slot) != 0) {
		return -ENOSPC;
	}
	slot_check(store, slot);
	table->free_slots--;
	*location = (uint32_t)K_MEM_LOCATION(table->paging, slot);
	return 0;
}

void qr_slot_give(uint32_t location)
{
	if (!qr_location_owned(location)) {
		return;
	}

	uint32_t index = qr_location_store(location);
	const struct k_mem_store *store = &qr_store_table.store[index];

	store->ops->release(store->context, qr_location_slot(location));
	qr_frame_table.changes++;
	if (index == qr_store_table.paging) {
		qr_store_table.free_slots++;
	}
}

void qr_slot_retire(uint32_t location)
{
	uint32_t index = qr_location_store(location);
	const struct k_mem_store *store = &qr_store_table.store[index];

	QR_ASSERT(qr_location_owned(location));
	store->ops->retire(store->context, qr_location_slot(location));
	if (index == qr_store_table.paging) {
		qr_charge_slot_lost();
	}
}

void qr_stores_poll(void)
{
	for (uint32_t i = 0; i < qr_store_table.count; i++) {
		const struct k_mem_store *store = &qr_store_table.store[i];

		if (store->ops->poll != NULL) {
			store->ops->poll(store->context);
		}
	}
}

/* Pages on their way, on the stack of the thread that waits for it. */
struct transfer {
	struct k_mem_io io; /* its context is the transfer until it has ended, then NULL */
	uint32_t end; /* cycles, when it was done */
	int status;
	bool done;
};

static void transfer_done(struct k_mem_io *io, int status)
{
	struct transfer *transfer = (struct transfer *)io;
	struct qr_hold hold;

	qr_lock(&hold);
	QR_ASSERT(io->context == transfer && !transfer->done &&
		  "a store ended a transfer that is not under way");
	transfer->end = qr_stats_time();
	transfer->status = status;
	transfer->done = true;
	qr_store_table.in_flight--;
	qr_store_table.ended++;
	/* who waited for room before who will want it next, or equals wait for ever */
	qr_wake(&qr_store_table);
	qr_wake(transfer);
	qr_unlock(&hold);
}

/* The store had no room for a request when `ended` transfers had ended: let time pass until
 * another one has. Who can sleep does not poll, so that nobody comes between room and its being
 * told to all who wait for it, of whom the port lets the highest priority run first. But the queue
 * may be full of somebody else's requests, whose end we are not told. Returns whether
 * it polled. */
static bool wait_room(uint32_t ended, struct qr_hold *hold)
{
	if (qr_store_table.in_flight == 0) {
		qr_unlock(hold);
		qr_stores_poll();
		qr_relock(hold);
		return true;
	}
	if (qr_store_table.ended == ended) {
		qr_wait(&qr_store_table, hold);
	}
	return hold->sleep == QR_SLEEP_NO;
}

/* Hand the transfer to the store; what submit() said, the lock held again. */
static int submit(const struct k_mem_store *store, struct transfer *transfer, struct qr_hold *hold)
{
	uint32_t polls = 0;
	int status;

	for (;;) { /* until a request of others has ended; who polls for that does not for ever */
		uint32_t ended = qr_store_table.ended;

		qr_store_table.in_flight++; /* before the store can end it */
		qr_unlock(hold);
		status = k_mem_io_answer(store->ops->submit(store->context, &transfer->io));
		qr_relock(hold);
		if (status == K_MEM_IO_TAKEN) {
			QR_ASSERT(store->ops->poll != NULL &&
				  "a store took a transfer and has no poll()");
			return status;
		}
		QR_ASSERT(!transfer->done && "a store ended a transfer that it did not take");
		qr_store_table.in_flight--;
		if (status == K_MEM_IO_FULL && wait_room(ended, hold) &&
		    ++polls == CONFIG_MEM_POLLS_MAX) {
			status = K_MEM_IO_NOT_HERE;
		}
		if (status != K_MEM_IO_FULL) {
			/* who waits for room may have taken this one for what fills the store */
			qr_store_table.ended++;
			qr_wake(&qr_store_table);
			return status;
		}
	}
}

/* What is long ago counts less and less. */
static void flow_count(struct qr_flow *flow, uint32_t pages)
{
	flow->requests++;
	flow->pages += pages;
	if (flow->pages > UINT16_MAX) {
		flow->requests /= 2;
		flow->pages /= 2;
	}
}

/* Of a page that the flow moved, in 256ths: its own and its share of a request's. */
static uint32_t flow_cost(const struct qr_flow *flow, uint32_t request_cost)
{
	return 256u + (flow->pages == 0 ? request_cost
					: (uint32_t)((uint64_t)request_cost * flow->requests /
						     flow->pages));
}

uint32_t k_mem_dirty_weight(void)
{
	const struct qr_store_table *table = &qr_store_table;
	const struct k_mem_store *store;
	uint64_t read, write;

	if (table->paging == QR_STORE_NONE) {
		return 32;
	}
	store = &table->store[table->paging];
	read = flow_cost(&table->read, store->request_cost);
	write = flow_cost(&table->written, store->request_cost);
	write = write * (store->write_cost == 0 ? 256u : store->write_cost) / 256u;
	return 16u + (uint32_t)(write * 16u >= read ? write * 16u / read : 1);
}

int qr_store_transfer_run(enum k_mem_io_op op, uint32_t location, const uintptr_t *phys,
			  uint32_t count, struct qr_hold *hold)
{
	const struct k_mem_store *store = &qr_store_table.store[qr_location_store(location)];
	struct transfer transfer; /* not initialised as a whole: part of it is the store's */
	uint32_t start = qr_stats_time();
	int status;

	QR_ASSERT_LOCKED();
	transfer.done = false;
	transfer.io.op = op;
	transfer.io.slot = qr_location_slot(location);
	transfer.io.page_count = count;
	transfer.io.frames = phys;
	transfer.io.done = transfer_done;
	transfer.io.context = &transfer;
	status = submit(store, &transfer, hold);
	if (status == K_MEM_IO_TAKEN) {
		qr_policy_idle(hold);
		while (!transfer.done) { /* which the store promises */
			qr_wait(&transfer, hold);
		}
		status = transfer.status == 0 ? 0 : -EIO;
	} else {
		transfer.end = qr_stats_time();
	}
	transfer.io.context = NULL;
	if (status == K_MEM_IO_NOT_HERE) {
		return -EBUSY;
	}
	if (QR_LEARNS && store->request_cost != 0 && status == 0 &&
	    qr_location_store(location) == qr_store_table.paging) {
		flow_count(op == K_MEM_IO_READ ? &qr_store_table.read : &qr_store_table.written,
			   count);
	}
	if (status == 0 || count == 1) {
		qr_stats_transfer(op, status, count, transfer.end - start);
	}
	return status == 0 ? 0 : -EIO;
}

int qr_store_transfer(enum k_mem_io_op op, uint32_t location, uint64_t phys, struct qr_hold *hold)
{
	uintptr_t frame = (uintptr_t)phys;

	return qr_store_transfer_run(op, location, &frame, 1, hold);
}
