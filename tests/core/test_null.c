/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_null.c - NULL for each pointer of each public function, one at a time, with all others
 * fine: what each answers (quire/mm.h), and that nothing changed. tests/tools/null_test sees that
 * no function of include/quire is forgotten here.
 */
#include "domain_help.h"

#include <string.h>

#include <quire/block.h>
#include <quire/compressed.h>
#include <quire/imagestore.h>
#include <quire/ramstore.h>
#include <quire/zephyr_store.h>

#include <mm/domain.h>

#define IGNORED 0 /* of a function without a status */

/* What the calls below are given where it is not NULL. */
static struct {
	struct k_mem_domain domain, other;
	struct k_mem_partition part;
	void *memory; /* two pages, mapped */
	void *user;   /* one, for user mode */
	void *addr;
	uint8_t *virt;
	struct k_mem_paging_stats_t stats;
	struct k_mem_paging_histogram_t hist;
	struct k_mem_store store;
	struct k_mem_ram_store ram;
	struct k_mem_image_store image;
	struct k_mem_block block;
	struct k_mem_block_ops block_ops;
	struct k_mem_compressed compressed;
	struct k_mem_compressor compressor;
	struct k_mem_compressed_stats compressed_stats;
	struct k_mem_compressed_slot slots[8];
	struct k_mem_zephyr_store zephyr;
	struct k_mem_zephyr_plugin plugin;
	struct k_mem_slot_map map;
	struct k_mem_store_ops lower_ops;
	uint64_t words[K_MEM_SLOT_MAP_WORDS(8)];
	uintptr_t locations[8];
	uint64_t pages[8][CONFIG_MMU_PAGE_SIZE / sizeof(uint64_t)];
	void *scratch;
	uint32_t slot;
	char frames[8];
	int error;
} g;

/* ---- functions for structures ---------------------------------------------------------- */

static int submit(void *device, struct k_mem_io *io, uint64_t sector)
{
	(void)device;
	(void)io;
	(void)sector;
	return 0;
}

static size_t compress(void *work, const void *page, void *packed, size_t packed_max)
{
	(void)work;
	(void)page;
	(void)packed;
	(void)packed_max;
	return 0;
}

static int decompress(const void *packed, size_t packed_bytes, void *page)
{
	(void)packed;
	(void)packed_bytes;
	(void)page;
	return 0;
}

static int location_get(struct k_mem_page_frame *pf, uintptr_t *location, bool page_fault)
{
	(void)pf;
	(void)location;
	(void)page_fault;
	return 0;
}

static void with_location(uintptr_t location)
{
	(void)location;
}

/* ---- all fine ------------------------------------------------------------------------------ */

static void fine_stores(void)
{
	struct k_mem_store lower;

	g.block_ops = (struct k_mem_block_ops){.submit = submit};
	g.block = (struct k_mem_block){
		.ops = &g.block_ops, .sector_count = 64, .page_count_max = 1};
	g.compressor = (struct k_mem_compressor){
		.work_bytes = 8, .compress = compress, .decompress = decompress};
	assert_int_equal(k_mem_ram_store_init(&lower, &g.ram, g.pages, 8, g.words), 0);
	g.lower_ops = *lower.ops;
	lower.ops = &g.lower_ops;
	memset(&g.compressed, 0, sizeof(g.compressed));
	g.compressed.lower = lower;
	g.compressed.compressor = &g.compressor;
	g.compressed.work = g.words;
	g.compressed.pool = g.pages;
	g.compressed.pool_bytes = K_MEM_COMPRESSED_POOL_MIN;
	g.compressed.slots = g.slots;
	g.compressed.spill_pages = g.pages[4];
	g.compressed.spill_count = 1;
	g.plugin = (struct k_mem_zephyr_plugin){
		.location_get = location_get, .location_free = with_location,
		.page_out = with_location, .page_in = with_location, .scratch_page = &g.scratch};
	g.zephyr = (struct k_mem_zephyr_store){
		.plugin = &g.plugin, .slot_count = 8, .words = g.words, .locations = g.locations};
	k_mem_slot_map_init(&g.map, g.words, 8);
}

static void fine(void)
{
	const struct rig rig = {.frames = 12, .slots = 40};

	memset(&g, 0, sizeof(g));
	rig_start(&rig);
	g.memory = pages_map(2, K_MEM_PERM_RW);
	g.user = pages_map(1, K_MEM_PERM_RW | K_MEM_PERM_USER);
	assert_int_equal(user_write(NULL, g.user, 0x41), 0);
	g.part = part_of(g.memory, 1, U_RW);
	domain_start(&g.domain);
	assert_int_equal(k_mem_domain_limits_set(&g.domain, 4 * RIG_PAGE, 0), 0);
	fine_stores();
}

/* ---- the functions ------------------------------------------------------------------- */

/* Of functions without a status: what they return, or IGNORED. */
#define DID(call) ((call), IGNORED)

static int init_list(struct k_mem_partition **list, uint8_t count)
{
	return k_mem_domain_init(&g.other, count, list);
}

static int block_init(const struct k_mem_block_ops *ops)
{
	g.block.ops = ops;
	return k_mem_block_store_init(&g.store, &g.block, g.words, 8);
}

/* The structure lacks one thing. */
#define COMPRESSED_WITHOUT(field) \
	(g.field = NULL, k_mem_compressed_store_init(&g.store, &g.compressed))
#define ZEPHYR_WITHOUT(field) \
	(g.field = NULL, k_mem_zephyr_store_init(&g.store, &g.zephyr))

static int empty_map(uint64_t *words, uint32_t count)
{
	k_mem_slot_map_init(&g.map, words, count);
	return k_mem_slot_map_reserve(&g.map, &g.slot);
}

/* Each is a call with everything fine but one; `wanted`: what it says. */
#define CALLS(X)                                                                                \
	X(k_mem_map_anon(NULL, RIG_PAGE, K_MEM_PERM_RW), -EINVAL)                               \
	X(k_mem_map_stored(NULL, K_MEM_LOCATION(RIG_STORE_IMAGE, 0), RIG_PAGE, 0), -EINVAL)     \
	X(k_mem_map_phys_bare(NULL, RIG_DEVICE_PHYS, RIG_PAGE, 0), -EINVAL)                     \
	X(k_mem_unmap(NULL, RIG_PAGE), -EINVAL)                                                 \
	X(k_mem_unmap_phys_bare(NULL, RIG_PAGE), -EINVAL)                                       \
	X(k_mem_update_flags(NULL, RIG_PAGE, K_MEM_PERM_RW), -EINVAL)                           \
	X((int)k_mem_page_frames_map(0, NULL, 8), 0)                                            \
	X(k_mem_page_out(NULL, RIG_PAGE), -EINVAL)                                              \
	X(k_mem_page_in(NULL, RIG_PAGE), -EINVAL)                                               \
	X(k_mem_pin(NULL, RIG_PAGE), -EINVAL)                                                   \
	X(k_mem_unpin(NULL, RIG_PAGE), -EINVAL)                                                 \
	X(k_mem_page_fault(NULL, 0), -EFAULT)                                                   \
	X(DID(k_mem_paging_stats_get(NULL)), IGNORED)                                           \
	X(DID(k_mem_paging_thread_stats_get(NULL, NULL)), IGNORED)                              \
	X(DID(k_mem_paging_histogram_eviction_get(NULL)), IGNORED)                              \
	X(DID(k_mem_paging_histogram_backing_store_page_in_get(NULL)), IGNORED)                 \
	X(DID(k_mem_paging_histogram_backing_store_page_out_get(NULL)), IGNORED)                \
	X(k_mem_domain_init(NULL, 0, NULL), -EINVAL)                                            \
	X(init_list(NULL, 1), -EINVAL)                                                          \
	X(k_mem_domain_deinit(NULL), -EINVAL)                                                   \
	X(k_mem_domain_add_partition(NULL, &g.part), -EINVAL)                                   \
	X(k_mem_domain_add_partition(&g.domain, NULL), -EINVAL)                                 \
	X(k_mem_domain_remove_partition(NULL, &g.part), -EINVAL)                                \
	X(k_mem_domain_remove_partition(&g.domain, NULL), -EINVAL)                              \
	X(k_mem_domain_add_thread(NULL, NULL), -EINVAL)                                         \
	X(DID(k_mem_domain_remove_thread(NULL)), IGNORED)                                       \
	X(DID(k_mem_domain_inherit_thread(NULL, NULL)), IGNORED)                                \
	X(k_mem_domain_inherit_thread_partitions(NULL, NULL), -EINVAL)                          \
	X(k_mem_domain_inherit_thread_partitions(&g.domain, NULL), 0)                           \
	X(DID(k_mem_domain_switch(NULL)), IGNORED)                                              \
	X(k_mem_domain_limits_set(NULL, RIG_PAGE, 0), -EINVAL)                                  \
	X(k_mem_domain_map(NULL, &g.addr, RIG_PAGE, K_MEM_PERM_RW), -EINVAL)                    \
	X(k_mem_domain_map(&g.domain, NULL, RIG_PAGE, K_MEM_PERM_RW), -EINVAL)                  \
	X(k_mem_domain_unmap(NULL, g.memory, RIG_PAGE), -EINVAL)                                \
	X(k_mem_domain_unmap(&g.domain, NULL, RIG_PAGE), -EINVAL)                               \
	X(arch_buffer_validate(NULL, 8, 0), -EFAULT)                                            \
	X(k_usermode_from_copy(g.frames, NULL, 8), -EFAULT)                                     \
	X(k_usermode_from_copy(NULL, g.user, 8), -EFAULT)                                       \
	X(k_usermode_to_copy(NULL, g.frames, 8), -EFAULT)                                       \
	X(k_usermode_to_copy(g.user, NULL, 8), -EFAULT)                                         \
	X(k_usermode_string_copy(g.frames, NULL, 8), -EFAULT)                                   \
	X(k_usermode_string_copy(NULL, g.user, 8), -EFAULT)                                     \
	X((int)k_usermode_string_nlen(g.memory, 8, NULL), 0)                                    \
	X(((void)k_usermode_string_nlen(NULL, 8, &g.error), g.error), -EFAULT)                  \
	X(arch_page_phys_get(NULL, &g.locations[0]), -EFAULT)                                   \
	X(arch_page_phys_get(page_at(0), NULL), 0)                                              \
	X((int)arch_page_location_get(page_at(0), NULL), ARCH_PAGE_LOCATION_PAGED_IN)           \
	X((int)arch_page_info_get(page_at(0), NULL, false) & (int)ARCH_DATA_PAGE_LOADED,        \
	  ARCH_DATA_PAGE_LOADED)                                                                \
	X(DID(k_mem_slot_map_init(NULL, g.words, 8)), IGNORED)                                  \
	X(empty_map(NULL, 8), -ENOSPC)                                                          \
	X(empty_map(g.words, 0), -ENOSPC)                                                       \
	X(empty_map(g.words, K_MEM_SLOTS_MAX + 1), -ENOSPC)                                     \
	X(k_mem_slot_map_reserve(NULL, &g.slot), -EINVAL)                                       \
	X(k_mem_slot_map_reserve(&g.map, NULL), -EINVAL)                                        \
	X(k_mem_slot_map_reserve_near(NULL, 0, &g.slot), -EINVAL)                               \
	X(k_mem_slot_map_reserve_near(&g.map, 0, NULL), -EINVAL)                                \
	X(DID(k_mem_slot_map_release(NULL, 0)), IGNORED)                                        \
	X(k_mem_ram_store_init(NULL, &g.ram, g.pages, 8, g.words), -EINVAL)                     \
	X(k_mem_ram_store_init(&g.store, NULL, g.pages, 8, g.words), -EINVAL)                   \
	X(k_mem_ram_store_init(&g.store, &g.ram, NULL, 8, g.words), -EINVAL)                    \
	X(k_mem_ram_store_init(&g.store, &g.ram, g.pages, 8, NULL), -EINVAL)                    \
	X(k_mem_image_store_init(NULL, &g.image, g.pages, 8), -EINVAL)                          \
	X(k_mem_image_store_init(&g.store, NULL, g.pages, 8), -EINVAL)                          \
	X(k_mem_image_store_init(&g.store, &g.image, NULL, 8), -EINVAL)                         \
	X(k_mem_block_store_init(NULL, &g.block, g.words, 8), -EINVAL)                          \
	X(k_mem_block_store_init(&g.store, NULL, g.words, 8), -EINVAL)                          \
	X(k_mem_block_store_init(&g.store, &g.block, NULL, 8), 0)                               \
	X(block_init(NULL), -EINVAL)                                                            \
	X((g.block_ops.submit = NULL, block_init(&g.block_ops)), -EINVAL)                       \
	X(k_mem_compressed_store_init(NULL, &g.compressed), -EINVAL)                            \
	X(k_mem_compressed_store_init(&g.store, NULL), -EINVAL)                                 \
	X(COMPRESSED_WITHOUT(compressed.lower.ops), -EINVAL)                                    \
	X(COMPRESSED_WITHOUT(lower_ops.submit), -EINVAL)                                        \
	X(COMPRESSED_WITHOUT(lower_ops.reserve), -EINVAL)                                       \
	X(COMPRESSED_WITHOUT(lower_ops.release), -EINVAL)                                       \
	X(COMPRESSED_WITHOUT(lower_ops.retire), -EINVAL)                                        \
	X(COMPRESSED_WITHOUT(lower_ops.poll), 0)                                                \
	X(COMPRESSED_WITHOUT(compressed.compressor), -EINVAL)                                   \
	X(COMPRESSED_WITHOUT(compressor.compress), -EINVAL)                                     \
	X(COMPRESSED_WITHOUT(compressor.decompress), -EINVAL)                                   \
	X(COMPRESSED_WITHOUT(compressed.work), -EINVAL)                                         \
	X(COMPRESSED_WITHOUT(compressed.pool), -EINVAL)                                         \
	X(COMPRESSED_WITHOUT(compressed.slots), -EINVAL)                                        \
	X(COMPRESSED_WITHOUT(compressed.spill_pages), -EINVAL)                                  \
	X(DID(k_mem_compressed_stats_get(NULL, &g.compressed_stats)), IGNORED)                  \
	X(DID(k_mem_compressed_stats_get(&g.compressed, NULL)), IGNORED)                        \
	X(k_mem_zephyr_store_init(NULL, &g.zephyr), -EINVAL)                                    \
	X(k_mem_zephyr_store_init(&g.store, NULL), -EINVAL)                                     \
	X(ZEPHYR_WITHOUT(zephyr.plugin), -EINVAL)                                               \
	X(ZEPHYR_WITHOUT(zephyr.words), -EINVAL)                                                \
	X(ZEPHYR_WITHOUT(zephyr.locations), -EINVAL)                                            \
	X(ZEPHYR_WITHOUT(zephyr.bounce), 0)                                                     \
	X(ZEPHYR_WITHOUT(plugin.init), 0)                                                       \
	X(ZEPHYR_WITHOUT(plugin.location_get), -EINVAL)                                         \
	X(ZEPHYR_WITHOUT(plugin.location_free), -EINVAL)                                        \
	X(ZEPHYR_WITHOUT(plugin.page_out), -EINVAL)                                             \
	X(ZEPHYR_WITHOUT(plugin.page_in), -EINVAL)                                              \
	X(ZEPHYR_WITHOUT(plugin.scratch_page), -EINVAL)                                         \
	X(k_mem_init(NULL), -EINVAL)

/* A copy that failed has noted the fault that ended it. */
static const char *const but_faults[] = {"qr_stats", "qr_user_fault", NULL};

static void check(const char *call, int got, int wanted, struct statics *was)
{
	if (got != wanted) {
		fail_msg("%s is %d, not %d", call, got, wanted);
	}
	assert_unchanged(was, but_faults);
	rig_check();
}

#define TRY(call, wanted)                               \
	do {                                            \
		struct statics was;                     \
		int got;                                \
                                                        \
		fine();                                 \
		was = statics_take();                   \
		got = (call);                           \
		check(#call, got, (int)(wanted), &was); \
	} while (0);

static void test_null_is_refused_and_changes_nothing(void **state)
{
	(void)state;
	CALLS(TRY)
}

/* What came before it in the list is taken back. */
static void test_null_in_a_list_of_partitions(void **state)
{
	struct k_mem_partition other;
	struct k_mem_partition *list[] = {&g.part, NULL, &other};

	(void)state;
	fine();
	other = part_of((uint8_t *)g.memory + RIG_PAGE, 1, U_RW);
	for (uint8_t i = 0; i < 3; i++) {
		assert_int_equal(k_mem_domain_init(&g.other, 3, list), -EINVAL);
		assert_int_equal(tables_used(), 0);
		assert_int_equal(g.other.num_partitions, 0);
		list[1] = list[i];
		list[i] = NULL;
	}
	assert_false(user_reads(&g.domain, g.memory));
	rig_check();
}

/* Nothing was masked, so nothing is to be closed. */
static void test_scratch_without_a_key(void **state)
{
	(void)state;
	fine();
	assert_null(k_mem_scratch_open(rig_phys, NULL));
	assert_true(qr_port_can_sleep());
	rig_check();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_null_is_refused_and_changes_nothing),
		cmocka_unit_test(test_null_in_a_list_of_partitions),
		cmocka_unit_test(test_scratch_without_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
