/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.c - one page: what it is, taking it away, bringing it in, its accessed and dirty
 * bits. Where a walker may change the entry at the same moment the change is an exchange, a flip
 * of one bit, or a loop of load, change, compare-and-swap. This is the path of each fault: entries
 * are changed as they are, by masks (masks.h).
 */
#include "overlay.h"

/* Once, where speed does not matter. */
static QR_NOINLINE arch_page_t page_of(qr_entry_t entry, unsigned int level)
{
	return qr_view_page(qr_view_of(entry, level));
}

/* Apart, so that the common case stays small: no page here, so perhaps a large leaf. */
static QR_NOINLINE arch_page_t large_page_get(uint32_t page)
{
	const void *virt = qr_page_virt(page);
	qr_entry_t value;

	for (unsigned int level = QR_LEAF_LEVELS - 1; level > 0; level--) {
		uintptr_t last = qr_leaf_bytes(level) - QR_PAGE_BYTES;
		uintptr_t inside = (uintptr_t)virt & last;
		qr_entry_t entry = __atomic_load_n(qr_entry(level, virt), __ATOMIC_ACQUIRE);

		if (entry_decode(entry, level).kind == QR_LEAF) {
			arch_page_t now = page_of(entry, level) + inside;

			return (inside == last ? now : now & ~(arch_page_t)ARCH_PAGE_LAST) |
			       ARCH_PAGE_LARGE;
		}
	}
	/* who holds no lock may have looked just before a large leaf was split */
	value = qr_entry_load(qr_page_entry(page));
	return value == 0 ? ARCH_DATA_PAGE_NOT_MAPPED : page_of(value, 0);
}

/* May there be copies of this leaf, with accessed and dirty bits of their own (overlay.h)? */
QR_INLINE bool is_in_copies(const qr_entry_t *entry, qr_entry_t leaf)
{
	return CONFIG_USERSPACE && (MMU_SPLIT ? qr_has_copies(entry) : !qr_is_global(leaf));
}

/* Apart, like all that only copies need: so the common case saves no registers for it. */
static QR_NOINLINE arch_page_t in_copies(const qr_entry_t *entry, qr_entry_t value)
{
	return page_of(value, 0) | qr_overlay_bits(entry, 0, 0);
}

arch_page_t arch_page_state_n(uint32_t page)
{
	qr_entry_t value = qr_entry_load(qr_page_entry(page));

	if (QR_UNLIKELY(value == 0)) {
		return large_page_get(page);
	}
	return qr_entry_page(value);
}

arch_page_t arch_page_get_n(uint32_t page)
{
	const qr_entry_t *entry = qr_page_entry(page);
	qr_entry_t value = qr_entry_load(entry);

	if (QR_UNLIKELY(qr_is_leaf(value) && is_in_copies(entry, value))) {
		return in_copies(entry, value);
	}
	return arch_page_state_n(page);
}

static QR_NOINLINE uint32_t out_of_copies(const qr_entry_t *entry, uint32_t bits)
{
	return bits | qr_overlay_sync(entry, qr_entry_load(entry));
}

/* A walker changes accessed and dirty alone, which no token has: what the token keeps of the leaf
 * may be read before, and the bits are those that the exchange finds. */
uint32_t arch_mem_page_out_n(uint32_t page, arch_token_t token)
{
	qr_entry_t *entry = qr_page_entry(page);
	qr_entry_t leaf = qr_entry_load(entry);
	uint32_t bits;

	QR_REQUIRE(qr_is_leaf(leaf));
	leaf = qr_entry_exchange(entry, qr_leaf_to_token(leaf, token));
	bits = qr_leaf_bits(leaf);
	return QR_UNLIKELY(is_in_copies(entry, leaf)) ? out_of_copies(entry, bits) : bits;
}

void arch_page_token_set_n(uint32_t page, arch_token_t token)
{
	qr_entry_t *entry = qr_page_entry(page);
	qr_entry_t was = qr_entry_load(entry);

	QR_REQUIRE(qr_is_token(was));
	qr_entry_store(entry, qr_token_with(was, token));
}

/* Apart: shared zeros, and code, whose instructions the CPU has to fetch anew. */
static QR_NOINLINE void seldom_in(qr_entry_t *entry, qr_entry_t leaf, uint64_t phys,
				  uint32_t flags)
{
	leaf = qr_leaf_refusing(leaf, flags);
	if (MMU_CODE_SYNC && entry_decode(leaf, 0).exec) {
		/* the page itself may be out of reach: no right to read, accessed not set */
		code_sync(arch_mem_scratch(phys), QR_PAGE_BYTES);
	}
	qr_entry_store(entry, leaf);
	if (qr_has_copies(entry)) {
		qr_overlay_in(entry, leaf, phys, flags);
	}
}

void arch_mem_page_in_n(uint32_t page, uint64_t phys, uint32_t flags)
{
	qr_entry_t *entry = qr_page_entry(page);
	const qr_entry_t was = qr_entry_load(entry);
	const bool copies = qr_has_copies(entry);
	const qr_entry_t leaf = qr_token_to_leaf(was, phys, flags, !MMU_SPLIT && !copies);

	QR_REQUIRE(qr_is_token(was));
	if (QR_UNLIKELY((flags & ARCH_MEM_COW) ||
			(MMU_CODE_SYNC && entry_decode(was, 0).exec))) {
		seldom_in(entry, leaf, phys, flags);
		return;
	}
	qr_entry_store(entry, leaf);
	if (QR_UNLIKELY(copies)) {
		qr_overlay_in(entry, leaf, phys, flags);
	}
}

QR_NOINLINE uint32_t qr_entry_bits(qr_entry_t *entry, uint32_t set, uint32_t clear)
{
	qr_entry_t leaf = qr_entry_load(entry), value;

	do {
		value = qr_leaf_with_bits(leaf, set, clear);
	} while (value != leaf && !qr_entry_swap(entry, &leaf, value));
	return qr_leaf_bits(leaf);
}

uint32_t arch_page_look_n(uint32_t page, bool clear)
{
	qr_entry_t *entry = qr_page_entry(page);
	const qr_entry_t leaf = qr_entry_load(entry);

	QR_REQUIRE(qr_is_leaf(leaf));
	if (clear && qr_is_accessed(leaf)) {
		qr_entry_unaccess(entry);
	}
	if (CONFIG_USERSPACE && QR_UNLIKELY(is_in_copies(entry, leaf))) {
		return qr_leaf_bits(leaf) | qr_overlay_look(entry, clear);
	}
	return qr_leaf_bits(leaf);
}

uint32_t arch_page_bits_n(uint32_t page, uint32_t set, uint32_t clear)
{
	qr_entry_t *entry = qr_page_entry(page);
	const qr_entry_t leaf = qr_entry_load(entry);
	uint32_t bits;

	QR_REQUIRE(qr_is_leaf(leaf));
	bits = qr_entry_bits(entry, set, clear);
	if (QR_UNLIKELY(is_in_copies(entry, leaf))) {
		bits |= qr_overlay_bits(entry, set, clear);
	}
	return bits;
}
