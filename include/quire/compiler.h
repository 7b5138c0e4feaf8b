/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quire/compiler.h - what C11 and C++ lack, in one place: attributes, error
 * numbers for a freestanding build, and the assertion.
 */
#ifndef QUIRE_COMPILER_H
#define QUIRE_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <quire/config.h>

#ifdef __cplusplus
#define QR_EXTERN_C_BEGIN extern "C" {
#define QR_EXTERN_C_END }
#else
#define QR_EXTERN_C_BEGIN
#define QR_EXTERN_C_END
#endif

#if __STDC_HOSTED__
#include <errno.h>
#endif

/* A freestanding compiler has no <errno.h>: these are the usual values. */
#ifndef EPERM
#define EPERM 1
#endif
#ifndef ENOENT
#define ENOENT 2
#endif
#ifndef EIO
#define EIO 5
#endif
#ifndef EAGAIN
#define EAGAIN 11
#endif
#ifndef ENOMEM
#define ENOMEM 12
#endif
#ifndef EACCES
#define EACCES 13
#endif
#ifndef EFAULT
#define EFAULT 14
#endif
#ifndef EBUSY
#define EBUSY 16
#endif
#ifndef EINVAL
#define EINVAL 22
#endif
#ifndef ENOSPC
#define ENOSPC 28
#endif
#ifndef EROFS
#define EROFS 30
#endif
#ifndef ENOSYS
#define ENOSYS 38
#endif
#ifndef ENOTSUP
#define ENOTSUP 95
#endif
#ifndef EINPROGRESS
#define EINPROGRESS 115
#endif

/* The caller must look at the result. */
#define QR_MUST_CHECK __attribute__((__warn_unused_result__))
#define QR_NORETURN __attribute__((__noreturn__))
#define QR_ALIGNED(bytes) __attribute__((__aligned__(bytes)))
#define QR_SECTION(name) __attribute__((__section__(name)))
#define QR_USED __attribute__((__used__))
#define QR_NOINLINE __attribute__((__noinline__))
#define QR_INLINE static inline __attribute__((__always_inline__))
#define QR_LIKELY(x) __builtin_expect(!!(x), 1)
#define QR_UNLIKELY(x) __builtin_expect(!!(x), 0)

#define QR_STR_(x) #x
#define QR_STR(x) QR_STR_(x)

QR_EXTERN_C_BEGIN
/* Given by the port (quire/port.h): a bug was found, do not return. */
QR_NORETURN void qr_port_panic(const char *what);
QR_EXTERN_C_END

/* Only for what a bug alone can break; what the world can break is returned. */
#define QR_ASSERT(condition)                                                   \
	((CONFIG_MEM_ASSERT >= 1 && QR_UNLIKELY(!(condition)))                 \
		 ? qr_port_panic(__FILE__ ":" QR_STR(__LINE__) ": " #condition) \
		 : (void)0)
#define QR_ASSERT_ALL(condition)                                               \
	((CONFIG_MEM_ASSERT >= 2 && QR_UNLIKELY(!(condition)))                 \
		 ? qr_port_panic(__FILE__ ":" QR_STR(__LINE__) ": " #condition) \
		 : (void)0)

/* The same in every build: what follows relies on it, and the compiler may. */
#define QR_REQUIRE(condition) \
	(QR_UNLIKELY(!(condition)) ? qr_port_panic(#condition) : (void)0)

#endif /* QUIRE_COMPILER_H */
