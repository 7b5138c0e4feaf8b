/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lackey.h - the lines of `valgrind --tool=lackey --trace-mem=yes`.
 */
#ifndef TOOLS_LACKEY_H
#define TOOLS_LACKEY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Beside the kinds of references: what valgrind itself says, and by what of it a program begins;
 * the last line, which tools/record writes; what is neither. */
enum { LACKEY_MESSAGE = 'm', LACKEY_BEGIN = 'p', LACKEY_OVER = 'o', LACKEY_BAD = 'b' };

struct lackey_line {
	char kind;              /* 'I', 'L', 'S', 'M', or one of the above */
	uint64_t address, size; /* of a reference: at least a byte, inside the address space */
	uint64_t process;       /* of what valgrind says; 0: an empty line */
	char text[64];          /* how it begins, printable */
};

/* The next line; false where the stream ends. */
bool lackey_read(FILE *stream, struct lackey_line *line);

#endif /* TOOLS_LACKEY_H */
