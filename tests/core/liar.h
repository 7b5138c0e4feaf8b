/* SPDX-License-Identifier: Apache-2.0 */
/*
 * liar.h - between the core and a store: one that does as it should, late, but for one lie.
 */
#ifndef TESTS_CORE_LIAR_H
#define TESTS_CORE_LIAR_H

#include <stdbool.h>

#include <quire/store.h>

enum liar_lie {
	LIAR_TRUTH,
	LIAR_TWICE,          /* `done` twice, at once */
	LIAR_AFTER_ERROR,    /* submit() answers that it failed, `done` is called all the same */
	LIAR_AFTER_COMPLETE, /* the same, it is complete */
	LIAR_AFTER_FULL,     /* the same, no room */
	LIAR_INSIDE,         /* `done` from inside submit(), which then answers as it should */
	LIAR_INSIDE_ERROR,   /* the same, and answers that it failed */
	LIAR_INSIDE_COMPLETE,
	LIAR_STRANGER,       /* `done` of what was never given to it */
	LIAR_POSITIVE,       /* `done` with a positive status */
	LIAR_UNKNOWN,        /* `done` with a number that is none */
	LIAR_ANSWER_POSITIVE,
	LIAR_ANSWER_WILD,    /* no errno value either */
	LIAR_ANSWER_ERRNO,   /* some driver's error */
	LIAR_SLOT_BEYOND,    /* reserve() gives a slot that there is not */
	LIAR_SLOTS_MORE,     /* more slots than there are */
	LIAR_LIES,
};

extern struct liar {
	enum liar_lie lie; /* told once, for the next transfer or slot; then LIAR_TRUTH */
	int taken;         /* how it answers that it took a transfer */
	unsigned int told;
	struct k_mem_io *waiting;
} liar;

/* Come between the core and its store of this index; after rig_start(). */
void liar_start(unsigned int store);

/* The same for any store. */
void liar_wrap(struct k_mem_store *store);

/* It has no poll() from now on. */
void liar_poll_none(void);

/* End what was taken. */
void liar_poll(void);

#endif /* TESTS_CORE_LIAR_H */
