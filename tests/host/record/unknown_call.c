/* SPDX-License-Identifier: Apache-2.0 */
/* unknown_call.c - makes system calls that valgrind does not know, and warns of. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	char *memory = malloc(1 << 16);

	for (int i = 0; i < 1 << 16; i += 4096)
		memory[i] = (char)syscall(4000 + (i >> 12), 0, 0, 0);
	free(memory);
	return 0;
}
