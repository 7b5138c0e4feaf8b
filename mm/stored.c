/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stored.c - stored data: k_mem_map_stored.
 */
#include "anon.h"
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

int k_mem_map_stored(void **addr, uintptr_t location, size_t size, uint32_t flags)
{
	uint32_t count, charged;

	if (addr == NULL || qr_flags_check(flags, QR_PERM_MASK) != 0 ||
	    qr_region_size(size, &count) != 0 || qr_location_check(location, count) != 0) {
		return -EINVAL;
	}
	charged = (flags & K_MEM_PERM_RW) || qr_location_owned((uint32_t)location) ? count : 0;
	return qr_region_map(addr, count, charged, (uint32_t)location, flags);
}

#endif /* CONFIG_DEMAND_PAGING && CONFIG_MEM_STORED */
