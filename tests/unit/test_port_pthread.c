/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_port_pthread.c - the port over POSIX threads, with ThreadSanitizer: exclusion, wakeups
 * that are not lost and come in order of priority, interrupt handlers, and the turns that
 * threads take at a plug-in that sleeps. Threads report through variables; only the first
 * thread asserts.
 */
#define _POSIX_C_SOURCE 200809L /* nanosleep */

#include <pthread.h>
#include <time.h>

#include <quire/zephyr_store.h>
#include <port/pthread/pthread_port.h>

#include "fake_memory.h"
#include "parts_help.h"

#define THREADS 4u

static void let_time_pass(long nanoseconds)
{
	const struct timespec time = {.tv_nsec = nanoseconds};

	nanosleep(&time, NULL);
}

static void run_threads(unsigned int count, void *(*entry)(void *), void *arguments, size_t size)
{
	pthread_t threads[16];

	assert_true(count <= COUNT(threads));
	for (unsigned int i = 0; i < count; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, entry,
						(char *)arguments + i * size), 0);
	}
	for (unsigned int i = 0; i < count; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	}
}

/* ---- exclusion ----------------------------------------------------------------------- */

static unsigned long counter;

/* Plain increments, some under the lock, some with interrupts masked, some with both. */
static void *count_up(void *argument)
{
	(void)argument;
	for (unsigned int i = 0; i < 6000; i++) {
		qr_port_key_t outer = 0, key;

		if (i % 3 == 0) {
			outer = qr_port_irq_lock();
		}
		key = i % 3 == 1 ? qr_port_irq_lock() : qr_port_lock();
		counter++;
		if (i % 3 == 1) {
			qr_port_irq_unlock(key);
		} else {
			qr_port_unlock(key);
		}
		if (i % 3 == 0) {
			qr_port_irq_unlock(outer);
		}
	}
	return NULL;
}

static void exclusion(void **state)
{
	char unused[THREADS];

	(void)state;
	counter = 0;
	run_threads(THREADS, count_up, unused, 1);
	assert_int_equal(counter, THREADS * 6000);
}

/* ---- waking -------------------------------------------------------------------------- */

static unsigned int turn;
static int turn_channel[THREADS];

/* Threads take turns: each wakes the next and sleeps. One lost wakeup stops all. */
static void *take_turns(void *argument)
{
	unsigned int self = *(unsigned int *)argument;
	qr_port_key_t key = qr_port_lock();

	for (unsigned int i = 0; i < 3000; i++) {
		while (turn != self) {
			key = qr_port_sleep(&turn_channel[self], key);
		}
		turn = (turn + 1) % THREADS;
		qr_port_wakeup(&turn_channel[turn]);
	}
	qr_port_unlock(key);
	return NULL;
}

static void no_wakeup_is_lost(void **state)
{
	unsigned int numbers[THREADS];

	(void)state;
	for (unsigned int i = 0; i < THREADS; i++) {
		numbers[i] = i;
	}
	turn = 0;
	run_threads(THREADS, take_turns, numbers, sizeof(numbers[0]));
	assert_int_equal(turn, 0);
}

#define SLEEPERS 8u

static struct {
	struct port_thread thread[SLEEPERS];
	unsigned int asleep;
	unsigned int order[SLEEPERS]; /* priorities, as they went on */
	unsigned int order_count;
	int channel;
	int other_channels[1000]; /* some share a bucket with it */
} queue;

static void *sleep_with_priority(void *argument)
{
	struct port_thread *self = argument;
	qr_port_key_t key;

	port_thread_enter(self);
	key = qr_port_lock();
	queue.asleep++;
	key = qr_port_sleep(&queue.channel, key);
	queue.order[queue.order_count++] = self->priority;
	qr_port_unlock(key);
	return NULL;
}

static void wait_for_sleepers(void)
{
	unsigned int asleep = 0;

	while (asleep < SLEEPERS) {
		qr_port_key_t key = qr_port_lock();

		asleep = queue.asleep;
		qr_port_unlock(key);
		let_time_pass(100000);
	}
}

static void order_of_priority(void **state)
{
	static const unsigned int priorities[SLEEPERS] = {9, 3, 7, 3, 30, 0, 12, 1};
	pthread_t threads[SLEEPERS];
	qr_port_key_t key;

	(void)state;
	for (unsigned int round = 0; round < 20; round++) {
		memset(&queue, 0, sizeof(queue));
		for (unsigned int i = 0; i < SLEEPERS; i++) {
			queue.thread[i].priority = priorities[i];
			assert_int_equal(pthread_create(&threads[i], NULL, sleep_with_priority,
							&queue.thread[i]), 0);
		}
		wait_for_sleepers();
		key = qr_port_lock();
		for (size_t i = 0; i < COUNT(queue.other_channels); i++) {
			qr_port_wakeup(&queue.other_channels[i]);
		}
		qr_port_unlock(key);
		let_time_pass(100000);
		key = qr_port_lock();
		assert_int_equal(queue.order_count, 0);
		qr_port_wakeup(&queue.channel);
		qr_port_unlock(key);
		for (unsigned int i = 0; i < SLEEPERS; i++) {
			assert_int_equal(pthread_join(threads[i], NULL), 0);
		}
		for (unsigned int i = 1; i < SLEEPERS; i++) {
			assert_true(queue.order[i - 1] <= queue.order[i]);
		}
	}
}

/* ---- interrupts, statistics ---------------------------------------------------------- */

static struct {
	enum qr_port_context context;
	bool could_sleep;
	bool rang;
} bell;

static void ring(void *argument)
{
	qr_port_key_t key = qr_port_lock();

	bell.context = qr_port_context();
	bell.could_sleep = qr_port_can_sleep();
	bell.rang = true;
	qr_port_wakeup(argument);
	qr_port_unlock(key);
}

static void *ring_later(void *argument)
{
	let_time_pass(1000000);
	port_interrupt(ring, argument);
	return NULL;
}

static void interrupts(void **state)
{
	pthread_t device;
	qr_port_key_t key;

	(void)state;
	assert_true(qr_port_can_sleep());
	assert_int_equal(qr_port_context(), QR_PORT_THREAD);
	assert_int_equal(pthread_create(&device, NULL, ring_later, &bell), 0);
	key = qr_port_lock();
	assert_false(qr_port_can_sleep());
	assert_int_equal(qr_port_context(), QR_PORT_IRQ_LOCKED);
	while (!bell.rang) {
		key = qr_port_sleep(&bell, key);
	}
	qr_port_unlock(key);
	assert_int_equal(pthread_join(device, NULL), 0);
	assert_int_equal(bell.context, QR_PORT_ISR);
	assert_false(bell.could_sleep);
	port_interrupt(ring, &bell);
	assert_true(qr_port_can_sleep());
	assert_int_equal(qr_port_context(), QR_PORT_THREAD);
}

static void statistics(void **state)
{
	struct port_thread self = {.priority = 1}, other = {.priority = 2};

	(void)state;
	assert_null(qr_port_thread_stats(NULL));
	port_thread_enter(&self);
	assert_ptr_equal(qr_port_thread_stats(NULL), &self.stats);
	assert_ptr_equal(qr_port_thread_stats(&other), &other.stats);
	port_thread_enter(NULL);
	assert_null(qr_port_thread_stats(NULL));
}

/* ---- turns at a plug-in that sleeps -------------------------------------------------- */

#define PAGE CONFIG_MMU_PAGE_SIZE

static void *scratch;
static uint8_t stored[THREADS][PAGE];
static unsigned int inside, inside_max; /* not guarded by anything but the turns */

static int plugin_get(struct k_mem_page_frame *pf, uintptr_t *location, bool page_fault)
{
	(void)page_fault;
	*location = (pf->va_and_flags - (uintptr_t)CONFIG_KERNEL_VM_BASE) / PAGE;
	return 0;
}

static void plugin_free(uintptr_t location)
{
	(void)location;
}

static void plugin_copy(void *to, const void *from)
{
	inside++;
	inside_max = inside > inside_max ? inside : inside_max;
	let_time_pass(10000);
	memcpy(to, from, PAGE);
	inside--;
}

static void plugin_out(uintptr_t location)
{
	plugin_copy(stored[location], scratch);
}

static void plugin_in(uintptr_t location)
{
	plugin_copy(scratch, stored[location]);
}

static const struct k_mem_zephyr_plugin plugin = {
	.location_get = plugin_get,
	.location_free = plugin_free,
	.page_out = plugin_out,
	.page_in = plugin_in,
	.scratch_page = &scratch,
};

static struct k_mem_store store;

struct pager {
	uint32_t number;
	unsigned int wrong;
};

/* Write a page and read it back, again and again, with a slot and two frames of one's own. */
static void *page_out_and_in(void *argument)
{
	struct pager *self = argument;
	uintptr_t frames[2] = {fake_phys(2 * self->number), fake_phys(2 * self->number + 1)};
	struct k_mem_io io = {.slot = self->number, .page_count = 1};
	const uint8_t *back = fake_memory[2 * self->number + 1];

	for (unsigned int i = 1; i <= 100; i++) {
		uint8_t stamp = (uint8_t)(i * THREADS + self->number);

		memset(fake_memory[2 * self->number], stamp, PAGE);
		io.op = K_MEM_IO_WRITE;
		io.frames = &frames[0];
		self->wrong += store.ops->submit(store.context, &io) != 0;
		io.op = K_MEM_IO_READ;
		io.frames = &frames[1];
		self->wrong += store.ops->submit(store.context, &io) != 0;
		self->wrong += back[0] != stamp || back[PAGE - 1] != stamp;
	}
	return NULL;
}

static void turns_at_a_plugin(void **state)
{
	static uint64_t words[K_MEM_SLOT_MAP_WORDS(THREADS)];
	static uintptr_t locations[THREADS];
	static uint8_t bounce[PAGE];
	static struct k_mem_zephyr_store zephyr = {
		.plugin = &plugin,
		.slot_count = THREADS,
		.words = words,
		.locations = locations,
		.bounce = bounce,
	};
	struct pager pagers[THREADS] = {0};

	(void)state;
	assert_int_equal(k_mem_zephyr_store_init(&store, &zephyr), 0);
	for (uint32_t i = 0; i < THREADS; i++) {
		qr_port_key_t key = qr_port_lock();

		assert_int_equal(store.ops->reserve(store.context, &pagers[i].number), 0);
		qr_port_unlock(key);
	}
	run_threads(THREADS, page_out_and_in, pagers, sizeof(pagers[0]));
	for (uint32_t i = 0; i < THREADS; i++) {
		assert_int_equal(pagers[i].wrong, 0);
	}
	assert_int_equal(inside_max, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exclusion),
		cmocka_unit_test(no_wakeup_is_lost),
		cmocka_unit_test(order_of_priority),
		cmocka_unit_test(interrupts),
		cmocka_unit_test(statistics),
		cmocka_unit_test(turns_at_a_plugin),
	};

	return cmocka_run_group_tests_name("pthread port", tests, NULL, NULL);
}
