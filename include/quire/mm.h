/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quire/mm.h - mapping memory. Names, flags and arguments are Zephyr's; what
 * returned nothing there returns an int here, and what asserted there is an
 * error here.
 *
 * Common to every function below:
 *  - addresses and sizes are bytes, page-aligned unless said otherwise; a pair
 *    that wraps, is empty or leaves the space is -EINVAL;
 *  - pointers: NULL for where a result goes, or for a structure of the caller's, is -EINVAL, also
 *    as an element of a list whose count is not 0, and as a field that is needed. Functions that
 *    return no status do nothing then, or return 0. Where NULL means something it is said.
 *    Addresses of memory are ranges, as above; and whatever is not NULL is believed;
 *  - all or nothing: after an error everything is as before; but pages that were evicted to
 *    make room may stay evicted;
 *  - context: any thread; the mm lock must not be held. Functions marked "may
 *    sleep" do so only where qr_port_can_sleep() says yes, and poll the store
 *    otherwise; the others neither sleep nor start a transfer;
 *  - interrupts are masked for at most one batch (CONFIG_MEM_BATCH) at a time,
 *    whatever the size.
 */
#ifndef QUIRE_MM_H
#define QUIRE_MM_H

#include <quire/compiler.h>

QR_EXTERN_C_BEGIN

/* ---- flags ------------------------------------------------------------------- */

/* Cache modes of a mapping. Anonymous memory is always write-back. */
#define K_MEM_CACHE_WB   0u /* write-back, the default */
#define K_MEM_CACHE_WT   1u /* write-through */
#define K_MEM_CACHE_NONE 2u /* uncached: device registers */
#define K_MEM_CACHE_MASK 7u

/* Rights. Reading is always allowed. Writable and executable together is -EINVAL. */
#define K_MEM_PERM_RW   (1u << 3)
#define K_MEM_PERM_EXEC (1u << 4)
#define K_MEM_PERM_USER (1u << 5)

/* k_mem_map_phys_bare: the virtual address is to equal the physical one. */
#define K_MEM_DIRECT_MAP (1u << 6)

/* k_mem_map: content need not be zeroed. Not with K_MEM_PERM_USER. With CONFIG_USERSPACE what
 * becomes resident for good (LOCK, k_mem_pin, without demand paging) is zeroed all the same. */
#define K_MEM_MAP_UNINIT (1u << 16)
/* k_mem_map: resident and pinned when the call returns; never faults. */
#define K_MEM_MAP_LOCK (1u << 17)
/* k_mem_map: backed at the first touch, which is the default with demand paging;
 * says so for builds without, where it is refused. Not with K_MEM_MAP_LOCK. */
#define K_MEM_MAP_UNPAGED (1u << 18)

/* ---- anonymous memory ----------------------------------------------------------- */

/* Map `size` bytes of zeroed memory (with K_MEM_MAP_UNINIT: of any content) with
 * an unmapped guard page on each side, and store the address in *addr. Pages get
 * a frame when first touched; with K_MEM_MAP_LOCK, or without CONFIG_DEMAND_PAGING,
 * before the call returns. Memory granted is a promise: the pages are charged
 * against frames and store slots, and a later fault on them finds room.
 * flags: K_MEM_PERM_*, K_MEM_MAP_*. May sleep with K_MEM_MAP_LOCK.
 *  -EINVAL   size zero, unaligned or larger than the space; unknown flags; a cache
 *            mode; RW with EXEC, USER with UNINIT, LOCK with UNPAGED
 *  -K_MEM_ENOTSUP  UNPAGED in a build without CONFIG_DEMAND_PAGING
 *  -ENOMEM   the pages could not be kept: not enough frames and slots, or with
 *            LOCK not enough frames
 *  -ENOSPC   no free range of that size in the address space
 *  -EIO      LOCK: room could not be made because writing to the store failed
 *  -EBUSY    LOCK: likewise, because the store cannot write in this context */
int k_mem_map_anon(void **addr, size_t size, uint32_t flags) QR_MUST_CHECK;

/* The same in Zephyr's form: the address, or NULL for any of the errors above. */
static inline void *k_mem_map(size_t size, uint32_t flags)
{
	void *addr = NULL;

	return k_mem_map_anon(&addr, size, flags) == 0 ? addr : NULL;
}

/* Unmap what one call of k_mem_map, k_mem_map_anon or k_mem_map_unpaged mapped:
 * `addr` and `size` must be exactly those. Frames, slots, charges, address range
 * and guards are given back. Memory that is pinned is unpinned. Transfers of its pages
 * that are under way are not waited for.
 *  -EINVAL  not exactly one such mapping; nothing changed */
int k_mem_unmap(void *addr, size_t size) QR_MUST_CHECK;

/* ---- physical memory --------------------------------------------------------------- */

/* Map `size` bytes at physical address `phys`, both with any alignment, and store
 * the address of the first byte in *virt (Zephyr's uint8_t **). The pages touched
 * are mapped; no guards. Large leaves are used where they fit. The range may be
 * anything but a frame that the core may hand out: free or pageable RAM.
 * flags: K_MEM_CACHE_*, K_MEM_PERM_*, K_MEM_DIRECT_MAP.
 *  -EINVAL  size zero; phys + size wraps or is beyond the physical address bits;
 *           unknown flags; RW with EXEC; DIRECT_MAP outside the space
 *  -EBUSY   DIRECT_MAP and part of the range is taken; or the range touches frames
 *           that are free or pageable
 *  -ENOSPC  no free range of that size in the address space */
int k_mem_map_phys_bare(uint8_t **virt, uintptr_t phys, size_t size, uint32_t flags) QR_MUST_CHECK;

/* Unmap a whole physical mapping, or a run of adjacent whole ones. `virt` and
 * `size` may be the unaligned ones that mapped it.
 *  -EINVAL  not a run of whole physical mappings; nothing changed */
int k_mem_unmap_phys_bare(uint8_t *virt, size_t size) QR_MUST_CHECK;

/* ---- stored data -------------------------------------------------------------------- */

/* Map `size` bytes whose content is in a store, from `location` (quire/store.h) on,
 * with guards, and store the address in *addr. Nothing is read or written by this
 * call. A page of a read-only store is read when touched, dropped when clean, and
 * written to the paging store once it was changed; its slots are never released.
 * A page of a read-write store hands its slot over to the mapping: the slot must
 * have been reserved by the caller, must not be mapped twice, and is released when
 * the mapping ends; unless it was written before, it holds what some other page left there, which
 * is not for user mode to see. Writable mappings and mappings of a read-write store are
 * charged like anonymous memory.
 * flags: K_MEM_PERM_*. Unmapped by k_mem_unmap.
 *  -EINVAL   size zero, unaligned or larger than the space; no such store, or slots
 *            beyond its end; unknown flags; RW with EXEC
 *  -K_MEM_ENOTSUP  a build without CONFIG_DEMAND_PAGING or CONFIG_MEM_STORED
 *  -ENOMEM   the pages could not be kept
 *  -ENOSPC   no free range of that size in the address space */
int k_mem_map_stored(void **addr, uintptr_t location, size_t size, uint32_t flags) QR_MUST_CHECK;

/* The same in Zephyr's form: the address, or NULL. */
static inline void *k_mem_map_unpaged(uintptr_t location, size_t size, uint32_t flags)
{
	void *addr = NULL;

	return k_mem_map_stored(&addr, location, size, flags) == 0 ? addr : NULL;
}

/* ---- rights --------------------------------------------------------------------------- */

/* Give every page of [addr, addr+size) the rights (and for physical mappings the
 * cache mode) in `flags`. Works on resident, paged-out and untouched pages and on
 * parts of mappings, large leaves included. Pages of uninitialised memory that
 * nobody has written, in a frame or not, are zeros when user mode gets rights to them; who opens
 * a page that was written has written all of it. Code that was written is made fetchable by
 * code_sync (quire/fault.h).
 * flags: K_MEM_PERM_*, K_MEM_CACHE_* (physical mappings only).
 *  -K_MEM_ENOTSUP  a build without CONFIG_MEM_UPDATE_FLAGS
 *  -EINVAL  a page of the range is not mapped or a guard; unknown flags; RW with
 *           EXEC; a cache mode on paged memory, another one than it has on the image. Nothing has
 *           changed, unless another thread unmapped the page meanwhile: then those before it have
 *  -ENOMEM  RW on pages of a read-only store that could then not be kept. Nothing has changed,
 *           unless another thread took rights from the same pages, or unpinned them, meanwhile, and
 *           what that gave back was granted to others: then the first pages have the new rights */
int k_mem_update_flags(void *addr, size_t size, uint32_t flags) QR_MUST_CHECK;

/* ---- frames ------------------------------------------------------------------------------ */

/* Bytes in free frames, those kept back for faults not counted. */
size_t k_mem_free_get(void);

/* Empty the frame at physical address `phys` (page-aligned) and make it free: its
 * page is written out if it must be. Nothing to do on a free frame: 0. May sleep.
 *  -K_MEM_ENOTSUP  a build without CONFIG_DEMAND_PAGING_REQUESTS
 *  -EINVAL  not a managed frame
 *  -EBUSY   pinned, reserved, busy with a transfer, or touched while it was written; or the store
 *           cannot write in this context
 *  -ENOMEM  no slot in the store, neither free nor that of a page in another frame
 *  -EIO     the store failed; the page stays in the frame */
int k_mem_page_frame_evict(uintptr_t phys) QR_MUST_CHECK;

/* Print the state of all frames through qr_port_print: a physical address and up to 64
 * characters of k_mem_page_frames_map a line. Any context. Nothing without CONFIG_MEM_DUMP. */
void k_mem_page_frames_dump(void);

/* State of frames for a display: one character a frame, for `count` frames from
 * frame index `first`: '.' free, '#' pinned, 'c' clean, 'd' dirty, '*' busy,
 * '-' reserved. Returns how many characters were written (not terminated);
 * 0 without CONFIG_MEM_DUMP. */
size_t k_mem_page_frames_map(uint32_t first, char *map, size_t count);

/* ---- what a build is without ----------------------------------------------------------------- */

QR_ABSENT_BEGIN
#if !CONFIG_DEMAND_PAGING || !CONFIG_MEM_STORED
QR_ABSENT(int k_mem_map_stored(void **addr, uintptr_t location, size_t size, uint32_t flags),
	  return -K_MEM_ENOTSUP)
#endif
#if !CONFIG_MEM_UPDATE_FLAGS
QR_ABSENT(int k_mem_update_flags(void *addr, size_t size, uint32_t flags), return -K_MEM_ENOTSUP)
#endif
#if !CONFIG_DEMAND_PAGING_REQUESTS
QR_ABSENT(int k_mem_page_frame_evict(uintptr_t phys), return -K_MEM_ENOTSUP)
#endif
#if !CONFIG_MEM_DUMP
QR_ABSENT(void k_mem_page_frames_dump(void), (void)0)
QR_ABSENT(size_t k_mem_page_frames_map(uint32_t first, char *map, size_t count), return 0)
#endif
QR_ABSENT_END

QR_EXTERN_C_END

#endif /* QUIRE_MM_H */
