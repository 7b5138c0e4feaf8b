/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.c - the recorded program's memory: one mapping for each run of pages of one
 * class, a stamp in each page, and a look at the stamp at each touch.
 *
 * Invariant: a page of version v > 0 holds in its eight places the stamp of (page, v);
 * of version 0 the image disk's stamp, or zeros. All other words are as they were at
 * first. versions[] is resident and knows nothing of frames: it is what the pages are
 * measured against.
 */
#include "apps/user/user.h"

#include "player.h"

#define TOUCHED 0x80u /* in class_of, beside REPLAY_PAGE_* */

/* Wrong words that are described; the others are counted. */
#define ERRORS_SHOWN 8u

static uint8_t class_of[CONFIG_REPLAY_PAGES_MAX];
static uint32_t versions[CONFIG_REPLAY_PAGES_MAX];
static uint32_t places[CONFIG_REPLAY_PAGES_MAX]; /* page number inside the address space */

uint64_t memory_errors;

static volatile uint64_t *words_of(uint32_t page)
{
	return (volatile uint64_t *)(CONFIG_KERNEL_VM_BASE +
				     (uintptr_t)places[page] * REPLAY_PAGE_BYTES);
}

/* ---- mapping ------------------------------------------------------------------------- */

static int run_map(uint32_t first, uint32_t count)
{
	size_t size = (size_t)count * REPLAY_PAGE_BYTES;
	bool writable = class_of[first] & REPLAY_PAGE_WRITTEN;
	void *addr = NULL;
	int ret = class_of[first] & REPLAY_PAGE_STORED ? map_stored(&addr, first, size, writable)
						       : map_zeros(&addr, size);

	for (uint32_t i = 0; ret == 0 && i < count; i++) {
		versions[first + i] = 0;
		places[first + i] = (uint32_t)(((uintptr_t)addr - CONFIG_KERNEL_VM_BASE) /
					       REPLAY_PAGE_BYTES) +
				    i;
	}
	return ret;
}

static uint32_t run_length(uint32_t first, uint32_t page_count)
{
	uint32_t end = first + 1;

	while (end < page_count && class_of[end] == class_of[first])
		end++;
	return end - first;
}

/* A run could not be kept: count how many pages of the recording cannot. All pages that are
 * written to take the same room. */
static bool memory_missing(uint32_t first, uint32_t page_count)
{
	uint32_t missing = 0;
	void *addr;

	for (uint32_t page = first; page < page_count; page++)
		missing += (class_of[page] & REPLAY_PAGE_WRITTEN) &&
			   map_zeros(&addr, REPLAY_PAGE_BYTES) == -ENOMEM;
	user_printf("@error the swap disk is too small: %u pages of memory are missing\n",
		      missing);
	return false;
}

bool memory_map(const struct replay_head *head)
{
	uint32_t first = 0;

	if (!stream_classes(class_of))
		return false;
	while (first < head->page_count) {
		uint32_t count = run_length(first, head->page_count);
		int ret = run_map(first, count);

		if (ret == -ENOMEM)
			return memory_missing(first, head->page_count);
		if (ret != 0) {
			user_printf("@error mapping pages %u to %u of the recording: error %d\n",
				      first, first + count - 1, ret);
			return false;
		}
		first += count;
	}
	return true;
}

/* ---- touching ------------------------------------------------------------------------ */

static void word_wrong(uint32_t page, uint32_t word, uint64_t found, uint64_t wanted)
{
	if (memory_errors++ < ERRORS_SHOWN)
		user_printf("@wrong page %u version %u word %u: %llx, must be %llx\n", page,
			      versions[page], word, (unsigned long long)found,
			      (unsigned long long)wanted);
}

static void word_verify(uint32_t page, uint32_t word, uint64_t wanted)
{
	uint64_t found = words_of(page)[word];

	if (QR_UNLIKELY(found != wanted))
		word_wrong(page, word, found, wanted);
}

/* Verify the stamps from number `first` on. */
static void stamps_verify(uint32_t page, uint32_t first)
{
	uint32_t version = versions[page];
	bool zeros = version == 0 && !(class_of[page] & REPLAY_PAGE_STORED);
	uint64_t stamp = replay_stamp(page, version);

	for (uint32_t i = first; i < REPLAY_STAMPS; i++) {
		uint32_t word = i * REPLAY_STAMP_STEP;

		word_verify(page, word, zeros ? 0 : replay_word(stamp, word));
	}
}

static void page_read(uint32_t page)
{
	(void)words_of(page)[0];
	stamps_verify(page, 0);
}

/* The store comes first, so that the fault is a write's, as the program's was; the
 * other places still hold the version before and are verified before they go. */
static void page_write(uint32_t page)
{
	volatile uint64_t *words = words_of(page);
	uint64_t stamp = replay_stamp(page, versions[page] + 1);

	words[0] = replay_word(stamp, 0);
	stamps_verify(page, 1);
	for (uint32_t i = 1; i < REPLAY_STAMPS; i++)
		words[i * REPLAY_STAMP_STEP] = replay_word(stamp, i * REPLAY_STAMP_STEP);
	versions[page]++;
}

bool memory_touch(const struct replay_record *record)
{
	uint32_t page = record->page;
	uint8_t class = class_of[page];

	if (QR_UNLIKELY(!(class & TOUCHED))) {
		class_of[page] |= TOUCHED;
		if (record->write == (class & REPLAY_PAGE_STORED)) {
			user_printf("@error trace disk: the first record of page %u is a %s, "
				      "its class says otherwise\n",
				      page, record->write ? "write" : "read");
			return false;
		}
	}
	if (!record->write) {
		page_read(page);
		return true;
	}
	if (QR_UNLIKELY(!(class & REPLAY_PAGE_WRITTEN))) {
		user_printf("@error trace disk: a record writes page %u, its class says never\n",
			      page);
		return false;
	}
	page_write(page);
	return true;
}

/* ---- the final check ----------------------------------------------------------------- */

static void page_verify(uint32_t page)
{
	uint64_t first = replay_stamp(page, 0);
	bool stored = class_of[page] & REPLAY_PAGE_STORED;

	stamps_verify(page, 0);
	for (uint32_t word = 0; word < REPLAY_PAGE_WORDS; word++) {
		if (word % REPLAY_STAMP_STEP != 0)
			word_verify(page, word, stored ? replay_word(first, word) : 0);
	}
}

bool memory_verify(uint32_t page_count)
{
	for (uint32_t page = 0; page < page_count; page++) {
		if (!(class_of[page] & TOUCHED)) {
			user_printf("@error trace disk: page %u has no record\n", page);
			return false;
		}
		page_verify(page);
	}
	return true;
}
