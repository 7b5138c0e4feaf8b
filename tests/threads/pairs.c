/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs.c - see pairs.h. A place is told by the functions that are active when the lock is let
 * go: the innermost one that is not part of letting go or of waiting, and the first beyond it
 * that is not static.
 */
#include "pairs.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arch/emu/emu.h>

#include "fiber.h"

#define DEPTH_MAX     14u
#define FRAME_MAX     0x8000u /* bytes */
#define ADDRESSES_MAX 4096u /* a power of two */
#define PLACES_MAX    512u
#define NAME_MAX      64u
#define INTERRUPT     (FIBERS_MAX + 1u)

enum kind { ORDINARY, PUBLIC, WAITING, TRANSFER, OUTSIDE };

/* What is known of a return address. */
struct address {
	const void *address;
	enum kind kind;
	char name[NAME_MAX];
};

struct place {
	const struct address *inner, *outer;
	bool transfer;
	char name[2 * NAME_MAX + 8];
	unsigned long left;
	unsigned long met[PAIRS_OPS_MAX];
	uint32_t longest;
};

static struct address addresses[ADDRESSES_MAX];
static struct place places[PLACES_MAX];
static unsigned int place_count;
static const char *const *op_names;
static unsigned int op_count;

/* Each fiber, fiber 0 being the caller of fibers_run, and the interrupt. */
static struct {
	int op;
	struct place *place; /* where it let go of the lock, and has not taken it again */
} who[FIBERS_MAX + 2];

static uint64_t blocks, blocks_at_lock;

/* Called by the instrumented code at the beginning of each basic block. */
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
	blocks++;
}

/* ---- places -------------------------------------------------------------------------- */

static bool is_one_of(const char *name, const char *const *list)
{
	while (*list != NULL && strcmp(name, *list) != 0) {
		list++;
	}
	return *list != NULL;
}

static enum kind kind_of(const char *name)
{
	static const char *const waiting[] = {
		"qr_wait", "qr_sleep_known", "qr_breathe", "qr_unlock", "qr_cluster_worked",
		"qr_policy_idle", "qr_frame_zero", "k_mem_scratch_close", NULL};
	static const char *const transfers[] = {"submit", "wait_room", "qr_store_transfer",
						"qr_store_transfer_run", "qr_store_copy",
						NULL};

	if (is_one_of(name, waiting)) {
		return WAITING;
	}
	if (is_one_of(name, transfers)) {
		return TRANSFER;
	}
	if (strncmp(name, "k_mem_", 6) == 0 || strncmp(name, "qr_", 3) == 0) {
		return PUBLIC;
	}
	return ORDINARY;
}

static const struct address *address_find(const void *address)
{
	uint32_t at = (uint32_t)((uintptr_t)address * UINT64_C(0x9e3779b97f4a7c15) >> 40);
	struct address *here;

	for (;; at++) {
		here = &addresses[at % ADDRESSES_MAX];
		if (here->address == address) {
			return here;
		}
		if (here->address == NULL) {
			break;
		}
	}
	here->address = address;
	emu_place_name(address, here->name, sizeof(here->name));
	here->name[strcspn(here->name, "+")] = '\0';
	here->kind = kind_of(here->name);
	return here;
}

static struct place *place_find(const struct address *inner, const struct address *outer,
				bool transfer)
{
	struct place *place;

	for (unsigned int i = 0; i < place_count; i++) {
		place = &places[i];
		if (place->transfer == transfer && strcmp(place->inner->name, inner->name) == 0 &&
		    strcmp(place->outer->name, outer->name) == 0) {
			return place;
		}
	}
	if (place_count == PLACES_MAX) {
		abort();
	}
	place = &places[place_count++];
	*place = (struct place){.inner = inner, .outer = outer, .transfer = transfer};
	if (inner == outer) {
		snprintf(place->name, sizeof(place->name), "%s%s", inner->name,
			 transfer ? "..." : "");
	} else {
		snprintf(place->name, sizeof(place->name), "%s<%s%s", inner->name, outer->name,
			 transfer ? "..." : "");
	}
	return place;
}

/* The place whose function called the one with this frame. */
static struct place *place_of(const void *frame)
{
	const struct address *inner = NULL;
	bool transfer = false;

	for (unsigned int depth = 0; depth < DEPTH_MAX; depth++) {
		const void *const *words = frame;
		const struct address *address = address_find(words[1]);

		transfer = transfer || (inner == NULL && address->kind == TRANSFER);
		if (inner == NULL && address->kind != WAITING && address->kind != TRANSFER) {
			inner = address;
		}
		if (inner != NULL && address->kind == PUBLIC) {
			return place_find(inner, address, transfer);
		}
		/* the frame of a caller lies above, on the same stack */
		if ((uintptr_t)words[0] - (uintptr_t)frame - 1 >= FRAME_MAX) {
			break;
		}
		frame = words[0];
	}
	return inner != NULL ? place_find(inner, inner, transfer) : NULL;
}

/* ---- counting ------------------------------------------------------------------------ */

static void released(const void *frame, bool interrupt)
{
	unsigned int self = interrupt ? INTERRUPT : fibers_self() + 1;
	uint32_t hold = (uint32_t)(blocks - blocks_at_lock);
	struct place *place = place_of(frame);

	if (place == NULL) {
		return;
	}
	place->left++;
	place->longest = hold > place->longest ? hold : place->longest;
	who[self].place = who[self].op >= 0 ? place : NULL;
}

static void locked(bool interrupt)
{
	unsigned int self = interrupt ? INTERRUPT : fibers_self() + 1;

	who[self].place = NULL;
	for (unsigned int i = 0; who[self].op >= 0 && i < INTERRUPT; i++) {
		if (who[i].place != NULL) {
			who[i].place->met[who[self].op]++;
		}
	}
	blocks_at_lock = blocks;
}

void pairs_start(const char *const *ops, unsigned int count)
{
	static const struct fibers_watch watch = {released, locked};

	op_names = ops;
	op_count = count;
	for (unsigned int i = 0; i <= INTERRUPT; i++) {
		who[i].op = -1;
		who[i].place = NULL;
	}
	fibers_watch(&watch);
}

int pairs_op(int op, int interrupt)
{
	unsigned int self = interrupt ? INTERRUPT : fibers_self() + 1;
	int was = who[self].op;

	who[self].op = op;
	who[self].place = NULL;
	return was;
}

/* ---- what was tried ------------------------------------------------------------------- */

unsigned long pairs_tried(const char *place, unsigned int op)
{
	unsigned long sum = 0;

	for (unsigned int i = 0; i < place_count; i++) {
		if (strncmp(places[i].name, place, strlen(place)) == 0) {
			sum += places[i].met[op];
		}
	}
	return sum;
}

uint32_t pairs_longest(const char **place)
{
	uint32_t longest = 0;

	for (unsigned int i = 0; i < place_count; i++) {
		if (places[i].longest > longest) {
			longest = places[i].longest;
			*place = places[i].name;
		}
		places[i].longest = 0;
	}
	return longest;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct place *)a)->name, ((const struct place *)b)->name);
}

void pairs_print(void)
{
	unsigned int tried = 0;

	qsort(places, place_count, sizeof(places[0]), by_name);
	for (unsigned int i = 0; i < place_count; i++) {
		printf("# %7lu %5u %s, never:", places[i].left, places[i].longest, places[i].name);
		for (unsigned int op = 0; op < op_count; op++) {
			tried += places[i].met[op] > 0;
			if (places[i].met[op] == 0) {
				printf(" %s", op_names[op]);
			}
		}
		printf("\n");
	}
	printf("# %u places, %u operations: %u of %u pairs were tried\n", place_count, op_count,
	       tried, place_count * op_count);
}
