/* SPDX-License-Identifier: Apache-2.0 */
/*
 * set.c - switching between sets of tables, and tags.
 *
 * The kernel's own set has tag 0. A domain gets a tag when it becomes current and has none of this
 * generation. When all were given out everything is dropped from the TLB and a new generation
 * begins; so a tag stands for one set only, also where a domain has ended meanwhile, and
 * nothing has to be dropped when one ends. A machine without tags has tag 0 for all, and
 * drops what is not global when the root changes.
 */
#include "set.h"

struct arch_mem_domain *qr_set_current;

static uint32_t generation = 1;
static uint32_t tag_next = 1;

static uint64_t private_phys(uint16_t table)
{
	return mmu_table_phys(qr_private_tables[table - 1]);
}

/* Entries that point to the private tables, one after the other, are a step apart (view.h); bits
 * that a walker sets in them are lower. */
uint16_t qr_set_below(uint16_t table, const void *virt)
{
	const unsigned int level = qr_privates[table].level;
	const size_t index = qr_entry_index(level, (uintptr_t)virt);
	const struct qr_view first = {.kind = QR_TABLE, .address = private_phys(1)};
	const struct qr_view zero = {.kind = QR_TABLE};
	const struct qr_view next = {.kind = QR_TABLE, .address = QR_TABLE_BYTES};
	const qr_entry_t step = entry_encode(next, 1) - entry_encode(zero, 1);
	qr_entry_t entry = qr_entry_load(&qr_private_tables[table - 1][index]);
	qr_entry_t offset = entry - entry_encode(first, 1);

	return offset < QR_PRIVATE_COUNT * step ? (uint16_t)(offset / step + 1) : 0;
}

uint16_t qr_set_leaf(const struct arch_mem_domain *domain, const void *virt)
{
	uint16_t table = (uint16_t)domain->root;

	while (table != 0 && qr_privates[table].level > 0) {
		table = qr_set_below(table, virt);
	}
	return table;
}

static void kernel_root_set(void)
{
	const size_t root = QR_TABLES_BEFORE(ENTRY_LEVELS - 1) * QR_TABLE_ENTRIES;

	mmu_root_set(mmu_table_phys(&qr_tables[root]), 0);
}

/* A tag of this generation for the domain. */
static void take_tag(struct arch_mem_domain *domain)
{
	const uint32_t tags = mmu_tags();

	if (tags == 1) {
		domain->tag = 0;
		return;
	}
	if (tag_next >= tags) {
		/* off the tag in use first, under which more could be remembered at once */
		kernel_root_set();
		qr_flush_all();
		generation++;
		tag_next = 1;
	}
	domain->tag = tag_next++;
	domain->generation = generation;
}

/* The set that domains without private tables share: the kernel's own under tag 0, or the base,
 * which is a set like the others'. */
static struct arch_mem_domain base;

static uint64_t shared_root(void)
{
	const size_t root = QR_TABLES_BEFORE(ENTRY_LEVELS - 1) * QR_TABLE_ENTRIES;

	return mmu_table_phys(qr_shared_entry(&qr_tables[root]));
}

static void activate(struct arch_mem_domain *domain)
{
	const bool shared = domain == NULL || domain->root == 0;
	uint64_t root = shared ? shared_root() : private_phys((uint16_t)domain->root);

	domain = shared ? &base : domain;
	if (QR_UNLIKELY(domain->generation != generation) && (MMU_SPLIT || !shared)) {
		take_tag(domain);
	}
	if (MMU_SPLIT) {
		mmu_user_root_set(root, domain->tag);
	} else {
		mmu_root_set(root, domain->tag);
	}
}

void qr_sets_init(void)
{
	qr_set_current = NULL;
	base = (struct arch_mem_domain){0};
}

void arch_mem_domain_switch(struct arch_mem_domain *domain)
{
	qr_set_current = domain;
	activate(domain);
}

void qr_set_suspend(const struct arch_mem_domain *domain)
{
	if (domain == qr_set_current) {
		activate(NULL);
	}
}

void qr_set_resume(struct arch_mem_domain *domain)
{
	if (domain->generation == generation) {
		mmu_tlb_tag(domain->tag);
		mmu_tlb_sync();
	}
	if (domain == qr_set_current) {
		activate(domain);
	}
}

/* What the current set's entry says, or, where that says nothing, the kernel's. */
static arch_page_t set_rights(const void *virt, arch_page_t kernel)
{
	uint16_t leaf = qr_set_current == NULL ? 0 : qr_set_leaf(qr_set_current, virt);
	qr_entry_t entry;

	if (leaf == 0) {
		return kernel;
	}
	entry = qr_entry_load(qr_private_entry(leaf, qr_entry(0, virt)));
	return entry != 0 ? qr_view_page(qr_view_of(entry, 0)) : kernel;
}

arch_page_t arch_page_rights(const void *virt, bool user)
{
	const arch_page_t mask = ARCH_PAGE_RW | ARCH_PAGE_USER | ARCH_PAGE_EXEC;
	const arch_page_t kernel = arch_page_get(virt);
	arch_page_t set;

	if (MMU_SPLIT && !user) {
		return kernel & mask;
	}
	set = set_rights(virt, kernel);
	return (user ? set : set & (kernel | ARCH_PAGE_USER)) & mask;
}
