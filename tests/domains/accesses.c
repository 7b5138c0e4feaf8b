/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accesses.c - random accesses: what is refused, what is read, and that accessed and dirty are
 * seen whichever set they came about in (model.h).
 */
#include "state.h"

#include <quire/user.h>

struct region *region_any(void)
{
	struct region *region = &model.regions[pick(REGIONS)];

	return region->kind != NO_REGION ? region : NULL;
}

/* A page that there is memory behind. */
static bool page_any(uint32_t *page)
{
	const struct region *region = region_any();

	if (region == NULL || region->kind == PHYS) {
		return false;
	}
	*page = region->first + pick(region->count);
	return true;
}

static void remember(uint32_t page, bool write, uint64_t word)
{
	model.counts.accesses++;
	if (write) {
		model.content[page] = word;
	} else {
		REQUIRE(word == model.content[page]);
	}
}

/* A thread may fault on pages of its own after the access, and that may age this page. */
#define BITS_TRIES 3u

typedef int user_access(struct k_mem_domain *domain, void *addr, bool write, uint64_t *word);

/* The bits that the access, which succeeded, has set; not those of earlier accesses. */
static void check_bits(uint32_t d, uint32_t page, bool write, user_access *access)
{
	const arch_page_t bits =
		ARCH_DATA_PAGE_LOADED | ARCH_DATA_PAGE_ACCESSED |
		(write ? ARCH_DATA_PAGE_DIRTY : 0);
	const unsigned int tries = model.machine->has_others ? BITS_TRIES : 1;
	bool seen = (arch_page_get(page_at(page)) & bits) == bits;

	for (unsigned int i = 1; i < tries && !seen; i++) {
		uint64_t word = model.content[page];
		const int status = access(&model.domains[d], page_at(page), write, &word);

		REQUIRE(status == 0 || status == MODEL_UNTRIED);
		seen = status != 0 || (arch_page_get(page_at(page)) & bits) == bits;
	}
	REQUIRE(seen);
}

/* A page in user mode, of some domain, or for it by the kernel's copies. */
void op_user_access(void)
{
	const uint32_t d = pick(MODEL_DOMAINS);
	const bool write = pick(2);
	user_access *access = pick(3) ? model.machine->user_access : model.machine->copy;
	uint64_t word = model.random | 1;
	uint32_t page, rights;
	int status;

	if (!page_any(&page)) {
		return;
	}
	if (pick(2)) {
		/* so that bits seen later are of this access */
		(void)arch_page_info_get(page_at(page), NULL, true);
	}
	rights = rights_of(d, page);
	status = access(&model.domains[d], page_at(page), write, &word);
	if (status == MODEL_UNTRIED) {
		return;
	}
	if (!(rights & K_MEM_PERM_USER) || (write && !(rights & K_MEM_PERM_RW))) {
		REQUIRE(status == -EACCES);
		model.counts.refusals++;
		return;
	}
	REQUIRE(status == 0);
	remember(page, write, word);
	check_bits(d, page, write, access);
}

/* The kernel's own access. A machine may keep it from what is user mode's. */
void op_kernel_access(void)
{
	uint64_t word = model.random | 1;
	uint32_t page;
	bool write;
	int status;

	if (!page_any(&page)) {
		return;
	}
	write = (model.rights[page] & K_MEM_PERM_RW) && pick(2);
	status = model.machine->kernel_access(page_at(page), write, &word);
	if (status == -EACCES && (model.rights[page] & K_MEM_PERM_USER)) {
		return;
	}
	REQUIRE(status == 0);
	remember(page, write, word);
}
