/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_init.c - a configuration of which one field is wrong: k_mem_init refuses it, says which
 * field and why, and has changed nothing, so that it can be called again with that field mended.
 */
#include "help.h"

#include <stdio.h>
#include <string.h>

#include <arch/emu/mmu.h>

#include "audit.h"

#define PAGE RIG_PAGE
#define MIB 0x100000u
#define RW   K_MEM_PERM_RW
#define EXEC K_MEM_PERM_EXEC
#define USER K_MEM_PERM_USER

/* A size whose pages are fewer when it wraps. */
#define TOO_LARGE (SIZE_MAX - PAGE + 1)

/* ---- starting ------------------------------------------------------------------------ */

static struct {
	struct k_mem_config config;
	struct k_mem_range banks[CONFIG_MEM_BANKS_MAX + 1];
	struct k_mem_range holes[2];
	struct k_mem_image image[4];
	struct k_mem_store stores[CONFIG_MEM_STORES_MAX + 1];
	struct k_mem_store_ops ops;
	struct k_mem_policy policy;
} init;

/* A configuration that is fine; each case below spoils one thing. */
static void init_fine(void)
{
	init.banks[0] = (struct k_mem_range){RIG_PHYS, 16 * PAGE};
	init.banks[1] = (struct k_mem_range){RIG_PHYS + MIB, 16 * PAGE};
	init.holes[0] = (struct k_mem_range){RIG_PHYS + 8 * PAGE, PAGE};
	init.image[0] = (struct k_mem_image){.virt = page_at(0), .size = 2 * PAGE,
					     .phys = RIG_PHYS, .flags = EXEC};
	init.image[1] = (struct k_mem_image){.virt = page_at(4), .size = 2 * PAGE,
					     .phys = RIG_PHYS + 2 * PAGE, .flags = RW};
	init.image[2] = (struct k_mem_image){.virt = page_at(6), .size = 2 * PAGE,
					     .location = K_MEM_LOCATION(1, 3),
					     .flags = EXEC | K_MEM_IMAGE_ON_DEMAND};
	init.stores[0] = boot_store(64);
	init.ops = *init.stores[0].ops;
	init.stores[0].ops = &init.ops;
	init.stores[1] = boot_store(64);
	init.stores[1].read_only = true;
	init.stores[1].slot_count = 5;
	init.policy = k_mem_policy_clock;
	init.config = (struct k_mem_config){
		.banks = init.banks, .bank_count = 2, .holes = init.holes, .hole_count = 1,
		.image = init.image, .image_count = 3, .stores = init.stores, .store_count = 2,
		.policy = &init.policy,
	};
}

/* The statement spoils a fine configuration. What is said is "k_mem_init: WORDS" in a line. */
static void refused(int status, const char *words, const char *statement)
{
	static const char *const but_stores[] = {NULL};
	char line[160] = "";
	struct statics was = statics_take();
	int got = k_mem_init(&init.config);

	if (words[0] != 0) {
		snprintf(line, sizeof(line), "k_mem_init: %s\n", words);
	}
	if (got != status || strcmp(strict_printed(), line) != 0) {
		fail_msg("%s: %d and '%s', not %d and '%s'", statement, got, strict_printed(),
			 status, line);
	}
	if (status == 0) {
		statics_free(&was);
		return;
	}
	assert_unchanged(&was, but_stores);
	init_fine();
	assert_int_equal(k_mem_init(&init.config), 0);
}

static void machine(void)
{
	strict_reset();
	assert_int_equal(emu_init(RIG_PHYS, 16 * PAGE), 0);
	assert_int_equal(emu_bank_add(RIG_PHYS + MIB, 16 * PAGE), 0);
	rig_forget();
}

#define REFUSED(status, words, statement)              \
	do {                                           \
		machine();                             \
		init_fine();                           \
		statement;                             \
		refused(status, words, #statement);    \
	} while (0)

static void test_init_refuses_banks(void **state)
{
	const uintptr_t end = (uintptr_t)arch_phys_end();

	(void)state;
	REFUSED(0, "", (void)0);
	REFUSED(-EINVAL, "banks: NULL", init.config.banks = NULL);
	REFUSED(-EINVAL, "holes: NULL", (init.config.holes = NULL, init.config.hole_count = 1));
	REFUSED(0, "", (init.config.holes = NULL, init.config.hole_count = 0));
	REFUSED(-EINVAL, "bank_count: 0", init.config.bank_count = 0);
	REFUSED(-EINVAL, "bank_count: more than configured",
		init.config.bank_count = CONFIG_MEM_BANKS_MAX + 1);
	REFUSED(-EINVAL, "banks[1].size: no whole page", init.banks[1].size = 0);
	REFUSED(-EINVAL, "banks[1].size: no whole page", init.banks[1].size = PAGE - 1);
	REFUSED(-EINVAL, "banks[1].size: no whole page",
		(init.banks[1].phys += 1, init.banks[1].size = PAGE));
	REFUSED(-EINVAL, "banks[1].size: wraps", init.banks[1].size = SIZE_MAX);
	REFUSED(-EINVAL, "banks[1].size: wraps", init.banks[1].phys = -PAGE);
	REFUSED(-EINVAL, "banks[1].phys: beyond the physical addresses of the CPU",
		init.banks[1].phys = -16 * PAGE);
	REFUSED(-EINVAL, "banks[1].size: wraps", init.banks[1].phys = UINTPTR_MAX);
	REFUSED(-EINVAL, "banks[1].phys: beyond the physical addresses of the CPU",
		init.banks[1].phys = end);
	REFUSED(-EINVAL, "banks[1].phys: beyond the physical addresses of the CPU",
		init.banks[1].phys = end - 15 * PAGE);
	REFUSED(-EINVAL, "banks[1].phys: overlaps another bank", init.banks[1].phys = RIG_PHYS);
	REFUSED(-EINVAL, "banks[1].phys: overlaps another bank",
		init.banks[1].phys = RIG_PHYS + 15 * PAGE);
	REFUSED(-EINVAL, "banks[1].phys: overlaps another bank",
		init.banks[1].phys = RIG_PHYS - 15 * PAGE);
	REFUSED(-EINVAL, "banks[1].phys: overlaps another bank",
		init.banks[1] = ((struct k_mem_range){RIG_PHYS + 4 * PAGE, PAGE}));
	REFUSED(-ENOMEM, "banks[1].size: more frames than CONFIG_MEM_FRAMES_MAX",
		init.banks[1].size = CONFIG_MEM_FRAMES_MAX * PAGE);
	/* nothing is left */
	REFUSED(-ENOMEM, "banks: no frame is left free",
		(init.config.bank_count = 1, init.banks[0].size = 4 * PAGE));
	REFUSED(-ENOMEM, "banks: no frame is left free",
		init.holes[0] = ((struct k_mem_range){RIG_PHYS, 2 * MIB}));
	REFUSED(-ENOMEM, "banks: no frame is left free",
		init.holes[0] = ((struct k_mem_range){0, SIZE_MAX}));
	REFUSED(-EINVAL, "holes[0].size: wraps",
		init.holes[0] = ((struct k_mem_range){UINTPTR_MAX - 5, 7}));
	REFUSED(-EINVAL, "holes[0].size: wraps",
		init.holes[0] = ((struct k_mem_range){RIG_PHYS, SIZE_MAX}));
}

static void test_init_refuses_images(void **state)
{
	(void)state;
	REFUSED(-EINVAL, "image: NULL", init.config.image = NULL);
	REFUSED(-EINVAL, "image_count: more than configured",
		init.config.image_count = CONFIG_MEM_IMAGE_MAX + 1);
	REFUSED(-EINVAL, "image[1].size: 0", init.image[1].size = 0);
	REFUSED(-EINVAL, "image[1].size: not page-aligned", init.image[1].size = PAGE + 1);
	REFUSED(-EINVAL, "image[1].size: leaves the space", init.image[1].size = TOO_LARGE);
	REFUSED(-EINVAL, "image[1].size: leaves the space",
		init.image[1].size = CONFIG_KERNEL_VM_SIZE);
	REFUSED(-EINVAL, "image[1].virt: not page-aligned", init.image[1].virt = page_at(4) + 1);
	REFUSED(-EINVAL, "image[1].virt: outside of the space",
		init.image[1].virt = page_at(0) - PAGE);
	REFUSED(-EINVAL, "image[1].virt: outside of the space",
		init.image[1].virt = page_at(0) - 2 * PAGE);
	REFUSED(-EINVAL, "image[1].virt: outside of the space",
		init.image[1].virt = page_at(SPACE_PAGES));
	REFUSED(-EINVAL, "image[1].virt: outside of the space",
		init.image[1].virt = page_at(SPACE_PAGES - 1));
	REFUSED(-EINVAL, "image[1].size: leaves the space",
		init.image[1].virt = page_at(SPACE_SCRATCH - 1));
	REFUSED(-EINVAL, "image[1].virt: outside of the space", init.image[1].virt = NULL);
}

static void test_init_refuses_images_over_others(void **state)
{
	const uintptr_t end = (uintptr_t)arch_phys_end();

	(void)state;
	/* over another piece, at either end, whole, of either kind */
	REFUSED(-EINVAL, "image[1].virt: overlaps another piece", init.image[1].virt = page_at(1));
	REFUSED(-EINVAL, "image[1].virt: overlaps another piece", init.image[1].virt = page_at(0));
	REFUSED(-EINVAL, "image[2].virt: overlaps another piece", init.image[1].virt = page_at(5));
	REFUSED(-EINVAL, "image[1].virt: overlaps another piece", init.image[0].size = 5 * PAGE);
	REFUSED(-EINVAL, "image[2].virt: overlaps another piece", init.image[2].virt = page_at(0));
	/* the same piece twice */
	REFUSED(-EINVAL, "image[1].virt: overlaps another piece", init.image[1] = init.image[0]);
	REFUSED(-EINVAL, "image[2].virt: overlaps another piece", init.image[2] = init.image[1]);
	REFUSED(-EINVAL, "image[1].phys: not page-aligned", init.image[1].phys += 1);
	REFUSED(-EINVAL, "image[1].phys: beyond the physical addresses of the CPU",
		init.image[1].phys = end);
	REFUSED(-EINVAL, "image[1].phys: beyond the physical addresses of the CPU",
		init.image[1].phys = end - PAGE);
	REFUSED(-EINVAL, "image[1].phys: beyond the physical addresses of the CPU",
		init.image[1].phys = -PAGE);
	/* one frame in two pieces: its rights would be the sum of both */
	REFUSED(-EINVAL, "image[1].phys: in the frames of another piece",
		init.image[1].phys = RIG_PHYS);
	REFUSED(-EINVAL, "image[1].phys: in the frames of another piece",
		init.image[1].phys = RIG_PHYS + PAGE);
	REFUSED(-EINVAL, "image[1].phys: in the frames of another piece",
		init.image[1].phys = RIG_PHYS - PAGE);
}

static void test_init_refuses_rights_of_images(void **state)
{
	(void)state;
	REFUSED(-EINVAL, "image[1].flags: RW and EXEC", init.image[1].flags = RW | EXEC);
	REFUSED(-EINVAL, "image[1].flags: unknown", init.image[1].flags = K_MEM_MAP_LOCK);
	REFUSED(-EINVAL, "image[1].flags: no such cache mode", init.image[1].flags = RW | 3);
	REFUSED(-EINVAL, "image[1].flags: no such cache mode", init.image[1].flags = RW | 7);
	REFUSED(-EINVAL, "image[1].flags: unknown", init.image[1].flags = 1u << 26);
	/* what the kernel may not execute where user mode may */
	REFUSED(-EINVAL, "image[0].flags: EXEC and USER", init.image[0].flags = EXEC | USER);
	REFUSED(0, "", init.image[1].flags = RW | USER);
	REFUSED(0, "", init.image[2].flags = EXEC | USER | K_MEM_IMAGE_ON_DEMAND);
	REFUSED(-EINVAL, "image[1].flags: USER and TRAMPOLINE",
		init.image[1].flags = RW | USER | K_MEM_IMAGE_TRAMPOLINE);
	/* on demand: writable, not in a read-only store, beyond its end */
	REFUSED(-EINVAL, "image[2].flags: ON_DEMAND with more than EXEC and USER",
		init.image[2].flags = RW | K_MEM_IMAGE_ON_DEMAND);
	REFUSED(-EINVAL, "image[2].flags: ON_DEMAND with more than EXEC and USER",
		init.image[2].flags = K_MEM_IMAGE_ON_DEMAND | K_MEM_CACHE_NONE);
	REFUSED(-EINVAL, "image[2].location: not in a read-only store",
		init.image[2].location = K_MEM_LOCATION(0, 0));
	REFUSED(-EINVAL, "image[2].location: beyond the end of its store",
		init.image[2].location = K_MEM_LOCATION(1, 4));
	REFUSED(-EINVAL, "image[2].location: no such store",
		init.image[2].location = K_MEM_LOCATION(2, 0));
	REFUSED(-EINVAL, "image[2].location: no such store", init.image[2].location = UINTPTR_MAX);
}

static uint32_t evicted(uint32_t frame)
{
	return frame + 1;
}

static void test_init_refuses_stores_and_policies(void **state)
{
	(void)state;
	REFUSED(-EINVAL, "store_count: more than configured",
		init.config.store_count = CONFIG_MEM_STORES_MAX + 1);
	REFUSED(-EINVAL, "stores[0].slot_count: 0", init.stores[0].slot_count = 0);
	REFUSED(-EINVAL, "stores[0].slot_count: too much",
		init.stores[0].slot_count = K_MEM_SLOTS_MAX + 1);
	REFUSED(-EINVAL, "stores[0].page_count_max: 0", init.stores[0].page_count_max = 0);
	REFUSED(-EINVAL, "stores[0].request_cost: too much",
		init.stores[0].request_cost = UINT16_MAX + 1u);
	REFUSED(-EINVAL, "stores[0].write_cost: too much",
		init.stores[0].write_cost = UINT16_MAX + 1u);
	REFUSED(-EINVAL, "stores[0].ops: NULL", init.stores[0].ops = NULL);
	REFUSED(-EINVAL, "stores[0].ops->submit: NULL", init.ops.submit = NULL);
	REFUSED(-EINVAL, "stores[0].ops->reserve: NULL", init.ops.reserve = NULL);
	REFUSED(-EINVAL, "stores[0].ops->release: NULL", init.ops.release = NULL);
	REFUSED(-EINVAL, "stores[0].ops->retire: NULL", init.ops.retire = NULL);
	REFUSED(-EINVAL, "stores[1].slot_count: 0", init.stores[1].slot_count = 0);
	REFUSED(-EINVAL, "stores: NULL", init.config.stores = NULL);
	REFUSED(-EINVAL, "stores[1].ops: NULL", init.stores[1].ops = NULL);
	REFUSED(-EINVAL, "policy: NULL", init.config.policy = NULL);
	REFUSED(-EINVAL, "policy->returned: NULL",
		(init.policy.evicted = evicted, init.policy.returned = NULL));
	REFUSED(-EINVAL, "policy->start: NULL", init.policy.start = NULL);
	REFUSED(-EINVAL, "policy->pick: NULL", init.policy.pick = NULL);
	REFUSED(-EINVAL, "policy->frame_bytes: more than CONFIG_EVICTION_FRAME_BYTES",
		init.policy.frame_bytes = CONFIG_EVICTION_FRAME_BYTES + 1);
	REFUSED(0, "", (void)0);
}

static void test_init_refuses_nothing_at_all(void **state)
{
	(void)state;
	machine();
	assert_int_equal(k_mem_init(NULL), -EINVAL);
	assert_string_equal(strict_printed(), "k_mem_init: config: NULL\n");
}

/* On a machine that changes to the core's tables what runs must be in the image: here it is the
 * host's, which never is. */
static void test_init_refuses_an_image_without_what_runs(void **state)
{
	(void)state;
	machine();
	init_fine();
	emu_takes_over = true;
	assert_int_equal(k_mem_init(&init.config), -EINVAL);
	assert_string_equal(strict_printed(), "k_mem_init: image: the running code is in no "
					      "resident EXEC piece\n");
	emu_takes_over = false;
	assert_int_equal(k_mem_init(&init.config), 0);
}

/* A hole in a bank is no frame of the core, at whatever address it is mapped. */
static void test_hole_at_the_first_page(void **state)
{
	const struct k_mem_range bank = {CONFIG_KERNEL_VM_BASE, 16 * PAGE};
	const struct k_mem_range hole = {bank.phys, 2 * PAGE};
	const struct k_mem_image image = {.virt = page_at(5), .size = PAGE,
					  .phys = bank.phys + 4 * PAGE, .flags = EXEC};
	const struct k_mem_store store = boot_store(8);
	const struct k_mem_config config = {
		.banks = &bank, .bank_count = 1, .holes = &hole, .hole_count = 1,
		.image = &image, .image_count = 1, .stores = &store, .store_count = 1,
		.policy = &k_mem_policy_clock,
	};
	uint8_t *virt;

	(void)state;
	assert_int_equal(boot(&bank, 1, &config), 0);
	assert_int_equal(k_mem_unmap_phys_bare(page_at(5), PAGE), -EINVAL);
	assert_int_equal(k_mem_map_phys_bare(&virt, hole.phys, hole.size,
					     RW | K_MEM_DIRECT_MAP), 0);
	assert_ptr_equal(virt, page_at(0));
	rig_put(virt, 1);
	assert_int_equal(k_mem_unmap_phys_bare(virt, hole.size), 0);
	assert_null(audit());
	rig_check();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init_refuses_banks),
		cmocka_unit_test(test_init_refuses_images),
		cmocka_unit_test(test_init_refuses_images_over_others),
		cmocka_unit_test(test_init_refuses_rights_of_images),
		cmocka_unit_test(test_init_refuses_stores_and_policies),
		cmocka_unit_test(test_init_refuses_nothing_at_all),
		cmocka_unit_test(test_init_refuses_an_image_without_what_runs),
		cmocka_unit_test(test_hole_at_the_first_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
