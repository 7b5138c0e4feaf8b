/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.c - the trace disk, read a few blocks at a time and
 * believed only after each block's check, number and counts were looked at.
 */
#include "apps/user/user.h"

#include "player.h"

#define BUFFER_BLOCKS 4u

static struct replay_block buffer[BUFFER_BLOCKS];

/* As many as fit in a block, each in a byte. */
static struct replay_record decoded[REPLAY_BLOCK_DATA];

static struct stream {
	uint32_t next, end;    /* blocks of the disk: the next one, one after the last */
	uint32_t held;         /* the first one in the buffer ... */
	uint32_t held_count;   /* ... and how many there are */
	uint64_t record_count; /* still to come */
	struct replay_head head;
} stream;

static bool bad(uint32_t number, const char *what)
{
	user_printf("@error trace disk: block %u, byte %llu: %s\n", number,
		      (unsigned long long)number * REPLAY_BLOCK_BYTES, what);
	return false;
}

/* The next block, checked. */
static const struct replay_block *block_next(void)
{
	uint32_t number = stream.next;
	const struct replay_block *block;

	if (number >= stream.held + stream.held_count) {
		uint32_t count = stream.end - number;

		count = count < BUFFER_BLOCKS ? count : BUFFER_BLOCKS;
		if (trace_read((uint64_t)number * REPLAY_BLOCK_BYTES, buffer,
			       count * REPLAY_BLOCK_BYTES) != 0) {
			bad(number, "cannot be read");
			return NULL;
		}
		stream.held = number;
		stream.held_count = count;
	}
	block = &buffer[number - stream.held];
	stream.next++;
	if (block->check != replay_check(block)) {
		bad(number, "damaged: its check does not match");
		return NULL;
	}
	if (block->number != number || block->byte_count > REPLAY_BLOCK_DATA ||
	    block->item_count == 0) {
		bad(number, "not a block of this place");
		return NULL;
	}
	return block;
}

bool stream_open(struct replay_head *head)
{
	const struct replay_block *block;
	int64_t disk = trace_bytes();
	uint64_t bytes = (uint64_t)disk, need;

	if (disk < 0) {
		user_printf("@error there is no disk named trace\n");
		return false;
	}
	stream = (struct stream){.end = 1};
	if (bytes < REPLAY_BLOCK_BYTES)
		return bad(0, "the disk ends in it");
	block = block_next();
	if (!block)
		return false;
	stream.head = *(const struct replay_head *)(const void *)block->data;
	*head = stream.head;
	if (head->magic != REPLAY_MAGIC || block->byte_count != sizeof(*head))
		return bad(0, "not the head of a prepared recording");
	if (head->page_count == 0 || head->record_count < head->page_count ||
	    head->class_blocks != (head->page_count + REPLAY_BLOCK_DATA - 1) / REPLAY_BLOCK_DATA)
		return bad(0, "its counts contradict each other");
	if (head->page_count > CONFIG_REPLAY_PAGES_MAX) {
		user_printf("@error the recording has %u pages, this program takes %u "
			      "(CONFIG_REPLAY_PAGES_MAX)\n",
			      head->page_count, CONFIG_REPLAY_PAGES_MAX);
		return false;
	}
	need = 1 + (uint64_t)head->class_blocks + head->record_blocks;
	if (bytes / REPLAY_BLOCK_BYTES < need)
		return bad((uint32_t)(bytes / REPLAY_BLOCK_BYTES), "the disk ends in it");
	stream.end = (uint32_t)need;
	stream.held_count = 0;
	stream.record_count = head->record_count;
	return true;
}

bool stream_classes(uint8_t *class)
{
	uint32_t done = 0;

	while (done < stream.head.page_count) {
		const struct replay_block *block = block_next();
		uint32_t left = stream.head.page_count - done;

		if (!block)
			return false;
		if (block->item_count != block->byte_count ||
		    block->item_count != (left < REPLAY_BLOCK_DATA ? left : REPLAY_BLOCK_DATA))
			return bad(block->number, "wrong number of pages");
		for (uint32_t i = 0; i < block->item_count; i++) {
			/* neither stored nor written: never touched */
			if (block->data[i] == 0 ||
			    block->data[i] > (REPLAY_PAGE_STORED | REPLAY_PAGE_WRITTEN))
				return bad(block->number, "a page of an unknown class");
			class[done++] = block->data[i];
		}
	}
	return true;
}

/* One record's number at data[*at]; false when it does not end in time. */
static bool number_read(const struct replay_block *block, uint32_t *at, uint64_t *value)
{
	uint64_t result = 0;

	for (uint32_t shift = 0; shift < 7 * REPLAY_RECORD_BYTES_MAX; shift += 7) {
		uint8_t byte;

		if (*at == block->byte_count)
			return false;
		byte = block->data[(*at)++];
		result |= (uint64_t)(byte & 127) << shift;
		if (byte < 128) {
			*value = result;
			return true;
		}
	}
	return false;
}

bool stream_records(const struct replay_record **records, uint32_t *count)
{
	const struct replay_block *block;
	uint64_t value, page = 0;
	uint32_t at = 0;

	*records = decoded;
	*count = 0;
	if (stream.next == stream.end)
		return stream.record_count == 0 ||
		       bad(stream.end - 1, "the last one, and records are missing");
	block = block_next();
	if (!block)
		return false;
	if (block->item_count > stream.record_count || block->item_count > REPLAY_BLOCK_DATA)
		return bad(block->number, "more records than the head says");
	for (uint32_t i = 0; i < block->item_count; i++) {
		if (!number_read(block, &at, &value))
			return bad(block->number, "a record that does not end");
		page += value >> 3 ^ -(value >> 2 & 1);
		if ((value & 3) > 2 || page >= stream.head.page_count)
			return bad(block->number, "a record of no page or kind");
		decoded[i] = (struct replay_record){(uint32_t)page, (value & 3) == 1};
	}
	if (at != block->byte_count)
		return bad(block->number, "bytes after its last record");
	stream.record_count -= block->item_count;
	*count = block->item_count;
	return true;
}
