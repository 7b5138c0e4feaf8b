/* SPDX-License-Identifier: Apache-2.0 */
/*
 * anon.h - regions between guards, shared by anonymous and stored mappings.
 *
 *    GUARD_BEGIN(n) | page 0 | page 1 | ... | page n-1, LAST | GUARD_END
 *
 * The guard in front carries the number of pages, so that unmapping checks address and size
 * against one entry. It is written last when the region is made and taken first when it is
 * unmapped: in between no other call finds the region.
 */
#ifndef QR_MM_ANON_H
#define QR_MM_ANON_H

#include "core.h"

/* Find room for `count` pages and their guards; *pages is what lies between. -ENOSPC. */
int qr_region_take(uint32_t count, struct qr_pages *pages) QR_MUST_CHECK;
void qr_region_give(struct qr_pages pages);

/* Make the guards; the pages are complete. */
void qr_region_close(struct qr_pages pages);

/* Fill the region with tokens (`step` 0: all the same), batch by batch. */
void qr_region_fill(struct qr_pages pages, uint32_t location, uint32_t flags, struct qr_hold *hold);

/* Pages of a size in bytes that a region could have; -EINVAL. */
int qr_region_size(size_t size, uint32_t *count) QR_MUST_CHECK;

#endif /* QR_MM_ANON_H */
