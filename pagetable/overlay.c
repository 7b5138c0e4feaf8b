/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlay.c - the one writer of private entries: what the kernel's entry says, with the rights of
 * own pages (overlay.h). A walker may change a private entry at any moment, so each change is a
 * loop of load, decode, change, encode, compare-and-swap, as for the kernel's.
 */
#include "overlay.h"

struct qr_private qr_privates[QR_PRIVATE_COUNT + 1];
QR_ALIGNED(CONFIG_USERSPACE ? QR_TABLE_BYTES : 8)
qr_entry_t qr_private_tables[QR_PRIVATE_COUNT][QR_TABLE_ENTRIES];
qr_owner_t qr_owners[QR_OWNERS ? QR_TABLES(0) * QR_TABLE_ENTRIES : 1];
uint16_t qr_copies[CONFIG_USERSPACE ? QR_TABLES_TOTAL : 1];

QR_ALIGNED(MMU_SPLIT ? QR_TABLE_BYTES : 8)
qr_entry_t qr_base_tables[MMU_SPLIT ? QR_TABLES_TOTAL * QR_TABLE_ENTRIES : 1];

/* With MMU_SPLIT: may the entry be seen in user mode? */
static bool is_hidden(struct qr_view view, struct qr_view was)
{
	const bool trampoline = was.kind == QR_LEAF && !was.user && !was.last;

	return MMU_SPLIT && view.kind == QR_LEAF && !view.user && !trampoline;
}

struct qr_view qr_private_view(struct qr_view kernel, struct qr_view was)
{
	const bool own = was.last;
	struct qr_view view = kernel;

	if (kernel.kind == QR_NONE || (kernel.kind == QR_TOKEN && !own)) {
		return (struct qr_view){.kind = QR_NONE};
	}
	view.global = false;
	view.last = own;
	view.token = 0;
	if (own) {
		view.write = was.write && kernel.write;
		view.exec = was.exec && kernel.exec;
		view.user = was.user;
	}
	if (is_hidden(view, was)) {
		return own ? (struct qr_view){.kind = QR_TOKEN, .write = view.write,
					      .exec = view.exec, .last = true}
			   : (struct qr_view){.kind = QR_NONE};
	}
	view.cow = kernel.cow && view.write;
	if (kernel.kind == QR_LEAF && was.kind == QR_LEAF && was.address == kernel.address) {
		view.accessed = kernel.accessed || was.accessed;
		view.dirty = (kernel.dirty || was.dirty) && !view.cow;
	}
	return view;
}

QR_NOINLINE arch_page_t qr_overlay_sync_one(uint16_t copy, const qr_entry_t *entry,
					    struct qr_view kernel)
{
	qr_entry_t *mine = qr_private_entry(copy, entry);
	qr_entry_t old = qr_entry_load(mine);
	struct qr_view was, view;

	do {
		was = qr_view_of(old, 0);
		view = qr_private_view(kernel, was);
	} while (!qr_entry_swap(mine, &old, qr_entry_of(view, 0)));
	if (was.last && view.kind == QR_NONE) {
		qr_privates[copy].own_count--;
	}
	return qr_view_page(was) & (ARCH_DATA_PAGE_ACCESSED | ARCH_DATA_PAGE_DIRTY);
}

QR_NOINLINE arch_page_t qr_overlay_sync(const qr_entry_t *entry, struct qr_view kernel)
{
	arch_page_t bits = 0;

	for (uint16_t copy = qr_copy_first(entry); copy != 0; copy = qr_copy_next(copy, entry)) {
		bits |= qr_overlay_sync_one(copy, entry, kernel);
	}
	return bits;
}

void qr_overlay_keep(qr_entry_t *entry, arch_page_t bits)
{
	const uint32_t both = ARCH_DATA_PAGE_ACCESSED | ARCH_DATA_PAGE_DIRTY;

	if ((bits & both) != 0 && qr_view_of(qr_entry_load(entry), 0).kind == QR_LEAF) {
		(void)qr_entry_bits(entry, (uint32_t)bits & both, 0);
	}
}

static size_t copies_count(const qr_entry_t *entry)
{
	size_t count = qr_copy_first(entry) == QR_COPY_BASE ? 1 : 0;

	for (uint16_t copy = qr_copies_of(entry); copy != 0; copy = qr_privates[copy].copy_next) {
		count++;
	}
	return count;
}

size_t qr_overlay_most(const qr_entry_t *entry, size_t count)
{
	const size_t here = copies_count(entry), there = copies_count(entry + (count - 1));
	const size_t copies = here > there ? here : there;
	size_t most = copies == 0 ? count : QR_PRIVATE_BATCH / copies;

	most = most < count ? most : count;
	return most > 0 ? most : 1;
}

QR_NOINLINE arch_page_t qr_overlay_update(const qr_entry_t *entry)
{
	return qr_overlay_sync(entry, qr_view_of(qr_entry_load(entry), 0));
}

QR_NOINLINE void qr_overlay_sync_run(const qr_entry_t *entry, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		(void)qr_overlay_update(&entry[i]);
	}
}

QR_NOINLINE arch_page_t qr_overlay_bits(const qr_entry_t *entry, uint32_t set, uint32_t clear)
{
	arch_page_t bits = 0;

	for (uint16_t copy = qr_copy_first(entry); copy != 0; copy = qr_copy_next(copy, entry)) {
		qr_entry_t *mine = qr_private_entry(copy, entry);
		struct qr_view view = qr_view_of(qr_entry_load(mine), 0);

		const uint32_t never = view.cow ? ARCH_DATA_PAGE_DIRTY : 0;

		/* not a leaf where it is hidden, or for who comes without the lock too early */
		if (view.kind == QR_LEAF) {
			bits |= qr_view_page(qr_entry_bits(mine, set & ~never, clear));
		}
	}
	return bits & (ARCH_DATA_PAGE_ACCESSED | ARCH_DATA_PAGE_DIRTY);
}

void qr_base_use(const qr_entry_t *entry, size_t count)
{
	qr_copies[qr_table_number(entry)] |= QR_BASE_USED;
	qr_copies[qr_table_number(entry + (count - 1))] |= QR_BASE_USED;
}

void qr_base_split(const qr_entry_t *entry, qr_entry_t first, qr_entry_t step)
{
	qr_entry_t *base = &qr_base_tables[MMU_SPLIT ? entry - qr_tables : 0];

	qr_base_use(entry, 1);
	for (size_t i = 0; MMU_SPLIT && i < QR_TABLE_ENTRIES; i++) {
		__atomic_store_n(&base[i], first, __ATOMIC_RELAXED);
		first += step;
	}
	mmu_publish(base, QR_TABLE_ENTRIES);
}

void qr_overlay_trampoline(const qr_entry_t *entry, size_t count)
{
	for (size_t i = 0; MMU_SPLIT && i < count; i++) {
		struct qr_view view = qr_view_of(qr_entry_load(&entry[i]), 0);

		view.last = false;
		qr_entry_store(&qr_base_tables[&entry[i] - qr_tables], qr_entry_of(view, 0));
	}
}

qr_entry_t qr_base_pointer(unsigned int level, const void *virt)
{
	const size_t slot = qr_entry_slot(level - 1, (uintptr_t)virt) & ~(QR_TABLE_ENTRIES - 1u);
	struct qr_view view = {
		.kind = QR_TABLE,
		.address = mmu_table_phys(&qr_base_tables[MMU_SPLIT ? slot : 0]),
	};

	return qr_entry_of(view, level);
}

QR_NOINLINE void qr_overlay_upper(unsigned int level, const void *virt, qr_entry_t value)
{
	const struct qr_view view = qr_view_of(value, level);
	const qr_entry_t *entry = qr_entry(level, virt);

	/* in the base: a large leaf that user mode may use, or the base's own table */
	if (MMU_SPLIT && !(view.kind == QR_LEAF && view.user)) {
		value = qr_base_pointer(level, virt);
	}
	for (uint16_t copy = qr_copy_first(entry); copy != 0; copy = qr_copy_next(copy, entry)) {
		mmu_replace(qr_private_entry(copy, entry), value);
	}
}
