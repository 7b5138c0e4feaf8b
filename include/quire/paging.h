/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quire/paging.h - demand paging: moving data pages between frames and stores,
 * the page fault, statistics.
 *
 * Common rules as in quire/mm.h, also for NULL. Where a function works on a range, the range
 * must be wholly mapped with paged memory (anonymous, stored, on-demand image) or
 * with memory that is always resident, for which there is nothing to do.
 */
#ifndef QUIRE_PAGING_H
#define QUIRE_PAGING_H

#include <quire/compiler.h>

QR_EXTERN_C_BEGIN

/* ---- moving pages ---------------------------------------------------------------- */

/* Each of the four is -K_MEM_ENOTSUP in a build without CONFIG_DEMAND_PAGING_REQUESTS. */

/* Evict every page of the range that is in a frame and not pinned: clean ones are
 * dropped, the others written. Their frames become free. Where slots run out those that
 * pages elsewhere have beside their frames are used: such a page then counts as
 * changed. May sleep. The content of every page is as it was, also after an error.
 *  -EINVAL  bad range
 *  -EFAULT  a page of the range is not mapped
 *  -ENOMEM  not enough slots for the range; nothing was evicted, unless other threads
 *           took slots that had been counted on
 *  -EBUSY   a page was touched in each of CONFIG_EVICTION_TRIES writes of it, or others
 *           moved it all the time; or the store cannot write in this context, for it would
 *           have to sleep (K_MEM_IO_NOT_HERE in quire/store.h). It stays, those before it
 *           were evicted
 *  -EIO     the store failed for a page, which stays in its frame */
int k_mem_page_out(void *addr, size_t size) QR_MUST_CHECK;

/* Bring every page of the range into a frame, so that touching it soon does not
 * fault; no promise that it stays. May sleep.
 *  -EINVAL, -EFAULT  as above
 *  -ENOMEM  more pages than frames can ever hold at once
 *  -EBUSY   other threads took each frame, or moved a page, again and again; or the store
 *           cannot serve this context
 *  -EIO     the store failed for a page; the content of every page is as it was */
int k_mem_page_in(void *addr, size_t size) QR_MUST_CHECK;

/* Bring every page of the range into a frame of its own and keep it there until
 * k_mem_unpin or k_mem_unmap: no fault after this returns. Pinning does not nest.
 * May sleep.
 *  -EINVAL, -EFAULT, -EBUSY, -EIO  as above; no page is pinned that was not
 *  -ENOMEM  too few frames would be left to page with */
int k_mem_pin(void *addr, size_t size) QR_MUST_CHECK;

/* Let the pages of the range be evicted again. Pages that are not pinned stay as
 * they are. -EINVAL, -EFAULT as above. */
int k_mem_unpin(void *addr, size_t size) QR_MUST_CHECK;

/* ---- the fault --------------------------------------------------------------------- */

#define K_MEM_FAULT_WRITE (1u << 1) /* a store; else a load or a fetch */
#define K_MEM_FAULT_USER  (1u << 2) /* from user mode */
#define K_MEM_FAULT_EXEC  (1u << 4) /* an instruction fetch */
/* From the kernel while its CPU keeps it from user memory (SMAP, PAN, SUM clear): refused on
 * pages for user mode, which such a CPU would refuse again and again. */
#define K_MEM_FAULT_FENCED (1u << 3)

/* For the trap handler: make the access to `addr` (any alignment) possible, if the
 * mappings allow it. `access` says what was tried. Called with the interrupt mask
 * of the interrupted context, so that interrupts are on while anything slow
 * happens; where it may not sleep, the store is polled.
 *  0        retry the instruction; it may fault again, where other threads took the page
 *           away meanwhile
 *  -EFAULT  nothing is mapped there: no mapping, a guard, outside the space
 *  -EACCES  mapped, but not for this access
 *  -EIO     the page could not be read; it is as lost as its slot, but only the
 *           thread that asked is concerned, and a later try reads again
 *  -ENOMEM  no frame could be freed: so many writes to the store failed that the
 *           promise of k_mem_map could not be kept
 *  -EBUSY   the store cannot serve this context (interrupts masked, an interrupt handler):
 *           neither read the page nor write another one, and no frame could be had without.
 *           Nothing is lost; the same access later, or by a thread that may sleep, is served */
int k_mem_page_fault(void *addr, uint32_t access) QR_MUST_CHECK;

/* For a timer of the host kernel, at the pace the policy wants (100 to 1000 ms for
 * the NRU policy): let the policy age its frames. Any context but a fault. */
void k_mem_paging_tick(void);

/* ---- background cleaning ------------------------------------------------------------- */

/* For a thread of the host kernel of low priority, which calls it again and again: sleep until
 * no more than `low` frames are free, then evict until `high` are, as the policy picks, so that a
 * fault finds a free frame and waits for no write. What cannot be evicted then is left; the
 * next call waits until a fault finds no frame. One thread at a time.
 *
 * A page that is cleaned is evicted, so it is written once, and again only where it came back and
 * was changed. One that is touched while it is being written stays; k_mem_paging_stats_t counts
 * those of them that are written again. A call ends when it met as many as there are frames.
 * Frames are as if there were `high` fewer; the promise of k_mem_map does not depend on it.
 *  0         frames were wanted, and evicted as far as that was possible
 *  -EINVAL   not 0 < low < high < the frames that there are, or called where it may not sleep
 *  -K_MEM_ENOTSUP  without CONFIG_DEMAND_PAGING or CONFIG_MEM_CLEAN */
int k_mem_paging_clean(uint32_t low, uint32_t high) QR_MUST_CHECK;

/* ---- statistics ----------------------------------------------------------------------- */

struct k_mem_paging_stats_t {
	struct {
		unsigned long cnt;          /* faults served or refused */
		unsigned long irq_unlocked; /* from threads with interrupts on */
		unsigned long irq_locked;   /* from threads with interrupts masked */
		unsigned long in_isr;       /* from interrupt handlers */
	} pagefaults;
	struct {
		unsigned long clean; /* pages dropped */
		unsigned long dirty; /* pages written and dropped */
	} eviction;
	struct {
		unsigned long page_in;    /* pages read from a store */
		unsigned long page_out;   /* pages written to a store */
		unsigned long reads;      /* requests that read these pages */
		unsigned long writes;     /* requests that wrote these */
		unsigned long zero_fill;  /* frames filled with zeros */
		unsigned long zero_map;   /* read faults served by the zero page */
		unsigned long rescued;    /* touched while being written out */
		unsigned long cleaned;    /* pages evicted by k_mem_paging_clean */
		unsigned long kept;       /* pages written that stayed in their frames */
		unsigned long kept_again; /* of these, changed after that and written again */
		unsigned long flags;      /* faults that only set accessed or dirty */
		unsigned long prefetched; /* pages read ahead of their use, of page_in */
		unsigned long prefetch_used;   /* of these, seen used */
		unsigned long prefetch_wasted; /* evicted without having been seen used */
		unsigned long in_errors;  /* reads that failed */
		unsigned long out_errors; /* writes that failed: slots retired */
		unsigned long looks;      /* page-table entries a policy looked at */
		unsigned long flushes;    /* TLB invalidations: pages and whole ones */
	} transfer;
};

/* Counters since k_mem_init; zeros without CONFIG_DEMAND_PAGING_STATS. */
void k_mem_paging_stats_get(struct k_mem_paging_stats_t *stats);

/* Counters of one thread, as the port keeps it (NULL: the running one); zeros where
 * it keeps none or without CONFIG_DEMAND_PAGING_THREAD_STATS. */
void k_mem_paging_thread_stats_get(void *thread, struct k_mem_paging_stats_t *stats);

/* counts[i] events took up to bounds[i] cycles of qr_port_cycles() and more than
 * bounds[i - 1]; the last bin has no upper bound. */
struct k_mem_paging_histogram_t {
	unsigned long counts[CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM_NUM_BINS];
	unsigned long bounds[CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM_NUM_BINS];
};

/* How long it took to make room for a page (choosing victims, writing them, waiting), to read
 * pages, to write pages; zeros without
 * CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM. */
void k_mem_paging_histogram_eviction_get(struct k_mem_paging_histogram_t *hist);
void k_mem_paging_histogram_backing_store_page_in_get(struct k_mem_paging_histogram_t *hist);
void k_mem_paging_histogram_backing_store_page_out_get(struct k_mem_paging_histogram_t *hist);

/* ---- what a build is without ----------------------------------------------------------------- */

QR_ABSENT_BEGIN
#if !CONFIG_DEMAND_PAGING_REQUESTS
QR_ABSENT(int k_mem_page_out(void *addr, size_t size), return -K_MEM_ENOTSUP)
QR_ABSENT(int k_mem_page_in(void *addr, size_t size), return -K_MEM_ENOTSUP)
QR_ABSENT(int k_mem_pin(void *addr, size_t size), return -K_MEM_ENOTSUP)
QR_ABSENT(int k_mem_unpin(void *addr, size_t size), return -K_MEM_ENOTSUP)
#endif
#if !CONFIG_DEMAND_PAGING || !CONFIG_MEM_CLEAN
QR_ABSENT(int k_mem_paging_clean(uint32_t low, uint32_t high), return -K_MEM_ENOTSUP)
#endif
#if !CONFIG_DEMAND_PAGING_STATS
QR_ABSENT(void k_mem_paging_stats_get(struct k_mem_paging_stats_t *stats),
	  QR_ZERO(stats))
#endif
#if !CONFIG_DEMAND_PAGING_THREAD_STATS
QR_ABSENT(void k_mem_paging_thread_stats_get(void *thread, struct k_mem_paging_stats_t *stats),
	  QR_ZERO(stats))
#endif
#if !CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM
QR_ABSENT(void k_mem_paging_histogram_eviction_get(struct k_mem_paging_histogram_t *hist),
	  QR_ZERO(hist))
QR_ABSENT(void k_mem_paging_histogram_backing_store_page_in_get(
		  struct k_mem_paging_histogram_t *hist), QR_ZERO(hist))
QR_ABSENT(void k_mem_paging_histogram_backing_store_page_out_get(
		  struct k_mem_paging_histogram_t *hist), QR_ZERO(hist))
#endif
QR_ABSENT_END

QR_EXTERN_C_END

#endif /* QUIRE_PAGING_H */
