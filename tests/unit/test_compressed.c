/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_compressed.c - the compressed store over the strict store: what is kept and what goes
 * through, the order of spilling, failures of the lower store at every transfer, what the core
 * may do while a page is spilled, and random calls against a model.
 *
 * The compressor of these tests leaves out the zeros at a page's end, so that a page compresses
 * to as many bytes as the test wants. While it works, a test may play an interrupt.
 */
#include <quire/compressed.h>
#include <quire/ramstore.h>
#include <port/strict/store.h>
#include <port/strict/strict.h>

#include "fake_memory.h"
#include "parts_help.h"

#define PAGE CONFIG_MMU_PAGE_SIZE
#define SLOTS 48u
#define POOL_PAGES 4u
#define SPILLS 4u
#define SPILL_FIRST (FAKE_PAGES - SPILLS)
#define FRAME_GET 1u /* frames of the tests: of a read, of one in an interrupt, of each slot */
#define FRAME_GET_INTERRUPT 2u
#define FRAME_SLOTS 3u
#define LARGE (K_MEM_COMPRESSED_PACKED_MAX - 2) /* of a page's bytes; two are its length */

static struct k_mem_ram_store ram;
static struct strict_store lower;
static struct k_mem_compressed compressed;
static struct k_mem_store store;
static uint8_t ram_pages[SLOTS * PAGE];
static uint64_t ram_words[K_MEM_SLOT_MAP_WORDS(SLOTS)];
static uint8_t lower_slots[SLOTS];
static struct k_mem_compressed_slot records[SLOTS];
static uint8_t *pool;

/* ---- the compressor -------------------------------------------------------------------- */

static void (*interrupt)(void); /* played once, in the next compress or decompress */
static bool corrupted;

static void play(void)
{
	void (*now)(void) = interrupt;

	interrupt = NULL;
	if (now != NULL && !strict_locked()) {
		strict_context_set(QR_PORT_ISR);
		now();
		strict_context_set(QR_PORT_THREAD);
	}
}

static size_t cut_compress(void *work, const void *page, void *packed, size_t packed_max)
{
	const uint8_t *bytes = page;
	uint8_t *out = packed;
	uint16_t length = PAGE;

	assert_false(strict_locked());
	memset(work, 0xaa, 16);
	while (length > 0 && bytes[length - 1] == 0) {
		length--;
	}
	play();
	if (length + sizeof(length) > packed_max) {
		return 0;
	}
	memcpy(out, &length, sizeof(length));
	memcpy(out + sizeof(length), bytes, length);
	return length + sizeof(length);
}

static int cut_decompress(const void *packed, size_t packed_bytes, void *page)
{
	const uint8_t *in = packed;
	uint16_t length;

	assert_false(strict_locked());
	memcpy(&length, in, sizeof(length));
	if (corrupted || length + sizeof(length) != packed_bytes) {
		return -EIO;
	}
	memcpy(page, in + sizeof(length), length);
	memset((uint8_t *)page + length, 0, PAGE - length);
	play();
	return 0;
}

static const struct k_mem_compressor cut = {
	.name = "cut", .work_bytes = 16, .compress = cut_compress, .decompress = cut_decompress,
};

/* ---- start and end --------------------------------------------------------------------- */

static uint64_t work[2];

/* What the lower store was asked to write, in order, and which transfers of it fail. */
static uint32_t written[256], written_count;
static unsigned long transfers, fail_from, fail_to;

static int verdict(void *argument, const struct k_mem_io *io)
{
	(void)argument;
	if (io->op == K_MEM_IO_WRITE && written_count < COUNT(written)) {
		written[written_count++] = io->slot;
	}
	transfers++;
	return transfers >= fail_from && transfers <= fail_to ? -EIO : 0;
}

static void start(unsigned int late)
{
	strict_reset();
	memset(&lower, 0, sizeof(lower));
	memset(lower_slots, 0, sizeof(lower_slots));
	memset(records, 0xee, sizeof(records));
	memset(pool, 0xee, POOL_PAGES * PAGE);
	assert_int_equal(k_mem_ram_store_init(&lower.inner, &ram, ram_pages, SLOTS, ram_words), 0);
	lower.slots = lower_slots;
	lower.late = late;
	lower.verdict = verdict;
	memset(&compressed, 0xee, sizeof(compressed));
	strict_store_init(&compressed.lower, &lower);
	compressed.compressor = &cut;
	compressed.work = work;
	compressed.pool = pool;
	compressed.pool_bytes = POOL_PAGES * PAGE;
	compressed.slots = records;
	compressed.spill_pages = fake_memory[SPILL_FIRST];
	compressed.spill_phys = fake_phys(SPILL_FIRST);
	compressed.spill_count = SPILLS;
	assert_int_equal(k_mem_compressed_store_init(&store, &compressed), 0);
	strict_poll_add(&store);
	written_count = 0;
	transfers = fail_from = fail_to = 0;
	interrupt = NULL;
	corrupted = false;
}

/* A block of its own, so that ASan sees what goes beyond it. */
static int setup(void **state)
{
	(void)state;
	pool = malloc(POOL_PAGES * PAGE);
	return pool == NULL;
}

static int teardown(void **state)
{
	(void)state;
	free(pool);
	return 0;
}

static struct k_mem_compressed_stats stats(void)
{
	struct k_mem_compressed_stats now;

	k_mem_compressed_stats_get(&compressed, &now);
	return now;
}

/* ---- pages ----------------------------------------------------------------------------- */

/* What a page holds: `length` bytes that follow from the stamp, then zeros; or one value. */
struct content {
	uint32_t stamp;
	uint32_t length;
	bool same;
};

static void content_make(uint8_t *page, struct content content)
{
	if (content.same) {
		for (uint32_t i = 0; i < PAGE / 4; i++) {
			memcpy(page + i * 4, &content.stamp, 4);
		}
		return;
	}
	memset(page, 0, PAGE);
	for (uint32_t i = 0; i < content.length; i++) {
		page[i] = (uint8_t)(1 + (content.stamp * 31 + i * 7 + (i >> 8)) % 255);
	}
}

static bool content_is(const uint8_t *page, struct content content)
{
	uint8_t wanted[PAGE];

	content_make(wanted, content);
	return memcmp(page, wanted, PAGE) == 0;
}

/* ---- the core's part ------------------------------------------------------------------- */

struct request {
	struct k_mem_io io;
	uintptr_t frame;
	bool ended;
	int status;
};
static struct request requests[SLOTS]; /* frame n is the frame of slot n */

static void done(struct k_mem_io *io, int status)
{
	struct request *request = io->context;
	qr_port_key_t key = qr_port_lock();

	assert_false(request->ended);
	request->ended = true;
	request->status = status;
	qr_port_wakeup(request);
	qr_port_unlock(key);
}

static int begin(enum k_mem_io_op op, uint32_t slot, uint32_t frame)
{
	struct request *request = &requests[slot];

	request->frame = fake_phys(frame);
	request->ended = false;
	request->io = (struct k_mem_io){
		.op = op, .slot = slot, .page_count = 1, .frames = &request->frame,
		.done = done, .context = request,
	};
	return store.ops->submit(store.context, &request->io);
}

static unsigned long refusals; /* with K_MEM_IO_FULL */

static int transfer(enum k_mem_io_op op, uint32_t slot, uint32_t frame)
{
	int status = begin(op, slot, frame);
	qr_port_key_t key;

	while (status == K_MEM_IO_FULL) {
		refusals++;
		store.ops->poll(store.context);
		status = begin(op, slot, frame);
	}
	if (status != K_MEM_IO_TAKEN) {
		return status;
	}
	while (!requests[slot].ended && !qr_port_can_sleep()) {
		store.ops->poll(store.context);
	}
	key = qr_port_lock();
	while (!requests[slot].ended) {
		key = qr_port_sleep(&requests[slot], key);
	}
	qr_port_unlock(key);
	return requests[slot].status;
}

static int put(uint32_t slot, struct content content)
{
	content_make(fake_memory[0], content);
	return transfer(K_MEM_IO_WRITE, slot, 0);
}

static int put_length(uint32_t slot, uint32_t length)
{
	return put(slot, (struct content){.stamp = slot, .length = length});
}

static int get(uint32_t slot, struct content content)
{
	uint32_t frame = qr_port_context() == QR_PORT_ISR ? FRAME_GET_INTERRUPT : FRAME_GET;
	int status;

	memset(fake_memory[frame], 0xcc, PAGE);
	status = transfer(K_MEM_IO_READ, slot, frame);
	if (status == 0) {
		assert_true(content_is(fake_memory[frame], content));
	}
	return status;
}

static int get_length(uint32_t slot, uint32_t length)
{
	return get(slot, (struct content){.stamp = slot, .length = length});
}

static int reserve(uint32_t *slot)
{
	qr_port_key_t key = qr_port_lock();
	int status = store.ops->reserve(store.context, slot);

	qr_port_unlock(key);
	return status;
}

static void reserve_up_to(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t slot;

		assert_int_equal(reserve(&slot), 0);
		assert_int_equal(slot, i);
	}
}

static void give_up(void (*function)(void *, uint32_t), uint32_t slot)
{
	qr_port_key_t key = qr_port_lock();

	function(store.context, slot);
	qr_port_unlock(key);
}

static void release(uint32_t slot)
{
	give_up(store.ops->release, slot);
}

static void retire(uint32_t slot)
{
	give_up(store.ops->retire, slot);
}

static void poll_all(void)
{
	for (unsigned int i = 0; i < 20; i++) {
		store.ops->poll(store.context);
	}
}

/* Everything under way has ended. */
static void settle(void)
{
	poll_all();
	assert_int_equal(lower.in_flight, 0);
	assert_int_equal(compressed.spilling, 0);
	assert_int_equal(compressed.leaving, 0);
	assert_false(compressed.busy);
}

/* Nothing is left in the pool when every slot was given up. */
static void assert_empty(void)
{
	struct k_mem_compressed_stats now = stats();

	settle();
	assert_int_equal(now.pool_pages, 0);
	assert_int_equal(now.packed_bytes, 0);
	assert_int_equal(now.pool_bytes, 0);
	assert_int_equal(now.same_pages, 0);
	assert_int_equal(compressed.free_count + compressed.chunk_count - compressed.fresh,
			 POOL_PAGES * PAGE / K_MEM_COMPRESSED_CHUNK_BYTES);
	assert_int_equal(compressed.oldest, UINT32_MAX);
	assert_int_equal(compressed.newest, UINT32_MAX);
}

/* ---- what is kept ---------------------------------------------------------------------- */

static void test_kept_or_through(void **state)
{
	static const struct {
		struct content content;
		bool through;
	} pages[] = {
		{{.same = true}, false},
		{{.same = true, .stamp = UINT32_MAX}, false},
		{{.same = true, .stamp = 0x12345678}, false},
		{{.stamp = 1, .length = 1}, false},
		{{.stamp = 2, .length = 100}, false},
		{{.stamp = 3, .length = 106}, false}, /* fills a chunk */
		{{.stamp = 4, .length = 107}, false},
		{{.stamp = 5, .length = 230}, false}, /* and two */
		{{.stamp = 6, .length = 231}, false},
		{{.stamp = 7, .length = LARGE}, false},
		{{.stamp = 8, .length = LARGE + 1}, true},
		{{.stamp = 9, .length = PAGE}, true},
	};
	unsigned long through = 0;

	(void)state;
	start(0);
	reserve_up_to(COUNT(pages));
	for (uint32_t i = 0; i < COUNT(pages); i++) {
		assert_int_equal(put(i, pages[i].content), 0);
		through += pages[i].through ? 1 : 0;
		assert_int_equal(lower.writes, through);
	}
	for (uint32_t i = 0; i < COUNT(pages); i++) {
		assert_int_equal(get(i, pages[i].content), 0);
	}
	assert_int_equal(lower.reads, through);
	assert_int_equal(stats().same_pages, 3);
	assert_int_equal(stats().same_filled, 3);
	assert_int_equal(stats().pool_pages, 7);
	assert_int_equal(stats().kept, 7);
	assert_int_equal(stats().rejected, through);
	assert_int_equal(stats().passed, 0);
	assert_int_equal(stats().hits, 10);
	assert_int_equal(stats().misses, through);
	/* two bytes of length each; 1 + 1 + 1 + 2 + 2 + 3 + 25 chunks */
	assert_int_equal(stats().packed_bytes, 1 + 100 + 106 + 107 + 230 + 231 + LARGE + 14);
	assert_int_equal(stats().pool_bytes, 35 * K_MEM_COMPRESSED_CHUNK_BYTES);
	/* the mm lock or a window, never one inside the other */
	assert_int_equal(strict_counts()->depth_max, 1);
	for (uint32_t i = 0; i < COUNT(pages); i++) {
		release(i);
	}
	assert_int_equal(lower.reserved, 0);
	assert_empty();
}

/* Almost of one value is not of one value. */
static void test_not_the_same(void **state)
{
	static const uint32_t places[] = {0, 3, 4, 7, 8, PAGE / 2, PAGE - 8, PAGE - 1};

	(void)state;
	start(0);
	reserve_up_to(1);
	for (size_t i = 0; i < COUNT(places); i++) {
		memset(fake_memory[0], 5, PAGE);
		fake_memory[0][places[i]] = 6;
		assert_int_equal(transfer(K_MEM_IO_WRITE, 0, 0), 0);
		memset(fake_memory[1], 0, PAGE);
		assert_int_equal(transfer(K_MEM_IO_READ, 0, 1), 0);
		assert_memory_equal(fake_memory[0], fake_memory[1], PAGE);
	}
	for (size_t i = 0; i < PAGE; i++) { /* two values in turn */
		fake_memory[0][i] = i % 8 < 4 ? 7 : 8;
	}
	assert_int_equal(transfer(K_MEM_IO_WRITE, 0, 0), 0);
	assert_int_equal(stats().same_filled, 0);
}

/* A slot's content is the last one written, wherever that and the one before went. */
static void test_overwritten(void **state)
{
	static const struct content kinds[] = {
		{.same = true, .stamp = 77}, {.stamp = 1, .length = 50},
		{.stamp = 2, .length = LARGE}, {.stamp = 3, .length = PAGE},
	};

	(void)state;
	start(0);
	reserve_up_to(1);
	for (size_t i = 0; i < COUNT(kinds); i++) {
		for (size_t j = 0; j < COUNT(kinds); j++) {
			assert_int_equal(put(0, kinds[i]), 0);
			assert_int_equal(put(0, kinds[j]), 0);
			assert_int_equal(get(0, kinds[j]), 0);
		}
	}
	release(0);
	assert_empty();
}

static void test_unreadable(void **state)
{
	(void)state;
	start(0);
	reserve_up_to(1);
	assert_int_equal(put_length(0, 9), 0);
	corrupted = true;
	assert_int_equal(get_length(0, 9), -EIO);
	corrupted = false;
	assert_int_equal(get_length(0, 9), 0);
}

/* ---- spilling -------------------------------------------------------------------------- */

static void fill_pool(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(put_length(i, 1500), 0);
	}
}

/* Oldest first; who was written again is the youngest; who was released is not written. */
static void spill_order(unsigned int late)
{
	start(late);
	reserve_up_to(SLOTS);
	fill_pool(3);
	assert_int_equal(put_length(0, 1500), 0);
	release(1);
	for (uint32_t i = 3; i < 40; i++) {
		assert_int_equal(put_length(i, 1500), 0);
	}
	settle();
	assert_in_range(written_count, 20, 39);
	assert_int_equal(written[0], 2);
	assert_int_equal(written[1], 0);
	for (uint32_t i = 2; i < written_count; i++) {
		assert_int_equal(written[i], i + 1);
	}
	assert_int_equal(stats().spilled, written_count);
	assert_int_equal(stats().passed, 0);
	for (uint32_t i = 0; i < 40; i++) {
		if (i != 1) {
			assert_int_equal(get_length(i, 1500), 0);
		}
	}
	assert_int_equal(stats().misses, written_count);
	assert_int_equal(stats().hits, 39 - written_count);
}

static void test_spill_order(void **state)
{
	(void)state;
	spill_order(0);
	spill_order(1);
	spill_order(7);
}

/* Whatever is in the way, what does not sleep goes through, and the order of the rest stays. */
static void test_cannot_wait(void **state)
{
	(void)state;
	start(3);
	reserve_up_to(SLOTS);
	strict_context_set(QR_PORT_IRQ_LOCKED);
	for (uint32_t i = 0; i < SLOTS; i++) {
		assert_int_equal(put_length(i, 1500), 0);
	}
	assert_int_equal(strict_counts()->sleeps, 0);
	assert_true(stats().passed > 0);
	assert_true(stats().spilled > 0);
	for (uint32_t i = 0; i < SLOTS; i++) {
		assert_int_equal(get_length(i, 1500), 0);
	}
	settle();
}

/* The lower store has room for one request: spills wait and stay in order. Where spills fill
 * it, who wants to go through sleeps, and is not sent away to poll. */
static void test_lower_queue_full(void **state)
{
	unsigned long polls = refusals;

	(void)state;
	start(2);
	lower.room = 1;
	reserve_up_to(SLOTS);
	for (uint32_t i = 0; i < SLOTS; i++) {
		assert_int_equal(put_length(i, i % 3 ? 2000 : PAGE), 0);
	}
	for (uint32_t i = 0, last = 0; i < written_count; i++) {
		if (written[i] % 3 != 0) {
			assert_true(written[i] > last);
			last = written[i];
		}
	}
	for (uint32_t i = 0; i < SLOTS; i++) {
		assert_int_equal(get_length(i, i % 3 ? 2000 : PAGE), 0);
	}
	assert_int_equal(refusals, polls);
	settle();
}

/* The lower store cannot serve this context, or its queue is full: the slot is as it was, whatever
 * it was, and is spilled in its turn. */
static int verdict_not_here(void *argument, const struct k_mem_io *io)
{
	(void)argument;
	return io->op == K_MEM_IO_WRITE ? K_MEM_IO_NOT_HERE : K_MEM_IO_DONE;
}

static void refuse_slot_0(bool full)
{
	if (!full) {
		lower.verdict = verdict_not_here;
		assert_int_equal(put_length(0, PAGE), K_MEM_IO_NOT_HERE);
		lower.verdict = verdict;
		return;
	}
	lower.room = 1;
	strict_context_set(QR_PORT_IRQ_LOCKED);
	content_make(fake_memory[0], (struct content){.stamp = 9, .length = PAGE});
	assert_int_equal(begin(K_MEM_IO_WRITE, 1, 0), K_MEM_IO_TAKEN);
	assert_int_equal(begin(K_MEM_IO_WRITE, 0, 0), K_MEM_IO_FULL);
	strict_context_set(QR_PORT_THREAD);
	lower.room = 0;
	settle();
}

static void test_lower_starts_nothing(void **state)
{
	static const struct content kinds[] = {
		{.same = true, .stamp = 77}, {.stamp = 1, .length = 50},
		{.stamp = 3, .length = PAGE},
	};

	(void)state;
	for (size_t i = 0; i < 2 * COUNT(kinds); i++) {
		const struct content kind = kinds[i / 2];

		start(3);
		reserve_up_to(SLOTS);
		assert_int_equal(put(0, kind), 0);
		settle();
		refuse_slot_0(i % 2 != 0);
		assert_int_equal(get(0, kind), 0);
		for (uint32_t slot = 1; slot < SLOTS; slot++) {
			assert_int_equal(put_length(slot, 1500), 0);
		}
		settle();
		/* in the lower store, but for one value all over */
		assert_true((records[0].state & 3u) == (kind.same ? 1u : 0u));
		assert_int_equal(get(0, kind), 0);
		for (uint32_t slot = 0; slot < SLOTS; slot++) {
			release(slot);
		}
		assert_int_equal(lower.reserved, 0);
		assert_empty();
	}
}

/* ---- during a spill -------------------------------------------------------------------- */

/* The pool is full, and slot 0 on its way down, in the lower store's queue. */
static void spilling_slot_0(void)
{
	start(5);
	reserve_up_to(SLOTS);
	for (uint32_t i = 0; compressed.spilling == 0; i++) {
		assert_int_equal(put_length(i, 1500), 0);
	}
	assert_true(lower.in_flight > 0);
	assert_int_equal(written[0], 0);
}

static void test_read_during_spill(void **state)
{
	(void)state;
	spilling_slot_0();
	assert_int_equal(get_length(0, 1500), 0);
	assert_int_equal(lower.reads, 0);
	settle();
	assert_int_equal(get_length(0, 1500), 0);
	assert_int_equal(lower.reads, 1);
}

/* The reader has begun when the spill ends. */
static void test_spill_ends_during_read(void **state)
{
	(void)state;
	spilling_slot_0();
	interrupt = poll_all;
	assert_int_equal(get_length(0, 1500), 0);
	assert_int_equal(lower.reads, 0);
	assert_int_equal(get_length(0, 1500), 0);
	assert_int_equal(lower.reads, 1);
}

static void test_write_during_spill(void **state)
{
	static const struct content kinds[] = {
		{.same = true, .stamp = 77}, {.stamp = 1, .length = 50},
		{.stamp = 3, .length = PAGE},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		spilling_slot_0();
		assert_int_equal(put(0, kinds[i]), 0);
		assert_int_equal(get(0, kinds[i]), 0);
		settle();
		assert_int_equal(get(0, kinds[i]), 0);
		for (uint32_t slot = 0; slot < SLOTS; slot++) {
			release(slot);
		}
		assert_int_equal(lower.reserved, 0);
		assert_empty();
	}
}

static void test_write_during_spill_without_sleep(void **state)
{
	(void)state;
	spilling_slot_0();
	strict_context_set(QR_PORT_IRQ_LOCKED);
	content_make(fake_memory[0], (struct content){.stamp = 3, .length = PAGE});
	assert_int_equal(begin(K_MEM_IO_WRITE, 0, 0), K_MEM_IO_FULL);
	assert_int_equal(transfer(K_MEM_IO_WRITE, 0, 0), 0); /* which polls */
	assert_int_equal(get(0, (struct content){.stamp = 3, .length = PAGE}), 0);
	settle();
}

/* A spill is in the hands of the thread that was interrupted. */
static int interrupt_status;

static void write_slot_0(void)
{
	content_make(fake_memory[2], (struct content){.stamp = 3, .length = PAGE});
	interrupt_status = begin(K_MEM_IO_WRITE, 0, 2);
}

static void interrupt_spill(void)
{
	if (compressed.spilling > 0) {
		write_slot_0();
	} else {
		interrupt = interrupt_spill; /* this was the compression of a page */
	}
}

static void test_write_while_spill_is_made(void **state)
{
	(void)state;
	start(5);
	reserve_up_to(SLOTS);
	interrupt_status = 1;
	for (uint32_t i = 0; interrupt_status == 1; i++) {
		interrupt = interrupt_spill;
		assert_int_equal(put_length(i, 1500), 0);
	}
	interrupt = NULL;
	assert_int_equal(interrupt_status, K_MEM_IO_NOT_HERE);
	assert_int_equal(get_length(0, 1500), 0); /* as it was */
	settle();
	assert_int_equal(get_length(0, 1500), 0);
	assert_int_equal(put_length(0, PAGE), 0); /* and later it is written */
	settle();
	assert_int_equal(get_length(0, PAGE), 0);
	assert_int_equal(lower.retired, 0);
}

static void test_release_during_spill(void **state)
{
	uint32_t slot;

	(void)state;
	spilling_slot_0();
	release(0);
	assert_int_equal(lower.reserved, SLOTS);
	/* for the core it is free */
	assert_int_equal(reserve(&slot), 0);
	assert_int_equal(slot, 0);
	assert_int_equal(reserve(&slot), -ENOSPC);
	assert_int_equal(put_length(0, 10), 0);
	settle();
	assert_int_equal(get_length(0, 10), 0);
	assert_int_equal(lower.reserved, SLOTS);

	spilling_slot_0();
	release(0);
	settle();
	assert_int_equal(lower.reserved, SLOTS - 1);
	assert_int_equal(reserve(&slot), 0);
	assert_int_equal(slot, 0);
}

/* A lower store with a bug: it says a second time that a spill has ended. */
static void test_spill_ends_twice(void **state)
{
	struct k_mem_io *io;

	(void)state;
	spilling_slot_0();
	io = lower.first;
	settle();
	STRICT_CATCH(io->done(io, 0));
	assert_non_null(strict_caught());
	assert_non_null(strstr(strict_caught(), "a transfer that is not under way"));
}

/* It says so of a request that it was never given. */
static void test_spill_of_a_stranger(void **state)
{
	struct k_mem_io stranger;

	(void)state;
	spilling_slot_0();
	stranger = *lower.first;
	STRICT_CATCH(stranger.done(&stranger, 0));
	assert_non_null(strict_caught());
	assert_non_null(strstr(strict_caught(), "a transfer that is not under way"));
}

/* ---- failures -------------------------------------------------------------------------- */

static void test_failed_spill(void **state)
{
	uint32_t slot;

	(void)state;
	spilling_slot_0();
	fail_from = fail_to = 0;
	lower.first->scratch[1] = EIO; /* the verdict on the request that is under way */
	settle();
	assert_int_equal(stats().spill_errors, 1);
	assert_int_equal(get_length(0, 1500), 0); /* still there */
	assert_int_equal(put_length(0, 10), -EIO);
	assert_int_equal(put_length(0, PAGE), -EIO);
	assert_int_equal(put(0, (struct content){.same = true}), -EIO);
	assert_int_equal(get_length(0, 1500), 0);
	/* released, it is handed out when there is no other, and still refused */
	release(1);
	release(0);
	assert_int_equal(lower.reserved, SLOTS - 1);
	assert_int_equal(reserve(&slot), 0);
	assert_int_equal(slot, 1);
	assert_int_equal(reserve(&slot), 0);
	assert_int_equal(slot, 0);
	assert_int_equal(reserve(&slot), -ENOSPC);
	assert_int_equal(put_length(0, 10), -EIO);
	retire(0);
	assert_int_equal(lower.retired, 1);
	assert_int_equal(reserve(&slot), -ENOSPC);
}

/* What became of a page: the slot that has it, or none where the core kept its frame. */
static uint32_t place[40];

/* Write every page, reading some, with a new slot where a write failed; then all is there. */
static void write_all(void)
{
	uint32_t slot;

	for (uint32_t i = 0; i < COUNT(place); i++) {
		uint32_t length = i % 5 == 0 ? PAGE : 900 + 40 * i;

		content_make(fake_memory[0], (struct content){.stamp = i, .length = length});
		place[i] = SLOTS;
		while (place[i] == SLOTS && reserve(&slot) == 0) {
			if (transfer(K_MEM_IO_WRITE, slot, 0) == 0) {
				place[i] = slot;
			} else {
				retire(slot);
			}
		}
	}
	fail_from = 0;
	fail_to = 0;
	for (uint32_t i = 0; i < COUNT(place); i++) {
		uint32_t length = i % 5 == 0 ? PAGE : 900 + 40 * i;

		if (place[i] != SLOTS) {
			assert_int_equal(get(place[i], (struct content){.stamp = i,
									.length = length}), 0);
		}
	}
	settle();
}

static void test_fails_at_every_transfer(void **state)
{
	unsigned long all;

	(void)state;
	for (unsigned int late = 0; late < 3; late++) {
		start(late);
		write_all();
		all = transfers;
		for (unsigned long n = 1; n <= all; n++) {
			start(late);
			fail_from = fail_to = n;
			write_all();
			start(late);
			fail_from = n;
			fail_to = UINT32_MAX;
			write_all();
		}
		assert_true(all > 30);
	}
}

static void test_read_fails(void **state)
{
	(void)state;
	start(1);
	reserve_up_to(1);
	assert_int_equal(put_length(0, PAGE), 0);
	fail_from = fail_to = transfers + 1;
	assert_int_equal(get_length(0, PAGE), -EIO);
	assert_int_equal(get_length(0, PAGE), 0);
}

/* ---- interrupts in the middle ---------------------------------------------------------- */

static void use_slot_2(void)
{
	struct content large = {.stamp = 2, .length = 2000};
	unsigned long passed = stats().passed;

	assert_int_equal(get(2, large), 0); /* with the buffer in use */
	content_make(fake_memory[3], large);
	assert_int_equal(transfer(K_MEM_IO_WRITE, 2, 3), 0);
	assert_int_equal(stats().passed, passed + 1);
	assert_int_equal(get(2, large), 0);
	interrupt_status = 0;
}

static void test_interrupted(void **state)
{
	(void)state;
	start(1);
	reserve_up_to(4);
	assert_int_equal(put_length(2, 2000), 0);
	interrupt_status = 1;
	interrupt = use_slot_2;
	assert_int_equal(put_length(0, 1000), 0);
	assert_int_equal(interrupt_status, 0);
	assert_int_equal(put_length(2, 2000), 0);
	interrupt_status = 1;
	interrupt = use_slot_2;
	memset(fake_memory[4], 0, PAGE);
	assert_int_equal(transfer(K_MEM_IO_READ, 0, 4), 0);
	assert_true(content_is(fake_memory[4], (struct content){.stamp = 0, .length = 1000}));
	assert_int_equal(interrupt_status, 0);
}

/* A reader in an interrupt overtakes one of the same slot, which may then change. */
static void overtake(void)
{
	assert_int_equal(get_length(0, 1000), 0);
	release(0);
	interrupt_status = 0;
}

static void test_overtaken(void **state)
{
	(void)state;
	start(0);
	reserve_up_to(1);
	assert_int_equal(put_length(0, 1000), 0);
	interrupt = overtake;
	interrupt_status = 1;
	assert_int_equal(transfer(K_MEM_IO_READ, 0, 4), 0);
	assert_int_equal(interrupt_status, 0);
	assert_empty();
}

/* ---- random calls ---------------------------------------------------------------------- */

static struct {
	bool reserved;
	bool valid;   /* written since */
	bool writing; /* a request is under way */
	struct content content;
} model[SLOTS];
static unsigned long lost_slots;

static struct content content_random(void)
{
	struct content content = {.stamp = random_below(1000) + 1};
	uint32_t kind = random_below(8);

	content.same = kind == 0;
	content.length = 1 + random_below(kind < 4 ? LARGE : 600);
	content.length = kind == 1 ? PAGE : content.length;
	return content;
}

/* The write that was under way has ended, and the core has looked. */
static void look(uint32_t slot)
{
	if (model[slot].writing && requests[slot].ended) {
		model[slot].writing = false;
		model[slot].valid = requests[slot].status == 0;
		if (requests[slot].status != 0) {
			retire(slot);
			model[slot].reserved = false;
			lost_slots++;
		}
	}
}

static void write_random(uint32_t slot)
{
	struct content content = content_random();
	int status;

	content_make(fake_memory[FRAME_SLOTS + slot], content);
	status = begin(K_MEM_IO_WRITE, slot, FRAME_SLOTS + slot);
	if (status == K_MEM_IO_FULL || status == K_MEM_IO_NOT_HERE) {
		return; /* nothing was started */
	}
	model[slot].content = content;
	model[slot].writing = true;
	if (status != K_MEM_IO_TAKEN) {
		requests[slot].ended = true;
		requests[slot].status = status;
	}
	look(slot);
}

/* Slots that threads use are below this; the others are for interrupts. */
#define OF_THREADS (SLOTS / 4 * 3)

static void step(uint32_t slot)
{
	uint32_t got;

	look(slot);
	if (model[slot].writing) {
		return;
	}
	if (!model[slot].reserved) {
		if (reserve(&got) == 0) {
			assert_false(model[got].reserved);
			model[got].reserved = true;
			model[got].valid = false;
		}
		return;
	}
	switch (random_below(8)) {
	case 0:
		release(slot);
		model[slot].reserved = false;
		break;
	case 1:
	case 2:
	case 3:
		write_random(slot);
		break;
	default:
		if (model[slot].valid && lower.in_flight == 0) {
			assert_int_equal(get(slot, model[slot].content), 0);
		}
	}
}

static void step_interrupt(void)
{
	uint32_t slot = OF_THREADS + random_below(SLOTS - OF_THREADS);

	look(slot);
	if (model[slot].reserved && !model[slot].writing) {
		if (random_below(2) == 0) {
			write_random(slot);
		} else if (model[slot].valid && lower.in_flight == 0) {
			assert_int_equal(get(slot, model[slot].content), 0);
		}
	}
}

static int verdict_random(void *argument, const struct k_mem_io *io)
{
	(void)argument;
	if (io->op == K_MEM_IO_WRITE && random_below(20) == 0) {
		return K_MEM_IO_NOT_HERE;
	}
	return io->op == K_MEM_IO_WRITE && random_below(400) == 0 ? -EIO : 0;
}

static void end_random(void)
{
	settle();
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		look(slot);
		if (model[slot].reserved && model[slot].valid) {
			assert_int_equal(get(slot, model[slot].content), 0);
		}
		if (model[slot].reserved) {
			release(slot);
		}
	}
	settle();
	assert_int_equal(lower.retired, lost_slots);
	assert_empty();
}

static void test_random(void **state)
{
	(void)state;
	for (unsigned int run = 0; run < 60; run++) {
		memset(model, 0, sizeof(model));
		lost_slots = 0;
		start(random_below(4));
		lower.verdict = verdict_random;
		lower.backwards = random_below(2) == 0;
		lower.room = random_below(3) == 0 ? 1 + random_below(3) : 0;
		for (unsigned int i = 0; i < 1500; i++) {
			interrupt = random_below(3) == 0 ? step_interrupt : NULL;
			step(random_below(OF_THREADS));
			if (random_below(4) == 0) {
				store.ops->poll(store.context);
			}
			assert_int_equal(strict_counts()->depth_max <= 2, 1);
		}
		interrupt = NULL;
		end_random();
	}
}

/* ---- bad input ------------------------------------------------------------------------- */

static void test_refuses(void **state)
{
	struct k_mem_compressed good, bad;
	struct k_mem_store other;

	(void)state;
	start(0);
	good = compressed;
#define REFUSES(change)                                                              \
	do {                                                                         \
		bad = good;                                                          \
		bad.change;                                                          \
		assert_int_equal(k_mem_compressed_store_init(&other, &bad), -EINVAL); \
	} while (0)
	REFUSES(lower.read_only = true);
	REFUSES(lower.ops = NULL);
	REFUSES(compressor = NULL);
	REFUSES(work = NULL);
	REFUSES(pool = NULL);
	REFUSES(slots = NULL);
	REFUSES(spill_pages = NULL);
	REFUSES(pool_bytes = K_MEM_COMPRESSED_POOL_MIN - 1);
	REFUSES(spill_count = 0);
	REFUSES(spill_count = K_MEM_COMPRESSED_SPILLS_MAX + 1);
#undef REFUSES
	assert_int_equal(k_mem_compressed_store_init(&other, &good), 0);
	assert_int_equal(other.slot_count, SLOTS);
	assert_int_equal(other.page_count_max, 1);
	assert_false(other.read_only);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_kept_or_through),
		TEST(test_not_the_same),
		TEST(test_overwritten),
		TEST(test_unreadable),
		TEST(test_spill_order),
		TEST(test_cannot_wait),
		TEST(test_lower_queue_full),
		TEST(test_lower_starts_nothing),
		TEST(test_read_during_spill),
		TEST(test_spill_ends_during_read),
		TEST(test_write_during_spill),
		TEST(test_write_during_spill_without_sleep),
		TEST(test_write_while_spill_is_made),
		TEST(test_release_during_spill),
		TEST(test_spill_ends_twice),
		TEST(test_spill_of_a_stranger),
		TEST(test_failed_spill),
		TEST(test_fails_at_every_transfer),
		TEST(test_read_fails),
		TEST(test_interrupted),
		TEST(test_overtaken),
		TEST(test_random),
		TEST(test_refuses),
	};

	random_start();
	return cmocka_run_group_tests_name("compressed store", tests, NULL, NULL);
}
