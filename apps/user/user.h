/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user.h - for programs in user mode: where they start, and what they may ask of the kernel.
 *
 * Such a program is linked with nothing of the kernel's but what is in this folder and the
 * compiler's four memory functions. It has no heap but user_map(), and no floating point.
 */
#ifndef APPS_USER_USER_H
#define APPS_USER_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/syscall.h"

/* The program. Runs once for each of its threads; what it returns, 0 or more, is the status with
 * which the thread ends. */
int user_main(uintptr_t argument);

/* A system call by its number. (The kernel's folder for the machine.) */
intptr_t user_call(uintptr_t number, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d);

/* 0: a system call leaves nothing but its result in registers that it may change. (Likewise.) */
uintptr_t user_call_rest(void);

/* Execute one of the instructions that the machine keeps from user mode. (Likewise.) */
#define USER_PRIVILEGED_COUNT 11u
void user_privileged(unsigned int which);

/* With one of the flags set that user mode can set, where the machine has so many, make a system
 * call, or read a byte and write it back. It is clear again when they return. One of them stops
 * after an instruction, which is what user mode may not do. (Likewise.) */
#define USER_FLAGS_COUNT 5u
intptr_t user_call_flag(unsigned int which, uintptr_t number, uintptr_t a, uintptr_t b,
			uintptr_t c);
uint8_t user_touch_flag(unsigned int which, volatile void *address);

/* Touch the byte at `address`, page-aligned, with something of its own in every register that
 * there is: read it, write 0xef to it, run the function there, which does nothing, or spin for
 * longer than a tick instead. 0: no register has changed; else a bit for each that has.
 * USER_TOUCH_KERNEL: it is the kernel that does it. (Likewise; tests have it in the kernel.) */
enum user_touch {
	USER_TOUCH_READ,
	USER_TOUCH_WRITE,
	USER_TOUCH_RUN,
	USER_TOUCH_WAIT,
	USER_TOUCH_KERNEL,
};
uint64_t user_touch_all(volatile void *address, unsigned int how);

/* Leave something in the registers that user mode has for itself and the kernel does not keep; is
 * there anything? Not what another thread left, nor after another one ran. (Likewise.) */
void user_leave(void);
uintptr_t user_left(void);

/* Call function(argument). 0: it returned; else it did what user mode may not, and this is the
 * error: of k_mem_page_fault, or -EPERM for an instruction. Does not nest. */
int user_try(void (*function)(void *), void *argument);

/* One access that may be refused: 0 or the error. user_try_read stores what was read, and nothing
 * when it was refused. */
int user_try_read(const volatile void *address, uint8_t *value);
int user_try_write(volatile void *address, uint8_t value);
int user_try_exec(const void *address);

_Noreturn void user_exit(int status);
void user_yield(void);
void user_sleep(uint64_t ticks);
uint64_t user_ticks(void);
uint64_t user_cycles(void);

/* As kernel_printf(). What is no letter is shown as a question mark. */
void user_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Zeroed memory between guards, NULL: no more; give it back: 0 or an error. */
void *user_map(size_t bytes);
int user_unmap(void *memory, size_t bytes);

/* 0 or an error. */
int user_info(struct syscall_info *info);

#endif /* APPS_USER_USER_H */
