/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver.c - the resident part of the firmware: what to call next. Compiled for the
 * host too.
 */
#include "firmware.h"

uint64_t firmware_phase(uint64_t state, uint32_t phase)
{
	uint32_t number = phase < firmware_module_count
				  ? phase
				  : (uint32_t)((state >> 32) % firmware_module_count);
	const struct firmware_module *module = firmware_modules[number];

	for (uint32_t step = 0; step < FIRMWARE_STEPS; step++)
		state = module->entries[(state >> 17) % FIRMWARE_ENTRIES](state + step);
	return state;
}
