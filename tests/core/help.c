/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help.c - see help.h.
 */
#include "help.h"

#include <quire/ramstore.h>

const char *const but_counters[] = {"qr_stats", "qr_cluster_steps", NULL};

bool is_guard(arch_page_t what)
{
	return !(what & (ARCH_DATA_PAGE_LOADED | ARCH_DATA_PAGE_NOT_MAPPED)) &&
	       ARCH_TOKEN_KIND(arch_page_token(what)) >= ARCH_TOKEN_GUARD_BEGIN;
}

uintptr_t phys_of(const void *addr)
{
	uintptr_t phys = 0;

	assert_int_equal(arch_page_phys_get((void *)(uintptr_t)addr, &phys), 0);
	return phys;
}

void assert_unchanged(struct statics *before, const char *const *but)
{
	struct statics now = statics_take();
	const char *changed = statics_difference(before, &now, but);

	statics_free(before);
	statics_free(&now);
	if (changed != NULL) {
		fail_msg("%s changed", changed);
	}
}

static int on_fault(const struct qr_fault *fault)
{
	return k_mem_page_fault(fault->address, fault->access);
}

int boot(const struct k_mem_range *ram, size_t ram_count, const struct k_mem_config *config)
{
	int status;

	strict_reset();
	assert_int_equal(emu_init(ram[0].phys, ram[0].size), 0);
	for (size_t i = 1; i < ram_count; i++) {
		assert_int_equal(emu_bank_add(ram[i].phys, ram[i].size), 0);
	}
	rig_forget();
	status = k_mem_init(config);
	emu_fault = on_fault;
	return status;
}

struct k_mem_store boot_store(uint32_t slots)
{
	static uint8_t pages[256 * CONFIG_MMU_PAGE_SIZE];
	static uint64_t words[K_MEM_SLOT_MAP_WORDS(256)];
	static struct k_mem_ram_store ram;
	struct k_mem_store store;

	assert_true(slots <= 256);
	assert_int_equal(k_mem_ram_store_init(&store, &ram, pages, slots, words), 0);
	return store;
}
