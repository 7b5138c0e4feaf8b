/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - physical addresses that this CPU does not have cannot be mapped. Prints TAP.
 *
 *     bits=N  how many bits they have, as is known of the model of CPU
 */
#include <quire/arch.h>
#include <quire/mm.h>

#include "kernel/kernel.h"

#define PAGE ((size_t)CONFIG_MMU_PAGE_SIZE)

static unsigned int test_count, failed_count;

static void check(bool passed, const char *name)
{
	test_count++;
	failed_count += !passed;
	kernel_printf("%sok %u - %s\n", passed ? "" : "not ", test_count, name);
}

static int map(uint64_t phys, size_t size)
{
	uint8_t *virt = NULL;
	int status = k_mem_map_phys_bare(&virt, (uintptr_t)phys, size, K_MEM_CACHE_NONE);

	return status != 0 ? status : k_mem_unmap_phys_bare(virt, size);
}

int app_main(void)
{
	const uint64_t end = (uint64_t)1 << kernel_option_number("bits", 0);

	kernel_printf("# end %lx, expected %lx\n", arch_phys_end(), end);
	check(arch_phys_end() == end, "the core knows what the CPU has");
	check(map(end - PAGE, PAGE) == 0, "the last page");
	check(map(end - PAGE, 2 * PAGE) == -EINVAL, "one more");
	check(map(end, 1) == -EINVAL, "the first byte beyond");
	check(map(end << 1, 1) == -EINVAL, "a byte far beyond");
	kernel_printf("1..%u\n", test_count);
	return failed_count != 0;
}
