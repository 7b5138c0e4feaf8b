/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hazard_page.c - one page as the learned policy sees it (hazard_page.h).
 *
 * A page's class is the last gap between two uses and a slow average of the gaps, both
 * logarithmic; of a page used once so far, whether it came to be read or to be written.
 */
#include "hazard_page.h"

#if CONFIG_EVICTION_HAZARD

#define PACE_SHARE  10   /* of a new gap in the average */
#define PACE_ONE    64u  /* of a doubling, in an average */

#define DIRTY_MAX   48u  /* 64 times */

#define CLASS_BITS      7u
#define EPOCH_BITS_MAX  9u
#define EPOCH_SPAN_BITS 8u /* epochs that a page may be away without being taken for younger */

_Static_assert(HAZARD_CLASSES + 1 <= 1u << CLASS_BITS, "a history holds a class");
_Static_assert(HAZARD_HISTORY_BITS_MIN >= CLASS_BITS + 3, "and a few bits of an epoch");

uint32_t qr_hazard_epoch;
uint32_t qr_hazard_dirty;

static struct {
	uint32_t epoch_bits;  /* of an epoch in a history; 0: there are no histories */
	uint32_t epoch_grain; /* low bits of an epoch that are left out */
} history_form;

void qr_hazard_dirty_weight(uint32_t weight)
{
	uint32_t whole = hazard_log2(weight);

	qr_hazard_dirty = (whole - 4) * 8 + (weight >> (whole - 3) & 7);
	if (qr_hazard_dirty > DIRTY_MAX) {
		qr_hazard_dirty = DIRTY_MAX;
	}
}

void qr_hazard_page_start(uint32_t bits)
{
	qr_hazard_epoch = 0;
	qr_hazard_dirty_weight(32);
	history_form.epoch_bits = history_form.epoch_grain = 0;
	if (bits < HAZARD_HISTORY_BITS_MIN) {
		return;
	}
	bits -= CLASS_BITS;
	history_form.epoch_bits = bits < EPOCH_BITS_MAX ? bits : EPOCH_BITS_MAX;
	if (bits < EPOCH_SPAN_BITS) {
		history_form.epoch_grain = EPOCH_SPAN_BITS - bits;
	}
}

static uint32_t gap_class(uint32_t gap)
{
	uint32_t class = gap <= 1 ? 0 : hazard_log2(gap - 1) + 1;

	return class < HAZARD_GAPS ? class : HAZARD_GAPS - 1;
}

/* The binary logarithm, straight between powers of two. */
static uint32_t pace_of(uint32_t value)
{
	uint32_t whole = hazard_log2(value);

	return whole * PACE_ONE + ((value * PACE_ONE >> whole) & (PACE_ONE - 1));
}

static uint32_t pace_class(uint32_t pace)
{
	uint32_t class = pace * HAZARD_PACE_SCALE >> 12;

	return class < HAZARD_PACES ? class : HAZARD_PACES - 1;
}

/* A page that comes is to be visited in this epoch yet. */
static void came(struct hazard_page *page)
{
	page->visited = (uint8_t)(qr_hazard_epoch - 1);
	page->next = (uint8_t)qr_hazard_epoch;
}

void qr_hazard_page_new(struct hazard_page *page, bool dirty)
{
	page->last = (uint16_t)qr_hazard_epoch;
	page->kind = (uint8_t)(HAZARD_ONCE + dirty + 1);
	page->pace = 0;
	came(page);
}

void qr_hazard_page_used(struct hazard_page *page, uint32_t age, uint32_t ago)
{
	int32_t pace = (int32_t)pace_of(1 + age), before = page->pace;
	uint32_t class = hazard_page_class(page);

	qr_hazard_used(class, age);
	if (class < HAZARD_ONCE) {
		pace = before + (pace - before) / PACE_SHARE;
	}
	page->pace = (uint16_t)pace & 0x7fff;
	page->kind = (uint8_t)(gap_class(age) * HAZARD_PACES + pace_class((uint32_t)pace) + 1);
	page->last = (uint16_t)(qr_hazard_epoch - ago);
}

uint32_t qr_hazard_page_history(const struct hazard_page *page)
{
	uint32_t epoch = page->last >> history_form.epoch_grain;

	if (history_form.epoch_bits == 0) {
		return 0;
	}
	return (epoch & ((1u << history_form.epoch_bits) - 1)) << CLASS_BITS | page->kind;
}

/* Where in its class the average was is not known: anywhere. */
void qr_hazard_page_restore(struct hazard_page *page, uint32_t history)
{
	uint32_t class = (history & ((1u << CLASS_BITS) - 1)) - 1;
	uint32_t grain = history_form.epoch_grain;
	uint32_t age = (qr_hazard_epoch >> grain) - (history >> CLASS_BITS);

	if (class >= HAZARD_CLASSES) {
		class = HAZARD_ONCE; /* no history of ours */
	}
	age = (age & ((1u << history_form.epoch_bits) - 1)) << grain;
	age += qr_hazard_epoch & ((1u << grain) - 1);
	page->last = (uint16_t)(qr_hazard_epoch - age);
	page->kind = (uint8_t)(class + 1);
	came(page);
	class %= HAZARD_PACES;
	class = ((class << 6 | qr_hazard_dice(63)) << 6) / HAZARD_PACE_SCALE;
	page->pace = (uint16_t)class & 0x7fff;
}

#endif /* CONFIG_EVICTION_HAZARD */
