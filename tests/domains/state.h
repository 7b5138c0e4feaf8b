/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h - what the model remembers, shared by its checks (model.c) and by the operations
 * (operations.c).
 *
 * Pages are numbered from the beginning of a window at the end of the space: the core gives
 * addresses from the top, so that mappings never leave it.
 */
#ifndef TESTS_DOMAINS_STATE_H
#define TESTS_DOMAINS_STATE_H

#include "model.h"

#define MODEL_PAGE  ((size_t)CONFIG_MMU_PAGE_SIZE)
#define SPACE_COUNT ((uint32_t)(CONFIG_KERNEL_VM_SIZE / CONFIG_MMU_PAGE_SIZE))
#define PAGES       (SPACE_COUNT < 8192u ? SPACE_COUNT : 8192u)
#define REGIONS     12u
#define PARTITIONS  12u

#define U_RO K_MEM_PERM_USER
#define U_RW (K_MEM_PERM_USER | K_MEM_PERM_RW)

enum region_kind { NO_REGION, ANON, LOCKED, PHYS, DOMAINS_OWN };

struct region {
	enum region_kind kind;
	uint32_t first, count;
	uint32_t owner; /* DOMAINS_OWN */
};

#define NO_RIGHTS 0xffu
struct model {
	const struct model_machine *machine;
	uint64_t random;
	struct model_counts counts;
	struct region regions[REGIONS];
	bool mapped[PAGES];
	uint8_t rights[PAGES];             /* K_MEM_PERM_* of mapped pages, of the kernel's */
	uint8_t own[MODEL_DOMAINS][PAGES]; /* NO_RIGHTS: like the kernel's */
	uint64_t content[PAGES];
	struct k_mem_domain domains[MODEL_DOMAINS];
	struct k_mem_domain *thread_in[MODEL_DOMAINS];
	struct k_mem_partition parts[MODEL_DOMAINS][PARTITIONS]; /* size 0: none */
};
extern struct model model;

#define REQUIRE(condition)                                                                       \
	((condition) ? (void)0 : model.machine->wrong(__FILE__, __LINE__, #condition))

static inline uint8_t *page_at(uint32_t page)
{
	return (uint8_t *)CONFIG_KERNEL_VM_BASE + (SPACE_COUNT - PAGES + page) * MODEL_PAGE;
}

static inline uint32_t page_of(const void *addr)
{
	return (uint32_t)(((uintptr_t)addr - (uintptr_t)page_at(0)) / MODEL_PAGE);
}

static inline uint32_t rights_of(uint32_t domain, uint32_t page)
{
	return model.own[domain][page] != NO_RIGHTS ? model.own[domain][page] : model.rights[page];
}

/* A random number below `below`, which is not 0. */
uint32_t pick(uint32_t below);

/* A region, or NULL where chance has found none. */
struct region *region_any(void);

/* Accesses, among the operations. */
void op_user_access(void);
void op_kernel_access(void);

/* One random operation. */
void model_step(void);

/* Unmap what is left, end domains. */
void model_end(void);

#endif /* TESTS_DOMAINS_STATE_H */
