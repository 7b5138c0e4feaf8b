/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quire/init.h - starting the core, and what is declared at build time.
 */
#ifndef QUIRE_INIT_H
#define QUIRE_INIT_H

#include <quire/compiler.h>
#include <quire/mm.h>
#include <quire/policy.h>
#include <quire/store.h>

QR_EXTERN_C_BEGIN

/* A range of physical memory, bytes. Need not be page-aligned: banks shrink to
 * whole pages, holes grow to whole pages. */
struct k_mem_range {
	uintptr_t phys;
	size_t size;
};

/* A piece of the linked image. `virt` and `size` are page-aligned. A resident
 * piece is at `phys` and its frames are pinned. An on-demand piece (flags has
 * K_MEM_IMAGE_ON_DEMAND) is in no frame: its pages are read from `location`
 * onwards, must not be writable, and are dropped when their frame is needed. */
struct k_mem_image {
	void *virt;
	size_t size;
	uintptr_t phys;     /* bytes, page-aligned; resident pieces */
	uintptr_t location; /* quire/store.h; on-demand pieces */
	uint32_t flags;     /* K_MEM_PERM_*, K_MEM_IMAGE_* */
};
#define K_MEM_IMAGE_ON_DEMAND (1u << 24)
/* A resident piece that is there in user mode, too, with no rights for it: the code that changes to
 * the kernel's tables where user mode has tables of its own (KPTI), and what it needs. */
#define K_MEM_IMAGE_TRAMPOLINE (1u << 23)

struct k_mem_config {
	const struct k_mem_range *banks;    /* main RAM: becomes page frames; the largest
					     * first, where searches for a frame begin */
	size_t bank_count;                  /* 1 to CONFIG_MEM_BANKS_MAX */
	const struct k_mem_range *holes;    /* parts of banks never to touch */
	size_t hole_count;
	const struct k_mem_image *image;    /* what is mapped at boot (law L2) */
	size_t image_count;
	const struct k_mem_store *stores;   /* K_MEM_LOCATION's store is the index here */
	size_t store_count;                 /* 0 to CONFIG_MEM_STORES_MAX */
	const struct k_mem_policy *policy;  /* required with CONFIG_DEMAND_PAGING */
};

/* Build the page tables, map the image, take over the page frames, and make the tables
 * current on this CPU. Call once, before any other function of Quire, with interrupts
 * masked; what `config` points to is copied, but for stores' contexts and the policy. The
 * running code, its stack, its data and the tables must be in resident pieces of the image, with
 * the rights that they need and no user mode's, at the physical addresses where they are: this is
 * checked where the CPU changes to these tables. Frames of the resident image
 * inside a bank are pinned; every other frame outside the holes becomes free.
 * Pages that are written out go to the first registered store that is not read-only.
 *  -EINVAL  NULL where something is needed; no bank, or more banks, image pieces or stores than
 *           configured; a bank without a whole page or beyond the physical addresses of the CPU; a
 *           bank, hole or image piece that wraps; a bank or image piece that overlaps another,
 *           pieces in frames too; a piece that is not page-aligned or lies outside the space;
 *           unknown flags; a writable and executable piece; a resident piece with EXEC and USER,
 *           which CPUs do not let the kernel execute; a piece with USER and TRAMPOLINE; an
 *           on-demand piece that is writable, not wholly in a read-only store, or in a build
 *           without CONFIG_DEMAND_PAGING; an image without what runs; a store without slots or
 *           functions; a policy that is incomplete or needs more than CONFIG_EVICTION_FRAME_BYTES
 *  -ENOMEM  more frames than CONFIG_MEM_FRAMES_MAX, or no frame is left free
 * The first field that is refused is printed by qr_port_print, as in "k_mem_init: image[2].flags:
 * EXEC and USER", if the build has CONFIG_MEM_INIT_WORDS. Nothing has changed then, and the call
 * can be made again. */
int k_mem_init(const struct k_mem_config *config) QR_CONFIGURED(k_mem_init) QR_MUST_CHECK;

/* A buffer that is physically contiguous, resident and never moves (law L10):
 * `size` bytes, aligned to `align` bytes, both compile-time constants. Lives in
 * the image's section .bss.pinned, zeroed at boot. */
#define K_MEM_PINNED_BUFFER_DEFINE(name, size, align) \
	QR_SECTION(".bss.pinned") QR_ALIGNED(align) QR_USED uint8_t name[size]

/* Code and constants that need not be resident: the linker collects them in
 * sections that the host kernel describes as on-demand pieces of the image. */
#define __ondemand_func   QR_SECTION(".ondemand_text") QR_NOINLINE
#define __ondemand_rodata QR_SECTION(".ondemand_rodata")

QR_EXTERN_C_END

#endif /* QUIRE_INIT_H */
