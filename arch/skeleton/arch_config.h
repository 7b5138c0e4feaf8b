/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arch_config.h - what is fixed at build time for this machine alone (quire/config.h has the
 * rest). Here: nothing but a check.
 */
#ifndef QR_ARCH_CONFIG_H
#define QR_ARCH_CONFIG_H

#include <quire/config.h>

#if CONFIG_MMU_PAGE_SIZE != 4096
#error "this machine has pages of 4096 bytes"
#endif

#endif /* QR_ARCH_CONFIG_H */
