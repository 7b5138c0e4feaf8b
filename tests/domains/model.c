/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.c - what every set must say about every page, and the run (model.h).
 */
#include "state.h"
#include "walk.h"

#include <quire/arch.h>

struct model model;

uint32_t pick(uint32_t below)
{
	model.random = model.random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(model.random >> 33) % below;
}

/* ---- what the sets say ----------------------------------------------------------------- */

/* One page that a region has, in one set, against the kernel's entry and the model. */
static void check_page(uint32_t d, uint32_t page, arch_page_t now)
{
	const uint32_t rights = rights_of(d, page);
	struct walked walked;

	model.counts.pages_checked++;
	REQUIRE(set_walk(&model.domains[d].arch, page_at(page), &walked));
	if (!(now & ARCH_DATA_PAGE_LOADED) || (set_is_split && !(rights & K_MEM_PERM_USER))) {
		REQUIRE(walked.view.kind != QR_LEAF);
		return;
	}
	REQUIRE(walked.view.kind == QR_LEAF);
	REQUIRE(walked.phys == arch_page_phys(now));
	REQUIRE(walked.view.user == ((rights & K_MEM_PERM_USER) != 0));
	REQUIRE(walked.view.write == ((rights & K_MEM_PERM_RW) != 0));
	REQUIRE(walked.view.exec == ((rights & K_MEM_PERM_EXEC) != 0));
	/* what any set knows of accessed and dirty, the query knows */
	REQUIRE(!walked.view.accessed || (now & ARCH_DATA_PAGE_ACCESSED));
	REQUIRE(!walked.view.dirty || (now & ARCH_DATA_PAGE_DIRTY));
}

/* A page of nobody's or of somebody else's. Where sets have no more than user mode may see, how
 * much that is of other memory the model does not know. */
static void check_other(uint32_t d, const uint8_t *addr, arch_page_t now)
{
	const bool loaded = (now & ARCH_DATA_PAGE_LOADED) != 0;
	struct walked walked;

	REQUIRE(set_walk(&model.domains[d].arch, addr, &walked));
	if (walked.view.kind == QR_LEAF) {
		REQUIRE(loaded && walked.phys == arch_page_phys(now));
		REQUIRE(!set_is_split || model.machine->has_others);
	} else {
		REQUIRE(!loaded || set_is_split);
	}
}

/* The page's physical address, as the kernel's query gives it and as its entry says. */
static arch_page_t page_now(uint8_t *addr)
{
	const arch_page_t now = arch_page_get(addr);
	uintptr_t phys = 0;
	const int status = arch_page_phys_get(addr, &phys);

	REQUIRE(status == ((now & ARCH_DATA_PAGE_LOADED) ? 0 : -EFAULT));
	REQUIRE(status != 0 || phys == arch_page_phys(now));
	return now;
}

static void check_regions(void)
{
	for (uint32_t r = 0; r < REGIONS; r++) {
		const struct region *region = &model.regions[r];
		const uint32_t count = region->kind != NO_REGION ? region->count : 0;

		for (uint32_t page = region->first; page < region->first + count; page++) {
			const arch_page_t now = page_now(page_at(page));

			for (uint32_t d = 0; d < MODEL_DOMAINS; d++) {
				check_page(d, page, now);
			}
		}
	}
}

/* As many private tables as the domain's own pages need. */
static uint32_t tables_needed(uint32_t d)
{
	uint32_t needed = 0;

	for (unsigned int level = 0; level < set_levels; level++) {
		uint64_t last = UINT64_MAX;

		for (uint32_t page = 0; page < PAGES; page++) {
			const uint64_t table = set_table_of(level, page_at(page));

			if (model.own[d][page] != NO_RIGHTS && table != last) {
				needed++;
				last = table;
			}
		}
	}
	return needed;
}

/* The core's window on frames, the last page of the space, is nobody's. */
static void check_space(void)
{
	uint32_t needed = 0;

	for (uint32_t i = 0; i + 1 < SPACE_COUNT; i++) {
		uint8_t *addr = (uint8_t *)CONFIG_KERNEL_VM_BASE + i * MODEL_PAGE;

		if (i < SPACE_COUNT - PAGES || !model.mapped[page_of(addr)]) {
			const arch_page_t now = arch_page_get(addr);

			for (uint32_t d = 0; d < MODEL_DOMAINS; d++) {
				check_other(d, addr, now);
			}
		}
	}
	for (uint32_t d = 0; d < MODEL_DOMAINS; d++) {
		needed += tables_needed(d);
	}
	/* partitions keep their tables after their pages were unmapped, until they are removed */
	REQUIRE(needed <= set_tables_used());
}

/* ---- the run ----------------------------------------------------------------------------- */

struct model_counts model_run(const struct model_machine *machine, uint64_t seed,
			      unsigned long steps)
{
	const uint32_t used = set_tables_used();

	__builtin_memset(&model, 0, sizeof(model));
	__builtin_memset(model.own, NO_RIGHTS, sizeof(model.own));
	model.machine = machine;
	model.random = seed;
	for (uint32_t d = 0; d < MODEL_DOMAINS; d++) {
		REQUIRE(machine->domain_init(&model.domains[d]) == 0);
	}
	while (model.counts.operations < steps) {
		model_step();
		model.counts.operations++;
		check_regions();
		if (model.counts.operations % MODEL_WHOLE == 0 ||
		    model.counts.operations == steps) {
			check_space();
		}
	}
	model_end();
	REQUIRE(set_tables_used() == used);
	return model.counts;
}
