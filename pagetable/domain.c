/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain.c - a domain's own pages: in their private entries, which have to be there (private.c).
 *
 * Domains are changed by one thread at a time (quire/arch.h), which holds the mm lock.
 */
#include "set.h"

#if CONFIG_USERSPACE

/* Change the private entries of up to a batch of pages in one leaf table: to the rights of `own`, a
 * token, or, where that is none, back to the kernel's. */
static size_t own_pages(struct arch_mem_domain *domain, void *virt, size_t size, qr_entry_t own)
{
	const size_t to_end = QR_TABLE_ENTRIES - qr_entry_index(0, (uintptr_t)virt);
	const uint16_t leaf = qr_set_leaf(domain, virt);
	size_t count = size >> ENTRY_PAGE_SHIFT;

	count = count < to_end ? count : to_end;
	count = count < QR_PRIVATE_BATCH ? count : QR_PRIVATE_BATCH;
	if (leaf != 0) {
		qr_overlay_own(leaf, qr_entry(0, virt), count, own);
		arch_mem_flush(virt, count << ENTRY_PAGE_SHIFT);
	}
	return count << ENTRY_PAGE_SHIFT;
}

size_t arch_mem_domain_partition_add(struct arch_mem_domain *domain, void *virt, size_t size,
				     uint32_t flags)
{
	const struct qr_view own = {
		.kind = QR_TOKEN,
		.write = (flags & K_MEM_PERM_RW) != 0,
		.exec = (flags & K_MEM_PERM_EXEC) != 0,
		.user = (flags & K_MEM_PERM_USER) != 0,
		.last = true,
	};

	size = own_pages(domain, virt, size, entry_encode(own, 0));
	for (size_t i = 0; (flags & ARCH_MEM_OWNER) && i < size >> ENTRY_PAGE_SHIFT; i++) {
		*qr_owner(qr_entry(0, virt) + i) = (qr_owner_t)domain->root;
	}
	return size;
}

size_t arch_mem_domain_partition_remove(struct arch_mem_domain *domain, void *virt, size_t size)
{
	return own_pages(domain, virt, size, 0);
}

bool arch_mem_domain_covers(const struct arch_mem_domain *domain, const void *virt, size_t size)
{
	const uintptr_t first = (uintptr_t)virt, last = first + (size - 1);

	return first >> QR_TABLE_SHIFT(0) == last >> QR_TABLE_SHIFT(0) &&
	       qr_set_leaf(domain, virt) != 0;
}

struct arch_mem_domain *arch_page_owner_n(uint32_t page)
{
	const qr_owner_t owner = QR_OWNERS ? *qr_owner(qr_page_entry(page)) : 0;

	return owner != 0 ? qr_privates[owner].domain : NULL;
}

void *arch_mem_domain_owned(const struct arch_mem_domain *domain)
{
	uint16_t table = (uint16_t)domain->tables;

	while (table != 0 && (qr_privates[table].level > 0 || qr_privates[table].own_count == 0)) {
		table = qr_privates[table].own_next;
	}
	for (size_t i = 0; QR_OWNERS && table != 0 && i < QR_TABLE_ENTRIES; i++) {
		const size_t page = qr_privates[table].of * QR_TABLE_ENTRIES + i;

		if (qr_owners[page] == domain->root) {
			return (void *)((uintptr_t)CONFIG_KERNEL_VM_BASE +
					((uintptr_t)page << ENTRY_PAGE_SHIFT));
		}
	}
	return NULL;
}

#endif /* CONFIG_USERSPACE */
