/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quire/config_checks.h - whether each number of quire/config.h, which includes this, is one that
 * there can be.
 */
#ifndef QUIRE_CONFIG_CHECKS_H
#define QUIRE_CONFIG_CHECKS_H

#include <quire/config.h>

/* Switches: every set of them must build and run (tools/builds). */
#if CONFIG_MMU_LARGE_PAGES != 0 && CONFIG_MMU_LARGE_PAGES != 1
#error "CONFIG_MMU_LARGE_PAGES must be 0 or 1"
#endif
#if CONFIG_DEMAND_PAGING != 0 && CONFIG_DEMAND_PAGING != 1
#error "CONFIG_DEMAND_PAGING must be 0 or 1"
#endif
#if CONFIG_DEMAND_PAGING_ZERO_PAGE != 0 && CONFIG_DEMAND_PAGING_ZERO_PAGE != 1
#error "CONFIG_DEMAND_PAGING_ZERO_PAGE must be 0 or 1"
#endif
#if CONFIG_MEM_CLUSTER != 0 && CONFIG_MEM_CLUSTER != 1
#error "CONFIG_MEM_CLUSTER must be 0 or 1"
#endif
#if CONFIG_DEMAND_PAGING_STATS != 0 && CONFIG_DEMAND_PAGING_STATS != 1
#error "CONFIG_DEMAND_PAGING_STATS must be 0 or 1"
#endif
#if CONFIG_DEMAND_PAGING_THREAD_STATS != 0 && CONFIG_DEMAND_PAGING_THREAD_STATS != 1
#error "CONFIG_DEMAND_PAGING_THREAD_STATS must be 0 or 1"
#endif
#if CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM != 0 && CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM != 1
#error "CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM must be 0 or 1"
#endif
#if CONFIG_USERSPACE != 0 && CONFIG_USERSPACE != 1
#error "CONFIG_USERSPACE must be 0 or 1"
#endif
#if CONFIG_MEM_INIT_WORDS != 0 && CONFIG_MEM_INIT_WORDS != 1
#error "CONFIG_MEM_INIT_WORDS must be 0 or 1"
#endif
#if CONFIG_MEM_PORT_MINIMAL != 0 && CONFIG_MEM_PORT_MINIMAL != 1
#error "CONFIG_MEM_PORT_MINIMAL must be 0 or 1"
#endif
#if CONFIG_MEM_CLEAN != 0 && CONFIG_MEM_CLEAN != 1
#error "CONFIG_MEM_CLEAN must be 0 or 1"
#endif
#if CONFIG_MEM_DUMP != 0 && CONFIG_MEM_DUMP != 1
#error "CONFIG_MEM_DUMP must be 0 or 1"
#endif
#if CONFIG_EVICTION_CLOCK != 0 && CONFIG_EVICTION_CLOCK != 1
#error "CONFIG_EVICTION_CLOCK must be 0 or 1"
#endif
#if CONFIG_EVICTION_NRU != 0 && CONFIG_EVICTION_NRU != 1
#error "CONFIG_EVICTION_NRU must be 0 or 1"
#endif
#if CONFIG_EVICTION_LRU != 0 && CONFIG_EVICTION_LRU != 1
#error "CONFIG_EVICTION_LRU must be 0 or 1"
#endif
#if CONFIG_EVICTION_HAZARD != 0 && CONFIG_EVICTION_HAZARD != 1
#error "CONFIG_EVICTION_HAZARD must be 0 or 1"
#endif
#if CONFIG_BACKING_STORE_RAM != 0 && CONFIG_BACKING_STORE_RAM != 1
#error "CONFIG_BACKING_STORE_RAM must be 0 or 1"
#endif
#if CONFIG_BACKING_STORE_IMAGE != 0 && CONFIG_BACKING_STORE_IMAGE != 1
#error "CONFIG_BACKING_STORE_IMAGE must be 0 or 1"
#endif
#if CONFIG_BACKING_STORE_BLOCK != 0 && CONFIG_BACKING_STORE_BLOCK != 1
#error "CONFIG_BACKING_STORE_BLOCK must be 0 or 1"
#endif
#if CONFIG_BACKING_STORE_ZEPHYR != 0 && CONFIG_BACKING_STORE_ZEPHYR != 1
#error "CONFIG_BACKING_STORE_ZEPHYR must be 0 or 1"
#endif
#if CONFIG_BACKING_STORE_COMPRESSED != 0 && CONFIG_BACKING_STORE_COMPRESSED != 1
#error "CONFIG_BACKING_STORE_COMPRESSED must be 0 or 1"
#endif
#if CONFIG_DEMAND_PAGING_REQUESTS != 0 && CONFIG_DEMAND_PAGING_REQUESTS != 1
#error "CONFIG_DEMAND_PAGING_REQUESTS must be 0 or 1"
#endif
#if CONFIG_MEM_STORED != 0 && CONFIG_MEM_STORED != 1
#error "CONFIG_MEM_STORED must be 0 or 1"
#endif
#if CONFIG_MEM_UPDATE_FLAGS != 0 && CONFIG_MEM_UPDATE_FLAGS != 1
#error "CONFIG_MEM_UPDATE_FLAGS must be 0 or 1"
#endif
#if CONFIG_EVICTION_LEARN != 0 && CONFIG_EVICTION_LEARN != 1
#error "CONFIG_EVICTION_LEARN must be 0 or 1"
#endif
#if CONFIG_MEM_INIT_CHECK != 0 && CONFIG_MEM_INIT_CHECK != 1
#error "CONFIG_MEM_INIT_CHECK must be 0 or 1"
#endif
#if CONFIG_MEM_ASSERT < 0 || CONFIG_MEM_ASSERT > 2
#error "CONFIG_MEM_ASSERT must be 0, 1 or 2"
#endif

/* Numbers. */
#if CONFIG_MMU_PAGE_SIZE & (CONFIG_MMU_PAGE_SIZE - 1)
#error "CONFIG_MMU_PAGE_SIZE must be a power of two"
#endif
#if CONFIG_KERNEL_VM_SIZE <= 0 || CONFIG_KERNEL_VM_SIZE % CONFIG_MMU_PAGE_SIZE
#error "CONFIG_KERNEL_VM_SIZE must be a positive multiple of the page size"
#endif
#if CONFIG_KERNEL_VM_BASE % (CONFIG_MMU_PAGE_SIZE / 8 * CONFIG_MMU_PAGE_SIZE)
#error "CONFIG_KERNEL_VM_BASE must be a multiple of what one leaf table covers"
#endif
#if CONFIG_KERNEL_VM_SIZE / CONFIG_MMU_PAGE_SIZE >= (1 << 25)
#error "CONFIG_KERNEL_VM_SIZE: less than 2^25 pages"
#endif
#if CONFIG_MEM_FRAMES_MAX < 2 || CONFIG_MEM_FRAMES_MAX >= (1 << 25) - 1
#error "CONFIG_MEM_FRAMES_MAX must be 2 to 2^25 - 2"
#endif
#if CONFIG_MEM_BANKS_MAX < 1 || CONFIG_MEM_BANKS_MAX > 32
#error "CONFIG_MEM_BANKS_MAX must be 1 to 32"
#endif
#if CONFIG_DEMAND_PAGING_PAGE_FRAMES_RESERVE < 1
#error "CONFIG_DEMAND_PAGING_PAGE_FRAMES_RESERVE must be at least 1"
#endif
#if CONFIG_MEM_STORES_MAX < 1 || CONFIG_MEM_STORES_MAX > 7
#error "CONFIG_MEM_STORES_MAX must be 1 to 7"
#endif
#if CONFIG_MEM_CLUSTER_REGIONS < 1
#error "CONFIG_MEM_CLUSTER_REGIONS must be at least 1"
#endif
#if CONFIG_MEM_BATCH < 1 || CONFIG_MEM_BATCH > 512
#error "CONFIG_MEM_BATCH must be 1 to 512"
#endif
#if CONFIG_MAX_DOMAIN_PARTITIONS < 1 || CONFIG_MAX_DOMAIN_PARTITIONS > 255
#error "CONFIG_MAX_DOMAIN_PARTITIONS must be 1 to 255"
#endif
#if CONFIG_MEM_DOMAIN_TABLES < 1 || CONFIG_MEM_DOMAIN_TABLES > 32766
#error "CONFIG_MEM_DOMAIN_TABLES must be 1 to 32766"
#endif
#if CONFIG_MEM_USER_COPY < 8
#error "CONFIG_MEM_USER_COPY must be at least 8"
#endif
#if CONFIG_EVICTION_TRIES < 1
#error "CONFIG_EVICTION_TRIES must be at least 1"
#endif
#if CONFIG_MP_MAX_NUM_CPUS != 1
#error "this version of Quire runs on one CPU"
#endif

#endif /* QUIRE_CONFIG_CHECKS_H */
