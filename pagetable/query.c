/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query.c - Zephyr's queries of one page, in terms of arch_page_get and arch_page_bits.
 */
#include <quire/store.h>

#include "tables.h"

/* Where a page is that is so. */
static QR_NOINLINE enum arch_page_location location_of(arch_page_t now, uintptr_t *location)
{
	if (now & ARCH_DATA_PAGE_LOADED) {
		*location = (uintptr_t)arch_page_phys(now);
		return ARCH_PAGE_LOCATION_PAGED_IN;
	}
	if (!(now & ARCH_DATA_PAGE_NOT_MAPPED) &&
	    ARCH_TOKEN_KIND(arch_page_token(now)) == ARCH_TOKEN_LOCATION) {
		*location = ARCH_TOKEN_VALUE(arch_page_token(now));
		return ARCH_PAGE_LOCATION_PAGED_OUT;
	}
	return ARCH_PAGE_LOCATION_BAD;
}

enum arch_page_location arch_page_location_get(void *addr, uintptr_t *location)
{
	uintptr_t where;

	return location_of(arch_page_get(addr), location == NULL ? &where : location);
}

uint32_t arch_page_info_get(void *addr, uintptr_t *location, bool clear_accessed)
{
	const uint32_t page = arch_page_number(addr);
	const uint32_t bits = ARCH_DATA_PAGE_ACCESSED | ARCH_DATA_PAGE_DIRTY |
			      ARCH_DATA_PAGE_LOADED | ARCH_DATA_PAGE_NOT_MAPPED;
	arch_page_t now = arch_page_get_n(page);
	uintptr_t where = 0;
	enum arch_page_location at = location_of(now, &where);

	if (location != NULL) {
		*location = where;
	}
	if (at == ARCH_PAGE_LOCATION_BAD && !(now & ARCH_DATA_PAGE_NOT_MAPPED)) {
		return ARCH_TOKEN_KIND(arch_page_token(now)) == ARCH_TOKEN_BUSY
			       ? 0
			       : ARCH_DATA_PAGE_NOT_MAPPED;
	}
	if (clear_accessed && (now & ARCH_DATA_PAGE_LOADED) && !(now & ARCH_PAGE_LARGE)) {
		now = ARCH_DATA_PAGE_LOADED | arch_page_bits_n(page, 0, ARCH_DATA_PAGE_ACCESSED);
		arch_mem_flush(qr_page_virt(page), QR_PAGE_BYTES);
	}
	return (uint32_t)now & bits;
}

int arch_page_phys_get(void *virt, uintptr_t *phys)
{
	const uintptr_t offset = (uintptr_t)virt - (uintptr_t)CONFIG_KERNEL_VM_BASE;
	const uint32_t page = arch_page_number(virt);
	arch_page_t now;

	if (offset >= CONFIG_KERNEL_VM_SIZE) {
		return -EFAULT;
	}
	/* without the lock: copies of the entry in other sets are not for us */
	now = arch_page_state_n(page);
	if (now & ARCH_DATA_PAGE_NOT_MAPPED) {
		now = arch_page_state_n(page); /* a large leaf may just have been split */
	}
	if (!(now & ARCH_DATA_PAGE_LOADED)) {
		return -EFAULT;
	}
	if (phys != NULL) {
		*phys = (uintptr_t)(arch_page_phys(now) |
				    ((uintptr_t)virt & (QR_PAGE_BYTES - 1u)));
	}
	return 0;
}
