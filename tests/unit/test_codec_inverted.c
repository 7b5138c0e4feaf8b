/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_codec_inverted.c - x86_64's tokens against L1TF (CVE-2018-3620): a load may speculate
 * past a clear P bit, with the address bits as they are. No token may name an address that
 * cacheable memory can have: the topmost address bits are all set, whatever the token, and
 * the token's own bits are there inverted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "entry.h"

QR_NORETURN void qr_port_panic(const char *what)
{
	fail_msg("panic: %s", what);
	__builtin_trap();
}

static void check(uint32_t token, unsigned int rights)
{
	const qr_entry_t entry = entry_encode(
		(struct qr_view){
			.kind = QR_TOKEN,
			.token = token,
			.write = rights & 1,
			.exec = rights & 2,
			.user = rights & 4,
			.last = rights & 8,
		},
		0);

	assert_int_equal(entry & 1, 0);
	assert_int_equal(entry >> 44 & 0xff, 0xff);
	assert_int_equal((uint32_t)(entry >> 12), (uint32_t)~token);
}

static void test_tokens_name_no_memory(void **state)
{
	(void)state;
	for (unsigned int rights = 0; rights < 16; rights++) {
		check(0, rights);
		check(UINT32_MAX, rights);
		for (unsigned int bit = 0; bit < 32; bit++) {
			check((uint32_t)1 << bit, rights);
			check(~((uint32_t)1 << bit), rights);
		}
		for (uint32_t i = 0; i < 1000; i++) {
			check(i * 0x9e3779b1u, rights);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_tokens_name_no_memory)};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("codec_inverted", tests, NULL, NULL);
}
