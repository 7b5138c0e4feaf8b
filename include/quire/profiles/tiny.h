/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quire/profiles/tiny.h - the smallest core that pages: anonymous and physical mappings, demand
 * paging with CLOCK to one store, on one CPU where nothing sleeps. -DQUIRE_PROFILE=tiny, or
 * included at the end of a QUIRE_CONFIG_FILE. What was set before stays.
 *
 * k_mem_init believes what it is given here. Until it accepts the description of a new machine,
 * CONFIG_MEM_INIT_CHECK and CONFIG_MEM_INIT_WORDS are better 1. A store of the host's own takes the
 * place of CONFIG_BACKING_STORE_RAM.
 */
#ifndef QUIRE_PROFILES_TINY_H
#define QUIRE_PROFILES_TINY_H

#ifndef CONFIG_MMU_LARGE_PAGES
#define CONFIG_MMU_LARGE_PAGES 0
#endif
#ifndef CONFIG_DEMAND_PAGING
#define CONFIG_DEMAND_PAGING 1
#endif
#ifndef CONFIG_DEMAND_PAGING_ZERO_PAGE
#define CONFIG_DEMAND_PAGING_ZERO_PAGE 0
#endif
#ifndef CONFIG_MEM_CLUSTER
#define CONFIG_MEM_CLUSTER 0
#endif
#ifndef CONFIG_DEMAND_PAGING_STATS
#define CONFIG_DEMAND_PAGING_STATS 0
#endif
#ifndef CONFIG_DEMAND_PAGING_THREAD_STATS
#define CONFIG_DEMAND_PAGING_THREAD_STATS 0
#endif
#ifndef CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM
#define CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM 0
#endif
#ifndef CONFIG_USERSPACE
#define CONFIG_USERSPACE 0
#endif
#ifndef CONFIG_MEM_INIT_WORDS
#define CONFIG_MEM_INIT_WORDS 0
#endif
#ifndef CONFIG_MEM_PORT_MINIMAL
#define CONFIG_MEM_PORT_MINIMAL 1
#endif
#ifndef CONFIG_MEM_CLEAN
#define CONFIG_MEM_CLEAN 0
#endif
#ifndef CONFIG_MEM_DUMP
#define CONFIG_MEM_DUMP 0
#endif
#ifndef CONFIG_EVICTION_CLOCK
#define CONFIG_EVICTION_CLOCK 1
#endif
#ifndef CONFIG_EVICTION_NRU
#define CONFIG_EVICTION_NRU 0
#endif
#ifndef CONFIG_EVICTION_LRU
#define CONFIG_EVICTION_LRU 0
#endif
#ifndef CONFIG_EVICTION_HAZARD
#define CONFIG_EVICTION_HAZARD 0
#endif
#ifndef CONFIG_BACKING_STORE_RAM
#define CONFIG_BACKING_STORE_RAM 1
#endif
#ifndef CONFIG_BACKING_STORE_IMAGE
#define CONFIG_BACKING_STORE_IMAGE 0
#endif
#ifndef CONFIG_BACKING_STORE_BLOCK
#define CONFIG_BACKING_STORE_BLOCK 0
#endif
#ifndef CONFIG_BACKING_STORE_ZEPHYR
#define CONFIG_BACKING_STORE_ZEPHYR 0
#endif
#ifndef CONFIG_BACKING_STORE_COMPRESSED
#define CONFIG_BACKING_STORE_COMPRESSED 0
#endif
#ifndef CONFIG_DEMAND_PAGING_REQUESTS
#define CONFIG_DEMAND_PAGING_REQUESTS 0
#endif
#ifndef CONFIG_MEM_STORED
#define CONFIG_MEM_STORED 0
#endif
#ifndef CONFIG_MEM_UPDATE_FLAGS
#define CONFIG_MEM_UPDATE_FLAGS 0
#endif
#ifndef CONFIG_EVICTION_LEARN
#define CONFIG_EVICTION_LEARN 0
#endif
#ifndef CONFIG_MEM_INIT_CHECK
#define CONFIG_MEM_INIT_CHECK 0
#endif
#ifndef CONFIG_MEM_STORES_MAX
#define CONFIG_MEM_STORES_MAX 1
#endif
#ifndef CONFIG_MEM_BANKS_MAX
#define CONFIG_MEM_BANKS_MAX 1
#endif

#endif /* QUIRE_PROFILES_TINY_H */
