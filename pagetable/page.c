/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.c - one page: what it is, taking it away, bringing it in, its accessed and dirty
 * bits. Where a walker may change the entry at the same moment the change is a loop of
 * load, decode, change, encode, compare-and-swap.
 */
#include "overlay.h"

/* Once, where speed does not matter. */
static QR_NOINLINE arch_page_t word_of(qr_entry_t entry, unsigned int level)
{
	return qr_view_page(qr_view_of(entry, level));
}

/* Apart, so that the common case stays small: no page here, so perhaps a large leaf. */
static QR_NOINLINE arch_page_t large_page_get(const void *virt)
{
	for (unsigned int level = QR_LEAF_LEVELS - 1; level > 0; level--) {
		uintptr_t last = qr_leaf_bytes(level) - QR_PAGE_BYTES;
		uintptr_t inside = (uintptr_t)virt & last;
		qr_entry_t entry = __atomic_load_n(qr_entry(level, virt), __ATOMIC_ACQUIRE);

		if (entry_decode(entry, level).kind == QR_LEAF) {
			arch_page_t page = word_of(entry, level) + inside;

			return (inside == last ? page : page & ~(arch_page_t)ARCH_PAGE_LAST) |
			       ARCH_PAGE_LARGE;
		}
	}
	/* who holds no lock may have looked just before a large leaf was split */
	return word_of(qr_entry_load(qr_entry(0, virt)), 0);
}

/* May there be copies of this entry, with accessed and dirty bits of their own (overlay.h)? */
QR_INLINE bool is_in_copies(const qr_entry_t *entry, const struct qr_view *view)
{
	return CONFIG_USERSPACE && view->kind == QR_LEAF && !view->global &&
	       (!MMU_SPLIT || qr_has_copies(entry));
}

/* Apart, like all that only copies need: so the common case saves no registers for it. */
static QR_NOINLINE arch_page_t in_copies(const qr_entry_t *entry, qr_entry_t value)
{
	return word_of(value, 0) | qr_overlay_bits(entry, 0, 0);
}

arch_page_t arch_page_state(const void *virt)
{
	qr_entry_t value = qr_entry_load(qr_entry(0, virt));

	if (QR_UNLIKELY(value == 0)) {
		return large_page_get(virt);
	}
	return qr_view_page(entry_decode(value, 0));
}

arch_page_t arch_page_get(const void *virt)
{
	const qr_entry_t *entry = qr_entry(0, virt);
	qr_entry_t value = qr_entry_load(entry);
	struct qr_view view;

	if (QR_UNLIKELY(value == 0)) { /* what is under a large leaf is zero */
		return large_page_get(virt);
	}
	view = entry_decode(value, 0);
	if (QR_UNLIKELY(is_in_copies(entry, &view))) {
		return in_copies(entry, value);
	}
	return qr_view_page(view);
}

static QR_NOINLINE arch_page_t out_of_copies(const qr_entry_t *entry, qr_entry_t was)
{
	return word_of(was, 0) | qr_overlay_update(entry);
}

arch_page_t arch_mem_page_out(void *virt, arch_token_t token)
{
	qr_entry_t *entry = qr_entry(0, virt);
	qr_entry_t old = qr_entry_load(entry);
	struct qr_view was, view;

	do {
		was = entry_decode(old, 0);
		QR_REQUIRE(was.kind == QR_LEAF);
		view = (struct qr_view){
			.kind = QR_TOKEN,
			.token = token,
			.write = was.write,
			.exec = was.exec,
			.user = was.user,
			.last = was.last,
		};
	} while (!qr_entry_swap(entry, &old, entry_encode(view, 0)));
	return QR_UNLIKELY(is_in_copies(entry, &was)) ? out_of_copies(entry, old) : word_of(old, 0);
}

void arch_page_token_set(void *virt, arch_token_t token)
{
	qr_entry_t *entry = qr_entry(0, virt);
	struct qr_view view = entry_decode(qr_entry_load(entry), 0);

	QR_REQUIRE(view.kind == QR_TOKEN);
	view.token = token;
	qr_entry_store(entry, entry_encode(view, 0));
}

void arch_mem_page_in(void *virt, uint64_t phys, uint32_t flags)
{
	qr_entry_t *entry = qr_entry(0, virt);
	struct qr_view was = entry_decode(qr_entry_load(entry), 0);
	struct qr_view view = {
		.kind = QR_LEAF,
		.address = phys,
		.write = was.write,
		.exec = was.exec,
		.user = was.user,
		.last = was.last,
		.accessed = (flags & ARCH_MEM_ACCESSED) != 0,
		.dirty = (flags & ARCH_MEM_DIRTY) != 0,
		.cow = (flags & ARCH_MEM_COW) != 0 && was.write,
		.global = !MMU_SPLIT && !qr_has_copies(entry),
	};

	QR_REQUIRE(was.kind == QR_TOKEN);
	if (MMU_CODE_SYNC && was.exec) {
		/* the page itself may be out of reach: no right to read, accessed not set */
		code_sync(arch_mem_scratch(phys), QR_PAGE_BYTES);
	}
	qr_entry_store(entry, entry_encode(view, 0));
	if (QR_UNLIKELY(qr_has_copies(entry))) {
		(void)qr_overlay_update(entry);
	}
}

QR_INLINE struct qr_view change_bits(qr_entry_t *entry, uint32_t set, uint32_t clear)
{
	qr_entry_t old = qr_entry_load(entry);
	struct qr_view was, view;

	do {
		was = entry_decode(old, 0);
		view = qr_view_with_bits(was, set, clear);
		if (view.accessed == was.accessed && view.dirty == was.dirty) {
			break;
		}
	} while (!qr_entry_swap(entry, &old, entry_encode(view, 0)));
	return was;
}

QR_NOINLINE struct qr_view qr_entry_bits(qr_entry_t *entry, uint32_t set, uint32_t clear)
{
	return change_bits(entry, set, clear);
}

static QR_NOINLINE arch_page_t bits_of_copies(const qr_entry_t *entry, arch_page_t page,
					      uint32_t set, uint32_t clear)
{
	return page | qr_overlay_bits(entry, set, clear);
}

uint32_t arch_page_look(void *virt, bool clear)
{
	qr_entry_t *entry = qr_entry(0, virt);
	struct qr_view view = entry_decode(qr_entry_load(entry), 0);

	QR_REQUIRE(view.kind == QR_LEAF);
	if (QR_UNLIKELY(is_in_copies(entry, &view))) {
		return (uint32_t)arch_page_bits(virt, 0, clear ? ARCH_DATA_PAGE_ACCESSED : 0) &
		       (ARCH_DATA_PAGE_ACCESSED | ARCH_DATA_PAGE_DIRTY);
	}
	if (clear && view.accessed) {
		qr_entry_unaccess(entry);
	}
	return (view.accessed ? ARCH_DATA_PAGE_ACCESSED : 0u) |
	       (view.dirty ? ARCH_DATA_PAGE_DIRTY : 0u);
}

arch_page_t arch_page_bits(void *virt, uint32_t set, uint32_t clear)
{
	qr_entry_t *entry = qr_entry(0, virt);
	struct qr_view was = change_bits(entry, set, clear);

	QR_REQUIRE(was.kind == QR_LEAF);
	if (QR_UNLIKELY(is_in_copies(entry, &was))) {
		return bits_of_copies(entry, qr_view_page(was), set, clear);
	}
	return qr_view_page(was);
}
