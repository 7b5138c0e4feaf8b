/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bring.h - making one page present. Lock held; lets go of it.
 */
#ifndef QR_MM_BRING_H
#define QR_MM_BRING_H

#include "frame.h"

/* Why a page is wanted. */
#define QR_BRING_WRITE K_MEM_FAULT_WRITE /* it is about to be written */
#define QR_BRING_USER  K_MEM_FAULT_USER
#define QR_BRING_EXEC  K_MEM_FAULT_EXEC
#define QR_BRING_FENCED K_MEM_FAULT_FENCED
/* Not touched yet: rights are not checked. And AHEAD, and must be pinned when this returns. */
#define QR_BRING_AHEAD (CONFIG_DEMAND_PAGING_REQUESTS ? 0x100u : 0u)
#define QR_BRING_PIN   (CONFIG_DEMAND_PAGING_REQUESTS ? 0x200u : 0u)

/* What a step on the way may say beside a final status. */
enum {
	QR_BRING_LOOK = 1, /* look again */
	QR_BRING_VAIN,     /* others came between again and again */
};

/* The first step, which mostly is the last, and all others: only for the next function, which is
 * what this is about. A step by itself has nothing to keep for those that may follow. */
int qr_bring_step(uint32_t page, unsigned int want, struct qr_hold *hold) QR_MUST_CHECK;
int qr_bring_steps(uint32_t page, unsigned int want, int status, struct qr_hold *hold)
	QR_MUST_CHECK;

/* Make the page present for this purpose. 0, -EFAULT, -EACCES, -EIO, -ENOMEM as for
 * k_mem_page_fault; with PIN also -ENOMEM when the pin cannot be granted, with AHEAD -EBUSY when
 * others came between again and again. A page that this call
 * pinned is PINNING, one that was pinned before is PINNED only. */
QR_INLINE int qr_bring(uint32_t page, unsigned int want, struct qr_hold *hold)
{
	int status = qr_bring_step(page, want, hold);

	return QR_UNLIKELY(status > 0) ? qr_bring_steps(page, want, status, hold) : status;
}

/* The same for a page that is in a frame, and needs no other; or, to be pinned, one with zeros:
 * QR_BRING_LOOK. */
int qr_bring_resident(uint32_t page, arch_page_t now, unsigned int want) QR_MUST_CHECK;

/* The frame that holds this page as paged memory; QR_NO_INDEX where it is in none, and for
 * memory that is always resident: the image, physical mappings, the zero page. */
uint32_t qr_paged_frame(uint32_t page, arch_page_t now);

/* Would a page with this content count against the promise: charge.h. */
bool qr_page_charged(arch_page_t page);

#endif /* QR_MM_BRING_H */
