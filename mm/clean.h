/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clean.h - background cleaning, as who finds no free frame sees it. Lock held.
 */
#ifndef QR_MM_CLEAN_H
#define QR_MM_CLEAN_H

#include "frame.h"

/* The cleaner sleeps: its frames are free again, and it wakes. */
void qr_clean_wake(void);

/* The pool seems empty: the frames that the cleaner set aside are free again, and it is woken.
 * Does nothing where no cleaner sleeps. */
QR_INLINE void qr_clean_call(void)
{
	if (CONFIG_DEMAND_PAGING && CONFIG_MEM_CLEAN &&
	    QR_UNLIKELY(qr_frame_table.cleaner_waits)) {
		qr_clean_wake();
	}
}

#endif /* QR_MM_CLEAN_H */
