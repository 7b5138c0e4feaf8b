/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.c - the store that checks, delays and fails (store.h).
 *
 * A late transfer moves its pages only when it ends, so that a frame that was given away
 * too early is written into, or read from, while somebody else has it. The verdict is asked
 * in submit and kept with the request, where a failed one is never handed to the inner store.
 *
 * A read is overtaken by another of its slot in a context that cannot sleep. From then on the
 * slot is the later one's, and what becomes of the slot is no business of the earlier one.
 */
#include "store.h"

#include "strict.h"

enum slot_state { SLOT_FREE, SLOT_RESERVED, SLOT_MOVING, SLOT_RETIRED };

/* The two words of a request that are the store's while it is under way. */
enum { POLLS_LEFT, VERDICT };
/* Beside the verdict, an errno value, for each of the first pages of a request. */
#define OVERTAKEN(i) ((uintptr_t)0x10000u << (i))
#define OVERTAKEN_MAX 32u
#define VERDICT_MASK ((uintptr_t)0xffffu)

static void must(bool condition, const char *what)
{
	if (!condition) {
		qr_port_panic(what);
	}
}

/* ---- slots --------------------------------------------------------------------------- */

static int reserved(struct strict_store *strict, int status, uint32_t slot)
{
	if (status == 0) {
		must(strict->slots[slot] == SLOT_FREE, "a slot is reserved twice");
		strict->slots[slot] = SLOT_RESERVED;
		strict->reserved++;
	}
	return status;
}

static int strict_reserve(void *context, uint32_t *slot)
{
	struct strict_store *strict = context;
	int status;

	must(strict_locked(), "a slot is reserved without the mm lock");
	status = strict->inner.ops->reserve(strict->inner.context, slot);
	return reserved(strict, status, *slot);
}

static int strict_reserve_near(void *context, uint32_t near, uint32_t *slot)
{
	struct strict_store *strict = context;
	int status;

	must(strict_locked(), "a slot is reserved without the mm lock");
	must(near < strict->inner.slot_count, "a slot is reserved near one beyond the end");
	status = strict->inner.ops->reserve_near(strict->inner.context, near, slot);
	return reserved(strict, status, *slot);
}

static void slot_end(struct strict_store *strict, uint32_t slot, enum slot_state state)
{
	must(strict_locked(), "a slot is given up without the mm lock");
	must(slot < strict->inner.slot_count, "a slot beyond the end is given up");
	must(strict->slots[slot] != SLOT_MOVING, "a slot in transfer is given up");
	must(strict->slots[slot] == SLOT_RESERVED, "a slot that is not reserved is given up");
	strict->slots[slot] = (uint8_t)state;
	strict->reserved--;
}

static void strict_release(void *context, uint32_t slot)
{
	struct strict_store *strict = context;

	slot_end(strict, slot, SLOT_FREE);
	strict->inner.ops->release(strict->inner.context, slot);
}

static void strict_retire(void *context, uint32_t slot)
{
	struct strict_store *strict = context;

	slot_end(strict, slot, SLOT_RETIRED);
	strict->retired++;
	strict->inner.ops->retire(strict->inner.context, slot);
}

/* Nobody waits for the read of this slot any more, if the running context may have interrupted
 * the thread that does. */
static void overtake(struct strict_store *strict, uint32_t slot)
{
	if (strict->inner.read_only || qr_port_can_sleep()) {
		return;
	}
	for (struct k_mem_io *io = strict->first; io != NULL; io = io->next) {
		uint32_t i = slot - io->slot;

		if (io->op == K_MEM_IO_READ && i < io->page_count && i < OVERTAKEN_MAX &&
		    !(io->scratch[VERDICT] & OVERTAKEN(i))) {
			io->scratch[VERDICT] |= OVERTAKEN(i);
			strict->slots[slot] = SLOT_RESERVED;
		}
	}
}

/* ---- transfers ----------------------------------------------------------------------- */

static void io_check(const struct strict_store *strict, const struct k_mem_io *io)
{
	/* slots of a read-only store are nobody's; several readers may meet there */
	const enum slot_state wanted = strict->inner.read_only ? SLOT_FREE : SLOT_RESERVED;
	uint32_t slots = strict->inner.slot_count;

	must(!strict_locked(), "a transfer is started under the mm lock");
	must(io->done != NULL, "a transfer has no one to tell");
	must(io->page_count > 0 && io->page_count <= strict->inner.page_count_max,
	     "a transfer of no or too many pages");
	must(io->slot < slots && io->page_count <= slots - io->slot,
	     "a transfer beyond the last slot");
	for (uint32_t i = 0; i < io->page_count; i++) {
		must(io->frames[i] % CONFIG_MMU_PAGE_SIZE == 0, "a transfer of half a frame");
		must(strict->slots[io->slot + i] != SLOT_MOVING,
		     "two transfers of one slot at a time");
		must(strict->slots[io->slot + i] == wanted,
		     "a transfer of a slot that is not reserved");
	}
}

static void slots_move(struct strict_store *strict, const struct k_mem_io *io)
{
	if (strict->inner.read_only) {
		return;
	}
	for (uint32_t i = 0; i < io->page_count; i++) {
		strict->slots[io->slot + i] = SLOT_MOVING;
	}
}

/* The request is over, but not what overtook it. */
static void slots_end(struct strict_store *strict, const struct k_mem_io *io)
{
	for (uint32_t i = 0; i < io->page_count && !strict->inner.read_only; i++) {
		if (i >= OVERTAKEN_MAX || !(io->scratch[VERDICT] & OVERTAKEN(i))) {
			strict->slots[io->slot + i] = SLOT_RESERVED;
		}
	}
}

/* Move the pages, or fail. */
static int io_do(struct strict_store *strict, struct k_mem_io *io, int verdict)
{
	int status = verdict;

	if (status == K_MEM_IO_DONE) {
		status = strict->inner.ops->submit(strict->inner.context, io);
	}
	must(status != K_MEM_IO_TAKEN, "the inner store does not complete at once");
	if (status != 0) {
		strict->failures++;
	} else if (io->op == K_MEM_IO_READ) {
		strict->reads += io->page_count;
	} else {
		strict->writes += io->page_count;
	}
	return status;
}

static int strict_submit(void *context, struct k_mem_io *io)
{
	struct strict_store *strict = context;
	struct k_mem_io **link = &strict->first;
	int verdict = 0;

	if (io->op == K_MEM_IO_READ && io->page_count == 1 && io->slot < strict->inner.slot_count) {
		overtake(strict, io->slot);
	}
	io_check(strict, io);
	if (strict->room > 0 && strict->in_flight >= strict->room) {
		return K_MEM_IO_FULL;
	}
	if (strict->verdict != NULL) {
		verdict = strict->verdict(strict->argument, io);
	}
	if (verdict == K_MEM_IO_NOT_HERE) {
		strict->not_here++;
		return verdict;
	}
	if (strict->late == 0) {
		return io_do(strict, io, verdict);
	}
	slots_move(strict, io);
	io->scratch[POLLS_LEFT] = strict->late;
	io->scratch[VERDICT] = (uintptr_t)(unsigned int)-verdict;
	io->next = NULL;
	while (*link != NULL) {
		link = &(*link)->next;
	}
	*link = io;
	strict->in_flight++;
	return K_MEM_IO_TAKEN;
}

static void strict_copy(void *context, enum k_mem_io_op op, uint32_t slot, void *page)
{
	struct strict_store *strict = context;
	bool reads = op == K_MEM_IO_READ;

	must(!strict_locked(), "a page is copied under the mm lock");
	must(strict_masked(), "a page is copied and the window is not open");
	must(slot < strict->inner.slot_count, "a copy beyond the last slot");
	must(reads || !strict->inner.read_only, "a copy to a read-only store");
	must(strict->slots[slot] == (strict->inner.read_only ? SLOT_FREE : SLOT_RESERVED),
	     "a copy of a slot that is not reserved, or in transfer");
	strict->inner.ops->copy(strict->inner.context, op, slot, page);
	strict->copied++;
	strict->reads += reads ? 1 : 0;
	strict->writes += reads ? 0 : 1;
}

/* Take out the first request that is due, or the last, going backwards. */
static struct k_mem_io *due_take(struct strict_store *strict)
{
	struct k_mem_io **found = NULL;
	struct k_mem_io *io;

	for (struct k_mem_io **link = &strict->first; *link != NULL; link = &(*link)->next) {
		if ((*link)->scratch[POLLS_LEFT] == 0 && (found == NULL || strict->backwards)) {
			found = link;
		}
	}
	if (found == NULL) {
		return NULL;
	}
	io = *found;
	*found = io->next;
	strict->in_flight--;
	return io;
}

static void strict_poll(void *context)
{
	struct strict_store *strict = context;
	struct k_mem_io *io;

	must(!strict_locked(), "a store is polled under the mm lock");
	for (io = strict->first; io != NULL; io = io->next) {
		if (io->scratch[POLLS_LEFT] > 0) {
			io->scratch[POLLS_LEFT]--;
		}
	}
	while ((io = due_take(strict)) != NULL) {
		slots_end(strict, io);
		io->done(io, io_do(strict, io, -(int)(io->scratch[VERDICT] & VERDICT_MASK)));
	}
}

/* By whether the store is read-only, and whether it copies. */
#define READ_ONLY .submit = strict_submit, .poll = strict_poll
#define READ_WRITE                                                                            \
	READ_ONLY, .reserve = strict_reserve, .reserve_near = strict_reserve_near,            \
		.release = strict_release, .retire = strict_retire
static const struct k_mem_store_ops ops[2][2] = {
	{{.name = "strict", READ_WRITE}, {.name = "strict", READ_WRITE, .copy = strict_copy}},
	{{.name = "strict, read-only", READ_ONLY},
	 {.name = "strict, read-only", READ_ONLY, .copy = strict_copy}},
};

void strict_store_init(struct k_mem_store *store, struct strict_store *strict)
{
	*store = strict->inner;
	store->ops = &ops[strict->inner.read_only][strict->copies];
	store->context = strict;
}
