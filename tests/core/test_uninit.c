/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_uninit.c - memory mapped K_MEM_MAP_UNINIT and opened to user mode: every way in which a page
 * comes into a frame without being written, with every way of opening it. User mode finds zeros
 * there, or what the kernel wrote, and never what another mapping left in the frame.
 */
#include "domain_help.h"

#include <mm/frame.h>

#include "audit.h"

#define SECRET 0x5ec2e7u
#define PAGES  3u
#define WORDS  (RIG_PAGE / sizeof(uint64_t))
#define RW     K_MEM_PERM_RW

static struct k_mem_domain domain, other;
static enum rig_ram ram;

/* Every frame holds what somebody else wrote. */
static void secrets(void)
{
	const uint32_t count = (uint32_t)(k_mem_free_get() / RIG_PAGE);
	uint8_t *memory = pages_map(count, RW | K_MEM_MAP_LOCK);

	for (size_t i = 0; i < count * WORDS; i++) {
		rig_put(memory + i * sizeof(uint64_t), SECRET);
	}
	pages_unmap(memory, count);
}

static void start(void)
{
	const struct rig rig = {
		.frames = 12, .slots = 60, .software_flags = software, .ram = ram};

	rig_start(&rig);
	secrets();
	domain_start(&domain);
	domain_start(&other);
}

/* ---- ways into a frame --------------------------------------------------------------- */

static void read_all(uint8_t *memory)
{
	for (uint32_t i = 0; i < PAGES; i++) {
		(void)rig_get(memory + i * RIG_PAGE);
	}
}

static uint8_t *map(uint32_t flags)
{
	return pages_map(PAGES, flags | K_MEM_MAP_UNINIT);
}

static uint8_t *untouched(void)
{
	return map(RW);
}

static uint8_t *locked(void)
{
	return map(RW | K_MEM_MAP_LOCK);
}

static uint8_t *locked_to_read(void)
{
	uint8_t *memory = map(K_MEM_MAP_LOCK);

	assert_int_equal(k_mem_update_flags(memory, PAGES * RIG_PAGE, RW), 0);
	return memory;
}

static uint8_t *was_read(void)
{
	uint8_t *memory = map(RW);

	read_all(memory);
	return memory;
}

static uint8_t *brought_in(void)
{
	uint8_t *memory = map(RW);

	assert_int_equal(k_mem_page_in(memory, PAGES * RIG_PAGE), 0);
	return memory;
}

static uint8_t *pinned(void)
{
	uint8_t *memory = map(RW);

	assert_int_equal(k_mem_pin(memory, PAGES * RIG_PAGE), 0);
	return memory;
}

static uint8_t *pinned_after_reading(void)
{
	uint8_t *memory = was_read();

	assert_int_equal(k_mem_pin(memory, PAGES * RIG_PAGE), 0);
	return memory;
}

static uint8_t *pinned_and_let_go(void)
{
	uint8_t *memory = pinned();

	assert_int_equal(k_mem_unpin(memory, PAGES * RIG_PAGE), 0);
	return memory;
}

/* The right to write comes when the page is in its frame. */
static uint8_t *became_writable(void)
{
	uint8_t *memory = map(0);

	read_all(memory);
	assert_int_equal(k_mem_update_flags(memory, PAGES * RIG_PAGE, RW), 0);
	return memory;
}

static uint8_t *pinned_to_read(void)
{
	uint8_t *memory = map(0);

	assert_int_equal(k_mem_pin(memory, PAGES * RIG_PAGE), 0);
	assert_int_equal(k_mem_update_flags(memory, PAGES * RIG_PAGE, RW), 0);
	return memory;
}

static uint8_t *went_and_came(void)
{
	uint8_t *memory = was_read();

	pages_out(memory, PAGES);
	read_all(memory);
	return memory;
}

/* A partition of the kernel's rights alone is nothing that opens. */
static uint8_t *in_closed_partition(void)
{
	uint8_t *memory = map(RW);

	assert_int_equal(part_add(&other, memory, PAGES, K_MEM_PARTITION_P_RW_U_NA), 0);
	read_all(memory);
	k_mem_domain_switch(&other);
	read_all(memory);
	k_mem_domain_switch(NULL);
	assert_int_equal(part_remove(&other, memory, PAGES), 0);
	return memory;
}

static const struct {
	const char *name;
	uint8_t *(*come)(void);
} ways_in[] = {
	{"untouched", untouched},
	{"locked", locked},
	{"locked to read", locked_to_read},
	{"read", was_read},
	{"brought in", brought_in},
	{"pinned", pinned},
	{"pinned after reading", pinned_after_reading},
	{"pinned and let go", pinned_and_let_go},
	{"became writable", became_writable},
	{"pinned to read", pinned_to_read},
	{"went and came", went_and_came},
	{"in a closed partition", in_closed_partition},
};

/* ---- ways of opening ------------------------------------------------------------------- */

static void open_to_write(uint8_t *memory)
{
	assert_int_equal(k_mem_update_flags(memory, PAGES * RIG_PAGE, RW | K_MEM_PERM_USER), 0);
}

static void open_to_read(uint8_t *memory)
{
	assert_int_equal(k_mem_update_flags(memory, PAGES * RIG_PAGE, K_MEM_PERM_USER), 0);
}

static void open_page_by_page(uint8_t *memory)
{
	for (uint32_t i = PAGES; i-- > 0;) {
		assert_int_equal(k_mem_update_flags(memory + i * RIG_PAGE, RIG_PAGE,
						    RW | K_MEM_PERM_USER), 0);
	}
}

static void open_again(uint8_t *memory)
{
	open_to_write(memory);
	assert_int_equal(k_mem_update_flags(memory, PAGES * RIG_PAGE, RW), 0);
	read_all(memory);
	open_to_write(memory);
}

static void add_partition(uint8_t *memory)
{
	assert_int_equal(part_add(&domain, memory, PAGES, U_RW), 0);
}

static void add_partition_to_read(uint8_t *memory)
{
	assert_int_equal(part_add(&domain, memory, PAGES, U_RO), 0);
}

static void add_partition_while_current(uint8_t *memory)
{
	k_mem_domain_switch(&domain);
	add_partition(memory);
}

static void init_with_list(uint8_t *memory)
{
	struct k_mem_partition part = part_of(memory, PAGES, U_RW);
	struct k_mem_partition *list[] = {&part};

	domain_end(&domain);
	assert_int_equal(k_mem_domain_init(&domain, 1, list), 0);
}

static void add_partition_again(uint8_t *memory)
{
	add_partition(memory);
	assert_int_equal(part_remove(&domain, memory, PAGES), 0);
	read_all(memory);
	add_partition(memory);
}

static void open_in_another_first(uint8_t *memory)
{
	assert_int_equal(part_add(&other, memory, PAGES, U_RO), 0);
	read_all(memory);
	add_partition(memory);
}

static void partition_and_rights(uint8_t *memory)
{
	assert_int_equal(part_add(&domain, memory, PAGES, K_MEM_PARTITION_P_RW_U_NA), 0);
	read_all(memory);
	assert_int_equal(part_remove(&domain, memory, PAGES), 0);
	open_to_write(memory);
}

static const struct {
	const char *name;
	void (*open)(uint8_t *memory);
} ways_open[] = {
	{"to write", open_to_write},
	{"to read", open_to_read},
	{"page by page", open_page_by_page},
	{"again", open_again},
	{"partition", add_partition},
	{"partition to read", add_partition_to_read},
	{"partition while current", add_partition_while_current},
	{"list of init", init_with_list},
	{"partition again", add_partition_again},
	{"another's partition first", open_in_another_first},
	{"partition, then rights", partition_and_rights},
};

/* ---- what user mode finds ---------------------------------------------------------------- */

static void user_finds(uint8_t *memory, uint64_t wanted, uint32_t in, uint32_t open)
{
	for (size_t i = 0; i < PAGES * WORDS; i++) {
		uint64_t word = SECRET;

		assert_int_equal(user_read(&domain, memory + i * sizeof(word), &word), 0);
		if (word != wanted) {
			fail_msg("%s, opened %s: word %zu is %jx", ways_in[in].name,
				 ways_open[open].name, i, (uintmax_t)word);
		}
	}
}

static void end(uint8_t *memory, struct rig_counts before)
{
	k_mem_domain_switch(NULL);
	assert_null(audit());
	pages_unmap(memory, PAGES);
	domain_end(&domain);
	domain_end(&other);
	domains_check(before);
}

/* `write`: the kernel has written all of it before it opens it. */
static void all_ways(bool write)
{
	for (uint32_t in = 0; in < sizeof(ways_in) / sizeof(ways_in[0]); in++) {
		for (uint32_t open = 0; open < sizeof(ways_open) / sizeof(ways_open[0]); open++) {
			struct rig_counts before;
			uint8_t *memory;

			ram = RIG_RAM(in + open);
			start();
			before = rig_counts();
			memory = ways_in[in].come();
			for (size_t i = 0; write && i < PAGES * WORDS; i++) {
				rig_put(memory + i * sizeof(uint64_t), 77);
			}
			ways_open[open].open(memory);
			user_finds(memory, write ? 77 : 0, in, open);
			end(memory, before);
		}
	}
}

static void test_untouched_pages_are_opened_as_zeros(void **state)
{
	(void)state;
	all_ways(false);
}

static void test_written_pages_keep_what_was_written(void **state)
{
	(void)state;
	all_ways(true);
}

/* The kernel on another CPU writes to a page while those before it are opened. */
static uint8_t *victim;
static bool struck;

static void write_meanwhile(const qr_entry_t *first, size_t count)
{
	const uint64_t word = 99;

	(void)first;
	(void)count;
	if (!struck) {
		struck = emu_write((uintptr_t)victim, &word, sizeof(word), 0) == 0;
	}
}

static void test_a_page_written_at_the_last_moment_is_kept(void **state)
{
	struct rig_counts before;
	uint64_t word = 0;
	uint8_t *memory;

	(void)state;
	if (software || !CONFIG_DEMAND_PAGING) {
		return; /* the first write is a fault, which waits for the lock */
	}
	for (uint32_t how = 0; how < 2; how++) {
		start();
		before = rig_counts();
		memory = was_read();
		victim = memory + RIG_PAGE;
		struck = false;
		emu_publish_hook = write_meanwhile;
		(how == 0 ? open_to_write : add_partition)(memory);
		emu_publish_hook = NULL;
		assert_true(struck);
		assert_int_equal(user_read(&domain, victim, &word), 0);
		assert_int_equal(word, 99);
		assert_int_equal(user_read(&domain, memory, &word), 0);
		assert_int_equal(word, 0);
		end(memory, before);
	}
}

/* Frames that untouched pages give up are free. */
static void test_frames_of_untouched_pages_are_free_again(void **state)
{
	struct rig_counts before;
	size_t free_bytes;
	uint8_t *memory;

	(void)state;
	start();
	before = rig_counts();
	memory = was_read();
	free_bytes = k_mem_free_get();
	open_to_write(memory);
	if (CONFIG_DEMAND_PAGING) {
		assert_int_equal(k_mem_free_get(), free_bytes + PAGES * RIG_PAGE);
	}
	end(memory, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_untouched_pages_are_opened_as_zeros, setup_hardware),
		cmocka_unit_test_setup(test_untouched_pages_are_opened_as_zeros, setup_software),
		cmocka_unit_test_setup(test_written_pages_keep_what_was_written, setup_hardware),
		cmocka_unit_test_setup(test_written_pages_keep_what_was_written, setup_software),
		cmocka_unit_test_setup(test_a_page_written_at_the_last_moment_is_kept,
				       setup_hardware),
		cmocka_unit_test_setup(test_frames_of_untouched_pages_are_free_again,
				       setup_hardware),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
