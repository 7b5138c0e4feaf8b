/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.c - the frame table and the pool of free frames (frame.h).
 */
#include "frame.h"

#include <quire/store.h>

uint64_t qr_frames[CONFIG_MEM_FRAMES_MAX];
struct qr_frame_table qr_frame_table;

uint64_t qr_frame_phys_in_banks(uint32_t frame)
{
	const struct qr_bank *bank = qr_frame_table.bank;

	while (frame - bank->first >= bank->count) {
		bank++;
	}
	return bank->phys + ((uint64_t)(frame - bank->first) << QR_PAGE_SHIFT);
}

uint32_t qr_frame_of(uint64_t phys)
{
	for (uint32_t i = 0; i < qr_frame_table.bank_count; i++) {
		const struct qr_bank *bank = &qr_frame_table.bank[i];
		uint64_t offset = (phys - bank->phys) >> QR_PAGE_SHIFT;

		if (offset < bank->count) {
			return bank->first + (uint32_t)offset;
		}
	}
	return QR_NO_INDEX;
}

uint32_t qr_frame_take(void)
{
	uint32_t frame;

	QR_ASSERT_LOCKED();
	if (qr_frame_table.free_count == 0) {
		return QR_NO_INDEX;
	}
	frame = qr_frame_unlink();
	qr_frames[frame] = QR_FRAME_BUSY;
	return frame;
}

QR_NOINLINE void qr_frame_wake(uint32_t frame)
{
	qr_wake(qr_frame_channel(frame));
	qr_wake(QR_FRAME_CHANNEL);
}

void qr_frame_free(uint32_t frame)
{
	QR_ASSERT_LOCKED();
	QR_ASSERT(qr_frames[frame] & QR_FRAME_BUSY);
	qr_frame_table.busy_count--;
	qr_frame_give(frame);
	qr_frames_changed();
}

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
	qr_frame_table.free_head = QR_NO_INDEX;
	for (uint32_t frame = qr_frame_table.count; frame-- > 0;) {
		if (!(qr_frames[frame] & QR_FRAME_RESERVED)) {
			qr_frame_give(frame);
		}
	}
}

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
