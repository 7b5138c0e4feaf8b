/* SPDX-License-Identifier: Apache-2.0 */
/*
 * errno.h - a C library that has EAGAIN where nobody else has it.
 */
#ifndef TESTS_ERRNO_H
#define TESTS_ERRNO_H

#define EAGAIN 35

#endif /* TESTS_ERRNO_H */
