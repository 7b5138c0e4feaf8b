/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.c - the frame table and the pool of free frames (frame.h).
 */
#include "frame.h"

#include <quire/store.h>

uint64_t qr_frames[CONFIG_MEM_FRAMES_MAX];
struct qr_frame_table qr_frame_table;

static const struct qr_bank *bank_of(uint32_t frame)
{
	const struct qr_bank *bank = qr_frame_table.bank;

	while (frame - bank->first >= bank->count) {
		bank++;
	}
	return bank;
}

uint64_t qr_frame_phys_in_banks(uint32_t frame)
{
	const struct qr_bank *bank = bank_of(frame);

	return bank->phys + ((uint64_t)(frame - bank->first) << QR_PAGE_SHIFT);
}

/* The bank that a physical address is in, or NULL. */
QR_INLINE const struct qr_bank *bank_at(uint64_t phys)
{
	if (!qr_frames_reach(phys, 1)) {
		return NULL;
	}
	for (uint32_t i = 0; i < qr_frame_table.bank_count; i++) {
		const struct qr_bank *bank = &qr_frame_table.bank[i];

		if ((phys - bank->phys) >> QR_PAGE_SHIFT < bank->count) {
			return bank;
		}
	}
	return NULL;
}

QR_INLINE uint32_t frame_in(const struct qr_bank *bank, uint64_t phys)
{
	return bank->first + (uint32_t)((phys - bank->phys) >> QR_PAGE_SHIFT);
}

uint32_t qr_frame_of(uint64_t phys)
{
	const struct qr_bank *bank = bank_at(phys);

	return bank != NULL ? frame_in(bank, phys) : QR_NO_INDEX;
}

uint32_t qr_frames_at(uint64_t phys, uint32_t *count)
{
	const struct qr_bank *bank = bank_at(phys);
	const uint32_t frame = frame_in(bank, phys);

	*count = qr_min(*count, bank->first + bank->count - frame);
	return frame;
}

/* ---- the pool --------------------------------------------------------------------------- */

void qr_frames_unshelve(void)
{
	struct qr_frame_table *table = &qr_frame_table;
	const uint64_t word = qr_frames[table->free_head];

	QR_ASSERT(table->recent_count == 0);
	qr_frames[table->free_head] = QR_FRAME_FREE;
	table->recent_first = table->free_head;
	table->recent_count = qr_frame_location(word) + 1;
	table->free_head = qr_frame_page(word);
}

/* Cut up to `most` frames, *count in all, off the run that was given back last, or off the first of
 * the list, where only that one is long enough. */
static uint32_t cut(uint32_t most, uint32_t *count)
{
	struct qr_frame_table *table = &qr_frame_table;
	uint32_t frame = table->free_head;

	QR_ASSERT_LOCKED();
	if (table->recent_count < most && frame != QR_NO_INDEX) {
		const uint64_t word = qr_frames[frame];

		if (table->recent_count > 0 && qr_frame_location(word) >= most) {
			qr_frames[frame + most] =
				word - ((uint64_t)most << QR_FRAME_LOCATION_SHIFT);
			table->free_head = frame + most;
			*count = most;
			return frame;
		}
		if (table->recent_count == 0) {
			qr_frames_unshelve();
		}
	}
	frame = table->recent_first;
	*count = qr_min(most, table->recent_count);
	table->recent_first += *count;
	table->recent_count -= *count;
	return frame;
}

/* Put the run that was given back last into the list: as a part of its first run, or before that
 * one if it is longer, or behind it. Apart: frames that are given back in order need it once. */
static QR_NOINLINE void shelve(void)
{
	struct qr_frame_table *table = &qr_frame_table;
	const uint32_t first = table->recent_first, count = table->recent_count;
	const uint32_t head = table->free_head;
	const uint64_t word = head != QR_NO_INDEX ? qr_frames[head] : 0;
	const uint32_t length = head != QR_NO_INDEX ? qr_frame_location(word) + 1 : 0;
	uint32_t next = qr_frame_page(word);

	if (head + length == first) {
		qr_frames[head] = word + ((uint64_t)count << QR_FRAME_LOCATION_SHIFT);
		return;
	}
	if (first + count == head) {
		qr_frames[head] = QR_FRAME_FREE;
		qr_frames[first] = qr_frame_word(next, count + length - 1, QR_FRAME_FREE);
		table->free_head = first;
		return;
	}
	if (count >= length) {
		next = head;
		table->free_head = first;
	} else {
		qr_frames[head] = qr_frame_word(first, length - 1, QR_FRAME_FREE);
	}
	qr_frames[first] = qr_frame_word(next, count - 1, QR_FRAME_FREE);
}

/* The bare step, of frames whose words say FREE. */
QR_INLINE void give(uint32_t first, uint32_t count)
{
	struct qr_frame_table *table = &qr_frame_table;

	if (first + count == table->recent_first) {
		table->recent_first = first;
	} else if (first != table->recent_first + table->recent_count) {
		if (table->recent_count > 0) {
			shelve();
		}
		table->recent_first = first;
		table->recent_count = 0;
	}
	table->recent_count += count;
}

void qr_frames_give(uint32_t first, uint32_t count)
{
	qr_frame_table.free_count += count;
	give(first, count);
}

uint32_t qr_frame_take(void)
{
	uint32_t frame;

	if (qr_frame_table.free_count == 0) {
		return QR_NO_INDEX;
	}
	frame = qr_frame_unlink();
	qr_frames[frame] = QR_FRAME_BUSY;
	return frame;
}

uint32_t qr_frames_take_reserved(uint32_t page, uint32_t most, uint64_t *phys)
{
	uint64_t word = qr_frame_word(page, 0, QR_FRAME_MAPPED | QR_FRAME_PINNED);
	uint32_t count, in_bank;
	const uint32_t frame = cut(most, &count);
	const struct qr_bank *bank = bank_of(frame);
	uint64_t *const words = &qr_frames[frame];

	in_bank = bank->first + bank->count - frame;
	if (QR_UNLIKELY(in_bank < count)) {
		give(frame + in_bank, count - in_bank);
		count = in_bank;
	}
	*phys = bank->phys + ((uint64_t)(frame - bank->first) << QR_PAGE_SHIFT);
	words[0] = word;
	for (uint32_t i = 1; i < count; i++) {
		QR_ASSERT_ALL(words[i] & QR_FRAME_FREE);
		word += 1u << QR_FRAME_PAGE_SHIFT;
		words[i] = word;
	}
	return count;
}

void qr_frame_free(uint32_t frame)
{
	QR_ASSERT_LOCKED();
	QR_ASSERT(qr_frames[frame] & QR_FRAME_BUSY);
	qr_frame_table.busy_count--;
	qr_frame_give(frame);
	qr_frames_changed();
}

/* ---- starting ----------------------------------------------------------------------------- */

void qr_frames_add_bank(uint64_t phys, uint64_t size)
{
	struct qr_frame_table *table = &qr_frame_table;
	uint64_t first = (phys + QR_PAGE_SIZE - 1) >> QR_PAGE_SHIFT;
	uint64_t end = (phys + size) >> QR_PAGE_SHIFT;

	table->bank[table->bank_count++] = (struct qr_bank){
		.phys = first << QR_PAGE_SHIFT,
		.count = (uint32_t)(end - first),
		.first = table->count,
	};
	table->count += (uint32_t)(end - first);
	if (table->phys_end == 0 || first << QR_PAGE_SHIFT < table->phys_first) {
		table->phys_first = first << QR_PAGE_SHIFT;
	}
	if (end << QR_PAGE_SHIFT > table->phys_end) {
		table->phys_end = end << QR_PAGE_SHIFT;
	}
}

void k_mem_frames_reserve(uint64_t phys, uint64_t size)
{
	uint64_t last = phys + (size - 1);

	/* bank by bank: the range may be most of all addresses */
	for (uint32_t i = 0; i < qr_frame_table.bank_count && size > 0; i++) {
		const struct qr_bank *bank = &qr_frame_table.bank[i];

		for (uint32_t k = 0; k < bank->count; k++) {
			uint64_t frame = bank->phys + ((uint64_t)k << QR_PAGE_SHIFT);

			if (frame <= last && phys <= frame + (QR_PAGE_SIZE - 1)) {
				qr_frames[bank->first + k] =
					qr_frame_word(QR_NO_INDEX, 0, QR_FRAME_RESERVED);
			}
		}
	}
}

void qr_frames_start(void)
{
	for (uint32_t frame = qr_frame_table.count; frame-- > 0;) {
		if (!(qr_frames[frame] & QR_FRAME_RESERVED)) {
			qr_frame_give(frame);
		}
	}
}

/* ---- what is in a frame ------------------------------------------------------------------- */

void *k_mem_scratch_open(uintptr_t phys, unsigned long *key)
{
	struct qr_window window;

	if (key == NULL) {
		return NULL;
	}
	window = qr_window_open(phys);
	*key = window.key;
	return window.page;
}

void k_mem_scratch_close(unsigned long key)
{
	qr_host_irq_unlock(key);
}

void qr_frame_zero(uint64_t phys)
{
	struct qr_window window = qr_window_open(phys);

	__builtin_memset(window.page, 0, QR_PAGE_SIZE);
	qr_window_close(window);
}

void qr_frames_zero(uint64_t phys, uint32_t count)
{
	const uint64_t end = phys + ((uint64_t)count << QR_PAGE_SHIFT);

	do {
		qr_frame_zero(phys);
		phys += QR_PAGE_SIZE;
	} while (phys != end);
}

size_t k_mem_free_get(void)
{
	const uint32_t kept = CONFIG_DEMAND_PAGING ? CONFIG_DEMAND_PAGING_PAGE_FRAMES_RESERVE : 0;
	struct qr_hold hold;
	uint32_t count;

	qr_lock(&hold);
	count = qr_frame_table.free_count + qr_frame_table.aside;
	qr_unlock(&hold);
	return count > kept ? (size_t)(count - kept) << QR_PAGE_SHIFT : 0;
}
