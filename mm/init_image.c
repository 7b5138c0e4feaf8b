/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init_image.c - see init_check.h: the pieces of the image, each alone, beside the others, and
 * whether what runs k_mem_init is in them.
 *
 * From the moment at which the core's tables are current, code, stack and data of whoever called
 * must be there. Where one is not, the machine would stop without a word, as no trap handler runs
 * either. So that is asked before, on machines that change to these tables at all.
 */
#include "init_check.h"

#include <quire/store.h>

#if CONFIG_MEM_INIT_CHECK

/* ---- one piece ----------------------------------------------------------------------------- */

static bool is_on_demand(const struct k_mem_image *piece)
{
	return (piece->flags & K_MEM_IMAGE_ON_DEMAND) != 0;
}

static int check_place(const struct k_mem_image *piece, size_t i)
{
	const uintptr_t offset = (uintptr_t)piece->virt - (uintptr_t)CONFIG_KERNEL_VM_BASE;
	const size_t most = CONFIG_KERNEL_VM_SIZE - QR_PAGE_SIZE; /* the last is the core's */

	if (((uintptr_t)piece->virt & (QR_PAGE_SIZE - 1)) != 0) {
		return qr_refuse("image[#].virt: not page-aligned", i);
	}
	if (piece->size == 0 || (piece->size & (QR_PAGE_SIZE - 1)) != 0) {
		return qr_refuse(piece->size == 0 ? "image[#].size: 0"
						  : "image[#].size: not page-aligned",
				 i);
	}
	if (offset >= most) {
		return qr_refuse("image[#].virt: outside of the space", i);
	}
	return piece->size > most - offset ? qr_refuse("image[#].size: leaves the space", i) : 0;
}

static int check_rights(const struct k_mem_image *piece, size_t i)
{
	const uint32_t allowed = QR_PERM_MASK | K_MEM_CACHE_MASK | K_MEM_IMAGE_ON_DEMAND |
				 K_MEM_IMAGE_TRAMPOLINE;
	const uint32_t flags = piece->flags;

	if (flags & ~allowed) {
		return qr_refuse("image[#].flags: unknown", i);
	}
	if ((flags & K_MEM_PERM_RW) && (flags & K_MEM_PERM_EXEC)) {
		return qr_refuse("image[#].flags: RW and EXEC", i);
	}
	if ((flags & K_MEM_CACHE_MASK) > K_MEM_CACHE_NONE) {
		return qr_refuse("image[#].flags: no such cache mode", i);
	}
	if (is_on_demand(piece)) {
		return flags & (K_MEM_PERM_RW | K_MEM_CACHE_MASK | K_MEM_IMAGE_TRAMPOLINE)
			       ? qr_refuse("image[#].flags: ON_DEMAND with more than EXEC and USER",
					   i)
			       : 0;
	}
	if ((flags & K_MEM_PERM_EXEC) && (flags & K_MEM_PERM_USER)) {
		return qr_refuse("image[#].flags: EXEC and USER", i); /* PXN, SMEP, the U bit */
	}
	return (flags & K_MEM_PERM_USER) && (flags & K_MEM_IMAGE_TRAMPOLINE)
		       ? qr_refuse("image[#].flags: USER and TRAMPOLINE", i)
		       : 0;
}

static int check_on_demand(const struct k_mem_config *config, const struct k_mem_image *piece,
			   size_t i)
{
	const uintptr_t store = piece->location >> K_MEM_LOCATION_SLOT_BITS;
	const uint32_t slot = (uint32_t)piece->location & (K_MEM_SLOTS_MAX - 1u);
	const size_t pages = piece->size >> QR_PAGE_SHIFT;

	if (!CONFIG_DEMAND_PAGING || !CONFIG_MEM_STORED) {
		return qr_refuse("image[#].flags: ON_DEMAND, which this build is without", i);
	}
	if (store >= config->store_count) {
		return qr_refuse("image[#].location: no such store", i);
	}
	if (!config->stores[store].read_only) {
		return qr_refuse("image[#].location: not in a read-only store", i);
	}
	return slot >= config->stores[store].slot_count ||
			       pages > config->stores[store].slot_count - slot
		       ? qr_refuse("image[#].location: beyond the end of its store", i)
		       : 0;
}

static int check_resident(const struct k_mem_image *piece, size_t i)
{
	if ((piece->phys & (QR_PAGE_SIZE - 1)) != 0) {
		return qr_refuse("image[#].phys: not page-aligned", i);
	}
	return piece->phys >= arch_phys_end() || piece->size > arch_phys_end() - piece->phys
		       ? qr_refuse("image[#].phys: beyond the physical addresses of the CPU", i)
		       : 0;
}

/* Beside those before it. Two pieces in one frame would give it the rights of both, writable and
 * executable together. */
static int check_beside(const struct k_mem_config *config, size_t i)
{
	const struct k_mem_image *piece = &config->image[i];

	for (size_t k = 0; k < i; k++) {
		const struct k_mem_image *other = &config->image[k];

		if (qr_ranges_meet((uintptr_t)piece->virt, piece->size, (uintptr_t)other->virt,
				   other->size)) {
			return qr_refuse("image[#].virt: overlaps another piece", i);
		}
		if (!is_on_demand(piece) && !is_on_demand(other) &&
		    qr_ranges_meet(piece->phys, piece->size, other->phys, other->size)) {
			return qr_refuse("image[#].phys: in the frames of another piece", i);
		}
	}
	return 0;
}

static int check_piece(const struct k_mem_config *config, size_t i)
{
	const struct k_mem_image *piece = &config->image[i];
	int status = check_place(piece, i);

	if (status == 0) {
		status = check_rights(piece, i);
	}
	if (status == 0) {
		status = is_on_demand(piece) ? check_on_demand(config, piece, i)
					     : check_resident(piece, i);
	}
	return status == 0 ? check_beside(config, i) : status;
}

/* ---- what runs ------------------------------------------------------------------------------- */

/* The resident piece with this right, of the kernel's alone, that the byte is in, or NULL. */
static const struct k_mem_image *piece_with(const struct k_mem_config *config, uintptr_t addr,
					    uint32_t right)
{
	for (size_t i = 0; i < config->image_count; i++) {
		const struct k_mem_image *piece = &config->image[i];

		if (addr - (uintptr_t)piece->virt < piece->size && !is_on_demand(piece) &&
		    (piece->flags & (right | K_MEM_PERM_USER)) == right) {
			return piece;
		}
	}
	return NULL;
}

/* The tables are found by their physical address. */
static bool tables_are_in(const struct k_mem_config *config, uintptr_t addr, uint64_t phys)
{
	const struct k_mem_image *piece = piece_with(config, addr, K_MEM_PERM_RW);

	return piece != NULL && piece->phys + (uint64_t)(addr - (uintptr_t)piece->virt) == phys;
}

static int check_running(const struct k_mem_config *config, struct qr_caller caller)
{
	static uint8_t data; /* the core's, as all that is static */
	struct arch_mem_table_range tables;

	if (piece_with(config, caller.code, K_MEM_PERM_EXEC) == NULL ||
	    piece_with(config, (uintptr_t)&k_mem_init, K_MEM_PERM_EXEC) == NULL) {
		return qr_refuse("image: the running code is in no resident EXEC piece", 0);
	}
	if (piece_with(config, caller.stack, K_MEM_PERM_RW) == NULL) {
		return qr_refuse("image: the running stack is in no resident RW piece", 0);
	}
	if (piece_with(config, (uintptr_t)&data, K_MEM_PERM_RW) == NULL) {
		return qr_refuse("image: the core's data is in no resident RW piece", 0);
	}
	for (unsigned int which = 0; arch_mem_tables(which, &tables); which++) {
		const uintptr_t first = (uintptr_t)tables.virt;

		if (!tables_are_in(config, first, tables.phys) ||
		    !tables_are_in(config, first + (tables.size - 1),
				   tables.phys + (tables.size - 1))) {
			return qr_refuse(
				"image: the page tables are in no RW piece, or at another phys", 0);
		}
	}
	return 0;
}

int qr_image_check(const struct k_mem_config *config, struct qr_caller caller)
{
	for (size_t i = 0; i < config->image_count; i++) {
		int status = check_piece(config, i);

		if (status != 0) {
			return status;
		}
	}
	return arch_mem_takes_over() ? check_running(config, caller) : 0;
}

#endif /* CONFIG_MEM_INIT_CHECK */
