/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlay.h - sets of tables that differ in rights: private copies of the kernel's tables.
 *
 * A domain's root shares the kernel's tables, but for private copies of those leaf tables in which
 * pages are the domain's own, and of the tables on the way to them:
 *
 *     the kernel's   root ---> A ---> B ---> [ leaf table 7 ] [ leaf table 8 ] ...
 *                                            ^                ^
 *     a domain's     root' --> A' --> B' ----|--------------> [ leaf table 8' ]
 *                                            shared           private
 *
 * A private leaf table has the same addresses. A page is the domain's own where its private entry
 * has `last` set, which has no meaning there otherwise; its rights are then the entry's. All other
 * private entries say what the kernel's entry says. Tokens are the kernel's alone: of a page that
 * is not loaded a private entry is none, or, where it is own, a token that keeps the rights.
 *
 * Every change of the kernel's entries is followed, under the same hold of the mm lock, by a call
 * of the functions below, which bring all copies of the entry up to date: they are found by a list
 * for each of the kernel's tables. So a change costs by the copies that there are, not by domains.
 *
 * Where user mode has tables of its own (MMU_SPLIT, KPTI) the sets are what user mode sees: the
 * same overlay over nothing. In the place of the kernel's tables stand the base's, static like
 * these and with the same geometry, which have the pages that every domain may use and the
 * trampoline; a page that user mode has no rights to is in no set. The base's tables are copies of
 * the kernel's, too, the first in their lists.
 *
 *     user mode      base  ---> .. ---> .. ---> [ 7'' ] [ 8'' ] ...
 *                                                 ^
 *     a domain's     root' --> A' --> B' ---------+---> [ 8'  ]
 *
 * Leaves that are in copies are not global, in any set: a TLB could otherwise hold two answers for
 * one address. So a leaf that is global is in no copy, and is done with: it is where the table has
 * no copies, or where its first one is being made and has not come so far (`filled`). What is put
 * into a table that has copies is not global from the start. (With MMU_SPLIT no leaf is global: the
 * TLB is no place for the kernel while user mode runs.)
 *
 * Invariants: an own page's entry has no right to write or to execute that the kernel's has not.
 * Over a private table the kernel has no large leaf. A private table is in the list of
 * copies before its first entry is filled, and linked after the last was. Numbers of private
 * tables count from 1; 0 is none.
 */
#ifndef QR_PAGETABLE_OVERLAY_H
#define QR_PAGETABLE_OVERLAY_H

#include "tables.h"

/* One private table. */
struct qr_private {
	struct arch_mem_domain *domain; /* whose it is, while it is linked, else NULL */
	uint32_t of;                    /* the kernel's table that it copies: its number */
	uint16_t copy_next, copy_prev;  /* the next copy of that table, and the one before */
	uint16_t own_next, own_prev;    /* the tables of the same domain; next: or a free one */
	uint16_t own_count;             /* own pages, above level 0 private tables, in it */
	uint16_t filled;                /* the first so many entries mean something */
	uint8_t level;
};

#define QR_PRIVATE_COUNT (CONFIG_USERSPACE ? CONFIG_MEM_DOMAIN_TABLES : 1)
extern struct qr_private qr_privates[QR_PRIVATE_COUNT + 1];
extern qr_entry_t qr_private_tables[QR_PRIVATE_COUNT][QR_TABLE_ENTRIES];

/* Whose memory a page is: beside the entry of each page of the space, as a part of it for which
 * the formats have no bits left. The number of the owner's root, which stays while the owner has
 * pages of its own; 0: no domain's. It is written where the private entry becomes the domain's
 * own, and cleared where the page is unmapped, under the same hold of the lock. */
#define QR_OWNERS (CONFIG_USERSPACE && CONFIG_DEMAND_PAGING)
typedef __typeof__(__builtin_choose_expr(QR_PRIVATE_COUNT <= UINT8_MAX, (uint8_t)0,
					 (uint16_t)0)) qr_owner_t;
extern qr_owner_t qr_owners[QR_OWNERS ? QR_TABLES(0) * QR_TABLE_ENTRIES : 1];

QR_INLINE qr_owner_t *qr_owner(const qr_entry_t *entry)
{
	return &qr_owners[QR_OWNERS ? entry - qr_tables : 0];
}

/* Private entries that are handled between two moments at which interrupts are on. */
#define QR_PRIVATE_BATCH ((CONFIG_MEM_BATCH + 5) / 6)

/* The first copy of each of the kernel's tables, and in the upper half how many there are. */
extern uint32_t qr_copies[CONFIG_USERSPACE ? QR_TABLES_TOTAL : 1];
#define QR_COPIES_COUNT_SHIFT 16

QR_INLINE uint32_t qr_table_number(const qr_entry_t *entry)
{
	return (uint32_t)(entry - qr_tables) / QR_TABLE_ENTRIES;
}

/* Beside the first copy: with MMU_SPLIT, the base's table is in use. It is from the first page on
 * that user mode may see, so that all other pages cost what they cost without domains. */
#define QR_BASE_USED 0x8000u

/* The first private copy of the table that the kernel's entry is in. */
QR_INLINE uint16_t qr_copies_of(const qr_entry_t *entry)
{
	const uint32_t copies = CONFIG_USERSPACE ? qr_copies[qr_table_number(entry)] : 0;

	return (uint16_t)(copies & (QR_BASE_USED - 1u));
}

/* How many copies the entry has, the base's among them. */
QR_INLINE uint32_t qr_copies_count(const qr_entry_t *entry)
{
	const uint32_t copies = CONFIG_USERSPACE ? qr_copies[qr_table_number(entry)] : 0;

	return (copies >> QR_COPIES_COUNT_SHIFT) + (MMU_SPLIT && (copies & QR_BASE_USED) ? 1u : 0u);
}

/* The base, with MMU_SPLIT, and its place in the lists of copies. */
#define QR_COPY_BASE UINT16_MAX
extern qr_entry_t qr_base_tables[MMU_SPLIT ? QR_TABLES_TOTAL * QR_TABLE_ENTRIES : 1];

/* Has the entry copies, the base's or private ones? */
QR_INLINE bool qr_has_copies(const qr_entry_t *entry)
{
	return CONFIG_USERSPACE && qr_copies[qr_table_number(entry)] != 0;
}

/* Has one of so many entries of level 0, a batch at most, copies? */
QR_INLINE bool qr_run_has_copies(const qr_entry_t *entry, size_t count)
{
	const uint32_t first = (uint32_t)(entry - qr_tables), last = first + (uint32_t)count - 1;

	return CONFIG_USERSPACE &&
	       (qr_copies[first / QR_TABLE_ENTRIES] | qr_copies[last / QR_TABLE_ENTRIES]) != 0;
}

/* A large leaf that user mode may see was split into entries of a whole table from `entry` on, with
 * these values: the base gets the same. */
void qr_base_split(const qr_entry_t *entry, qr_entry_t first, qr_entry_t step);

/* The entries are about to become such that user mode may see them: `flags` have USER. */
void qr_base_use(const qr_entry_t *entry, size_t count);
QR_INLINE void qr_base_need(const qr_entry_t *entry, size_t count, uint32_t flags)
{
	if (MMU_SPLIT && (flags & (K_MEM_PERM_USER | ARCH_MEM_TRAMPOLINE))) {
		qr_base_use(entry, count);
	}
}

/* The next copy from `copy` on that has this entry of the kernel's, or 0. Of a table that is being
 * made or given back the entries from `filled` on are what an earlier use has left. */
QR_INLINE uint16_t qr_copy_with(uint16_t copy, const qr_entry_t *entry)
{
	const size_t index = (size_t)(entry - qr_tables) % QR_TABLE_ENTRIES;

	while (copy != 0 && index >= qr_privates[copy].filled) {
		copy = qr_privates[copy].copy_next;
	}
	return copy;
}

/* All copies of an entry, one after the other; 0: no more. */
QR_INLINE uint16_t qr_copy_first(const qr_entry_t *entry)
{
	return MMU_SPLIT && (qr_copies[qr_table_number(entry)] & QR_BASE_USED)
		       ? QR_COPY_BASE
		       : qr_copy_with(qr_copies_of(entry), entry);
}
QR_INLINE uint16_t qr_copy_next(uint16_t copy, const qr_entry_t *entry)
{
	copy = MMU_SPLIT && copy == QR_COPY_BASE ? qr_copies_of(entry)
						 : qr_privates[copy].copy_next;
	return qr_copy_with(copy, entry);
}

/* What the sets have in common: the base's entry where there is one, else the kernel's. */
QR_INLINE qr_entry_t *qr_shared_entry(qr_entry_t *entry)
{
	return MMU_SPLIT ? &qr_base_tables[entry - qr_tables] : entry;
}

/* The entry in private table `number` of the kernel's `entry`. */
QR_INLINE qr_entry_t *qr_private_entry(size_t number, const qr_entry_t *entry)
{
	return &qr_private_tables[number - 1][(size_t)(entry - qr_tables) % QR_TABLE_ENTRIES];
}

/* The same in any copy, which may be the base. */
QR_INLINE qr_entry_t *qr_copy_entry(uint16_t copy, const qr_entry_t *entry)
{
	return MMU_SPLIT && copy == QR_COPY_BASE ? &qr_base_tables[entry - qr_tables]
						 : qr_private_entry(copy, entry);
}

/* No private tables at all: once, at the start. */
void qr_private_init(void);

/* The kernel's entry of level 0 became another that translates to the same memory, for which the
 * machine may demand a break: its copies do alike (mmu_replace). It is no global leaf. */
void qr_overlay_replace(const qr_entry_t *entry, qr_entry_t value);

/* Bring the copies of a kernel's entry of level 0, which says `value`, no global leaf, up to date.
 * Returns what they had of ARCH_DATA_PAGE_ACCESSED and _DIRTY. */
uint32_t qr_overlay_sync(const qr_entry_t *entry, qr_entry_t value);

/* The same where the page comes in, and was not there: the kernel's entry is `leaf`, which was made
 * of `phys` and `flags` (arch_mem_page_in). */
void qr_overlay_in(const qr_entry_t *entry, qr_entry_t leaf, uint64_t phys, uint32_t flags);

/* From now on so many pages, in one table, are the domain's own, with the rights of `own`, a token;
 * or, with none, they are not any more. Of a copy that is none yet it makes what it is to be. */
void qr_overlay_own(uint16_t copy, qr_entry_t *entry, size_t count, qr_entry_t own);

/* What copies had of these goes to the kernel's entry: of pages that become hidden it is in no copy
 * any more. */
void qr_overlay_keep(qr_entry_t *entry, uint32_t bits);

/* The same for a run of entries of level 0, as they are now. */
void qr_overlay_sync_run(const qr_entry_t *entry, size_t count);
QR_INLINE void qr_overlay_run(const qr_entry_t *entry, size_t count)
{
	if (QR_UNLIKELY(qr_run_has_copies(entry, count))) {
		qr_overlay_sync_run(entry, count);
	}
}

/* Pages of a run were unmapped: no set has them any more, and they are nobody's. */
void qr_overlay_unmapped(const qr_entry_t *entry, size_t count);

/* Of `count` entries from this one on, in no more than two tables, as many as may be brought up to
 * date in one hold: QR_PRIVATE_BATCH private ones, but one of the kernel's at least. */
size_t qr_overlay_most(const qr_entry_t *entry, size_t count);
QR_INLINE size_t qr_overlay_batch(const qr_entry_t *entry, size_t count)
{
	return QR_UNLIKELY(qr_run_has_copies(entry, count)) && count > 1
		       ? qr_overlay_most(entry, count)
		       : count;
}

/* The accessed and dirty bits of the copies of an entry; with `clear` none is accessed then. */
uint32_t qr_overlay_look(const qr_entry_t *entry, bool clear);

/* Set and clear accessed and dirty in the copies of an entry; returns what they had. */
uint32_t qr_overlay_bits(const qr_entry_t *entry, uint32_t set, uint32_t clear);

/* These pages, just mapped, are there in user mode, too: nothing to do but with MMU_SPLIT. */
void qr_overlay_trampoline(const qr_entry_t *entry, size_t count);

/* The kernel's upper entry for `virt` became `value`; there are no private tables under it. */
void qr_overlay_upper(unsigned int level, const void *virt, qr_entry_t value);

/* The base's entry that points to its table of the next level down. */
qr_entry_t qr_base_pointer(unsigned int level, const void *virt);

/* Do copies of that entry have to change? The base's do for what user mode may see, only. */
QR_INLINE bool qr_upper_differs(unsigned int level, const void *virt, qr_entry_t value)
{
	qr_entry_t *entry = qr_entry(level, virt);

	return qr_copies_of(entry) != 0 ||
	       (MMU_SPLIT && (entry_decode(value, level).user ||
			      entry_decode(*qr_shared_entry(entry), level).kind != QR_TABLE));
}

/* ---- what a build is without ----------------------------------------------------------------- */

#if !CONFIG_USERSPACE
QR_ABSENT_BEGIN
QR_ABSENT(void qr_base_split(const qr_entry_t *entry, qr_entry_t first, qr_entry_t step), (void)0)
QR_ABSENT(void qr_base_use(const qr_entry_t *entry, size_t count), (void)0)
QR_ABSENT(void qr_private_init(void), (void)0)
QR_ABSENT(void qr_overlay_replace(const qr_entry_t *entry, qr_entry_t value), (void)0)
QR_ABSENT(uint32_t qr_overlay_sync(const qr_entry_t *entry, qr_entry_t value), return 0)
QR_ABSENT(void qr_overlay_in(const qr_entry_t *entry, qr_entry_t leaf, uint64_t phys,
			     uint32_t flags), (void)0)
QR_ABSENT(void qr_overlay_keep(qr_entry_t *entry, uint32_t bits), (void)0)
QR_ABSENT(void qr_overlay_sync_run(const qr_entry_t *entry, size_t count), (void)0)
QR_ABSENT(void qr_overlay_unmapped(const qr_entry_t *entry, size_t count), (void)0)
QR_ABSENT(size_t qr_overlay_most(const qr_entry_t *entry, size_t count), return count)
QR_ABSENT(uint32_t qr_overlay_bits(const qr_entry_t *entry, uint32_t set, uint32_t clear), return 0)
QR_ABSENT(void qr_overlay_trampoline(const qr_entry_t *entry, size_t count), (void)0)
QR_ABSENT(void qr_overlay_upper(unsigned int level, const void *virt, qr_entry_t value), (void)0)
QR_ABSENT(qr_entry_t qr_base_pointer(unsigned int level, const void *virt), return 0)
QR_ABSENT_END
#endif

#endif /* QR_PAGETABLE_OVERLAY_H */
