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

/* Errors are part of the interface between the library and its host, which are compiled apart and
 * may have another <errno.h> each, or none. The numbers below are those of the C libraries of
 * Linux and Zephyr and of newlib alike. */
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

/* These libraries do not agree about ENOTSUP: Quire's own number, which is Linux's. */
#define K_MEM_ENOTSUP 95

#ifdef __cplusplus
#define QR_STATIC_ASSERT static_assert
#else
#define QR_STATIC_ASSERT _Static_assert
#endif

/* What is compiled with other numbers does not compile. */
QR_STATIC_ASSERT(EPERM == 1 && ENOENT == 2 && EIO == 5 && EAGAIN == 11 && ENOMEM == 12 &&
			 EACCES == 13 && EFAULT == 14 && EBUSY == 16 && EINVAL == 22 &&
			 ENOSPC == 28 && EROFS == 30,
		 "this C library's <errno.h> has other numbers than the errors of Quire");

/* The caller must look at the result. */
#define QR_MUST_CHECK __attribute__((__warn_unused_result__))
#define QR_NORETURN __attribute__((__noreturn__))
#define QR_ALIGNED(bytes) __attribute__((__aligned__(bytes)))
#define QR_SECTION(name) __attribute__((__section__(name)))
#define QR_USED __attribute__((__used__))
#define QR_NOINLINE __attribute__((__noinline__))
/* Without optimisation what is inline stays a call: constants would not fold, and all that these
 * functions keep on the stack would be in each of their callers. */
#ifdef __OPTIMIZE__
#define QR_INLINE static inline __attribute__((__always_inline__))
#else
#define QR_INLINE static inline __attribute__((__unused__))
#endif
#define QR_LIKELY(x) __builtin_expect(!!(x), 1)
#define QR_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* What stands for a function that is declared above and that the build is without: one that no
 * object has, not even at -O0. Between BEGIN and END, for it uses no parameters. */
#define QR_ABSENT_BEGIN                  \
	_Pragma("GCC diagnostic push") \
		_Pragma("GCC diagnostic ignored \"-Wunused-parameter\"")
#define QR_ABSENT_END _Pragma("GCC diagnostic pop")
#define QR_ABSENT(head, body) \
	extern inline __attribute__((__gnu_inline__, __always_inline__)) head { body; }

/* A result of such a function. */
#define QR_ZERO(result) \
	if ((result) != NULL) \
	__builtin_memset((result), 0, sizeof(*(result)))

#define QR_STR_(x) #x
#define QR_STR(x) QR_STR_(x)

/* The name under which a function is linked has the numbers of quire/config.h that structures of
 * the interface depend on: a host that was compiled with others than the library does not link. */
#define QR_CONFIGURED(name)                                                    \
	__asm__(#name "_page_size_" QR_STR(CONFIG_MMU_PAGE_SIZE) "_partitions_" \
		QR_STR(CONFIG_MAX_DOMAIN_PARTITIONS) "_bins_"                  \
		QR_STR(CONFIG_DEMAND_PAGING_TIMING_HISTOGRAM_NUM_BINS))

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
