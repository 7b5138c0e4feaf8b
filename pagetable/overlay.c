/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlay.c - the one writer of private entries: what the kernel's entry says, with the rights of
 * own pages (overlay.h).
 *
 * What a copy becomes is arithmetic (copy.h), and much the same for all copies of an entry: most
 * say that the page is not their own, or is shared alike, and was not used through them. So what
 * was found for one copy is kept for the next, and mostly a copy is a look.
 *
 * A walker may change a private leaf at any moment, so each change is a loop of load, change,
 * compare-and-swap, as for the kernel's.
 */
#include "copy.h"

#if CONFIG_USERSPACE

uint32_t arch_mem_work;

struct qr_private qr_privates[QR_PRIVATE_COUNT + 1];
QR_ALIGNED(QR_TABLE_BYTES) qr_entry_t qr_private_tables[QR_PRIVATE_COUNT][QR_TABLE_ENTRIES];
qr_owner_t qr_owners[QR_OWNERS ? QR_TABLES(0) * QR_TABLE_ENTRIES : 1];
uint32_t qr_copies[QR_TABLES_TOTAL];

QR_ALIGNED(MMU_SPLIT ? QR_TABLE_BYTES : 8)
qr_entry_t qr_base_tables[MMU_SPLIT ? QR_TABLES_TOTAL * QR_TABLE_ENTRIES : 1];

/* Once each, as they are much code. */
static QR_NOINLINE void read_original(struct qr_original *original, qr_entry_t value)
{
	*original = qr_original_of(value);
}
static QR_NOINLINE qr_entry_t becomes(const struct qr_original *original, qr_entry_t was)
{
	return qr_copy_with_bits(was, qr_copy_becomes(original, was));
}

void qr_overlay_replace(const qr_entry_t *entry, qr_entry_t value)
{
	struct qr_original original;

	read_original(&original, value);
	for (uint16_t copy = qr_copy_first(entry); copy != 0; copy = qr_copy_next(copy, entry)) {
		qr_entry_t *mine = qr_copy_entry(copy, entry);

		mmu_replace(mine, becomes(&original, qr_entry_load(mine)));
	}
}

void qr_overlay_keep(qr_entry_t *entry, uint32_t bits)
{
	if (bits != 0 && qr_is_leaf(qr_entry_load(entry))) {
		(void)qr_entry_bits(entry, bits, 0);
	}
}

/* An entry of the private table becomes own, with the rights of `own`, or no more. */
static QR_NOINLINE void own_page(struct qr_private *private, qr_entry_t *mine, qr_entry_t *entry,
				 qr_entry_t own)
{
	const qr_entry_t as = own != 0 ? own : qr_copy_base(entry);
	qr_entry_t was = qr_entry_load(mine), to;
	struct qr_original original;

	read_original(&original, qr_entry_load(entry));
	to = becomes(&original, as);
	while (!qr_entry_swap(mine, &was, qr_copy_with_bits(was, to))) {
	}
	if (qr_is_leaf(was) && !qr_is_leaf(to)) {
		qr_overlay_keep(entry, qr_leaf_bits(was));
	}
	private->own_count += qr_copy_is_own(to);
	private->own_count -= qr_copy_is_own(was);
}

/* Are rights all that the entry of an own page has to say? So while it is not loaded. */
QR_INLINE bool is_rights_alone(qr_entry_t kernel, qr_entry_t own)
{
	return qr_is_token(kernel) && !qr_is_guard(kernel) &&
	       !qr_copy_exceeds(own, qr_may_write(kernel), entry_decode(kernel, 0).exec);
}

void qr_overlay_own(uint16_t copy, qr_entry_t *entry, size_t count, qr_entry_t own)
{
	qr_entry_t *mine = qr_private_entry(copy, entry);

	for (size_t i = 0; i < count; i++) {
		if (mine[i] == 0 && own != 0 && is_rights_alone(qr_entry_load(&entry[i]), own)) {
			qr_entry_store(&mine[i], own);
			qr_privates[copy].own_count++;
		} else {
			own_page(&qr_privates[copy], &mine[i], &entry[i], own);
		}
	}
}

/* ---- all copies ---------------------------------------------------------------------------- */

/* How copies change. */
struct change {
	struct qr_original original;
	qr_entry_t none;     /* what becomes of none */
	uint64_t phys;       /* of a page that comes in, born so */
	uint32_t flags;
	uint32_t set, clear; /* of accessed and dirty */
	qr_entry_t was, is;  /* the last copy that was looked at closely, and what becomes of it */
	uint32_t bits;       /* accessed and dirty, as copies had them */
};

typedef qr_entry_t (*becomes_t)(const struct change *change, qr_entry_t was);

QR_INLINE qr_entry_t becomes_any(const struct change *change, qr_entry_t was)
{
	return becomes(&change->original, was);
}

/* The page was not there: what a copy said was the token of an own page, with no right that the
 * kernel's has not. */
QR_INLINE qr_entry_t becomes_in(const struct change *change, qr_entry_t was)
{
	return MMU_SPLIT && !entry_decode(was, 0).user
		       ? was
		       : qr_leaf_refusing(qr_token_to_leaf(was, change->phys, change->flags, false),
					  change->flags);
}

/* Not a leaf where it is hidden, or for who comes without the lock too early. */
QR_INLINE qr_entry_t becomes_used(const struct change *change, qr_entry_t was)
{
	const uint32_t never = entry_decode(was, 0).cow ? ARCH_DATA_PAGE_DIRTY : 0;

	return qr_is_leaf(was) ? qr_leaf_with_bits(was, change->set & ~never, change->clear) : was;
}

/* A copy that is not like the last one. */
QR_INLINE void look_closely(struct change *change, qr_entry_t was, becomes_t becomes_what)
{
	change->was = was;
	change->is = was == 0 ? change->none : becomes_what(change, was);
	change->bits |= qr_is_leaf(was) ? qr_leaf_bits(was) : 0;
}
static QR_NOINLINE void look_any(struct change *change, qr_entry_t was)
{
	look_closely(change, was, becomes_any);
}
static QR_NOINLINE void look_used(struct change *change, qr_entry_t was)
{
	look_closely(change, was, becomes_used);
}
QR_INLINE void look_in(struct change *change, qr_entry_t was)
{
	look_closely(change, was, becomes_in);
}

typedef void (*look_t)(struct change *change, qr_entry_t was);

QR_INLINE void change_begin(struct change *change, qr_entry_t none)
{
	change->none = change->is = none;
	change->was = 0;
	change->bits = 0;
}

/* Change all private copies. */
QR_INLINE void change_all(struct change *change, const qr_entry_t *entry, look_t look)
{
	const size_t index = (size_t)(entry - qr_tables) % QR_TABLE_ENTRIES;
	const uint32_t copies = qr_copies[qr_table_number(entry)];
	struct qr_private *private;

	arch_mem_work += copies >> QR_COPIES_COUNT_SHIFT;
	for (size_t copy = copies & (QR_BASE_USED - 1u); copy != 0; copy = private->copy_next) {
		qr_entry_t *mine = &qr_private_tables[copy - 1][index];
		qr_entry_t was;

		private = &qr_privates[copy];
		if (QR_UNLIKELY(index >= private->filled)) {
			continue; /* as qr_copy_with() */
		}
		was = qr_entry_load(mine);
		while (was != change->none) {
			if (was != change->was) {
				look(change, was);
			}
			if (change->is == was) {
				break;
			}
			if (qr_entry_swap(mine, &was, change->is)) {
				if (QR_UNLIKELY(change->is == 0) && qr_copy_is_own(was)) {
					private->own_count--;
				}
				break;
			}
		}
	}
}

/* Change the base's entry: apart, as it is in use only where there are
 * pages that every domain may use. It has no own ones. */
static QR_NOINLINE void base_change(struct change *change, const qr_entry_t *entry, look_t look)
{
	qr_entry_t *base = &qr_base_tables[MMU_SPLIT ? entry - qr_tables : 0];
	qr_entry_t was = qr_entry_load(base);

	do {
		look(change, was);
	} while (change->is != was && !qr_entry_swap(base, &was, change->is));
}

QR_INLINE bool is_in_base(const qr_entry_t *entry)
{
	return MMU_SPLIT && QR_UNLIKELY(qr_copies[qr_table_number(entry)] & QR_BASE_USED);
}

QR_NOINLINE uint32_t qr_overlay_sync(const qr_entry_t *entry, qr_entry_t value)
{
	struct change change;

	read_original(&change.original, value);
	change_begin(&change, change.original.shared);
	if (is_in_base(entry)) {
		base_change(&change, entry, look_any);
	}
	change_all(&change, entry, look_any);
	return change.bits;
}

QR_NOINLINE void qr_overlay_in(const qr_entry_t *entry, qr_entry_t leaf, uint64_t phys,
			       uint32_t flags)
{
	struct change change;

	if (is_in_base(entry)) {
		(void)qr_overlay_sync(entry, leaf);
		return;
	}
	change.phys = phys;
	change.flags = flags;
	change_begin(&change, qr_copy_shared(leaf));
	change_all(&change, entry, look_in);
}

QR_NOINLINE uint32_t qr_overlay_bits(const qr_entry_t *entry, uint32_t set, uint32_t clear)
{
	struct change change;

	change.set = set;
	change.clear = clear;
	change_begin(&change, 0);
	if (is_in_base(entry)) {
		base_change(&change, entry, look_used);
	}
	change_all(&change, entry, look_used);
	return change.bits;
}

QR_INLINE uint32_t look_at(qr_entry_t *copy, bool clear)
{
	const qr_entry_t leaf = qr_entry_load(copy);

	if (!qr_is_leaf(leaf)) {
		return 0;
	}
	if (clear && qr_is_accessed(leaf)) {
		qr_entry_unaccess(copy);
	}
	return qr_leaf_bits(leaf);
}

/* No answers are kept: a look is less work than finding them. */
QR_NOINLINE uint32_t qr_overlay_look(const qr_entry_t *entry, bool clear)
{
	const size_t index = (size_t)(entry - qr_tables) % QR_TABLE_ENTRIES;
	const uint32_t copies = qr_copies[qr_table_number(entry)];
	uint32_t bits = 0;

	arch_mem_work += copies >> QR_COPIES_COUNT_SHIFT;
	if (MMU_SPLIT && (copies & QR_BASE_USED)) {
		bits = look_at(&qr_base_tables[entry - qr_tables], clear);
	}
	for (size_t copy = copies & (QR_BASE_USED - 1u); copy != 0;
	     copy = qr_privates[copy].copy_next) {
		if (QR_LIKELY(index < qr_privates[copy].filled)) { /* as qr_copy_with() */
			bits |= look_at(&qr_private_tables[copy - 1][index], clear);
		}
	}
	return bits;
}

size_t qr_overlay_most(const qr_entry_t *entry, size_t count)
{
	const size_t here = qr_copies_count(entry), there = qr_copies_count(entry + (count - 1));
	const size_t copies = here > there ? here : there;
	size_t most = copies == 0 ? count : QR_PRIVATE_BATCH / copies;

	most = most < count ? most : count;
	return most > 0 ? most : 1;
}

QR_NOINLINE void qr_overlay_sync_run(const qr_entry_t *entry, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		(void)qr_overlay_sync(&entry[i], qr_entry_load(&entry[i]));
	}
}

QR_NOINLINE void qr_overlay_unmapped(const qr_entry_t *entry, size_t count)
{
	qr_overlay_sync_run(entry, count);
	for (size_t i = 0; QR_OWNERS && i < count; i++) {
		*qr_owner(&entry[i]) = 0;
	}
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
		mmu_replace(qr_copy_entry(copy, entry), value);
	}
}

#endif /* CONFIG_USERSPACE */
