/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_firmware_host.c - the firmware as a program of the host: prints the digest that the
 * machine must arrive at.
 */
#include <inttypes.h>
#include <stdio.h>

#include "apps/firmware/firmware.h"

int main(void)
{
	uint64_t state = FIRMWARE_STATE;

	for (uint32_t phase = 0; phase < FIRMWARE_PHASES; phase++)
		state = firmware_phase(state, phase);
	printf("%" PRIu64 "\n", state);
	return 0;
}
