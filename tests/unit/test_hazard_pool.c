/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_hazard_pool.c - the learned policy's pool of frames: by worth, of the same worth first come
 * first served, and full it gives up a frame worth most. A plain list that is searched says
 * what it must hold.
 */
#include "parts_help.h"

#include <eviction/hazard_pool.h>

#define PLACES 255u /* what eviction/hazard_pool.c states */
#define WORTHS 256u
#define FRAMES 600u
#define STEPS  200000u

static struct hazard_page pages[FRAMES];

/* Frames in the order in which they got the worth that they have. */
static struct {
	uint32_t frame[FRAMES];
	uint32_t worth[FRAMES];
	uint32_t count;
} model;

static void start(void)
{
	memset(pages, 0, sizeof(pages));
	memset(&model, 0, sizeof(model));
	qr_hazard_pool_start(pages);
}

static uint32_t model_find(uint32_t frame)
{
	uint32_t at = 0;

	while (at < model.count && model.frame[at] != frame) {
		at++;
	}
	return at;
}

static void model_remove(uint32_t at)
{
	model.count--;
	for (; at < model.count; at++) {
		model.frame[at] = model.frame[at + 1];
		model.worth[at] = model.worth[at + 1];
	}
}

static void model_append(uint32_t frame, uint32_t worth)
{
	model.frame[model.count] = frame;
	model.worth[model.count++] = worth;
}

/* The first of the least worth, or the last of the highest. */
static uint32_t model_end(bool least)
{
	uint32_t best = 0;

	for (uint32_t at = 1; at < model.count; at++) {
		if (least ? model.worth[at] < model.worth[best]
			  : model.worth[at] >= model.worth[best]) {
			best = at;
		}
	}
	return best;
}

static void model_add(uint32_t frame, uint32_t worth)
{
	uint32_t at = model_find(frame);

	if (at < model.count) {
		if (model.worth[at] != worth) {
			model_remove(at);
			model_append(frame, worth);
		}
		return;
	}
	if (model.count == PLACES) {
		at = model_end(false);
		if (model.worth[at] <= worth) {
			return;
		}
		model_remove(at);
	}
	model_append(frame, worth);
}

static void add(uint32_t frame, uint32_t worth)
{
	qr_hazard_pool_add(frame, worth);
	model_add(frame, worth);
}

static void forget(uint32_t frame)
{
	uint32_t at = model_find(frame);

	qr_hazard_pool_forget(frame);
	if (at < model.count) {
		model_remove(at);
	}
}

static void check_least(void)
{
	uint32_t frame, worth, at = model_end(true);

	if (model.count == 0) {
		assert_false(qr_hazard_pool_least(&frame, &worth));
		return;
	}
	assert_true(qr_hazard_pool_least(&frame, &worth));
	assert_int_equal(frame, model.frame[at]);
	assert_int_equal(worth, model.worth[at]);
}

/* All that is in it, in its order. Empty afterwards. */
static void drain(void)
{
	for (uint32_t frame = 0; frame < FRAMES; frame++) {
		assert_int_equal(pages[frame].pooled != 0, model_find(frame) < model.count);
	}
	while (model.count > 0) {
		check_least();
		forget(model.frame[model_end(true)]);
	}
	check_least();
}

static void expect_least(uint32_t expected_frame, uint32_t expected_worth)
{
	uint32_t frame, worth;

	assert_true(qr_hazard_pool_least(&frame, &worth));
	assert_int_equal(frame, expected_frame);
	assert_int_equal(worth, expected_worth);
}

static void pool_first_come_first_served(void **state)
{
	(void)state;
	start();
	check_least();
	add(5, 40);
	add(3, 40);
	add(9, 40);
	add(5, 40); /* the same again: it keeps its place */
	expect_least(5, 40);
	forget(5);
	expect_least(3, 40);
	add(3, 41); /* and with another worth, and back: it is the last */
	add(3, 40);
	expect_least(9, 40);
	forget(9);
	forget(9); /* nothing */
	expect_least(3, 40);
	drain();
}

static void pool_full(void **state)
{
	(void)state;
	start();
	for (uint32_t frame = 0; frame < PLACES; frame++) {
		add(frame, frame);
	}
	add(PLACES, WORTHS - 1); /* worth more than all */
	assert_int_equal(pages[PLACES].pooled, 0);
	add(PLACES, PLACES - 1); /* as much as the most */
	assert_int_equal(pages[PLACES].pooled, 0);
	assert_true(pages[PLACES - 1].pooled != 0);
	add(PLACES, PLACES - 2); /* less: the one worth most goes */
	assert_true(pages[PLACES].pooled != 0);
	assert_int_equal(pages[PLACES - 1].pooled, 0);
	add(PLACES + 1, 0); /* of two worth the same the one that came last */
	assert_int_equal(pages[PLACES].pooled, 0);
	assert_true(pages[PLACES - 2].pooled != 0);
	expect_least(0, 0);
	forget(0);
	expect_least(PLACES + 1, 0);
	drain();
	/* every place is there again */
	for (uint32_t frame = 0; frame < FRAMES; frame++) {
		add(frame, WORTHS - 1);
	}
	assert_int_equal(model.count, PLACES);
	drain();
}

/* Worths close together and far apart, and more frames than places, or fewer. */
static void pool_is_as_the_model(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 4; round++) {
		uint32_t frames = round % 2 == 0 ? FRAMES : PLACES / 2;
		uint32_t worths = round < 2 ? WORTHS : 5;

		start();
		for (uint32_t step = 0; step < STEPS / 4; step++) {
			uint32_t frame = random_below(frames), what = random_below(8);

			if (what < 5) {
				add(frame, random_below(worths));
			} else if (what < 7 || model.count == 0) {
				forget(frame);
			} else {
				forget(model.frame[model_end(true)]);
			}
			check_least();
			assert_int_equal(pages[frame].pooled != 0, model_find(frame) < model.count);
		}
		drain();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_first_come_first_served),
		cmocka_unit_test(pool_full),
		cmocka_unit_test(pool_is_as_the_model),
	};

	random_start();
	return cmocka_run_group_tests_name("hazard pool", tests, NULL, NULL);
}
