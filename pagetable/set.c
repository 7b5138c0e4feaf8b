/* SPDX-License-Identifier: Apache-2.0 */
/*
 * set.c - switching between sets of tables, and tags.
 *
 * The kernel's own set has tag 0. A domain gets a tag when it becomes current and has none of this
 * generation. When all were given out a new generation begins. What is remembered under a tag is
 * dropped when it is given out, so it stands for one set only, also where a domain has ended
 * meanwhile, and nothing has to be dropped when one ends. A machine without tags has tag 0 for
 * all, and drops what is not global when the root changes.
 *
 * Generation 0 is that of domains that never had a tag. Generations are counted in 64 bits, which
 * does not come round: with 256 tags and a switch each microsecond it would in 10^8 years, 32 bits
 * in 13 days, and a domain would find its old tag current that is another's.
 *
 * How many tags there are is asked once, at the start: a CPU may find out only by using the highest
 * one (arch/riscv64/mmu.c), and must then forget what it walked meanwhile.
 */
#include "set.h"

#if CONFIG_USERSPACE

struct arch_mem_domain *qr_set_current;

static uint64_t generation = 1;
static uint32_t tag_next = 1;
static uint32_t tag_count = 1; /* that the CPU has, with 0 */

static uint64_t private_phys(uint16_t table)
{
	return mmu_table_phys(qr_private_tables[table - 1]);
}

/* Entries that point to the private tables, one after the other, are a step apart (view.h); bits
 * that a walker sets in them are lower. So are those by which a large leaf differs, which may map
 * the memory that the tables are in. */
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

	return offset < QR_PRIVATE_COUNT * step && entry_decode(entry, level).kind == QR_TABLE
		       ? (uint16_t)(offset / step + 1)
		       : 0;
}

/* Found on the way that a walker goes. */
static QR_NOINLINE uint16_t walk_to_leaf(const struct arch_mem_domain *domain, const void *virt)
{
	uint16_t table = (uint16_t)domain->root;

	while (table != 0 && qr_privates[table].level > 0) {
		table = qr_set_below(table, virt);
	}
	return table;
}

/* Mostly few domains have private tables for one stretch: then it is among the first copies. */
#define FEW 4u

uint16_t qr_set_leaf(const struct arch_mem_domain *domain, const void *virt)
{
	uint16_t copy = qr_copies_of(qr_entry(0, virt));

	for (unsigned int i = 0; i < FEW && copy != 0; i++) {
		if (qr_privates[copy].domain == domain) {
			return copy;
		}
		copy = qr_privates[copy].copy_next;
	}
	return copy == 0 ? 0 : walk_to_leaf(domain, virt);
}

static void kernel_root_set(void)
{
	const size_t root = QR_TABLES_BEFORE(ENTRY_LEVELS - 1) * QR_TABLE_ENTRIES;

	mmu_root_set(mmu_table_phys(&qr_tables[root]), 0);
}

void qr_sets_start(void)
{
	tag_count = mmu_tags();
	qr_flush_all();
}

/* A tag of this generation for the domain. What is remembered under it is an earlier domain's, and
 * is dropped; and it is dropped where nothing is, in the first generation, too. While the domain
 * had no tag its tables were filled and linked with no fence at all, and are pieces of a pool, in
 * which a walk that is not ordered behind those stores finds the entries of a domain that ended
 * (RISC-V Privileged 20211203, 4.2.1: where the tables of the new address space were modified,
 * SFENCE.VMA is necessary, and before the write of satp, as the walks may begin with it). Other
 * machines need it no more than mmu_publish (arm64), or have no tags here (x86_64). */
static void take_tag(struct arch_mem_domain *domain)
{
	if (tag_count == 1) {
		domain->tag = 0; /* mmu_root_set drops */
		return;
	}
	if (tag_next >= tag_count) {
		/* off the tag in use first, under which more could be remembered at once */
		kernel_root_set();
		generation++;
		tag_next = 1;
	}
	domain->tag = tag_next++;
	domain->generation = generation;
	mmu_tlb_tag(domain->tag);
	mmu_tlb_sync();
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
	return entry != 0 ? qr_entry_page(entry) : kernel;
}

arch_page_t arch_page_rights(const void *virt, arch_page_t now, bool user)
{
	const arch_page_t mask = ARCH_PAGE_RW | ARCH_PAGE_USER | ARCH_PAGE_EXEC;
	arch_page_t set;

	if (MMU_SPLIT && !user) {
		return now & mask;
	}
	set = set_rights(virt, now);
	return (user ? set : set & (now | ARCH_PAGE_USER)) & mask;
}

#endif /* CONFIG_USERSPACE */
