/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscall.h - the system calls: their numbers and what they carry, for the kernel, for programs in
 * user mode and for assembly. apps/user/user.h has a function for each.
 *
 * A call has a number and up to four words, and returns one word: a negative errno value
 * (the highest 4095 words), or a result. A number that no call has: -ENOSYS.
 *
 *     call     words                     returns
 *     NONE                               0
 *     EXIT     status (0 to 2^31-1)      never: what thread_join() returns
 *     YIELD                              0
 *     SLEEP    ticks                     0
 *     PRINT    text, bytes               0; -EINVAL: more than SYSCALL_PRINT_MAX bytes; an error of
 *                                        k_usermode_from_copy
 *     CYCLES                             kernel_cycles()
 *     TICKS                              kernel_ticks()
 *     MAP      bytes                     the address of zeroed memory between guards, or an
 *                                        error of k_mem_domain_map
 *     UNMAP    address, bytes            0, or an error of k_mem_domain_unmap
 *     TRY      address, stack            0; -EINVAL: not addresses of the space. Where this thread
 *                                        goes on, once, instead of ending, when it does what it
 *                                        may not; the result register holds the error. 0: nowhere
 *     INFO     struct syscall_info *     0, or an error of k_usermode_to_copy
 *
 * From SYSCALL_OWN on the numbers are the program's: kernel_calls_set() in kernel/kernel.h.
 */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

/* C libraries do not agree about this number, so quire/compiler.h does not have it. It is between
 * this kernel and its programs. */
#ifndef ENOSYS
#define ENOSYS 38
#endif

#define SYSCALL_NONE   0
#define SYSCALL_EXIT   1
#define SYSCALL_YIELD  2
#define SYSCALL_SLEEP  3
#define SYSCALL_PRINT  4
#define SYSCALL_CYCLES 5
#define SYSCALL_TICKS  6
#define SYSCALL_MAP    7
#define SYSCALL_UNMAP  8
#define SYSCALL_TRY    9
#define SYSCALL_INFO   10
#define SYSCALL_COUNT  11
#define SYSCALL_OWN    64

#define SYSCALL_PRINT_MAX 1024

/* Results above this are errors. */
#define SYSCALL_ERRORS (-4096)

#ifndef __ASSEMBLER__

#include <stdint.h>

/* About the thread that asks. */
struct syscall_info {
	uint64_t stack_begin, stack_end; /* its stack in user mode */
	uint64_t fault_count;            /* page faults that it took */
	uint64_t fault_cycles;           /* kernel_cycles() in those of user mode, waits included */
	uint64_t page_in_count;          /* pages that were read for it */
	uint32_t priority;
	uint32_t memory_pages;           /* anonymous pages of its domain, stacks included ... */
	uint32_t memory_pages_max;       /* ... and how many there may be */
	uint32_t reserved;
};

#endif
#endif /* KERNEL_SYSCALL_H */
