/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.c - a trace disk that is damaged, or made by a malicious hand, and the player that reads
 * it (apps/replay/player). Its memory behaves: so whatever the disk says, no word of it is wrong.
 *
 * The input is a list of blocks, each a few bytes that say how far it is to be a good one (number
 * and check), its counts, and its data. The rest of each block is zeros.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>

#include "apps/replay/player/player.h"
#include "apps/user/user.h"

#define BLOCKS_MAX 8u
#define PAGES_MAX  96u /* of memory */
#define SPACE_SIZE ((size_t)4 * PAGES_MAX * REPLAY_PAGE_BYTES)

static struct replay_block disk[BLOCKS_MAX];
static uint64_t disk_size;
static bool said;

/* ---- the kernel ---------------------------------------------------------------------- */

static uint8_t *const space = (uint8_t *)CONFIG_KERNEL_VM_BASE;
static uint32_t space_used, page_count;

int64_t trace_bytes(void)
{
	return (int64_t)disk_size;
}

int trace_read(uint64_t offset, void *buffer, size_t bytes)
{
	FUZZ_CHECK(bytes > 0 && offset <= disk_size && bytes <= disk_size - offset);
	FUZZ_CHECK(offset % 512 == 0 && bytes % 512 == 0);
	memcpy(buffer, (uint8_t *)disk + offset, bytes);
	return 0;
}

void user_printf(const char *format, ...)
{
	char text[400];
	va_list arguments;

	va_start(arguments, format);
	FUZZ_CHECK(vsnprintf(text, sizeof(text), format, arguments) > 0);
	va_end(arguments);
	said = true;
}

static int take(void **addr, size_t size)
{
	size_t pages = size / REPLAY_PAGE_BYTES;

	FUZZ_CHECK(size > 0 && size % REPLAY_PAGE_BYTES == 0);
	if (pages > PAGES_MAX || space_used + 1 + pages > PAGES_MAX * 2)
		return -ENOMEM;
	*addr = space + (size_t)++space_used * REPLAY_PAGE_BYTES; /* a guard first */
	space_used += (uint32_t)pages;
	memset(*addr, 0, size);
	return 0;
}

int map_zeros(void **addr, size_t size)
{
	return take(addr, size);
}

int map_stored(void **addr, uint32_t first, size_t size, bool writable)
{
	(void)writable;
	FUZZ_CHECK(first + size / REPLAY_PAGE_BYTES <= page_count);
	if (take(addr, size) != 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < size / 8; i++)
		((uint64_t *)*addr)[i] = replay_word(replay_stamp(first + i / REPLAY_PAGE_WORDS, 0),
						     i % REPLAY_PAGE_WORDS);
	return 0;
}

/* ---- the disk ------------------------------------------------------------------------- */

static void block_make(struct fuzz_bytes *input, uint32_t number)
{
	struct replay_block *block = &disk[number];
	uint8_t how = fuzz_byte(input);
	size_t length;

	*block = (struct replay_block){.number = number};
	block->item_count = (uint16_t)fuzz_number(input, 2);
	block->byte_count = (uint16_t)fuzz_number(input, 2);
	length = fuzz_number(input, 2) % sizeof(block->data);
	fuzz_copy(input, block->data, length < input->size ? length : input->size);
	if (how & 1)
		block->number = (uint32_t)fuzz_number(input, 4);
	block->check = how & 2 ? fuzz_number(input, 8) : replay_check(block);
}

static void play(void)
{
	const struct replay_record *records;
	struct replay_head head;
	uint64_t done = 0;
	uint32_t count;

	if (!stream_open(&head))
		return;
	page_count = head.page_count;
	if (!memory_map(&head))
		return;
	for (;;) {
		if (!stream_records(&records, &count))
			return;
		if (count == 0)
			break;
		done += count;
		for (uint32_t i = 0; i < count; i++) {
			FUZZ_CHECK(records[i].page < page_count);
			if (!memory_touch(&records[i]))
				return;
		}
	}
	FUZZ_CHECK(done == head.record_count);
	if (memory_verify(page_count))
		FUZZ_CHECK(!said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes input = {data, size};
	static void *mapped;
	uint8_t cut;

	if (!mapped)
		mapped = mmap(space, SPACE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	FUZZ_CHECK(mapped == space);
	space_used = page_count = 0;
	said = false;
	memory_errors = 0;
	cut = fuzz_byte(&input);
	for (disk_size = 0; input.size > 0 && disk_size < BLOCKS_MAX; disk_size++)
		block_make(&input, (uint32_t)disk_size);
	disk_size = disk_size * REPLAY_BLOCK_BYTES;
	disk_size -= disk_size ? cut / 32u * 512u : 0; /* it may end within a block */
	play();
	FUZZ_CHECK(memory_errors == 0);
	return 0;
}
