/* SPDX-License-Identifier: Apache-2.0 */
/* endless.c - goes on for ever, also when the pipe of who listens to it is closed. */
#include <signal.h>

static volatile char pages[64 * 4096];

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	for (;;)
		for (int i = 0; i < 64 * 4096; i += 4096)
			pages[i] = 1;
}
