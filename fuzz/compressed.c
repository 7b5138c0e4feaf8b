/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compressed.c - the compressed store with LZ4, whose blocks are damaged before they are
 * decompressed, in front of a store that fails. The input is a list of what is done: pages that
 * are written and read, in threads and in interrupt handlers; blocks that are replaced by the
 * input's bytes; transfers that fail. A page that was not damaged is read as it was written,
 * whatever happened before.
 */
#include "fuzz.h"

#include <errno.h>

#include <port/strict/store.h>
#include <port/strict/strict.h>
#include <quire/compressed.h>
#include <quire/ramstore.h>

#include "kernel/compress.h"
#include "tests/unit/fake_memory.h"

#define PAGE       CONFIG_MMU_PAGE_SIZE
#define SLOTS      16u
#define POOL_BYTES (4u * PAGE)
#define SPILLS     2u
#define OPS_MAX    200u
#define POLLS_MAX  1000u

static struct k_mem_ram_store ram;
static struct strict_store lower;
static struct k_mem_compressed compressed;
static struct k_mem_store store;
static uint8_t ram_pages[SLOTS * PAGE];
static uint64_t ram_words[K_MEM_SLOT_MAP_WORDS(SLOTS)];
static uint8_t lower_slots[SLOTS];
static struct k_mem_compressed_slot records[SLOTS];
static uint64_t work[KERNEL_COMPRESS_WORK_BYTES / 8];
static uint8_t *pool;

/* What the slots hold, as far as that is known. */
static struct {
	bool reserved, known;
	uint8_t page[PAGE];
} slots[SLOTS];

static struct fuzz_bytes input;

/* ---- the compressor, and what damages its blocks --------------------------------------- */

static uint8_t damage;    /* how the next block is damaged; 0: it is not */
static bool reading;      /* the core reads, and so hears of it */
static bool damaged;      /* one was since the last read began */
static unsigned int fail; /* so many transfers of the lower store will */
static bool failed;       /* one has since the last read began */
static bool slots_lost;   /* one has at some time: a slot may be refused when it is written to */

static size_t compress(void *memory, const void *page, void *packed, size_t packed_max)
{
	size_t bytes = kernel_compressor->compress(memory, page, packed, packed_max);

	FUZZ_CHECK(bytes <= packed_max);
	return bytes;
}

static int decompress(const void *packed, size_t packed_bytes, void *page)
{
	size_t bytes = packed_bytes;
	uint8_t *block, *out;
	int status;

	FUZZ_CHECK(bytes > 0 && bytes <= K_MEM_COMPRESSED_PACKED_MAX);
	if (damage & 1)
		bytes = fuzz_number(&input, 2) % K_MEM_COMPRESSED_PACKED_MAX;
	block = malloc(bytes ? bytes : 1);
	out = malloc(PAGE);
	FUZZ_CHECK(block != NULL && out != NULL);
	memset(out, 0, PAGE);
	if (damage & 2)
		fuzz_copy(&input, block, bytes);
	else
		memcpy(block, packed, bytes < packed_bytes ? bytes : packed_bytes);
	if (bytes > packed_bytes && !(damage & 2))
		memset(block + packed_bytes, 0, bytes - packed_bytes);
	if (damage & 4 && bytes)
		block[fuzz_number(&input, 2) % bytes] ^= fuzz_byte(&input);
	damaged |= damage != 0;
	status = kernel_compressor->decompress(block, bytes, out);
	FUZZ_CHECK(status == 0 || status == -EIO);
	slots_lost |= status != 0;
	/* nobody could know that a block is another one */
	if (status == 0 && damage != 0 && !reading)
		status = kernel_compressor->decompress(packed, packed_bytes, out);
	damage = 0;
	memcpy(page, out, PAGE);
	free(block);
	free(out);
	return status;
}

static struct k_mem_compressor compressor = {
	.name = "damaged",
	.compress = compress,
	.decompress = decompress,
};

static int verdict(void *argument, const struct k_mem_io *io)
{
	(void)argument;
	(void)io;
	if (fail == 0)
		return 0;
	fail--;
	failed = slots_lost = true;
	return -EIO;
}

/* ---- the core's part -------------------------------------------------------------------- */

struct request {
	struct k_mem_io io;
	uintptr_t frame;
	bool ended;
	int status;
};

static void done(struct k_mem_io *io, int status)
{
	struct request *request = io->context;
	qr_port_key_t key = qr_port_lock();

	FUZZ_CHECK(!request->ended);
	request->ended = true;
	request->status = status;
	qr_port_wakeup(request);
	qr_port_unlock(key);
}

static int transfer(enum k_mem_io_op op, uint32_t slot, uint32_t frame)
{
	struct request request = {.frame = fake_phys(frame)};
	unsigned int polls = 0;
	int status;

	request.io = (struct k_mem_io){
		.op = op,
		.slot = slot,
		.page_count = 1,
		.frames = &request.frame,
		.done = done,
		.context = &request,
	};
	while ((status = store.ops->submit(store.context, &request.io)) == -EAGAIN &&
	       polls++ < POLLS_MAX)
		store.ops->poll(store.context);
	for (; status == K_MEM_IO_TAKEN && !request.ended && polls < POLLS_MAX; polls++)
		store.ops->poll(store.context);
	FUZZ_CHECK(polls < POLLS_MAX);
	return status == K_MEM_IO_TAKEN ? request.status : status;
}

static void give_up(void (*function)(void *, uint32_t), uint32_t slot)
{
	qr_port_key_t key = qr_port_lock();

	function(store.context, slot);
	qr_port_unlock(key);
	slots[slot].reserved = slots[slot].known = false;
}

static void reserve(void)
{
	qr_port_key_t key = qr_port_lock();
	uint32_t slot;
	int status = store.ops->reserve(store.context, &slot);

	qr_port_unlock(key);
	FUZZ_CHECK(status == 0 || status == -ENOSPC);
	if (status == 0) {
		FUZZ_CHECK(slot < SLOTS && !slots[slot].reserved);
		slots[slot].reserved = true;
	}
}

/* One value all over, or a few bytes of the input again and again, or noise. */
static void page_make(uint8_t *page)
{
	uint8_t how = fuzz_byte(&input);
	uint64_t noise = fuzz_number(&input, 4) + 1;
	size_t length = how < 128 ? 4 : 1 + how % 64u, loud = (size_t)(how & 7) * (PAGE / 8);

	memset(page, 0, PAGE);
	memcpy(page, &noise, length < 4 ? length : 4);
	if (length > 4)
		fuzz_copy(&input, page + 4, length - 4);
	for (size_t i = length; i < PAGE; i++)
		page[i] = page[i - length];
	for (size_t i = 0; how >= 128 && i < loud; i++) {
		noise ^= noise << 13;
		noise ^= noise >> 7;
		noise ^= noise << 17;
		page[i] = (uint8_t)noise;
	}
}

static void write_page(uint32_t slot)
{
	page_make(fake_memory[0]);
	memcpy(slots[slot].page, fake_memory[0], PAGE);
	slots[slot].known = transfer(K_MEM_IO_WRITE, slot, 0) == 0;
	FUZZ_CHECK(slots[slot].known || slots_lost);
	if (!slots[slot].known)
		give_up(store.ops->retire, slot);
}

static void read_page(uint32_t slot)
{
	int status;

	damaged = failed = false;
	memset(fake_memory[1], 0xcc, PAGE);
	reading = true;
	status = transfer(K_MEM_IO_READ, slot, 1);
	reading = false;
	FUZZ_CHECK(status == 0 || ((damaged || failed) && status == -EIO));
	if (status == 0 && !damaged)
		FUZZ_CHECK(memcmp(fake_memory[1], slots[slot].page, PAGE) == 0);
}

static void op_play(uint8_t op)
{
	uint32_t slot = op >> 4;

	strict_context_set(op & 8 ? QR_PORT_ISR : QR_PORT_THREAD);
	switch (op & 7) {
	case 0:
		reserve();
		break;
	case 1:
		if (slots[slot].reserved)
			give_up(store.ops->release, slot);
		break;
	case 2:
	case 3:
		if (slots[slot].reserved)
			write_page(slot);
		break;
	case 4:
	case 5:
		if (slots[slot].known)
			read_page(slot);
		break;
	case 6:
		damage = (uint8_t)slot;
		break;
	default:
		fail = slot;
		break;
	}
	strict_context_set(QR_PORT_THREAD);
}

/* ---- start and end ------------------------------------------------------------------------ */

static void start(uint8_t how)
{
	strict_reset();
	memset(&lower, 0, sizeof(lower));
	memset(lower_slots, 0, sizeof(lower_slots));
	memset(slots, 0, sizeof(slots));
	memset(&compressed, 0, sizeof(compressed));
	FUZZ_CHECK(k_mem_ram_store_init(&lower.inner, &ram, ram_pages, SLOTS, ram_words) == 0);
	lower.slots = lower_slots;
	lower.late = how & 3;
	lower.backwards = how & 4;
	lower.verdict = verdict;
	strict_store_init(&compressed.lower, &lower);
	compressor.work_bytes = kernel_compressor->work_bytes;
	compressed.compressor = &compressor;
	compressed.work = work;
	compressed.pool = pool;
	compressed.pool_bytes = POOL_BYTES;
	compressed.slots = records;
	compressed.spill_pages = fake_memory[FAKE_PAGES - SPILLS];
	compressed.spill_phys = fake_phys(FAKE_PAGES - SPILLS);
	compressed.spill_count = SPILLS;
	FUZZ_CHECK(k_mem_compressed_store_init(&store, &compressed) == 0);
	strict_poll_add(&store);
	damage = 0;
	fail = 0;
	slots_lost = false;
}

/* What is known is there, and when all is given back nothing is left. */
static void finish(void)
{
	struct k_mem_compressed_stats stats;

	fail = 0;
	damage = 0;
	for (unsigned int i = 0; i < 20; i++)
		store.ops->poll(store.context);
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		if (slots[slot].known)
			read_page(slot);
		if (slots[slot].reserved)
			give_up(store.ops->release, slot);
	}
	k_mem_compressed_stats_get(&compressed, &stats);
	FUZZ_CHECK(stats.pool_pages == 0 && stats.packed_bytes == 0 && stats.pool_bytes == 0 &&
		   stats.same_pages == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input = (struct fuzz_bytes){data, size};
	pool = malloc(POOL_BYTES);
	FUZZ_CHECK(pool != NULL);
	start(fuzz_byte(&input));
	for (unsigned int i = 0; input.size > 0 && i < OPS_MAX; i++)
		op_play(fuzz_byte(&input));
	finish();
	free(pool);
	return 0;
}
