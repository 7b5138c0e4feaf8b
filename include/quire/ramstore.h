/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quire/ramstore.h - a backing store in memory that the caller gives: RAM that Quire does
 * not manage, or a host's buffer in tests. Transfers are copies by the CPU and complete
 * at once; interrupts are masked for one page at a time.
 */
#ifndef QUIRE_RAMSTORE_H
#define QUIRE_RAMSTORE_H

#include <quire/compiler.h>
#include <quire/store.h>

QR_EXTERN_C_BEGIN

struct k_mem_ram_store {
	struct k_mem_slot_map map;
	uint8_t *pages;
};

/* Make `store` a RAM store of `slot_count` pages at `pages`, which the CPU can always reach
 * and which is nobody else's, with the memory `words`, K_MEM_SLOT_MAP_WORDS(slot_count) of
 * them, for its bookkeeping. `ram` lives as long as the store.
 *  -EINVAL  slot_count is 0 or more than K_MEM_SLOTS_MAX; NULL */
int k_mem_ram_store_init(struct k_mem_store *store, struct k_mem_ram_store *ram, void *pages,
			 uint32_t slot_count, uint64_t *words) QR_MUST_CHECK;

#if !CONFIG_BACKING_STORE_RAM
QR_ABSENT_BEGIN
QR_ABSENT(int k_mem_ram_store_init(struct k_mem_store *store, struct k_mem_ram_store *ram,
				   void *pages, uint32_t slot_count, uint64_t *words),
	  return -K_MEM_ENOTSUP)
QR_ABSENT_END
#endif

QR_EXTERN_C_END

#endif /* QUIRE_RAMSTORE_H */
