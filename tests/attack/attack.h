/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attack.h - what the kernel's side (main.c) and the two programs in user mode share.
 *
 *     call    words                   returns
 *     PLACES  struct attack_places *  0; where everything is: an attacker knows
 *     ECHO    from, to, bytes         0: copied through the kernel; an error of the copies;
 *                                     -EINVAL: more than ATTACK_ECHO_MAX
 *     STRING  text, max               its length, or an error of k_usermode_string_copy
 *     DONE    tries                   0; so many more were made
 *     BREACH  what, address, value    0; something went through that must not
 *     GO_ON   address                 1 as long as the victim, whose memory is there, shall
 *                                     run
 *
 * Secrets: every word of the kernel's and of the victim's memory has one of two marks in
 * its highest 24 bits. The attacker must never see one.
 */
#ifndef TESTS_ATTACK_ATTACK_H
#define TESTS_ATTACK_ATTACK_H

#include <stdint.h>

#include "kernel/syscall.h"

enum {
	ATTACK_PLACES = SYSCALL_OWN,
	ATTACK_ECHO,
	ATTACK_STRING,
	ATTACK_DONE,
	ATTACK_BREACH,
	ATTACK_GO_ON,
	ATTACK_CALLS_END,
};

#define ATTACK_ECHO_MAX 8192u

#define ATTACK_MARK_SHIFT  40
#define ATTACK_MARK_KERNEL 0x5ec2e7u
#define ATTACK_MARK_VICTIM 0x71c71au

/* Pages of the victim's memory. */
#define ATTACK_VICTIM_PAGES 48u

enum attack_what {
	ATTACK_READ,
	ATTACK_WRITE,
	ATTACK_EXEC,
	ATTACK_CALL,
	ATTACK_INSTRUCTION,
	ATTACK_LEAK, /* a secret, or memory that is not zero as it must be */
	ATTACK_LOST, /* own data that changed */
};

struct attack_range {
	uint64_t begin, end;
};

#define ATTACK_TARGETS 6u

struct attack_places {
	struct attack_range space;
	struct attack_range own[3];                  /* the attacker's text, constants, variables */
	struct attack_range targets[ATTACK_TARGETS]; /* the kernel's, the victim's */
	uint64_t victim_memory;                      /* ATTACK_VICTIM_PAGES, 0: not known yet */
};

/* What an attacker does: its argument is a seed, shifted by 8, and one of these. */
enum attack_mode {
	ATTACK_SWEEP_READ,  /* every page of the space */
	ATTACK_SWEEP_WRITE,
	ATTACK_SWEEP_EXEC,
	ATTACK_RANDOM,      /* ATTACK_RANDOM_TRIES at random, then something that ends it */
};

#define ATTACK_RANDOM_TRIES 500u

#endif /* TESTS_ATTACK_ATTACK_H */
