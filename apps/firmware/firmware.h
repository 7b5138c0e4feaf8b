/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firmware.h - a program larger than RAM: modules of generated functions and tables
 * (tools/run_generate.py), all of them on demand, under a small resident driver.
 *
 * The same sources are compiled for the host; both must arrive at the same digest, which
 * depends on every function called and on every table entry read.
 */
#ifndef APPS_FIRMWARE_FIRMWARE_H
#define APPS_FIRMWARE_FIRMWARE_H

#include <quire/init.h>

#define FIRMWARE_ENTRIES 8u   /* functions of a module that the driver calls */
#define FIRMWARE_PHASES  128u /* stretches of work in one module */
#define FIRMWARE_STEPS   64u  /* calls in one phase */

typedef uint64_t (*firmware_function)(uint64_t state);

struct firmware_module {
	firmware_function entries[FIRMWARE_ENTRIES];
};

/* Generated; in the on-demand constants, as is all that they point to. */
extern const struct firmware_module *const firmware_modules[];
extern const uint32_t firmware_module_count;

/* Do phase `phase` and return the new state: the first phases visit the modules in turn,
 * the later ones go where the state says. */
uint64_t firmware_phase(uint64_t state, uint32_t phase);

#define FIRMWARE_STATE 0x0123456789abcdefu /* before the first phase */

#endif /* APPS_FIRMWARE_FIRMWARE_H */
