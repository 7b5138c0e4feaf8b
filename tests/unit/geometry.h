/* SPDX-License-Identifier: Apache-2.0 */
/*
 * geometry.h - between the configurations of test_geometry.c, each an object file of its
 * own, and the program that they are linked into.
 */
#ifndef TESTS_UNIT_GEOMETRY_H
#define TESTS_UNIT_GEOMETRY_H

/* Add a test; called before main(). */
void geometry_add(const char *name, void (*test)(void **state));

#endif /* TESTS_UNIT_GEOMETRY_H */
