/* SPDX-License-Identifier: Apache-2.0 */
/*
 * visitor.h - what main.c asks of visitor/, which runs in user mode: its argument.
 */
#ifndef TESTS_USER_VISITOR_H
#define TESTS_USER_VISITOR_H

/* Pages that VISIT_PAGES writes and reads: more than there are frames. */
#define VISIT_PAGE_COUNT 96u
/* With option frames=64 so many of them have to be read again, whatever the policy. */
#define VISIT_READ_MIN   (VISIT_PAGE_COUNT - 64u)

/* The same for VISIT_REGISTERS, of which there are two at once. */
#define VISIT_REGISTER_PAGES 48u

/* It returns 0, or the line of the first thing that is wrong. */
enum visit {
	VISIT_RETURN, /* returns 42 */
	VISIT_CALLS,  /* system calls do what they say and refuse what is wrong */
	VISIT_TRIES,  /* what user mode may not do is refused, and it goes on */
	VISIT_PAGES,  /* its memory is paged */
	VISIT_SPIN,   /* counts until told to stop: it is preempted */
	VISIT_FLAGS,  /* system calls and faults with flags set; others run meanwhile */
	VISIT_WAIT,   /* spins until VISIT_FLAGS is over */
	VISIT_LEAVE,  /* leaves something in registers that are not kept */
	VISIT_LEFT,   /* finds nothing there */
	VISIT_REGISTERS, /* its registers are kept, while others run */
	/* it does not return */
	VISIT_READ,       /* reads at 0 */
	VISIT_KERNEL,     /* writes to the kernel */
	VISIT_JUMP,       /* jumps to the kernel */
	VISIT_ILLEGAL,    /* an instruction that there is not */
	VISIT_PRIVILEGED, /* one that it may not use */
	VISIT_DEEP,       /* runs out of stack */
};

#endif
