/* SPDX-License-Identifier: Apache-2.0 */
/* threads.c - two threads write to their pages at the same time. */
#include <pthread.h>

static char pages[2][16 * 4096];

static void *work(void *own)
{
	for (int i = 0; i < 16 * 4096; i += 64)
		((volatile char *)own)[i] = 1;
	return own;
}

int main(void)
{
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, work, pages[i]) != 0)
			return 1;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
