/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain_help.h - what tests of memory domains share: partitions over some pages, and accesses of a
 * domain's threads.
 */
#ifndef TESTS_CORE_DOMAIN_HELP_H
#define TESTS_CORE_DOMAIN_HELP_H

#include "help.h"

#include <quire/domain.h>
#include <quire/user.h>

#define U_RO K_MEM_PARTITION_P_RO_U_RO
#define U_RW K_MEM_PARTITION_P_RW_U_RW
#define U_RX K_MEM_PARTITION_P_RX_U_RX

/* Pages that a leaf table holds. */
#define TABLE_PAGES ((uint32_t)(RIG_PAGE / sizeof(uint64_t)))

static inline struct k_mem_partition part_of(const void *addr, uint32_t pages, uint32_t attr)
{
	return (struct k_mem_partition){(uintptr_t)addr, pages * RIG_PAGE, attr};
}

/* What the calls say. */
int part_add(struct k_mem_domain *domain, const void *addr, uint32_t pages, uint32_t attr);
int part_remove(struct k_mem_domain *domain, const void *addr, uint32_t pages);

/* A domain without partitions, and its end; must succeed. */
void domain_start(struct k_mem_domain *domain);
void domain_end(struct k_mem_domain *domain);

/* Anonymous memory of the kernel's, each page with a word of its own (word_of) in its middle. */
uint8_t *pages_map(uint32_t pages, uint32_t flags);
void pages_unmap(void *addr, uint32_t pages);
uint64_t word_of(const void *page);
void pages_fill(uint8_t *addr, uint32_t pages);
bool page_is_out(const void *addr);

/* An access in user mode, in this domain (NULL: on the kernel's own tables); 0 or the fault's
 * error. */
int user_read(struct k_mem_domain *domain, const void *addr, uint64_t *word);
int user_write(struct k_mem_domain *domain, void *addr, uint64_t word);
int user_exec(struct k_mem_domain *domain, const void *addr);

/* May a thread of the domain read, and write, the byte? */
bool user_reads(struct k_mem_domain *domain, const void *addr);
bool user_writes(struct k_mem_domain *domain, void *addr);

/* Private tables in use. */
uint32_t tables_used(void);

/* Evict pages; must succeed. */
void pages_out(void *addr, uint32_t pages);

/* For tests that run twice: the CPU sets accessed and dirty bits, or leaves that to software.
 * Setups of cmocka's. */
extern bool software;
int setup_hardware(void **state);
int setup_software(void **state);

/* All private tables are back, nothing is charged or lost, no mistake was seen. */
void domains_check(struct rig_counts before);

#endif /* TESTS_CORE_DOMAIN_HELP_H */
