/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format.h - what the host prepares and the replaying program reads: the stamps in
 * the pages, the image disk and the trace disk. Plain C for both sides.
 *
 * Stamps. Eight words of a page, one in each 512 bytes, the first and the last among
 * them, hold an arithmetic progression that starts at a hash of (page, version). The
 * version counts the program's writes to the page. So a page that is lost, stale,
 * taken for another or half written is seen. A page that is first read has version 0
 * on the image disk, all of its 512 words stamped; a page that is first written is
 * zeros until then.
 *
 * Image disk: page i of the recording at byte i * 4096 (nothing of interest there for
 * a page that is first written).
 *
 * Trace disk: blocks of 4096 bytes, each with its number and a check over everything
 * in it. Block 0 is the head; then the pages' classes, one byte a page; then the
 * records. A record is a number, base 128, low bits first: kind in the lowest two bits,
 * above them the page's index, as the zigzag difference from the record before; the
 * first in a block counts from 0, so that each block can be read alone.
 */
#ifndef APPS_REPLAY_FORMAT_H
#define APPS_REPLAY_FORMAT_H

#include <stdint.h>

#define REPLAY_PAGE_BYTES 4096u
#define REPLAY_PAGE_WORDS (REPLAY_PAGE_BYTES / 8u)
#define REPLAY_STAMPS     8u
#define REPLAY_STAMP_STEP 73u /* words from stamp to stamp: 7 * 73 is the last word */

/* The head of the progression for a version of a page. */
static inline uint64_t replay_stamp(uint32_t page, uint32_t version)
{
	uint64_t x = ((uint64_t)page << 32 | version) + 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* Word `word` (0 to 511) of a page with that stamp. */
static inline uint64_t replay_word(uint64_t stamp, uint32_t word)
{
	return stamp + word * 0xd1342543de82ef95u;
}

/* What a page is, from all records of it. */
#define REPLAY_PAGE_STORED  1u /* first touched by a read: its content is on the image disk */
#define REPLAY_PAGE_WRITTEN 2u /* written at some time */

#define REPLAY_BLOCK_BYTES      4096u
#define REPLAY_BLOCK_DATA       (REPLAY_BLOCK_BYTES - 16u)
#define REPLAY_RECORD_BYTES_MAX 5u /* 2 bits of kind, 33 of zigzag difference */

struct replay_block {
	uint64_t check;      /* replay_check() of the block */
	uint32_t number;     /* of this block on the disk */
	uint16_t item_count; /* classes or records in it */
	uint16_t byte_count; /* of data that hold them */
	uint8_t data[REPLAY_BLOCK_DATA];
};

#define REPLAY_MAGIC 0x3159414c50455251u /* "QREPLAY1" */

struct replay_head {
	uint64_t magic;
	uint32_t page_count;
	uint32_t class_blocks;
	uint32_t record_blocks;
	uint32_t touches_per_tick; /* records in about 100 ms of the program at 200 MIPS */
	uint64_t record_count;
};

/* Over everything in a block after its first word. Each step can be undone, so that a
 * change of any one word changes the result. */
static inline uint64_t replay_check(const struct replay_block *block)
{
	const uint64_t *words = (const uint64_t *)(const void *)block;
	uint64_t sum = REPLAY_MAGIC;

	for (uint32_t i = 1; i < REPLAY_BLOCK_BYTES / 8u; i++) {
		sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15u;
		sum ^= sum >> 29;
	}
	return sum;
}

#endif /* APPS_REPLAY_FORMAT_H */
