/* SPDX-License-Identifier: Apache-2.0 */
/* prints_references.c - prints what lackey could have said, and bytes that are no text. */
#include <unistd.h>

static int say(int file, const char *text, unsigned long size)
{
	return write(file, text, size) == (long)size;
}

#define SAY(file, text) say(file, text, sizeof(text) - 1)

int main(void)
{
	return !(SAY(1, " L 1000,4\nover\n==1== hello\n\0\xff\xfe binary\n") &&
		 SAY(2, " S 2000,4\nover\n--1-- hello\n\0\xff\xfe binary\n"));
}
