/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quire/store.h - the seam to backing stores.
 *
 * A store keeps data pages in numbered slots of one page each. It is a const
 * table of functions and a context pointer; several live at once. The core
 * never asks a store to keep two pages in one slot and never starts two
 * transfers on one slot at the same time, with one exception: a context that
 * cannot sleep may start a read although one of that slot is under way. Nobody
 * wants the earlier one's content any more; while it ends the slot may be read,
 * written, released and reserved again.
 *
 * A location names a data page that is in no frame: a store and a slot. It is
 * a 30-bit number; the locations of consecutive slots are consecutive.
 *
 * NULL is as in quire/mm.h: the functions that make stores return -EINVAL, also for what is missing
 * in their structures.
 */
#ifndef QUIRE_STORE_H
#define QUIRE_STORE_H

#include <quire/compiler.h>

QR_EXTERN_C_BEGIN

#define K_MEM_LOCATION_SLOT_BITS 27
#define K_MEM_SLOTS_MAX (1u << K_MEM_LOCATION_SLOT_BITS)

/* The location of slot `slot` in the store that k_mem_init registered as `store`
 * (its index in the table given there). */
#define K_MEM_LOCATION(store, slot) \
	(((uintptr_t)(store) << K_MEM_LOCATION_SLOT_BITS) | (uintptr_t)(slot))

enum k_mem_io_op {
	K_MEM_IO_READ,  /* slot -> frame */
	K_MEM_IO_WRITE, /* frame -> slot */
};

/* What submit() answers. The numbers are this seam's own, the same on both sides of it whatever
 * the C library of each has in <errno.h>: that of a driver's -EINPROGRESS is another one there.
 * They are those that Linux has, so that a driver which answers -EINPROGRESS, -EAGAIN or -EIO
 * there is understood. k_mem_io_answer() has the rest. */
#define K_MEM_IO_DONE      0        /* it is complete; `done` will not be called */
#define K_MEM_IO_TAKEN     (-115)   /* it was taken; `done` will be called once */
#define K_MEM_IO_FULL      (-11)    /* no room for another request: poll or wait, then try again */
#define K_MEM_IO_FAILED    (-5)     /* it failed; `done` will not be called */
#define K_MEM_IO_READ_ONLY (-30)    /* a write to a read-only store */
/* Not now, not here: what the transfer takes cannot be had in the running context, for example
 * because it would have to sleep. Nothing was started, nothing is broken, the slot is as it was;
 * `done` will not be called. Another context, or a later try, may be served. A write: the core
 * evicts another page, one that needs no write, or none. A read: the fault fails with -EBUSY. */
#define K_MEM_IO_NOT_HERE  (-10001)

/* What a store beneath answered, as one of the above. newlib's -EINPROGRESS is understood, too;
 * any other errno value is a failure; what is not even that is a bug of the store. */
static inline int k_mem_io_answer(int answer)
{
	const int newlib_taken = -119, errno_last = -4095;

	QR_ASSERT(answer <= 0 && "a store's submit() answered a positive number");
	QR_ASSERT((answer >= errno_last || answer == K_MEM_IO_NOT_HERE) &&
		  "a store's submit() answered what is no answer");
	if (answer == newlib_taken) {
		return K_MEM_IO_TAKEN;
	}
	return answer == K_MEM_IO_DONE || answer == K_MEM_IO_TAKEN || answer == K_MEM_IO_FULL ||
			       answer == K_MEM_IO_READ_ONLY || answer == K_MEM_IO_NOT_HERE
		       ? answer
		       : K_MEM_IO_FAILED;
}

struct k_mem_io;

/* A transfer ended with `status`: 0, or any other number when its content did not arrive.
 * Called once for each transfer that was taken, and for no other; from an interrupt handler, from
 * poll(), never from inside submit(), never with the mm lock held. From then on the store, and
 * what is behind it, touches the frames no more.
 * A store whose device may never answer ends the transfer itself some time: the core
 * waits for it, in a context that cannot sleep by polling. */
typedef void (*k_mem_io_done_t)(struct k_mem_io *io, int status);

/* One transfer of `page_count` consecutive slots from or to as many frames. It
 * belongs to the caller, and to the store from submit() until `done`. */
struct k_mem_io {
	enum k_mem_io_op op;
	uint32_t slot;             /* first slot */
	uint32_t page_count;       /* 1 to the store's page_count_max */
	const uintptr_t *frames;   /* physical address of each frame, bytes */
	k_mem_io_done_t done;
	void *context;             /* the caller's */
	struct k_mem_io *next;     /* the store's while the transfer is under way */
	uintptr_t scratch[2];      /* the store's while the transfer is under way */
};

struct k_mem_store_ops {
	const char *name;

	/* Take a free slot. Bounded; called with the mm lock held.
	 * -ENOSPC: none is free. NULL for a read-only store. */
	int (*reserve)(void *context, uint32_t *slot);

	/* Give a slot back; its content is no longer wanted. Bounded; mm lock held.
	 * NULL for a read-only store. */
	void (*release)(void *context, uint32_t slot);

	/* A write to this reserved slot failed: never hand it out again. Bounded;
	 * mm lock held. NULL for a read-only store. */
	void (*retire)(void *context, uint32_t slot);

	/* Start a transfer. Called without the mm lock, in any context. Answers K_MEM_IO_*. */
	int (*submit)(void *context, struct k_mem_io *io);

	/* Look for completed transfers and call their `done`; for contexts that
	 * cannot sleep. NULL for a store whose submit() never answers K_MEM_IO_TAKEN. One that
	 * hears of the end by interrupts alone has one that does nothing, and answers
	 * K_MEM_IO_NOT_HERE where qr_port_can_sleep() says no. */
	void (*poll)(void *context);

	/* Take the first free slot at or after `near`, starting again at 0 after the last, so
	 * that pages beside each other lie beside each other. As reserve(). NULL: the store
	 * cannot, and pages are not written several at a time. */
	int (*reserve_near)(void *context, uint32_t near, uint32_t *slot);

	/* For a store whose slots are memory that the CPU reaches: copy the slot to `page`
	 * (K_MEM_IO_READ) or `page` to the slot, here and now, which cannot fail. Where there is
	 * one it is called instead of submit() for transfers of one page. `page` is a frame in the
	 * scratch window, which the core has opened and closes again: interrupts are masked, the
	 * mm lock is not held. A table that begins as a copy of another store's and has a submit()
	 * of its own has this of its own, too, or NULL: submit() does all transfers. */
	void (*copy)(void *context, enum k_mem_io_op op, uint32_t slot, void *page);
};

struct k_mem_store {
	const struct k_mem_store_ops *ops;
	void *context;
	uint32_t slot_count;     /* slots that exist, at most K_MEM_SLOTS_MAX */
	uint32_t page_count_max; /* pages that one transfer may move, at least 1 */
	/* What a request costs beside its pages, in 256ths of what moving a page does: the
	 * seek, the interrupt, the command. The dearer it is, the more pages are moved by one
	 * request, up to page_count_max; below 64 and for 0, not known: one. Up to 65535. */
	uint32_t request_cost;
	/* What writing a page costs, in 256ths of what reading it does: flash that must be
	 * erased has more. 0, not known, is 256. Up to 65535. A page that would have to be
	 * written stays in RAM the longer for it, with a policy that heeds it. */
	uint32_t write_cost;
	bool read_only;          /* holds images: pages are read, never written out */
};

/* ---- for stores that copy with the CPU ------------------------------------- */

/* Map the frame at `phys` (bytes, page-aligned) into this CPU's scratch window
 * and return its address. Interrupts stay masked until the matching close, so
 * keep it short: one page copied. Any context without the mm lock; does not nest.
 * `key` receives what close needs; NULL: returns NULL, and nothing is to be closed. */
void *k_mem_scratch_open(uintptr_t phys, unsigned long *key);
void k_mem_scratch_close(unsigned long key);

/* ---- the stores that come with Quire ---------------------------------------- */

/* Bookkeeping of slots, for stores whose slots are all alike: a bit a slot, under
 * summaries in which a bit stands for 64 bits below that are all set. The caller gives
 * the memory, K_MEM_SLOT_MAP_WORDS(slots) words (a bit and about a 63rd of one a slot),
 * and calls with the mm lock held. A call touches at most two words a level and direction,
 * whatever the size. Slots are handed out in rising order, starting again at 0 after the
 * last, so that pages written one after the other lie side by side. A slot that must
 * never be used again (k_mem_store_ops.retire) is simply not released. */
#define K_MEM_SLOT_MAP_LEVELS 5
#define K_MEM_SLOT_MAP_LEVEL_WORDS(slots, level)                                              \
	(((uint32_t)(slots) + ((UINT32_C(64) << 6 * (level)) - 1)) >> (6 * (level) + 6))
#define K_MEM_SLOT_MAP_WORDS(slots)                                                           \
	(K_MEM_SLOT_MAP_LEVEL_WORDS(slots, 0) + K_MEM_SLOT_MAP_LEVEL_WORDS(slots, 1) +        \
	 K_MEM_SLOT_MAP_LEVEL_WORDS(slots, 2) + K_MEM_SLOT_MAP_LEVEL_WORDS(slots, 3) +        \
	 K_MEM_SLOT_MAP_LEVEL_WORDS(slots, 4))
struct k_mem_slot_map {
	uint64_t *used[K_MEM_SLOT_MAP_LEVELS]; /* [0]: a set bit: reserved or retired */
	uint32_t slot_count;
	uint32_t next;       /* where the next search starts */
	uint32_t free_count;
};

/* All slots free. `slot_count`: 1 to K_MEM_SLOTS_MAX; with any other, or words NULL, the map has no
 * slots. */
void k_mem_slot_map_init(struct k_mem_slot_map *map, uint64_t *words, uint32_t slot_count);

/* Take a free slot; -ENOSPC: none is free; -EINVAL: NULL. */
int k_mem_slot_map_reserve(struct k_mem_slot_map *map, uint32_t *slot) QR_MUST_CHECK;

/* The same, at or after `near`, which is a slot; reserve() is not affected. */
int k_mem_slot_map_reserve_near(struct k_mem_slot_map *map, uint32_t near,
				uint32_t *slot) QR_MUST_CHECK;

/* Give back a slot that was reserved. */
void k_mem_slot_map_release(struct k_mem_slot_map *map, uint32_t slot);

QR_EXTERN_C_END

#endif /* QUIRE_STORE_H */
