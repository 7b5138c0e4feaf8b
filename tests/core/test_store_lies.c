/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_lies.c - a store with a bug beneath the core. Whatever it says, what it said is
 * either an error or ends the kernel with words; no page is wrong and nothing goes on as if.
 */
#include "rig.h"

#include <tests/unit/parts_help.h>

#include <mm/store.h>

#include "audit.h"
#include "liar.h"
#include "rig_compressed.h"

#define PAGES 24u
#define SLOTS 32u

static uint8_t *area;
static uint64_t word[PAGES];
static uint64_t stamp;

static void begin(bool compressed)
{
	const struct rig rig = {.frames = 8, .slots = SLOTS, .compressed = compressed};

	qr_locked = false; /* a panic left it as it was */
	rig_start(&rig);
	if (compressed) {
		struct k_mem_compressed *above = qr_store_table.store[0].context;

		liar_wrap(&above->lower);
	} else {
		liar_start(RIG_STORE_PAGING);
	}
	stamp = 0;
	memset(word, 0, sizeof(word));
	area = k_mem_map(PAGES * RIG_PAGE, K_MEM_PERM_RW);
	assert_non_null(area);
}

static int try_put(uint32_t page)
{
	int status = rig_write(area + page * RIG_PAGE, ++stamp);

	word[page] = status == 0 ? stamp : word[page];
	return status;
}

static void get_all(void)
{
	for (uint32_t page = 0; page < PAGES; page++) {
		assert_int_equal(rig_get(area + page * RIG_PAGE), word[page]);
	}
}

static void put_all(void)
{
	for (uint32_t page = 0; page < PAGES; page++) {
		assert_int_equal(try_put(page), 0);
	}
}

/* The lie is told by a write, then by a read. */
static void use(enum liar_lie lie, bool read, bool masked)
{
	put_all();
	strict_context_set(masked ? QR_PORT_IRQ_LOCKED : QR_PORT_THREAD);
	assert_int_equal(k_mem_page_out(area, PAGES * RIG_PAGE), 0);
	if (read) {
		uint64_t got;

		liar.lie = lie;
		if (rig_read(area, &got) == 0) {
			assert_int_equal(got, word[0]);
		}
		return;
	}
	assert_int_equal(try_put(3), 0);
	liar.lie = lie;
	(void)!k_mem_page_out(area + 3 * RIG_PAGE, RIG_PAGE);
}

static void ends_with_words(enum liar_lie lie, const char *words)
{
	for (unsigned int how = 0; how < 4; how++) {
		begin(false);
		STRICT_CATCH({
			use(lie, how & 1, how & 2);
			/* `done` may come much later */
			liar_poll();
		});
		assert_int_equal(liar.told, 1);
		assert_non_null(strict_caught());
		assert_non_null(strstr(strict_caught(), words));
	}
}

static void bugs_end_with_words(void **state)
{
	static const struct {
		enum liar_lie lie;
		const char *words;
	} bugs[] = {
		{LIAR_TWICE, "a transfer that is not under way"},
		{LIAR_AFTER_ERROR, "a transfer that is not under way"},
		{LIAR_AFTER_COMPLETE, "a transfer that is not under way"},
		{LIAR_AFTER_FULL, "a transfer that it did not take"},
		{LIAR_INSIDE_ERROR, "a transfer that it did not take"},
		{LIAR_INSIDE_COMPLETE, "a transfer that it did not take"},
		{LIAR_STRANGER, "a transfer that is not under way"},
		{LIAR_ANSWER_POSITIVE, "answered a positive number"},
		{LIAR_ANSWER_WILD, "answered what is no answer"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bugs); i++) {
		ends_with_words(bugs[i].lie, bugs[i].words);
	}
}

static void slot_that_there_is_not(void **state)
{
	(void)state;
	begin(false);
	liar.lie = LIAR_SLOT_BEYOND;
	STRICT_CATCH(put_all());
	assert_non_null(strict_caught());
	assert_non_null(strstr(strict_caught(), "a slot that it does not have"));
}

static void put_all_caught(const char *words)
{
	STRICT_CATCH(put_all());
	assert_non_null(strict_caught());
	assert_non_null(strstr(strict_caught(), words));
}

static void more_slots_than_there_are(void **state)
{
	uint32_t location;

	(void)state;
	begin(false);
	liar.lie = LIAR_SLOTS_MORE;
	STRICT_CATCH({
		struct qr_hold hold;

		qr_lock(&hold);
		for (uint32_t i = 0; i <= SLOTS; i++) {
			(void)!qr_slot_take(&location);
		}
	});
	assert_non_null(strict_caught());
	assert_non_null(strstr(strict_caught(), "more slots than it has"));
}

/* Who cannot sleep would wait for ever. */
static void no_way_to_ask(void **state)
{
	(void)state;
	begin(false);
	liar_poll_none();
	put_all_caught("has no poll()");
}

/* What is no answer of the seam, but says that something went wrong, is an error. */
static void errors_are_local(void **state)
{
	static const enum liar_lie errors[] = {LIAR_POSITIVE, LIAR_UNKNOWN, LIAR_ANSWER_ERRNO};

	(void)state;
	for (unsigned int i = 0; i < 4 * COUNT(errors); i++) {
		begin(false);
		use(errors[i / 4], i & 1, i & 2);
		assert_int_equal(liar.told, 1);
		strict_context_set(QR_PORT_THREAD);
		get_all();
		assert_null(audit());
		assert_int_equal(rig_store.retired, (i & 1) ? 0 : 1);
		rig_check();
	}
}

/* Early, but true: nothing is lost by it. */
static void done_from_inside(void **state)
{
	(void)state;
	for (unsigned int how = 0; how < 4; how++) {
		begin(false);
		use(LIAR_INSIDE, how & 1, how & 2);
		assert_int_equal(liar.told, 1);
		strict_context_set(QR_PORT_THREAD);
		get_all();
		assert_null(audit());
		rig_check();
	}
}

/* Pages go in and out, some of it in vain; what could be read is right. */
static void use_compressed(enum liar_lie lie, bool masked)
{
	liar.lie = lie;
	strict_context_set(masked ? QR_PORT_IRQ_LOCKED : QR_PORT_THREAD);
	for (uint32_t i = 0; i < 4 * PAGES; i++) {
		uint32_t page = i * 7 % PAGES;
		uint64_t got;

		if (i % 3 == 0) {
			(void)!try_put(page);
		} else if (rig_read(area + page * RIG_PAGE, &got) == 0) {
			assert_int_equal(got, word[page]);
		}
	}
	liar_poll();
}

/* The liar is the lower store: it lies to the compressed one, or through it. */
static void beneath_a_compressed_store(void **state)
{
	(void)state;
	for (unsigned int i = 2; i < 2 * LIAR_SLOT_BEYOND; i++) {
		if (i / 2 == LIAR_AFTER_FULL) {
			continue; /* tried again in between and taken: seen by nobody */
		}
		begin(true);
		put_all();
		STRICT_CATCH(use_compressed(i / 2, i & 1));
		assert_int_equal(liar.told, 1);
		if (strict_caught() != NULL) {
			assert_non_null(strstr(strict_caught(), "a store"));
			continue;
		}
		strict_context_set(QR_PORT_THREAD);
		get_all();
		assert_null(audit());
		rig_check();
	}
}

/* A driver that was written for another C library says -EINPROGRESS as that has it. */
static void words_of_other_libraries(void **state)
{
	static const int taken[] = {K_MEM_IO_TAKEN, -115, -119};

	(void)state;
	for (size_t i = 0; i < COUNT(taken); i++) {
		begin(false);
		liar.taken = taken[i];
		for (unsigned int round = 0; round < 3; round++) {
			put_all();
			get_all();
		}
		assert_int_equal(rig_store.retired, 0);
		assert_null(audit());
		rig_check();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bugs_end_with_words),
		cmocka_unit_test(slot_that_there_is_not),
		cmocka_unit_test(more_slots_than_there_are),
		cmocka_unit_test(no_way_to_ask),
		cmocka_unit_test(errors_are_local),
		cmocka_unit_test(done_from_inside),
		cmocka_unit_test(beneath_a_compressed_store),
		cmocka_unit_test(words_of_other_libraries),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
