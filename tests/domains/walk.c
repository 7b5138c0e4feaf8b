/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk.c - see walk.h. The one file of the model that looks into pagetable/. Tables are static, so
 * that a table's physical address has one place in one of three arrays.
 */
#include "walk.h"

#include <pagetable/overlay.h>

const unsigned int set_levels = ENTRY_LEVELS;
const bool set_is_split = MMU_SPLIT;

static const qr_entry_t *table_at(uint64_t phys)
{
	const struct {
		const qr_entry_t *tables;
		size_t size;
	} arrays[] = {
		{qr_tables, sizeof(qr_tables)},
		{qr_private_tables[0], sizeof(qr_private_tables)},
		{qr_base_tables, MMU_SPLIT ? sizeof(qr_base_tables) : 0},
	};

	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++) {
		const uint64_t offset = phys - mmu_table_phys(arrays[i].tables);

		if (offset < arrays[i].size && offset % QR_TABLE_BYTES == 0) {
			return &arrays[i].tables[offset / sizeof(qr_entry_t)];
		}
	}
	return NULL;
}

static const qr_entry_t *root_of(const struct arch_mem_domain *domain)
{
	const size_t top = QR_TABLES_BEFORE(ENTRY_LEVELS - 1) * QR_TABLE_ENTRIES;

	if (domain->root != 0) {
		return qr_private_tables[domain->root - 1];
	}
	return MMU_SPLIT ? &qr_base_tables[top] : &qr_tables[top];
}

bool set_walk(const struct arch_mem_domain *domain, const void *virt, struct walked *walked)
{
	const qr_entry_t *table = root_of(domain);

	for (unsigned int level = ENTRY_LEVELS; table != NULL && level-- > 0;) {
		const size_t index = qr_entry_index(level, (uintptr_t)virt);
		const struct qr_view view = entry_decode(qr_entry_load(&table[index]), level);

		if (view.kind != QR_TABLE) {
			const uint64_t within = qr_leaf_bytes(level) - QR_PAGE_BYTES;

			*walked = (struct walked){view, view.address + ((uintptr_t)virt & within)};
			return true;
		}
		table = table_at(view.address);
	}
	return false;
}

uint32_t set_tables_used(void)
{
	return QR_PRIVATE_COUNT - arch_mem_domain_tables_free();
}

uint64_t set_table_of(unsigned int level, const void *virt)
{
	return (uint64_t)(uintptr_t)virt >> QR_TABLE_SHIFT(level);
}
