/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_zephyr.c - the adapter for Zephyr's plug-ins, over two of them: one with a pool
 * of locations, one that computes them from addresses. What several threads do to each
 * other: test_port_pthread.c.
 */
#include <quire/zephyr_store.h>
#include <port/strict/strict.h>

#include "fake_memory.h"
#include "parts_help.h"

#define PAGE CONFIG_MMU_PAGE_SIZE
#define SLOTS 12u
#define POOL 10u /* fewer than slots, so that the plug-in is full first */

static void *scratch;
#define K_MEM_SCRATCH_PAGE scratch

/* What the plug-ins saw. */
static struct {
	unsigned int inits;
	enum qr_port_context context; /* of the last transfer */
	void *scratch;
	bool get_masked;
} saw;

static uint8_t content[POOL][PAGE];
static bool taken[POOL];

static void plugin_init(void)
{
	saw.inits++;
	memset(taken, 0, sizeof(taken));
}

/* Tokens that no slot number could be taken for. */
#define TOKEN(i) (0xabc000 + (uintptr_t)(i) * 0x1000)

static int pool_get(struct k_mem_page_frame *pf, uintptr_t *location, bool page_fault)
{
	saw.get_masked = qr_port_context() == QR_PORT_IRQ_LOCKED;
	assert_true(page_fault);
	assert_int_equal(pf->va_and_flags % PAGE, 0);
	for (uint32_t i = 0; i < POOL; i++) {
		if (!taken[i]) {
			taken[i] = true;
			*location = TOKEN(i);
			return 0;
		}
	}
	return -ENOMEM;
}

static uint32_t pool_index(uintptr_t location)
{
	uintptr_t index = (location - TOKEN(0)) / 0x1000;

	assert_true(index < POOL);
	assert_int_equal(location, TOKEN(index));
	assert_true(taken[index]);
	return (uint32_t)index;
}

static void pool_free(uintptr_t location)
{
	taken[pool_index(location)] = false;
}

static void pool_out(uintptr_t location)
{
	saw.context = qr_port_context();
	saw.scratch = K_MEM_SCRATCH_PAGE;
	memcpy(content[pool_index(location)], K_MEM_SCRATCH_PAGE, PAGE);
}

static void pool_in(uintptr_t location)
{
	saw.context = qr_port_context();
	saw.scratch = K_MEM_SCRATCH_PAGE;
	memcpy(K_MEM_SCRATCH_PAGE, content[pool_index(location)], PAGE);
}

static const struct k_mem_zephyr_plugin pool_plugin = {
	.init = plugin_init,
	.location_get = pool_get,
	.location_free = pool_free,
	.page_out = pool_out,
	.page_in = pool_in,
	.scratch_page = &scratch,
};

/* ---- the store under test ------------------------------------------------------------ */

static struct k_mem_zephyr_store zephyr;
static struct k_mem_store store;
static uint64_t words[K_MEM_SLOT_MAP_WORDS(SLOTS)];
static uintptr_t locations[SLOTS];
static uint8_t bounce[PAGE];

static void start(const struct k_mem_zephyr_plugin *plugin, void *bounce_page)
{
	strict_reset();
	memset(&saw, 0, sizeof(saw));
	zephyr = (struct k_mem_zephyr_store){
		.plugin = plugin,
		.slot_count = SLOTS,
		.words = words,
		.locations = locations,
		.bounce = bounce_page,
	};
	assert_int_equal(k_mem_zephyr_store_init(&store, &zephyr), 0);
	assert_int_equal(store.page_count_max, 1);
	assert_int_equal(store.slot_count, SLOTS);
	assert_false(store.read_only);
}

static int reserve(uint32_t *slot)
{
	qr_port_key_t key = qr_port_lock();
	int status = store.ops->reserve(store.context, slot);

	qr_port_unlock(key);
	return status;
}

static void release(uint32_t slot)
{
	qr_port_key_t key = qr_port_lock();

	store.ops->release(store.context, slot);
	qr_port_unlock(key);
}

static int transfer(enum k_mem_io_op op, uint32_t slot, uint32_t frame)
{
	uintptr_t phys = fake_phys(frame);
	struct k_mem_io io = {.op = op, .slot = slot, .page_count = 1, .frames = &phys};

	return store.ops->submit(store.context, &io);
}

/* ---- tests --------------------------------------------------------------------------- */

/* Pages go out to all slots and come back, in another order, to other frames. */
static void round_trip(void *bounce_page, enum qr_port_context context)
{
	uint32_t slot[POOL];

	start(&pool_plugin, bounce_page);
	assert_int_equal(saw.inits, 1);
	for (uint32_t i = 0; i < POOL; i++) {
		assert_int_equal(reserve(&slot[i]), 0);
		assert_true(saw.get_masked);
		memset(fake_memory[i], (int)(i + 1), PAGE);
		assert_int_equal(transfer(K_MEM_IO_WRITE, slot[i], i), 0);
		assert_int_equal(saw.context, context);
		assert_ptr_equal(saw.scratch, bounce_page != NULL ? bounce_page : fake_memory[i]);
	}
	memset(fake_memory, 0, sizeof(fake_memory));
	for (unsigned int twice = 0; twice < 2; twice++) {
		for (uint32_t i = POOL; i-- > 0;) {
			uint8_t expected[PAGE];

			memset(expected, (int)(i + 1), PAGE);
			assert_int_equal(transfer(K_MEM_IO_READ, slot[i], 20 + i), 0);
			assert_int_equal(saw.context, context);
			assert_memory_equal(fake_memory[20 + i], expected, PAGE);
		}
	}
	assert_int_equal(strict_counts()->depth_max, 1);
}

static void in_place(void **state)
{
	(void)state;
	round_trip(NULL, QR_PORT_IRQ_LOCKED);
}

/* With a bounce page the plug-in runs as a thread that may sleep. */
static void bounced(void **state)
{
	(void)state;
	round_trip(bounce, QR_PORT_THREAD);
}

/* The plug-in is full before the slots are; nothing is lost by asking it. */
static void full(void **state)
{
	uint32_t slot;

	(void)state;
	start(&pool_plugin, NULL);
	for (uint32_t i = 0; i < POOL; i++) {
		assert_int_equal(reserve(&slot), 0);
	}
	for (unsigned int again = 0; again < 3 * SLOTS; again++) {
		uint32_t none;

		assert_int_equal(reserve(&none), -ENOSPC);
	}
	assert_int_equal(zephyr.map.free_count, SLOTS - POOL);
	release(slot);
	assert_int_equal(zephyr.map.free_count, SLOTS - POOL + 1);
	assert_int_equal(reserve(&slot), 0);
}

static void sleeping_plugin_needs_a_thread(void **state)
{
	uint32_t slot;
	qr_port_key_t key;

	(void)state;
	start(&pool_plugin, bounce);
	assert_int_equal(reserve(&slot), 0);
	strict_context_set(QR_PORT_ISR);
	assert_int_equal(transfer(K_MEM_IO_READ, slot, 0), K_MEM_IO_NOT_HERE);
	strict_context_set(QR_PORT_THREAD);
	key = qr_port_irq_lock();
	assert_int_equal(transfer(K_MEM_IO_WRITE, slot, 0), K_MEM_IO_NOT_HERE);
	qr_port_irq_unlock(key);
	assert_int_equal(transfer(K_MEM_IO_WRITE, slot, 0), 0);
	/* one that does not sleep serves interrupt handlers too */
	start(&pool_plugin, NULL);
	assert_int_equal(reserve(&slot), 0);
	strict_context_set(QR_PORT_ISR);
	assert_int_equal(transfer(K_MEM_IO_WRITE, slot, 0), 0);
}

/* ---- locations computed from addresses ----------------------------------------------- */

static int sparse_get(struct k_mem_page_frame *pf, uintptr_t *location, bool page_fault)
{
	(void)page_fault;
	*location = (uintptr_t)k_mem_page_frame_to_virt(pf) - (uintptr_t)CONFIG_KERNEL_VM_BASE;
	return 0;
}

static void sparse_free(uintptr_t location)
{
	(void)location;
}

static const struct k_mem_zephyr_plugin sparse_plugin = {
	.location_get = sparse_get,
	.location_free = sparse_free,
	.page_out = pool_out,
	.page_in = pool_in,
	.scratch_page = &scratch,
};

/* Locations in use at a time differ and lie inside the space. */
static void sparse(void **state)
{
	(void)state;
	start(&sparse_plugin, NULL);
	for (uint32_t i = 0; i < SLOTS; i++) {
		uint32_t slot;

		assert_int_equal(reserve(&slot), 0);
		assert_true(locations[slot] < CONFIG_KERNEL_VM_SIZE);
		for (uint32_t other = 0; other < i; other++) {
			assert_int_not_equal(locations[slot], locations[other]);
		}
	}
}

static void refuses(void **state)
{
	(void)state;
	start(&sparse_plugin, NULL);
	zephyr.slot_count = 0;
	assert_int_equal(k_mem_zephyr_store_init(&store, &zephyr), -EINVAL);
	zephyr.slot_count = CONFIG_KERNEL_VM_SIZE / PAGE + 1;
	assert_int_equal(k_mem_zephyr_store_init(&store, &zephyr), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_place),
		cmocka_unit_test(bounced),
		cmocka_unit_test(full),
		cmocka_unit_test(sleeping_plugin_needs_a_thread),
		cmocka_unit_test(sparse),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests_name("zephyr store", tests, NULL, NULL);
}
