/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_device_lies.c - the kernel's disk driver and a device that lies (tests/host/device). What
 * must hold whatever it says: each request ends once; one that ended well moved its data; a frame
 * is not written to after its request ended; a disk that was given up ends all it had and takes
 * no more, and that is said once.
 */
#include "tests/unit/parts_help.h"

#include "tests/host/device/device.h"

#define PAGE CONFIG_MMU_PAGE_SIZE
#define SLOTS DEVICE_PAGES
#define RIDES 24u     /* requests that a test may have under way */
#define RIDE_PAGES 4u
#define SECTORS_PER_PAGE (PAGE / 512u)
#define IDLE_BYTE 0x5a

/* One request and its frames. */
static struct ride {
	struct k_mem_io io;
	uint8_t frame[RIDE_PAGES][PAGE] QR_ALIGNED(4096);
	uintptr_t phys[RIDE_PAGES];
	bool under_way;
	unsigned int ended;
	int status;
} rides[RIDES];

static struct k_mem_block block;
static uint8_t content[SLOTS]; /* what each page on the disk is full of */
static bool known[SLOTS];

static void page_check(const uint8_t *page, uint8_t value)
{
	for (size_t i = 0; i < PAGE; i++) {
		assert_int_equal(page[i], value);
	}
}

static void ride_done(struct k_mem_io *io, int status)
{
	struct ride *ride = io->context;

	assert_true(ride->under_way);
	ride->under_way = false;
	ride->ended++;
	ride->status = status;
	for (uint32_t i = 0; i < io->page_count; i++) {
		uint32_t slot = io->slot + i;

		if (status == 0 && io->op == K_MEM_IO_READ && known[slot]) {
			page_check(ride->frame[i], content[slot]);
		} else if (io->op == K_MEM_IO_WRITE) {
			content[slot] = ride->frame[i][0];
			known[slot] = status == 0;
		}
	}
	memset(ride->frame, IDLE_BYTE, sizeof(ride->frame)); /* somebody else's from now on */
}

static int ride_start(struct ride *ride, enum k_mem_io_op op, uint32_t slot, uint32_t pages)
{
	int status;

	assert_false(ride->under_way);
	for (uint32_t i = 0; i < RIDE_PAGES; i++) {
		ride->phys[i] = (uintptr_t)ride->frame[i];
		memset(ride->frame[i], op == K_MEM_IO_WRITE && i < pages
					       ? (int)(1 + (slot + i * 7 + ride->ended) % 200)
					       : IDLE_BYTE, PAGE);
	}
	ride->io = (struct k_mem_io){
		.op = op, .slot = slot, .page_count = pages, .frames = ride->phys,
		.done = ride_done, .context = ride,
	};
	ride->under_way = true;
	status = block.ops->submit(block.device, &ride->io, (uint64_t)slot * SECTORS_PER_PAGE);
	if (status != K_MEM_IO_TAKEN) {
		ride->under_way = false;
		memset(ride->frame, IDLE_BYTE, sizeof(ride->frame));
	}
	return status;
}

static void poll(void)
{
	block.ops->poll(block.device);
}

static void poll_until_given_up(void)
{
	for (unsigned int i = 0; i < CONFIG_KERNEL_DISK_POLLS_MAX + 1; i++) {
		poll();
	}
}

/* Frames that are nobody's request's were not written to. */
static void idle_check(void)
{
	for (uint32_t i = 0; i < RIDES; i++) {
		for (uint32_t page = 0; page < RIDE_PAGES && !rides[i].under_way; page++) {
			page_check(rides[i].frame[page], IDLE_BYTE);
		}
	}
}

static unsigned int under_way(void)
{
	unsigned int count = 0;

	for (uint32_t i = 0; i < RIDES; i++) {
		count += rides[i].under_way;
	}
	return count;
}

static uint32_t eager(uint32_t below)
{
	return 3 % below; /* acts at every moment */
}

static int start(void *state)
{
	(void)state;
	memset(rides, 0, sizeof(rides));
	for (uint32_t i = 0; i < RIDES; i++) {
		memset(rides[i].frame, IDLE_BYTE, sizeof(rides[i].frame));
	}
	memset(known, 0, sizeof(known));
	device_reset();
	return 0;
}

/* Find the disk, by a device that acts, and go on with one that acts when it is told to. */
static void find(void)
{
	uint32_t (*choose)(uint32_t) = device.choose;

	device.choose = choose ? choose : eager;
	disk_find_all();
	disk_start_all();
	assert_int_equal(disk_find("swap"), 0);
	assert_int_equal(disk_bytes(0), SLOTS * PAGE);
	disk_block(0, &block);
	device.choose = choose;
}

/* Given up: all that was under way ended with -EIO, and so does what comes. */
static void given_up_check(void)
{
	struct ride *ride = &rides[RIDES - 1];

	assert_int_equal(under_way(), 0);
	assert_false(device.running);
	assert_int_equal(ride_start(ride, K_MEM_IO_READ, 0, 1), -EIO);
	assert_int_equal(ride_start(ride, K_MEM_IO_WRITE, 0, 1), -EIO);
	poll_until_given_up();
	device_run();
	assert_int_equal(device.printed, 1);
	assert_int_equal(device.panicked, 0);
	idle_check();
}

/* ---- the truth -------------------------------------------------------------------- */

static void write_and_read(void)
{
	unsigned int before = rides[0].ended;

	for (uint32_t slot = 0; slot < SLOTS; slot += RIDE_PAGES) {
		assert_int_equal(ride_start(&rides[0], K_MEM_IO_WRITE, slot, 4), K_MEM_IO_TAKEN);
		assert_true(device_step());
		poll();
		assert_int_equal(rides[0].status, 0);
	}
	for (uint32_t slot = 0; slot < SLOTS; slot += 8) {
		assert_int_equal(ride_start(&rides[0], K_MEM_IO_READ, slot, 4), K_MEM_IO_TAKEN);
		assert_int_equal(ride_start(&rides[1], K_MEM_IO_READ, slot + 4, 4), K_MEM_IO_TAKEN);
		device_run();
		poll();
		assert_int_equal(rides[0].status | rides[1].status, 0);
	}
	assert_int_equal(rides[0].ended - before, SLOTS / 4 + SLOTS / 8);
	assert_int_equal(under_way(), 0);
}

static void truth(void **state)
{
	for (unsigned int how = 0; how < 8; how++) {
		start(*state);
		device.legacy = how & 1;
		device.early = how & 2;
		device.backwards = how & 4;
		find();
		write_and_read();
		assert_int_equal(device.printed, 0);
		idle_check();
	}
}

/* It acts at every barrier and register, so it sees stores as early as it may. */
static void truth_of_a_hasty_device(void **state)
{
	for (unsigned int how = 0; how < 4; how++) {
		start(*state);
		device.legacy = how & 1;
		device.early = how & 2;
		device.choose = eager;
		find();
		for (uint32_t i = 0; i < 300; i++) {
			struct ride *ride = &rides[i % RIDES];

			assert_int_equal(ride_start(ride, K_MEM_IO_WRITE, i % SLOTS, 1),
					 K_MEM_IO_TAKEN);
			poll();
			assert_int_equal(ride->status, 0);
			assert_int_equal(under_way(), 0);
		}
		assert_int_equal(device.printed, 0);
	}
}

/* What ends between the reading of the interrupt's reason and its being told of is not lost. */
static void interrupt_is_not_lost(void **state)
{
	start(*state);
	device.late_ack = true;
	find();
	assert_int_equal(ride_start(&rides[0], K_MEM_IO_WRITE, 0, 1), K_MEM_IO_TAKEN);
	assert_int_equal(ride_start(&rides[1], K_MEM_IO_WRITE, 1, 1), K_MEM_IO_TAKEN);
	assert_true(device_step());
	device_interrupt();
	assert_int_equal(rides[0].ended, 1);
	assert_int_equal(rides[1].ended, 1);
}

static void errors_of_the_disk_are_local(void **state)
{
	start(*state);
	find();
	for (int status = 1; status <= 2; status++) {
		device.status = status;
		assert_int_equal(ride_start(&rides[0], K_MEM_IO_READ, 0, 1), K_MEM_IO_TAKEN);
		device_run();
		poll();
		assert_int_equal(rides[0].status, -EIO);
	}
	device.status = 0;
	write_and_read();
	assert_int_equal(device.printed, 0);
}

static void beyond_the_end(void **state)
{
	start(*state);
	find();
	assert_int_equal(ride_start(&rides[0], K_MEM_IO_READ, SLOTS - 1, 2), -EIO);
	assert_int_equal(ride_start(&rides[0], K_MEM_IO_READ, SLOTS, 1), -EIO);
	assert_int_equal(ride_start(&rides[0], K_MEM_IO_READ, UINT32_MAX, 4), -EIO);
	assert_int_equal(device.notified, 1); /* for its name */
}

/* ---- lies ------------------------------------------------------------------------- */

/* `before` requests end well, then one by the lie, with another one or two under way. */
static void lie_once(enum device_lie lie, bool legacy, bool by_interrupt, uint32_t before)
{
	start(NULL);
	device.legacy = legacy;
	find();
	for (uint32_t i = 0; i < before; i++) {
		assert_int_equal(ride_start(&rides[i % RIDES], K_MEM_IO_WRITE, i % SLOTS, 1),
				 K_MEM_IO_TAKEN);
		device_run();
		poll();
	}
	device.lie = lie;
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(ride_start(&rides[i], K_MEM_IO_READ, i * 4, 1 + i),
				 K_MEM_IO_TAKEN);
	}
	assert_true(device_step());
	assert_int_equal(device.lies_told, 1);
	if (by_interrupt) {
		device_interrupt();
	} else {
		poll();
	}
}

static void given_up(void **state)
{
	static const struct {
		enum device_lie lie;
		const char *why;
	} lies[] = {
		{DEVICE_STATUS_MISSING, "without a status"},
		{DEVICE_STATUS_UNKNOWN, "without a status"},
		{DEVICE_ID_BEYOND, "not in flight"},
		{DEVICE_ID_WIDE, "not in flight"},
		{DEVICE_ID_FREE, "not in flight"},
		{DEVICE_ID_INNER, "not in flight"},
		{DEVICE_LENGTH_LONG, "more was written"},
		{DEVICE_LENGTH_SHORT, "less was written"},
		{DEVICE_INDEX_JUMPS, "index"},
		{DEVICE_INDEX_BACK, "index"},
		{DEVICE_TWICE, "not in flight"},
	};

	(void)state;
	for (unsigned int i = 0; i < COUNT(lies) * 4; i++) {
		/* all records were used before, and well: what is in them looks good */
		for (uint32_t before = 0; before <= 140; before += 70) {
			bool twice = lies[i / 4].lie == DEVICE_TWICE;

			lie_once(lies[i / 4].lie, i & 1, i & 2, before);
			assert_int_equal(rides[0].status, twice ? 0 : -EIO);
			assert_int_equal(rides[1].status, -EIO);
			assert_int_equal(rides[2].status, -EIO);
			given_up_check();
			assert_non_null(strstr(device.why, lies[i / 4].why));
		}
	}
}

static void given_up_when_polled(void **state)
{
	static const enum device_lie lies[] = {DEVICE_NEVER, DEVICE_NEEDS_RESET, DEVICE_FORGETS};

	(void)state;
	for (unsigned int i = 0; i < COUNT(lies) * 2; i++) {
		lie_once(lies[i / 2], i & 1, false, 3);
		if (lies[i / 2] == DEVICE_NEVER) {
			assert_int_equal(under_way(), 3);
			poll_until_given_up();
		} /* else one look at its status was enough */
		given_up_check();
	}
}

/* Nobody polls: the interrupt by which a device says that it needs a reset ends what sleeps. */
static void given_up_when_it_interrupts(void **state)
{
	static const enum device_lie lies[] = {DEVICE_NEEDS_RESET, DEVICE_FORGETS};

	(void)state;
	for (unsigned int i = 0; i < COUNT(lies) * 2; i++) {
		lie_once(lies[i / 2], i & 1, true, 3);
		assert_int_equal(under_way(), 3);
		device.interrupts |= DEVICE_CONFIG_CHANGED;
		device_interrupt();
		given_up_check();
	}
}

/* A change of what it can do is no lie. */
static void change_of_configuration_is_no_lie(void **state)
{
	start(*state);
	find();
	device.interrupts |= DEVICE_CONFIG_CHANGED;
	device_interrupt();
	write_and_read();
	assert_int_equal(device.printed, 0);
}

static void never_in_the_middle_of_others(void **state)
{
	(void)state;
	lie_once(DEVICE_NEVER, false, false, 0);
	for (uint32_t i = 0; i < 200; i++) {
		device_run();
		poll();
		assert_int_equal(ride_start(&rides[3], K_MEM_IO_WRITE, 40, 2), K_MEM_IO_TAKEN);
	}
	assert_true(rides[0].under_way);
	poll_until_given_up();
	given_up_check();
}

static jmp_buf panicked;

static void on_panic(const char *what)
{
	(void)what;
	longjmp(panicked, 1);
}

/* It lied, and goes on after it was told to stop: nothing is let go of. */
static void one_that_cannot_be_stopped(void **state)
{
	start(*state);
	find();
	device.unstoppable = true;
	device.lie = DEVICE_STATUS_MISSING;
	device_on_panic = on_panic;
	assert_int_equal(ride_start(&rides[0], K_MEM_IO_READ, 0, 1), K_MEM_IO_TAKEN);
	device_run();
	if (setjmp(panicked) == 0) {
		poll();
	}
	assert_int_equal(device.panicked, 1);
	assert_int_equal(rides[0].ended, 0);
}

/* ---- a bad start ------------------------------------------------------------------ */

static void bad_from_the_start(void **state)
{
	for (unsigned int fault = DEVICE_SOUND + 1; fault < DEVICE_FAULTS; fault++) {
		for (unsigned int legacy = 0; legacy < 2; legacy++) {
			if (legacy && fault == DEVICE_FEATURES) {
				continue; /* it has no way to say so */
			}
			start(*state);
			device.legacy = legacy;
			device.fault = fault;
			device.choose = eager;
			disk_find_all();
			assert_int_equal(disk_find("swap"), -1);
			assert_int_equal(device.panicked, 0);
			assert_false(device.running);
		}
	}
}

static void name_that_cannot_be_printed(void **state)
{
	start(*state);
	device.serial = "swap\033[2J";
	find();
	start(*state);
	device.serial = "a-name-of-twenty-byt";
	device.choose = eager;
	disk_find_all();
	assert_int_equal(disk_find("a-name-of-twenty-byt"), 0);
}

/* ---- anything --------------------------------------------------------------------- */

static uint32_t last_slot;

static void random_start_one(void)
{
	struct ride *ride = &rides[random_below(RIDES)];
	uint32_t pages = 1 + random_below(RIDE_PAGES);
	uint32_t slot = random_below(SLOTS - RIDE_PAGES);
	int status;

	for (uint32_t i = 0; i < RIDES; i++) { /* one transfer of a slot at a time */
		if (rides[i].under_way && rides[i].io.slot < slot + pages &&
		    slot < rides[i].io.slot + rides[i].io.page_count) {
			return;
		}
	}
	if (ride->under_way) {
		return;
	}
	last_slot = slot;
	status = ride_start(ride, random_below(2) ? K_MEM_IO_READ : K_MEM_IO_WRITE, slot, pages);
	assert_true(status == K_MEM_IO_TAKEN || status == K_MEM_IO_FULL || status == -EIO);
	assert_true(status != -EIO || !device.running);
}

static void random_round(void)
{
	enum device_lie lie;

	start(NULL);
	device.legacy = random_below(2);
	device.early = random_below(2);
	device.backwards = random_below(2);
	device.late_ack = random_below(2);
	device.choose = random_below;
	find();
	lie = random_below(4) ? random_below(DEVICE_LIES) : DEVICE_TRUTH;
	for (unsigned int i = 0; i < 400; i++) {
		switch (random_below(5)) {
		case 0:
			(void)device_step();
			break;
		case 1:
			poll();
			break;
		case 2:
			device_interrupt();
			break;
		default:
			random_start_one();
		}
		if (i == 100) {
			device.lie = lie;
		}
	}
	device.choose = NULL;
	device_run();
	poll_until_given_up();
	assert_int_equal(under_way(), 0);
	assert_int_equal(device.printed, device.lies_told > 0);
	assert_int_equal(device.running, device.printed == 0);
	idle_check();
}

static void random_lies(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 400; i++) {
		random_round();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(truth),
		cmocka_unit_test(truth_of_a_hasty_device),
		cmocka_unit_test(interrupt_is_not_lost),
		cmocka_unit_test(errors_of_the_disk_are_local),
		cmocka_unit_test(beyond_the_end),
		cmocka_unit_test(given_up),
		cmocka_unit_test(given_up_when_polled),
		cmocka_unit_test(given_up_when_it_interrupts),
		cmocka_unit_test(change_of_configuration_is_no_lie),
		cmocka_unit_test(never_in_the_middle_of_others),
		cmocka_unit_test(one_that_cannot_be_stopped),
		cmocka_unit_test(bad_from_the_start),
		cmocka_unit_test(name_that_cannot_be_printed),
		cmocka_unit_test(random_lies),
	};

	random_start();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
