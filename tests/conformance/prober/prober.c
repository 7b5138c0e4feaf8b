/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prober.c - user mode's side of the conformance suite: one access (prober.h).
 */
#include "apps/user/user.h"
#include "tests/conformance/prober.h"

static void access_try(void *argument)
{
	struct probe *probe = argument;
	volatile uint64_t *word = (volatile uint64_t *)(uintptr_t)probe->address;

	switch (probe->kind) {
	case PROBE_READ:
		probe->word = *word;
		break;
	case PROBE_WRITE:
		*word = probe->word;
		break;
	default:
		((void (*)(void))(uintptr_t)probe->address)();
	}
}

int user_main(uintptr_t argument)
{
	struct probe probe;
	int status;

	(void)argument;
	if (user_call(PROBE_GET, (uintptr_t)&probe, 0, 0, 0) != 0) {
		return 1;
	}
	status = user_try(access_try, &probe);
	(void)user_call(PROBE_DONE, (uintptr_t)status, probe.word, 0, 0);
	return 0;
}
