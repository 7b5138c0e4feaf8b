/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program.c - whether a build of the library runs: a host of the emulated machine that maps,
 * pages, protects and copies, in any configuration. Prints what went wrong, and nothing else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <emu.h>
#include <quire/domain.h>
#include <quire/init.h>
#include <quire/ramstore.h>
#include <quire/user.h>

#define PAGE   ((size_t)4096)
#define FRAMES ((size_t)24)
#define SLOTS  96
#define PAGES  (CONFIG_DEMAND_PAGING ? (size_t)60 : (size_t)16)

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			printf("line %d: %s\n", __LINE__, #condition);                             \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static uint8_t disk[SLOTS * PAGE];
static uint64_t slots[K_MEM_SLOT_MAP_WORDS(SLOTS)];
static struct k_mem_ram_store ram;
static struct k_mem_store store;

static int trap(const struct qr_fault *fault)
{
	return k_mem_page_fault(fault->address, fault->access);
}

static void start(const struct k_mem_policy *policy)
{
	struct k_mem_range bank = {.phys = 0x100000, .size = FRAMES * PAGE};
	struct k_mem_config config = {&bank, 1, NULL, 0, NULL, 0, &store, 1, policy};

	CHECK(emu_init(bank.phys, bank.size) == 0);
	CHECK(k_mem_ram_store_init(&store, &ram, disk, SLOTS, slots) == 0);
	CHECK(k_mem_init(&config) == 0);
	emu_fault = trap;
}

static size_t get(const uint8_t *at, uint32_t access)
{
	size_t word = 0;

	CHECK(emu_read((uintptr_t)at, &word, sizeof(word), access) == 0);
	return word;
}

static void put(uint8_t *at, size_t word)
{
	CHECK(emu_write((uintptr_t)at, &word, sizeof(word), 0) == 0);
}

static void write_all(uint8_t *memory, size_t seed)
{
	for (size_t i = 0; i < PAGES; i++) {
		CHECK(get(memory + i * PAGE, 0) == 0 || seed != 1);
		put(memory + i * PAGE + 8 * i, seed + i);
	}
}

static void verify(const uint8_t *memory, size_t seed)
{
	for (size_t i = 0; i < PAGES; i++) {
		CHECK(get(memory + i * PAGE + 8 * i, 0) == seed + i);
	}
}

/* Without demand paging there is nothing to evict, which is no error. */
static void page(uint8_t *memory)
{
	if (!CONFIG_DEMAND_PAGING_REQUESTS) {
		CHECK(k_mem_page_out(memory, 8 * PAGE) == -ENOTSUP);
		return;
	}
	CHECK(k_mem_page_out(memory, 8 * PAGE) == 0);
	CHECK(k_mem_page_in(memory + 2 * PAGE, 8 * PAGE) == 0);
	CHECK(k_mem_pin(memory, 2 * PAGE) == 0);
	CHECK(k_mem_page_out(memory, 8 * PAGE) == 0);
	CHECK(k_mem_unpin(memory, 2 * PAGE) == 0);
	k_mem_paging_tick();
	verify(memory, 1000);
}

static void protect(uint8_t *memory)
{
	size_t word = 5;

	if (!CONFIG_MEM_UPDATE_FLAGS) {
		CHECK(k_mem_update_flags(memory, 2 * PAGE, 0) == -ENOTSUP);
		return;
	}
	CHECK(k_mem_update_flags(memory, 2 * PAGE, 0) == 0);
	CHECK(emu_write((uintptr_t)memory, &word, sizeof(word), 0) == -EACCES);
	CHECK(k_mem_update_flags(memory, 2 * PAGE, K_MEM_PERM_RW) == 0);
	put(memory, 1000);
	verify(memory, 1000);
}

static void map_device(void)
{
	uint8_t *device = NULL;

	CHECK(k_mem_map_phys_bare(&device, 0x40000000, 0x400000, K_MEM_PERM_RW) == 0);
	CHECK(device != NULL);
	CHECK(k_mem_unmap_phys_bare(device, 0x400000) == 0);
	CHECK(k_mem_page_fault(device, 0) == -EFAULT); /* counted where nothing else faults */
}

static void user_mode(uint8_t *memory)
{
	static struct k_mem_domain domain;
	struct k_mem_partition part = {(uintptr_t)memory, 2 * PAGE, K_MEM_PARTITION_P_RW_U_RW};
	size_t word = 77, back = 0;
	int status = CONFIG_USERSPACE ? 0 : -ENOTSUP;

	CHECK(k_mem_domain_init(&domain, 0, NULL) == status);
	CHECK(k_mem_domain_add_partition(&domain, &part) == status);
	CHECK(k_mem_domain_add_thread(&domain, NULL) == status);
	if (CONFIG_USERSPACE) {
		k_mem_domain_switch(&domain);
		CHECK(arch_buffer_validate(memory, 2 * PAGE, 1) == 0);
		CHECK(arch_buffer_validate(memory, 3 * PAGE, 1) == -EACCES);
	}
	CHECK(k_usermode_to_copy(memory + 8, &word, sizeof(word)) == status);
	CHECK(k_usermode_from_copy(&back, memory + 8, sizeof(back)) == status);
	CHECK(back == (CONFIG_USERSPACE ? word : 0));
	if (CONFIG_USERSPACE) {
		CHECK(get(memory + 8, K_MEM_FAULT_USER) == word);
		CHECK(k_mem_domain_remove_partition(&domain, &part) == 0);
	}
	k_mem_domain_remove_thread(NULL);
	k_mem_domain_switch(NULL);
	CHECK(k_mem_domain_deinit(&domain) == status);
}

/* Counters are there where the configuration has them. */
static void statistics(void)
{
	struct k_mem_paging_stats_t all, own;
	struct k_mem_paging_histogram_t in;
	unsigned long count = 0;

	k_mem_paging_stats_get(&all);
	k_mem_paging_thread_stats_get(NULL, &own);
	k_mem_paging_histogram_backing_store_page_in_get(&in);
	for (size_t i = 0; i < CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM_NUM_BINS; i++) {
		count += in.counts[i];
	}
	CHECK((all.pagefaults.cnt > 0) == CONFIG_DEMAND_PAGING_STATS);
	CHECK((own.pagefaults.cnt > 0) ==
	      (CONFIG_DEMAND_PAGING_THREAD_STATS && !CONFIG_MEM_PORT_MINIMAL));
	CHECK((count > 0) == (CONFIG_DEMAND_PAGING && CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM));
}

static void run(const struct k_mem_policy *policy)
{
	size_t free_bytes;
	uint8_t *memory;

	start(policy);
	free_bytes = k_mem_free_get();
	memory = k_mem_map(PAGES * PAGE, K_MEM_PERM_RW);
	CHECK(memory != NULL);
	write_all(memory, 1);
	write_all(memory, 1000);
	verify(memory, 1000);
	page(memory);
	protect(memory);
	map_device();
	user_mode(memory);
	statistics();
	CHECK(k_mem_unmap(memory, PAGES * PAGE) == 0);
	CHECK(k_mem_free_get() == free_bytes);
	CHECK(emu_errors() == 0);
}

int main(void)
{
	const struct k_mem_policy *const policies[] = {
		CONFIG_EVICTION_CLOCK ? &k_mem_policy_clock : NULL,
		CONFIG_EVICTION_HAZARD ? &k_mem_policy_hazard : NULL,
		CONFIG_EVICTION_NRU ? &k_mem_policy_nru : NULL,
		CONFIG_EVICTION_LRU ? &k_mem_policy_lru : NULL,
	};

	/* with no store of the library's there is nothing to page to */
	for (size_t i = 0; CONFIG_BACKING_STORE_RAM && i < sizeof(policies) / sizeof(policies[0]);
	     i++) {
		if (policies[i] != NULL) {
			run(policies[i]);
		}
	}
	return 0;
}
