/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.c - what the core is given: the image, the RAM, the stores (stores.h) and the policy.
 *
 *     option           effect
 *     frames=N         exactly N frames are handed to the core, behind the image and what the
 *                      stores have there
 *     policy=NAME      clock, hazard, nru, lru; hazard where threads wait for the store, else clock
 */
#include "kernel/main.h"
#include "kernel/stores.h"

#define PAGE ((size_t)CONFIG_MMU_PAGE_SIZE)

static const struct k_mem_policy *const policies[] = {
	&k_mem_policy_clock,
	CONFIG_EVICTION_HAZARD ? &k_mem_policy_hazard : NULL,
	CONFIG_EVICTION_NRU ? &k_mem_policy_nru : NULL,
	CONFIG_EVICTION_LRU ? &k_mem_policy_lru : NULL,
};

static const struct k_mem_policy *policy;

bool memory_ages(void)
{
	return policy->tick != NULL;
}

/* ---- the image --------------------------------------------------------------------------- */

#define IMAGE_PIECES_MAX 11

struct pieces {
	struct k_mem_image list[IMAGE_PIECES_MAX];
	size_t count;
};

static void piece_add(struct pieces *pieces, uint8_t *begin, const uint8_t *end, uint32_t flags)
{
	if (begin == end) {
		return;
	}
	pieces->list[pieces->count++] = (struct k_mem_image){
		.virt = begin, .size = (size_t)(end - begin),
		.phys = image_phys(begin), .flags = flags,
	};
}

static void piece_add_ondemand(struct pieces *pieces, uint8_t *begin, const uint8_t *end,
			       uint32_t flags)
{
	size_t first = (size_t)(begin - image_ondemand_text_begin) / PAGE;
	size_t slots = (size_t)(end - image_ondemand_text_begin) / PAGE;

	if (begin == end) {
		return;
	}
	if (kernel_store_image() < 0 ||
	    stores.list[kernel_store_image()].slot_count < slots) {
		kernel_refuse("disk image: missing or smaller than the %lu pages of the program\n",
			      slots);
	}
	piece_add(pieces, begin, end, flags | K_MEM_IMAGE_ON_DEMAND);
	pieces->list[pieces->count - 1].location = K_MEM_LOCATION(kernel_store_image(), first);
}

static void image_describe(struct pieces *pieces)
{
	piece_add(pieces, image_stack_idle_begin, image_stack_idle_end, K_MEM_PERM_RW);
	piece_add(pieces, image_stack_first_begin, image_stack_first_end, K_MEM_PERM_RW);
	piece_add(pieces, image_stack_ageing_begin, image_stack_ageing_end, K_MEM_PERM_RW);
	piece_add(pieces, image_trampoline_text_begin, image_trampoline_text_end,
		  K_MEM_PERM_EXEC | K_MEM_IMAGE_TRAMPOLINE);
	piece_add(pieces, image_trampoline_data_begin, image_trampoline_data_end,
		  K_MEM_PERM_RW | K_MEM_IMAGE_TRAMPOLINE);
	piece_add(pieces, image_text_begin, image_text_end, K_MEM_PERM_EXEC);
	piece_add(pieces, image_rodata_begin, image_rodata_end, 0);
	piece_add(pieces, image_data_begin, image_data_end, K_MEM_PERM_RW);
	piece_add_ondemand(pieces, image_ondemand_text_begin, image_ondemand_text_end,
			   K_MEM_PERM_EXEC);
	piece_add_ondemand(pieces, image_ondemand_rodata_begin, image_ondemand_rodata_end, 0);
	if (stores.behind_bytes > 0) {
		piece_add(pieces, stores_behind, stores_behind + stores.behind_bytes,
			  K_MEM_PERM_RW);
		pieces->list[pieces->count - 1].phys = image_phys(image_end);
	}
}

/* ---- RAM ------------------------------------------------------------------------------------ */

/* The RAM behind the image and what the stores have there. */
static struct k_mem_range ram_behind(const struct machine_boot *boot)
{
	uintptr_t begin = image_phys(image_end) + stores.behind_bytes;

	for (size_t i = 0; i < boot->ram_count; i++) {
		struct k_mem_range ram = boot->ram[i];

		if (begin >= ram.phys && begin - ram.phys < ram.size) {
			return (struct k_mem_range){begin, ram.size - (begin - ram.phys)};
		}
	}
	kernel_refuse("memory: no RAM behind the image, which ends at %lx\n", begin);
}

static void bank_largest_first(struct k_mem_range *banks, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (banks[i].size > banks[0].size) {
			struct k_mem_range largest = banks[i];

			banks[i] = banks[0];
			banks[0] = largest;
		}
	}
}

/* Banks: all RAM there is, but not more than the core can manage, or just as many frames
 * as were asked for. */
static size_t banks_find(const struct machine_boot *boot, struct k_mem_range *banks)
{
	uint64_t frames = kernel_option_number("frames", 0);
	struct k_mem_range behind = ram_behind(boot);
	size_t count = 0, left = CONFIG_MEM_FRAMES_MAX * PAGE;

	if (frames > 0) {
		if (frames > behind.size / PAGE || frames > CONFIG_MEM_FRAMES_MAX) {
			kernel_refuse("frames=%lu: there is RAM for %lu and room for %u\n", frames,
				      behind.size / PAGE, CONFIG_MEM_FRAMES_MAX);
		}
		banks[0] = (struct k_mem_range){behind.phys, frames * PAGE};
		return 1;
	}
	for (size_t i = 0; i < boot->ram_count && count < CONFIG_MEM_BANKS_MAX && left; i++) {
		banks[count] = boot->ram[i];
		if (banks[count].size > left) {
			banks[count].size = left;
		}
		left -= banks[count].size;
		count++;
	}
	bank_largest_first(banks, count);
	return count;
}

/* ---- all together --------------------------------------------------------------------------- */

static void policy_choose(void)
{
	char name[16];

	/* the learned policy does its work while they wait */
	policy = CONFIG_EVICTION_HAZARD && stores.slow ? &k_mem_policy_hazard : &k_mem_policy_clock;
	if (!kernel_option("policy", name, sizeof(name))) {
		return;
	}
	policy = NULL;
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		if (policies[i] && kernel_same(policies[i]->name, name)) {
			policy = policies[i];
		}
	}
	if (!policy) {
		kernel_refuse("policy=%s: clock, hazard, nru or lru\n", name);
	}
}

void memory_start(const struct machine_boot *boot)
{
	static struct pieces pieces;
	/* Physical address 0 is nobody's. */
	static const struct k_mem_range hole = {0, CONFIG_MMU_PAGE_SIZE};
	struct k_mem_range banks[CONFIG_MEM_BANKS_MAX];
	struct k_mem_config config = {.banks = banks, .holes = &hole, .hole_count = 1};
	int status;

	stores_find();
	policy_choose();
	image_describe(&pieces);
	config.bank_count = banks_find(boot, banks);
	config.image = pieces.list;
	config.image_count = pieces.count;
	config.stores = stores.list;
	config.store_count = (size_t)stores.count;
	config.policy = policy;
	status = k_mem_init(&config);
	if (status != 0) {
		kernel_refuse("memory: k_mem_init: error %d\n", status);
	}
}
