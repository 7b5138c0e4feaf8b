/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quire/config.h - every number that is fixed when Quire is built.
 *
 * A host kernel sets these on the compiler's command line, or names one
 * header of its own with -DQUIRE_CONFIG_FILE='"my_config.h"', or a set of
 * values of quire/profiles/ with -DQUIRE_PROFILE=tiny or full. What these do
 * not set gets the value below. Each value is range-checked once, so that no
 * other file needs an #if.
 *
 * Sizes are bytes, counts are plain numbers, switches are 0 or 1. Where a feature's switch is 0
 * none of its code is in the library. Its functions can be called all the same, and do nothing:
 * they are one constant in a header (QR_ABSENT), -K_MEM_ENOTSUP if they return a status.
 */
#ifndef QUIRE_CONFIG_H
#define QUIRE_CONFIG_H

#ifdef QUIRE_CONFIG_FILE
#include QUIRE_CONFIG_FILE
#endif
#ifdef QUIRE_PROFILE
#define QUIRE_PROFILE_FILE <quire/profiles/QUIRE_PROFILE.h>
#include QUIRE_PROFILE_FILE
#endif

/* ---- the address space (laws L1 and L3) --------------------------------- */

/* First address of the space. A multiple of what one leaf table covers (2 MiB
 * with 4 KiB pages and 8-byte entries). */
#ifndef CONFIG_KERNEL_VM_BASE
#define CONFIG_KERNEL_VM_BASE 0xffffffff80000000
#endif

/* Bytes in the space, a multiple of the page size. The table memory that it
 * costs is printed by `make plan`. */
#ifndef CONFIG_KERNEL_VM_SIZE
#define CONFIG_KERNEL_VM_SIZE 0x8000000
#endif

/* Bytes in a page and in a page frame. */
#ifndef CONFIG_MMU_PAGE_SIZE
#define CONFIG_MMU_PAGE_SIZE 4096
#endif

/* Virtual minus physical address of the linked image, whose static page
 * tables the hardware walker must find. 0 where image addresses are physical. */
#ifndef CONFIG_KERNEL_IMAGE_OFFSET
#define CONFIG_KERNEL_IMAGE_OFFSET CONFIG_KERNEL_VM_BASE
#endif

/* Use leaves larger than a page for physical mappings where address, size and
 * alignment allow it. */
#ifndef CONFIG_MMU_LARGE_PAGES
#define CONFIG_MMU_LARGE_PAGES 1
#endif

/* Bytes that the space's static page tables may take; the build fails above. 0: any. */
#ifndef CONFIG_MMU_TABLE_BYTES_MAX
#define CONFIG_MMU_TABLE_BYTES_MAX 0
#endif

/* Changing the rights of what is mapped: k_mem_update_flags. */
#ifndef CONFIG_MEM_UPDATE_FLAGS
#define CONFIG_MEM_UPDATE_FLAGS 1
#endif

/* ---- page frames (law L6) ------------------------------------------------ */

/* Page frames that can be managed, all banks together: 8 bytes of metadata each. */
#ifndef CONFIG_MEM_FRAMES_MAX
#define CONFIG_MEM_FRAMES_MAX 16384
#endif

/* Separate ranges of main RAM. */
#ifndef CONFIG_MEM_BANKS_MAX
#define CONFIG_MEM_BANKS_MAX 4
#endif

/* Pieces of the resident image (k_mem_init). */
#ifndef CONFIG_MEM_IMAGE_MAX
#define CONFIG_MEM_IMAGE_MAX 16
#endif

/* ---- demand paging -------------------------------------------------------- */

/* 0: mappings are eager, nothing is ever evicted, the rest is the same. */
#ifndef CONFIG_DEMAND_PAGING
#define CONFIG_DEMAND_PAGING 1
#endif

/* Moving pages by request: k_mem_page_out, k_mem_page_in, k_mem_pin, k_mem_unpin,
 * k_mem_page_frame_evict. 0: faults alone move them. */
#ifndef CONFIG_DEMAND_PAGING_REQUESTS
#define CONFIG_DEMAND_PAGING_REQUESTS 1
#endif

/* Frames that pinning may never take while paging is on, so that a fault can
 * always be served. At least 1; as many pageable pages as one instruction of the
 * host can touch, code included, if it is to end. */
#ifndef CONFIG_DEMAND_PAGING_PAGE_FRAMES_RESERVE
#define CONFIG_DEMAND_PAGING_PAGE_FRAMES_RESERVE 1
#endif

/* One shared frame of zeros for anonymous pages that were only read. */
#ifndef CONFIG_DEMAND_PAGING_ZERO_PAGE
#define CONFIG_DEMAND_PAGING_ZERO_PAGE 1
#endif

/* Backing stores that can be registered. At most 7. */
#ifndef CONFIG_MEM_STORES_MAX
#define CONFIG_MEM_STORES_MAX 4
#endif

/* Mapping what is in a store: k_mem_map_stored, and on-demand pieces of the image. */
#ifndef CONFIG_MEM_STORED
#define CONFIG_MEM_STORED 1
#endif

/* The stores that come with Quire: quire/ramstore.h, imagestore.h, block.h, zephyr_store.h and
 * compressed.h. */
#ifndef CONFIG_BACKING_STORE_RAM
#define CONFIG_BACKING_STORE_RAM 1
#endif
#ifndef CONFIG_BACKING_STORE_IMAGE
#define CONFIG_BACKING_STORE_IMAGE 1
#endif
#ifndef CONFIG_BACKING_STORE_BLOCK
#define CONFIG_BACKING_STORE_BLOCK 1
#endif
#ifndef CONFIG_BACKING_STORE_ZEPHYR
#define CONFIG_BACKING_STORE_ZEPHYR 1
#endif
#ifndef CONFIG_BACKING_STORE_COMPRESSED
#define CONFIG_BACKING_STORE_COMPRESSED 1
#endif

/* 1: pages beside each other are read and written together where a store says that requests
 * are dear (k_mem_store.request_cost). */
#ifndef CONFIG_MEM_CLUSTER
#define CONFIG_MEM_CLUSTER 1
#endif

/* For how many regions of 16 pages it is remembered how far reading ahead pays, a byte each.
 * More regions than this share. */
#ifndef CONFIG_MEM_CLUSTER_REGIONS
#define CONFIG_MEM_CLUSTER_REGIONS 1024
#endif

/* Cleaning in the background: k_mem_paging_clean. */
#ifndef CONFIG_MEM_CLEAN
#define CONFIG_MEM_CLEAN 1
#endif

/* Bytes of per-frame state that the eviction policies in the build need. */
#ifndef CONFIG_EVICTION_FRAME_BYTES
#define CONFIG_EVICTION_FRAME_BYTES 8
#endif

/* Policies may learn: their evicted, returned, idle and gather are called (quire/policy.h). HAZARD
 * needs it, and brings it. */
#ifndef CONFIG_EVICTION_LEARN
#define CONFIG_EVICTION_LEARN 1
#endif

/* The eviction policies (quire/policy.h). HAZARD needs CLOCK, and brings it. */
#ifndef CONFIG_EVICTION_CLOCK
#define CONFIG_EVICTION_CLOCK 1
#endif
#ifndef CONFIG_EVICTION_NRU
#define CONFIG_EVICTION_NRU 1
#endif
#ifndef CONFIG_EVICTION_LRU
#define CONFIG_EVICTION_LRU 1
#endif
#ifndef CONFIG_EVICTION_HAZARD
#define CONFIG_EVICTION_HAZARD 1
#endif

/* Victims that are tried for one frame before the fault gives up: each try
 * after the first follows a failed write to the store. And writes of a page that is
 * touched during each, before k_mem_page_out gives up. */
#ifndef CONFIG_EVICTION_TRIES
#define CONFIG_EVICTION_TRIES 8
#endif

/* Polls of the stores by a context that may not sleep, while every frame is in transfer,
 * before its fault fails. */
#ifndef CONFIG_MEM_POLLS_MAX
#define CONFIG_MEM_POLLS_MAX 1000000
#endif

/* Counters of faults, evictions and transfers. */
#ifndef CONFIG_DEMAND_PAGING_STATS
#define CONFIG_DEMAND_PAGING_STATS 1
#endif

/* The same counters for each thread. */
#ifndef CONFIG_DEMAND_PAGING_THREAD_STATS
#define CONFIG_DEMAND_PAGING_THREAD_STATS 1
#endif

/* Histograms of how long evictions and transfers took. */
#ifndef CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM
#define CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM 1
#endif
#ifndef CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM_NUM_BINS
#define CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM_NUM_BINS 10
#endif
/* Upper bound of the first bin, in the port's cycles; each bin doubles it. */
#ifndef CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM_FIRST
#define CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM_FIRST 1000
#endif

/* ---- user mode --------------------------------------------------------------- */

/* 1: memory domains and user mode (quire/domain.h, quire/user.h). */
#ifndef CONFIG_USERSPACE
#define CONFIG_USERSPACE 0
#endif

/* Partitions that one domain can have. */
#ifndef CONFIG_MAX_DOMAIN_PARTITIONS
#define CONFIG_MAX_DOMAIN_PARTITIONS 16
#endif

/* Page tables for all domains together: for each one leaf table a stretch of addresses that its
 * partitions touch, and the path to them. `make plan` prints what that costs. */
#ifndef CONFIG_MEM_DOMAIN_TABLES
#define CONFIG_MEM_DOMAIN_TABLES 32
#endif

/* Bytes that are copied from or to user memory with interrupts masked. */
#ifndef CONFIG_MEM_USER_COPY
#define CONFIG_MEM_USER_COPY 512
#endif

/* ---- limits ---------------------------------------------------------------- */

/* Page-table entries handled between two moments at which interrupts are on; a sixteenth of
 * it where a page is much work. Mapping and unmapping need 8 bytes of stack for each. */
#ifndef CONFIG_MEM_BATCH
#define CONFIG_MEM_BATCH 96
#endif

/* Pages flushed one by one; a longer range flushes the whole TLB. */
#ifndef CONFIG_MEM_TLB_RANGE_MAX
#define CONFIG_MEM_TLB_RANGE_MAX 32
#endif

/* CPUs that run the core. This version supports 1. */
#ifndef CONFIG_MP_MAX_NUM_CPUS
#define CONFIG_MP_MAX_NUM_CPUS 1
#endif

/* ---- checking --------------------------------------------------------------- */

/* 0: no assertions. 1: cheap ones. 2: also those that look at every page. */
#ifndef CONFIG_MEM_ASSERT
#define CONFIG_MEM_ASSERT 1
#endif

/* 1: k_mem_init looks at all that it is given before anything changes. 0: it believes it, for a
 * description that was accepted once and is the same at every start. */
#ifndef CONFIG_MEM_INIT_CHECK
#define CONFIG_MEM_INIT_CHECK 1
#endif

/* 1: k_mem_init prints which field it refuses, and why. 0: it only returns the error, which saves
 * the text of the messages. */
#ifndef CONFIG_MEM_INIT_WORDS
#define CONFIG_MEM_INIT_WORDS 1
#endif

/* Looking at the frames: k_mem_page_frames_map and k_mem_page_frames_dump. */
#ifndef CONFIG_MEM_DUMP
#define CONFIG_MEM_DUMP 1
#endif

/* The port gives only the four functions of the single-core profile that never
 * sleeps (quire/port.h). */
#ifndef CONFIG_MEM_PORT_MINIMAL
#define CONFIG_MEM_PORT_MINIMAL 0
#endif

#include <quire/config_checks.h>

#endif /* QUIRE_CONFIG_H */
