/* SPDX-License-Identifier: Apache-2.0 */
/* killed.c - touches what it does not have. */
#include <stddef.h>

int main(void)
{
	volatile int *nothing = NULL;

	return *nothing;
}
