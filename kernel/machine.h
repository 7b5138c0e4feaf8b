/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine.h - what a machine folder, kernel/<isa>/, gives the portable files of the
 * kernel, and what they give it. The folder also has cpu.h (inline: interrupt mask,
 * waiting, the counter), found by include path, and link.ld.
 *
 * The linker script places the image at physical address + CONFIG_KERNEL_IMAGE_OFFSET
 * and defines the symbols below, all page-aligned. Parts that only boot runs lie
 * outside them: they are not mapped later and their frames become free.
 */
#ifndef KERNEL_MACHINE_H
#define KERNEL_MACHINE_H

#include <quire/init.h>

#include "kernel/config.h"

/* ---- the image ------------------------------------------------------------------- */

extern uint8_t image_stack_idle_begin[], image_stack_idle_end[];
extern uint8_t image_stack_first_begin[], image_stack_first_end[];
extern uint8_t image_stack_ageing_begin[], image_stack_ageing_end[];
/* What is there in user mode, too, where that has tables of its own; sections .trampoline_text and
 * .trampoline_data. Empty on machines that have no such thing. */
extern uint8_t image_trampoline_text_begin[], image_trampoline_text_end[];
extern uint8_t image_trampoline_data_begin[], image_trampoline_data_end[];
extern uint8_t image_text_begin[], image_text_end[];
extern uint8_t image_rodata_begin[], image_rodata_end[];
extern uint8_t image_data_begin[], image_data_end[];
/* The end of the resident image, boot's parts included. */
extern uint8_t image_end[];
/* Linked behind it, but in no RAM: the content of the disk "image". */
extern uint8_t image_ondemand_text_begin[], image_ondemand_text_end[];
extern uint8_t image_ondemand_rodata_begin[], image_ondemand_rodata_end[];

static inline uintptr_t image_phys(const void *in_image)
{
	return (uintptr_t)in_image - (uintptr_t)CONFIG_KERNEL_IMAGE_OFFSET;
}

/* ---- boot ------------------------------------------------------------------------- */

#define MACHINE_RAM_MAX 8
#define MACHINE_COMMAND_LINE_MAX 512

struct machine_boot {
	struct k_mem_range ram[MACHINE_RAM_MAX];
	size_t ram_count;
	char command_line[MACHINE_COMMAND_LINE_MAX];
};

/* Given to the machine: where boot code jumps to, on the idle thread's stack, with
 * interrupts masked and tables on which physical memory and devices are where they
 * are, beside the image. */
QR_NORETURN void kernel_main(uintptr_t boot_info);

/* Console and traps; before anything else. */
void machine_early_start(void);

/* Copy out what the loader said; cut to what fits. */
void machine_boot_read(uintptr_t boot_info, struct machine_boot *boot);

/* The interrupt controller, mapped through the core whose tables are current. */
void machine_start(void);

/* Masked. false: there is no room yet. */
bool machine_console_put(char c);
QR_NORETURN void machine_exit(int status);

/* ---- interrupts --------------------------------------------------------------------- */

/* Call `handler(argument)` for interrupt line `irq` (level-triggered), masked and
 * on whatever thread's stack, from now on. */
void machine_irq_attach(unsigned int irq, void (*handler)(void *), void *argument);

/* Call sched_tick() CONFIG_KERNEL_HZ times a second from now on. */
void machine_timer_start(void);

/* Where the timer was not started: call `handler()` once, masked, as soon as so many nanoseconds
 * (at most a second) have passed, in place of what was to be called before; NULL: call nothing. */
void machine_alarm_set(uint32_t nanoseconds, void (*handler)(void));

/* Virtio-mmio transports: `count` of them from `base` on, interrupt lines likewise. */
struct machine_virtio {
	uintptr_t base;
	size_t stride;
	unsigned int count;
	unsigned int irq;
};
extern const struct machine_virtio machine_virtio;

/* ---- threads and traps ----------------------------------------------------------------- */

/* Prepare the stack that ends at `top` so that switching to what is returned calls
 * entry(), interrupts masked. */
void *context_make(void *top, void (*entry)(void));

/* Save the running context in *from, go on with `to`; interrupts masked. */
void context_switch(void **from, void *to);

/* Registers of what a trap interrupted. */
struct trap_frame;
bool trap_irqs_on(const struct trap_frame *frame);
/* Was it the kernel's, and kept from user memory? */
bool trap_fenced(const struct trap_frame *frame);
void *trap_ip(const struct trap_frame *frame);
void trap_dump(const struct trap_frame *frame);

/* Call function(argument) after storing in *stack what trap_resume() needs; 0 when it
 * returned, else the status given to trap_resume(), which makes the trap return there. */
int trap_try(void (*function)(void *), void *argument, void **stack);
void trap_resume(struct trap_frame *frame, void *stack, int status);

/* Given to the machine: page faults, interrupts masked; the words of quire/fault.h. `fence`: 0 or
 * K_MEM_FAULT_FENCED.
 *
 * The short way, for faults taken with interrupts on, and with nothing in force that a C function
 * cannot bear: no register needs to be saved that a function keeps. 0: it was served; else the
 * trap's frame is made complete for fault_refused(), which may change it to go on elsewhere. What
 * the CPU said may be about another fault by then: it is to be kept.
 * All others have a frame from the start. */
int fault_serve(uintptr_t address, uintptr_t syndrome, uint32_t fence);
int fault_serve_user(uintptr_t address, uintptr_t syndrome);
void fault_refused(struct trap_frame *frame, uintptr_t address, uintptr_t syndrome, int status);
void fault_handle(struct trap_frame *frame, uintptr_t address, uintptr_t syndrome);

/* Given to the machine: the kernel's stack is full, `address` was touched. Called on a stack of
 * the machine's, masked. Returns never. */
QR_NORETURN void fault_stack(struct trap_frame *frame, uintptr_t address);

/* ---- user mode, with CONFIG_USERSPACE ---------------------------------------------------
 *
 * No floating point and no vectors, in the kernel as in user mode: the machine keeps them
 * switched off, and nobody saves their registers. What user mode does with them is what it
 * may not do.
 *
 * Every trap from user mode starts on the stack that user_stack_set() was last given. The way in
 * and the way out are in one file, trap.S. A system call leaves in the registers that a
 * call may change nothing of the kernel's.
 *
 * The folder's user/ is linked into each program for user mode: user_start, in section
 * .text.start, which runs user_main() (apps/user/user.h) with its argument and exits with
 * its result, and the functions user_call(), user_try() and user_privileged(). */

/* Masked: traps from user mode use the stack that ends here from now on, and what another thread
 * may have left in registers that nobody keeps is gone. */
void user_stack_set(void *end);

/* Masked: run user mode at `entry` with `argument`, as a function that was called, and all other
 * registers zero, interrupts on. The stack ends at `stack`, page-aligned. */
QR_NORETURN void user_enter(uintptr_t entry, uintptr_t argument, uintptr_t stack);

/* Did the trap interrupt user mode? */
bool trap_user(const struct trap_frame *frame);

/* Is nothing in force that user mode may have set: no flag that changes what instructions do, and
 * none that opens user memory where the CPU can close it? So begin all ways in. */
bool entry_clean(void);

/* The trap returns to `ip`. */
void trap_ip_set(struct trap_frame *frame, uintptr_t ip);

/* The trap, which was user mode's, returns to `ip` with this stack, and `status` as a result. Both
 * are in the space. */
void trap_user_resume(struct trap_frame *frame, uintptr_t ip, uintptr_t stack, int status);

/* Given to the machine: user mode did something that it may not (`what`), and that is no page
 * fault. Masked; returns where the thread has a place to go on. */
void fault_user(struct trap_frame *frame, const char *what);

/* Given to the machine: a system call, interrupts on. Returns its result. */
intptr_t syscall_handle(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t number);

/* ---- the end -------------------------------------------------------------------------- */

/* Given to the machine: what the kernel can not survive. `frame` may be NULL. */
QR_NORETURN void kernel_panic(const struct trap_frame *frame, const char *what);

#endif /* KERNEL_MACHINE_H */
