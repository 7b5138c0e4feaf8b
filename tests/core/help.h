/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help.h - what tests of laws, facts and bad input share: pages by number, "nothing changed",
 * and starting the core with a configuration of their own.
 */
#ifndef TESTS_CORE_HELP_H
#define TESTS_CORE_HELP_H

#include "rig.h"
#include "statics.h"

#define SPACE_PAGES   ((uint32_t)(CONFIG_KERNEL_VM_SIZE / CONFIG_MMU_PAGE_SIZE))
#define SPACE_SCRATCH (SPACE_PAGES - 1) /* the core's window on frames */

/* Pages of the space by number, and what their entries say. */
static inline uint8_t *page_at(uint32_t page)
{
	return (uint8_t *)CONFIG_KERNEL_VM_BASE + page * RIG_PAGE;
}

static inline uint32_t page_number(const void *addr)
{
	return (uint32_t)(((uintptr_t)addr - CONFIG_KERNEL_VM_BASE) / RIG_PAGE);
}

static inline arch_page_t page_what(uint32_t page)
{
	return arch_page_get(page_at(page));
}

static inline bool is_unmapped(arch_page_t what)
{
	return (what & ARCH_DATA_PAGE_NOT_MAPPED) != 0;
}

bool is_guard(arch_page_t what);

/* The physical address of the byte, which must be mapped. */
uintptr_t phys_of(const void *addr);

/* The library knows what it knew when `before` was taken, but for objects whose names begin
 * with one of `but`, which ends with NULL. `before` is freed. */
void assert_unchanged(struct statics *before, const char *const *but);

/* What may differ between two states that a caller cannot tell apart: counters of events, the
 * allocator's choice of representation, who is next in line for eviction. */
extern const char *const but_counters[];

/* The emulated machine with this RAM, and the core on it. What k_mem_init says. */
int boot(const struct k_mem_range *ram, size_t ram_count, const struct k_mem_config *config);

/* A RAM store of so many slots, for boot(); its content is the last caller's. */
struct k_mem_store boot_store(uint32_t slots);

#endif /* TESTS_CORE_HELP_H */
