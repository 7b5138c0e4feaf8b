/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clean.h - background cleaning, as who finds no free frame sees it. Lock held.
 */
#ifndef QR_MM_CLEAN_H
#define QR_MM_CLEAN_H

#include "core.h"

/* The pool seems empty: the frames that the cleaner set aside are free again, and it is woken.
 * Does nothing where no cleaner sleeps. */
void qr_clean_call(void);

#endif /* QR_MM_CLEAN_H */
