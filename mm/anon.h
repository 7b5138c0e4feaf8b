/* SPDX-License-Identifier: Apache-2.0 */
/*
 * anon.h - regions between guards, shared by anonymous and stored mappings.
 *
 *    GUARD_BEGIN(n) | page 0 | page 1 | ... | page n-1, LAST | GUARD_END
 *
 * The guard in front carries the number of pages, so that unmapping checks address and size
 * against one entry. It is written last when the region is made and taken first when it is
 * unmapped: in between no other call finds the region. It also says whose the region is.
 */
#ifndef QR_MM_ANON_H
#define QR_MM_ANON_H

#include "core.h"

struct k_mem_domain;

/* Find room for `count` pages and their guards; *pages is what lies between. -ENOSPC. */
int qr_region_take(uint32_t count, struct qr_pages *pages) QR_MUST_CHECK;
void qr_region_give(struct qr_pages pages);

/* In a GUARD_BEGIN, beside the number of pages: the region is a domain's. */
#define QR_REGION_DOMAIN (1u << 29)

/* Make the guards; the pages are complete. `mark`: 0 or QR_REGION_DOMAIN. */
void qr_region_close(struct qr_pages pages, uint32_t mark);

/* How many pages has the region that begins with this page? */
uint32_t qr_region_count(uint32_t first);

/* Unmap a region of the domain's (NULL: of none) and give all back; what the domain had in frames
 * is counted with each batch. Lets go of the lock. -EINVAL: these pages are not exactly one
 * region, or it is not a domain's, or not the kernel's. unmap.c */
int qr_region_unmap(struct qr_pages pages, struct k_mem_domain *domain,
		    struct qr_hold *hold) QR_MUST_CHECK;

/* Fill the region with tokens (`step` 0: all the same), batch by batch. */
void qr_region_fill(struct qr_pages pages, uint32_t location, uint32_t flags, struct qr_hold *hold);

/* Map a region of pages that are in no frame but at `location`, and on; `charged`: as many as there
 * are, or 0. -ENOMEM, -ENOSPC. */
int qr_region_map(void **addr, uint32_t count, uint32_t charged, uint32_t location,
		  uint32_t flags) QR_MUST_CHECK;

/* Pages of a size in bytes that a region could have; -EINVAL. */
int qr_region_size(size_t size, uint32_t *count) QR_MUST_CHECK;

#endif /* QR_MM_ANON_H */
