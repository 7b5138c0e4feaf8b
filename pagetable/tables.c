/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tables.c - the static tables: linking them, large leaves and their splitting, and the
 * flush. See tables.h for the picture and the invariants.
 */
#include "set.h"

QR_ALIGNED(QR_TABLE_BYTES) qr_entry_t qr_tables[QR_TABLES_TOTAL * QR_TABLE_ENTRIES];

/* The scratch page is the last page of the space; mm/ keeps it out of its hands. */
static void *const scratch_page =
	(void *)((uintptr_t)CONFIG_KERNEL_VM_BASE + CONFIG_KERNEL_VM_SIZE - QR_PAGE_BYTES);

QR_NOINLINE qr_entry_t qr_table_entry(unsigned int level, const void *virt)
{
	size_t slot = qr_entry_slot(level - 1, (uintptr_t)virt) & ~(QR_TABLE_ENTRIES - 1u);
	struct qr_view view = {
		.kind = QR_TABLE,
		.address = mmu_table_phys(&qr_tables[slot]),
	};

	return entry_encode(view, level);
}

QR_NOINLINE struct qr_view qr_view_of(qr_entry_t entry, unsigned int level)
{
	return entry_decode(entry, level);
}

QR_NOINLINE qr_entry_t qr_entry_of(struct qr_view view, unsigned int level)
{
	return entry_encode(view, level);
}

unsigned int qr_leaf_level(const void *virt)
{
	unsigned int level = QR_LEAF_LEVELS - 1;

	if (qr_entry_load(qr_entry(0, virt)) != 0) {
		return 0; /* what is under a large leaf is zero */
	}
	while (level > 0 &&
	       entry_decode(qr_entry_load(qr_entry(level, virt)), level).kind != QR_LEAF) {
		level--;
	}
	return level;
}

/* The format's, or the CPU's where it has less. It is asked each time: k_mem_init wants to know
 * before arch_mem_init, which is where it could be remembered. */
uint64_t arch_phys_end(void)
{
	const unsigned int bits = mmu_phys_bits();

	return (uint64_t)1 << (bits < ENTRY_PA_BITS ? bits : ENTRY_PA_BITS);
}

void arch_mem_init(void)
{
	uintptr_t last = (uintptr_t)CONFIG_KERNEL_VM_BASE + (CONFIG_KERNEL_VM_SIZE - 1u);

	for (unsigned int level = 1; level < ENTRY_LEVELS; level++) {
		uintptr_t virt = (uintptr_t)CONFIG_KERNEL_VM_BASE & ~(qr_leaf_bytes(level) - 1u);
		size_t tables = QR_TABLES(level - 1);

		for (size_t i = 0; i < tables; i++) {
			qr_entry_t *entry = qr_entry(level, (void *)virt);

			qr_entry_store(entry, qr_table_entry(level, (void *)virt));
			if (MMU_SPLIT) {
				qr_entry_store(qr_shared_entry(entry),
					       qr_base_pointer(level, (void *)virt));
			}
			virt += qr_leaf_bytes(level);
		}
		QR_ASSERT(virt - 1u >= last);
	}
	if (CONFIG_USERSPACE) {
		qr_private_init();
	}
	for (size_t table = QR_TABLES_BEFORE(1); MMU_SPLIT && table < QR_TABLES_TOTAL; table++) {
		qr_base_use(&qr_tables[table * QR_TABLE_ENTRIES], 1);
	}
}

bool arch_mem_takes_over(void)
{
	return MMU_TAKES_OVER;
}

QR_INLINE struct arch_mem_table_range table_range(void *first, size_t size)
{
	return (struct arch_mem_table_range){first, mmu_table_phys(first), size};
}

bool arch_mem_tables(unsigned int which, struct arch_mem_table_range *tables)
{
	if (which == 0) {
		*tables = table_range(qr_tables, sizeof(qr_tables));
	} else if (CONFIG_USERSPACE && which == 1) {
		*tables = table_range(qr_private_tables, sizeof(qr_private_tables));
	} else if (MMU_SPLIT && which == 2) {
		*tables = table_range(qr_base_tables, sizeof(qr_base_tables));
	} else {
		return false;
	}
	return true;
}

void arch_mem_start(void)
{
	const size_t root = QR_TABLES_BEFORE(ENTRY_LEVELS - 1) * QR_TABLE_ENTRIES;

	mmu_start();
	mmu_root_set(mmu_table_phys(&qr_tables[root]), 0);
	if (CONFIG_USERSPACE) {
		qr_sets_start();
	} else {
		qr_flush_all();
	}
}

QR_NOINLINE void qr_flush_all(void)
{
	mmu_tlb_all();
	mmu_tlb_sync();
}

void arch_mem_flush(void *virt, size_t size)
{
	uintptr_t page = (uintptr_t)virt;

	if (size > (size_t)CONFIG_MEM_TLB_RANGE_MAX << ENTRY_PAGE_SHIFT) {
		qr_flush_all();
		return;
	}
	do {
		mmu_tlb_page(0, page);
		page += QR_PAGE_BYTES;
		size -= QR_PAGE_BYTES;
	} while (size > 0);
	mmu_tlb_sync();
}

void qr_upper_set(unsigned int level, void *virt, qr_entry_t value)
{
	qr_entry_t *entry = qr_entry(level, virt);

	(void)qr_entry_exchange(entry, value);
	if (qr_upper_differs(level, virt, value)) {
		qr_overlay_upper(level, virt, value);
	}
}

/* In each set at once, with no moment in which the running code could miss what is here: it may be
 * its stack (docs/decisions/0015). Sets are changed one after the other, and only one is walked.
 * Flushed at the end, because caches of upper entries must not keep the old one, nor that nothing
 * was here, and dropping a page after the fault that follows need not help: SFENCE.VMA with an
 * address is of leaves only (RISC-V Privileged 20211203, 4.2.1). */
QR_NOINLINE void qr_upper_replace(unsigned int level, void *virt, qr_entry_t value)
{
	mmu_replace(qr_entry(level, virt), value);
	if (qr_upper_differs(level, virt, value)) {
		qr_overlay_upper(level, virt, value);
	}
	qr_flush_all();
}

void qr_leaf_split(unsigned int level, void *virt)
{
	uintptr_t base = (uintptr_t)virt & ~(qr_leaf_bytes(level) - 1u);
	struct qr_view view = qr_view_of(qr_entry_load(qr_entry(level, virt)), level);
	qr_entry_t *entry = qr_entry(level - 1, (void *)base);
	const qr_entry_t step = qr_leaf_step(level - 1);
	bool last = view.last;
	qr_entry_t value;

	QR_REQUIRE(view.kind == QR_LEAF);
	view.last = false;
	value = qr_entry_of(view, level - 1);
	for (size_t i = 0; i < QR_TABLE_ENTRIES; i++) {
		__atomic_store_n(&entry[i], value, __ATOMIC_RELAXED);
		value += step;
	}
	if (MMU_SPLIT && view.user) {
		qr_base_split(entry, value - QR_TABLE_ENTRIES * step, step);
	}
	if (last) {
		value += qr_leaf_mark(level - 1) - step;
		__atomic_store_n(&entry[QR_TABLE_ENTRIES - 1], value, __ATOMIC_RELAXED);
	}
	mmu_publish(entry, QR_TABLE_ENTRIES);
	if (!ENTRY_BREAK) {
		/* the running stack may be walked through the table at once: no walk may be
		 * ahead of the stores to it (RISC-V Privileged 4.2.1: a fence orders them) */
		qr_flush_all();
	}
	qr_upper_replace(level, virt, qr_table_entry(level, virt));
}

size_t arch_virt_region_align(uint64_t phys, size_t size)
{
	for (unsigned int level = QR_LEAF_LEVELS - 1; level > 0; level--) {
		uintptr_t bytes = qr_leaf_bytes(level);

		/* a whole leaf must fit between the first boundary and the end */
		if (size >= bytes && size - bytes >= (-phys & (bytes - 1u))) {
			return bytes;
		}
	}
	return QR_PAGE_BYTES;
}

/* In the current set, too, where that has an entry of its own for the window: seldom, as few have
 * pages of their own beside the end of the space. */
static QR_NOINLINE void own_scratch_set(qr_entry_t *entry, qr_entry_t value)
{
	uint16_t leaf = 0;

	if (CONFIG_USERSPACE && qr_set_current != NULL) {
		leaf = qr_set_leaf(qr_set_current, scratch_page);
	}
	if (CONFIG_USERSPACE && leaf != 0) {
		qr_entry_store(qr_private_entry(leaf, entry), value);
	}
}

/* The window is born accessed and dirty, so no walker changes its entry. */
QR_INLINE void scratch_set(qr_entry_t *entry, qr_entry_t value)
{
	qr_entry_store(entry, value);
	if (CONFIG_USERSPACE && !MMU_SPLIT && QR_UNLIKELY(qr_has_copies(entry))) {
		own_scratch_set(entry, value);
	}
}

QR_INLINE void scratch_drop(void)
{
	mmu_tlb_page(0, (uintptr_t)scratch_page);
	mmu_tlb_sync();
}

/* Broken before it is made where the machine demands it; else what is remembered is dropped once
 * the entry says another frame, and nobody looks before. The other sets say what they said when
 * they were current; no CPU has it from there once the window is open, as they were not current
 * since it was dropped. */
void *arch_mem_scratch(uint64_t phys)
{
	qr_entry_t *entry = qr_entry(0, scratch_page);

	if (ENTRY_BREAK) {
		scratch_set(entry, 0);
		scratch_drop();
	}
	scratch_set(entry, QR_AS_LEAF(0, .address = phys, .write = true, .accessed = true,
				      .dirty = true));
	if (!ENTRY_BREAK) {
		scratch_drop();
	}
	return mmu_access((uintptr_t)scratch_page);
}

/* The tables are part of the image, so no frame beside the image's is the MMU's own. */
void arch_reserved_pages_update(void)
{
}
