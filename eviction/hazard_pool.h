/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hazard_pool.h - the frames whose pages are worth least, of those that the learned policy
 * (hazard.c) has looked at.
 */
#ifndef EVICTION_HAZARD_POOL_H
#define EVICTION_HAZARD_POOL_H

#include "hazard_page.h"

/* No frame is in the pool. pages[frame].pooled is the pool's from now on. */
void qr_hazard_pool_start(struct hazard_page *pages);

/* Keep the frame in mind with this worth, or with another than before. A pool that is full
 * forgets a frame of a high worth, perhaps this one. */
void qr_hazard_pool_add(uint32_t frame, uint32_t worth);

/* Forget the frame, whether or not it is in the pool. */
void qr_hazard_pool_forget(uint32_t frame);

/* The frame of the lowest worth and its worth; false: there is none. */
bool qr_hazard_pool_least(uint32_t *frame, uint32_t *worth);

#endif /* EVICTION_HAZARD_POOL_H */
