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

/* A field of struct k_mem_config, or of an element of one of its lists. */
struct qr_field {
	const char *list;
	size_t index;
	const char *name; /* NULL: the list, or the field, itself */
};

/* Print that the field is refused, and why. */
void qr_refusal_print(struct qr_field field, const char *why);

/* Say so, where the build has words for it; returns `status`. */
QR_INLINE int qr_refuse(struct qr_field field, const char *why, int status)
{
	if (CONFIG_MEM_INIT_CHECK && CONFIG_MEM_INIT_WORDS) {
		qr_refusal_print(field, why);
	}
	return status;
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
