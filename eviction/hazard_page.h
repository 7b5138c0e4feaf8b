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
	uint16_t pace;  /* average of the logarithm of 1 + gap, 64 a doubling */
	uint8_t gap;    /* class of the last gap */
	uint8_t once;   /* 0: used more than once; 1: came to be read, 2: to be written */
	uint8_t pooled; /* hazard_pool.c */
	bool held;      /* the frame holds a page */
};

/* The present epoch, 0 at first. */
extern uint32_t qr_hazard_epoch;

/* Histories have `bits` bits. Fewer than HAZARD_HISTORY_BITS_MIN are not worth having. */
#define HAZARD_HISTORY_BITS_MIN 10u
void qr_hazard_page_start(uint32_t bits);

/* A page came that nothing is known of. */
void qr_hazard_page_new(struct hazard_page *page, bool dirty);

/* The class of the page (hazard.h). */
uint32_t qr_hazard_page_class(const struct hazard_page *page);

/* Epochs since its last known use. */
uint32_t qr_hazard_page_age(const struct hazard_page *page);

/* It was used, at this age: count that. Its class changes and its age is 0. */
void qr_hazard_page_used(struct hazard_page *page, uint32_t age);

/* Its rank among pages: what is worth least has the lowest; among equals the oldest. */
uint32_t qr_hazard_page_key(const struct hazard_page *page, bool dirty);

/* Its history, 0 where there are none; and what is left of a page's past by its history. */
uint32_t qr_hazard_page_history(const struct hazard_page *page);
void qr_hazard_page_restore(struct hazard_page *page, uint32_t history);

#endif /* EVICTION_HAZARD_PAGE_H */
