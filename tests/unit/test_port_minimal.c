/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_port_minimal.c - the four-function profile: this file gives what a host kernel gives,
 * and looks at what port/minimal makes of it.
 */
#include <quire/port.h>

#include "parts_help.h"

static qr_port_key_t given;
static unsigned int held;
static jmp_buf panicked;

qr_port_key_t qr_port_lock(void)
{
	assert_int_equal(held, 0);
	held++;
	return ++given;
}

void qr_port_unlock(qr_port_key_t key)
{
	assert_int_equal(held, 1);
	assert_int_equal(key, given);
	held--;
}

void qr_port_panic(const char *what)
{
	(void)what;
	longjmp(panicked, 1);
}

void qr_port_print(const char *text)
{
	(void)text;
}

static void masking_is_locking(void **state)
{
	qr_port_key_t key = qr_port_irq_lock();

	(void)state;
	assert_int_equal(held, 1);
	qr_port_irq_unlock(key);
	assert_int_equal(held, 0);
}

static void nothing_sleeps(void **state)
{
	qr_port_key_t key;

	(void)state;
	assert_false(qr_port_can_sleep());
	key = qr_port_lock();
	qr_port_wakeup(&held);
	if (setjmp(panicked) == 0) {
		(void)qr_port_sleep(&held, key);
		fail_msg("slept");
	}
	qr_port_unlock(given);
}

static void nothing_is_known(void **state)
{
	(void)state;
	assert_int_equal(qr_port_context(), QR_PORT_THREAD);
	assert_int_equal(qr_port_cycles(), 0);
	assert_null(qr_port_thread_stats(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(masking_is_locking),
		cmocka_unit_test(nothing_sleeps),
		cmocka_unit_test(nothing_is_known),
	};

	return cmocka_run_group_tests_name("minimal port", tests, NULL, NULL);
}
