/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prepare.c - from a recording to the two disks of the replaying program, whose
 * layout is in apps/replay/format.h.
 */
#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../apps/replay/format.h"

/* 100 ms at 200 million instructions a second: the pace of a policy's timer, in the
 * program's own time. */
#define TICK_INSTRUCTIONS 20000000u

void trace_classes(const struct trace *trace, uint8_t *classes)
{
	/* backwards, so that the first touch has the last word */
	memset(classes, 0, trace->page_count);
	for (uint64_t i = trace->record_count; i-- > 0;) {
		uint8_t *class = &classes[trace->page[i]];

		if (trace->kind[i] == TRACE_WRITE)
			*class = REPLAY_PAGE_WRITTEN;
		else
			*class |= REPLAY_PAGE_STORED;
	}
}

uint32_t trace_pace(const struct trace *trace)
{
	uint64_t ticks = trace->instructions / TICK_INSTRUCTIONS;
	uint64_t pace = ticks ? trace->record_count / ticks : trace->record_count;

	return pace < 1 ? 1 : pace > UINT32_MAX ? UINT32_MAX : (uint32_t)pace;
}

/* ---- blocks --------------------------------------------------------------------------- */

static void block_close(struct trace_bytes *disk, struct replay_block *block)
{
	block->number = (uint32_t)(disk->size / REPLAY_BLOCK_BYTES);
	block->check = replay_check(block);
	trace_bytes_add(disk, block, sizeof(*block));
	memset(block, 0, sizeof(*block));
}

static void block_add(struct replay_block *block, const void *data, size_t size)
{
	memcpy(block->data + block->byte_count, data, size);
	block->byte_count = (uint16_t)(block->byte_count + size);
	block->item_count++;
}

static void classes_add(const struct trace *trace, struct trace_bytes *disk)
{
	struct replay_block block = {0};
	uint8_t *classes = trace_alloc(trace->page_count, 1);

	trace_classes(trace, classes);
	for (uint32_t page = 0; page < trace->page_count; page++) {
		block_add(&block, &classes[page], 1);
		if (block.byte_count == REPLAY_BLOCK_DATA || page + 1 == trace->page_count)
			block_close(disk, &block);
	}
	free(classes);
}

static void records_add(const struct trace *trace, struct trace_bytes *disk)
{
	struct replay_block block = {0};
	int64_t before = 0;

	for (uint64_t i = 0; i < trace->record_count; i++) {
		int64_t step = (int64_t)trace->page[i] - before;
		uint64_t value = ((uint64_t)step << 1 ^ (uint64_t)(step >> 63)) << 2 |
				 trace->kind[i];
		uint8_t code[REPLAY_RECORD_BYTES_MAX];
		size_t size = 0;

		for (; value > 127; value >>= 7)
			code[size++] = (uint8_t)(value | 128);
		code[size++] = (uint8_t)value;
		block_add(&block, code, size);
		before = trace->page[i];
		if (REPLAY_BLOCK_DATA - block.byte_count < REPLAY_RECORD_BYTES_MAX ||
		    i + 1 == trace->record_count) {
			block_close(disk, &block);
			before = 0;
		}
	}
}

void trace_disk(const struct trace *trace, struct trace_bytes *disk)
{
	struct replay_head head = {
		.magic = REPLAY_MAGIC,
		.page_count = trace->page_count,
		.class_blocks = (trace->page_count + REPLAY_BLOCK_DATA - 1) / REPLAY_BLOCK_DATA,
		.touches_per_tick = trace_pace(trace),
		.record_count = trace->record_count,
	};
	struct replay_block block = {0};

	*disk = (struct trace_bytes){0};
	block_close(disk, &block); /* the head's place: it is known last */
	classes_add(trace, disk);
	records_add(trace, disk);
	head.record_blocks = (uint32_t)(disk->size / REPLAY_BLOCK_BYTES) - 1 - head.class_blocks;
	block_add(&block, &head, sizeof(head));
	block.check = replay_check(&block);
	memcpy(disk->data, &block, sizeof(block));
}

bool trace_image_write(const struct trace *trace, FILE *file, struct trace_fault *fault)
{
	uint8_t *classes = trace_alloc(trace->page_count, 1);
	uint64_t words[REPLAY_PAGE_WORDS];
	bool good = true;

	trace_classes(trace, classes);
	for (uint32_t page = 0; good && page < trace->page_count; page++) {
		uint64_t stamp = replay_stamp(page, 0);

		memset(words, 0, sizeof(words));
		if (classes[page] & REPLAY_PAGE_STORED)
			for (uint32_t i = 0; i < REPLAY_PAGE_WORDS; i++)
				words[i] = replay_word(stamp, i);
		good = fwrite(words, sizeof(words), 1, file) == 1;
	}
	free(classes);
	return good || trace_bad(fault, "image disk cannot be written: %s", strerror(errno));
}
