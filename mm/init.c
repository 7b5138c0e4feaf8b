/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init.c - k_mem_init: from a description of the machine and the image to a running core.
 *
 * Order: everything that was given is checked (init_check.h), and after that nothing can fail; the
 * tables are linked; banks become frames, all of them free in the end but holes and what the image
 * lies in; the image is mapped, section by section, each with its own rights, and nothing else is.
 * The scratch page, the last of the space, is taken. Last the tables are made current.
 */
#include <quire/init.h>

#include "anon.h"
#include "charge.h"
#include "core.h"
#include "domain.h"
#include "frame.h"
#include "init_check.h"
#include "policy.h"
#include "store.h"

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
	const uint32_t piece = page < image_end ? piece_of(page) : image_count;

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
static void map_piece(const struct k_mem_image *piece)
{
	uint8_t *virt = (uint8_t *)piece->virt;
	uint64_t phys = piece->phys;
	size_t left = piece->size;
	struct qr_pages pages;

	QR_REQUIRE(qr_pages_of(virt, left, &pages) == 0 && qr_space_take_at(pages) == 0);
	if (CONFIG_MEM_STORED && (piece->flags & K_MEM_IMAGE_ON_DEMAND)) {
		struct qr_hold hold;

		qr_lock(&hold);
		qr_region_fill(pages, (uint32_t)piece->location, piece->flags, &hold);
		qr_unlock(&hold);
		return;
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
}

static void init_image(const struct k_mem_config *config)
{
	image_count = image_end = 0;
	for (size_t i = 0; i < config->image_count; i++) {
		map_piece(&config->image[i]);
	}
}

static void init_frames(const struct k_mem_config *config)
{
	qr_frame_table = (struct qr_frame_table){.zero = QR_NO_INDEX, .free_head = QR_NO_INDEX};
	for (size_t i = 0; i < config->bank_count; i++) {
		qr_frames_add_bank(config->banks[i].phys, config->banks[i].size);
	}
	for (size_t i = 0; i < config->hole_count; i++) {
		k_mem_frames_reserve(config->holes[i].phys, config->holes[i].size);
	}
	arch_reserved_pages_update();
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
	/* what the configuration leaves was checked; the architecture may keep frames as well */
	if (qr_frame_table.free_count == 0) {
		(void)qr_refuse("banks: no frame is left free", 0);
		return -ENOMEM;
	}
	return 0;
}

QR_NOINLINE int k_mem_init(const struct k_mem_config *config)
{
	const struct qr_pages scratch = {QR_SPACE_PAGES - 1, 1};
	const struct qr_caller caller = {(uintptr_t)__builtin_return_address(0),
					 (uintptr_t)&scratch};
	int status = CONFIG_MEM_INIT_CHECK ? qr_config_check(config, caller) : 0;

	if (status != 0) {
		return status;
	}
	arch_mem_init();
	if (CONFIG_USERSPACE) {
		qr_domain_init();
	}
	qr_space_init();
	QR_REQUIRE(qr_space_take_at(scratch) == 0);
	init_frames(config);
	qr_stores_init(config->stores, config->store_count);
	init_image(config);
	qr_policy_init(config->policy);
	status = init_pool();
	if (status == 0) {
		arch_mem_start();
		if (qr_frame_table.zero != QR_NO_INDEX) {
			qr_frame_zero(qr_frame_phys(qr_frame_table.zero));
		}
	}
	return status;
}
