/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compressed.h - what the files of the compressed store share.
 *
 *     compressed.c         reads and writes
 *     compressed_slots.c   slots, and why the promise holds
 *     compressed_pool.c    entries in the pool and their order
 *     compressed_spill.c   from the pool to the lower store
 *
 * The record of a slot says where the content is: in the lower store (or nowhere yet), one
 * value all over, or an entry of the pool. An entry is a compressed page. It counts who needs
 * it: the record, a spill, and each reader. The record may let go of it while the others go on:
 * nothing waits for a reader that was interrupted, and no reader loses what it reads.
 *
 *     kind of record   value                  flags, with any kind
 *     LOWER            -                      SPILLING  an entry of this slot, perhaps not the
 *     SAME             32 bits, repeated                record's any more, is on its way down
 *     POOL             the entry              BAD       the last write to the lower slot failed
 *     UNUSED           next bad slot          RELEASED, RETIRED   by the core, while SPILLING;
 *                                                       done in the lower store afterwards
 */
#ifndef STORE_COMPRESSED_H
#define STORE_COMPRESSED_H

#include <quire/compressed.h>

#define QR_COMPRESSED_NOWHERE UINT32_MAX

enum {
	QR_SLOT_LOWER,
	QR_SLOT_SAME,
	QR_SLOT_POOL,
	QR_SLOT_UNUSED,
	QR_SLOT_KIND = 3,
	QR_SLOT_BAD = 4,
	QR_SLOT_SPILLING = 8,
	QR_SLOT_RELEASED = 16,
	QR_SLOT_RETIRED = 32,
};

/* So often a write waits for room in the pool, or in the lower store's queue, that others then
 * take. After that the page goes through, or the core, which is told that the store is full,
 * waits. */
#define QR_SPILL_WAITS_MAX 100u

/* ---- compressed_pool.c: mm lock held, unless it says otherwise ---------------------------- */

void qr_pool_init(struct k_mem_compressed *c);

/* A new entry for `bytes` of the page in `slot`, needed by its record, in no order yet.
 * QR_COMPRESSED_NOWHERE: no room. At most QR_POOL_ENTRY_CHUNKS steps. */
uint32_t qr_pool_take(struct k_mem_compressed *c, uint32_t slot, uint32_t bytes);

/* Copy the packed bytes into an entry that nobody else knows, or out of one that the caller
 * needs; how many there are. Without the lock. */
void qr_pool_put(const struct k_mem_compressed *c, uint32_t entry, const uint8_t *packed);
uint32_t qr_pool_get(const struct k_mem_compressed *c, uint32_t entry, uint8_t *packed);

/* Somebody more, or nobody any longer, needs the entry; the last one frees it. */
void qr_pool_need(const struct k_mem_compressed *c, uint32_t entry);
void qr_pool_let_go(struct k_mem_compressed *c, uint32_t entry);

/* The order of spilling: put an entry in as the newest or the oldest; take it out if it is in. */
void qr_pool_order_newest(struct k_mem_compressed *c, uint32_t entry);
void qr_pool_order_oldest(struct k_mem_compressed *c, uint32_t entry);
void qr_pool_order_leave(struct k_mem_compressed *c, uint32_t entry);

uint32_t qr_pool_slot(const struct k_mem_compressed *c, uint32_t entry);
uint32_t qr_pool_chunks(const struct k_mem_compressed *c, uint32_t entry);
uint32_t qr_pool_free_chunks(const struct k_mem_compressed *c);

/* Chunks of the largest entry. */
#define QR_POOL_HEAD_BYTES    16u
#define QR_POOL_LINK_BYTES    4u
#define QR_POOL_DATA_BYTES    (K_MEM_COMPRESSED_CHUNK_BYTES - QR_POOL_LINK_BYTES)
#define QR_POOL_CHUNKS(bytes) \
	(((bytes) + QR_POOL_HEAD_BYTES + QR_POOL_DATA_BYTES - 1) / QR_POOL_DATA_BYTES)
#define QR_POOL_ENTRY_CHUNKS  QR_POOL_CHUNKS(K_MEM_COMPRESSED_PACKED_MAX)

/* ---- compressed_spill.c: without the lock --------------------------------------------------- */

#define QR_SPILL_IDLE 0u /* a spill's state */

void qr_spill_init(struct k_mem_compressed *c);

/* Send pages down until as much of the pool is free, or on its way to be, as two large entries
 * take. `sleeps`: the caller may sleep for the buffer. */
void qr_spill_some(struct k_mem_compressed *c, bool sleeps);

/* Make room for any entry, waiting for spills where the caller may sleep. false: there is none
 * and none to wait for. */
bool qr_spill_wait(struct k_mem_compressed *c, bool sleeps);

/* Hand the core's transfer to the lower store; what its submit() says. Where it has no room for
 * another request and the caller may sleep, spills that may be what fills it are waited for: the
 * core does not know of them. Without the lock; counts in *counter what was taken. */
int qr_spill_submit(struct k_mem_compressed *c, struct k_mem_io *io, bool sleeps,
		    unsigned long *counter) QR_MUST_CHECK;

/* Let a spill of the slot end before something else is written there. Called with the lock,
 * whose key `key` is; lets go of it to sleep.
 * 0: none is under way. Else what submit() answers then:
 *  K_MEM_IO_FULL      the lower store has it, and the caller cannot sleep: it ends by polling
 *  K_MEM_IO_FAILED    the slot is bad
 *  K_MEM_IO_NOT_HERE  a thread has the spill in its hands that the caller, who cannot sleep,
 *                     may have interrupted */
int qr_spill_settle(struct k_mem_compressed *c, uint32_t slot, bool sleeps,
		    unsigned long *key) QR_MUST_CHECK;

/* ---- compressed.c ---------------------------------------------------------------------------- */

/* Own the buffers and `work`; false: somebody else does, and the caller cannot sleep. Without
 * the lock. */
bool qr_compressed_take(struct k_mem_compressed *c, bool sleeps) QR_MUST_CHECK;
void qr_compressed_give(struct k_mem_compressed *c);

/* ---- compressed_slots.c: mm lock held ------------------------------------------------------- */

/* Of struct k_mem_store_ops. */
int qr_compressed_reserve(void *context, uint32_t *slot);
void qr_compressed_release(void *context, uint32_t slot);
void qr_compressed_retire(void *context, uint32_t slot);

/* The record's content is no longer wanted: it becomes LOWER, its flags stay. */
void qr_compressed_drop(struct k_mem_compressed *c, uint32_t slot);

/* The same, but the caller has what it was, and then does one of these: puts it back, where the
 * slot is still the caller's, or lets go of it. */
struct k_mem_compressed_slot qr_compressed_set_aside(struct k_mem_compressed *c, uint32_t slot);
void qr_compressed_put_back(struct k_mem_compressed *c, uint32_t slot,
			    struct k_mem_compressed_slot was);
void qr_compressed_let_go(struct k_mem_compressed *c, struct k_mem_compressed_slot was);

/* Release or retire the slot in the lower store if the core did so with it and no spill is in
 * the way any longer. */
void qr_compressed_give_up(struct k_mem_compressed *c, uint32_t slot);

#endif /* STORE_COMPRESSED_H */
