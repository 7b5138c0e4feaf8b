/* SPDX-License-Identifier: Apache-2.0 */
/*
 * errno.h - the numbers of newlib, of which some are not those of Linux.
 */
#ifndef TESTS_ERRNO_H
#define TESTS_ERRNO_H

#define EPERM 1
#define ENOENT 2
#define EIO 5
#define ENXIO 6
#define EAGAIN 11
#define ENOMEM 12
#define EACCES 13
#define EFAULT 14
#define EBUSY 16
#define EINVAL 22
#define ENOSPC 28
#define EROFS 30
#define ERANGE 34
#define ENOSYS 88
#define EINPROGRESS 119
#define ENOTSUP 134

#endif /* TESTS_ERRNO_H */
