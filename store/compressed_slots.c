/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compressed_slots.c - the slots of the compressed store, which are the lower store's.
 *
 * The promise (mm/charge.h). The core counts usable slots, S, and who needs one finds one that
 * is free. reserve() hands out slots of the lower store, and none is ever kept from the core
 * by what is in the pool:
 *   - a slot that the core released while its spill was under way is given to the lower store
 *     when that ends; until then reserve() itself hands it out again;
 *   - a slot whose spill failed is not given back when it is released, for the lower store would
 *     take it for a good one. reserve() hands it out when there is no other; the write that
 *     follows is refused, and the core, which then retires it, has one slot less, as with any
 *     store whose write failed.
 *
 * Lock: the mm lock, in every function.
 */
#include "compressed.h"

#if CONFIG_BACKING_STORE_COMPRESSED

static uint32_t kind_of(const struct k_mem_compressed_slot *record)
{
	return record->state & QR_SLOT_KIND;
}

void qr_compressed_drop(struct k_mem_compressed *c, uint32_t slot)
{
	struct k_mem_compressed_slot *record = &c->slots[slot];
	uint32_t kind = kind_of(record);

	if (kind == QR_SLOT_POOL) {
		qr_pool_order_leave(c, record->value);
		qr_pool_let_go(c, record->value);
	} else if (kind == QR_SLOT_SAME) {
		c->stats.same_pages--;
	}
	record->state = (record->state & ~(uint32_t)QR_SLOT_KIND) | QR_SLOT_LOWER;
}

struct k_mem_compressed_slot qr_compressed_set_aside(struct k_mem_compressed *c, uint32_t slot)
{
	const struct k_mem_compressed_slot was = c->slots[slot];

	if (kind_of(&was) == QR_SLOT_POOL) {
		qr_pool_need(c, was.value);
	}
	qr_compressed_drop(c, slot);
	return was;
}

void qr_compressed_put_back(struct k_mem_compressed *c, uint32_t slot,
			    struct k_mem_compressed_slot was)
{
	struct k_mem_compressed_slot *record = &c->slots[slot];

	record->state = (record->state & ~(uint32_t)QR_SLOT_KIND) | kind_of(&was);
	record->value = was.value;
	if (kind_of(&was) == QR_SLOT_POOL) {
		qr_pool_order_oldest(c, was.value);
	} else if (kind_of(&was) == QR_SLOT_SAME) {
		c->stats.same_pages++;
	}
}

void qr_compressed_let_go(struct k_mem_compressed *c, struct k_mem_compressed_slot was)
{
	if (kind_of(&was) == QR_SLOT_POOL) {
		qr_pool_let_go(c, was.value);
	}
}

/* A slot that the core released while it was being spilled; NOWHERE. */
static uint32_t released_find(const struct k_mem_compressed *c)
{
	for (uint32_t i = 0; c->spilling > 0 && i < c->spill_count; i++) {
		const struct k_mem_compressed_spill *spill = &c->spills[i];

		if (spill->state != QR_SPILL_IDLE &&
		    (c->slots[spill->slot].state & QR_SLOT_RELEASED)) {
			return spill->slot;
		}
	}
	return QR_COMPRESSED_NOWHERE;
}

int qr_compressed_reserve(void *context, uint32_t *slot)
{
	struct k_mem_compressed *c = context;
	int status = c->lower.ops->reserve(c->lower.context, slot);

	if (status == 0) {
		QR_ASSERT(*slot < c->lower.slot_count &&
			  "a store handed out a slot that it does not have");
		c->slots[*slot] = (struct k_mem_compressed_slot){.state = QR_SLOT_LOWER};
		return 0;
	}
	*slot = released_find(c);
	if (*slot != QR_COMPRESSED_NOWHERE) {
		c->slots[*slot].state &= ~(uint32_t)QR_SLOT_RELEASED;
		return 0;
	}
	if (c->bad_first == QR_COMPRESSED_NOWHERE) {
		return status;
	}
	*slot = c->bad_first;
	c->bad_first = c->slots[*slot].value;
	c->slots[*slot].state = QR_SLOT_LOWER | QR_SLOT_BAD;
	return 0;
}

void qr_compressed_give_up(struct k_mem_compressed *c, uint32_t slot)
{
	struct k_mem_compressed_slot *record = &c->slots[slot];
	uint32_t state = record->state;

	if ((state & QR_SLOT_SPILLING) || !(state & (QR_SLOT_RELEASED | QR_SLOT_RETIRED))) {
		return;
	}
	record->state = QR_SLOT_UNUSED;
	if (state & QR_SLOT_RETIRED) {
		c->lower.ops->retire(c->lower.context, slot);
	} else if (state & QR_SLOT_BAD) {
		record->value = c->bad_first;
		c->bad_first = slot;
	} else {
		c->lower.ops->release(c->lower.context, slot);
	}
}

static void unwanted(struct k_mem_compressed *c, uint32_t slot, uint32_t how)
{
	QR_ASSERT(slot < c->lower.slot_count && kind_of(&c->slots[slot]) != QR_SLOT_UNUSED);
	qr_compressed_drop(c, slot);
	c->slots[slot].state |= how;
	qr_compressed_give_up(c, slot);
}

void qr_compressed_release(void *context, uint32_t slot)
{
	unwanted(context, slot, QR_SLOT_RELEASED);
}

void qr_compressed_retire(void *context, uint32_t slot)
{
	unwanted(context, slot, QR_SLOT_RETIRED);
}

#endif /* CONFIG_BACKING_STORE_COMPRESSED */
