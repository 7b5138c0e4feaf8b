/* SPDX-License-Identifier: Apache-2.0 */
/*
 * private.c - the private tables of domains: making them and giving them back (overlay.h).
 *
 * A private leaf table is made top down, one table of the path after the other, each a batch of
 * entries at a time: `making` says which one is on its way. While it is made it is in the list of
 * copies, so that changes of entries that were filled already reach it, but no upper entry
 * points to it; the last step links it, with the set suspended, so that no walker sees a table
 * pointer change. Nothing here can fail: who calls has seen that enough tables are free.
 *
 * Domains are changed by one thread at a time (quire/arch.h), which holds the mm lock.
 */
#include "set.h"

#if CONFIG_USERSPACE

static struct {
	uint32_t free_count;
	uint16_t free_head;
	uint16_t making; /* the table that is being made, or 0 */
	uint16_t ending; /* the one that is being given back, or 0 */
} pool;

void qr_private_init(void)
{
	pool.free_count = QR_PRIVATE_COUNT;
	pool.free_head = pool.making = pool.ending = 0;
	for (uint16_t table = QR_PRIVATE_COUNT; table > 0; table--) {
		qr_privates[table].own_next = pool.free_head;
		pool.free_head = table;
	}
	__builtin_memset(qr_copies, 0, sizeof(qr_copies));
	__builtin_memset(qr_owners, 0, sizeof(qr_owners));
	qr_sets_init();
}

void arch_mem_domain_init(struct arch_mem_domain *domain)
{
	*domain = (struct arch_mem_domain){0};
}

uint32_t arch_mem_domain_tables_free(void)
{
	return pool.free_count;
}

/* ---- tables ---------------------------------------------------------------------------- */

/* The lowest private table on the way to `virt`, or 0: not even a root. */
static uint16_t lowest_table(const struct arch_mem_domain *domain, const void *virt)
{
	uint16_t table = (uint16_t)domain->root, below = table;

	while (below != 0) {
		table = below;
		below = qr_privates[table].level > 0 ? qr_set_below(table, virt) : 0;
	}
	return table;
}

uint32_t arch_mem_domain_tables_lacking(const struct arch_mem_domain *domain, void *virt,
					size_t size)
{
	const uint64_t first = (uintptr_t)virt, last = first + (size - 1);
	uint32_t lacking = 0;

	/* each level's tables over the range, less those that are there */
	for (unsigned int level = 0; level < ENTRY_LEVELS; level++) {
		const unsigned int shift = QR_TABLE_SHIFT(level);
		uint64_t at = first;

		for (;;) {
			uint16_t table = lowest_table(domain, (void *)(uintptr_t)at);

			lacking += table == 0 || qr_privates[table].level > level;
			if (at >> shift == last >> shift) {
				break;
			}
			at = ((at >> shift) + 1) << shift;
		}
	}
	return lacking;
}

/* The first private copy of the kernel's table `of`, of which there are one more or less. */
static void copies_set(uint32_t of, uint16_t table, int change)
{
	const uint32_t count = (qr_copies[of] >> QR_COPIES_COUNT_SHIFT) + (uint32_t)change;

	qr_copies[of] = count << QR_COPIES_COUNT_SHIFT | (qr_copies[of] & QR_BASE_USED) | table;
}

/* Put a table in front of both lists. */
static void enlist(struct arch_mem_domain *domain, uint16_t table)
{
	const uint32_t of = qr_privates[table].of;
	const uint16_t copy = qr_copies_of(&qr_tables[of * QR_TABLE_ENTRIES]);
	const uint16_t own = (uint16_t)domain->tables;

	/* entry 0 of the array, which is no table, is written to where a list was empty */
	qr_privates[table].copy_next = copy;
	qr_privates[table].own_next = own;
	qr_privates[copy].copy_prev = table;
	qr_privates[own].own_prev = table;
	domain->tables = table;
	copies_set(of, table, 1);
}

/* Take a table out of both lists, whatever their lengths. */
static void delist(struct arch_mem_domain *domain, uint16_t table)
{
	const struct qr_private *private = &qr_privates[table];
	const uint16_t first = qr_copies_of(&qr_tables[private->of * QR_TABLE_ENTRIES]);

	if (domain->tables == table) {
		domain->tables = private->own_next;
	} else {
		qr_privates[private->own_prev].own_next = private->own_next;
	}
	qr_privates[private->own_next].own_prev = private->own_prev;
	if (first != table) {
		qr_privates[private->copy_prev].copy_next = private->copy_next;
	}
	qr_privates[private->copy_next].copy_prev = private->copy_prev;
	copies_set(private->of, first == table ? private->copy_next : first, -1);
}

static uint16_t take(struct arch_mem_domain *domain, unsigned int level, const void *virt)
{
	const uint32_t of = qr_table_number(qr_entry(level, virt));
	const uint16_t table = pool.free_head;

	QR_REQUIRE(table != 0);
	pool.free_count--;
	pool.free_head = qr_privates[table].own_next;
	qr_privates[table] = (struct qr_private){
		.of = of,
		.level = (uint8_t)level,
	};
	enlist(domain, table);
	return table;
}

/* ---- making ----------------------------------------------------------------------------- */

/* A leaf that was the same in all sets will not be. In one step, as the page may be the running
 * thread's stack: every machine allows this direction, in which the translation stays what it is.
 * (Arm ARM, "Using break-before-make when updating translation table entries", asks for a break
 * where a *global* entry is made that others may be remembered of; Intel SDM 3A 4.10.2.4 and RISC-V
 * Privileged 4.2.1 for a drop that reaches global ones.) The private table is not linked before
 * everything global was dropped, so no TLB holds two answers. */
static QR_NOINLINE void make_local(qr_entry_t *entry, uintptr_t virt)
{
	(void)__atomic_fetch_xor(entry, qr_leaf_global(0), __ATOMIC_ACQ_REL);
	mmu_publish(entry, 1);
	mmu_tlb_page(0, virt);
	mmu_tlb_sync();
}

static void fill_page(uint16_t table, qr_entry_t *entry, uintptr_t virt)
{
	const qr_entry_t value = qr_entry_load(entry);

	if (qr_is_leaf(value) && qr_is_global(value)) {
		make_local(entry, virt);
	}
	qr_overlay_own(table, entry, 1, 0);
}

/* The next few entries of the table that is being made, which holds what `virt` is in. */
static void fill(uint16_t table, uintptr_t virt)
{
	struct qr_private *private = &qr_privates[table];
	qr_entry_t *from = &qr_tables[(size_t)private->of * QR_TABLE_ENTRIES];
	const uintptr_t first = virt & ~(((uintptr_t)1 << QR_TABLE_SHIFT(0)) - 1u);

	for (unsigned int i = 0; i < QR_PRIVATE_BATCH && private->filled < QR_TABLE_ENTRIES; i++) {
		size_t index = private->filled++;
		qr_entry_t *mine = &qr_private_tables[table - 1][index];

		if (private->level == 0) {
			qr_entry_store(mine, 0);
			fill_page(table, &from[index], first + (index << ENTRY_PAGE_SHIFT));
		} else {
			qr_entry_store(mine, qr_entry_load(qr_shared_entry(&from[index])));
		}
	}
}

static qr_entry_t pointer_to(uint16_t table)
{
	const unsigned int level = qr_privates[table].level + 1u;
	struct qr_view view = {
		.kind = QR_TABLE,
		.address = mmu_table_phys(qr_private_tables[table - 1]),
	};

	return qr_entry_of(view, level);
}

/* The domain's entry one level above for what `virt` is in, in the private table `above`. */
static qr_entry_t *entry_in(uint16_t above, const void *virt)
{
	return &qr_private_tables[above - 1][qr_entry_index(qr_privates[above].level,
							     (uintptr_t)virt)];
}

static void link(struct arch_mem_domain *domain, uint16_t above, const void *virt, uint16_t table)
{
	qr_set_suspend(domain);
	if (above == 0) {
		domain->root = table;
	} else {
		(void)qr_entry_exchange(entry_in(above, virt), pointer_to(table));
		qr_privates[above].own_count++;
	}
	qr_privates[table].domain = domain;
	qr_set_resume(domain);
}

bool arch_mem_domain_cover(struct arch_mem_domain *domain, void *virt)
{
	uint16_t lowest = lowest_table(domain, virt);
	unsigned int large = qr_leaf_level(virt);

	if (lowest != 0 && qr_privates[lowest].level == 0) {
		return true;
	}
	if (large > 0) {
		qr_leaf_split(large, virt);
		return false;
	}
	if (pool.making == 0) {
		pool.making = take(domain, (lowest == 0 ? ENTRY_LEVELS : qr_privates[lowest].level)
						   - 1u, virt);
	}
	fill(pool.making, (uintptr_t)virt);
	if (qr_privates[pool.making].filled == QR_TABLE_ENTRIES) {
		link(domain, lowest, virt, pool.making);
		pool.making = 0;
	}
	return false;
}

/* ---- giving back -----------------------------------------------------------------------
 *
 * A table in which nothing is the domain's own is unlinked, so that no walker marks pages in it
 * any more; what it has of accessed and dirty goes to the kernel's entries; then it leaves the
 * lists. Only then is it free.
 */

static void collect(uint16_t table)
{
	const uint32_t bits = ARCH_DATA_PAGE_ACCESSED | ARCH_DATA_PAGE_DIRTY;
	struct qr_private *private = &qr_privates[table];
	qr_entry_t *to = &qr_tables[(size_t)private->of * QR_TABLE_ENTRIES];

	for (unsigned int i = 0; i < QR_PRIVATE_BATCH && private->filled > 0; i++) {
		size_t index = --private->filled;
		struct qr_view view =
			qr_view_of(qr_entry_load(&qr_private_tables[table - 1][index]), 0);

		if (private->level == 0 && view.kind == QR_LEAF) {
			(void)qr_entry_bits(&to[index],
					    (uint32_t)qr_view_page(view) & bits, 0);
		}
	}
}

/* The table is free. */
static void forget(struct arch_mem_domain *domain, uint16_t table)
{
	delist(domain, table);
	qr_privates[table].own_next = pool.free_head;
	pool.free_head = table;
	pool.free_count++;
}

/* The table above the one that is private and nearest to `virt`, or 0: that one is the root. */
static uint16_t table_above(const struct arch_mem_domain *domain, const void *virt, uint16_t table)
{
	uint16_t above = (uint16_t)domain->root;

	if (above == table) {
		return 0;
	}
	while (qr_set_below(above, virt) != table) {
		above = qr_set_below(above, virt);
	}
	return above;
}

static void unlink(struct arch_mem_domain *domain, void *virt, uint16_t table)
{
	const uint16_t above = table_above(domain, virt, table);

	qr_privates[table].domain = NULL;
	qr_set_suspend(domain);
	if (above == 0) {
		domain->root = 0;
	} else {
		const qr_entry_t *shared =
			qr_shared_entry(qr_entry(qr_privates[above].level, virt));

		(void)qr_entry_exchange(entry_in(above, virt), qr_entry_load(shared));
		qr_privates[above].own_count--;
	}
	qr_set_resume(domain);
}

bool arch_mem_domain_trim(struct arch_mem_domain *domain, void *virt)
{
	if (pool.ending == 0) {
		const uint16_t table = lowest_table(domain, virt);

		if (table == 0 || qr_privates[table].own_count > 0) {
			return true;
		}
		unlink(domain, virt, table);
		pool.ending = table;
		return false;
	}
	collect(pool.ending);
	if (qr_privates[pool.ending].filled == 0) {
		forget(domain, pool.ending);
		pool.ending = 0;
	}
	return false;
}

#endif /* CONFIG_USERSPACE */
