/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hazard_page.h - what the learned policy (hazard.c) keeps of one page, and how that
 * becomes a class, a worth, and the history of a page in no frame:
 *
 *	epoch of the last use, its low bits | class + 1, 7 bits
 *
 * Where a history has fewer bits, epochs are written coarser.
 */
#ifndef EVICTION_HAZARD_PAGE_H
#define EVICTION_HAZARD_PAGE_H

#include "hazard.h"

struct hazard_page {
	uint16_t last;  /* epoch of the last known use */
	uint16_t pace : 15;    /* average of the logarithm of 1 + gap, 64 a doubling */
	uint16_t shielded : 1; /* it came back soon after it had gone (hazard.c) */
	uint8_t kind;   /* class + 1; 0: the frame holds no page */
	uint8_t pooled; /* hazard_pool.c */
	uint8_t visited; /* epoch of the hand's last visit, its low bits */
	uint8_t next;    /* and of the next */
};

/* The present epoch, 0 at first. */
extern uint32_t qr_hazard_epoch;

/* Histories have `bits` bits. Fewer than HAZARD_HISTORY_BITS_MIN are not worth having. */
#define HAZARD_HISTORY_BITS_MIN 10u
void qr_hazard_page_start(uint32_t bits);

/* A page came that nothing is known of. */
void qr_hazard_page_new(struct hazard_page *page, bool dirty);

/* The class of the page in a frame that holds one (hazard.h). */
QR_INLINE uint32_t hazard_page_class(const struct hazard_page *page)
{
	return page->kind - 1u;
}

/* Epochs since its last known use. Of 16 bits: a page that the hand did not visit for so long is
 * taken for a young one, which costs a wrong guess. All other comparisons of epochs are
 * differences, too; none of them means "none". */
QR_INLINE uint32_t hazard_page_age(const struct hazard_page *page)
{
	return (uint16_t)(qr_hazard_epoch - page->last);
}

/* Epochs since the hand's last visit, and whether it is time for the next. Of 8 bits: a page that
 * is visited too seldom may rest once more. */
QR_INLINE uint32_t hazard_page_unseen(const struct hazard_page *page)
{
	return (uint8_t)(qr_hazard_epoch - page->visited);
}
QR_INLINE bool hazard_page_awake(const struct hazard_page *page)
{
	return (uint8_t)(qr_hazard_epoch - page->next) < 128;
}

/* It was used at this age, `ago` epochs before now: count that. Its class changes. */
void qr_hazard_page_used(struct hazard_page *page, uint32_t age, uint32_t ago);

/* What evicting a dirty page costs over evicting a clean one, in 16ths (k_mem_dirty_weight). */
void qr_hazard_dirty_weight(uint32_t weight);

extern uint32_t qr_hazard_dirty; /* its logarithm, as worths are */

/* How much a page is worth keeping: at most 255. */
QR_INLINE uint32_t hazard_worth(uint32_t class, uint32_t bin, bool dirty)
{
	return qr_hazard_table.index[class][bin] + (dirty ? qr_hazard_dirty : 0);
}
QR_INLINE uint32_t hazard_page_worth(const struct hazard_page *page, bool dirty)
{
	return hazard_worth(hazard_page_class(page), hazard_bin(hazard_page_age(page)), dirty);
}

/* Its history, 0 where there are none; and what is left of a page's past by its history. */
uint32_t qr_hazard_page_history(const struct hazard_page *page);
void qr_hazard_page_restore(struct hazard_page *page, uint32_t history);

#endif /* EVICTION_HAZARD_PAGE_H */
