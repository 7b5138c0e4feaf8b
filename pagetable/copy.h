/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy.h - what a copy of a kernel's entry of level 0 becomes (overlay.h).
 *
 * It depends on what the kernel's entry says and on what the copy was, and nothing else. The
 * kernel's is made ready once for all its copies (struct qr_original); then what a copy becomes is
 * a few operations on bits (masks.h):
 *
 *     was none      ->  shared: the kernel's entry, as those see it that do not own the page
 *     was own       ->  the kernel's entry with the rights that this one had
 *     was shared    ->  shared
 *
 * and where it was a leaf and stays one, of the same frame, it keeps what a walker said in it.
 *
 * All is arithmetic: who loads and stores the copies is overlay.c.
 */
#ifndef QR_PAGETABLE_COPY_H
#define QR_PAGETABLE_COPY_H

#include "overlay.h"

/* What the kernel's entry says, ready for its copies. */
struct qr_original {
	qr_entry_t bare;    /* a leaf: as it is, but for the mark */
	qr_entry_t shared;  /* where the page is not the domain's own: bare, or none */
	qr_entry_t own;     /* where it is: a token, or a leaf that is clean; without rights */
	qr_entry_t flip[2]; /* what to change in it where it may not, and may, be written */
	bool none, leaf;
	bool write, exec;   /* the kernel's rights, beyond which no own page's go */
};

/* A leaf of the kernel's, in sets that do not own the page. */
QR_INLINE qr_entry_t qr_copy_shared(qr_entry_t leaf)
{
	const struct qr_view view = entry_decode(leaf, 0);

	if (MMU_SPLIT && !view.user) {
		return 0;
	}
	return view.last ? leaf - qr_leaf_mark(0) : leaf;
}

/* A token that is a guard's: it came where a page was unmapped meanwhile, and is in no set. */
QR_INLINE bool qr_is_guard(qr_entry_t token)
{
	return ARCH_TOKEN_KIND(entry_decode(token, 0).token) >= ARCH_TOKEN_GUARD_BEGIN;
}

QR_INLINE struct qr_original qr_original_of(qr_entry_t value)
{
	const struct qr_view view = entry_decode(value, 0);
	struct qr_original original = {
		.own = QR_AS_TOKEN(.token = 0),
		.none = view.kind == QR_NONE,
		.leaf = view.kind == QR_LEAF,
		.write = view.write,
		.exec = view.exec,
	};

	if (!original.leaf) {
		original.none = original.none || qr_is_guard(value);
		return original;
	}
	QR_ASSERT_ALL(!view.global);
	original.bare = view.last ? value - qr_leaf_mark(0) : value;
	original.shared = qr_copy_shared(value);
	original.own = original.bare;
	if (view.cow) {
		original.own ^= qr_leaf_cow();
		original.flip[true] = qr_leaf_cow();
	} else if (view.dirty) {
		original.own ^= qr_leaf_dirt(view.write);
		original.flip[false] = qr_leaf_dirt(false);
		original.flip[true] = qr_leaf_dirt(true);
	}
	return original;
}

/* Has an own page, of which this is the token, more rights than the kernel? */
QR_INLINE bool qr_copy_exceeds(qr_entry_t own, bool write, bool exec)
{
	return (!write && qr_may_write(own)) || (!exec && entry_decode(own, 0).exec);
}

/* An own page's token with no more rights than the kernel has. */
QR_INLINE qr_entry_t qr_copy_limited(const struct qr_original *original, qr_entry_t token)
{
	struct qr_view view = entry_decode(token, 0);

	view.write = view.write && original->write;
	view.exec = view.exec && original->exec;
	return entry_encode(view, 0);
}

/* The entry of an own page, whose rights this token has. */
QR_INLINE qr_entry_t qr_copy_own(const struct qr_original *original, qr_entry_t token)
{
	if (original->none) {
		return 0;
	}
	if (QR_UNLIKELY(qr_copy_exceeds(token, original->write, original->exec))) {
		token = qr_copy_limited(original, token);
	}
	if (MMU_SPLIT && original->leaf && !entry_decode(token, 0).user) {
		return token; /* hidden */
	}
	return qr_with_rights_of(token, original->own) ^ original->flip[qr_may_write(token)];
}

/* `last` is one bit, in a leaf and in a token alike (masks.h). */
QR_INLINE bool qr_copy_is_own(qr_entry_t entry)
{
	return (entry & qr_leaf_mark(0)) != 0;
}

/* What a copy is taken for where the page is not the domain's own: of the base's entry it matters
 * whether it is the trampoline's. */
QR_INLINE qr_entry_t qr_copy_base(qr_entry_t *entry)
{
	return MMU_SPLIT ? qr_entry_load(qr_shared_entry(entry)) : 0;
}

/* With MMU_SPLIT: a leaf that user mode has no rights to, and that is in the sets all the same. */
QR_INLINE bool qr_is_trampoline(qr_entry_t entry)
{
	const struct qr_view view = entry_decode(entry, 0);

	return MMU_SPLIT && view.kind == QR_LEAF && !view.user && !view.last;
}

QR_INLINE qr_entry_t qr_copy_becomes(const struct qr_original *original, qr_entry_t was)
{
	if (qr_copy_is_own(was)) {
		return qr_copy_own(original, qr_is_leaf(was) ? qr_leaf_to_token(was, 0) : was);
	}
	return qr_is_trampoline(was) ? original->bare : original->shared;
}

/* What `is` becomes of what a copy was: where both are leaves, accessed and dirty stay where they
 * may. They are of one frame then: a page that gets another one is no leaf in between. */
QR_INLINE qr_entry_t qr_copy_with_bits(qr_entry_t was, qr_entry_t is)
{
	const qr_entry_t address = qr_leaf_address(((uint64_t)1 << ENTRY_PA_BITS) - 1);

	if (!qr_is_leaf(is) || !qr_is_leaf(was)) {
		return is;
	}
	QR_ASSERT_ALL(((is ^ was) & address) == 0);
	return qr_leaf_with_bits(
		is, qr_leaf_bits(was) & ~(qr_is_cow(is) ? ARCH_DATA_PAGE_DIRTY : 0u), 0);
}

#endif /* QR_PAGETABLE_COPY_H */
