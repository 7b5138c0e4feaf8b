/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init_check.h - what k_mem_init is given, looked at field by field before anything changes. The
 * first field that cannot be is printed with its name and why:
 *
 *     k_mem_init: image[2].flags: EXEC and USER
 */
#ifndef QR_MM_INIT_CHECK_H
#define QR_MM_INIT_CHECK_H

#include <quire/init.h>

#include "core.h"

/* Print what is refused and why, with `index` for its '#'. -EINVAL. init_words.c */
int qr_refusal_print(const char *what, size_t index);

/* The same, where the build has words for it. */
QR_INLINE int qr_refuse(const char *what, size_t index)
{
	return CONFIG_MEM_INIT_CHECK && CONFIG_MEM_INIT_WORDS ? qr_refusal_print(what, index)
							      : -EINVAL;
}

/* Do these ranges have a byte in common? Neither wraps. */
QR_INLINE bool qr_ranges_meet(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a_size > 0 && b_size > 0 && a <= b + (b_size - 1) && b <= a + (a_size - 1);
}

/* Where k_mem_init was called. */
struct qr_caller {
	uintptr_t code;
	uintptr_t stack;
};

/* 0, -EINVAL or -ENOMEM as k_mem_init. Changes nothing. */
int qr_config_check(const struct k_mem_config *config, struct qr_caller caller) QR_MUST_CHECK;

/* The image, after banks and stores. init_image.c */
int qr_image_check(const struct k_mem_config *config, struct qr_caller caller) QR_MUST_CHECK;

#endif /* QR_MM_INIT_CHECK_H */
