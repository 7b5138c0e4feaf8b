/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arch_config.h - what is fixed at build time for arm64 alone (quire/config.h has the rest).
 */
#ifndef QR_ARCH_CONFIG_H
#define QR_ARCH_CONFIG_H

#include <quire/config.h>

/* Virtual address bits: 48 (four levels of tables) or 39 (three). TCR_EL1.TxSZ is
 * 64 less this. */
#ifndef CONFIG_ARM64_VA_BITS
#define CONFIG_ARM64_VA_BITS 48
#endif

#if CONFIG_ARM64_VA_BITS != 39 && CONFIG_ARM64_VA_BITS != 48
#error "CONFIG_ARM64_VA_BITS must be 39 or 48"
#endif
#if CONFIG_MMU_PAGE_SIZE != 4096
#error "this port uses the 4 KiB granule"
#endif

#endif /* QR_ARCH_CONFIG_H */
