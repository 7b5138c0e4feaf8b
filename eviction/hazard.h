/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hazard.h - what the learned policy (hazard.c) knows of classes of pages
 * (hazard_table.c).
 *
 * Ages are epochs since the last known use. A row of the table is a class of pages, a
 * column an age: 32 of them, exact below 8, then four to the doubling.
 */
#ifndef EVICTION_HAZARD_H
#define EVICTION_HAZARD_H

#include <quire/compiler.h>

#define HAZARD_AGE_MAX 511u /* older pages count as this old */
#define HAZARD_BINS    32u

#define HAZARD_GAPS    8u  /* classes of the last gap between two uses */
#define HAZARD_PACES   11u /* classes of the slow average of gaps */
#define HAZARD_ONCE    (HAZARD_GAPS * HAZARD_PACES) /* used once: came to be read, written */
#define HAZARD_CLASSES (HAZARD_ONCE + 2u)

/* Forget everything. */
void qr_hazard_table_start(void);

/* A page of this class reached this age; it was used at this age. */
void qr_hazard_exposed(uint32_t class, uint32_t age);
void qr_hazard_used(uint32_t class, uint32_t age);

/* A page of this class and age was evicted; one that had been evicted came back. */
void qr_hazard_left(uint32_t class, uint32_t age);
void qr_hazard_returned(uint32_t class, uint32_t age);

/* How much a page of this class and age is worth keeping: the binary logarithm of the uses
 * per epoch that it promises, in eighths, above an arbitrary zero. At most 199. */
uint32_t qr_hazard_index(uint32_t class, uint32_t age);

/* Bring a part of the table up to date; `epoch` is the present one. */
void qr_hazard_turn(uint32_t epoch);

/* A number from 0 to mask, which is a power of two less one: what rounds without bias. */
uint32_t qr_hazard_dice(uint32_t mask);

/* The whole part of the binary logarithm; value > 0. */
QR_INLINE uint32_t hazard_log2(uint32_t value)
{
	return 31u - (uint32_t)__builtin_clz(value);
}

#endif /* EVICTION_HAZARD_H */
