/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_phys.c - a CPU that has fewer physical address bits than the entry format: what it has not
 * is refused wherever an address comes in, as an access to it would end the machine.
 */
#include "help.h"

#include <entry.h>

#define MIB 0x100000u

static int map_phys(uint64_t phys, size_t size)
{
	uint8_t *virt = NULL;
	int status = k_mem_map_phys_bare(&virt, (uintptr_t)phys, size, 0);

	if (status == 0) {
		assert_int_equal(k_mem_unmap_phys_bare(virt, size), 0);
	}
	return status;
}

static void test_devices_beyond_what_the_cpu_has(void **state)
{
	static const unsigned int widths[] = {32, 36, 39, 40, 46};

	(void)state;
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		const struct rig rig = {.frames = 8, .slots = 8, .phys_bits = widths[i]};
		const uint64_t end = (uint64_t)1 << widths[i];

		rig_start(&rig);
		assert_int_equal(arch_phys_end(), end);
		assert_int_equal(map_phys(end - RIG_PAGE, RIG_PAGE), 0);
		assert_int_equal(map_phys(end - 1, 1), 0);
		assert_int_equal(map_phys(end - 4 * MIB, 4 * MIB), 0);
		assert_int_equal(map_phys(end, 1), -EINVAL);
		assert_int_equal(map_phys(end - 1, 2), -EINVAL);
		assert_int_equal(map_phys(end - RIG_PAGE, 2 * RIG_PAGE), -EINVAL);
		assert_int_equal(map_phys(end - 2 * MIB, 4 * MIB), -EINVAL);
		assert_int_equal(map_phys(2 * end, RIG_PAGE), -EINVAL);
		assert_int_equal(map_phys(((uint64_t)1 << ENTRY_PA_BITS) - RIG_PAGE, RIG_PAGE),
				 -EINVAL);
		rig_check();
	}
}

/* A CPU may say more than the format holds. */
static void test_the_format_is_a_limit_too(void **state)
{
	const struct rig rig = {.frames = 8, .slots = 8, .phys_bits = ENTRY_PA_BITS + 4};

	(void)state;
	rig_start(&rig);
	assert_int_equal(arch_phys_end(), (uint64_t)1 << ENTRY_PA_BITS);
	assert_int_equal(map_phys(arch_phys_end(), RIG_PAGE), -EINVAL);
	rig_check();
}

/* RAM and image where they are told, on a CPU of so many bits. */
static int init_status(unsigned int bits, uintptr_t ram, uintptr_t image_phys)
{
	const struct k_mem_range bank = {ram, 16 * RIG_PAGE};
	const struct k_mem_image image = {.virt = (void *)RIG_TEXT, .size = 2 * RIG_PAGE,
					  .phys = image_phys, .flags = K_MEM_PERM_RW};
	const struct k_mem_config config = {
		.banks = &bank, .bank_count = 1,
		.image = &image, .image_count = 1, .policy = &k_mem_policy_clock,
	};

	strict_reset();
	assert_int_equal(emu_init(ram, 16 * RIG_PAGE), 0);
	emu_phys_bits(bits);
	rig_forget();
	return k_mem_init(&config);
}

/* As a kernel starts: nothing of this was asked before. */
static void test_ram_beyond_what_the_cpu_has_at_the_first_start(void **state)
{
	const uintptr_t end = (uintptr_t)1 << 36;

	(void)state;
	assert_int_equal(init_status(36, end, 0x1000), -EINVAL);
	assert_int_equal(init_status(37, end, end), 0);
}

/* Asked before the MMU is on. */
static void test_ram_and_image_beyond_what_the_cpu_has(void **state)
{
	const uintptr_t end = (uintptr_t)1 << 36;

	(void)state;
	assert_int_equal(init_status(36, end - 16 * RIG_PAGE, end - 16 * RIG_PAGE), 0);
	assert_int_equal(init_status(36, end, 0x1000), -EINVAL);
	assert_int_equal(init_status(36, end - 15 * RIG_PAGE, 0x1000), -EINVAL);
	assert_int_equal(init_status(36, end - 16 * RIG_PAGE, end), -EINVAL);
	assert_int_equal(init_status(36, end - 16 * RIG_PAGE, end - RIG_PAGE), -EINVAL);
	assert_int_equal(init_status(37, end - 16 * RIG_PAGE, end - RIG_PAGE), 0);
	assert_int_equal(init_status(0, end - 16 * RIG_PAGE, end), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* the first one */
		cmocka_unit_test(test_ram_beyond_what_the_cpu_has_at_the_first_start),
		cmocka_unit_test(test_devices_beyond_what_the_cpu_has),
		cmocka_unit_test(test_the_format_is_a_limit_too),
		cmocka_unit_test(test_ram_and_image_beyond_what_the_cpu_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
