/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hazard_hand.h - the hand that visits the pages of the learned policy (hazard.c): it looks whether
 * they were used, counts that, and tells the pool what they are worth now.
 */
#ifndef EVICTION_HAZARD_HAND_H
#define EVICTION_HAZARD_HAND_H

#include "hazard_page.h"

/* Visits in a call. */
#define HAZARD_VISITS 8u

/* The hand stands at the first of so many frames. */
void qr_hazard_hand_start(struct hazard_page *pages, uint32_t frame_count);

/* It is to pass so many more; a round is the most. */
void qr_hazard_hand_owes(uint32_t frames);
bool qr_hazard_hand_rests(void);

/* Let it pass frames that it owes; with `wake` any, and pages that rest are visited, too. Ends
 * after HAZARD_VISITS visits or 32 frames. Returns how many frames it passed. */
uint32_t qr_hazard_hand_sweep(bool wake);

#endif /* EVICTION_HAZARD_HAND_H */
