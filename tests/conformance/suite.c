/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suite.c - see suite.h. Tests about domains are in domains.c.
 */
#include "cases.h"

#include <quire/init.h>
#include <quire/store.h>

/* Physical memory that is mapped, asked for, and never touched. */
#define NOBODYS ((uintptr_t)1 << 36)

const char suite_skip[] = "SKIP";
const struct suite_env *suite_env;

static int read_status(const void *addr)
{
	uint64_t word;

	return env->read(addr, &word);
}

/* The page may be used like this and not otherwise. */
static const char *check_rights(void *page, bool write, bool exec)
{
	EXPECT(read_status(page) == 0);
	EXPECT(env->exec(page) == (exec ? 0 : -EACCES));
	EXPECT(env->write((uint8_t *)page + PAGE - 8, 5) == (write ? 0 : -EACCES));
	EXPECT(read_status((uint8_t *)page + PAGE - 8) == 0);
	return NULL;
}

static const char *check_nothing(void *page)
{
	EXPECT(read_status(page) == -EFAULT);
	EXPECT(env->write(page, 1) == -EFAULT);
	EXPECT(env->exec(page) == -EFAULT);
	return NULL;
}

static struct k_mem_paging_stats_t stats(void)
{
	struct k_mem_paging_stats_t now;

	k_mem_paging_stats_get(&now);
	return now;
}

/* ---- rights -------------------------------------------------------------------------- */

static const char *image_rights(void)
{
	uint64_t word;

	EXPECT(env->exec(env->text) == 0);
	EXPECT(env->read(env->text, &word) == 0);
	EXPECT(env->write((void *)(uintptr_t)env->text, word) == -EACCES);
	EXPECT(read_status(env->rodata) == 0);
	EXPECT(env->write((void *)(uintptr_t)env->rodata, 1) == -EACCES);
	EXPECT(env->exec(env->rodata) == -EACCES);
	EXPECT(env->write(env->data, 7) == 0);
	EXPECT(reads(env->data, 7));
	EXPECT(env->exec(env->data) == -EACCES);
	return NULL;
}

static const char *anonymous_rights(void)
{
	uint8_t *memory = k_mem_map(PAGE, RW);

	EXPECT(memory != NULL);
	env->code_put(memory);
	TRY(check_rights(memory, true, false));
	EXPECT(k_mem_update_flags(memory, PAGE, EXEC) == 0);
	TRY(check_rights(memory, false, true));
	EXPECT(k_mem_update_flags(memory, PAGE, 0) == 0);
	TRY(check_rights(memory, false, false));
	EXPECT(k_mem_update_flags(memory, PAGE, RW) == 0);
	TRY(check_rights(memory, true, false));
	EXPECT(k_mem_unmap(memory, PAGE) == 0);
	return NULL;
}

static const char *physical_rights(void)
{
	uint8_t *writable = map_phys(env->spare_phys, PAGE, RW);
	uint8_t *code, *constant;

	EXPECT(writable != NULL);
	env->code_put(writable);
	code = map_phys(env->spare_phys, PAGE, EXEC);
	constant = map_phys(env->spare_phys, PAGE, 0);
	EXPECT(code != NULL && constant != NULL);
	TRY(check_rights(writable, true, false));
	TRY(check_rights(code, false, true));
	TRY(check_rights(constant, false, false));
	/* one memory, three views */
	EXPECT(env->write(writable + 64, 99) == 0);
	EXPECT(reads(code + 64, 99) && reads(constant + 64, 99));
	EXPECT(unmap_phys(writable, PAGE) == 0 && unmap_phys(code, PAGE) == 0 &&
	       unmap_phys(constant, PAGE) == 0);
	return NULL;
}

static const char *user_rights(void)
{
	uint8_t *memory, *word_at;
	uint64_t word;

	memory = k_mem_map(PAGE, RW);
	EXPECT(memory != NULL);
	env->code_put(memory);
	word_at = memory + PAGE - 8;
	EXPECT(env->user_read(word_at, &word) == -EACCES);
	EXPECT(env->user_write(word_at, 1) == -EACCES);
	EXPECT(k_mem_update_flags(memory, PAGE, RW | USER) == 0);
	EXPECT(env->user_write(word_at, 5) == 0);
	EXPECT(env->user_read(word_at, &word) == 0 && word == 5);
	EXPECT(env->user_exec(memory) == -EACCES);
	EXPECT(k_mem_update_flags(memory, PAGE, EXEC | USER) == 0);
	EXPECT(env->user_write(word_at, 6) == -EACCES);
	EXPECT(env->user_exec(memory) == 0);
	EXPECT(k_mem_unmap(memory, PAGE) == 0);
	return NULL;
}

static const char *kernel_never_executes_user_code(void)
{
	uint8_t *memory;

	if (!env->fences_user_code) {
		return suite_skip;
	}
	memory = k_mem_map(PAGE, RW);
	EXPECT(memory != NULL);
	env->code_put(memory);
	EXPECT(k_mem_update_flags(memory, PAGE, EXEC | USER) == 0);
	EXPECT(env->exec(memory) == -EACCES);
	EXPECT(k_mem_unmap(memory, PAGE) == 0);
	return NULL;
}

/* Whether the CPU keeps the kernel from user memory or not, an access ends. */
static const char *kernel_access_to_user_memory_ends(void)
{
	uint8_t *memory = k_mem_map(PAGE, RW | USER);
	int first, second;

	EXPECT(memory != NULL);
	first = env->write(memory, 3);
	second = read_status(memory);
	EXPECT(first == second && first == (env->fences_user_memory ? -EACCES : 0));
	EXPECT(k_mem_unmap(memory, PAGE) == 0);
	return NULL;
}

static const char *guards_and_gaps(void)
{
	uint8_t *memory = k_mem_map(2 * PAGE, RW), *locked = k_mem_map(PAGE, RW | K_MEM_MAP_LOCK);

	EXPECT(memory != NULL && locked != NULL);
	EXPECT(fill(memory, 2, 1) && fill(locked, 1, 1));
	TRY(check_nothing(memory - PAGE));
	EXPECT(read_status(memory - 8) == -EFAULT);
	TRY(check_nothing(memory + 2 * PAGE));
	TRY(check_nothing(locked - PAGE));
	TRY(check_nothing(locked + PAGE));
	EXPECT(k_mem_unmap(memory, 2 * PAGE) == 0 && k_mem_unmap(locked, PAGE) == 0);
	TRY(check_nothing(memory));
	TRY(check_nothing(memory + PAGE));
	TRY(check_nothing(locked));
	return NULL;
}

static const char *refused_accesses_are_told_apart(void)
{
	uint8_t *memory = k_mem_map(PAGE, 0);
	unsigned long before = stats().pagefaults.cnt;

	EXPECT(memory != NULL);
	/* write, execute, nothing there; before the page has a frame and after */
	for (int round = 0; round < 2; round++) {
		EXPECT(env->write(memory, 1) == -EACCES);
		EXPECT(env->exec(memory) == -EACCES);
		EXPECT(env->write(memory + PAGE, 1) == -EFAULT);
		EXPECT(env->exec(memory - PAGE) == -EFAULT);
		EXPECT(reads(memory, 0));
	}
	EXPECT(!CONFIG_DEMAND_PAGING_STATS || stats().pagefaults.cnt == before + 9);
	EXPECT(k_mem_page_fault(memory, K_MEM_FAULT_WRITE) == -EACCES);
	EXPECT(k_mem_page_fault(memory, K_MEM_FAULT_USER) == -EACCES);
	EXPECT(k_mem_page_fault((uint8_t *)CONFIG_KERNEL_VM_BASE - 1, 0) == -EFAULT);
	EXPECT(k_mem_unmap(memory, PAGE) == 0);
	return NULL;
}

/* ---- physical mappings, small and large ---------------------------------------------- */

static const char *odd_physical_addresses(void)
{
	static const struct { size_t offset, size; } odd[] = {
		{0x123, 1}, {0xff8, 16}, {1, PAGE}, {0xfff, 2}, {0x7f0, 3 * PAGE + 1}, {8, 0x1ff0},
	};
	uint8_t *plain = map_phys(env->spare_phys, 8 * PAGE, RW);

	EXPECT(plain != NULL);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		uintptr_t phys = env->spare_phys + odd[i].offset;
		uint8_t *virt = map_phys(phys, odd[i].size, RW);
		uint8_t *aligned = (uint8_t *)(((uintptr_t)virt + 7) & ~(uintptr_t)7);

		EXPECT(virt != NULL && (uintptr_t)virt % PAGE == phys % PAGE);
		EXPECT(phys_of(virt) == phys);
		EXPECT(phys_of(virt + odd[i].size - 1) == phys + odd[i].size - 1);
		if ((uintptr_t)aligned / PAGE == (uintptr_t)virt / PAGE) {
			EXPECT(env->write(aligned, 1000 + i) == 0);
			EXPECT(reads(plain + odd[i].offset + (aligned - virt), 1000 + i));
		}
		EXPECT(unmap_phys(virt, odd[i].size) == 0);
	}
	EXPECT(unmap_phys(plain, 8 * PAGE) == 0);
	return NULL;
}

/* All of the spare memory in one mapping, seen again page by page through others. */
static const char *large_leaves_translate(void)
{
	size_t leaf = SECOND_LEAF;
	uint32_t pages = (uint32_t)(env->spare_bytes / PAGE);
	uint8_t *large = map_phys(env->spare_phys, env->spare_bytes, RW);

	EXPECT(large != NULL && leaf > PAGE && env->spare_bytes >= 2 * leaf);
	for (uint32_t i = 0; i < pages; i++) {
		EXPECT(page_get(large + i * PAGE) & ARCH_PAGE_LARGE);
		EXPECT(phys_of(large + i * PAGE + 3) == env->spare_phys + i * PAGE + 3);
	}
	EXPECT(fill(large, pages, 7000));
	for (uint32_t i = 0; i < pages; i += 37) {
		uint8_t *small = map_phys(env->spare_phys + i * PAGE, PAGE, 0);

		EXPECT(small != NULL && !(page_get(small) & ARCH_PAGE_LARGE));
		EXPECT(reads(small + (word_in(large, i) - (large + i * PAGE)), 7000 + i));
		EXPECT(unmap_phys(small, PAGE) == 0);
	}
	EXPECT(filled(large, pages, 7000));
	EXPECT(unmap_phys(large, env->spare_bytes) == 0);
	TRY(check_nothing(large));
	TRY(check_nothing(large + env->spare_bytes - PAGE));
	return NULL;
}

static const char *large_leaves_split_for_rights(void)
{
	size_t leaf = SECOND_LEAF;
	uint32_t pages = (uint32_t)(2 * leaf / PAGE), middle = pages / 4;
	uint8_t *large = map_phys(env->spare_phys, 2 * leaf, RW);
	uint8_t *page = large + middle * PAGE;

	EXPECT(large != NULL && (page_get(page) & ARCH_PAGE_LARGE));
	EXPECT(fill(large, pages, 500));
	EXPECT(k_mem_update_flags(page, PAGE, 0) == 0);
	EXPECT(env->write(page, 1) == -EACCES);
	EXPECT(env->write(page - 8, 11) == 0 && env->write(page + PAGE, 12) == 0);
	EXPECT(reads(page - 8, 11) && reads(page + PAGE, 12));
	EXPECT(filled(large, pages, 500));
	for (uint32_t i = 0; i < pages; i++) {
		EXPECT(phys_of(large + i * PAGE) == env->spare_phys + i * PAGE);
	}
	/* the other leaf was left alone; across the end of the first both change */
	EXPECT(page_get(large + leaf) & ARCH_PAGE_LARGE);
	EXPECT(!(page_get(large) & ARCH_PAGE_LARGE));
	EXPECT(k_mem_update_flags(large + leaf - PAGE, 2 * PAGE, 0) == 0);
	EXPECT(env->write(large + leaf - PAGE, 1) == -EACCES);
	EXPECT(env->write(large + leaf, 1) == -EACCES);
	EXPECT(env->write(large + leaf + PAGE, 1) == 0);
	EXPECT(env->write(large + leaf - 2 * PAGE, 1) == 0);
	EXPECT(k_mem_update_flags(large, 2 * leaf, RW) == 0);
	EXPECT(fill(large, pages, 600) && filled(large, pages, 600));
	EXPECT(unmap_phys(large, 2 * leaf - PAGE) == -EINVAL);
	EXPECT(unmap_phys(large, 2 * leaf) == 0);
	TRY(check_nothing(page));
	return NULL;
}

/* What the core never asks for, the contract allows: a part of a large leaf goes. Batch by
 * batch; splitting a leaf is one. */
static void arch_unmap_all(uint8_t *virt, size_t size)
{
	for (size_t done = 0, batches = 0; done < size && batches < 100; batches++) {
		qr_port_key_t key = qr_port_lock();

		done += arch_mem_unmap(virt + done, size - done);
		qr_port_unlock(key);
	}
}

static const char *large_leaves_split_for_unmapping(void)
{
	size_t leaf = SECOND_LEAF;
	uint32_t pages = (uint32_t)(leaf / PAGE), middle = pages / 2;
	uint8_t *large = map_phys(env->spare_phys, leaf, RW);
	uint8_t *page = large + middle * PAGE;
	qr_port_key_t key;
	size_t done;

	EXPECT(large != NULL && (page_get(page) & ARCH_PAGE_LARGE));
	EXPECT(fill(large, pages, 900));
	arch_unmap_all(page, PAGE);
	TRY(check_nothing(page));
	EXPECT(filled(large, middle, 900) && reads(word_in(large, middle + 1), 900 + middle + 1));
	EXPECT(reads(word_in(large, pages - 1), 900 + pages - 1));
	key = qr_port_lock();
	done = arch_mem_map(page, env->spare_phys + middle * PAGE, PAGE, RW);
	qr_port_unlock(key);
	EXPECT(done == PAGE);
	EXPECT(filled(large, pages, 900));
	EXPECT(unmap_phys(large, leaf) == 0);
	return NULL;
}

/* The largest leaf that the space has room for, over physical memory that is not touched; it is
 * split twice on the way to one page. */
static const char *largest_leaves(void)
{
	size_t leaf = SECOND_LEAF, larger = leaf_bytes_above(leaf, CONFIG_KERNEL_VM_SIZE / 2 - 1);
	uint8_t *large, *page;

	if (larger <= leaf) {
		return suite_skip;
	}
	large = map_phys(NOBODYS, larger, RW);
	page = large + larger / 2 + leaf + 5 * PAGE;
	EXPECT(large != NULL && (uintptr_t)large % larger == 0);
	EXPECT((page_get(page) & ARCH_PAGE_LARGE) && phys_of(page + 1) - NOBODYS ==
	       (uintptr_t)(page + 1 - large));
	EXPECT(k_mem_update_flags(page, PAGE, 0) == 0);
	EXPECT(!(page_get(page) & ARCH_PAGE_LARGE) && !(page_get(page) & ARCH_PAGE_RW));
	EXPECT((page_get(page - leaf) & ARCH_PAGE_LARGE) && (page_get(page - leaf) & ARCH_PAGE_RW));
	for (uint8_t *at = large; at < large + larger; at += 61 * PAGE) {
		EXPECT(phys_of(at) == NOBODYS + (uintptr_t)(at - large));
	}
	EXPECT(unmap_phys(large, larger - leaf) == -EINVAL);
	EXPECT(unmap_phys(large, larger) == 0);
	EXPECT(page_get(page) & ARCH_DATA_PAGE_NOT_MAPPED);
	return NULL;
}

static const char *large_neighbours_are_two_mappings(void)
{
	size_t leaf = SECOND_LEAF;
	uint8_t *upper = map_phys(env->spare_phys + leaf, leaf, RW);
	uint8_t *lower = map_phys(env->spare_phys, leaf, RW);

	EXPECT(upper != NULL && lower == upper - leaf);
	EXPECT(fill(lower, (uint32_t)(2 * leaf / PAGE), 30));
	EXPECT(unmap_phys(lower, leaf) == 0);
	TRY(check_nothing(lower + leaf - PAGE));
	EXPECT(reads(word_in(lower, (uint32_t)(leaf / PAGE)), 30 + leaf / PAGE));
	EXPECT(unmap_phys(upper, leaf) == 0);
	return NULL;
}

/* A page here and there, from one end of the space to the other: tables of all levels. */
static const char *every_part_of_the_space(void)
{
	const size_t step = (CONFIG_KERNEL_VM_SIZE / 16) & ~(PAGE - 1);
	uint8_t *filler[16], *page[16];
	uint32_t count = 0;

	while (count < 16 && (filler[count] = map_phys(NOBODYS, step, 0)) != NULL) {
		page[count] = map_phys(env->spare_phys + count * PAGE, PAGE, RW);
		EXPECT(page[count] != NULL && env->write(page[count], 40 + count) == 0);
		count++;
	}
	EXPECT(count >= 8);
	for (uint32_t i = 0; i < count; i++) {
		EXPECT(reads(page[i], 40 + i));
		EXPECT(phys_of(page[i]) == env->spare_phys + i * PAGE);
		EXPECT(unmap_phys(page[i], PAGE) == 0 && unmap_phys(filler[i], step) == 0);
	}
	return NULL;
}

static const char *cache_modes(void)
{
	static const uint32_t modes[] = {K_MEM_CACHE_WB, K_MEM_CACHE_WT, K_MEM_CACHE_NONE};
	uint8_t *plain = map_phys(env->spare_phys, PAGE, RW);

	EXPECT(plain != NULL);
	for (uint32_t i = 0; i < 3; i++) {
		uint8_t *virt = map_phys(env->spare_phys, PAGE, RW | modes[i]);

		EXPECT(virt != NULL && env->write(virt + 8, 60 + i) == 0);
		EXPECT(reads(virt + 8, 60 + i));
		EXPECT(reads(plain + 8, 60 + i));
		EXPECT(k_mem_update_flags(virt, PAGE, modes[2 - i]) == 0);
		EXPECT(reads(virt + 8, 60 + i) && env->write(virt, 1) == -EACCES);
		EXPECT(unmap_phys(virt, PAGE) == 0);
	}
	EXPECT(unmap_phys(plain, PAGE) == 0);
	return NULL;
}

/* ---- accessed and dirty -------------------------------------------------------------- */

static const char *accessed_and_dirty_are_seen(void)
{
	const uint32_t both = ARCH_DATA_PAGE_ACCESSED | ARCH_DATA_PAGE_DIRTY;
	uint8_t *memory = k_mem_map(PAGE, RW);

	EXPECT(memory != NULL);
	EXPECT(env->write(memory, 1) == 0);
	EXPECT((info_get(memory, false) & both) == both);
	EXPECT(k_mem_page_out(memory, PAGE) == 0);
	EXPECT(reads(memory, 1));
	EXPECT((info_get(memory, false) & both) == ARCH_DATA_PAGE_ACCESSED);
	EXPECT(env->write(memory + 8, 2) == 0);
	EXPECT((info_get(memory, false) & both) == both);
	/* a right taken away takes no dirty bit with it */
	EXPECT(k_mem_update_flags(memory, PAGE, 0) == 0);
	EXPECT(info_get(memory, false) & ARCH_DATA_PAGE_DIRTY);
	EXPECT(k_mem_page_out(memory, PAGE) == 0);
	EXPECT(reads(memory, 1) && reads(memory + 8, 2));
	EXPECT(!(info_get(memory, false) & ARCH_DATA_PAGE_DIRTY));
	EXPECT(k_mem_unmap(memory, PAGE) == 0);
	return NULL;
}

/* Cleared and flushed, the bit is set again by the next access, each time. */
static const char *cleared_accessed_comes_back(void)
{
	uint8_t *memory = k_mem_map(PAGE, RW);

	EXPECT(memory != NULL && env->write(memory, 1) == 0);
	for (int round = 0; round < 4; round++) {
		EXPECT(info_get(memory, true) & ARCH_DATA_PAGE_ACCESSED);
		EXPECT(!(info_get(memory, false) & ARCH_DATA_PAGE_ACCESSED));
		EXPECT(round % 2 ? reads(memory, 1) : env->write(memory, 1) == 0);
		EXPECT(info_get(memory, false) & ARCH_DATA_PAGE_ACCESSED);
	}
	EXPECT(info_get(memory, false) & ARCH_DATA_PAGE_DIRTY);
	EXPECT(k_mem_unmap(memory, PAGE) == 0);
	return NULL;
}

/* Where the bits are set by software each costs a fault, and by hardware none does. */
static const char *bits_cost_what_they_should(void)
{
	bool software = env->flags[0] == 's';
	uint8_t *memory = k_mem_map(PAGE, RW);
	unsigned long before;

	EXPECT(memory != NULL && env->write(memory, 1) == 0);
	EXPECT(k_mem_page_out(memory, PAGE) == 0 && reads(memory, 1));
	before = stats().transfer.flags;
	EXPECT(env->write(memory, 2) == 0);
	EXPECT(stats().transfer.flags - before == software);
	EXPECT(info_get(memory, true) & ARCH_DATA_PAGE_ACCESSED);
	EXPECT(reads(memory, 2));
	EXPECT(stats().transfer.flags - before == 2 * (unsigned long)software);
	EXPECT(k_mem_pin(memory, PAGE) == 0);
	before = stats().pagefaults.cnt;
	EXPECT(env->write(memory, 3) == 0 && reads(memory, 3));
	EXPECT(stats().pagefaults.cnt == before);
	EXPECT(k_mem_unmap(memory, PAGE) == 0);
	return NULL;
}

/* ---- translations that must be dropped ----------------------------------------------- */

static const char *no_stale_address(void)
{
	uint8_t *first = map_phys(env->spare_phys, PAGE, RW), *again;

	EXPECT(first != NULL && env->write(first, 1) == 0 && reads(first, 1));
	EXPECT(unmap_phys(first, PAGE) == 0);
	again = map_phys(env->spare_phys + PAGE, PAGE, RW);
	EXPECT(again == first && env->write(again, 2) == 0);
	EXPECT(unmap_phys(again, PAGE) == 0);
	again = map_phys(env->spare_phys, PAGE, RW);
	EXPECT(again == first && reads(again, 1));
	EXPECT(unmap_phys(again, PAGE) == 0);
	/* large after small, and small after large, at the same addresses */
	first = map_phys(env->spare_phys, SECOND_LEAF, RW);
	EXPECT(first != NULL && reads(first + PAGE, 2));
	EXPECT(unmap_phys(first, SECOND_LEAF) == 0);
	again = map_phys(env->spare_phys + PAGE, SECOND_LEAF, RW);
	EXPECT(again != NULL && reads(again, 2));
	EXPECT(unmap_phys(again, SECOND_LEAF) == 0);
	return NULL;
}

static const char *no_stale_right(void)
{
	uint8_t *memory = k_mem_map(2 * PAGE, RW);

	EXPECT(memory != NULL && fill(memory, 2, 70));
	EXPECT(k_mem_update_flags(memory, PAGE, 0) == 0);
	EXPECT(env->write(memory, 1) == -EACCES && filled(memory, 2, 70));
	EXPECT(env->write(memory + PAGE, 1) == 0);
	EXPECT(k_mem_update_flags(memory, PAGE, RW) == 0);
	env->code_put(memory);
	EXPECT(k_mem_update_flags(memory, PAGE, EXEC) == 0 && env->exec(memory) == 0);
	EXPECT(k_mem_update_flags(memory, PAGE, 0) == 0 && env->exec(memory) == -EACCES);
	EXPECT(k_mem_unmap(memory, 2 * PAGE) == 0);
	return NULL;
}

/* Frames go from page to page, and every page is looked at before and after. */
static const char *no_stale_frame(void)
{
	const uint32_t pages = 3 * SUITE_FRAMES / 2;
	uint8_t *memory = k_mem_map(pages * PAGE, RW);

	EXPECT(memory != NULL);
	for (uint64_t round = 0; round < 3; round++) {
		EXPECT(fill(memory, pages, 100 * round) && filled(memory, pages, 100 * round));
	}
	EXPECT(k_mem_unmap(memory, pages * PAGE) == 0);
	memory = k_mem_map(pages * PAGE, RW);
	EXPECT(memory != NULL);
	for (uint32_t i = 0; i < pages; i++) {
		EXPECT(reads(word_in(memory, i), 0));
	}
	EXPECT(k_mem_unmap(memory, pages * PAGE) == 0);
	return NULL;
}

/* ---- queries ------------------------------------------------------------------------- */

static const char *queries(void)
{
	uint8_t *memory = k_mem_map(2 * PAGE, RW);
	uintptr_t location = 0, phys = 0;

	EXPECT(memory != NULL);
	EXPECT(location_get(memory, &location) == ARCH_PAGE_LOCATION_PAGED_OUT);
	EXPECT(arch_page_phys_get(memory, &phys) == -EFAULT);
	EXPECT(env->write(memory, 1) == 0);
	EXPECT(location_get(memory, &location) == ARCH_PAGE_LOCATION_PAGED_IN);
	EXPECT(phys_of(memory + 100) == location + 100);
	EXPECT(k_mem_page_out(memory, PAGE) == 0);
	EXPECT(location_get(memory, &location) == ARCH_PAGE_LOCATION_PAGED_OUT);
	EXPECT(location >> K_MEM_LOCATION_SLOT_BITS == 0);
	EXPECT(arch_page_phys_get(memory, &phys) == -EFAULT);
	EXPECT(location_get(memory - PAGE, &location) == ARCH_PAGE_LOCATION_BAD);
	EXPECT(location_get(memory + 2 * PAGE, &location) == ARCH_PAGE_LOCATION_BAD);
	EXPECT(info_get(memory - PAGE, false) & ARCH_DATA_PAGE_NOT_MAPPED);
	EXPECT(arch_page_phys_get((uint8_t *)CONFIG_KERNEL_VM_BASE - 1, &phys) == -EFAULT);
	EXPECT(phys_of(env->data) != (uintptr_t)-1);
	EXPECT(location_get(env->data, &location) == ARCH_PAGE_LOCATION_PAGED_IN);
	EXPECT(k_mem_unmap(memory, 2 * PAGE) == 0);
	EXPECT(location_get(memory, &location) == ARCH_PAGE_LOCATION_BAD);
	return NULL;
}

/* The one set of tables is made current again: everything is where it was. */
static const char *tables_made_current_again(void)
{
	uint8_t *memory = k_mem_map(4 * PAGE, RW);
	qr_port_key_t key;
	uintptr_t phys;

	EXPECT(memory != NULL && fill(memory, 4, 80));
	EXPECT(k_mem_page_out(memory, PAGE) == 0);
	phys = phys_of(memory + PAGE);
	key = qr_port_irq_lock();
	arch_mem_start();
	qr_port_irq_unlock(key);
	EXPECT(phys_of(memory + PAGE) == phys);
	EXPECT(filled(memory, 4, 80));
	EXPECT(k_mem_unmap(memory, 4 * PAGE) == 0);
	return NULL;
}

/* ---- laws (docs/architecture.md) that each machine must show for itself ----------------- */

static arch_token_t token_of(const void *addr)
{
	return arch_page_token(page_get(addr));
}

static void token_set(void *addr, arch_token_t token)
{
	qr_port_key_t key = qr_port_lock();

	arch_page_token_set(addr, token);
	qr_port_unlock(key);
}

static size_t rights_set(void *addr, size_t size, uint32_t flags)
{
	qr_port_key_t key = qr_port_lock();
	size_t done = arch_mem_flags(addr, size, flags);

	qr_port_unlock(key);
	return done;
}

/* Entries are changed behind the core's back, and it follows, for it knows no better: where the
 * content is, what may be done with it, how large the mapping is. */
static const char *L9_entries_are_the_only_state(void)
{
	uint8_t *memory = k_mem_map(2 * PAGE, RW);
	arch_token_t token;

	EXPECT(memory != NULL && fill(memory, 2, 30));
	EXPECT(k_mem_page_out(memory, 2 * PAGE) == 0);
	token = token_of(memory);
	token_set(memory, token_of(memory + PAGE));
	token_set(memory + PAGE, token);
	EXPECT(reads(memory + (word_in(memory, 1) - (memory + PAGE)), 31));
	EXPECT(reads(memory + PAGE, 30));
	EXPECT(k_mem_page_out(memory, PAGE) == 0);
	EXPECT(rights_set(memory, 2 * PAGE, 0) == 2 * PAGE);
	EXPECT(env->write(memory, 1) == -EACCES && env->write(memory + PAGE, 1) == -EACCES);
	EXPECT(rights_set(memory, 2 * PAGE, RW) == 2 * PAGE);
	EXPECT(env->write(memory, 1) == 0 && env->write(memory + PAGE, 1) == 0);
	token_set(memory - PAGE, ARCH_TOKEN(ARCH_TOKEN_GUARD_BEGIN, 1));
	EXPECT(k_mem_unmap(memory, 2 * PAGE) == -EINVAL);
	token_set(memory - PAGE, ARCH_TOKEN(ARCH_TOKEN_GUARD_BEGIN, 2));
	EXPECT(k_mem_unmap(memory, PAGE) == -EINVAL);
	EXPECT(k_mem_unmap(memory, 2 * PAGE) == 0);
	return NULL;
}

/* ---- paging -------------------------------------------------------------------------- */

static const char *out_and_in_again(void)
{
	const uint32_t pages = SUITE_FRAMES / 2;
	uint8_t *memory = k_mem_map(pages * PAGE, RW);
	struct k_mem_paging_stats_t before;

	EXPECT(memory != NULL && fill(memory, pages, 200));
	before = stats();
	EXPECT(k_mem_page_out(memory, pages * PAGE) == 0);
	EXPECT(stats().eviction.dirty - before.eviction.dirty == pages);
	EXPECT(filled(memory, pages, 200));
	EXPECT(stats().pagefaults.cnt - before.pagefaults.cnt == pages);
	EXPECT(stats().transfer.page_in - before.transfer.page_in == pages);
	/* clean now, and dropped */
	EXPECT(k_mem_page_out(memory, pages * PAGE) == 0);
	EXPECT(stats().eviction.clean - before.eviction.clean == pages);
	EXPECT(k_mem_page_in(memory, pages * PAGE) == 0);
	before = stats();
	EXPECT(filled(memory, pages, 200));
	EXPECT(stats().pagefaults.cnt == before.pagefaults.cnt);
	EXPECT(k_mem_unmap(memory, pages * PAGE) == 0);
	return NULL;
}

static const char *zeros_are_shared_until_written(void)
{
	uint8_t *memory = k_mem_map(3 * PAGE, RW);
	size_t free_bytes = k_mem_free_get();

	EXPECT(memory != NULL);
	EXPECT(reads(memory, 0) && reads(memory + PAGE + 8, 0));
	EXPECT(phys_of(memory) == phys_of(memory + PAGE));
	EXPECT(k_mem_free_get() == free_bytes);
	EXPECT(env->write(memory + 16, 5) == 0);
	EXPECT(phys_of(memory) != phys_of(memory + PAGE));
	EXPECT(k_mem_free_get() == free_bytes - PAGE);
	EXPECT(reads(memory, 0) && reads(memory + 16, 5) && reads(memory + PAGE + 16, 0));
	EXPECT(env->write(memory + 2 * PAGE, 6) == 0);
	EXPECT(reads(memory + 2 * PAGE, 6) && reads(memory + PAGE, 0) && reads(memory + 8, 0));
	EXPECT(k_mem_unmap(memory, 3 * PAGE) == 0);
	EXPECT(k_mem_free_get() == free_bytes);
	return NULL;
}

/* Three times as many pages as frames: with nothing asked for they go out and come back. */
static const char *memory_larger_than_ram(void)
{
	const uint32_t pages = 3 * SUITE_FRAMES;
	uint8_t *memory = k_mem_map(pages * PAGE, RW);
	uint32_t out = 0;

	EXPECT(memory != NULL);
	for (uint32_t round = 0; round < 2; round++) {
		EXPECT(fill(memory, pages, 70 + round) && filled(memory, pages, 70 + round));
		out = 0;
		for (uint32_t i = 0; i < pages; i++) {
			out += !(page_get(memory + i * PAGE) & ARCH_DATA_PAGE_LOADED) ? 1 : 0;
		}
		EXPECT(!CONFIG_DEMAND_PAGING || out >= pages - SUITE_FRAMES);
	}
	EXPECT(k_mem_unmap(memory, pages * PAGE) == 0);
	return NULL;
}

static const char *pinned_pages_stay(void)
{
	const uint32_t pages = 2 * SUITE_FRAMES;
	uint8_t *pinned = k_mem_map(4 * PAGE, RW), *others = k_mem_map(pages * PAGE, RW);
	uint8_t *locked = k_mem_map(4 * PAGE, RW | K_MEM_MAP_LOCK);
	uintptr_t phys[8];
	unsigned long before;

	EXPECT(pinned != NULL && others != NULL && locked != NULL);
	EXPECT(fill(pinned, 4, 300) && fill(locked, 4, 400));
	EXPECT(k_mem_pin(pinned, 4 * PAGE) == 0);
	for (uint32_t i = 0; i < 8; i++) {
		phys[i] = phys_of(i < 4 ? pinned + i * PAGE : locked + (i - 4) * PAGE);
	}
	EXPECT(fill(others, pages, 500) && filled(others, pages, 500));
	EXPECT(k_mem_page_out(pinned, 4 * PAGE) == 0 && k_mem_page_out(locked, 4 * PAGE) == 0);
	EXPECT(k_mem_page_frame_evict(phys[0]) == -EBUSY);
	before = stats().pagefaults.cnt;
	for (uint32_t i = 0; i < 8; i++) {
		EXPECT(phys_of(i < 4 ? pinned + i * PAGE : locked + (i - 4) * PAGE) == phys[i]);
	}
	EXPECT(filled(pinned, 4, 300) && filled(locked, 4, 400));
	EXPECT(stats().pagefaults.cnt == before);
	EXPECT(k_mem_unpin(pinned, 4 * PAGE) == 0);
	EXPECT(k_mem_page_out(pinned, 4 * PAGE) == 0 && filled(pinned, 4, 300));
	EXPECT(stats().pagefaults.cnt == before + 4);
	EXPECT(k_mem_unmap(pinned, 4 * PAGE) == 0 && k_mem_unmap(others, pages * PAGE) == 0 &&
	       k_mem_unmap(locked, 4 * PAGE) == 0);
	return NULL;
}

static const char *pinned_buffer_is_contiguous(void)
{
	uint8_t *buffer = env->pinned_buffer;
	uint32_t pages = (uint32_t)(env->pinned_bytes / PAGE);

	EXPECT(fill(buffer, pages, 600));
	for (uint32_t i = 0; i < pages; i++) {
		EXPECT(phys_of(buffer + i * PAGE) == phys_of(buffer) + i * PAGE);
	}
	EXPECT(k_mem_page_out(buffer, pages * PAGE) == 0);
	EXPECT(filled(buffer, pages, 600));
	return NULL;
}

static const char *content_survives_a_change_of_rights_on_disk(void)
{
	uint8_t *memory = k_mem_map(2 * PAGE, RW);

	EXPECT(memory != NULL && fill(memory, 2, 20));
	env->code_put(memory + PAGE);
	EXPECT(k_mem_page_out(memory, 2 * PAGE) == 0);
	EXPECT(k_mem_update_flags(memory, PAGE, 0) == 0);
	EXPECT(k_mem_update_flags(memory + PAGE, PAGE, EXEC) == 0);
	EXPECT(reads(memory, 20) && env->write(memory, 1) == -EACCES);
	EXPECT(env->exec(memory + PAGE) == 0 && env->write(memory + PAGE, 1) == -EACCES);
	EXPECT(k_mem_unmap(memory, 2 * PAGE) == 0);
	return NULL;
}

/* The window on frames shows the frame it was opened on, time after time. */
static const char *scratch_window(void)
{
	uint8_t *memory = k_mem_map(2 * PAGE, RW | K_MEM_MAP_LOCK);
	unsigned long key;
	uint64_t *window;

	EXPECT(memory != NULL && fill(memory, 2, 0));
	for (uint64_t round = 0; round < 6; round++) {
		uint8_t *page = memory + round % 2 * PAGE;

		window = k_mem_scratch_open(phys_of(page), &key);
		window[100] = 800 + round;
		k_mem_scratch_close(key);
		EXPECT(reads(page + 800, 800 + round));
		EXPECT(env->write(page + 16, round) == 0);
		window = k_mem_scratch_open(phys_of(page), &key);
		EXPECT(window[2] == round);
		k_mem_scratch_close(key);
	}
	EXPECT(k_mem_unmap(memory, 2 * PAGE) == 0);
	return NULL;
}

/* ---- all of it ----------------------------------------------------------------------- */

#define RIGHTS CONFIG_MEM_UPDATE_FLAGS
#define MOVES  CONFIG_DEMAND_PAGING_REQUESTS
#define LARGE  CONFIG_MMU_LARGE_PAGES
#define ZEROS  (CONFIG_DEMAND_PAGING_ZERO_PAGE && MOVES)

static const struct suite_case tests[] = {
	TEST(image_rights),
	TEST_WITH(RIGHTS, anonymous_rights),
	TEST(physical_rights),
	TEST_WITH(RIGHTS, user_rights),
	TEST_WITH(RIGHTS, kernel_never_executes_user_code),
	TEST(kernel_access_to_user_memory_ends),
	TEST(guards_and_gaps),
	TEST(refused_accesses_are_told_apart),
	TEST(odd_physical_addresses),
	TEST_WITH(LARGE, large_leaves_translate),
	TEST_WITH(LARGE && RIGHTS, large_leaves_split_for_rights),
	TEST_WITH(LARGE, large_leaves_split_for_unmapping),
	TEST_WITH(LARGE && RIGHTS, largest_leaves),
	TEST(large_neighbours_are_two_mappings),
	TEST(every_part_of_the_space),
	TEST_WITH(RIGHTS, cache_modes),
	TEST_WITH(MOVES, accessed_and_dirty_are_seen),
	TEST(cleared_accessed_comes_back),
	TEST_WITH(MOVES, bits_cost_what_they_should),
	TEST_WITH(LARGE, no_stale_address),
	TEST_WITH(RIGHTS, no_stale_right),
	TEST(no_stale_frame),
	TEST_WITH(MOVES, queries),
	TEST_WITH(MOVES, tables_made_current_again),
	TEST_WITH(MOVES, L9_entries_are_the_only_state),
	TEST_WITH(MOVES, out_and_in_again),
	TEST_WITH(ZEROS, zeros_are_shared_until_written),
	TEST_WITH(MOVES, pinned_pages_stay),
	TEST_WITH(MOVES, pinned_buffer_is_contiguous),
	TEST(memory_larger_than_ram),
	TEST_WITH(MOVES && RIGHTS, content_survives_a_change_of_rights_on_disk),
	TEST(scratch_window),
};
#define OWN_COUNT  ((unsigned int)(sizeof(tests) / sizeof(tests[0])))
#define TEST_COUNT (OWN_COUNT + SUITE_DOMAIN_CASES + SUITE_COPY_CASES)

/* A line of output, made of texts and numbers. */
static struct {
	char text[256];
	size_t length;
} line;

static void put(const char *text)
{
	while (*text != '\0' && line.length + 1 < sizeof(line.text)) {
		line.text[line.length++] = *text++;
	}
	line.text[line.length] = '\0';
}

static void put_number(const char *before, unsigned int number)
{
	char digits[12];
	size_t at = sizeof(digits) - 1;

	digits[at] = '\0';
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	put(before);
	put(digits + at);
}

static void print_line(void)
{
	env->print(line.text);
	line.length = 0;
}

unsigned int suite_count(void)
{
	return TEST_COUNT;
}

/* Of which machine the tests that follow are: tools/tap makes its table from this line. */
static void print_machine(void)
{
	put("# conformance ");
	put(env->machine);
	put(" ");
	put(env->format);
	put(" ");
	put(env->flags);
	print_line();
}

static const struct suite_case *case_of(unsigned int i)
{
	if (i < OWN_COUNT) {
		return &tests[i];
	}
	i -= OWN_COUNT;
	return i < SUITE_DOMAIN_CASES ? &suite_domain_cases[i]
				      : &suite_copy_cases[i - SUITE_DOMAIN_CASES];
}

unsigned int suite_run(const struct suite_env *environment, unsigned int first)
{
	unsigned int failed = 0;

	env = environment;
	print_machine();
	for (unsigned int i = 0; i < TEST_COUNT; i++) {
		const struct suite_case *test = case_of(i);
		const char *why = test->possible ? test->run() : suite_skip;
		bool fails = why != NULL && why != suite_skip;

		failed += fails;
		put_number(fails ? "not ok " : "ok ", first + i);
		put(" - ");
		put(test->name);
		put(why == suite_skip ? " # SKIP not here" : "");
		print_line();
		if (fails) {
			put("# ");
			put(why);
			print_line();
		}
	}
	return failed;
}
