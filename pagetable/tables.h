/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tables.h - the kernel's tables and the one way to read and to change an entry.
 *
 * The tables of all levels are one static array (geometry.h), so an entry is found by
 * arithmetic, and every upper entry that has tables below points to its table from the
 * start: mapping a page is one store. An upper entry that is turned into a large leaf
 * leaves its lower table behind, all zero, and gets it back when it is split or unmapped:
 *
 *      level 1   [ table | LEAF 2M | table ]         a large leaf hides its table
 *                    |                 |
 *      level 0   [......] [ 0 0 0 0 ] [......]       which is empty meanwhile
 *
 * Invariants: an entry under a large leaf is zero; upper entries are TABLE or LEAF,
 * never TOKEN or NONE inside the space. All changes happen under the mm lock; the
 * walker changes accessed and dirty bits of leaves at any moment, so a present entry is
 * changed by exchange or compare-and-swap only.
 */
#ifndef QR_PAGETABLE_TABLES_H
#define QR_PAGETABLE_TABLES_H

#include <quire/arch.h>
#include <quire/compiler.h>

#include "mmu_port.h"
#include "view.h"

#include "entry.h"
#include "geometry.h"
#include "masks.h"

#include "mmu.h"

extern qr_entry_t qr_tables[QR_TABLES_TOTAL * QR_TABLE_ENTRIES];

#define QR_PAGE_BYTES ((uintptr_t)1 << ENTRY_PAGE_SHIFT)
#define QR_LEAF_LEVELS (CONFIG_MMU_LARGE_PAGES ? ENTRY_LEAF_LEVELS : 1)

QR_INLINE uintptr_t qr_leaf_bytes(unsigned int level)
{
	return (uintptr_t)1 << QR_LEVEL_SHIFT(level);
}

QR_INLINE size_t qr_min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

QR_INLINE qr_entry_t *qr_entry(unsigned int level, const void *virt)
{
	return &qr_tables[qr_entry_slot(level, (uintptr_t)virt)];
}

/* The page of that number in the space, and its entry: those of level 0 come first, and the first
 * of them is the space's first page's (geometry.h). */
QR_INLINE void *qr_page_virt(uint32_t page)
{
	return (void *)((uintptr_t)CONFIG_KERNEL_VM_BASE + ((uintptr_t)page << ENTRY_PAGE_SHIFT));
}
QR_INLINE qr_entry_t *qr_page_entry(uint32_t page)
{
	return &qr_tables[page];
}

QR_INLINE qr_entry_t qr_entry_load(const qr_entry_t *entry)
{
	return __atomic_load_n(entry, __ATOMIC_RELAXED);
}

/* Change an entry that no walker can be using: it is not present. */
QR_INLINE void qr_entry_store(qr_entry_t *entry, qr_entry_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELAXED);
	mmu_publish(entry, 1);
}

/* Let `count` entries, at least one, be none. */
QR_INLINE void qr_entries_clear(qr_entry_t *entry, size_t count)
{
	__atomic_store_n(entry, 0, __ATOMIC_RELAXED);
	for (size_t i = 1; i < count; i++) {
		__atomic_store_n(&entry[i], 0, __ATOMIC_RELAXED);
	}
	mmu_publish(entry, count);
}

/* Take what is there, with the last accessed and dirty bits, and leave `value`. */
QR_INLINE qr_entry_t qr_entry_exchange(qr_entry_t *entry, qr_entry_t value)
{
	qr_entry_t old = __atomic_exchange_n(entry, value, __ATOMIC_ACQ_REL);

	mmu_publish(entry, 1);
	return old;
}

/* Change a present entry from `*old`; on failure *old is what the walker made of it. It sets two
 * bits and clears none, so who tries again until it succeeds does so twice at most. */
QR_INLINE bool qr_entry_swap(qr_entry_t *entry, qr_entry_t *old, qr_entry_t value)
{
	if (!__atomic_compare_exchange_n(entry, old, value, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED)) {
		return false;
	}
	mmu_publish(entry, 1);
	return true;
}

/* Set and clear accessed and dirty (ARCH_DATA_PAGE_*) in a leaf of level 0, losing nothing that a
 * walker sets; returns what it had of them. page.c */
uint32_t qr_entry_bits(qr_entry_t *entry, uint32_t set, uint32_t clear);

/* The level of the leaf that covers `virt`, or 0 where pages do. */
unsigned int qr_leaf_level(const void *virt);

/* The cache mode that a leaf gets. A mode that the format has no bits for is left to the
 * machine's own attributes of the range (RISC-V without Svpbmt: the PMAs). */
QR_INLINE uint8_t qr_cache_mode(uint32_t flags)
{
	const uint32_t mode = flags & K_MEM_CACHE_MASK, all = (1u << (K_MEM_CACHE_NONE + 1)) - 1u;

	return (uint8_t)((ENTRY_CACHE_MODES & all) == all || (ENTRY_CACHE_MODES >> mode & 1u)
				 ? mode
				 : K_MEM_CACHE_WB);
}

/* What the flags of quire/mm.h and quire/arch.h say about a leaf. Memory that is never
 * paged is born accessed (and dirty), so that no walker or fault has to set the bits. */
QR_INLINE struct qr_view qr_leaf_view(uint64_t phys, uint32_t flags)
{
	bool write = (flags & K_MEM_PERM_RW) != 0;

	return (struct qr_view){
		.kind = QR_LEAF,
		.address = phys,
		.cache = qr_cache_mode(flags),
		.write = write,
		.exec = (flags & K_MEM_PERM_EXEC) != 0,
		.user = (flags & K_MEM_PERM_USER) != 0,
		.accessed = true,
		.dirty = write,
		.global = !MMU_SPLIT && !(flags & ARCH_MEM_LOCAL),
	};
}

/* The codec once more, as functions, for where speed does not matter. */
struct qr_view qr_view_of(qr_entry_t entry, unsigned int level);
qr_entry_t qr_entry_of(struct qr_view view, unsigned int level);

/* Make a leaf of level 0 that is accessed not accessed. It is a bit of its own (view.h), set or
 * clear, and only the lock's holder makes a leaf less accessed: so it is flipped. */
QR_INLINE void qr_entry_unaccess(qr_entry_t *entry)
{
	(void)__atomic_fetch_xor(entry, qr_leaf_used(), __ATOMIC_ACQ_REL);
	mmu_publish(entry, 1);
}

/* Replace the large leaf over `virt` by its table, filled with the same translations one
 * level down; the caller flushes nothing more. */
void qr_leaf_split(unsigned int level, void *virt);

/* Change an upper entry in all sets. */
void qr_upper_set(unsigned int level, void *virt, qr_entry_t value);

/* Make a large leaf a table, with the same translations in it or none. */
void qr_upper_replace(unsigned int level, void *virt, qr_entry_t value);

/* Drop all translations. */
void qr_flush_all(void);

/* The entry that points to the table below `virt`. */
qr_entry_t qr_table_entry(unsigned int level, const void *virt);

#endif /* QR_PAGETABLE_TABLES_H */
