/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.h - what the files of mm/ share: the lock, ranges of pages, waiting.
 *
 * The lock. One lock, the mm lock, guards everything in mm/ and every entry. It masks
 * interrupts, so it is held for one batch at most. A struct qr_hold goes from function to
 * function while it is held; a function that takes one may let go of the lock in between
 * and says so by setting `dropped`, after which nothing read before is true any more.
 */
#ifndef QR_MM_CORE_H
#define QR_MM_CORE_H

#include <quire/arch.h>
#include <quire/compiler.h>
#include <quire/mm.h>
#include <quire/paging.h>
#include <quire/host.h>

#include "space.h"

#define QR_PAGE_SHIFT ((unsigned int)__builtin_ctz(CONFIG_MMU_PAGE_SIZE))
#define QR_PAGE_SIZE  ((size_t)CONFIG_MMU_PAGE_SIZE)

/* ---- the lock ------------------------------------------------------------------------ */

/* May the holder sleep? The port can be asked only without the lock, so it is asked when it
 * first matters, and the lock let go for that. */
enum qr_sleep {
	QR_SLEEP_UNASKED,
	QR_SLEEP_YES,
	QR_SLEEP_NO,
};

struct qr_hold {
	qr_port_key_t key;
	enum qr_sleep sleep;
	bool dropped; /* the lock was let go since this was last set to false */
};

/* Is the lock held? For assertions only. */
extern bool qr_locked;

QR_INLINE void qr_relock(struct qr_hold *hold)
{
	hold->key = qr_port_lock();
	QR_ASSERT(!qr_locked);
	if (CONFIG_MEM_ASSERT >= 1) {
		qr_locked = true;
	}
}

QR_INLINE void qr_unlock(struct qr_hold *hold)
{
	QR_ASSERT(qr_locked);
	if (CONFIG_MEM_ASSERT >= 1) {
		qr_locked = false;
	}
	hold->dropped = true;
	qr_port_unlock(hold->key);
}

#define QR_ASSERT_LOCKED() QR_ASSERT(qr_locked)

QR_INLINE void qr_lock(struct qr_hold *hold)
{
	hold->sleep = QR_SLEEP_UNASKED;
	hold->dropped = false;
	qr_relock(hold);
}

/* Let interrupts in between two batches. */
QR_INLINE void qr_breathe(struct qr_hold *hold)
{
	qr_unlock(hold);
	qr_relock(hold);
}

/* Is it known whether the holder may sleep? If not it is now, and the lock was let go: look
 * at everything again. */
QR_INLINE bool qr_sleep_known(struct qr_hold *hold)
{
	if (hold->sleep != QR_SLEEP_UNASKED) {
		return true;
	}
	qr_unlock(hold);
	hold->sleep = qr_host_can_sleep() ? QR_SLEEP_YES : QR_SLEEP_NO;
	qr_relock(hold);
	return false;
}

/* ---- waiting --------------------------------------------------------------------------- */

/* Let go of the lock until qr_wake(channel) may have been called: asleep, or by polling the
 * stores once where sleeping is not allowed. Callers look at their condition again. */
void qr_wait(const void *channel, struct qr_hold *hold);

/* Who is to be told of what happens, above all of a page that came into a frame. Mostly that is
 * nobody, which one comparison says. */
union qr_told {
	struct {
		uint32_t waiters; /* threads that wait; 0 makes waking free */
		union {
			struct {
				uint32_t domains : 31; /* that have anonymous memory */
				uint32_t policy : 1;   /* it keeps account of pages */
			};
			uint32_t of_pages; /* that come and go */
		};
	};
	uint64_t any;
};
extern union qr_told qr_told;

/* Wake all that wait on the channel. */
QR_INLINE void qr_wake(const void *channel)
{
	QR_ASSERT_LOCKED();
	if (QR_UNLIKELY(qr_told.waiters > 0)) {
		qr_host_wakeup(channel);
	}
}

/* So often at most one looks again because others came between: each time something of theirs was
 * done, so that no call comes near. Where they go on for ever it ends nonetheless. */
#define QR_ROUNDS_MAX 1000u

/* ---- pages ------------------------------------------------------------------------------- */

/* The only way from an address and a size to pages (space.h); what it gives lies inside the
 * space. -EINVAL: empty, unaligned, wraps or leaves the space. */
int qr_pages_of(const void *addr, size_t size, struct qr_pages *pages) QR_MUST_CHECK;

QR_INLINE void *qr_page_addr(uint32_t page)
{
	return (void *)((uintptr_t)CONFIG_KERNEL_VM_BASE + ((uintptr_t)page << QR_PAGE_SHIFT));
}

/* The page that an address inside the space is in. */
QR_INLINE uint32_t qr_page_of(const void *addr)
{
	return (uint32_t)(((uintptr_t)addr - (uintptr_t)CONFIG_KERNEL_VM_BASE) >> QR_PAGE_SHIFT);
}

QR_INLINE uint32_t qr_min(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* A guard page beside a mapping. */
QR_INLINE bool qr_page_is_guard(arch_page_t page)
{
	return !(page & (ARCH_DATA_PAGE_LOADED | ARCH_DATA_PAGE_NOT_MAPPED)) &&
	       ARCH_TOKEN_KIND(arch_page_token(page)) >= ARCH_TOKEN_GUARD_BEGIN;
}

/* Is the page the resident image's? */
bool qr_is_image(uint32_t page);

/* Is the cache mode in `flags` the one that the image has there? true where there is no image. */
bool qr_is_image_cached_as(uint32_t page, uint32_t flags);

/* In no frame, and not on its way: its token is a location. */
QR_INLINE bool qr_page_is_away(arch_page_t page)
{
	const arch_page_t kind = ~(arch_page_t)0 << (12 + ARCH_TOKEN_VALUE_BITS);

	_Static_assert(ARCH_TOKEN_LOCATION == 0, "the bits of its kind are clear");
	return (page & (ARCH_DATA_PAGE_LOADED | ARCH_DATA_PAGE_NOT_MAPPED | kind)) == 0;
}

/* Neither unmapped nor a guard. */
QR_INLINE bool qr_page_is_mapped(arch_page_t page)
{
	return !(page & ARCH_DATA_PAGE_NOT_MAPPED) && !qr_page_is_guard(page);
}

/* ---- checks that several calls share -------------------------------------------------------- */

/* 0 when `flags` holds only bits of `allowed` and not both RW and EXEC, else -EINVAL. */
int qr_flags_check(uint32_t flags, uint32_t allowed) QR_MUST_CHECK;

/* Pages that are handled between two moments at which interrupts are on: for work of some 40
 * instructions a page, some 100, and some hundreds. */
#define QR_BATCH_LIGHT ((uint32_t)CONFIG_MEM_BATCH)
#define QR_BATCH_MIDDLE ((uint32_t)(CONFIG_MEM_BATCH + 2) / 3)
#define QR_BATCH_HEAVY ((uint32_t)(CONFIG_MEM_BATCH + 15) / 16)

/* Where several sets of tables have the pages: let interrupts in when so many entries of these were
 * handled since `*since`, which is arch_mem_work as it was when the lock was taken. */
#define QR_SETS_BATCH ((uint32_t)(CONFIG_MEM_BATCH + 3) / 4)
QR_INLINE bool qr_sets_worked(uint32_t since)
{
	return CONFIG_USERSPACE && QR_UNLIKELY(arch_mem_work - since >= QR_SETS_BATCH);
}
QR_INLINE void qr_sets_breathe(uint32_t *since, struct qr_hold *hold)
{
	if (qr_sets_worked(*since)) {
		qr_breathe(hold);
		*since = arch_mem_work;
	}
}

/* The next batch, at most `most` pages, of a walk over `pages` of which `done` are done. */
QR_INLINE struct qr_pages qr_batch(struct qr_pages pages, uint32_t done, uint32_t most)
{
	return (struct qr_pages){pages.first + done, qr_min(pages.count - done, most)};
}

/* The same, and as many as may be changed in one hold, however many sets have them. */
QR_INLINE struct qr_pages qr_batch_of_all_sets(struct qr_pages pages, uint32_t done, uint32_t most)
{
	struct qr_pages batch = qr_batch(pages, done, most);

	if (CONFIG_USERSPACE && batch.count > 1) {
		batch.count = (uint32_t)arch_mem_batch(qr_page_addr(batch.first), batch.count);
	}
	return batch;
}

/* Map `size` bytes from `to` on to physical memory in a row: the last page ends a mapping, if
 * `flags` say so. Lets interrupts in between batches. */
void qr_map_batches(uint8_t *to, uint64_t phys, size_t size, uint32_t flags, struct qr_hold *hold);
QR_INLINE void qr_map_run(uint8_t *to, uint64_t phys, size_t size, uint32_t flags,
			  struct qr_hold *hold)
{
	const size_t done = arch_mem_map(to, phys, size, flags);

	if (QR_UNLIKELY(done < size)) {
		qr_map_batches(to + done, phys + done, size - done, flags, hold);
	}
}

#define QR_PERM_MASK (K_MEM_PERM_RW | K_MEM_PERM_EXEC | K_MEM_PERM_USER)

#endif /* QR_MM_CORE_H */
