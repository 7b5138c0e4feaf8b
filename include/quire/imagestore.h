/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quire/imagestore.h - a read-only backing store over content that the CPU can read in
 * place: memory-mapped flash, ROM, a const array. For the on-demand pieces of an image
 * and for k_mem_map_unpaged. Transfers are copies by the CPU and complete at once;
 * interrupts are masked for one page at a time.
 */
#ifndef QUIRE_IMAGESTORE_H
#define QUIRE_IMAGESTORE_H

#include <quire/compiler.h>
#include <quire/store.h>

QR_EXTERN_C_BEGIN

struct k_mem_image_store {
	const uint8_t *bytes;
	size_t size_bytes;
};

/* Make `store` a read-only store whose slot n holds page n of [bytes, bytes + size_bytes),
 * any alignment, which the CPU can always reach. What a last page lacks is read as zeros.
 * `image` lives as long as the store. Its transfers cost nothing beside their pages, so pages come
 * one by one; where a fault is dear set store->request_cost, and neighbours come along.
 *  -EINVAL  size_bytes is 0 or more than K_MEM_SLOTS_MAX pages; NULL */
int k_mem_image_store_init(struct k_mem_store *store, struct k_mem_image_store *image,
			   const void *bytes, size_t size_bytes) QR_MUST_CHECK;

#if !CONFIG_BACKING_STORE_IMAGE
QR_ABSENT_BEGIN
QR_ABSENT(int k_mem_image_store_init(struct k_mem_store *store, struct k_mem_image_store *image,
				     const void *bytes, size_t size_bytes), return -K_MEM_ENOTSUP)
QR_ABSENT_END
#endif

QR_EXTERN_C_END

#endif /* QUIRE_IMAGESTORE_H */
