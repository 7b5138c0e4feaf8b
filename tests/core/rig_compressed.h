/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rig_compressed.h - a compressed store between the core and the rig's paging store, with a pool
 * of four pages.
 */
#ifndef TESTS_CORE_RIG_COMPRESSED_H
#define TESTS_CORE_RIG_COMPRESSED_H

#include <quire/compressed.h>

/* Put it in front of the store; or say that there is none. Part of rig_start. */
void rig_compressed_start(struct k_mem_store *store);
void rig_compressed_none(void);

/* Slots that the core sees otherwise than the paging store, which holds them reserved. */
struct rig_compressed {
	uint32_t free;    /* free to the core */
	uint32_t retired; /* retired by the core */
	uint32_t bad;     /* whoever has them: writing them failed */
};
struct rig_compressed rig_compressed_counts(void);

/* Is nothing in the pool and nothing under way? True where there is no compressed store. */
bool rig_compressed_empty(void);

const struct k_mem_compressed_stats *rig_compressed_stats(void);

/* Called, without any lock, while a page is compressed or decompressed. rig_start clears it. */
extern void (*rig_compressed_hook)(void);

#endif /* TESTS_CORE_RIG_COMPRESSED_H */
