/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arch_config.h - what is fixed at build time for riscv64 alone (quire/config.h has the rest).
 */
#ifndef QR_ARCH_CONFIG_H
#define QR_ARCH_CONFIG_H

#include <quire/config.h>

/* Virtual address bits: 39, 48 or 57, that is three, four or five levels of tables. */
#ifndef CONFIG_RISCV_SV
#define CONFIG_RISCV_SV 48
#endif

/* 1: the CPU has Svpbmt, so that a mapping can be uncached. 0: the platform's memory
 * attributes (PMAs) alone decide, and every mapping is K_MEM_CACHE_WB. */
#ifndef CONFIG_RISCV_SVPBMT
#define CONFIG_RISCV_SVPBMT 0
#endif

/* 1: translations are dropped on all harts, by the firmware (SBI's RFENCE extension). 0: on
 * this one; where more harts run the core, it interrupts the others. */
#ifndef CONFIG_RISCV_SBI_RFENCE
#define CONFIG_RISCV_SBI_RFENCE 0
#endif

#if CONFIG_RISCV_SV != 39 && CONFIG_RISCV_SV != 48 && CONFIG_RISCV_SV != 57
#error "CONFIG_RISCV_SV must be 39, 48 or 57"
#endif
#if CONFIG_RISCV_SVPBMT != 0 && CONFIG_RISCV_SVPBMT != 1
#error "CONFIG_RISCV_SVPBMT must be 0 or 1"
#endif
#if CONFIG_RISCV_SBI_RFENCE != 0 && CONFIG_RISCV_SBI_RFENCE != 1
#error "CONFIG_RISCV_SBI_RFENCE must be 0 or 1"
#endif
#if CONFIG_MMU_PAGE_SIZE != 4096
#error "riscv64 has pages of 4096 bytes"
#endif

#endif /* QR_ARCH_CONFIG_H */
