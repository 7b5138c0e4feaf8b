/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dump.c - looking at the frames: free memory, a map for displays, a listing.
 */
#include "frame.h"
#include "policy.h"

size_t k_mem_free_get(void)
{
	const uint32_t kept = CONFIG_DEMAND_PAGING ? CONFIG_DEMAND_PAGING_PAGE_FRAMES_RESERVE : 0;
	struct qr_hold hold;
	uint32_t count;

	qr_lock(&hold);
	count = qr_frame_table.free_count;
	qr_unlock(&hold);
	return count > kept ? (size_t)(count - kept) << QR_PAGE_SHIFT : 0;
}

static char state_of(uint32_t frame)
{
	uint64_t word = qr_frames[frame];

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
	return (arch_page_get(qr_page_addr(qr_frame_page(word))) & ARCH_DATA_PAGE_DIRTY) ? 'd' : 'c';
}

size_t k_mem_page_frames_map(uint32_t first, char *map, size_t count)
{
	uint32_t total = qr_frame_table.count;
	struct qr_hold hold;
	size_t done = 0;

	qr_lock(&hold);
	while (done < count && first + done < total) {
		map[done] = state_of(first + (uint32_t)done);
		done++;
		if (done % CONFIG_MEM_BATCH == 0) {
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

/* One run of alike frames. */
static void print_run(uint32_t first, uint32_t end, char state)
{
	char line[] = "0000000000000000-0000000000000000 ?\n";

	put_hex(&line[0], qr_frame_phys(first));
	put_hex(&line[17], qr_frame_phys(end - 1) + (QR_PAGE_SIZE - 1));
	line[34] = state;
	qr_port_print(line);
}

void k_mem_page_frames_dump(void)
{
	uint32_t total = qr_frame_table.count;
	uint32_t first = 0;
	char state = '?';

	for (uint32_t frame = 0; frame < total; frame++) {
		char now;

		(void)k_mem_page_frames_map(frame, &now, 1);
		if (frame > first &&
		    (now != state || qr_frame_phys(frame) != qr_frame_phys(frame - 1) + QR_PAGE_SIZE)) {
			print_run(first, frame, state);
			first = frame;
		}
		state = now;
	}
	if (total > 0) {
		print_run(first, total, state);
	}
}
