/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_frames.c - the pool of free frames by itself: runs that are taken, cut, given back and join.
 */
#include "help.h"

#include <mm/frame.h>

#define BANK   64u
#define FRAMES (2 * BANK)
#define LOW    0x10000000u
#define HIGH   0x20000000u
#define STEPS  20000u

static struct qr_hold hold;

/* Two banks that are far from each other in RAM; the numbers of their frames follow. */
static void start(void)
{
	const struct rig rig = {.frames = 16, .slots = 16};

	rig_start(&rig);
	qr_lock(&hold);
	qr_frame_table = (struct qr_frame_table){.zero = QR_NO_INDEX, .free_head = QR_NO_INDEX};
	for (uint32_t i = 0; i < FRAMES; i++) {
		qr_frames[i] = 0;
	}
	qr_frames_add_bank(LOW, BANK * RIG_PAGE);
	qr_frames_add_bank(HIGH, BANK * RIG_PAGE);
	qr_frames_start();
	assert_int_equal(qr_frame_table.free_count, FRAMES);
}

static void end(void)
{
	qr_unlock(&hold);
}

/* Take a run for at most so many pages; returns its first frame. */
static uint32_t take(uint32_t most, uint32_t *count)
{
	uint64_t phys;
	uint32_t frame;

	assert_true(qr_frames_reserve(most));
	*count = qr_frames_take_reserved(1, most, &phys);
	assert_in_range(*count, 1, most);
	qr_frames_unreserve(most - *count);
	frame = qr_frame_of(phys);
	assert_int_equal(qr_frame_phys(frame + *count - 1) - phys, (*count - 1) * RIG_PAGE);
	return frame;
}

/* Give frames back, all at once or one by one. */
static void give(uint32_t first, uint32_t count, bool singly)
{
	for (uint32_t i = 0; singly && i < count; i++) {
		qr_frame_give(first + i);
	}
	for (uint32_t i = 0; !singly && i < count; i++) {
		qr_frames[first + i] = QR_FRAME_FREE;
	}
	if (!singly) {
		qr_frames_give(first, count);
	}
}

static void test_a_run_ends_with_its_bank(void **state)
{
	uint32_t count;

	(void)state;
	start();
	assert_int_equal(take(FRAMES, &count), 0);
	assert_int_equal(count, BANK);
	assert_int_equal(take(BANK, &count), BANK);
	assert_int_equal(count, BANK);
	assert_int_equal(qr_frame_take(), QR_NO_INDEX);
	end();
}

/* Pieces of a row, given back in either order, are a row again. */
static void test_pieces_become_a_row(void **state)
{
	(void)state;
	for (uint32_t way = 0; way < 4; way++) {
		uint32_t piece[4], count;

		start();
		for (uint32_t i = 0; i < 4; i++) {
			piece[i] = take(10, &count);
			assert_int_equal(count, 10);
		}
		for (uint32_t i = 0; i < 4; i++) {
			give(piece[way % 2 == 0 ? i : 3 - i], 10, way / 2 == 1);
		}
		(void)take(40, &count);
		assert_int_equal(count, 40);
		end();
	}
}

/* A frame here and there, given back late, does not come in the way of who wants many. */
static void test_short_runs_are_not_in_the_way(void **state)
{
	uint32_t single[8], count;

	(void)state;
	start();
	for (uint32_t i = 0; i < 8; i++) {
		single[i] = qr_frame_take();
		(void)qr_frame_take();
	}
	for (uint32_t i = 0; i < 8; i++) {
		qr_frame_table.busy_count--;
		give(single[i], 1, true);
	}
	(void)take(32, &count);
	assert_int_equal(count, 32);
	assert_int_equal(qr_frame_take(), single[7]);
	end();
}

/* Runs that are in hand. */
static struct {
	struct qr_pages run[FRAMES];
	uint32_t count;
} hand;

static void random_take(uint32_t random)
{
	const uint32_t most = random % 13 + 1;
	struct qr_pages run;

	if (qr_frame_table.free_count < most) {
		return;
	}
	if (random & 0x1000) {
		run = (struct qr_pages){qr_frame_take(), 1};
		assert_int_equal(qr_frames[run.first], QR_FRAME_BUSY);
		qr_frame_table.busy_count--;
	} else {
		run.first = take(most, &run.count);
	}
	for (uint32_t i = 0; i < run.count; i++) {
		assert_false(qr_frames[run.first + i] & QR_FRAME_FREE);
		qr_frames[run.first + i] = QR_FRAME_PINNED;
	}
	hand.run[hand.count++] = run;
}

static void random_give(uint32_t random)
{
	const uint32_t which = random % (hand.count + 1);
	struct qr_pages *run = &hand.run[which];

	if (which == hand.count) {
		return;
	}
	if ((random & 0x1000) && run->count > 1) { /* its first half */
		give(run->first, run->count / 2, random & 0x2000);
		run->first += run->count / 2;
		run->count -= run->count / 2;
		return;
	}
	give(run->first, run->count, random & 0x2000);
	*run = hand.run[--hand.count];
}

/* Nothing is lost, nothing is handed out twice, in whatever order. */
static void test_random(void **state)
{
	uint32_t random = 1;

	(void)state;
	start();
	hand.count = 0;
	for (uint32_t step = 0; step < STEPS; step++) {
		uint32_t pinned = 0, free = 0;

		random = random * 1664525u + 1013904223u;
		if (random & 0x80000000u) {
			random_take((random >> 8) & 0x3fff);
		} else {
			random_give((random >> 8) & 0x3fff);
		}
		for (uint32_t i = 0; i < FRAMES; i++) {
			free += (qr_frames[i] & QR_FRAME_FREE) != 0;
			pinned += qr_frames[i] == QR_FRAME_PINNED;
		}
		assert_int_equal(free, qr_frame_table.free_count);
		assert_int_equal(free + pinned, FRAMES);
	}
	while (hand.count > 0) {
		random_give(0);
	}
	for (uint32_t i = 0; i < FRAMES; i++) {
		assert_int_not_equal(qr_frame_take(), QR_NO_INDEX);
	}
	assert_int_equal(qr_frame_take(), QR_NO_INDEX);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_run_ends_with_its_bank),
		cmocka_unit_test(test_pieces_become_a_row),
		cmocka_unit_test(test_short_runs_are_not_in_the_way),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
