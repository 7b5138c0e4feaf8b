/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_port_store.c - the store for tests: each breach of the contract is caught, and being
 * late, short of room, out of order and failing do what they say.
 */
#include <quire/imagestore.h>
#include <quire/ramstore.h>
#include <port/strict/store.h>
#include <port/strict/strict.h>

#include "fake_memory.h"
#include "parts_help.h"

#define PAGE CONFIG_MMU_PAGE_SIZE
#define SLOTS 8u

static struct k_mem_ram_store ram;
static struct strict_store strict;
static struct k_mem_store store;
static uint8_t pages[SLOTS * PAGE];
static uint64_t words[K_MEM_SLOT_MAP_WORDS(SLOTS)];
static uint8_t slots[SLOTS];

/* Requests, and the order in which they ended. */
static struct k_mem_io requests[SLOTS];
static uintptr_t frames[SLOTS];
static uint32_t ended[SLOTS];
static int ended_status[SLOTS];
static uint32_t ended_count;

static int setup(void **state)
{
	(void)state;
	strict_reset();
	memset(&strict, 0, sizeof(strict));
	memset(slots, 0, sizeof(slots));
	ended_count = 0;
	strict.slots = slots;
	if (k_mem_ram_store_init(&strict.inner, &ram, pages, SLOTS, words) != 0) {
		return -1;
	}
	strict_store_init(&store, &strict);
	return 0;
}

static void done(struct k_mem_io *io, int status)
{
	qr_port_key_t key = qr_port_lock();

	ended_status[ended_count] = status;
	ended[ended_count++] = io->slot;
	qr_port_wakeup(io);
	qr_port_unlock(key);
}

/* Reserve all slots: slot n for request n. */
static void reserve_all(void)
{
	qr_port_key_t key = qr_port_lock();

	for (uint32_t i = 0; i < SLOTS; i++) {
		uint32_t slot;

		assert_int_equal(store.ops->reserve(store.context, &slot), 0);
		assert_int_equal(slot, i);
	}
	qr_port_unlock(key);
}

static int submit(enum k_mem_io_op op, uint32_t slot)
{
	frames[slot] = fake_phys(slot);
	requests[slot] = (struct k_mem_io){
		.op = op,
		.slot = slot,
		.page_count = 1,
		.frames = &frames[slot],
		.done = done,
	};
	return store.ops->submit(store.context, &requests[slot]);
}

static void give_up(void (*function)(void *, uint32_t), uint32_t slot)
{
	qr_port_key_t key = qr_port_lock();

	function(store.context, slot);
	qr_port_unlock(key);
}

/* ---- what it does on request --------------------------------------------------------- */

static void at_once(void **state)
{
	(void)state;
	reserve_all();
	memset(fake_memory[3], 0x33, PAGE);
	assert_int_equal(submit(K_MEM_IO_WRITE, 3), 0);
	assert_int_equal(pages[3 * PAGE + 5], 0x33);
	memset(fake_memory[3], 0, PAGE);
	assert_int_equal(submit(K_MEM_IO_READ, 3), 0);
	assert_int_equal(fake_memory[3][PAGE - 1], 0x33);
	assert_int_equal(strict.reads, 1);
	assert_int_equal(strict.writes, 1);
	assert_int_equal(ended_count, 0);
}

/* The pages move when the transfer ends, and not before. */
static void late(void **state)
{
	(void)state;
	reserve_all();
	strict.late = 2;
	memset(fake_memory[0], 1, PAGE);
	assert_int_equal(submit(K_MEM_IO_WRITE, 0), K_MEM_IO_TAKEN);
	memset(fake_memory[0], 2, PAGE);
	store.ops->poll(store.context);
	assert_int_equal(ended_count, 0);
	store.ops->poll(store.context);
	assert_int_equal(ended_count, 1);
	assert_int_equal(pages[0], 2);
	store.ops->poll(store.context);
	assert_int_equal(ended_count, 1);
	assert_int_equal(strict.in_flight, 0);
}

static void order(void **state)
{
	(void)state;
	reserve_all();
	strict.late = 1;
	for (unsigned int backwards = 0; backwards < 2; backwards++) {
		strict.backwards = backwards != 0;
		ended_count = 0;
		for (uint32_t i = 0; i < SLOTS; i++) {
			assert_int_equal(submit(K_MEM_IO_WRITE, i), K_MEM_IO_TAKEN);
		}
		store.ops->poll(store.context);
		assert_int_equal(ended_count, SLOTS);
		for (uint32_t i = 0; i < SLOTS; i++) {
			assert_int_equal(ended[i], backwards ? SLOTS - 1 - i : i);
		}
	}
}

static void room(void **state)
{
	(void)state;
	reserve_all();
	strict.late = 1;
	strict.room = 2;
	assert_int_equal(submit(K_MEM_IO_WRITE, 0), K_MEM_IO_TAKEN);
	assert_int_equal(submit(K_MEM_IO_WRITE, 1), K_MEM_IO_TAKEN);
	assert_int_equal(submit(K_MEM_IO_WRITE, 2), K_MEM_IO_FULL);
	store.ops->poll(store.context);
	assert_int_equal(submit(K_MEM_IO_WRITE, 2), K_MEM_IO_TAKEN);
	store.ops->poll(store.context);
	assert_int_equal(ended_count, 3);
}

static int no_writes_to_five(void *argument, const struct k_mem_io *io)
{
	++*(unsigned int *)argument;
	return io->op == K_MEM_IO_WRITE && io->slot == 5 ? -EIO : 0;
}

static void failures(void **state)
{
	unsigned int asked = 0;

	(void)state;
	reserve_all();
	memset(pages, 0, sizeof(pages));
	memset(fake_memory[5], 5, PAGE);
	strict.verdict = no_writes_to_five;
	strict.argument = &asked;
	assert_int_equal(submit(K_MEM_IO_WRITE, 4), 0);
	assert_int_equal(submit(K_MEM_IO_WRITE, 5), -EIO);
	strict.late = 1;
	assert_int_equal(submit(K_MEM_IO_WRITE, 5), K_MEM_IO_TAKEN);
	assert_int_equal(submit(K_MEM_IO_WRITE, 6), K_MEM_IO_TAKEN);
	store.ops->poll(store.context);
	assert_int_equal(ended_status[0], -EIO);
	assert_int_equal(ended_status[1], 0);
	assert_int_equal(pages[5 * PAGE], 0);
	assert_int_equal(strict.failures, 2);
	assert_int_equal(asked, 4);
	give_up(store.ops->retire, 5);
	assert_int_equal(strict.retired, 1);
	assert_int_equal(strict.reserved, SLOTS - 1);
}

/* A sleeper is woken by a transfer that polling ends. */
static void asleep_until_it_ends(void **state)
{
	qr_port_key_t key;

	(void)state;
	reserve_all();
	strict.late = 50;
	strict_poll_add(&store);
	assert_int_equal(submit(K_MEM_IO_WRITE, 0), K_MEM_IO_TAKEN);
	key = qr_port_lock();
	while (ended_count == 0) {
		key = qr_port_sleep(&requests[0], key);
	}
	qr_port_unlock(key);
	assert_int_equal(strict_counts()->sleeps, 1);
}

static void read_only(void **state)
{
	struct k_mem_image_store image;

	(void)state;
	memset(pages, 0x77, sizeof(pages));
	assert_int_equal(k_mem_image_store_init(&strict.inner, &image, pages, sizeof(pages)), 0);
	strict_store_init(&store, &strict);
	assert_true(store.read_only);
	assert_null(store.ops->reserve);
	strict.late = 1;
	/* two readers of one slot may meet */
	assert_int_equal(submit(K_MEM_IO_READ, 2), K_MEM_IO_TAKEN);
	requests[3] = requests[2];
	assert_int_equal(store.ops->submit(store.context, &requests[3]), K_MEM_IO_TAKEN);
	store.ops->poll(store.context);
	assert_int_equal(ended_count, 2);
	assert_int_equal(fake_memory[2][0], 0x77);
}

/* ---- what it catches ----------------------------------------------------------------- */

static void caught(const char *message)
{
	assert_non_null(strict_caught());
	assert_string_equal(strict_caught(), message);
	strict_reset();
}

static void slots_without_the_lock(void **state)
{
	uint32_t slot;

	(void)state;
	STRICT_CATCH((void)store.ops->reserve(store.context, &slot));
	caught("a slot is reserved without the mm lock");
	reserve_all();
	STRICT_CATCH(store.ops->release(store.context, 0));
	caught("a slot is given up without the mm lock");
	STRICT_CATCH(store.ops->retire(store.context, 0));
	caught("a slot is given up without the mm lock");
}

static void slots_given_up_wrongly(void **state)
{
	(void)state;
	reserve_all();
	give_up(store.ops->release, 1);
	STRICT_CATCH(give_up(store.ops->release, 1));
	caught("a slot that is not reserved is given up");
	give_up(store.ops->retire, 2);
	STRICT_CATCH(give_up(store.ops->release, 2));
	caught("a slot that is not reserved is given up");
	STRICT_CATCH(give_up(store.ops->release, SLOTS));
	caught("a slot beyond the end is given up");
	strict.late = 1;
	assert_int_equal(submit(K_MEM_IO_READ, 3), K_MEM_IO_TAKEN);
	STRICT_CATCH(give_up(store.ops->release, 3));
	caught("a slot in transfer is given up");
}

static void transfers_under_the_lock(void **state)
{
	(void)state;
	reserve_all();
	(void)qr_port_lock();
	STRICT_CATCH((void)submit(K_MEM_IO_READ, 0));
	caught("a transfer is started under the mm lock");
	(void)qr_port_lock();
	STRICT_CATCH(store.ops->poll(store.context));
	caught("a store is polled under the mm lock");
}

static void transfers_of_wrong_slots(void **state)
{
	(void)state;
	STRICT_CATCH((void)submit(K_MEM_IO_READ, 0));
	caught("a transfer of a slot that is not reserved");
	reserve_all();
	strict.late = 1;
	assert_int_equal(submit(K_MEM_IO_READ, 0), K_MEM_IO_TAKEN);
	requests[4] = requests[0];
	STRICT_CATCH((void)store.ops->submit(store.context, &requests[4]));
	caught("two transfers of one slot at a time");
	give_up(store.ops->retire, 1);
	STRICT_CATCH((void)submit(K_MEM_IO_WRITE, 1));
	caught("a transfer of a slot that is not reserved");
}

/* Where sleeping is not allowed a read overtakes another: then the slot is the later one's,
 * and may be given up and used again before the earlier one ends. */
static void overtaken(void **state)
{
	uint32_t slot;
	qr_port_key_t key;

	(void)state;
	reserve_all();
	strict.late = 2;
	assert_int_equal(submit(K_MEM_IO_READ, 0), K_MEM_IO_TAKEN);
	strict_context_set(QR_PORT_ISR);
	requests[1] = requests[0];
	strict.late = 1;
	assert_int_equal(store.ops->submit(store.context, &requests[1]), K_MEM_IO_TAKEN);
	/* the later one still owns it */
	STRICT_CATCH(give_up(store.ops->release, 0));
	caught("a slot in transfer is given up");
	store.ops->poll(store.context);
	assert_int_equal(ended_count, 1);
	give_up(store.ops->release, 0);
	key = qr_port_lock();
	assert_int_equal(store.ops->reserve(store.context, &slot), 0);
	qr_port_unlock(key);
	assert_int_equal(slot, 0);
	assert_int_equal(submit(K_MEM_IO_WRITE, 2), K_MEM_IO_TAKEN);
	store.ops->poll(store.context);
	assert_int_equal(ended_count, 3);
	give_up(store.ops->release, 0);
	/* a write is never overtaken */
	strict_context_set(QR_PORT_ISR);
	assert_int_equal(submit(K_MEM_IO_WRITE, 3), K_MEM_IO_TAKEN);
	requests[4] = requests[3];
	requests[4].op = K_MEM_IO_READ;
	STRICT_CATCH((void)store.ops->submit(store.context, &requests[4]));
	caught("two transfers of one slot at a time");
}

static void malformed(void (*damage)(struct k_mem_io *), const char *message)
{
	uintptr_t phys[2] = {fake_phys(0), fake_phys(1) + 8};
	struct k_mem_io io = {.slot = 0, .page_count = 1, .frames = phys, .done = done};

	damage(&io);
	STRICT_CATCH((void)store.ops->submit(store.context, &io));
	caught(message);
}

static void no_pages(struct k_mem_io *io)
{
	io->page_count = 0;
}

static void too_many_pages(struct k_mem_io *io)
{
	io->page_count = SLOTS + 1;
}

static void beyond_the_end(struct k_mem_io *io)
{
	io->slot = SLOTS - 1;
	io->page_count = 2;
}

static void half_a_frame(struct k_mem_io *io)
{
	io->page_count = 2;
}

static void nobody_to_tell(struct k_mem_io *io)
{
	io->done = NULL;
}

static void transfers_malformed(void **state)
{
	(void)state;
	reserve_all();
	malformed(no_pages, "a transfer of no or too many pages");
	malformed(too_many_pages, "a transfer of no or too many pages");
	malformed(beyond_the_end, "a transfer beyond the last slot");
	malformed(half_a_frame, "a transfer of half a frame");
	malformed(nobody_to_tell, "a transfer has no one to tell");
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(at_once),
		TEST(late),
		TEST(order),
		TEST(room),
		TEST(failures),
		TEST(asleep_until_it_ends),
		TEST(read_only),
		TEST(slots_without_the_lock),
		TEST(slots_given_up_wrongly),
		TEST(transfers_under_the_lock),
		TEST(transfers_of_wrong_slots),
		TEST(overtaken),
		TEST(transfers_malformed),
	};

	return cmocka_run_group_tests_name("strict store", tests, NULL, NULL);
}
