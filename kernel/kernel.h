/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel.h - the reference kernel's face to the programs in apps/ and to its own
 * parts. A kernel image links exactly one program, whose app_main() runs in the
 * first thread, with interrupts on and demand paging up.
 *
 * Threads are preemptive, priority 0 (highest) to 31, round robin within one
 * priority at the timer's tick.
 */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include <quire/compiler.h>
#include <quire/compressed.h>
#include <quire/paging.h>

/* ---- the program ------------------------------------------------------------------ */

/* Runs in the first thread, priority 16. Its result is the exit status of the machine:
 * 0 passed, 1 failed, 2 bad input. */
int app_main(void);

/* End the machine with this status, 0 to 63 (seen by tools/qemu, which maps QEMU's codes). */
QR_NORETURN void kernel_exit(int status);

/* ---- console ------------------------------------------------------------------------ */

void kernel_puts(const char *text);
void kernel_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- command line: words `key=value` --------------------------------------------------- */

/* The kernel's own: frames=N (hand exactly N frames to the core), policy=NAME,
 * ramstore=PAGES (where there is no disk "swap"), compress=PAGES (of RAM, in which pages are
 * kept compressed before they go there), request=N (what a request to a disk
 * costs, in 256ths of a page), depth=N (requests at once on a disk), delay=N (each transfer of
 * the swap store takes N nanoseconds under -icount; with tick=0), clean=N (a thread of the lowest
 * priority keeps between N/2 and N frames free), tick=0 (no timer). */

/* Copy the value of `key` into `value` (terminated, cut to size); false: not there. */
bool kernel_option(const char *key, char *value, size_t size);
/* The same as a decimal or 0x number; `fallback` where it is missing or no number. One that is
 * too large counts as the largest, so that who asks for less than that refuses it. */
uint64_t kernel_option_number(const char *key, uint64_t fallback);
uint32_t kernel_option_count(const char *key, uint32_t fallback);

/* ---- time ------------------------------------------------------------------------------ */

/* A 64-bit counter; one a guest instruction under -icount shift=0. */
uint64_t kernel_cycles(void);
/* The same, and the time that the CPU waited: nanoseconds under -icount shift=0. */
uint64_t kernel_clock(void);
/* With CONFIG_KERNEL_IRQ_TIME: the longest stretch, in cycles, that the mm lock or the scratch
 * window kept interrupts masked since the last reset. 0 without it. */
uint64_t kernel_irq_off_max(void);
void kernel_irq_off_reset(void);
/* Timer ticks since boot (CONFIG_KERNEL_HZ a second; 0 with option `tick=0`). */
uint64_t kernel_ticks(void);

/* ---- threads ----------------------------------------------------------------------------- */

struct thread;

/* Start `entry(argument)` in a new thread, whose stack is CONFIG_KERNEL_STACK_BYTES of locked
 * memory; NULL: all CONFIG_KERNEL_THREADS are taken, or too few frames. */
struct thread *thread_start(const char *name, unsigned int priority, void (*entry)(void *),
			    void *argument);
/* Wait until the thread ended. 0: it returned; or in user mode the status that it exited with;
 * -EFAULT: it died of a fault that could not be served, or of what user mode may not do,
 * k_mem_page_fault's or another error in *error (may be NULL). A stack that was full is -EFAULT. */
int thread_join(struct thread *thread, int *error);
struct thread *thread_self(void);
void thread_yield(void);
/* Without a timer (tick=0) this only yields. */
void thread_sleep(uint64_t ticks);
void thread_priority_set(struct thread *thread, unsigned int priority);
/* For tests: the fault that a load or store at this address would take is expected:
 * try the access, return 0 or k_mem_page_fault's error, and go on either way. */
int kernel_try_read(const volatile void *address, uint8_t *value);
int kernel_try_write(volatile void *address, uint8_t value);
int kernel_try_exec(const void *address);

/* ---- user mode, with CONFIG_USERSPACE --------------------------------------------------------
 *
 * A program for user mode is linked into the kernel's image: the sources of one folder below that
 * of the app, apps/APP/PROGRAM/, with apps/user/. Its symbols are its own; the kernel knows where
 * it is. The kernel has its usual rights to these pages, user mode what a domain opens. */

struct k_mem_domain;

struct user_program {
	uint8_t *text, *text_end; /* page-aligned; it starts at the first instruction */
	uint8_t *rodata, *rodata_end;
	uint8_t *data, *data_end; /* variables, in their first state once */
};

/* `struct user_program name_program` of the image's program `name`. */
#define USER_PROGRAM(name)                                                                       \
	extern uint8_t user_##name##_text[], user_##name##_text_end[];                           \
	extern uint8_t user_##name##_rodata[], user_##name##_rodata_end[];                       \
	extern uint8_t user_##name##_data[], user_##name##_data_end[];                           \
	static const struct user_program name##_program = {                                      \
		user_##name##_text,       user_##name##_text_end,   user_##name##_rodata,        \
		user_##name##_rodata_end, user_##name##_data,       user_##name##_data_end,      \
	}

/* Make a domain in which the program can run: its text, constants and variables are partitions.
 * Up to `memory_bytes` of anonymous memory, stacks included, may be mapped for it, of which
 * others' faults leave `resident_bytes` in frames.
 * Errors of k_mem_domain_init and k_mem_domain_limits_set. */
int user_domain_init(struct k_mem_domain *domain, const struct user_program *program,
		     size_t memory_bytes, size_t resident_bytes) QR_MUST_CHECK;

/* Run user_main(argument) of the program in a thread of its own, in user mode and in the domain, on
 * CONFIG_KERNEL_USER_STACK_BYTES of the domain's memory. NULL: as thread_start(), or the
 * domain may have no more memory. */
struct thread *thread_start_user(const char *name, unsigned int priority,
				 struct k_mem_domain *domain, const struct user_program *program,
				 uintptr_t argument);

/* CONFIG_KERNEL_USER_STACK_BYTES from here are its stack in user mode. */
void *thread_user_stack(const struct thread *thread);

/* What a system call does, in its thread, interrupts on. What it is given are numbers: memory is
 * reached by quire/user.h alone. */
typedef intptr_t kernel_call(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d);

/* From now on system calls SYSCALL_OWN and up are these `count` ones. */
void kernel_calls_set(kernel_call *const *calls, size_t count);

/* ---- disks --------------------------------------------------------------------------------- */

/* virtio-blk disks in the order of their device's serial= property: "swap", "trace",
 * "image"; -1 where there is none of that name. */
int disk_find(const char *serial);
uint64_t disk_bytes(int disk);
/* Read `bytes` (a multiple of 512) at `offset` into a buffer of the image (pinned,
 * physically contiguous). Sleeps. 0 or -EIO. */
int disk_read(int disk, uint64_t offset, void *buffer, size_t bytes);

/* ---- stores -------------------------------------------------------------------------------- */

/* The core's index (K_MEM_LOCATION) of the store that pages are written out to: disk "swap",
 * or where there is none the RAM store that option `ramstore=PAGES` asks for; and of the
 * read-only store on disk "image". -1 where there is none. */
int kernel_store_swap(void);
int kernel_store_image(void);

/* What the compressed store did that option `compress=PAGES` asks for; false: there is none. */
bool kernel_compressed_stats(struct k_mem_compressed_stats *stats);

#endif /* KERNEL_KERNEL_H */
