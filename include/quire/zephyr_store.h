/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quire/zephyr_store.h - backing-store plug-ins that were written for Zephyr, as a store.
 *
 * Such a plug-in is a set of functions named k_mem_paging_backing_store_*; compile it with
 * the names and types below and put its functions into a table:
 *
 *     static void *scratch;
 *     #define K_MEM_SCRATCH_PAGE scratch
 *     ...the plug-in...
 *     const struct k_mem_zephyr_plugin my_plugin = {
 *             .init = k_mem_paging_backing_store_init,
 *             ...
 *             .scratch_page = &scratch,
 *     };
 *
 * Differences to know:
 *  - page_finalize is not called. After it a plug-in may consider the location free
 *    unless it set the frame's BACKED flag; here a slot keeps its copy after a page-in, so
 *    that a clean page can be dropped without writing. A location ends by location_free.
 *  - location_get is called with page_fault true: what Zephyr holds back for faults, Quire
 *    keeps by charging mappings. The frame it is given is not the one that holds the page; its
 *    virtual address is another for each slot and lies inside the space, which is what
 *    plug-ins that compute locations from addresses need.
 *  - A plug-in has no way to report an error: transfers succeed.
 */
#ifndef QUIRE_ZEPHYR_STORE_H
#define QUIRE_ZEPHYR_STORE_H

#include <quire/compiler.h>
#include <quire/store.h>

QR_EXTERN_C_BEGIN

/* What a plug-in is given for the frame that holds a page. */
struct k_mem_page_frame {
	uintptr_t va_and_flags; /* page-aligned virtual address; flags are 0 */
};

/* The frame's virtual address. */
static inline void *k_mem_page_frame_to_virt(struct k_mem_page_frame *pf)
{
	return (void *)(pf->va_and_flags & ~(uintptr_t)(CONFIG_MMU_PAGE_SIZE - 1));
}

struct k_mem_zephyr_plugin {
	/* Called once, by k_mem_zephyr_store_init. May be NULL. */
	void (*init)(void);

	/* Reserve a location for a page; another result than 0: full. Interrupts masked. */
	int (*location_get)(struct k_mem_page_frame *pf, uintptr_t *location, bool page_fault);

	/* The location's content is no longer wanted. Interrupts masked. */
	void (*location_free)(uintptr_t location);

	/* Copy a page from, or to, the scratch page. One call at a time. */
	void (*page_out)(uintptr_t location);
	void (*page_in)(uintptr_t location);

	/* Where the plug-in reads the address of the scratch page; set before each transfer. */
	void **scratch_page;
};

struct k_mem_zephyr_store {
	/* the caller's part, filled before k_mem_zephyr_store_init */
	const struct k_mem_zephyr_plugin *plugin;
	uint32_t slot_count;  /* pages that the plug-in can hold */
	uint64_t *words;      /* K_MEM_SLOT_MAP_WORDS(slot_count) of them */
	uintptr_t *locations; /* slot_count of them */

	/* NULL for a plug-in that never sleeps: pages are copied in place, with interrupts
	 * masked. Else one page of memory that the CPU can always reach and a transfer goes
	 * through: interrupts are on, and other threads wait asleep for their turn. Where the
	 * running context may not sleep, such transfers are not served (K_MEM_IO_NOT_HERE): a
	 * fault there needs its page in a frame, or a page that can be dropped without writing;
	 * else it fails with -EBUSY. */
	void *bounce;

	/* the store's part */
	struct k_mem_slot_map map;
	bool busy; /* the bounce page is in use; under the mm lock */
};

/* Make `store` a store over the plug-in, and start the plug-in. `zephyr` lives as long as
 * the store. -EINVAL: slot_count is 0, more than K_MEM_SLOTS_MAX, or more than the space
 * has pages; a function or a pointer but init and bounce is missing. */
int k_mem_zephyr_store_init(struct k_mem_store *store,
			    struct k_mem_zephyr_store *zephyr) QR_MUST_CHECK;

#if !CONFIG_BACKING_STORE_ZEPHYR
QR_ABSENT_BEGIN
QR_ABSENT(int k_mem_zephyr_store_init(struct k_mem_store *store,
				      struct k_mem_zephyr_store *zephyr), return -K_MEM_ENOTSUP)
QR_ABSENT_END
#endif

QR_EXTERN_C_END

#endif /* QUIRE_ZEPHYR_STORE_H */
