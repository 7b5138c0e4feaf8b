/* SPDX-License-Identifier: Apache-2.0 */
/*
 * liar.c - see liar.h. What is taken is done in the next poll.
 */
#include "liar.h"

#include <mm/store.h>

#include <port/strict/strict.h>

struct liar liar;

static struct k_mem_store inner;
static struct k_mem_store_ops ops;

/* A transfer that is over for the core, and not for the liar. */
static struct k_mem_io *ghost;
static k_mem_io_done_t ghost_done;

static int inner_submit(struct k_mem_io *io)
{
	return inner.ops->submit(inner.context, io);
}

static bool tells(enum liar_lie lie)
{
	if (liar.lie != lie) {
		return false;
	}
	liar.lie = LIAR_TRUTH;
	liar.told++;
	return true;
}

static void put_off(struct k_mem_io *io)
{
	struct k_mem_io **link = &liar.waiting;

	while (*link != NULL) {
		link = &(*link)->next;
	}
	io->next = NULL;
	*link = io;
}

static int submit(void *context, struct k_mem_io *io)
{
	(void)context;
	if (tells(LIAR_AFTER_ERROR)) {
		ghost = io;
		ghost_done = io->done;
		return K_MEM_IO_FAILED;
	}
	if (tells(LIAR_AFTER_COMPLETE)) {
		ghost = io;
		ghost_done = io->done;
		return inner_submit(io);
	}
	if (tells(LIAR_INSIDE)) {
		io->done(io, inner_submit(io));
		return liar.taken;
	}
	if (tells(LIAR_INSIDE_ERROR)) {
		io->done(io, K_MEM_IO_FAILED);
		return K_MEM_IO_FAILED;
	}
	if (tells(LIAR_AFTER_FULL)) {
		io->done(io, 0);
		return K_MEM_IO_FULL;
	}
	if (tells(LIAR_INSIDE_COMPLETE)) {
		io->done(io, inner_submit(io));
		return K_MEM_IO_DONE;
	}
	if (tells(LIAR_ANSWER_POSITIVE)) {
		return CONFIG_MMU_PAGE_SIZE;
	}
	if (tells(LIAR_ANSWER_WILD)) {
		return -100000;
	}
	if (tells(LIAR_ANSWER_ERRNO)) {
		return -19;
	}
	put_off(io);
	return liar.taken;
}

static void end(struct k_mem_io *io)
{
	static struct k_mem_io stranger;

	if (tells(LIAR_STRANGER)) {
		stranger = *io;
		io->done(&stranger, 0);
	} else if (tells(LIAR_POSITIVE)) {
		io->done(io, 1);
	} else if (tells(LIAR_UNKNOWN)) {
		io->done(io, -99999);
	} else if (tells(LIAR_TWICE)) {
		io->done(io, inner_submit(io));
		io->done(io, 0);
	} else {
		io->done(io, inner_submit(io));
	}
}

void liar_poll(void)
{
	struct k_mem_io *io = ghost;

	ghost = NULL;
	if (io != NULL) {
		ghost_done(io, 0);
	}
	while ((io = liar.waiting) != NULL) {
		liar.waiting = io->next;
		end(io);
	}
}

static void poll(void *context)
{
	(void)context;
	liar_poll();
}

static int reserve(void *context, uint32_t *slot)
{
	int status = inner.ops->reserve(inner.context, slot);

	(void)context;
	if (status == 0 && tells(LIAR_SLOT_BEYOND)) {
		inner.ops->release(inner.context, *slot);
		*slot += inner.slot_count;
	}
	if (status != 0 && liar.lie == LIAR_SLOTS_MORE) {
		liar.told++;
		*slot = 0;
		return 0;
	}
	return status;
}

static void release(void *context, uint32_t slot)
{
	(void)context;
	inner.ops->release(inner.context, slot);
}

static void retire(void *context, uint32_t slot)
{
	(void)context;
	inner.ops->retire(inner.context, slot);
}

void liar_wrap(struct k_mem_store *store)
{
	inner = *store;
	ops = (struct k_mem_store_ops){
		.name = "liar", .reserve = reserve, .release = release, .retire = retire,
		.submit = submit, .poll = poll,
	};
	liar = (struct liar){.taken = K_MEM_IO_TAKEN};
	ghost = NULL;
	store->ops = &ops;
	store->context = &liar;
	strict_poll_add(store);
}

void liar_poll_none(void)
{
	ops.poll = NULL;
}

void liar_start(unsigned int store)
{
	liar_wrap(&qr_store_table.store[store]);
}
