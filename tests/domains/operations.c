/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operations.c - the random operations, and what the model makes of each (model.h): mappings,
 * partitions and rights here, accesses in accesses.c.
 */
#include "state.h"

#include <quire/mm.h>
#include <quire/paging.h>

/* ---- regions ---------------------------------------------------------------------------- */

static void region_set(struct region *region, enum region_kind kind, const void *addr,
		       uint32_t count, uint32_t rights)
{
	*region = (struct region){kind, page_of(addr), count, 0};
	REQUIRE(region->first < PAGES && region->count <= PAGES - region->first);
	for (uint32_t page = region->first; page < region->first + count; page++) {
		model.mapped[page] = true;
		model.rights[page] = (uint8_t)rights;
		model.content[page] = 0;
	}
}

static void own_set(uint32_t d, uint32_t first, uint32_t count, uint32_t rights)
{
	__builtin_memset(&model.own[d][first], (int)rights, count);
}

static void region_clear(struct region *region)
{
	__builtin_memset(&model.mapped[region->first], 0, region->count);
	for (uint32_t d = 0; d < MODEL_DOMAINS; d++) {
		own_set(d, region->first, region->count, NO_RIGHTS);
	}
	region->kind = NO_REGION;
}

static struct region *region_free(void)
{
	struct region *region = &model.regions[pick(REGIONS)];

	return region->kind == NO_REGION ? region : NULL;
}

/* Some pages of a region that is there. */
struct piece {
	struct region *region;
	uint32_t first, count;
};

static bool piece_any(struct piece *piece)
{
	struct region *region = region_any();
	uint32_t from;

	if (region == NULL) {
		return false;
	}
	from = pick(region->count);
	*piece = (struct piece){region, region->first + from, 1 + pick(region->count - from)};
	return true;
}

/* ---- mappings ---------------------------------------------------------------------------- */

/* RAM is below; nobody accesses what is there. */
#define PHYS_START 0x800000000u

/* Alignment may have made it longer: up to the page that ends it. */
static void map_phys(struct region *region, uint32_t count, uint32_t rights)
{
	uint8_t *virt = NULL;
	uint32_t pages = 0;
	bool ended = false;

	if (k_mem_map_phys_bare(&virt, PHYS_START + pick(512) * MODEL_PAGE, count * MODEL_PAGE,
				rights) != 0) {
		return;
	}
	while (!ended) {
		ended = (arch_page_get(virt + pages * MODEL_PAGE) & ARCH_PAGE_LAST) != 0;
		pages++;
	}
	region_set(region, PHYS, virt, pages, rights);
}

static void map_anon(struct region *region, enum region_kind kind, uint32_t count, uint32_t rights)
{
	const uint32_t flags = rights | (kind == LOCKED ? K_MEM_MAP_LOCK : 0);
	void *addr = NULL;

	if (k_mem_map_anon(&addr, count * MODEL_PAGE, flags) == 0) {
		region_set(region, kind, addr, count, rights);
	}
}

static void op_map(void)
{
	struct region *region = region_free();
	const uint32_t count = 1 + pick(40);
	const uint32_t rights = pick(3) == 0 ? 0 : K_MEM_PERM_RW;

	if (region == NULL) {
		return;
	}
	switch (pick(4)) {
	case 0:
		/* now and then enough for a large leaf */
		map_phys(region, pick(8) == 0 ? 600 : count, rights);
		break;
	case 1:
		map_anon(region, LOCKED, 1 + count / 8, rights);
		break;
	default:
		map_anon(region, ANON, count, rights);
	}
}

/* The rights of a partition are gone. */
static void partition_end(uint32_t d, struct k_mem_partition *part)
{
	own_set(d, page_of((void *)part->start), (uint32_t)(part->size / MODEL_PAGE), NO_RIGHTS);
	part->size = 0;
}

static bool partition_overlaps(const struct k_mem_partition *part, uintptr_t start, size_t size)
{
	return part->size != 0 && part->start < start + size && start < part->start + part->size;
}

static void op_domain_map(void)
{
	const uint32_t d = pick(MODEL_DOMAINS), count = 1 + pick(20);
	struct region *region = region_free();
	void *addr = NULL;

	if (region == NULL || k_mem_domain_map(&model.domains[d], &addr, count * MODEL_PAGE,
					       K_MEM_PERM_RW) != 0) {
		return;
	}
	/* where it comes to lie over partitions whose memory is gone, they end */
	for (uint32_t i = 0; i < PARTITIONS; i++) {
		if (partition_overlaps(&model.parts[d][i], (uintptr_t)addr, count * MODEL_PAGE)) {
			partition_end(d, &model.parts[d][i]);
		}
	}
	region_set(region, DOMAINS_OWN, addr, count, K_MEM_PERM_RW);
	region->owner = d;
	own_set(d, region->first, count, U_RW);
}

static void region_unmap(struct region *region)
{
	void *addr = page_at(region->first);
	const size_t size = region->count * MODEL_PAGE;

	if (region->kind == DOMAINS_OWN) {
		const uint32_t other = (region->owner + 1) % MODEL_DOMAINS;

		REQUIRE(k_mem_unmap(addr, size) == -EINVAL);
		REQUIRE(k_mem_domain_unmap(&model.domains[other], addr, size) == -EINVAL);
		REQUIRE(k_mem_domain_unmap(&model.domains[region->owner], addr, size) == 0);
	} else if (region->kind == PHYS) {
		REQUIRE(k_mem_unmap_phys_bare(addr, size) == 0);
	} else {
		REQUIRE(k_mem_unmap(addr, size) == 0);
	}
	region_clear(region);
}

static void op_unmap(void)
{
	struct region *region = region_any();

	if (region != NULL) {
		region_unmap(region);
	}
}

static void op_move(void)
{
	struct region *region = region_any();
	void *addr;

	if (region == NULL) {
		return;
	}
	addr = page_at(region->first);
	switch (pick(3)) {
	case 0:
		(void)!k_mem_page_out(addr, region->count * MODEL_PAGE);
		break;
	case 1:
		(void)!k_mem_page_in(addr, MODEL_PAGE);
		break;
	default:
		k_mem_paging_tick();
	}
}

/* ---- partitions and rights ----------------------------------------------------------------- */

/* May the domain have this partition, as far as pages tell? */
static bool partition_allowed(uint32_t d, const struct piece *piece, uint32_t attr)
{
	for (uint32_t page = piece->first; page < piece->first + piece->count; page++) {
		if ((attr & ~model.rights[page] & K_MEM_PERM_RW) ||
		    model.own[d][page] != NO_RIGHTS) {
			return false;
		}
	}
	return true;
}

/* Another partition may be there still whose pages were unmapped meanwhile. */
static bool partition_in_the_way(uint32_t d, const struct k_mem_partition *part)
{
	for (uint32_t i = 0; i < PARTITIONS; i++) {
		if (partition_overlaps(&model.parts[d][i], part->start, part->size)) {
			return true;
		}
	}
	return false;
}

static void op_add_partition(void)
{
	const uint32_t d = pick(MODEL_DOMAINS), slot = pick(PARTITIONS);
	struct k_mem_partition part;
	struct piece piece;
	bool allowed;
	int status;

	if (model.parts[d][slot].size != 0 || !piece_any(&piece)) {
		return;
	}
	part = (struct k_mem_partition){
		.start = (uintptr_t)page_at(piece.first),
		.size = piece.count * MODEL_PAGE,
		.attr = pick(2) ? U_RO : pick(4) ? U_RW : K_MEM_PERM_RW,
	};
	allowed = partition_allowed(d, &piece, part.attr) && !partition_in_the_way(d, &part);
	status = k_mem_domain_add_partition(&model.domains[d], &part);
	if (status != -ENOMEM) {
		REQUIRE(status == (allowed ? 0 : -EINVAL));
	}
	if (status == 0) {
		model.parts[d][slot] = part;
		own_set(d, piece.first, piece.count, part.attr);
	}
}

static void op_remove_partition(void)
{
	const uint32_t d = pick(MODEL_DOMAINS);
	struct k_mem_partition *part = &model.parts[d][pick(PARTITIONS)];

	if (part->size != 0) {
		REQUIRE(k_mem_domain_remove_partition(&model.domains[d], part) == 0);
		partition_end(d, part);
	}
}

static void op_update(void)
{
	const uint32_t rights = pick(3) == 0 ? 0 : pick(3) ? K_MEM_PERM_RW : U_RW;
	struct piece piece;

	if (!piece_any(&piece) || piece.region->kind == DOMAINS_OWN ||
	    k_mem_update_flags(page_at(piece.first), piece.count * MODEL_PAGE, rights) != 0) {
		return;
	}
	for (uint32_t page = piece.first; page < piece.first + piece.count; page++) {
		model.rights[page] = (uint8_t)rights;
		for (uint32_t d = 0; d < MODEL_DOMAINS; d++) {
			if (model.own[d][page] != NO_RIGHTS && !(rights & K_MEM_PERM_RW)) {
				model.own[d][page] &= (uint8_t)~K_MEM_PERM_RW;
			}
		}
	}
}

/* ---- threads, and the ends of domains -------------------------------------------------------- */

static void thread_remove(uint32_t t)
{
	k_mem_domain_remove_thread(model.machine->threads[t]);
	model.thread_in[t] = NULL;
}

static void op_thread(void)
{
	const uint32_t t = pick(MODEL_DOMAINS);
	struct k_mem_domain *domain = &model.domains[pick(MODEL_DOMAINS)];

	if (pick(3) == 0) {
		thread_remove(t);
	} else {
		REQUIRE(k_mem_domain_add_thread(domain, model.machine->threads[t]) == 0);
		model.thread_in[t] = domain;
		REQUIRE(k_mem_domain_deinit(domain) == -EBUSY);
	}
}

/* It takes its memory and its partitions along. */
static void domain_end(uint32_t d)
{
	for (uint32_t t = 0; t < MODEL_DOMAINS; t++) {
		if (model.thread_in[t] == &model.domains[d]) {
			thread_remove(t);
		}
	}
	REQUIRE(model.domains[d].thread_count == 0);
	REQUIRE(k_mem_domain_deinit(&model.domains[d]) == 0);
	REQUIRE(model.domains[d].resident_count == 0 && model.domains[d].page_count == 0);
	own_set(d, 0, PAGES, NO_RIGHTS);
	__builtin_memset(model.parts[d], 0, sizeof(model.parts[d]));
	for (uint32_t r = 0; r < REGIONS; r++) {
		if (model.regions[r].kind == DOMAINS_OWN && model.regions[r].owner == d) {
			region_clear(&model.regions[r]);
		}
	}
}

static void op_restart(void)
{
	const uint32_t d = pick(MODEL_DOMAINS);

	domain_end(d);
	REQUIRE(model.machine->domain_init(&model.domains[d]) == 0);
	/* frames that faults of others leave to it; there may be too few */
	(void)!k_mem_domain_limits_set(&model.domains[d],
				       model.domains[d].page_count_max * MODEL_PAGE,
				       pick(3) * MODEL_PAGE);
}

void model_end(void)
{
	for (uint32_t r = 0; r < REGIONS; r++) {
		if (model.regions[r].kind != NO_REGION && model.regions[r].kind != DOMAINS_OWN) {
			region_unmap(&model.regions[r]);
		}
	}
	for (uint32_t d = 0; d < MODEL_DOMAINS; d++) {
		domain_end(d);
	}
}

void model_step(void)
{
	static void (*const operations[])(void) = {
		op_map, op_map, op_domain_map, op_unmap, op_add_partition, op_add_partition,
		op_remove_partition, op_update, op_move, op_thread,
		op_user_access, op_user_access, op_user_access, op_user_access, op_user_access,
		op_kernel_access, op_kernel_access,
	};

	if (pick(100) == 0) {
		op_restart();
	} else {
		operations[pick(sizeof(operations) / sizeof(operations[0]))]();
	}
}
