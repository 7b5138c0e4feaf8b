/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stored.c - stored data: k_mem_map_stored.
 *
 * The charge and the addresses are reserved first. From the first entry on nothing can fail.
 */
#include "anon.h"
#include "charge.h"
#include "store.h"

#if CONFIG_DEMAND_PAGING && CONFIG_MEM_STORED

int qr_location_check(uintptr_t location, uint32_t count)
{
	uintptr_t store = location >> K_MEM_LOCATION_SLOT_BITS;
	uint32_t slot = (uint32_t)location & (K_MEM_SLOTS_MAX - 1u);

	if (store >= qr_store_table.count) {
		return -EINVAL;
	}

	uint32_t slots = qr_store_table.store[store].slot_count;

	return slot >= slots || count > slots - slot ? -EINVAL : 0;
}

/* Slots that the caller reserved now belong to the mapping. */
static void slots_adopt(uint32_t location, uint32_t count)
{
	if (qr_location_store(location) == qr_store_table.paging) {
		qr_store_table.free_slots -= count;
	}
}

int k_mem_map_stored(void **addr, uintptr_t location, size_t size, uint32_t flags)
{
	struct qr_hold hold;
	struct qr_pages pages;
	uint32_t count, charged;
	int status;

	if (addr == NULL || qr_flags_check(flags, QR_PERM_MASK) != 0 ||
	    qr_region_size(size, &count) != 0 || qr_location_check(location, count) != 0) {
		return -EINVAL;
	}
	charged = (flags & K_MEM_PERM_RW) || qr_location_owned((uint32_t)location) ? count : 0;
	qr_lock(&hold);
	status = qr_charge_add(charged, 0);
	if (status == 0) {
		status = qr_region_take(count, &pages);
		if (status != 0) {
			qr_charge_sub(charged, 0);
		}
	}
	if (status == 0) {
		slots_adopt((uint32_t)location, count);
		qr_region_fill(pages, (uint32_t)location, flags, &hold);
		qr_region_close(pages, 0);
		*addr = qr_page_addr(pages.first);
	}
	qr_unlock(&hold);
	return status;
}

#endif /* CONFIG_DEMAND_PAGING && CONFIG_MEM_STORED */
