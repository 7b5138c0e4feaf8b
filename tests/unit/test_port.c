/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_port.c - the strict port: each misuse is caught, right use is not, sleeping makes
 * progress.
 */
#include <port/strict/strict.h>

#include "parts_help.h"

static int setup(void **state)
{
	(void)state;
	strict_reset();
	return 0;
}

static int channel, other_channel;

/* ---- locks --------------------------------------------------------------------------- */

static void right_use(void **state)
{
	qr_port_key_t outer, inner;

	(void)state;
	assert_true(qr_port_can_sleep());
	outer = qr_port_irq_lock();
	assert_false(qr_port_can_sleep());
	assert_int_equal(qr_port_context(), QR_PORT_IRQ_LOCKED);
	inner = qr_port_lock();
	assert_true(strict_locked());
	qr_port_wakeup(&channel);
	qr_port_unlock(inner);
	inner = qr_port_irq_lock();
	qr_port_irq_unlock(inner);
	qr_port_irq_unlock(outer);
	assert_int_equal(qr_port_context(), QR_PORT_THREAD);
	assert_int_equal(strict_counts()->locks, 1);
	assert_int_equal(strict_counts()->irq_locks, 2);
	assert_int_equal(strict_counts()->wakeups, 1);
	assert_int_equal(strict_counts()->depth_max, 2);
}

static void lock_twice(void **state)
{
	(void)state;
	(void)qr_port_lock();
	STRICT_CATCH((void)qr_port_lock());
	assert_string_equal(strict_caught(), "the mm lock is taken twice");
}

static void unlock_without_lock(void **state)
{
	(void)state;
	STRICT_CATCH(qr_port_unlock(0));
	assert_string_equal(strict_caught(), "the mm lock is released but not held");
}

static void unlock_with_a_wrong_key(void **state)
{
	qr_port_key_t key = qr_port_lock();

	(void)state;
	qr_port_unlock(key);
	(void)qr_port_lock();
	STRICT_CATCH(qr_port_unlock(key)); /* the key of the last time */
	assert_string_equal(strict_caught(),
			    "the mm lock is released with a wrong key or out of order");
}

static void irq_unlock_with_a_wrong_key(void **state)
{
	qr_port_key_t key = qr_port_irq_lock();

	(void)state;
	STRICT_CATCH(qr_port_irq_unlock(key + 1));
	assert_string_equal(strict_caught(),
			    "interrupts are unmasked with a wrong key or out of order");
}

static void irq_unlock_out_of_order(void **state)
{
	qr_port_key_t key = qr_port_irq_lock();

	(void)state;
	(void)qr_port_lock();
	STRICT_CATCH(qr_port_irq_unlock(key));
	assert_string_equal(strict_caught(),
			    "interrupts are unmasked with a wrong key or out of order");
}

static void irq_unlock_without_lock(void **state)
{
	(void)state;
	STRICT_CATCH(qr_port_irq_unlock(0));
	assert_non_null(strict_caught());
}

static void copy_under_the_lock(void **state)
{
	(void)state;
	(void)qr_port_lock();
	STRICT_CATCH((void)qr_port_irq_lock());
	assert_string_equal(strict_caught(), "a page is copied under the mm lock");
}

static void nested_too_deeply(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		(void)qr_port_irq_lock();
	}
	STRICT_CATCH((void)qr_port_irq_lock());
	assert_string_equal(strict_caught(), "locks and masks are nested too deeply");
}

/* ---- between two holds ----------------------------------------------------------------- */

static unsigned int between_count;

static void take_the_lock_between(void)
{
	assert_false(strict_locked());
	between_count++;
	qr_port_unlock(qr_port_lock());
}

static void hook_runs_between_two_holds(void **state)
{
	qr_port_key_t key;

	(void)state;
	between_count = 0;
	strict_between_set(take_the_lock_between);
	key = qr_port_lock();
	assert_int_equal(between_count, 1);
	qr_port_unlock(key);
	assert_int_equal(between_count, 2);
	/* not where interrupts are masked */
	key = qr_port_irq_lock();
	qr_port_unlock(qr_port_lock());
	qr_port_irq_unlock(key);
	assert_int_equal(between_count, 2);
	strict_between_set(NULL);
	qr_port_unlock(qr_port_lock());
	assert_int_equal(between_count, 2);
}

/* ---- sleeping ------------------------------------------------------------------------ */

static const char sleep_not_allowed[] = "a sleep where sleeping is not allowed";

static void sleep_without_lock(void **state)
{
	(void)state;
	STRICT_CATCH((void)qr_port_sleep(&channel, 0));
	assert_string_equal(strict_caught(), "a sleep without the mm lock");
}

static void sleep_with_a_wrong_key(void **state)
{
	qr_port_key_t key = qr_port_lock();

	(void)state;
	STRICT_CATCH((void)qr_port_sleep(&channel, key - 1));
	assert_string_equal(strict_caught(), "a sleep with a wrong key");
}

static void sleep_with_interrupts_masked(void **state)
{
	qr_port_key_t key;

	(void)state;
	(void)qr_port_irq_lock();
	key = qr_port_lock();
	STRICT_CATCH((void)qr_port_sleep(&channel, key));
	assert_string_equal(strict_caught(), sleep_not_allowed);
}

static void sleep_in_an_interrupt_handler(void **state)
{
	qr_port_key_t key;

	(void)state;
	strict_context_set(QR_PORT_ISR);
	assert_int_equal(qr_port_context(), QR_PORT_ISR);
	assert_false(qr_port_can_sleep());
	key = qr_port_lock();
	STRICT_CATCH((void)qr_port_sleep(&channel, key));
	assert_string_equal(strict_caught(), sleep_not_allowed);
}

static void sleep_in_a_thread_that_masks(void **state)
{
	qr_port_key_t key;

	(void)state;
	strict_context_set(QR_PORT_IRQ_LOCKED);
	assert_false(qr_port_can_sleep());
	key = qr_port_lock();
	STRICT_CATCH((void)qr_port_sleep(&channel, key));
	assert_string_equal(strict_caught(), sleep_not_allowed);
}

static void sleep_with_the_scheduler_locked(void **state)
{
	qr_port_key_t key;

	(void)state;
	strict_sleep_allow(false);
	assert_false(qr_port_can_sleep());
	key = qr_port_lock();
	STRICT_CATCH((void)qr_port_sleep(&channel, key));
	assert_string_equal(strict_caught(), sleep_not_allowed);
}

static void sleep_on_no_channel(void **state)
{
	qr_port_key_t key = qr_port_lock();

	(void)state;
	STRICT_CATCH((void)qr_port_sleep(NULL, key));
	assert_string_equal(strict_caught(), "a sleep on no channel");
}

static void wakeup_without_lock(void **state)
{
	(void)state;
	STRICT_CATCH(qr_port_wakeup(&channel));
	assert_string_equal(strict_caught(), "a wakeup without the mm lock");
}

static const char deadlock[] = "deadlock: nothing wakes the sleeping thread";

static void sleep_for_ever(void **state)
{
	qr_port_key_t key = qr_port_lock();

	(void)state;
	STRICT_CATCH((void)qr_port_sleep(&channel, key));
	assert_string_equal(strict_caught(), deadlock);
}

static void wake(const void *whom)
{
	qr_port_key_t key = qr_port_lock();

	qr_port_wakeup(whom);
	qr_port_unlock(key);
}

/* ---- progress ------------------------------------------------------------------------ */

static unsigned int rounds;

static bool wake_in_round_three(void *argument)
{
	assert_false(strict_locked());
	if (++rounds == 3) {
		wake(argument);
	}
	return false;
}

static void woken_by_the_hook(void **state)
{
	qr_port_key_t key = qr_port_lock();

	(void)state;
	rounds = 0;
	strict_progress_set(wake_in_round_three, &channel);
	key = qr_port_sleep(&channel, key);
	assert_int_equal(rounds, 3);
	qr_port_unlock(key);
}

/* A wakeup of somebody else is not ours. */
static void woken_on_another_channel(void **state)
{
	qr_port_key_t key = qr_port_lock();

	(void)state;
	rounds = 0;
	strict_progress_set(wake_in_round_three, &other_channel);
	STRICT_CATCH((void)qr_port_sleep(&channel, key));
	assert_string_equal(strict_caught(), deadlock);
}

static void poll_wakes(void *context)
{
	wake(context);
}

/* Another thread, played by the hook, sleeps too; polling the store wakes it. */
static bool sleep_in_the_hook(void *argument)
{
	qr_port_key_t key = qr_port_lock();

	key = qr_port_sleep(&other_channel, key);
	qr_port_wakeup(argument);
	qr_port_unlock(key);
	return true;
}

static void sleep_inside_a_sleep(void **state)
{
	static const struct k_mem_store_ops ops = {.poll = poll_wakes};
	struct k_mem_store store = {.ops = &ops, .context = &other_channel};
	qr_port_key_t key;

	(void)state;
	strict_poll_add(&store);
	strict_progress_set(sleep_in_the_hook, &channel);
	key = qr_port_lock();
	key = qr_port_sleep(&channel, key);
	qr_port_unlock(key);
	assert_int_equal(strict_counts()->sleeps, 2);
}

static bool hook_forgets_the_lock(void *argument)
{
	(void)argument;
	(void)qr_port_lock();
	return true;
}

static void lock_left_held(void **state)
{
	qr_port_key_t key = qr_port_lock();

	(void)state;
	strict_progress_set(hook_forgets_the_lock, NULL);
	STRICT_CATCH((void)qr_port_sleep(&channel, key));
	assert_string_equal(strict_caught(), "the progress hook left something held");
}

/* quire/port.h allows a sleep to end for no reason. */
static void woken_early(void **state)
{
	qr_port_key_t key = qr_port_lock();

	(void)state;
	rounds = 0;
	strict_progress_set(wake_in_round_three, &channel);
	strict_wake_early_set(2);
	key = qr_port_sleep(&channel, key);
	assert_int_equal(rounds, 3);
	key = qr_port_sleep(&channel, key);
	assert_int_equal(rounds, 3);
	qr_port_unlock(key);
}

/* ---- the rest ------------------------------------------------------------------------ */

static void printing_and_time(void **state)
{
	uint32_t time = qr_port_cycles();

	(void)state;
	assert_true(qr_port_cycles() > time);
	strict_cycles_add(5000);
	assert_true(qr_port_cycles() > time + 5000);
	qr_port_print("one ");
	qr_port_print("two\n");
	assert_string_equal(strict_printed(), "one two\n");
	for (unsigned int i = 0; i < 10000; i++) {
		qr_port_print("ten bytes.");
	}
	assert_int_equal(strlen(strict_printed()), 16383);
}

static void thread_statistics(void **state)
{
	struct k_mem_paging_stats_t stats;

	(void)state;
	assert_non_null(qr_port_thread_stats(NULL));
	assert_ptr_equal(qr_port_thread_stats(&stats), &stats);
	strict_thread_stats_set(&stats);
	assert_ptr_equal(qr_port_thread_stats(NULL), &stats);
	strict_thread_stats_set(NULL);
	assert_null(qr_port_thread_stats(NULL));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(right_use),
		TEST(lock_twice),
		TEST(unlock_without_lock),
		TEST(unlock_with_a_wrong_key),
		TEST(irq_unlock_with_a_wrong_key),
		TEST(irq_unlock_out_of_order),
		TEST(irq_unlock_without_lock),
		TEST(copy_under_the_lock),
		TEST(nested_too_deeply),
		TEST(hook_runs_between_two_holds),
		TEST(sleep_without_lock),
		TEST(sleep_with_a_wrong_key),
		TEST(sleep_with_interrupts_masked),
		TEST(sleep_in_an_interrupt_handler),
		TEST(sleep_in_a_thread_that_masks),
		TEST(sleep_with_the_scheduler_locked),
		TEST(sleep_on_no_channel),
		TEST(wakeup_without_lock),
		TEST(sleep_for_ever),
		TEST(woken_by_the_hook),
		TEST(woken_on_another_channel),
		TEST(sleep_inside_a_sleep),
		TEST(lock_left_held),
		TEST(woken_early),
		TEST(printing_and_time),
		TEST(thread_statistics),
	};

	return cmocka_run_group_tests_name("strict port", tests, NULL, NULL);
}
