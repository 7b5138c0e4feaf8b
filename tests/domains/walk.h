/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk.h - what a set of tables says about an address, read as the CPU's walker reads it: from the
 * root down, by nothing but the addresses in the entries. The same on every machine.
 */
#ifndef TESTS_DOMAINS_WALK_H
#define TESTS_DOMAINS_WALK_H

#include <quire/arch.h>

#include <pagetable/view.h>

struct walked {
	struct qr_view view; /* of the entry where the walk ended */
	uint64_t phys;       /* LEAF: where the page of the address is */
};

/* In the set that threads of this domain have. False: an entry points to what is no table. */
bool set_walk(const struct arch_mem_domain *domain, const void *virt, struct walked *walked);

/* How many private tables are in use, of all domains. */
uint32_t set_tables_used(void);

/* Which table of `level` covers the address: a number of its own for each. */
uint64_t set_table_of(unsigned int level, const void *virt);
extern const unsigned int set_levels;

/* Are pages that user mode may not touch missing in the sets? */
extern const bool set_is_split;

#endif /* TESTS_DOMAINS_WALK_H */
