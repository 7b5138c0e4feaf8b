/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quire/compressed.h - a store in front of another one, the lower store, that keeps pages
 * compressed in a fixed piece of RAM, the pool, and sends them down when the pool is full,
 * the one that was written longest ago first.
 *
 *     core --> compressed store --+-- one value all over: a note in the slot's record
 *                                 +-- compressible: the pool --+
 *                                 +-- else ----------------+   | spilled, oldest first
 *                                                          v   v
 *                                                       lower store
 *
 * Its slots are the lower store's, one to one: a page in slot n of this store has slot n of
 * the lower store reserved for it, wherever its content is at the moment. So a page in the
 * pool always has a place to be spilled to, the core counts the lower store's slots as if the
 * pool were not there, and what quire/mm.h promises about granted mappings holds unchanged.
 * The pool saves transfers, never slots.
 *
 * Compressing is not Quire's: the host kernel gives the functions (struct k_mem_compressor).
 */
#ifndef QUIRE_COMPRESSED_H
#define QUIRE_COMPRESSED_H

#include <quire/compiler.h>
#include <quire/store.h>

QR_EXTERN_C_BEGIN

/* The pool is divided into pieces of so many bytes. */
#define K_MEM_COMPRESSED_CHUNK_BYTES 128u

/* A page that does not compress to so many bytes goes through to the lower store. */
#define K_MEM_COMPRESSED_PACKED_MAX (CONFIG_MMU_PAGE_SIZE / 4u * 3u)

/* Bytes that a pool must have. */
#define K_MEM_COMPRESSED_POOL_MIN (4u * CONFIG_MMU_PAGE_SIZE)

/* Pages on their way from the pool to the lower store at the same time, at most. */
#define K_MEM_COMPRESSED_SPILLS_MAX 8u

/* How pages are compressed. Called without the mm lock and, but for `decompress` in a context
 * that cannot sleep, with interrupts as the caller has them. Both must be bounded, must not
 * fault, and must not read or write beyond what they are given. */
struct k_mem_compressor {
	const char *name;

	/* Bytes of memory for `compress`, aligned to 8. */
	size_t work_bytes;

	/* Compress the page (CONFIG_MMU_PAGE_SIZE bytes) at `page` into at most `packed_max`
	 * bytes at `packed`, with `work` to work in, whose content means nothing. How many
	 * bytes it took; 0: it needs more. */
	size_t (*compress)(void *work, const void *page, void *packed, size_t packed_max);

	/* The page that was compressed to the `packed_bytes` at `packed`, written to `page`.
	 * 0, or -EIO where these bytes are not what `compress` made. One call may be inside
	 * another, of a thread that was interrupted. */
	int (*decompress)(const void *packed, size_t packed_bytes, void *page);
};

/* What the store remembers about a slot; its own business. */
struct k_mem_compressed_slot {
	uint32_t state;
	uint32_t value;
};

struct k_mem_compressed_stats {
	/* what there is now */
	unsigned long pool_pages;    /* pages in the pool */
	unsigned long packed_bytes;  /* what they were compressed to */
	unsigned long pool_bytes;    /* what they take of the pool */
	unsigned long same_pages;    /* pages of one value, which take nothing */
	/* pages written by the core, by what became of them */
	unsigned long kept;          /* compressed into the pool */
	unsigned long same_filled;   /* noted as one value */
	unsigned long rejected;      /* incompressible: to the lower store */
	unsigned long passed;        /* no room, and the context could not wait: likewise */
	/* pages read by the core, by where they were */
	unsigned long hits;          /* in the pool, or of one value */
	unsigned long misses;        /* in the lower store */
	/* from the pool to the lower store */
	unsigned long spilled;       /* pages written */
	unsigned long spill_errors;  /* writes that failed: the page stayed in the pool */
};

/* A page on its way from the pool to the lower store; the store's own business. */
struct k_mem_compressed_spill {
	struct k_mem_io io;
	struct k_mem_compressed *store;
	uint8_t *page;
	uintptr_t frame;
	uint32_t slot;
	uint32_t entry;
	uint32_t state;
	uint32_t turn;
};

/* One such store; lives as long as the store. The caller sets the first part. */
struct k_mem_compressed {
	/* Where pages go that are not kept here: a store that can be written. It is this
	 * store's alone from k_mem_compressed_store_init() on, and not given to k_mem_init. */
	struct k_mem_store lower;
	const struct k_mem_compressor *compressor;
	/* Memory that is always mapped and nobody else's. None of it is touched before the
	 * first slot is reserved, so that it may be a piece of the image (k_mem_init). */
	void *work;                           /* compressor->work_bytes, aligned to 8 */
	void *pool;                           /* aligned to 8 */
	size_t pool_bytes;
	struct k_mem_compressed_slot *slots;  /* lower.slot_count of them */
	void *spill_pages;                    /* spill_count pages from which the lower ... */
	uintptr_t spill_phys;                 /* ... store writes; where they are, in bytes */
	uint32_t spill_count;                 /* 1 to K_MEM_COMPRESSED_SPILLS_MAX */

	/* the store's own, under the mm lock */
	struct k_mem_compressed_stats stats;
	uint32_t chunk_count;
	uint32_t fresh;       /* chunks from here on were never used */
	uint32_t free_first;  /* list of the free ones below */
	uint32_t free_count;
	uint32_t oldest;      /* entries in the order in which they are spilled */
	uint32_t newest;
	uint32_t bad_first;   /* list of free slots whose last write failed */
	uint32_t spilling;    /* spills under way ... */
	uint32_t leaving;     /* ... and the chunks that they will give back */
	bool busy;            /* somebody works in the buffers below and in `work` */
	struct k_mem_compressed_spill spills[K_MEM_COMPRESSED_SPILLS_MAX];
	uint8_t page[CONFIG_MMU_PAGE_SIZE] QR_ALIGNED(8);
	uint8_t packed[K_MEM_COMPRESSED_PACKED_MAX] QR_ALIGNED(8);
	/* its owner has masked interrupts */
	uint8_t packed_masked[K_MEM_COMPRESSED_PACKED_MAX] QR_ALIGNED(8);
};

/* Make `store` a compressed store in front of `compressed->lower`.
 *
 * Pages are copied through the scratch window one at a time, and compressed and decompressed
 * in a buffer with interrupts as they are; only a context that cannot sleep, and interrupted
 * who works in the buffer, decompresses in the window. Transfers that the pool serves are
 * complete when submit() returns. A thread that writes sleeps until somebody else is done with
 * the buffer, and, when the pool is full, until a page was spilled; a context that cannot
 * sleep does neither, its page goes through. Page counts of a transfer: 1.
 *
 * A write to the lower store that fails during a spill leaves the page in the pool, from which
 * it can be read. The next write to that slot is refused with -EIO, by which the core learns
 * that the slot is bad and retires it.
 *  -EINVAL  the lower store is read-only; pool_bytes below K_MEM_COMPRESSED_POOL_MIN; a
 *           pointer is missing, or a function of the lower store or the compressor; spill_count
 *           out of range */
int k_mem_compressed_store_init(struct k_mem_store *store, struct k_mem_compressed *compressed)
	QR_MUST_CHECK;

/* The statistics as they are now. Takes the mm lock; any context without it. */
void k_mem_compressed_stats_get(const struct k_mem_compressed *compressed,
				struct k_mem_compressed_stats *stats);

#if !CONFIG_BACKING_STORE_COMPRESSED
QR_ABSENT_BEGIN
QR_ABSENT(int k_mem_compressed_store_init(struct k_mem_store *store,
					  struct k_mem_compressed *compressed),
	  return -K_MEM_ENOTSUP)
QR_ABSENT(void k_mem_compressed_stats_get(const struct k_mem_compressed *compressed,
					  struct k_mem_compressed_stats *stats), QR_ZERO(stats))
QR_ABSENT_END
#endif

QR_EXTERN_C_END

#endif /* QUIRE_COMPRESSED_H */
