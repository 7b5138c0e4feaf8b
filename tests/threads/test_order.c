/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_order.c - faults that wait: because the store does so many requests at once and no more,
 * because every frame is busy, for a page on its way. In which order they go on, on fibers with
 * priorities (fibers_rank).
 */
#include <tests/core/rig.h>

#include <string.h>

#include <quire/port.h>

#include <mm/store.h>
#include <tests/core/audit.h>

#include "fiber.h"

#define PAGES_EACH 4u
#define FIBERS     6u
#define FRAMES     (FIBERS * PAGES_EACH + 2)
#define LATE       4u

static struct {
	uint8_t *memory;
	uint32_t touches;             /* by each fiber */
	unsigned int issued[64];      /* by whom each request was */
	unsigned int issued_count;
	unsigned int ended[FIBERS];   /* who touched all, in that order */
	unsigned int ended_count;
	unsigned int in_flight_max;
	unsigned int wrong;           /* touches */
	bool one_page;                /* all touch the first fiber's */
	bool gone;                    /* who is late has come */
} order;

static int on_fault(const struct qr_fault *fault)
{
	return k_mem_page_fault(fault->address, fault->access);
}

/* Asked once for each request, when the store takes it. */
static int issued(void *argument, const struct k_mem_io *io)
{
	(void)argument;
	(void)io;
	if (order.issued_count < 64) {
		order.issued[order.issued_count++] = fibers_self();
	}
	if (rig_store.in_flight + 1 > order.in_flight_max) {
		order.in_flight_max = rig_store.in_flight + 1;
	}
	return 0;
}

/* Room that a thread made by polling, before the sleepers were told, would be for whoever
 * interrupts it. */
static struct k_mem_store_ops store_ops;
static void (*strict_poll)(void *store);

static void poll(void *store)
{
	if (qr_port_can_sleep() && qr_store_table.in_flight > 0) {
		qr_port_panic("a thread polls that can sleep");
	}
	strict_poll(store);
}

static uint8_t *page_of(unsigned int self, uint32_t i)
{
	return order.memory + (self * PAGES_EACH + i) * RIG_PAGE;
}

/* Pages of all fibers, which are out, on a store that does `room` requests at once; 0: any. */
static void start(uint32_t frames, unsigned int room, uint32_t touches)
{
	static uint32_t starts;
	const struct rig rig = {.frames = frames, .slots = 64, .ram = RIG_RAM(starts++)};

	memset(&order, 0, sizeof(order));
	rig_start(&rig);
	order.touches = touches;
	order.memory = k_mem_map(FIBERS * PAGES_EACH * RIG_PAGE, K_MEM_PERM_RW);
	assert_non_null(order.memory);
	for (unsigned int self = 0; self < FIBERS; self++) {
		for (uint32_t i = 0; i < PAGES_EACH; i++) {
			rig_put(page_of(self, i), self * PAGES_EACH + i + 1);
		}
	}
	assert_int_equal(k_mem_page_out(order.memory, FIBERS * PAGES_EACH * RIG_PAGE), 0);
	store_ops = *qr_store_table.store[RIG_STORE_PAGING].ops;
	strict_poll = store_ops.poll;
	store_ops.poll = poll;
	qr_store_table.store[RIG_STORE_PAGING].ops = &store_ops;
	emu_fault = on_fault;
	rig_store.late = LATE;
	rig_store.room = room;
	rig_store.verdict = issued;
}

static void end(void)
{
	const char *wrong = audit();

	assert_int_equal(order.wrong, 0);
	if (wrong != NULL) {
		fail_msg("%s", wrong);
	}
	rig_check();
}

static void touch_all(unsigned int self)
{
	unsigned int owner = order.one_page ? 0 : self;

	for (uint32_t i = 0; i < order.touches; i++) {
		uint64_t word = 0;
		int status = emu_read((uintptr_t)page_of(owner, i), &word, sizeof(word), 0);

		order.wrong += status != 0 || word != owner * PAGES_EACH + i + 1;
	}
	order.ended[order.ended_count++] = self;
}

/* The last fiber, of the lowest priority, lets the others go that come late: one does when all
 * others wait. */
static void late_or_touch(unsigned int self)
{
	qr_port_key_t key;

	if (self == FIBERS - 1) {
		key = qr_port_lock();
		order.gone = true;
		qr_port_wakeup(&order.gone);
		qr_port_unlock(key);
		return;
	}
	if (self >= 3) {
		key = qr_port_lock();
		while (!order.gone) {
			key = qr_port_sleep(&order.gone, key);
		}
		qr_port_unlock(key);
	}
	touch_all(self);
}

/* The first `count` requests were these fibers'. */
static void issued_are(const unsigned int *wanted, unsigned int count)
{
	assert_true(order.issued_count >= count);
	for (unsigned int i = 0; i < count; i++) {
		if (order.issued[i] != wanted[i]) {
			fail_msg("request %u is fiber %u's, not %u's", i, order.issued[i],
				 wanted[i]);
		}
	}
}

/* With so many requests at once; 3 comes late, and 4, who is more urgent. */
static void the_most_urgent_first(unsigned int depth, const unsigned int *wanted)
{
	static const uint8_t rank[FIBERS] = {20, 20, 20, 10, 5, 30};

	start(FRAMES, depth, 1);
	fibers_rank(rank);
	fibers_run(FIBERS, late_or_touch, 1);
	issued_are(wanted, 5);
	assert_int_equal(order.issued_count, 5);
	assert_int_equal(order.in_flight_max, depth);
	end();
}

/* 0 is served, 1 and 2 wait. */
static void test_the_most_urgent_first(void **state)
{
	static const unsigned int wanted[] = {0, 4, 3, 1, 2};

	(void)state;
	the_most_urgent_first(1, wanted);
}

/* What is under way when the urgent ones come is 0's and 1's. */
static void test_the_most_urgent_first_of_two(void **state)
{
	static const unsigned int wanted[] = {0, 1, 4, 3, 2};

	(void)state;
	the_most_urgent_first(2, wanted);
}

/* Equals that want more and more pages take turns: who was served comes after who waited. */
static void test_equals_take_turns(void **state)
{
	static const uint8_t rank[FIBERS] = {7, 7, 7, 7, 7, 7};
	unsigned int wanted[FIBERS * PAGES_EACH];

	(void)state;
	start(FRAMES, 1, PAGES_EACH);
	fibers_rank(rank);
	fibers_run(FIBERS, touch_all, 1);
	for (unsigned int i = 0; i < FIBERS * PAGES_EACH; i++) {
		wanted[i] = i % FIBERS;
	}
	issued_are(wanted, FIBERS * PAGES_EACH);
	assert_int_equal(order.issued_count, FIBERS * PAGES_EACH);
	end();
}

/* Who wants one page after the other goes before all who are less urgent. */
static void test_urgent_all_the_time(void **state)
{
	static const uint8_t rank[FIBERS] = {20, 20, 20, 20, 5, 30};

	(void)state;
	start(FRAMES, 1, PAGES_EACH);
	fibers_rank(rank);
	fibers_run(FIBERS, late_or_touch, 1);
	assert_int_equal(order.issued_count, 5 * PAGES_EACH);
	assert_int_equal(order.issued[0], 0);
	for (uint32_t i = 1; i <= PAGES_EACH; i++) {
		assert_int_equal(order.issued[i], 4);
	}
	end();
}

/* Two frames, in which pages are on their way: who is more urgent gets what can be had next. */
static void test_frames(void **state)
{
	static const uint8_t rank[FIBERS] = {20, 20, 20, 10, 5, 30};
	static const unsigned int wanted[] = {0, 1, 4, 3};

	(void)state;
	start(2, 0, 1);
	fibers_rank(rank);
	fibers_run(FIBERS, late_or_touch, 1);
	issued_are(wanted, 4);
	assert_int_equal(order.in_flight_max, 2);
	end();
}

/* All want the page that one of the least urgent brings. */
static void test_one_page(void **state)
{
	static const uint8_t rank[FIBERS] = {20, 20, 20, 10, 5, 30};
	static const unsigned int wanted[] = {4, 3, 0, 1, 2};

	(void)state;
	start(FRAMES, 0, 1);
	order.one_page = true;
	fibers_rank(rank);
	fibers_run(FIBERS, late_or_touch, 1);
	assert_int_equal(order.issued_count, 1);
	assert_int_equal(order.ended_count, 5);
	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(order.ended[i], wanted[i]);
	}
	end();
}

/* One thread writes a page out, slowly. A second one waits for a frame, or for a slot, until a
 * third unmaps memory that has some: it goes on then, and not when the write has ended. */
static struct {
	uint8_t *written, *wanted, *given;
	size_t given_bytes;
} giver;

static void write_wait_or_give(unsigned int self)
{
	uint64_t word;

	if (self == 0) {
		order.wrong += k_mem_page_out(giver.written, RIG_PAGE) != 0;
	} else if (self == 1) {
		order.wrong += emu_read((uintptr_t)giver.wanted, &word, sizeof(word), 0) != 0;
	} else {
		order.wrong += rig_store.in_flight != 1;
		order.wrong += k_mem_unmap(giver.given, giver.given_bytes) != 0;
	}
	order.ended[order.ended_count++] = self;
}

static void start_giver(const struct rig *rig, size_t given_bytes, uint32_t flags)
{
	void *wanted;

	memset(&order, 0, sizeof(order));
	rig_start(rig);
	giver.given_bytes = given_bytes;
	giver.given = k_mem_map(given_bytes, K_MEM_PERM_RW | flags);
	giver.written = k_mem_map(RIG_PAGE, K_MEM_PERM_RW);
	assert_true(giver.given != NULL && giver.written != NULL);
	wanted = k_mem_map_unpaged(K_MEM_LOCATION(RIG_STORE_IMAGE, 5), RIG_PAGE, 0);
	assert_non_null(wanted);
	giver.wanted = wanted;
	emu_fault = on_fault;
	rig_store.verdict = issued;
}

static void run_giver(void)
{
	static const uint8_t rank[] = {0, 1, 2};

	rig_store.late = 20;
	fibers_rank(rank);
	fibers_run(3, write_wait_or_give, 1);
	fibers_rank(NULL);
	assert_int_equal(order.ended_count, 3);
	end();
}

static void test_unmapping_gives_frames_to_who_waits(void **state)
{
	const struct rig rig = {.frames = 5, .slots = 8};

	(void)state;
	start_giver(&rig, 4 * RIG_PAGE, K_MEM_MAP_LOCK);
	rig_put(giver.written, 1);
	run_giver();
	assert_int_equal(order.ended[0], 1);
}

/* One slot is the only place of a page, the other one is being written to; the page in the other
 * frame was changed, and has none. */
static void test_unmapping_gives_slots_to_who_waits(void **state)
{
	const struct rig rig = {.frames = 2, .slots = 2};
	uint8_t *changed;

	(void)state;
	start_giver(&rig, RIG_PAGE, 0);
	rig_put(giver.given, 1);
	assert_int_equal(k_mem_page_out(giver.given, RIG_PAGE), 0);
	changed = k_mem_map(RIG_PAGE, K_MEM_PERM_RW);
	assert_non_null(changed);
	rig_put(giver.written, 2);
	rig_put(changed, 3);
	run_giver();
	assert_int_equal(order.in_flight_max, 2);
}

/* The queue is full of requests of others, whose end nobody tells us, for as long as one looks;
 * each look takes long enough for the other thread to look, too. */
static int always_full(void *context, struct k_mem_io *io)
{
	(void)context;
	(void)io;
	fibers_yield();
	return K_MEM_IO_FULL;
}

static void look_in_vain(unsigned int self)
{
	uint64_t word = 0;

	order.wrong += emu_read((uintptr_t)page_of(self, 0), &word, sizeof(word), 0) != -EBUSY;
	order.ended[order.ended_count++] = self;
}

static void test_who_gives_up_tells_who_took_it_for_a_request_under_way(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		start(FRAMES, 0, 1);
		store_ops.submit = always_full;
		store_ops.poll = strict_poll;
		fibers_run(FIBERS, look_in_vain, seed);
		assert_int_equal(order.ended_count, FIBERS);
		end();
	}
}

/* The cleaner, which is urgent, frees the one frame that another thread waits for, finds nothing
 * more to do, and sets the frame aside before that one runs. */
static struct {
	uint8_t *pages; /* changed, to be pinned, wanted */
	bool pinned;
} cleaning;

static void clean_pin_or_touch(unsigned int self)
{
	uint64_t word;

	if (self == 0) {
		while (order.ended_count == 0) {
			order.wrong += k_mem_paging_clean(1, 2) != 0;
		}
	} else if (self == 1) {
		order.wrong += k_mem_pin(cleaning.pages + RIG_PAGE, RIG_PAGE) != 0;
		cleaning.pinned = true;
	} else {
		order.wrong += !cleaning.pinned || rig_store.in_flight != 1;
		order.wrong += emu_read((uintptr_t)cleaning.pages + 2 * RIG_PAGE, &word,
					sizeof(word), 0) != 0;
		order.ended[order.ended_count++] = self;
		/* so that the cleaner ends, too */
		order.wrong += k_mem_page_out(cleaning.pages + 2 * RIG_PAGE, RIG_PAGE) != 0;
		rig_put(cleaning.pages, 3);
		rig_put(cleaning.pages + 2 * RIG_PAGE, 4);
	}
}

static void test_what_is_set_aside_is_given_to_who_waits(void **state)
{
	static const uint8_t rank[] = {0, 1, 2};
	const struct rig rig = {.frames = 4, .slots = 8};

	(void)state;
	memset(&order, 0, sizeof(order));
	cleaning.pinned = false;
	rig_start(&rig);
	assert_non_null(k_mem_map(2 * RIG_PAGE, K_MEM_PERM_RW | K_MEM_MAP_LOCK));
	cleaning.pages = k_mem_map(3 * RIG_PAGE, K_MEM_PERM_RW);
	assert_non_null(cleaning.pages);
	rig_put(cleaning.pages, 1);
	rig_put(cleaning.pages + 2 * RIG_PAGE, 2);
	assert_int_equal(k_mem_page_out(cleaning.pages + 2 * RIG_PAGE, RIG_PAGE), 0);
	emu_fault = on_fault;
	rig_store.late = LATE;
	fibers_rank(rank);
	fibers_run(3, clean_pin_or_touch, 1);
	fibers_rank(NULL);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_most_urgent_first),
		cmocka_unit_test(test_the_most_urgent_first_of_two),
		cmocka_unit_test(test_equals_take_turns),
		cmocka_unit_test(test_urgent_all_the_time),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_one_page),
		cmocka_unit_test(test_unmapping_gives_frames_to_who_waits),
		cmocka_unit_test(test_unmapping_gives_slots_to_who_waits),
		cmocka_unit_test(test_what_is_set_aside_is_given_to_who_waits),
		cmocka_unit_test(test_who_gives_up_tells_who_took_it_for_a_request_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
