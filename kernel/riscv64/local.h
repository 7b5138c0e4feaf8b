/* SPDX-License-Identifier: Apache-2.0 */
/*
 * local.h - what the files of this folder share. Assembly sees the macro only.
 *
 * Semihosting is how a program under an emulator or a debugger asks it for something: the
 * console, the command line and the end of the machine, wherever page tables are about. It
 * is recognised by these three instructions, which must not be compressed and be in one page.
 */
#ifndef KERNEL_RISCV64_LOCAL_H
#define KERNEL_RISCV64_LOCAL_H

#define SEMIHOST_WRITE_CHARACTER 0x03
#define SEMIHOST_WRITE_TEXT      0x04
#define SEMIHOST_COMMAND_LINE    0x15
#define SEMIHOST_EXIT            0x20
#define SEMIHOST_EXIT_REASON     0x20026 /* the program ended */

/* tools/qemu wants this with a status: lower ones are QEMU's own. */
#define EXIT_BASE 64

/* What trap.S puts on the stack for a trap, for one from user mode, and for a switch. */
#define TRAP_FRAME_BYTES 160
#define USER_FRAME_BYTES 192
#define CONTEXT_BYTES    112

/* From the begin of a stack on: less than this left is no room for a trap. */
#define STACK_ROOM_BYTES TRAP_FRAME_BYTES

/* sstatus (4.1.1): interrupts were on; it was S-mode. */
#define STATUS_SPIE 0x20
#define STATUS_SPP  0x100

#define CAUSE_SYSCALL 8

#ifdef __ASSEMBLER__

	.macro semihost
	.balign 16
	.option push
	.option norvc
	slli zero, zero, 0x1f
	ebreak
	srai zero, zero, 7
	.option pop
	.endm

#else

#include <stdint.h>

/* trap.S */
intptr_t semihost_call(uintptr_t operation, const void *argument);

/* Traps come to this kernel from now on. trap.c */
void trap_start(void);

/* The timer's and a device's interrupt. interrupt.c */
void timer_interrupt(void);
void plic_interrupt(void);

#endif
#endif /* KERNEL_RISCV64_LOCAL_H */
