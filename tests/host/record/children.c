/* SPDX-License-Identifier: Apache-2.0 */
/* children.c - makes a child, by the way that is asked for; it touches 8 MiB. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile char pages[2048 * 4096];

static void child(void)
{
	for (int i = 0; i < 2048 * 4096; i += 4096)
		pages[i] = 1;
	_exit(0);
}

static void spawn(void)
{
	static char name[] = "true";
	char *arguments[] = {name, NULL};
	pid_t made;

	if (posix_spawnp(&made, name, NULL, NULL, arguments, arguments + 1) != 0)
		abort();
}

int main(int count, char **arguments)
{
	const char *how = count > 1 ? arguments[1] : "";
	pid_t made = 1;

	if (strcmp(how, "fork") == 0 || strcmp(how, "daemon") == 0)
		made = fork();
	else if (strcmp(how, "clone") == 0)
		made = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	else if (strcmp(how, "vfork") == 0 && vfork() == 0)
		_exit(execlp("true", "true", (char *)NULL));
	else if (strcmp(how, "exec") == 0)
		return execlp("true", "true", (char *)NULL);
	else if (strcmp(how, "system") == 0 && system("exit 0") != 0)
		return 1;
	else if (strcmp(how, "spawn") == 0)
		spawn();
	if (made == 0 && strcmp(how, "daemon") == 0)
		sleep(5);
	if (made == 0)
		child();
	if (strcmp(how, "daemon") != 0)
		wait(NULL);
	return 0;
}
