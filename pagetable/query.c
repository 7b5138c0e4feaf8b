/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query.c - Zephyr's queries of one page, in terms of arch_page_get and arch_page_bits.
 */
#include <quire/store.h>

#include "tables.h"

enum arch_page_location arch_page_location_get(void *addr, uintptr_t *location)
{
	arch_page_t page = arch_page_get(addr);
	uintptr_t where;

	location = location == NULL ? &where : location;
	if (page & ARCH_DATA_PAGE_LOADED) {
		*location = (uintptr_t)arch_page_phys(page);
		return ARCH_PAGE_LOCATION_PAGED_IN;
	}
	if (!(page & ARCH_DATA_PAGE_NOT_MAPPED) &&
	    ARCH_TOKEN_KIND(arch_page_token(page)) == ARCH_TOKEN_LOCATION) {
		*location = ARCH_TOKEN_VALUE(arch_page_token(page));
		return ARCH_PAGE_LOCATION_PAGED_OUT;
	}
	return ARCH_PAGE_LOCATION_BAD;
}

uint32_t arch_page_info_get(void *addr, uintptr_t *location, bool clear_accessed)
{
	arch_page_t page = arch_page_get(addr);
	const uint32_t bits = ARCH_DATA_PAGE_ACCESSED | ARCH_DATA_PAGE_DIRTY |
			      ARCH_DATA_PAGE_LOADED | ARCH_DATA_PAGE_NOT_MAPPED;
	uintptr_t where = 0;
	enum arch_page_location at = arch_page_location_get(addr, &where);

	if (location != NULL) {
		*location = where;
	}
	if (at == ARCH_PAGE_LOCATION_BAD && !(page & ARCH_DATA_PAGE_NOT_MAPPED)) {
		return ARCH_TOKEN_KIND(arch_page_token(page)) == ARCH_TOKEN_BUSY
			       ? 0
			       : ARCH_DATA_PAGE_NOT_MAPPED;
	}
	if (clear_accessed && (page & ARCH_DATA_PAGE_LOADED) && !(page & ARCH_PAGE_LARGE)) {
		page = ARCH_DATA_PAGE_LOADED | arch_page_bits(addr, 0, ARCH_DATA_PAGE_ACCESSED);
		arch_mem_flush((void *)((uintptr_t)addr & ~(QR_PAGE_BYTES - 1u)), QR_PAGE_BYTES);
	}
	return (uint32_t)page & bits;
}

int arch_page_phys_get(void *virt, uintptr_t *phys)
{
	uintptr_t offset = (uintptr_t)virt - (uintptr_t)CONFIG_KERNEL_VM_BASE;
	arch_page_t page;

	if (offset >= CONFIG_KERNEL_VM_SIZE) {
		return -EFAULT;
	}
	/* without the lock: copies of the entry in other sets are not for us */
	page = arch_page_state(virt);
	if (page & ARCH_DATA_PAGE_NOT_MAPPED) {
		page = arch_page_state(virt); /* a large leaf may just have been split */
	}
	if (!(page & ARCH_DATA_PAGE_LOADED)) {
		return -EFAULT;
	}
	if (phys != NULL) {
		*phys = (uintptr_t)(arch_page_phys(page) |
				    ((uintptr_t)virt & (QR_PAGE_BYTES - 1u)));
	}
	return 0;
}
