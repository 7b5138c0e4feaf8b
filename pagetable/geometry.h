/* SPDX-License-Identifier: Apache-2.0 */
/*
 * geometry.h - how many page tables the address space needs, and where in them
 * the entry for an address is. Nothing but arithmetic on constants: of ENTRY_*
 * (the port's entry.h) and of CONFIG_KERNEL_VM_BASE and _SIZE.
 *
 * All tables are one array, `tables[QR_TABLES_TOTAL][1 << ENTRY_INDEX_BITS]`: level
 * 0, which holds the pages, first, the single root last, the tables of each level
 * in the order of their addresses.
 *
 *      level 0                level 1         root
 *     +------+------+------+ +------+------+ +------+
 *     |      |      |      | |      |      | |      |    tables
 *     +------+------+------+ +------+------+ +------+
 *     ^ QR_TABLES_BEFORE(0)  ^ ..(1)         ^ ..(2)
 *
 * So the entries of one level follow each other without a gap, also across tables,
 * and the entry for an address is found by a shift and an addition, without a walk:
 * the number of the entry counted from address 0, minus the number of the first
 * entry of the first table, plus the entries of the levels before. Above the
 * virtual address bits an address repeats their topmost bit, or zero; that part is
 * the same for the whole space and falls out of the difference.
 */
#ifndef QR_PAGETABLE_GEOMETRY_H
#define QR_PAGETABLE_GEOMETRY_H

#include <quire/compiler.h>

#include <entry.h>

/* The most levels of any port. */
#define QR_LEVELS_MAX 5

/* The space, bytes; the last address instead of the end, which may be 2^64. */
#define QR_SPACE_BASE ((uint64_t)CONFIG_KERNEL_VM_BASE)
#define QR_SPACE_LAST (QR_SPACE_BASE + ((uint64_t)CONFIG_KERNEL_VM_SIZE - 1u))

/* log2 of what one entry of the level covers, and of what one table of it covers.
 * The root covers the whole virtual address range, which need not fill a table. */
#define QR_LEVEL_SHIFT(level) (ENTRY_PAGE_SHIFT + ENTRY_INDEX_BITS * (level))
#define QR_LEVEL_SHIFT_OR_END(level) \
	((level) < ENTRY_LEVELS ? QR_LEVEL_SHIFT(level) : ENTRY_VA_BITS)
#define QR_TABLE_SHIFT(level) QR_LEVEL_SHIFT_OR_END((level) + 1)

/* Tables of the level; 0 above the root. */
#define QR_TABLES(level)                                                             \
	((level) >= ENTRY_LEVELS                                                     \
		 ? (size_t)0                                                         \
		 : (size_t)((QR_SPACE_LAST >> QR_TABLE_SHIFT(level)) -               \
			    (QR_SPACE_BASE >> QR_TABLE_SHIFT(level)) + 1u))

/* Tables of all levels below this one: the index of its first table. */
#define QR_TABLES_BEFORE(level)                                                      \
	(((level) > 0 ? QR_TABLES(0) : 0) + ((level) > 1 ? QR_TABLES(1) : 0) +       \
	 ((level) > 2 ? QR_TABLES(2) : 0) + ((level) > 3 ? QR_TABLES(3) : 0) +       \
	 ((level) > 4 ? QR_TABLES(4) : 0))
#define QR_TABLES_TOTAL QR_TABLES_BEFORE(ENTRY_LEVELS)

#define QR_TABLE_ENTRIES ((size_t)1 << ENTRY_INDEX_BITS)
#define QR_TABLE_BYTES (QR_TABLE_ENTRIES * sizeof(uint64_t))
#define QR_TABLES_BYTES (QR_TABLES_TOTAL * QR_TABLE_BYTES)

/* What to add to the number of an entry counted from address 0 to get its place in
 * the pool. The sum wraps around to the right place in 32 bits. */
#define QR_LEVEL_OFFSET(level)                                                       \
	((uint32_t)(QR_TABLES_BEFORE(level) * QR_TABLE_ENTRIES) -                    \
	 (uint32_t)((QR_SPACE_BASE & -((uint64_t)1 << QR_TABLE_SHIFT(level))) >>     \
		    QR_LEVEL_SHIFT_OR_END(level)))

static const uint32_t qr_level_offset[QR_LEVELS_MAX] = {
	QR_LEVEL_OFFSET(0), QR_LEVEL_OFFSET(1), QR_LEVEL_OFFSET(2),
	QR_LEVEL_OFFSET(3), QR_LEVEL_OFFSET(4),
};

/* The entry of `level` for an address of the space: its index in the whole pool seen
 * as one array of entries. The table it is in is the slot / QR_TABLE_ENTRIES. With a
 * constant level this is a shift and an addition of a constant; of an address that the core has
 * made of a page's number it is that number. */
QR_INLINE size_t qr_entry_slot(unsigned int level, uintptr_t va)
{
	if (level == 0) {
		return (uint32_t)(((uint64_t)va - QR_SPACE_BASE) >> QR_LEVEL_SHIFT(0));
	}
	return (uint32_t)((uint64_t)va >> QR_LEVEL_SHIFT(level)) + qr_level_offset[level];
}

/* The same entry's index within its table. */
QR_INLINE size_t qr_entry_index(unsigned int level, uintptr_t va)
{
	return qr_entry_slot(level, va) & (QR_TABLE_ENTRIES - 1u);
}

_Static_assert(ENTRY_LEVELS >= 2 && ENTRY_LEVELS <= QR_LEVELS_MAX,
	       "QR_LEVELS_MAX and the sums above know five levels");
_Static_assert(CONFIG_MMU_PAGE_SIZE == 1 << ENTRY_PAGE_SHIFT,
	       "CONFIG_MMU_PAGE_SIZE is not the page size of this port");
_Static_assert(ENTRY_VA_BITS > QR_LEVEL_SHIFT(ENTRY_LEVELS - 1) &&
		       ENTRY_VA_BITS <= QR_LEVEL_SHIFT(ENTRY_LEVELS),
	       "the port's virtual address bits do not end in its root table");
_Static_assert(QR_SPACE_LAST > QR_SPACE_BASE, "the space wraps around the end of memory");
_Static_assert(QR_SPACE_BASE >> ENTRY_VA_BITS == QR_SPACE_LAST >> ENTRY_VA_BITS,
	       "the space does not fit in the port's virtual address bits");
_Static_assert(QR_SPACE_BASE >> ENTRY_VA_BITS == 0 ||
		       QR_SPACE_BASE >> ENTRY_VA_BITS == UINT64_MAX >> ENTRY_VA_BITS,
	       "the space is neither at the low nor at the high end of virtual memory");
_Static_assert(QR_TABLES_TOTAL * QR_TABLE_ENTRIES <= UINT32_MAX, "slots are 32-bit numbers");
_Static_assert(QR_SPACE_BASE % ((uint64_t)1 << QR_TABLE_SHIFT(0)) == 0,
	       "CONFIG_KERNEL_VM_BASE is not a multiple of what a level 0 table covers");
_Static_assert(QR_TABLES(ENTRY_LEVELS - 1) == 1, "there is one root");
_Static_assert(CONFIG_MMU_TABLE_BYTES_MAX == 0 || QR_TABLES_BYTES <= CONFIG_MMU_TABLE_BYTES_MAX,
	       "the page tables need more than CONFIG_MMU_TABLE_BYTES_MAX: see make plan");

#endif /* QR_PAGETABLE_GEOMETRY_H */
