/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quire/block.h - a backing store on a block device: a disk, a card, a flash translation
 * layer. The host kernel gives the driver as two functions; slot n of the store is the
 * n-th page-sized piece of the device, or of the part of it that is set aside. The driver
 * moves pages from and to their frames directly, by physical address.
 */
#ifndef QUIRE_BLOCK_H
#define QUIRE_BLOCK_H

#include <quire/compiler.h>
#include <quire/store.h>

QR_EXTERN_C_BEGIN

#define K_MEM_BLOCK_SECTOR_BYTES 512u

struct k_mem_block_ops {
	/* Start to move the io->page_count frames in io->frames to or from (io->op) as
	 * many bytes of the device, from sector `sector` on. io->slot means nothing here.
	 * Results, `done` and contexts are those of k_mem_store_ops.submit. */
	int (*submit)(void *device, struct k_mem_io *io, uint64_t sector);

	/* Look for ended transfers and call their `done`. NULL for a driver whose submit()
	 * never answers K_MEM_IO_TAKEN, or not where qr_port_can_sleep() says no: then it
	 * answers K_MEM_IO_NOT_HERE. */
	void (*poll)(void *device);
};

/* One such store; lives as long as the store. The caller sets all but the last. */
struct k_mem_block {
	const struct k_mem_block_ops *ops;
	void *device;            /* for ops */
	uint64_t first_sector;   /* of slot 0 */
	uint64_t sector_count;   /* set aside for the store */
	uint32_t page_count_max; /* pages that the driver can move at once */
	uint32_t request_cost;   /* struct k_mem_store's; 0: not known */
	uint32_t write_cost;     /* likewise */
	struct k_mem_slot_map map;
};

/* Make `store` a store on `block` with as many slots as its sectors hold, at most
 * `slots_max`. With `words`, K_MEM_SLOT_MAP_WORDS(slots_max) of them, it takes pages that
 * are written out; with NULL it is read-only and holds images.
 *  -EINVAL  no submit function, no room for one page, page_count_max is 0; NULL for a store */
int k_mem_block_store_init(struct k_mem_store *store, struct k_mem_block *block, uint64_t *words,
			   uint32_t slots_max) QR_MUST_CHECK;

#if !CONFIG_BACKING_STORE_BLOCK
QR_ABSENT_BEGIN
QR_ABSENT(int k_mem_block_store_init(struct k_mem_store *store, struct k_mem_block *block,
				     uint64_t *words, uint32_t slots_max), return -K_MEM_ENOTSUP)
QR_ABSENT_END
#endif

QR_EXTERN_C_END

#endif /* QUIRE_BLOCK_H */
