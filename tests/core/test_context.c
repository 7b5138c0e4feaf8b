/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_context.c - a store that cannot serve every context: one that would have to sleep, and is
 * asked with interrupts masked or by an interrupt handler (K_MEM_IO_NOT_HERE). What it says there
 * is no failure: no slot is retired, nothing of a page is lost, and a thread is served afterwards.
 */
#include "rig.h"

#include <tests/unit/parts_help.h>

#include <quire/zephyr_store.h>

#include <mm/frame.h>
#include <mm/store.h>

#include "audit.h"

#define PAGES 24u
#define FRAMES 8u
#define SLOTS 32u

static uint8_t *area;
static uint64_t word[PAGES]; /* what each page's word is */
static uint64_t stamp;
static unsigned int failed_requests;
static bool reads_too; /* the store cannot read there either */

static int verdict(void *argument, const struct k_mem_io *io)
{
	(void)argument;
	return qr_port_can_sleep() || (io->op == K_MEM_IO_READ && !reads_too) ? K_MEM_IO_DONE
									      : K_MEM_IO_NOT_HERE;
}

static void put(uint32_t page)
{
	word[page] = ++stamp;
	rig_put(area + page * RIG_PAGE, word[page]);
}

static void get(uint32_t page)
{
	assert_int_equal(rig_get(area + page * RIG_PAGE), word[page]);
}

static int try_put(uint32_t page)
{
	int status = rig_write(area + page * RIG_PAGE, ++stamp);

	word[page] = status == 0 ? stamp : word[page];
	return status;
}

static void begin(const struct rig *rig, bool reads)
{
	rig_start(rig);
	rig_store.verdict = verdict;
	reads_too = reads;
	stamp = 0;
	memset(word, 0, sizeof(word));
	area = k_mem_map(PAGES * RIG_PAGE, K_MEM_PERM_RW);
	assert_non_null(area);
}

static void mask(bool masked)
{
	strict_context_set(masked ? QR_PORT_IRQ_LOCKED : QR_PORT_THREAD);
}

/* Everything is there, and so is every slot: as many pages as there are can be written. */
static void end(void)
{
	struct rig_counts counts;
	uint32_t location, taken = 0;

	mask(false);
	for (uint32_t page = 0; page < PAGES; page++) {
		get(page);
	}
	assert_null(audit());
	rig_check();
	assert_int_equal(rig_slots_lost(), 0);
	assert_int_equal(k_mem_unmap(area, PAGES * RIG_PAGE), 0);
	counts = rig_counts();
	assert_int_equal(counts.slots_reserved, 0);
	assert_int_equal(counts.slots_retired, 0);
	assert_int_equal(counts.busy, 0);
	qr_port_lock();
	qr_locked = CONFIG_MEM_ASSERT >= 1;
	while (qr_slot_take(&location) == 0) {
		taken++;
	}
	assert_int_equal(taken, SLOTS);
	strict_reset();
	qr_locked = false;
}

static const struct rig *rigs(unsigned int number)
{
	static const struct rig all[] = {
		{.frames = FRAMES, .slots = SLOTS},
		{.frames = FRAMES, .slots = SLOTS, .request_cost = 1024},
		{.frames = FRAMES, .slots = SLOTS, .policy = &k_mem_policy_hazard},
		{.frames = FRAMES, .slots = SLOTS, .policy = &k_mem_policy_nru},
	};

	return number < COUNT(all) ? &all[number] : NULL;
}

/* All frames have pages that were never written. */
static void begin_full(unsigned int number)
{
	begin(rigs(number), false);
	for (uint32_t page = 0; page < FRAMES; page++) {
		put(page);
	}
}

/* Nothing can be had, and nothing is lost. */
static void write_is_not_here(void **state)
{
	(void)state;
	for (unsigned int i = 0; rigs(i) != NULL; i++) {
		struct rig_counts before;

		begin_full(i);
		before = rig_counts();
		mask(true);
		assert_int_equal(try_put(FRAMES), -EBUSY);
		assert_true(rig_store.not_here > 0);
		assert_true(rig_store.not_here <= 2 * CONFIG_EVICTION_TRIES);
		rig_counts_equal(before, rig_counts());
		mask(false);
		for (uint32_t page = 0; page < PAGES; page++) {
			put(page);
		}
		end();
	}
}

/* One page has a copy in the store: that is dropped. */
static void clean_page_is_taken(void **state)
{
	(void)state;
	for (unsigned int i = 0; rigs(i) != NULL; i++) {
		begin_full(i);
		assert_int_equal(k_mem_page_out(area + 3 * RIG_PAGE, RIG_PAGE), 0);
		get(3);
		mask(true);
		assert_int_equal(try_put(FRAMES), 0);
		assert_int_equal(try_put(FRAMES + 1), -EBUSY);
		end();
	}
}

/* A page with a slot of its own, changed since: it stays, and is written later. */
static void page_keeps_its_change(void **state)
{
	(void)state;
	for (unsigned int i = 0; rigs(i) != NULL; i++) {
		begin_full(i);
		assert_int_equal(k_mem_page_out(area, FRAMES * RIG_PAGE), 0);
		for (uint32_t page = 0; page < FRAMES; page++) {
			put(page);
		}
		mask(true);
		assert_int_equal(try_put(FRAMES), -EBUSY);
		assert_int_equal(k_mem_page_out(area, FRAMES * RIG_PAGE), -EBUSY);
		for (uint32_t page = 0; page < FRAMES; page++) {
			get(page);
		}
		mask(false);
		assert_int_equal(k_mem_page_out(area, FRAMES * RIG_PAGE), 0);
		end();
	}
}

/* A page that cannot be read here is read later, from where it is. */
static void read_is_not_here(void **state)
{
	(void)state;
	for (unsigned int i = 0; rigs(i) != NULL; i++) {
		struct rig_counts before;
		uint64_t got;

		begin(rigs(i), true);
		put(0);
		put(1);
		assert_int_equal(k_mem_page_out(area, 2 * RIG_PAGE), 0);
		before = rig_counts();
		mask(true);
		assert_int_equal(rig_read(area, &got), -EBUSY);
		assert_int_equal(try_put(1), -EBUSY);
		assert_int_equal(k_mem_page_in(area, RIG_PAGE), -EBUSY);
		assert_int_equal(k_mem_pin(area, 2 * RIG_PAGE), -EBUSY);
		rig_counts_equal(before, rig_counts());
		mask(false);
		get(0);
		get(1);
		assert_int_equal(k_mem_pin(area, 2 * RIG_PAGE), 0);
		assert_int_equal(k_mem_unpin(area, 2 * RIG_PAGE), 0);
		end();
	}
}

/* What asks for a frame without a fault is told the same, and leaves no trace. */
static void calls_are_told(void **state)
{
	struct rig_counts before;
	void *more = NULL;
	uint32_t frame;

	(void)state;
	begin(rigs(0), true);
	for (uint32_t page = 0; page < FRAMES; page++) {
		put(page);
	}
	before = rig_counts();
	mask(true);
	assert_int_equal(k_mem_map_anon(&more, RIG_PAGE, K_MEM_PERM_RW | K_MEM_MAP_LOCK), -EBUSY);
	frame = qr_frame_of(arch_page_phys(arch_page_get(area)));
	assert_int_equal(k_mem_page_frame_evict((uintptr_t)qr_frame_phys(frame)), -EBUSY);
	rig_counts_equal(before, rig_counts());
	mask(false);
	assert_int_equal(k_mem_map_anon(&more, RIG_PAGE, K_MEM_PERM_RW | K_MEM_MAP_LOCK), 0);
	assert_int_equal(k_mem_unmap(more, RIG_PAGE), 0);
	end();
}

/* ---- while it is being written ---------------------------------------------------- */

static void (*meanwhile)(void);

static int verdict_meanwhile(void *argument, const struct k_mem_io *io)
{
	void (*now)(void) = meanwhile;

	(void)argument;
	meanwhile = NULL;
	if (now != NULL && io->op == K_MEM_IO_WRITE) {
		now();
		return K_MEM_IO_NOT_HERE;
	}
	return K_MEM_IO_DONE;
}

static void touch_it(void)
{
	get(0);
}

static void change_it(void)
{
	put(0);
}

static void pin_it(void)
{
	assert_int_equal(k_mem_pin(area, RIG_PAGE), 0);
}

static void unmap_it(void)
{
	assert_int_equal(k_mem_unmap(area, PAGES * RIG_PAGE), 0);
	area = NULL;
}

/* The page is touched, changed, pinned or unmapped before the store says that it cannot. */
static void write_is_overtaken(void **state)
{
	void (*const hooks[])(void) = {touch_it, change_it, pin_it, unmap_it};

	(void)state;
	for (unsigned int i = 0; i < 2 * COUNT(hooks); i++) {
		begin(rigs(0), false);
		rig_store.verdict = verdict_meanwhile;
		put(0);
		if (i % 2 != 0) { /* it has a slot, with what it was before */
			assert_int_equal(k_mem_page_out(area, RIG_PAGE), 0);
			put(0);
		}
		meanwhile = hooks[i / 2];
		(void)!k_mem_page_out(area, RIG_PAGE);
		assert_null(meanwhile);
		if (hooks[i / 2] == unmap_it) {
			assert_int_equal(rig_counts().slots_reserved, 0);
			area = k_mem_map(PAGES * RIG_PAGE, K_MEM_PERM_RW);
			memset(word, 0, sizeof(word));
			assert_non_null(area);
		}
		get(0);
		if (hooks[i / 2] == pin_it) {
			assert_int_equal(k_mem_unpin(area, RIG_PAGE), 0);
		}
		assert_int_equal(k_mem_page_out(area, RIG_PAGE), 0);
		end();
	}
}

/* A request fails with junk in its slots, and then none of its pages can be written here. */
static int verdict_junk(void *argument, const struct k_mem_io *io)
{
	uintptr_t frames[QR_CLUSTER_MAX];
	struct k_mem_io junk = *io;

	(void)argument;
	if (io->op == K_MEM_IO_READ) {
		return K_MEM_IO_DONE;
	}
	if (io->page_count == 1) {
		return K_MEM_IO_NOT_HERE;
	}
	junk.frames = frames;
	for (uint32_t i = 0; i < io->page_count; i++) {
		frames[i] = io->frames[(i + 1) % io->page_count];
	}
	assert_int_equal(rig_store.inner.ops->submit(rig_store.inner.context, &junk), 0);
	failed_requests++;
	return K_MEM_IO_FAILED;
}

/* A page that was clean, and was in the request for the sake of those around it, is nowhere but in
 * its frame then, though nothing was written when it was its turn alone. */
static void failed_request_is_not_here_again(void **state)
{
	const struct rig rig = {.frames = 2 * PAGES, .slots = SLOTS, .request_cost = 1024};

	(void)state;
	begin(&rig, false);
	failed_requests = 0;
	for (uint32_t page = 0; page < PAGES; page++) {
		put(page);
	}
	assert_int_equal(k_mem_page_out(area, PAGES * RIG_PAGE), 0);
	for (uint32_t page = 0; page < PAGES; page++) {
		get(page);
		if (page % 2 == 0) {
			put(page);
		}
	}
	for (uint32_t page = 0; page < PAGES; page++) {
		(void)arch_page_bits(area + page * RIG_PAGE, 0, ARCH_DATA_PAGE_ACCESSED);
		arch_mem_flush(area + page * RIG_PAGE, RIG_PAGE);
	}
	rig_store.verdict = verdict_junk;
	assert_int_equal(k_mem_page_out(area + 8 * RIG_PAGE, RIG_PAGE), -EBUSY);
	assert_true(failed_requests == (CONFIG_MEM_CLUSTER ? 1 : 0));
	rig_store.verdict = verdict;
	for (uint32_t page = 1; page < PAGES; page += 2) {
		assert_int_equal(k_mem_page_out(area + page * RIG_PAGE, RIG_PAGE), 0);
	}
	end();
}

/* ---- other stores that are like that ---------------------------------------------- */

static void compressed_store(void **state)
{
	const struct rig rig = {.frames = FRAMES, .slots = SLOTS, .compressed = true};
	unsigned int refused = 0;

	(void)state;
	begin(&rig, true);
	for (unsigned int round = 0; round < 2000; round++) {
		uint32_t page = random_below(PAGES);
		bool masked = random_below(2);

		mask(masked);
		if (random_below(2) == 0) {
			int status = try_put(page);

			assert_true(status == 0 || (masked && status == -EBUSY));
			refused += status != 0;
		} else {
			uint64_t got;
			int status = rig_read(area + page * RIG_PAGE, &got);

			assert_true(status == 0 ? got == word[page] : masked && status == -EBUSY);
			refused += status != 0;
		}
	}
	assert_true(refused > 0);
	mask(false);
	for (uint32_t page = 0; page < PAGES; page++) {
		get(page);
	}
	assert_null(audit());
	rig_check();
	assert_int_equal(rig_slots_lost(), 0);
	assert_int_equal(k_mem_unmap(area, PAGES * RIG_PAGE), 0);
}

/* A plug-in of Zephyr's that sleeps: the adapter has one page, which is for threads. */
static uint8_t plugged[SLOTS][CONFIG_MMU_PAGE_SIZE];
static void *plug_scratch;

static int plug_get(struct k_mem_page_frame *frame, uintptr_t *location, bool fault)
{
	(void)fault;
	*location = ((uintptr_t)k_mem_page_frame_to_virt(frame) - CONFIG_KERNEL_VM_BASE) /
		    CONFIG_MMU_PAGE_SIZE;
	return 0;
}

static void plug_free(uintptr_t location)
{
	(void)location;
}

static void plug_out(uintptr_t location)
{
	assert_true(qr_port_can_sleep());
	memcpy(plugged[location], plug_scratch, CONFIG_MMU_PAGE_SIZE);
}

static void plug_in(uintptr_t location)
{
	assert_true(qr_port_can_sleep());
	memcpy(plug_scratch, plugged[location], CONFIG_MMU_PAGE_SIZE);
}

static void plugin_that_sleeps(void **state)
{
	static const struct k_mem_zephyr_plugin plugin = {
		.location_get = plug_get, .location_free = plug_free,
		.page_out = plug_out, .page_in = plug_in, .scratch_page = &plug_scratch,
	};
	static uint64_t words[K_MEM_SLOT_MAP_WORDS(SLOTS)];
	static uintptr_t locations[SLOTS];
	static uint8_t bounce[CONFIG_MMU_PAGE_SIZE];
	static struct k_mem_zephyr_store zephyr;
	unsigned int refused = 0;
	uint64_t got;

	(void)state;
	zephyr = (struct k_mem_zephyr_store){
		.plugin = &plugin, .slot_count = SLOTS, .words = words, .locations = locations,
		.bounce = bounce,
	};
	rig_start(rigs(0));
	assert_int_equal(k_mem_zephyr_store_init(&qr_store_table.store[0], &zephyr), 0);
	area = k_mem_map(PAGES * RIG_PAGE, K_MEM_PERM_RW);
	memset(word, 0, sizeof(word));
	for (unsigned int round = 0; round < 1000; round++) {
		uint32_t page = random_below(PAGES);
		bool masked = random_below(2);
		int status;

		mask(masked);
		status = random_below(2) ? try_put(page) : rig_read(area + page * RIG_PAGE, &got);
		assert_true(status == 0 || (masked && status == -EBUSY));
		refused += status != 0;
	}
	assert_true(refused > 0);
	mask(false);
	for (uint32_t page = 0; page < PAGES; page++) {
		get(page);
	}
	assert_int_equal(k_mem_unmap(area, PAGES * RIG_PAGE), 0);
	assert_int_equal(zephyr.map.free_count, SLOTS);
	rig_check();
}

/* ---- anything --------------------------------------------------------------------- */

static void random_calls(uint32_t page, bool masked)
{
	uint32_t count = 1 + random_below(qr_min(4, PAGES - page));
	uint8_t *addr = area + page * RIG_PAGE;
	int status = 0;

	switch (random_below(4)) {
	case 0:
		status = k_mem_page_out(addr, count * RIG_PAGE);
		break;
	case 1:
		status = k_mem_page_in(addr, count * RIG_PAGE);
		break;
	case 2:
		status = k_mem_pin(addr, RIG_PAGE);
		if (status == 0) {
			assert_int_equal(k_mem_unpin(addr, RIG_PAGE), 0);
		}
		break;
	default:
		status = try_put(page);
	}
	assert_true(status == 0 || status == -ENOMEM || (masked && status == -EBUSY));
}

static void random_contexts(void **state)
{
	(void)state;
	for (unsigned int i = 0; rigs(i) != NULL; i++) {
		begin(rigs(i), true);
		for (unsigned int round = 0; round < 3000; round++) {
			uint32_t page = random_below(PAGES);
			bool masked = random_below(2);
			uint64_t got;
			int status;

			mask(masked);
			reads_too = random_below(2);
			rig_store.late = random_below(2);
			if (random_below(3) == 0) {
				random_calls(page, masked);
				continue;
			}
			status = rig_read(area + page * RIG_PAGE, &got);
			assert_true(status == 0 ? got == word[page] : masked && status == -EBUSY);
		}
		rig_store.late = 0;
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(write_is_not_here),
		cmocka_unit_test(clean_page_is_taken),
		cmocka_unit_test(page_keeps_its_change),
		cmocka_unit_test(read_is_not_here),
		cmocka_unit_test(calls_are_told),
		cmocka_unit_test(write_is_overtaken),
		cmocka_unit_test(failed_request_is_not_here_again),
		cmocka_unit_test(compressed_store),
		cmocka_unit_test(plugin_that_sleeps),
		cmocka_unit_test(random_contexts),
	};

	random_start();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
