/* SPDX-License-Identifier: Apache-2.0 */
/* closes_all.c - closes all files, those that it has not opened as well, and writes to them. */
#include <unistd.h>

int main(void)
{
	for (int file = 0; file < 1100; file++)
		close(file);
	for (int file = 0; file < 1100; file++)
		if (write(file, " L 1000,4\n", 10) >= 0)
			return 1;
	return 0;
}
