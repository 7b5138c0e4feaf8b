/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arch_config.h - what is fixed at build time for x86_64 alone (quire/config.h has the rest).
 */
#ifndef QR_ARCH_CONFIG_H
#define QR_ARCH_CONFIG_H

#include <quire/config.h>

/* 1: five levels of tables, 57 virtual address bits. The CPU must have LA57, and the
 * host kernel must have set CR4.LA57 on its way into long mode. */
#ifndef CONFIG_X86_LA57
#define CONFIG_X86_LA57 0
#endif

/* 0: leaves of 1 GiB are never used, for CPUs without them (CPUID 80000001h EDX bit 26). */
#ifndef CONFIG_X86_1G_LEAVES
#define CONFIG_X86_1G_LEAVES 1
#endif

/* 1: with CONFIG_USERSPACE, user mode has tables without the kernel (KPTI), for CPUs that let
 * user mode see through rights (Meltdown, CVE-2017-5754); a CPU with RDCL_NO in its
 * IA32_ARCH_CAPABILITIES does not need it. The trap code changes the root. */
#ifndef CONFIG_X86_KPTI
#define CONFIG_X86_KPTI 1
#endif

#if CONFIG_X86_KPTI != 0 && CONFIG_X86_KPTI != 1
#error "CONFIG_X86_KPTI must be 0 or 1"
#endif
#if CONFIG_X86_1G_LEAVES != 0 && CONFIG_X86_1G_LEAVES != 1
#error "CONFIG_X86_1G_LEAVES must be 0 or 1"
#endif
#if CONFIG_X86_LA57 != 0 && CONFIG_X86_LA57 != 1
#error "CONFIG_X86_LA57 must be 0 or 1"
#endif
#if CONFIG_MMU_PAGE_SIZE != 4096
#error "x86_64 has pages of 4096 bytes"
#endif

#endif /* QR_ARCH_CONFIG_H */
