/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.c - the core's own calls, on the emulated machine, against the naive model: the round of
 * tests/core/test_model.c, whose random numbers are the input's bytes. What is looked for is not
 * what is likely but what reaches something new.
 */
#include "fuzz.h"

#define RANDOM_BELOW_OWN
static uint32_t random_below(uint32_t below);
#include "tests/unit/parts_help.h"

static struct fuzz_bytes input;

static uint32_t random_below(uint32_t below)
{
	uint32_t number = (uint32_t)fuzz_number(&input, below <= 256 ? 1 : 2) % below;

	random_state = (random_state + number + 1) * 0x9e3779b97f4a7c15u;
	return number;
}

int model_main(void);
#define main model_main
#include "tests/core/test_model.c"
#undef main

#define OPS_MAX 400u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rig_counts before;

	input = (struct fuzz_bytes){data, size};
	random_state = 1;
	run.op = 0;
	run.round++;
	round_start();
	/* the other CPU of the test goes by numbers of its own: not the same each time */
	emu_publish_hook = NULL;
	before = rig_counts();
	for (unsigned int i = 0; input.size > 0 && i < OPS_MAX; i++) {
		if (i % 64 == 0)
			stores_shuffle();
		operate();
	}
	round_end(before);
	return 0;
}
