/* SPDX-License-Identifier: Apache-2.0 */
/*
 * local.h - what the files of this folder share.
 */
#ifndef KERNEL_ARM64_LOCAL_H
#define KERNEL_ARM64_LOCAL_H

/* What trap.S puts on the stack for a trap. */
#define TRAP_FRAME_BYTES 288

#ifndef __ASSEMBLER__

#include <stdint.h>

/* This CPU's trap vectors. trap.c */
void trap_start(void);

/* Map a page of device registers through the core. gic.c */
uint8_t *registers_map(uintptr_t phys);

/* The distributor and this CPU's interface to it. gic.c */
void gic_start(void);

/* An interrupt arrived: run its handler and acknowledge it. gic.c */
void gic_interrupt(void);

#endif
#endif /* KERNEL_ARM64_LOCAL_H */
