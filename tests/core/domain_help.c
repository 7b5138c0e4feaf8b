/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain_help.c - see domain_help.h.
 */
#include "domain_help.h"

#include "audit.h"

int part_add(struct k_mem_domain *domain, const void *addr, uint32_t pages, uint32_t attr)
{
	const struct k_mem_partition part = part_of(addr, pages, attr);

	return k_mem_domain_add_partition(domain, &part);
}

int part_remove(struct k_mem_domain *domain, const void *addr, uint32_t pages)
{
	const struct k_mem_partition part = part_of(addr, pages, 0);

	return k_mem_domain_remove_partition(domain, &part);
}

void domain_start(struct k_mem_domain *domain)
{
	assert_int_equal(k_mem_domain_init(domain, 0, NULL), 0);
}

void domain_end(struct k_mem_domain *domain)
{
	assert_int_equal(k_mem_domain_deinit(domain), 0);
	assert_int_equal(domain->resident_count, 0);
	assert_int_equal(domain->page_count, 0);
	assert_int_equal(domain->num_partitions, 0);
}

uint8_t *pages_map(uint32_t pages, uint32_t flags)
{
	uint8_t *memory = k_mem_map(pages * RIG_PAGE, flags);

	assert_non_null(memory);
	return memory;
}

void pages_unmap(void *addr, uint32_t pages)
{
	assert_int_equal(k_mem_unmap(addr, pages * RIG_PAGE), 0);
}

uint64_t word_of(const void *page)
{
	return 0x0123456789abcdefu * (page_number(page) + 1u);
}

void pages_fill(uint8_t *addr, uint32_t pages)
{
	for (uint32_t i = 0; i < pages; i++) {
		uint8_t *page = addr + i * RIG_PAGE;

		rig_put(page + RIG_PAGE / 2, word_of(page));
	}
}

bool page_is_out(const void *addr)
{
	uintptr_t location;

	return arch_page_location_get((void *)(uintptr_t)addr, &location) ==
	       ARCH_PAGE_LOCATION_PAGED_OUT;
}

int user_read(struct k_mem_domain *domain, const void *addr, uint64_t *word)
{
	k_mem_domain_switch(domain);
	return emu_read((uintptr_t)addr, word, sizeof(*word), K_MEM_FAULT_USER);
}

int user_write(struct k_mem_domain *domain, void *addr, uint64_t word)
{
	k_mem_domain_switch(domain);
	return emu_write((uintptr_t)addr, &word, sizeof(word), K_MEM_FAULT_USER);
}

int user_exec(struct k_mem_domain *domain, const void *addr)
{
	k_mem_domain_switch(domain);
	return emu_exec((uintptr_t)addr, K_MEM_FAULT_USER);
}

bool user_reads(struct k_mem_domain *domain, const void *addr)
{
	uint64_t word;

	return user_read(domain, addr, &word) == 0;
}

/* What is there stays. */
bool user_writes(struct k_mem_domain *domain, void *addr)
{
	uint64_t word;

	return user_read(domain, addr, &word) == 0 && user_write(domain, addr, word) == 0;
}

void domains_check(struct rig_counts before)
{
	k_mem_domain_switch(NULL);
	assert_int_equal(arch_mem_domain_tables_free(), CONFIG_MEM_DOMAIN_TABLES);
	assert_ptr_equal(audit(), NULL);
	rig_counts_equal(before, rig_counts());
	rig_check();
}

uint32_t tables_used(void)
{
	return CONFIG_MEM_DOMAIN_TABLES - arch_mem_domain_tables_free();
}

void pages_out(void *addr, uint32_t pages)
{
	assert_int_equal(k_mem_page_out(addr, pages * RIG_PAGE), 0);
}

bool software;

int setup_hardware(void **state)
{
	(void)state;
	software = false;
	return 0;
}

int setup_software(void **state)
{
	(void)state;
	software = true;
	return 0;
}
