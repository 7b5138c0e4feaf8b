/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dump.c - looking at the frames: a map for displays, a listing.
 */
#include "frame.h"
#include "policy.h"

#if CONFIG_MEM_DUMP

static char state_of(uint32_t frame)
{
	uint64_t word = qr_frames[frame];
	arch_page_t page;

	if (word & QR_FRAME_FREE) {
		return '.';
	}
	if (word & QR_FRAME_RESERVED) {
		return '-';
	}
	if (word & QR_FRAME_BUSY) {
		return '*';
	}
	if (word & QR_FRAME_PINNED) {
		return '#';
	}
	if (!(word & QR_FRAME_BACKED)) {
		return 'd';
	}
	page = arch_page_get(qr_page_addr(qr_frame_page(word)));
	return (page & ARCH_DATA_PAGE_DIRTY) ? 'd' : 'c';
}

size_t k_mem_page_frames_map(uint32_t first, char *map, size_t count)
{
	uint32_t total = qr_frame_table.count;
	struct qr_hold hold;
	size_t done = 0;

	if (map == NULL) {
		return 0;
	}
	qr_lock(&hold);
	while (done < count && first + done < total) {
		map[done] = state_of(first + (uint32_t)done);
		done++;
		if (done % QR_BATCH_LIGHT == 0) {
			qr_breathe(&hold);
		}
	}
	qr_unlock(&hold);
	return done;
}

/* `value` in base 16, in 16 digits, at `text`. */
static void put_hex(char *text, uint64_t value)
{
	for (int i = 15; i >= 0; i--) {
		text[i] = "0123456789abcdef"[value & 15u];
		value >>= 4;
	}
}

void k_mem_page_frames_dump(void)
{
	enum { ADDRESS = 18, FRAMES = 64 };
	char line[ADDRESS + FRAMES + 2] = "0000000000000000: ";

	for (uint32_t i = 0; i < qr_frame_table.bank_count; i++) {
		const struct qr_bank *bank = &qr_frame_table.bank[i];

		for (uint32_t done = 0; done < bank->count; done += FRAMES) {
			uint32_t count = qr_min(bank->count - done, FRAMES);

			put_hex(line, bank->phys + ((uint64_t)done << QR_PAGE_SHIFT));
			(void)k_mem_page_frames_map(bank->first + done, &line[ADDRESS], count);
			line[ADDRESS + count] = '\n';
			line[ADDRESS + count + 1] = '\0';
			qr_port_print(line);
		}
	}
}

#endif /* CONFIG_MEM_DUMP */
