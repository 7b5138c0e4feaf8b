/* SPDX-License-Identifier: Apache-2.0 */
/*
 * range.c - batches: the arch_mem_* functions that work on runs of pages. Each walks
 * once, touches at most CONFIG_MEM_BATCH entries (or splits one large leaf), and flushes
 * once; the core calls again for the rest, with interrupts let in between.
 */
#include "overlay.h"

size_t arch_mem_batch(const void *virt, size_t count)
{
	return qr_overlay_batch(qr_entry(0, virt), count);
}

/* The level of the leaf at `virt`. If it reaches beyond [virt, virt + size) it is split, which is
 * a batch's work, and *split says so. */
static unsigned int fit_leaf(void *virt, size_t size, bool *split)
{
	unsigned int level = qr_leaf_level(virt);

	*split = level > 0 && (((uintptr_t)virt & (qr_leaf_bytes(level) - 1u)) != 0 ||
			       size < qr_leaf_bytes(level));
	if (*split) {
		qr_leaf_split(level, virt);
	}
	return level;
}

/* Pages of level 0 from `virt` on: up to the size, the batch and the end of the leaf table,
 * behind which a large leaf may follow. */
static size_t pages_here(void *virt, size_t size, size_t batch)
{
	size_t to_end = QR_TABLE_ENTRIES - qr_entry_index(0, (uintptr_t)virt);

	return qr_min_size(qr_min_size(size >> ENTRY_PAGE_SHIFT, batch), to_end);
}

size_t arch_mem_unmap(void *virt, size_t size)
{
	bool split;
	unsigned int level = fit_leaf(virt, size, &split);

	if (split) {
		return 0;
	}
	if (level > 0) {
		qr_upper_replace(level, virt, qr_table_entry(level, virt));
		return qr_leaf_bytes(level);
	}

	size_t count = pages_here(virt, size, CONFIG_MEM_BATCH);
	qr_entry_t *entry = qr_entry(0, virt);
	const bool copies = qr_has_copies(entry); /* all are in one table */

	if (QR_UNLIKELY(copies)) {
		count = qr_overlay_most(entry, count);
	}
	qr_entries_clear(entry, count);
	if (QR_UNLIKELY(copies)) {
		qr_overlay_sync_run(entry, count);
	}
	arch_mem_flush(virt, count << ENTRY_PAGE_SHIFT);
	return count << ENTRY_PAGE_SHIFT;
}

size_t arch_mem_extent(void *virt, size_t size, bool *ended)
{
	unsigned int level = qr_leaf_level(virt);
	size_t done = 0;

	*ended = false;
	if (level > 0) {
		struct qr_view view = entry_decode(qr_entry_load(qr_entry(level, virt)), level);
		size_t inside = (uintptr_t)virt & (qr_leaf_bytes(level) - 1u);
		size_t rest = qr_leaf_bytes(level) - inside;

		*ended = view.last && rest <= size;
		return qr_min_size(rest, size);
	}

	const size_t count = pages_here(virt, size, CONFIG_MEM_BATCH);
	const qr_entry_t *entry = qr_entry(0, virt);

	while (done < count) {
		const qr_entry_t leaf = qr_entry_load(&entry[done]);

		if (!qr_is_leaf(leaf)) {
			break;
		}
		done++;
		if (qr_is_last(leaf)) {
			*ended = true;
			break;
		}
	}
	return done << ENTRY_PAGE_SHIFT;
}

/* The entry with new rights, and for a leaf the cache mode; its A and D bits survive. */
static qr_entry_t with_flags(qr_entry_t entry, unsigned int level, uint32_t flags)
{
	struct qr_view view = entry_decode(entry, level);
	bool had_write = view.write;

	view.write = (flags & K_MEM_PERM_RW) != 0;
	view.exec = (flags & K_MEM_PERM_EXEC) != 0;
	view.user = (flags & K_MEM_PERM_USER) != 0;
	if (view.kind == QR_LEAF) {
		view.cache = qr_cache_mode(flags);
		view.cow = view.cow && view.write;
		/* what may now be written soon is: let no fault have to set the bit, which
		 * resident memory never takes and which finds no page in a large leaf */
		view.dirty = view.dirty || (view.write && !had_write);
	}
	return entry_encode(view, level);
}

/* Has an entry of level 0 that says `value` copies? While a table is copied its leaves are global
 * from where it has come on, and in no copy yet. */
QR_INLINE bool is_in_copies(const qr_entry_t *entry, qr_entry_t value)
{
	return qr_has_copies(entry) && !(qr_is_leaf(value) && qr_is_global(value));
}

/* Bring the copies of an entry up to date that says `value`. */
static void copies_set(unsigned int level, const void *virt, qr_entry_t value)
{
	qr_entry_t *entry = qr_entry(level, virt);

	if (level > 0) {
		if (qr_has_copies(entry)) {
			qr_overlay_upper(level, virt, value);
		}
	} else if (is_in_copies(entry, value)) {
		qr_overlay_keep(entry, qr_overlay_sync(entry, value));
	}
}

/* Another cache mode: the machine may demand a break, and it may be the running stack's page
 * (tables.c). Physical mappings alone have other modes than the default, and are born accessed
 * and dirty: no walker sets a bit in what is replaced. */
static QR_NOINLINE void replace(unsigned int level, void *virt, qr_entry_t value)
{
	qr_entry_t *entry = qr_entry(level, virt);

	mmu_replace(entry, value);
	if (level > 0) {
		if (qr_upper_differs(level, virt, value)) {
			qr_overlay_upper(level, virt, value);
		}
		return;
	}
	if (is_in_copies(entry, value)) {
		qr_overlay_replace(entry, value);
	}
}

static QR_NOINLINE void entry_flags(unsigned int level, void *virt, uint32_t flags)
{
	qr_entry_t *entry = qr_entry(level, virt);
	qr_entry_t old = qr_entry_load(entry), value;

	do {
		value = with_flags(old, level, flags);
		if (entry_decode(old, level).cache != entry_decode(value, level).cache) {
			replace(level, virt, value);
			return;
		}
	} while (!qr_entry_swap(entry, &old, value));
	copies_set(level, virt, value);
}

size_t arch_mem_flags(void *virt, size_t size, uint32_t flags)
{
	bool split;
	unsigned int level = fit_leaf(virt, size, &split);
	size_t done = qr_leaf_bytes(level);

	if (split) {
		return 0;
	}
	if (level > 0) {
		entry_flags(level, virt, flags);
		qr_flush_all();
		return done;
	}

	/* an entry here is some three times the work of one that is only written */
	size_t count = arch_mem_batch(virt, pages_here(virt, size, (CONFIG_MEM_BATCH + 2) / 3));

	qr_base_need(qr_entry(0, virt), count, flags);
	for (size_t i = 0; i < count; i++) {
		entry_flags(0, (void *)((uintptr_t)virt + (i << ENTRY_PAGE_SHIFT)), flags);
	}
	done = count << ENTRY_PAGE_SHIFT;
	arch_mem_flush(virt, done);
	return done;
}
