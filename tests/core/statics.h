/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statics.h - everything that the library remembers, to compare before and after a call.
 *
 * The library allocates nothing, so all it knows is in its static objects. They are found in
 * the running program's symbol table: what the core, the page tables, the policies and the
 * stores have in .data and .bss, by name. The emulated machine, the strict port and the tests
 * themselves are left out.
 */
#ifndef TESTS_CORE_STATICS_H
#define TESTS_CORE_STATICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct statics {
	uint8_t *bytes; /* of all objects, one after the other */
};

/* A copy of all objects as they are; statics_free() it. */
struct statics statics_take(void);
void statics_free(struct statics *taken);

/* Objects are known as "file.c:name", global ones by their names alone. The first one that is
 * not the same in both copies, other than those whose names begin with one of `but` (which ends
 * with NULL); NULL: all are the same. */
const char *statics_difference(const struct statics *a, const struct statics *b,
			       const char *const *but);

/* Is there an object whose name begins like this? So that a test can see that it looks at
 * something. */
bool statics_has(const char *beginning);

#endif /* TESTS_CORE_STATICS_H */
