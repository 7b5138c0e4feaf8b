/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init.c - k_mem_init: from a description of the machine and the image to a running core.
 *
 * Order: the tables are linked; banks become frames, all of them free in the end but holes
 * and what the image lies in; the image is mapped, section by section, each with its own
 * rights, and nothing else is. The scratch page, the last of the space, is taken. Last the
 * tables are made current.
 */
#include <quire/init.h>

#include "anon.h"
#include "charge.h"
#include "core.h"
#include "domain.h"
#include "frame.h"
#include "policy.h"
#include "store.h"

/* Two pieces in one frame would give it the rights of both, writable and executable together. */
static bool shares_frames(const struct k_mem_config *config, const struct k_mem_image *piece)
{
	for (const struct k_mem_image *other = config->image; other != piece; other++) {
		if (!(other->flags & K_MEM_IMAGE_ON_DEMAND) &&
		    piece->phys < other->phys + other->size &&
		    other->phys < piece->phys + piece->size) {
			return true;
		}
	}
	return false;
}

static int check_resident(const struct k_mem_config *config, const struct k_mem_image *piece)
{
	if ((piece->phys & (QR_PAGE_SIZE - 1)) != 0 || piece->phys >= arch_phys_end() ||
	    piece->size > arch_phys_end() - piece->phys ||
	    (piece->flags & K_MEM_CACHE_MASK) > K_MEM_CACHE_NONE || shares_frames(config, piece)) {
		return -EINVAL;
	}
	return 0;
}

static int check_image(const struct k_mem_config *config, const struct k_mem_image *piece)
{
	const uint32_t allowed = QR_PERM_MASK | K_MEM_CACHE_MASK | K_MEM_IMAGE_ON_DEMAND |
				 K_MEM_IMAGE_TRAMPOLINE;
	struct qr_pages pages;

	if (qr_flags_check(piece->flags, allowed) != 0 ||
	    qr_pages_of(piece->virt, piece->size, &pages) != 0) {
		return -EINVAL;
	}
	if (piece->flags & K_MEM_IMAGE_ON_DEMAND) {
		if (!CONFIG_DEMAND_PAGING ||
		    (piece->flags & (K_MEM_PERM_RW | K_MEM_CACHE_MASK | K_MEM_IMAGE_TRAMPOLINE)) ||
		    qr_location_check(piece->location, pages.count) != 0 ||
		    !qr_location_image((uint32_t)piece->location)) {
			return -EINVAL;
		}
		return 0;
	}
	return check_resident(config, piece);
}

/* Where the resident image is: it is never unmapped, also where it lies in no bank. Fixed when
 * the system is linked, so no record of mappings. */
static struct qr_pages image[CONFIG_MEM_IMAGE_MAX];
static uint8_t image_cache[CONFIG_MEM_IMAGE_MAX];
static uint32_t image_count, image_end; /* none is at or above image_end */

/* The piece that the page is in, or image_count. */
static uint32_t piece_of(uint32_t page)
{
	uint32_t i = 0;

	while (i < image_count && page - image[i].first >= image[i].count) {
		i++;
	}
	return i;
}

bool qr_is_image(uint32_t page)
{
	/* mappings are made from the top */
	return page < image_end && piece_of(page) < image_count;
}

bool qr_is_image_cached_as(uint32_t page, uint32_t flags)
{
	const uint32_t piece = piece_of(page);

	return piece == image_count || image_cache[piece] == (flags & K_MEM_CACHE_MASK);
}

/* The frames of a resident piece are the image's for ever; each knows its page. */
static void keep_image_frames(const struct k_mem_image *piece, struct qr_pages pages)
{
	for (uint32_t i = 0; i < pages.count; i++) {
		uint32_t frame = qr_frame_of(piece->phys + ((uint64_t)i << QR_PAGE_SHIFT));

		if (frame != QR_NO_INDEX) {
			qr_frames[frame] = qr_frame_word(pages.first + i, 0,
							 QR_FRAME_RESERVED | QR_FRAME_MAPPED |
								 QR_FRAME_PINNED);
		}
	}
}

/* With pages only: splitting a large leaf may take it away for a moment (pagetable/tables.c), and
 * this is the ground that we stand on. */
static int map_piece(const struct k_mem_image *piece)
{
	uint8_t *virt = (uint8_t *)piece->virt;
	uint64_t phys = piece->phys;
	size_t left = piece->size;
	struct qr_pages pages;

	if (qr_pages_of(virt, left, &pages) != 0 || qr_space_take_at(pages) != 0) {
		return -EINVAL;
	}
	if (piece->flags & K_MEM_IMAGE_ON_DEMAND) {
		struct qr_hold hold;

		qr_lock(&hold);
		qr_region_fill(pages, (uint32_t)piece->location, piece->flags, &hold);
		qr_unlock(&hold);
		return 0;
	}
	keep_image_frames(piece, pages);
	image_cache[image_count] = (uint8_t)(piece->flags & K_MEM_CACHE_MASK);
	image[image_count++] = pages;
	if (pages.first + pages.count > image_end) {
		image_end = pages.first + pages.count;
	}
	while (left > 0) {
		size_t done = arch_mem_map(virt, phys, left,
					   piece->flags | ARCH_MEM_LAST |
						   (CONFIG_USERSPACE ? ARCH_MEM_LOCAL : 0));

		virt += done;
		phys += done;
		left -= done;
	}
	return 0;
}

static int init_image(const struct k_mem_config *config)
{
	image_count = image_end = 0;
	if (config->image_count > CONFIG_MEM_IMAGE_MAX) {
		return -EINVAL;
	}
	for (size_t i = 0; i < config->image_count; i++) {
		int status = check_image(config, &config->image[i]);

		if (status != 0) {
			return status;
		}
	}
	for (size_t i = 0; i < config->image_count; i++) {
		int status = map_piece(&config->image[i]);

		if (status != 0) {
			return status;
		}
	}
	return 0;
}

static int init_frames(const struct k_mem_config *config)
{
	int status;

	qr_frame_table = (struct qr_frame_table){.zero = QR_NO_INDEX, .free_head = QR_NO_INDEX};
	if (config->bank_count == 0 || config->bank_count > CONFIG_MEM_BANKS_MAX) {
		return -EINVAL;
	}
	for (size_t i = 0; i < config->bank_count; i++) {
		status = qr_frames_add_bank(config->banks[i].phys, config->banks[i].size);
		if (status != 0) {
			return status;
		}
	}
	for (size_t i = 0; i < config->hole_count; i++) {
		const struct k_mem_range *hole = &config->holes[i];

		if (hole->size > 0 && hole->phys + (hole->size - 1) < hole->phys) {
			return -EINVAL;
		}
		k_mem_frames_reserve(hole->phys, hole->size);
	}
	arch_reserved_pages_update();
	return 0;
}

/* Set the frame of zeros aside, and let the charge know what there is. */
static int init_pool(void)
{
	uint32_t paging = qr_store_table.paging;

	qr_frames_start();
	if (CONFIG_DEMAND_PAGING && CONFIG_DEMAND_PAGING_ZERO_PAGE) {
		struct qr_hold hold;
		uint32_t frame;

		qr_lock(&hold);
		frame = qr_frame_take();
		if (frame != QR_NO_INDEX) {
			qr_frames[frame] = QR_FRAME_RESERVED | QR_FRAME_PINNED;
			qr_frame_table.busy_count--;
			qr_frame_table.zero = frame;
		}
		qr_unlock(&hold);
	}
	qr_charge = (struct qr_charge){
		.frames = qr_frame_table.free_count,
		.slots = paging == QR_STORE_NONE ? 0 : qr_store_table.store[paging].slot_count,
	};
	return qr_frame_table.free_count > 0 ? 0 : -ENOMEM;
}

int k_mem_init(const struct k_mem_config *config)
{
	const struct qr_pages scratch = {QR_SPACE_PAGES - 1, 1};
	int status;

	if (config == NULL) {
		return -EINVAL;
	}
	arch_mem_init();
	qr_domain_init();
	qr_space_init();
	if (qr_space_take_at(scratch) != 0) {
		return -EINVAL;
	}
	status = init_frames(config);
	if (status == 0) {
		status = qr_stores_init(config->stores, config->store_count);
	}
	if (status == 0) {
		status = init_image(config);
	}
	if (status == 0) {
		status = qr_policy_init(config->policy);
	}
	if (status == 0) {
		status = init_pool();
	}
	if (status == 0) {
		arch_mem_start();
		if (qr_frame_table.zero != QR_NO_INDEX) {
			qr_frame_zero(qr_frame_phys(qr_frame_table.zero));
		}
	}
	return status;
}
