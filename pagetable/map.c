/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.c - entries are made where there were none, and regions' entries are taken away: the
 * arch_mem_* functions that fill runs of entries. The common case, pages that only the kernel's set
 * has, is a loop of additions; large leaves and other sets are apart.
 */
#include "overlay.h"

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

/* Leaves of a level above pages, as many of `count` as may stand here; `end`, bytes, is where the
 * last one is marked. Returns how many bytes. */
static size_t map_large(void *virt, struct qr_view view, unsigned int level, size_t count,
			size_t end)
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

/* Pages for which other sets than the kernel's are concerned: as many of `count` as have their
 * places alike, all global or none. */
static size_t map_in_sets(void *virt, struct qr_view view, size_t count, size_t end, uint32_t flags)
{
	qr_entry_t *entry = qr_entry(0, virt);
	const bool copied = qr_copies_of(entry) != 0;

	qr_base_need(entry, count, flags);
	if (copied || qr_copies_of(entry + (count - 1)) != 0) {
		view.global = view.global && !copied;
		count = qr_min_size(count, QR_TABLE_ENTRIES - qr_entry_index(0, (uintptr_t)virt));
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

/* All that is rare. */
static QR_NOINLINE size_t map_rare(void *virt, uint64_t phys, size_t size, uint32_t flags)
{
	const struct qr_view view = qr_leaf_view(phys, flags);
	const size_t end = (flags & ARCH_MEM_LAST) ? size : 0;
	size_t count = size >> ENTRY_PAGE_SHIFT;
	unsigned int level = 0;

	if (flags & ARCH_MEM_LARGE) {
		count = next_run((uintptr_t)virt, phys, size, &level);
	}
	count = qr_min_size(count, CONFIG_MEM_BATCH);
	return level > 0 ? map_large(virt, view, level, count, end)
			 : map_in_sets(virt, view, count, end, flags);
}

/* The flags with which a mapping of pages is more than to fill the kernel's entries. */
#define RARE (ARCH_MEM_LARGE | \
	      (MMU_SPLIT ? (uint32_t)K_MEM_PERM_USER | ARCH_MEM_TRAMPOLINE : 0u))

size_t arch_mem_map(void *virt, uint64_t phys, size_t size, uint32_t flags)
{
	qr_entry_t *entry = qr_entry(0, virt);
	const size_t count = qr_min_size(size >> ENTRY_PAGE_SHIFT, CONFIG_MEM_BATCH);
	const size_t done = count << ENTRY_PAGE_SHIFT;

	if (QR_UNLIKELY((flags & RARE) || qr_run_has_copies(entry, count))) {
		return map_rare(virt, phys, size, flags);
	}
	fill(entry, count, entry_encode(qr_leaf_view(phys, flags), 0), qr_leaf_step(0),
	     (flags & ARCH_MEM_LAST) && done == size ? qr_leaf_mark(0) : 0);
	return done;
}

/* Numbers of tokens are linear, as leaves' addresses are, and `last` is the same bit (masks.h). */
void arch_mem_map_token(void *virt, size_t count, arch_token_t token, uint32_t step, uint32_t flags)
{
	const qr_entry_t value = QR_AS_TOKEN(.token = token, .write = (flags & K_MEM_PERM_RW) != 0,
					     .exec = (flags & K_MEM_PERM_EXEC) != 0,
					     .user = (flags & K_MEM_PERM_USER) != 0);
	qr_entry_t *entry = qr_entry(0, virt);

	qr_base_need(entry, count, flags);
	fill(entry, count, value, step * (QR_AS_TOKEN(.token = 1) - QR_AS_TOKEN(.token = 0)),
	     (flags & ARCH_MEM_LAST) ? qr_leaf_mark(0) : 0);
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

	qr_entries_clear(entry, count);
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
