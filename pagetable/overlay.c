/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlay.c - the one writer of private entries: what the kernel's entry says, with the rights of
 * own pages (overlay.h). A walker may change a private entry at any moment, so each change is a
 * loop of load, decode, change, encode, compare-and-swap, as for the kernel's.
 *
 * What a private entry becomes depends on the kernel's and on what it was, and nothing else. Most
 * copies of an entry say the same: the page is not their own, or shared alike, and not used
 * through them. So an answer that was found for one copy is kept for the next ones, and the
 * work of decoding and encoding grows with how many different entries there are.
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

#define BOTH ((arch_page_t)(ARCH_DATA_PAGE_ACCESSED | ARCH_DATA_PAGE_DIRTY))

/* What becomes of a private entry, and what it said of accessed and dirty. */
struct answer {
	qr_entry_t was, is;
	uint32_t bits;
	bool lost; /* a page that was the domain's own is gone */
};

/* One change of all copies of an entry. */
struct change {
	struct answer known[2]; /* the last two, of which the other one goes next */
	uint32_t count;         /* answers that were found */
	uint32_t bits;          /* what copies said of accessed and dirty */
	struct qr_view kernel;  /* what the kernel's entry says */
	uint32_t set, clear;    /* or which bits change */
};

static void answer_sync(const struct change *change, struct answer *answer)
{
	struct qr_view was = entry_decode(answer->was, 0);
	struct qr_view view = qr_private_view(change->kernel, was);

	answer->is = entry_encode(view, 0);
	answer->bits = (uint32_t)(qr_view_page(was) & BOTH);
	answer->lost = was.last && view.kind == QR_NONE;
}

/* Not a leaf where it is hidden, or for who comes without the lock too early. */
static void answer_bits(const struct change *change, struct answer *answer)
{
	const struct qr_view view = entry_decode(answer->was, 0);
	const uint32_t never = view.cow ? ARCH_DATA_PAGE_DIRTY : 0;

	answer->is = answer->was;
	answer->bits = 0;
	answer->lost = false;
	if (view.kind == QR_LEAF) {
		answer->bits = qr_leaf_bits(answer->was);
		answer->is = qr_leaf_with_bits(answer->was, change->set & ~never, change->clear);
	}
}

typedef void (*answer_t)(const struct change *change, struct answer *answer);

/* Apart: most copies are like the last one. */
static QR_NOINLINE struct answer find(struct change *change, qr_entry_t was, answer_t answer)
{
	struct answer *here = &change->known[change->count % 2];

	for (uint32_t i = 0; i < 2 && i < change->count; i++) {
		if (change->known[i].was == was) {
			return change->known[i];
		}
	}
	here->was = was;
	answer(change, here);
	change->bits |= here->bits;
	change->count++;
	return *here;
}

/* Change one private entry. *last is the answer for the copy before, and becomes that for this. */
QR_INLINE void change_one(struct change *change, qr_entry_t *mine, struct answer *last,
			  answer_t answer)
{
	qr_entry_t old = qr_entry_load(mine);

	do {
		if (QR_UNLIKELY(last->was != old)) {
			*last = find(change, old, answer);
		}
	} while (last->is != old && !qr_entry_swap(mine, &old, last->is));
}

/* Change all copies; returns the accessed and dirty bits that they had. */
QR_INLINE arch_page_t change_all(struct change *change, const qr_entry_t *entry, answer_t answer)
{
	const size_t index = (size_t)(entry - qr_tables) % QR_TABLE_ENTRIES;
	const uint32_t copies = qr_copies[qr_table_number(entry)];
	uint16_t copy = (uint16_t)(copies & (QR_BASE_USED - 1u));
	struct answer last = {.was = ~(qr_entry_t)0}; /* which no entry is */

	change->count = change->bits = 0;
	arch_mem_work += copies >> QR_COPIES_COUNT_SHIFT;
	if (MMU_SPLIT && (copies & QR_BASE_USED)) {
		change_one(change, &qr_base_tables[entry - qr_tables], &last, answer);
	}
	while (copy != 0) {
		struct qr_private *private = &qr_privates[copy];

		/* as qr_copy_with() */
		if (QR_LIKELY(index < private->filled)) {
			change_one(change, &qr_private_tables[copy - 1][index], &last, answer);
			if (QR_UNLIKELY(last.lost)) {
				private->own_count--;
			}
		}
		copy = private->copy_next;
	}
	return change->bits;
}

arch_page_t qr_overlay_sync_one(uint16_t copy, const qr_entry_t *entry, struct qr_view kernel)
{
	struct change change = {.kernel = kernel, .count = 0};
	struct answer last = {.was = ~(qr_entry_t)0};

	change_one(&change, qr_private_entry(copy, entry), &last, answer_sync);
	if (last.lost) {
		qr_privates[copy].own_count--;
	}
	return change.bits;
}

QR_NOINLINE arch_page_t qr_overlay_sync(const qr_entry_t *entry, struct qr_view kernel)
{
	struct change change;

	change.kernel = kernel;
	return change_all(&change, entry, answer_sync);
}

void qr_overlay_keep(qr_entry_t *entry, arch_page_t bits)
{
	const uint32_t both = ARCH_DATA_PAGE_ACCESSED | ARCH_DATA_PAGE_DIRTY;

	if ((bits & both) != 0 && qr_view_of(qr_entry_load(entry), 0).kind == QR_LEAF) {
		(void)qr_entry_bits(entry, (uint32_t)bits & both, 0);
	}
}

size_t qr_overlay_most(const qr_entry_t *entry, size_t count)
{
	const size_t here = qr_copies_count(entry), there = qr_copies_count(entry + (count - 1));
	const size_t copies = here > there ? here : there;
	size_t most = copies == 0 ? count : QR_PRIVATE_BATCH / copies;

	most = most < count ? most : count;
	return most > 0 ? most : 1;
}

QR_NOINLINE arch_page_t qr_overlay_update(const qr_entry_t *entry)
{
	return qr_overlay_sync(entry, entry_decode(qr_entry_load(entry), 0));
}

QR_NOINLINE void qr_overlay_sync_run(const qr_entry_t *entry, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		(void)qr_overlay_update(&entry[i]);
	}
}

QR_NOINLINE arch_page_t qr_overlay_bits(const qr_entry_t *entry, uint32_t set, uint32_t clear)
{
	struct change change;

	change.set = set;
	change.clear = clear;
	return change_all(&change, entry, answer_bits);
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
