/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compressed.c - the compressed store: reads and writes. compressed.h has the records.
 *
 * A write makes a snapshot of the frame in the buffer, one page copied with interrupts masked,
 * and looks at that and compresses it with interrupts as they were. What it made replaces what
 * the slot had in one step. A read decompresses into the buffer and copies that to the frame.
 * What the pool does not have goes to the lower store as it came, and ends there: nothing of
 * such a transfer comes back here.
 *
 * Locks: records, lists and counts under the mm lock. `busy` gives the buffers and `work` to one
 * context at a time; who may not sleep does without: a write goes through, a read decompresses
 * in the scratch window, where masked interrupts keep others from `packed_masked`.
 */
#include "compressed.h"

#include <quire/host.h>

#if CONFIG_BACKING_STORE_COMPRESSED

#define WORDS (CONFIG_MMU_PAGE_SIZE / sizeof(uint64_t))

/* ---- the buffers --------------------------------------------------------------------------- */

bool qr_compressed_take(struct k_mem_compressed *c, bool sleeps)
{
	qr_port_key_t key = qr_port_lock();
	bool taken;

	while (c->busy && sleeps) { /* until who has it has handled a page */
		key = qr_host_sleep(&c->busy, key);
	}
	taken = !c->busy;
	c->busy = true;
	qr_port_unlock(key);
	return taken;
}

void qr_compressed_give(struct k_mem_compressed *c)
{
	qr_port_key_t key = qr_port_lock();

	c->busy = false;
	qr_host_wakeup(&c->busy);
	qr_port_unlock(key);
}

static void frame_copy(struct k_mem_compressed *c, uintptr_t phys, bool to_frame)
{
	unsigned long key;
	void *window = k_mem_scratch_open(phys, &key);

	__builtin_memcpy(to_frame ? window : c->page, to_frame ? c->page : window,
			 CONFIG_MMU_PAGE_SIZE);
	k_mem_scratch_close(key);
}

/* ---- writing ------------------------------------------------------------------------------- */

enum outcome {
	KEPT,    /* here */
	THROUGH, /* it belongs into the lower store */
	NO_ROOM, /* the pool is full */
	REFUSED, /* the slot is bad */
};

/* Is the page in the buffer one 32-bit value all over? */
static bool same_value(const struct k_mem_compressed *c, uint32_t *value)
{
	const uint64_t *words = (const uint64_t *)(const void *)c->page;
	uint64_t first = words[0];

	if ((uint32_t)first != (uint32_t)(first >> 32)) {
		return false;
	}
	for (size_t i = 1; i < WORDS; i++) {
		if (words[i] != first) {
			return false;
		}
	}
	*value = (uint32_t)first;
	return true;
}

/* From now on the slot's content is this, wherever it was before. */
static enum outcome keep(struct k_mem_compressed *c, uint32_t slot, uint32_t kind, uint32_t value)
{
	struct k_mem_compressed_slot *record = &c->slots[slot];
	qr_port_key_t key = qr_port_lock();
	bool bad = record->state & QR_SLOT_BAD;

	if (bad && kind == QR_SLOT_POOL) {
		qr_pool_let_go(c, value);
	} else if (!bad) {
		qr_compressed_drop(c, slot);
		record->state |= kind;
		record->value = value;
		if (kind == QR_SLOT_POOL) {
			qr_pool_order_newest(c, value);
			c->stats.kept++;
		} else {
			c->stats.same_filled++;
			c->stats.same_pages++;
		}
	}
	qr_port_unlock(key);
	return bad ? REFUSED : KEPT;
}

/* The buffer has the page. */
static enum outcome page_keep(struct k_mem_compressed *c, uint32_t slot)
{
	uint32_t value, entry;
	qr_port_key_t key;
	size_t bytes;

	if (same_value(c, &value)) {
		return keep(c, slot, QR_SLOT_SAME, value);
	}
	bytes = c->compressor->compress(c->work, c->page, c->packed, sizeof(c->packed));
	if (bytes == 0) {
		return THROUGH;
	}
	key = qr_port_lock();
	entry = qr_pool_take(c, slot, (uint32_t)bytes);
	qr_port_unlock(key);
	if (entry == QR_COMPRESSED_NOWHERE) {
		return NO_ROOM;
	}
	qr_pool_put(c, entry, c->packed);
	return keep(c, slot, QR_SLOT_POOL, entry);
}

/* To the lower store, when no spill of the slot is in the way. Where that starts nothing, the slot
 * is as it was. */
static int write_through(struct k_mem_compressed *c, struct k_mem_io *io, bool sleeps,
			 unsigned long *counter)
{
	qr_port_key_t key = qr_port_lock();
	int status = qr_spill_settle(c, io->slot, sleeps, &key);
	struct k_mem_compressed_slot was;

	if (status == 0) {
		was = qr_compressed_set_aside(c, io->slot);
	}
	qr_port_unlock(key);
	if (status != 0) {
		return status;
	}
	status = qr_spill_submit(c, io, sleeps, counter);
	key = qr_port_lock();
	if (status == K_MEM_IO_NOT_HERE || status == K_MEM_IO_FULL) {
		qr_compressed_put_back(c, io->slot, was);
	} else {
		/* the transfer may have ended already, and the slot be somebody else's */
		qr_compressed_let_go(c, was);
	}
	qr_port_unlock(key);
	return status;
}

static int compressed_write(struct k_mem_compressed *c, struct k_mem_io *io)
{
	bool sleeps = qr_host_can_sleep();
	unsigned long *counter = &c->stats.passed;
	enum outcome outcome;
	uint32_t waits = 0;

	do {
		if (!qr_compressed_take(c, sleeps)) {
			return write_through(c, io, sleeps, counter);
		}
		frame_copy(c, io->frames[0], false);
		outcome = page_keep(c, io->slot);
		qr_compressed_give(c);
	} while (outcome == NO_ROOM && ++waits < QR_SPILL_WAITS_MAX && qr_spill_wait(c, sleeps));
	if (outcome == KEPT) {
		qr_spill_some(c, sleeps);
		return 0;
	}
	if (outcome == REFUSED) {
		return K_MEM_IO_FAILED;
	}
	return write_through(c, io, sleeps,
			     outcome == THROUGH ? &c->stats.rejected : &c->stats.passed);
}

/* ---- reading ------------------------------------------------------------------------------- */

static void fill_same(uintptr_t phys, uint32_t value)
{
	unsigned long key;
	uint64_t *words = k_mem_scratch_open(phys, &key);

	for (size_t i = 0; i < WORDS; i++) {
		words[i] = (uint64_t)value << 32 | value;
	}
	k_mem_scratch_close(key);
}

/* The entry is needed by the caller. */
static int fill_unpacked(struct k_mem_compressed *c, uintptr_t phys, uint32_t entry)
{
	unsigned long key;
	void *window;
	int status;

	if (qr_compressed_take(c, qr_host_can_sleep())) {
		status = c->compressor->decompress(c->packed, qr_pool_get(c, entry, c->packed),
						   c->page);
		if (status == 0) {
			frame_copy(c, phys, true);
		}
		qr_compressed_give(c);
		return status;
	}
	window = k_mem_scratch_open(phys, &key);
	status = c->compressor->decompress(c->packed_masked,
					   qr_pool_get(c, entry, c->packed_masked), window);
	k_mem_scratch_close(key);
	return status;
}

static int read_from_pool(struct k_mem_compressed *c, uintptr_t phys, uint32_t entry)
{
	int status = fill_unpacked(c, phys, entry);
	qr_port_key_t key = qr_port_lock();

	qr_pool_let_go(c, entry);
	qr_port_unlock(key);
	return status == 0 ? K_MEM_IO_DONE : K_MEM_IO_FAILED;
}

static int compressed_read(struct k_mem_compressed *c, struct k_mem_io *io)
{
	qr_port_key_t key = qr_port_lock();
	struct k_mem_compressed_slot record = c->slots[io->slot];
	uint32_t kind = record.state & QR_SLOT_KIND;

	if (kind == QR_SLOT_POOL) {
		qr_pool_need(c, record.value);
	}
	c->stats.hits += kind == QR_SLOT_LOWER ? 0 : 1;
	qr_port_unlock(key);
	if (kind == QR_SLOT_LOWER) {
		return qr_spill_submit(c, io, qr_host_can_sleep(), &c->stats.misses);
	}
	if (kind == QR_SLOT_SAME) {
		fill_same(io->frames[0], record.value);
		return 0;
	}
	return read_from_pool(c, io->frames[0], record.value);
}

/* ---- the store ------------------------------------------------------------------------------ */

static int compressed_submit(void *context, struct k_mem_io *io)
{
	struct k_mem_compressed *c = context;

	QR_ASSERT(io->page_count == 1 && io->slot < c->lower.slot_count);
	return io->op == K_MEM_IO_WRITE ? compressed_write(c, io) : compressed_read(c, io);
}

static void compressed_poll(void *context)
{
	const struct k_mem_compressed *c = context;

	if (c->lower.ops->poll != NULL) {
		c->lower.ops->poll(c->lower.context);
	}
}

static const struct k_mem_store_ops compressed_ops = {
	.name = "compressed",
	.reserve = qr_compressed_reserve,
	.release = qr_compressed_release,
	.retire = qr_compressed_retire,
	.submit = compressed_submit,
	.poll = compressed_poll,
};

static bool is_complete(const struct k_mem_compressed *c)
{
	const struct k_mem_store_ops *ops = c->lower.ops;
	const struct k_mem_compressor *compressor = c->compressor;

	return !c->lower.read_only && ops != NULL && ops->submit != NULL && ops->reserve != NULL &&
	       ops->release != NULL && ops->retire != NULL && compressor != NULL &&
	       compressor->compress != NULL && compressor->decompress != NULL &&
	       (c->work != NULL || compressor->work_bytes == 0) && c->slots != NULL &&
	       c->pool != NULL && c->spill_pages != NULL;
}

int k_mem_compressed_store_init(struct k_mem_store *store, struct k_mem_compressed *c)
{
	if (store == NULL || c == NULL || !is_complete(c)) {
		return -EINVAL;
	}
	if (c->pool_bytes < K_MEM_COMPRESSED_POOL_MIN || c->spill_count < 1 ||
	    c->spill_count > K_MEM_COMPRESSED_SPILLS_MAX) {
		return -EINVAL;
	}
	c->stats = (struct k_mem_compressed_stats){0};
	c->bad_first = QR_COMPRESSED_NOWHERE;
	c->busy = false;
	qr_pool_init(c);
	qr_spill_init(c);
	*store = (struct k_mem_store){
		.ops = &compressed_ops,
		.context = c,
		.slot_count = c->lower.slot_count,
		.page_count_max = 1,
	};
	return 0;
}

void k_mem_compressed_stats_get(const struct k_mem_compressed *c,
				struct k_mem_compressed_stats *stats)
{
	qr_port_key_t key;

	if (c == NULL || stats == NULL) {
		return;
	}
	key = qr_port_lock();
	*stats = c->stats;
	qr_port_unlock(key);
}

#endif /* CONFIG_BACKING_STORE_COMPRESSED */
