/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box.h - the page that two programs share: numbers go from the left one to the right one.
 */
#ifndef EXAMPLES_SHARING_BOX_H
#define EXAMPLES_SHARING_BOX_H

#include <stdint.h>

#define BOX_NUMBERS 1000u

struct box {
	uint64_t own[2]; /* where the page is that each of the two has to itself */
	/* number `sent` % 8 is written before sent is raised, and read before taken is */
	volatile uint32_t sent, taken;
	volatile uint64_t numbers[8];
};

#endif /* EXAMPLES_SHARING_BOX_H */
