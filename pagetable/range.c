/* SPDX-License-Identifier: Apache-2.0 */
/*
 * range.c - batches: the arch_mem_* functions that work on runs of pages. Each walks
 * once, touches at most CONFIG_MEM_BATCH entries (or splits one large leaf), and flushes
 * once; the core calls again for the rest, with interrupts let in between.
 */
#include "overlay.h"

QR_INLINE size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Write `count` entries, each by `step` more than the one before, the last one by `mark` as well:
 * an addition an entry. */
QR_INLINE void fill(qr_entry_t *entry, size_t count, qr_entry_t value, qr_entry_t step,
		    qr_entry_t mark)
{
	for (size_t i = 1; i < count; i++) {
		QR_ASSERT_ALL(*entry == 0);
		__atomic_store_n(entry++, value, __ATOMIC_RELAXED);
		value += step;
	}
	__atomic_store_n(entry, value + mark, __ATOMIC_RELAXED);
	mmu_publish(entry - (count - 1), count);
}

/* Let `count` entries, at least one, be none. */
QR_INLINE void clear(qr_entry_t *entry, size_t count)
{
	__atomic_store_n(entry, 0, __ATOMIC_RELAXED);
	for (size_t i = 1; i < count; i++) {
		__atomic_store_n(&entry[i], 0, __ATOMIC_RELAXED);
	}
	mmu_publish(entry, count);
}

/* May a leaf of `level` stand at `virt`? Not over private tables (overlay.h). */
QR_INLINE bool has_place(unsigned int level, uintptr_t virt)
{
	return qr_copies_of(qr_entry(level - 1, (void *)virt)) == 0;
}

/* What can be mapped at once: as many leaves as there are of the largest level that may start
 * here, up to where leaves of a larger level may. */
static size_t next_run(uintptr_t virt, uint64_t phys, size_t size, unsigned int *level)
{
	*level = 0;
	for (unsigned int larger = QR_LEAF_LEVELS - 1; larger > 0; larger--) {
		uintptr_t bytes = qr_leaf_bytes(larger);
		uintptr_t ahead = -virt & (bytes - 1u);

		if (((virt ^ phys) & (bytes - 1u)) != 0 || ahead >= size || size - ahead < bytes) {
			continue;
		}
		if (ahead == 0 && has_place(larger, virt)) {
			*level = larger;
			break;
		}
		size = ahead > 0 ? ahead : bytes;
	}
	return size >> QR_LEVEL_SHIFT(*level);
}

/* As many of `count` leaves of a level above pages as may stand here. Apart: they are rare. */
static QR_NOINLINE size_t map_large(void *virt, struct qr_view view, unsigned int level,
				    size_t count, size_t end)
{
	qr_entry_t *entry = qr_entry(level, virt);
	const size_t bytes = qr_leaf_bytes(level);
	uint8_t *at = virt;
	size_t most = 1;

	while (most < count && has_place(level, (uintptr_t)at + most * bytes)) {
		most++;
	}
	count = qr_overlay_batch(entry, most);
	for (size_t i = 0; i < count; i++) {
		/* break: the old entry pointed to an empty table. The leaf needs no fence behind
		 * it: finding nothing is served by the fault (RISC-V Privileged 4.2.1) */
		qr_upper_set(level, at + i * bytes, 0);
	}
	qr_flush_all();
	fill(entry, count, entry_encode(view, level), qr_leaf_step(level),
	     count * bytes == end ? qr_leaf_mark(level) : 0);
	for (size_t i = 0; CONFIG_USERSPACE && i < count; i++) {
		if (qr_upper_differs(level, at + i * bytes, qr_entry_load(&entry[i]))) {
			qr_overlay_upper(level, at + i * bytes, qr_entry_load(&entry[i]));
		}
	}
	return count * bytes;
}

/* Are other sets than the kernel's concerned by pages that are mapped here? */
QR_INLINE bool is_in_sets(const qr_entry_t *entry, size_t count, uint32_t flags)
{
	return qr_run_has_copies(entry, count) ||
	       (MMU_SPLIT && (flags & (K_MEM_PERM_USER | ARCH_MEM_TRAMPOLINE)));
}

/* Then: as many of `count` pages as have their places alike, all global or none. */
static QR_NOINLINE size_t map_in_sets(void *virt, struct qr_view view, size_t count, size_t end,
				      uint32_t flags)
{
	qr_entry_t *entry = qr_entry(0, virt);
	const bool copied = qr_copies_of(entry) != 0;

	qr_base_need(entry, count, flags);
	if (copied || qr_copies_of(entry + (count - 1)) != 0) {
		view.global = view.global && !copied;
		count = min_size(count, QR_TABLE_ENTRIES - qr_entry_index(0, (uintptr_t)virt));
	}
	count = qr_overlay_batch(entry, count);
	fill(entry, count, qr_entry_of(view, 0), qr_leaf_step(0),
	     count << ENTRY_PAGE_SHIFT == end ? qr_leaf_mark(0) : 0);
	qr_overlay_run(entry, count);
	if (flags & ARCH_MEM_TRAMPOLINE) {
		qr_overlay_trampoline(entry, count);
	}
	return count << ENTRY_PAGE_SHIFT;
}

size_t arch_mem_map(void *virt, uint64_t phys, size_t size, uint32_t flags)
{
	const struct qr_view view = qr_leaf_view(phys, flags);
	const size_t end = (flags & ARCH_MEM_LAST) ? size : 0;
	qr_entry_t *entry = qr_entry(0, virt);
	size_t count = size >> ENTRY_PAGE_SHIFT;

	if (flags & ARCH_MEM_LARGE) {
		unsigned int level;

		count = next_run((uintptr_t)virt, phys, size, &level);
		if (level > 0) {
			return map_large(virt, view, level, min_size(count, CONFIG_MEM_BATCH), end);
		}
	}
	count = min_size(count, CONFIG_MEM_BATCH);
	if (QR_UNLIKELY(is_in_sets(entry, count, flags))) {
		return map_in_sets(virt, view, count, end, flags);
	}
	fill(entry, count, entry_encode(view, 0), qr_leaf_step(0),
	     count << ENTRY_PAGE_SHIFT == end ? qr_leaf_mark(0) : 0);
	return count << ENTRY_PAGE_SHIFT;
}

size_t arch_mem_batch(const void *virt, size_t count)
{
	return qr_overlay_batch(qr_entry(0, virt), count);
}

void arch_mem_map_token(void *virt, size_t count, arch_token_t token, uint32_t step, uint32_t flags)
{
	qr_entry_t *entry = qr_entry(0, virt);
	struct qr_view view = {
		.kind = QR_TOKEN,
		.token = token,
		.write = (flags & K_MEM_PERM_RW) != 0,
		.exec = (flags & K_MEM_PERM_EXEC) != 0,
		.user = (flags & K_MEM_PERM_USER) != 0,
	};
	qr_entry_t value = entry_encode(view, 0), stride, mark;

	qr_base_need(entry, count, flags);
	view.token += step; /* linear, as addresses are (view.h): an addition a page */
	stride = entry_encode(view, 0) - value;
	view.last = (flags & ARCH_MEM_LAST) != 0;
	mark = entry_encode(view, 0) - value - stride;
	fill(entry, count, value, stride, mark);
}

size_t arch_mem_same(const void *virt, size_t count)
{
	const qr_entry_t *entry = qr_entry(0, virt);
	const qr_entry_t like = qr_entry_load(entry);
	size_t done = 1;

	while (done < count && qr_entry_load(&entry[done]) == like) {
		done++;
	}
	/* `last` is the same bit as in a leaf (masks.h) */
	return done + (done < count && qr_entry_load(&entry[done]) == like + qr_leaf_mark(0));
}

/* Stores of zero, no exchange: of accessed and dirty bits that a walker sets meanwhile nobody wants
 * to know any more. */
void arch_mem_unmap_pages(void *virt, size_t count)
{
	qr_entry_t *entry = qr_entry(0, virt);

	clear(entry, count);
	if (QR_UNLIKELY(qr_run_has_copies(entry, count))) {
		qr_overlay_unmapped(entry, count);
	}
}

/* A guard, in an entry that no set has: it has no rights and ends no mapping. */
QR_INLINE qr_entry_t guard_entry(arch_token_t token)
{
	return QR_AS_TOKEN(.token = token);
}

bool arch_page_token_swap(void *virt, arch_token_t was, arch_token_t token)
{
	qr_entry_t *entry = qr_entry(0, virt);

	if (qr_entry_load(entry) != guard_entry(was)) {
		return false;
	}
	qr_entry_store(entry, guard_entry(token));
	return true;
}

void arch_mem_unmap_guard(void *virt)
{
	qr_entry_store(qr_entry(0, virt), 0);
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

	return min_size(min_size(size >> ENTRY_PAGE_SHIFT, batch), to_end);
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

	size_t count = arch_mem_batch(virt, pages_here(virt, size, CONFIG_MEM_BATCH));
	qr_entry_t *entry = qr_entry(0, virt);

	clear(entry, count);
	qr_overlay_run(entry, count);
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
		return min_size(rest, size);
	}

	size_t count = pages_here(virt, size, CONFIG_MEM_BATCH);
	const qr_entry_t *entry = qr_entry(0, virt);

	while (done < count && !*ended) {
		struct qr_view view = entry_decode(qr_entry_load(&entry[done]), 0);

		if (view.kind != QR_LEAF) {
			break;
		}
		*ended = view.last;
		done++;
	}
	return done << ENTRY_PAGE_SHIFT;
}

/* The entry with new rights, and for a leaf the cache mode; its A and D bits survive. */
static QR_NOINLINE qr_entry_t with_flags(qr_entry_t entry, unsigned int level, uint32_t flags)
{
	struct qr_view view = qr_view_of(entry, level);
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
	return qr_entry_of(view, level);
}

/* Bring the copies of an entry up to date that says `value`. */
static void copies_set(unsigned int level, const void *virt, qr_entry_t value)
{
	qr_entry_t *entry = qr_entry(level, virt);

	if (!qr_has_copies(entry)) {
		return;
	}
	if (level == 0) {
		qr_overlay_keep(entry, qr_overlay_sync(entry, value));
	} else {
		qr_overlay_upper(level, virt, value);
	}
}

/* Another cache mode: the machine may demand a break, and it may be the running stack's page
 * (tables.c). Physical mappings alone have other modes than the default, and are born accessed
 * and dirty: no walker sets a bit in what is replaced. */
static QR_NOINLINE void replace(unsigned int level, void *virt, struct qr_view view)
{
	qr_entry_t *entry = qr_entry(level, virt);
	const qr_entry_t value = qr_entry_of(view, level);

	mmu_replace(entry, value);
	if (level > 0) {
		if (qr_upper_differs(level, virt, value)) {
			qr_overlay_upper(level, virt, value);
		}
		return;
	}
	if (qr_has_copies(entry)) {
		qr_overlay_replace(entry, value);
	}
}

static void entry_flags(unsigned int level, void *virt, uint32_t flags)
{
	qr_entry_t *entry = qr_entry(level, virt);
	qr_entry_t old = qr_entry_load(entry);
	struct qr_view view = qr_view_of(old, level);

	if (view.kind == QR_LEAF && view.cache != qr_cache_mode(flags)) {
		replace(level, virt, qr_view_of(with_flags(old, level, flags), level));
		return;
	}
	while (!qr_entry_swap(entry, &old, with_flags(old, level, flags))) {
	}
	copies_set(level, virt, qr_entry_load(entry));
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
