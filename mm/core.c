/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.c - ranges of pages from addresses and sizes, flags, and waiting.
 */
#include "core.h"

#include "frame.h"
#include "store.h"

bool qr_locked;

union qr_told qr_told;

int qr_pages_of(const void *addr, size_t size, struct qr_pages *pages)
{
	const size_t end = CONFIG_KERNEL_VM_SIZE - QR_PAGE_SIZE; /* the last page is scratch */
	uintptr_t offset = (uintptr_t)addr - (uintptr_t)CONFIG_KERNEL_VM_BASE;

	/* an address below the base has wrapped around to a large offset */
	if (size == 0 || ((offset | size) & (QR_PAGE_SIZE - 1)) != 0 || offset >= end ||
	    size > end - offset) {
		return -EINVAL;
	}
	pages->first = (uint32_t)(offset >> QR_PAGE_SHIFT);
	pages->count = (uint32_t)(size >> QR_PAGE_SHIFT);
	return 0;
}

int qr_flags_check(uint32_t flags, uint32_t allowed)
{
	const uint32_t both = K_MEM_PERM_RW | K_MEM_PERM_EXEC;

	return (flags & ~allowed) != 0 || (flags & both) == both ? -EINVAL : 0;
}

void qr_map_batches(uint8_t *to, uint64_t phys, size_t size, uint32_t flags, struct qr_hold *hold)
{
	while (size > 0) { /* each time a page at least */
		size_t done;

		qr_breathe(hold);
		done = arch_mem_map(to, phys, size, flags);
		to += done;
		phys += done;
		size -= done;
	}
}

void qr_wait(const void *channel, struct qr_hold *hold)
{
	QR_ASSERT_LOCKED();
	if (!qr_sleep_known(hold)) {
		return;
	}
	hold->dropped = true;
	if (hold->sleep == QR_SLEEP_NO) {
		qr_unlock(hold);
		qr_stores_poll();
		qr_relock(hold);
		return;
	}
	qr_told.waiters++;
	qr_locked = false;
	hold->key = qr_host_sleep(channel, hold->key);
	qr_locked = CONFIG_MEM_ASSERT >= 1;
	qr_told.waiters--;
}
