/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rig_compressed.c - a compressed store between the core and the rig's paging store. It looks
 * into store/, as tests may.
 *
 * The compressor leaves out zeros at a page's end.
 */
#include "rig_compressed.h"

#include <string.h>

#include <store/compressed.h>

#include "rig.h"

#define POOL_PAGES 4u
#define LENGTH_MIN 1200u /* not less, so that the pool is full soon */
#define SPILLS 3u
#define SPILL_PHYS (rig_phys + 0xc000000u)

static struct k_mem_compressed compressed;
static struct k_mem_compressed_slot records[RIG_SLOTS_MAX];
static uint64_t pool[POOL_PAGES * CONFIG_MMU_PAGE_SIZE / sizeof(uint64_t)];
static bool used;

void (*rig_compressed_hook)(void);

static void work_on(void)
{
	if (rig_compressed_hook != NULL && !strict_locked()) {
		rig_compressed_hook();
	}
}

static size_t cut_compress(void *work, const void *page, void *packed, size_t packed_max)
{
	const uint8_t *bytes = page;
	size_t length = RIG_PAGE;

	(void)work;
	while (length > LENGTH_MIN && bytes[length - 1] == 0) {
		length--;
	}
	work_on();
	if (length > packed_max) {
		return 0;
	}
	memcpy(packed, bytes, length);
	return length;
}

static int cut_decompress(const void *packed, size_t packed_bytes, void *page)
{
	memcpy(page, packed, packed_bytes);
	memset((uint8_t *)page + packed_bytes, 0, RIG_PAGE - packed_bytes);
	work_on();
	return 0;
}

static const struct k_mem_compressor cut = {
	.name = "cut", .compress = cut_compress, .decompress = cut_decompress,
};

void rig_compressed_none(void)
{
	used = false;
	rig_compressed_hook = NULL;
}

void rig_compressed_start(struct k_mem_store *store)
{
	assert_int_equal(emu_bank_add(SPILL_PHYS, SPILLS * RIG_PAGE), 0);
	memset(&compressed, 0, sizeof(compressed));
	compressed.lower = *store;
	compressed.compressor = &cut;
	compressed.pool = pool;
	compressed.pool_bytes = sizeof(pool);
	compressed.slots = records;
	compressed.spill_pages = emu_phys(SPILL_PHYS);
	compressed.spill_phys = SPILL_PHYS;
	compressed.spill_count = SPILLS;
	memset(records, 0, sizeof(records));
	assert_int_equal(k_mem_compressed_store_init(store, &compressed), 0);
	used = true;
}

struct rig_compressed rig_compressed_counts(void)
{
	struct rig_compressed counts = {0};

	for (uint32_t i = 0; used && i < compressed.lower.slot_count; i++) {
		uint32_t state = records[i].state;

		counts.bad += (state & QR_SLOT_BAD) != 0;
		counts.retired += (state & QR_SLOT_RETIRED) != 0;
		counts.free += (state & QR_SLOT_RELEASED) != 0;
	}
	for (uint32_t i = compressed.bad_first; used && i != QR_COMPRESSED_NOWHERE;
	     i = records[i].value) {
		counts.free++;
		counts.bad++;
	}
	return counts;
}

bool rig_compressed_empty(void)
{
	return !used || (compressed.stats.pool_pages == 0 && compressed.stats.same_pages == 0 &&
			 compressed.spilling == 0 && !compressed.busy);
}

const struct k_mem_compressed_stats *rig_compressed_stats(void)
{
	return &compressed.stats;
}
