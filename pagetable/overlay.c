/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlay.c - the one writer of private entries: what the kernel's entry says, with the rights of
 * own pages (overlay.h).
 *
 * What a private entry becomes depends on the kernel's and on what it was, and nothing else. The
 * kernel's is made ready once for all its copies (struct says); then what a copy becomes is a few
 * operations on bits (masks.h):
 *
 *     was none      ->  shared: the kernel's entry, as those see it that do not own the page
 *     was own       ->  the kernel's entry with the rights that this one had
 *     was shared    ->  shared
 *
 * and where it was a leaf and stays one, of the same frame, it keeps what a walker said in it. Most
 * copies of an entry say the same: the page is not their own, or shared alike, and not used through
 * them. So what was found for one copy is kept for the next, and mostly a copy is a look.
 *
 * A walker may change a private leaf at any moment, so each change is a loop of load, change,
 * compare-and-swap, as for the kernel's.
 */
#include "overlay.h"

uint32_t arch_mem_work;

struct qr_private qr_privates[QR_PRIVATE_COUNT + 1];
QR_ALIGNED(CONFIG_USERSPACE ? QR_TABLE_BYTES : 8)
qr_entry_t qr_private_tables[QR_PRIVATE_COUNT][QR_TABLE_ENTRIES];
qr_owner_t qr_owners[QR_OWNERS ? QR_TABLES(0) * QR_TABLE_ENTRIES : 1];
uint32_t qr_copies[CONFIG_USERSPACE ? QR_TABLES_TOTAL : 1];

QR_ALIGNED(MMU_SPLIT ? QR_TABLE_BYTES : 8)
qr_entry_t qr_base_tables[MMU_SPLIT ? QR_TABLES_TOTAL * QR_TABLE_ENTRIES : 1];

/* What the kernel's entry says, ready for its copies. */
struct says {
	qr_entry_t bare;    /* a leaf: as it is, but for the mark */
	qr_entry_t shared;  /* where the page is not the domain's own: bare, or none */
	qr_entry_t own;     /* where it is: a token, or a leaf that is clean; without rights */
	qr_entry_t flip[2]; /* what to change in it where it may not, and may, be written */
	bool none, leaf;
	bool write, exec;   /* the kernel's rights, beyond which no own page's go */
};

/* A leaf of the kernel's, in sets that do not own the page. */
QR_INLINE qr_entry_t shared_entry(qr_entry_t leaf)
{
	const struct qr_view view = entry_decode(leaf, 0);

	if (MMU_SPLIT && !view.user) {
		return 0;
	}
	return view.last ? leaf - qr_leaf_mark(0) : leaf;
}

static struct says says_of(qr_entry_t value)
{
	const struct qr_view view = entry_decode(value, 0);
	struct says says = {
		.own = QR_AS_TOKEN(.token = 0),
		.none = view.kind == QR_NONE,
		.leaf = view.kind == QR_LEAF,
		.write = view.write,
		.exec = view.exec,
	};

	if (!says.leaf) {
		return says;
	}
	QR_ASSERT_ALL(!view.global);
	says.bare = view.last ? value - qr_leaf_mark(0) : value;
	says.shared = shared_entry(value);
	says.own = says.bare;
	if (view.cow) {
		says.own ^= qr_leaf_cow();
		says.flip[true] = qr_leaf_cow();
	} else if (view.dirty) {
		says.own ^= qr_leaf_dirt(view.write);
		says.flip[false] = qr_leaf_dirt(false);
		says.flip[true] = qr_leaf_dirt(true);
	}
	return says;
}

/* An own page's token with no more rights than the kernel has. */
static QR_NOINLINE qr_entry_t rights_within(const struct says *says, qr_entry_t token)
{
	struct qr_view view = entry_decode(token, 0);

	view.write = view.write && says->write;
	view.exec = view.exec && says->exec;
	return entry_encode(view, 0);
}

/* The entry of an own page, whose rights this token has. */
QR_INLINE qr_entry_t own_entry(const struct says *says, qr_entry_t token)
{
	struct qr_view may = entry_decode(token, 0);

	if (says->none) {
		return 0;
	}
	if (QR_UNLIKELY((may.write && !says->write) || (may.exec && !says->exec))) {
		token = rights_within(says, token);
		may = entry_decode(token, 0);
	}
	if (MMU_SPLIT && says->leaf && !may.user) {
		return token; /* hidden */
	}
	return qr_with_rights_of(token, says->own) ^ says->flip[may.write];
}

QR_INLINE bool is_own(qr_entry_t entry)
{
	return entry_decode(entry, 0).last;
}

/* With MMU_SPLIT: a leaf that user mode has no rights to, and that is in the sets all the same. */
QR_INLINE bool is_trampoline(qr_entry_t entry)
{
	const struct qr_view view = entry_decode(entry, 0);

	return MMU_SPLIT && view.kind == QR_LEAF && !view.user && !view.last;
}

QR_INLINE qr_entry_t becomes(const struct says *says, qr_entry_t was)
{
	if (is_own(was)) {
		return own_entry(says, qr_is_leaf(was) ? qr_leaf_to_token(was, 0) : was);
	}
	return is_trampoline(was) ? says->bare : says->shared;
}

/* What `is` becomes of what a copy was: where both are leaves of one frame, accessed and dirty stay
 * where they may. */
QR_INLINE qr_entry_t with_bits_of(qr_entry_t was, qr_entry_t is)
{
	const struct qr_view view = entry_decode(is, 0), old = entry_decode(was, 0);

	if (view.kind != QR_LEAF || old.kind != QR_LEAF || view.address != old.address) {
		return is;
	}
	return qr_leaf_with_bits(is, qr_leaf_bits(was) & ~(view.cow ? ARCH_DATA_PAGE_DIRTY : 0u),
				 0);
}

qr_entry_t qr_overlay_entry(qr_entry_t kernel, qr_entry_t was)
{
	const struct says says = says_of(kernel);

	return with_bits_of(was, becomes(&says, was));
}

void qr_overlay_keep(qr_entry_t *entry, uint32_t bits)
{
	if (bits != 0 && qr_is_leaf(qr_entry_load(entry))) {
		(void)qr_entry_bits(entry, bits, 0);
	}
}

/* Change one copy. Returns what it was. */
static QR_NOINLINE qr_entry_t change_one(qr_entry_t *mine, qr_entry_t to)
{
	qr_entry_t was = qr_entry_load(mine), is;

	do {
		is = with_bits_of(was, to);
	} while (is != was && !qr_entry_swap(mine, &was, is));
	return was;
}

void qr_overlay_own(uint16_t copy, qr_entry_t *entry, qr_entry_t as)
{
	const struct says says = says_of(qr_entry_load(entry));
	const qr_entry_t to = becomes(&says, as);
	const qr_entry_t was = change_one(qr_private_entry(copy, entry), to);

	qr_privates[copy].own_count += is_own(to);
	qr_privates[copy].own_count -= is_own(was);
	if (QR_UNLIKELY(qr_is_leaf(was) && !qr_is_leaf(to))) {
		qr_overlay_keep(entry, qr_leaf_bits(was));
	}
}

/* ---- all copies ---------------------------------------------------------------------------- */

/* How copies change. */
struct change {
	struct says says;
	qr_entry_t none;     /* what becomes of none */
	uint64_t phys;       /* of a page that comes in, born so */
	uint32_t flags;
	uint32_t set, clear; /* of accessed and dirty */
};

typedef qr_entry_t (*becomes_t)(const struct change *change, qr_entry_t was);

static QR_NOINLINE qr_entry_t becomes_any(const struct change *change, qr_entry_t was)
{
	return with_bits_of(was, becomes(&change->says, was));
}

/* The page was not there: what a copy said was the token of an own page, with no right that the
 * kernel's has not. */
QR_INLINE qr_entry_t becomes_in(const struct change *change, qr_entry_t was)
{
	return MMU_SPLIT && !entry_decode(was, 0).user
		       ? was
		       : qr_token_to_leaf(was, change->phys, change->flags, false);
}

/* Not a leaf where it is hidden, or for who comes without the lock too early. */
static QR_NOINLINE qr_entry_t becomes_used(const struct change *change, qr_entry_t was)
{
	const uint32_t never = entry_decode(was, 0).cow ? ARCH_DATA_PAGE_DIRTY : 0;

	return qr_is_leaf(was) ? qr_leaf_with_bits(was, change->set & ~never, change->clear) : was;
}

/* Change all private copies; returns the accessed and dirty bits that they had. */
QR_INLINE uint32_t change_all(const struct change *change, const qr_entry_t *entry,
			      becomes_t becomes_what)
{
	const size_t index = (size_t)(entry - qr_tables) % QR_TABLE_ENTRIES;
	const uint32_t copies = qr_copies[qr_table_number(entry)];
	qr_entry_t known = 0, becomes_known = change->none;
	struct qr_private *private;
	uint32_t bits = 0;

	arch_mem_work += copies >> QR_COPIES_COUNT_SHIFT;
	for (uint32_t copy = copies & (QR_BASE_USED - 1u); copy != 0; copy = private->copy_next) {
		qr_entry_t *mine = &qr_private_tables[copy - 1][index];
		qr_entry_t was;

		private = &qr_privates[copy];
		if (QR_UNLIKELY(index >= private->filled)) {
			continue; /* as qr_copy_with() */
		}
		was = qr_entry_load(mine);
		while (was != change->none) {
			if (was != known) {
				known = was;
				becomes_known = was == 0 ? change->none : becomes_what(change, was);
				bits |= qr_is_leaf(was) ? qr_leaf_bits(was) : 0;
			}
			if (becomes_known == was || qr_entry_swap(mine, &was, becomes_known)) {
				private->own_count -= becomes_known == 0 && is_own(was);
				break;
			}
		}
	}
	return bits;
}

/* The same for the base's entry: apart, as it is in use only where there are pages that every
 * domain may use, and has no own ones. */
static QR_NOINLINE uint32_t base_change(const struct change *change, const qr_entry_t *entry,
					becomes_t becomes_what)
{
	qr_entry_t *base = &qr_base_tables[MMU_SPLIT ? entry - qr_tables : 0];
	qr_entry_t was = qr_entry_load(base), is;

	do {
		is = was == 0 ? change->none : becomes_what(change, was);
	} while (is != was && !qr_entry_swap(base, &was, is));
	return qr_is_leaf(was) ? qr_leaf_bits(was) : 0;
}

QR_INLINE bool is_in_base(const qr_entry_t *entry)
{
	return MMU_SPLIT && QR_UNLIKELY(qr_copies[qr_table_number(entry)] & QR_BASE_USED);
}

QR_NOINLINE uint32_t qr_overlay_sync(const qr_entry_t *entry, qr_entry_t value)
{
	struct change change;

	change.says = says_of(value);
	change.none = change.says.shared;
	return (is_in_base(entry) ? base_change(&change, entry, becomes_any) : 0) |
	       change_all(&change, entry, becomes_any);
}

QR_NOINLINE void qr_overlay_in(const qr_entry_t *entry, qr_entry_t leaf, uint64_t phys,
			       uint32_t flags)
{
	struct change change;

	if (is_in_base(entry)) {
		(void)qr_overlay_sync(entry, leaf);
		return;
	}
	change.none = shared_entry(leaf);
	change.phys = phys;
	change.flags = flags;
	(void)change_all(&change, entry, becomes_in);
}

QR_NOINLINE uint32_t qr_overlay_bits(const qr_entry_t *entry, uint32_t set, uint32_t clear)
{
	struct change change;

	change.none = 0;
	change.set = set;
	change.clear = clear;
	return (is_in_base(entry) ? base_change(&change, entry, becomes_used) : 0) |
	       change_all(&change, entry, becomes_used);
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
