/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_domain_model.c - domains under random operations (laws L11 to L13): after each one every
 * set of tables must map what the kernel's maps, with the rights that a naive model predicts, and
 * the tables in use must be those that are needed.
 *
 * The sets are read as the walker reads them: through the emulated machine's walk from each root.
 * SEED=n repeats a run, STEPS=n makes it longer.
 */
#include "help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mm/domain.h>
#include <pagetable/set.h>
#include <quire/domain.h>
#include <quire/user.h>

#include <arch/emu/machine.h>

#include "audit.h"

#define DOMAINS 4u
#define REGIONS 12u
#define STEPS   4000u

#define U_RO K_MEM_PERM_USER
#define U_RW (K_MEM_PERM_USER | K_MEM_PERM_RW)

static uint64_t random_state;

static uint32_t pick(uint32_t below)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % below;
}

/* ---- the model ------------------------------------------------------------------------ */

enum region_kind { NO_REGION, ANON, LOCKED, STORED, PHYS, DOMAINS_OWN };

static struct region {
	enum region_kind kind;
	uint32_t first, count;
	uint32_t owner; /* DOMAINS_OWN */
} regions[REGIONS];

#define NO_RIGHTS 0xffu
static uint8_t kernel_rights[SPACE_PAGES];          /* K_MEM_PERM_* of mapped pages */
static bool kernel_mapped[SPACE_PAGES];
static uint8_t own_rights[DOMAINS][SPACE_PAGES];    /* NO_RIGHTS: like the kernel's */
static uint64_t content[SPACE_PAGES];
static struct k_mem_domain domains[DOMAINS];
static struct k_mem_domain *other_thread[DOMAINS];
static struct k_mem_partition parts[DOMAINS][CONFIG_MAX_DOMAIN_PARTITIONS];

static void model_reset(void)
{
	memset(regions, 0, sizeof(regions));
	memset(kernel_mapped, 0, sizeof(kernel_mapped));
	memset(own_rights, NO_RIGHTS, sizeof(own_rights));
	memset(content, 0, sizeof(content));
	memset(parts, 0, sizeof(parts));
	memset(other_thread, 0, sizeof(other_thread));
}

static uint32_t rights_of(uint32_t domain, uint32_t page)
{
	return own_rights[domain][page] != NO_RIGHTS ? own_rights[domain][page]
						     : kernel_rights[page];
}

static void region_set(struct region *region, enum region_kind kind, const void *addr,
		       uint32_t count, uint32_t rights)
{
	*region = (struct region){kind, page_number(addr), count, 0};
	for (uint32_t i = 0; i < count; i++) {
		kernel_mapped[region->first + i] = true;
		kernel_rights[region->first + i] = (uint8_t)rights;
		content[region->first + i] = 0;
	}
}

static void region_clear(struct region *region)
{
	for (uint32_t i = 0; i < region->count; i++) {
		kernel_mapped[region->first + i] = false;
		for (uint32_t d = 0; d < DOMAINS; d++) {
			own_rights[d][region->first + i] = NO_RIGHTS;
		}
	}
	region->kind = NO_REGION;
}

/* ---- what the sets say ----------------------------------------------------------------- */

static struct emu_walk walk_in(const struct k_mem_domain *domain, uint32_t page)
{
	const uint64_t root = emu.root;
	struct emu_walk walk;

	if (MMU_SPLIT && domain->arch.root == 0) {
		const size_t top = QR_TABLES_BEFORE(ENTRY_LEVELS - 1);

		emu.root = mmu_table_phys(&qr_base_tables[top * QR_TABLE_ENTRIES]);
	} else if (domain->arch.root != 0) {
		emu.root = mmu_table_phys(qr_private_tables[domain->arch.root - 1]);
	} else {
		const size_t top = QR_TABLES_BEFORE(ENTRY_LEVELS - 1);

		emu.root = mmu_table_phys(&qr_tables[top * QR_TABLE_ENTRIES]);
	}
	assert_true(emu_walk((uintptr_t)page_at(page), &walk));
	emu.root = root;
	return walk;
}

static uint64_t walk_phys(const struct emu_walk *walk, uint32_t page)
{
	const uint64_t mask = ((uint64_t)1 << EMU_LEVEL_SHIFT(walk->level)) - 1;

	return walk->view.address + ((uintptr_t)page_at(page) & mask);
}

/* One page in one set against the kernel's and the model. */
static void check_page(uint32_t d, uint32_t page)
{
	const arch_page_t now = page_what(page);
	const struct emu_walk walk = walk_in(&domains[d], page);
	const uint32_t rights = rights_of(d, page);

	if (!(now & ARCH_DATA_PAGE_LOADED) ||
	    (MMU_SPLIT && !(kernel_mapped[page] && (rights & K_MEM_PERM_USER)))) {
		assert_int_not_equal(walk.view.kind, QR_LEAF);
		return;
	}
	assert_int_equal(walk.view.kind, QR_LEAF);
	assert_int_equal(walk_phys(&walk, page), arch_page_phys(now));
	if (kernel_mapped[page]) {
		assert_int_equal(walk.view.user, (rights & K_MEM_PERM_USER) != 0);
		assert_int_equal(walk.view.write, (rights & K_MEM_PERM_RW) != 0);
		assert_int_equal(walk.view.exec, (rights & K_MEM_PERM_EXEC) != 0);
	}
	/* what any set knows of accessed and dirty, the query knows */
	assert_true(!walk.view.accessed || (now & ARCH_DATA_PAGE_ACCESSED));
	assert_true(!walk.view.dirty || (now & ARCH_DATA_PAGE_DIRTY));
}

/* As many private tables as the domain's own pages need. */
static uint32_t tables_needed(uint32_t d)
{
	uint32_t needed = 0;

	for (unsigned int level = 0; level < ENTRY_LEVELS; level++) {
		uint64_t last = UINT64_MAX;

		for (uint32_t page = 0; page < SPACE_PAGES; page++) {
			uint64_t table = (uintptr_t)page_at(page) >> QR_TABLE_SHIFT(level);

			if (own_rights[d][page] != NO_RIGHTS && table != last) {
				needed++;
				last = table;
			}
		}
	}
	return needed;
}

/* Partitions keep their tables after their pages were unmapped, until they are removed. */
static void check_sets(bool exact)
{
	uint32_t needed = 0, used = QR_PRIVATE_COUNT - arch_mem_domain_tables_free();

	for (uint32_t d = 0; d < DOMAINS; d++) {
		for (uint32_t page = 0; page + 1 < SPACE_PAGES; page++) {
			check_page(d, page);
		}
		needed += tables_needed(d);
	}
	assert_true(needed <= used);
	if (exact) {
		assert_int_equal(needed, used);
	}
	assert_int_equal(emu_errors(), 0);
}

/* ---- operations ---------------------------------------------------------------------------- */

static struct region *region_free(void)
{
	struct region *region = &regions[pick(REGIONS)];

	return region->kind == NO_REGION ? region : NULL;
}

static struct region *region_any(void)
{
	struct region *region = &regions[pick(REGIONS)];

	return region->kind != NO_REGION ? region : NULL;
}

static void op_map(void)
{
	struct region *region = region_free();
	const uint32_t count = 1 + pick(40);
	const uint32_t rights = pick(3) == 0 ? 0 : K_MEM_PERM_RW;
	void *addr = NULL;
	uint8_t *virt = NULL;

	if (region == NULL) {
		return;
	}
	switch (pick(4)) {
	case 0:
		if (k_mem_map_phys_bare(&virt, 0x800000000u + pick(512) * RIG_PAGE,
					(pick(8) == 0 ? 600 : count) * RIG_PAGE, rights) == 0) {
			uint32_t pages = 0;
			bool ended = false;

			while (!ended) {
				ended = page_what(page_number(virt) + pages) & ARCH_PAGE_LAST;
				pages++;
			}
			region_set(region, PHYS, virt, pages, rights);
		}
		break;
	case 1:
		if (k_mem_map_anon(&addr, (1 + count / 8) * RIG_PAGE,
				   rights | K_MEM_MAP_LOCK) == 0) {
			region_set(region, LOCKED, addr, 1 + count / 8, rights);
		}
		break;
	default:
		if (k_mem_map_anon(&addr, count * RIG_PAGE, rights) == 0) {
			region_set(region, ANON, addr, count, rights);
		}
	}
}

/* The rights of partition `slot` are gone. */
static void partition_end(uint32_t d, uint32_t slot)
{
	struct k_mem_partition *part = &parts[d][slot];

	memset(&own_rights[d][page_number((void *)part->start)], NO_RIGHTS, part->size / RIG_PAGE);
	part->size = 0;
}

/* Where a domain's memory comes to lie over partitions whose memory is gone, they end. */
static void partitions_end(uint32_t d, uint32_t first, uint32_t count)
{
	for (uint32_t slot = 0; slot < CONFIG_MAX_DOMAIN_PARTITIONS; slot++) {
		const uint32_t start = page_number((void *)parts[d][slot].start);

		if (parts[d][slot].size != 0 && start < first + count &&
		    first < start + parts[d][slot].size / RIG_PAGE) {
			partition_end(d, slot);
		}
	}
}

static void op_domain_map(void)
{
	const uint32_t d = pick(DOMAINS), count = 1 + pick(20);
	struct region *region = region_free();
	void *addr = NULL;

	if (region == NULL ||
	    k_mem_domain_map(&domains[d], &addr, count * RIG_PAGE, K_MEM_PERM_RW) != 0) {
		return;
	}
	partitions_end(d, page_number(addr), count);
	region_set(region, DOMAINS_OWN, addr, count, K_MEM_PERM_RW);
	region->owner = d;
	memset(&own_rights[d][region->first], U_RW, count);
}

static void op_unmap(void)
{
	struct region *region = region_any();
	size_t size;
	void *addr;

	if (region == NULL) {
		return;
	}
	addr = page_at(region->first);
	size = region->count * RIG_PAGE;
	if (region->kind == DOMAINS_OWN) {
		assert_int_equal(k_mem_unmap(addr, size), -EINVAL);
		assert_int_equal(k_mem_domain_unmap(&domains[(region->owner + 1) % DOMAINS], addr,
						    size), -EINVAL);
		assert_int_equal(k_mem_domain_unmap(&domains[region->owner], addr, size), 0);
	} else if (region->kind == PHYS) {
		assert_int_equal(k_mem_unmap_phys_bare(addr, size), 0);
	} else {
		assert_int_equal(k_mem_unmap(addr, size), 0);
	}
	region_clear(region);
}

static void op_add_partition(void)
{
	const uint32_t d = pick(DOMAINS);
	struct region *region = region_any();
	struct k_mem_partition part;
	uint32_t from, count, slot = pick(CONFIG_MAX_DOMAIN_PARTITIONS);
	bool may = true;
	int status;

	if (region == NULL || parts[d][slot].size != 0) {
		return;
	}
	from = pick(region->count);
	count = 1 + pick(region->count - from);
	part = (struct k_mem_partition){
		.start = (uintptr_t)page_at(region->first + from),
		.size = count * RIG_PAGE,
		.attr = pick(2) ? U_RO : pick(4) ? U_RW : K_MEM_PERM_RW,
	};
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t page = region->first + from + i;

		may = may && !(part.attr & ~kernel_rights[page] & K_MEM_PERM_RW) &&
		      own_rights[d][page] == NO_RIGHTS;
	}
	status = k_mem_domain_add_partition(&domains[d], &part);
	if (status == -ENOMEM) {
		return;
	}
	if (status == -EINVAL && may) {
		/* it must overlap a partition whose pages were unmapped meanwhile */
		bool overlaps = false;

		for (uint32_t i = 0; i < CONFIG_MAX_DOMAIN_PARTITIONS; i++) {
			overlaps = overlaps || (parts[d][i].size != 0 &&
						parts[d][i].start < part.start + part.size &&
						part.start < parts[d][i].start + parts[d][i].size);
		}
		assert_true(overlaps);
		return;
	}
	assert_int_equal(status, may ? 0 : -EINVAL);
	if (status == 0) {
		parts[d][slot] = part;
		memset(&own_rights[d][region->first + from], (int)part.attr, count);
	}
}

static void op_remove_partition(void)
{
	const uint32_t d = pick(DOMAINS), slot = pick(CONFIG_MAX_DOMAIN_PARTITIONS);
	struct k_mem_partition *part = &parts[d][slot];

	if (part->size != 0) {
		assert_int_equal(k_mem_domain_remove_partition(&domains[d], part), 0);
		partition_end(d, slot);
	}
}

static void op_update(void)
{
	struct region *region = region_any();
	const uint32_t rights = pick(3) == 0 ? 0 : pick(3) ? K_MEM_PERM_RW : U_RW;
	uint32_t from, count;

	if (region == NULL || region->kind == DOMAINS_OWN) {
		return;
	}
	from = pick(region->count);
	count = 1 + pick(region->count - from);
	if (k_mem_update_flags(page_at(region->first + from), count * RIG_PAGE, rights) != 0) {
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t page = region->first + from + i;

		kernel_rights[page] = (uint8_t)rights;
		for (uint32_t d = 0; d < DOMAINS; d++) {
			if (own_rights[d][page] != NO_RIGHTS && !(rights & K_MEM_PERM_RW)) {
				own_rights[d][page] &= (uint8_t)~K_MEM_PERM_RW;
			}
		}
	}
}

/* A page in user mode, of some domain, or by the kernel through the copies. */
static void op_touch(void)
{
	const uint32_t d = pick(DOMAINS);
	struct region *region = region_any();
	const bool write = pick(2);
	uint32_t page, rights;
	uint64_t word = random_state | 1, seen = 0;
	int status;

	if (region == NULL || region->kind == PHYS) {
		return;
	}
	page = region->first + pick(region->count);
	rights = rights_of(d, page);
	k_mem_domain_switch(&domains[d]);
	if (pick(3) == 0) {
		status = write ? k_usermode_to_copy(page_at(page), &word, sizeof(word))
			       : k_usermode_from_copy(&seen, page_at(page), sizeof(seen));
	} else {
		status = write ? emu_write((uintptr_t)page_at(page), &word, sizeof(word),
					   K_MEM_FAULT_USER)
			       : emu_read((uintptr_t)page_at(page), &seen, sizeof(seen),
					  K_MEM_FAULT_USER);
	}
	if (!(rights & K_MEM_PERM_USER) || (write && !(rights & K_MEM_PERM_RW))) {
		assert_int_equal(status, -EACCES);
	} else {
		assert_int_equal(status, 0);
		assert_int_equal(arch_buffer_validate(page_at(page), RIG_PAGE, write), 0);
		if (write) {
			content[page] = word;
		} else {
			assert_int_equal(seen, content[page]);
		}
	}
	if (pick(2)) {
		k_mem_domain_switch(NULL);
	}
}

static void op_kernel_touch(void)
{
	struct region *region = region_any();
	uint32_t page;

	if (region == NULL || region->kind == PHYS) {
		return;
	}
	page = region->first + pick(region->count);
	k_mem_domain_switch(NULL);
	if ((kernel_rights[page] & K_MEM_PERM_RW) && pick(2)) {
		content[page] = random_state | 1;
		rig_put(page_at(page), content[page]);
	} else {
		assert_int_equal(rig_get(page_at(page)), content[page]);
	}
}

static void op_move(void)
{
	struct region *region = region_any();
	void *addr;
	size_t size;

	if (region == NULL) {
		return;
	}
	addr = page_at(region->first);
	size = region->count * RIG_PAGE;
	switch (pick(3)) {
	case 0:
		(void)k_mem_page_out(addr, size);
		break;
	case 1:
		(void)k_mem_page_in(addr, RIG_PAGE);
		break;
	default:
		k_mem_paging_tick();
	}
}

static void op_thread(void)
{
	const uint32_t d = pick(DOMAINS), t = pick(DOMAINS);

	if (pick(3) == 0) {
		k_mem_domain_remove_thread(&other_thread[t]);
	} else {
		assert_int_equal(k_mem_domain_add_thread(&domains[d], &other_thread[t]), 0);
		assert_int_equal(k_mem_domain_deinit(&domains[d]), -EBUSY);
	}
}

/* The end of a domain takes its memory and its partitions along. */
static void op_restart(void)
{
	const uint32_t d = pick(DOMAINS);

	for (uint32_t t = 0; t < DOMAINS; t++) {
		if (other_thread[t] == &domains[d]) {
			k_mem_domain_remove_thread(&other_thread[t]);
		}
	}
	assert_int_equal(k_mem_domain_deinit(&domains[d]), 0);
	assert_int_equal(k_mem_domain_init(&domains[d], 0, NULL), 0);
	assert_int_equal(k_mem_domain_limits_set(&domains[d], 64 * RIG_PAGE,
						 pick(3) * RIG_PAGE), 0);
	memset(own_rights[d], NO_RIGHTS, sizeof(own_rights[d]));
	memset(parts[d], 0, sizeof(parts[d]));
	for (uint32_t r = 0; r < REGIONS; r++) {
		if (regions[r].kind == DOMAINS_OWN && regions[r].owner == d) {
			region_clear(&regions[r]);
		}
	}
}

static void step(void)
{
	static void (*const operations[])(void) = {
		op_map, op_map, op_domain_map, op_unmap, op_add_partition, op_add_partition,
		op_remove_partition, op_update, op_move, op_thread,
		op_touch, op_touch, op_touch, op_touch, op_touch, op_kernel_touch, op_kernel_touch,
	};

	if (pick(100) == 0) {
		op_restart();
	} else {
		operations[pick(sizeof(operations) / sizeof(operations[0]))]();
	}
}

static unsigned long option(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoul(text, NULL, 0) : otherwise;
}

static void run(bool software_flags, uint64_t seed)
{
	const struct rig rig = {
		.frames = 60, .slots = 400, .second_bank = true, .software_flags = software_flags};
	const unsigned long steps = option("STEPS", STEPS);
	struct rig_counts before;
	const char *wrong;

	printf("# SEED=%ju\n", (uintmax_t)seed);
	random_state = seed;
	rig_start(&rig);
	model_reset();
	before = rig_counts();
	for (uint32_t d = 0; d < DOMAINS; d++) {
		assert_int_equal(k_mem_domain_init(&domains[d], 0, NULL), 0);
		assert_int_equal(k_mem_domain_limits_set(&domains[d], 64 * RIG_PAGE, 0), 0);
	}
	for (unsigned long i = 0; i < steps; i++) {
		step();
		if (i % 16 == 0 || i + 1 == steps) {
			check_sets(false);
		}
	}
	wrong = audit();
	if (wrong != NULL) {
		fail_msg("%s", wrong);
	}
	for (uint32_t r = 0; r < REGIONS; r++) {
		if (regions[r].kind == DOMAINS_OWN) {
			regions[r].kind = NO_REGION;
		} else if (regions[r].kind == PHYS) {
			assert_int_equal(k_mem_unmap_phys_bare(page_at(regions[r].first),
							       regions[r].count * RIG_PAGE), 0);
		} else if (regions[r].kind != NO_REGION) {
			assert_int_equal(k_mem_unmap(page_at(regions[r].first),
						     regions[r].count * RIG_PAGE), 0);
		}
	}
	for (uint32_t t = 0; t < DOMAINS; t++) {
		k_mem_domain_remove_thread(&other_thread[t]);
	}
	for (uint32_t d = 0; d < DOMAINS; d++) {
		assert_int_equal(domains[d].thread_count, 0);
		assert_int_equal(k_mem_domain_deinit(&domains[d]), 0);
		assert_int_equal(domains[d].resident_count, 0);
		assert_int_equal(domains[d].page_count, 0);
	}
	assert_int_equal(arch_mem_domain_tables_free(), QR_PRIVATE_COUNT);
	rig_counts_equal(before, rig_counts());
	rig_check();
}

static void test_hardware_bits(void **state)
{
	(void)state;
	run(false, option("SEED", 1));
}

static void test_software_bits(void **state)
{
	(void)state;
	run(true, option("SEED", 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hardware_bits),
		cmocka_unit_test(test_software_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
