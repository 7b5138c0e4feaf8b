/* SPDX-License-Identifier: Apache-2.0 */
/*
 * space_tree.c - a bitmap under a tree of summaries.
 *
 * One bit a page, set where the page is in a hole; 64 pages a word. Above the words
 * stands a binary tree, stored as an array: node 1 is the root, nodes 2i and 2i + 1
 * are the lower and upper half of node i, node LEAVES + w summarises word w. A node
 * says how many pages are free at its low end, in its longest run, at its high end:
 *
 *        pages  0 1 1 0 1 1 1 0 | 1 0 0 0 0 0 1 1
 *        node        (0, 3, 0)  |  (1, 2, 2)
 *        parent             (0, 3, 2)             3 = max(3, 2, 0 + 1)
 *
 * Invariants
 *  1. A node whose pages are all alike (longest is 0 or its size) speaks for everything
 *     under it: what is stored there may be stale and is not read. Every other node
 *     is the sum of its two children, and a leaf of its word.
 *  2. Pages beyond the end of the space are never free.
 *
 * By (1) a range of any length is changed by rewriting the two paths from its ends to
 * the root and the nodes that hang between them, which become uniform: at most
 * 4 * HEIGHT nodes. It is also why initialising takes one store.
 */
#include "mm/space_tree.h"

enum {
	HEIGHT = QR_SPACE_HEIGHT,
	/* Nodes looked at in one search. Exact fits need at most 2 * HEIGHT on the way
	 * to the run and as many to its lower end; the bound is for aligned ones. */
	FIND_VISITS = 4 * HEIGHT + 4,
};
#define LEAVES QR_SPACE_LEAVES
#define SPAN (LEAVES * 64u)

struct qr_space_node qr_space_node[2u * LEAVES];
static uint64_t words[QR_SPACE_WORDS];

static const struct qr_space_node none;

void qr_space_tree_init(void)
{
	qr_space_node[1] = none;
}

/* ---- summaries ------------------------------------------------------------------ */

/* The longest run of set bits. Bit b of run[k] says that 2^k set bits start at b: the
 * largest k that has any gives the leading binary digit, the others are tried downwards. */
static uint32_t longest_run(uint64_t word)
{
	uint64_t run[6];
	uint64_t starts;
	uint32_t length;
	unsigned int k = 0;

	run[0] = word;
	while (k < 5 && (run[k] & run[k] >> (1u << k)) != 0) {
		run[k + 1] = run[k] & run[k] >> (1u << k);
		k++;
	}
	starts = run[k];
	length = 1u << k;
	while (k-- > 0) {
		if ((starts & run[k] >> length) != 0) {
			starts &= run[k] >> length;
			length += 1u << k;
		}
	}
	return length;
}

static struct qr_space_node word_sum(uint64_t word)
{
	if (word == 0) {
		return none;
	}
	if (~word == 0) {
		return (struct qr_space_node){64, 64, 64};
	}
	return (struct qr_space_node){
		.low = (uint32_t)__builtin_ctzll(~word),
		.longest = longest_run(word),
		.high = (uint32_t)__builtin_clzll(~word),
	};
}

/* Recompute a node from its children, each of `half` pages; false: nothing changed. */
QR_INLINE bool sum(uint32_t node, uint32_t half)
{
	const struct qr_space_node *lower = &qr_space_node[2 * node];
	const struct qr_space_node *upper = &qr_space_node[2 * node + 1];
	const struct qr_space_node was = qr_space_node[node];
	uint32_t low = lower->low == half ? half + upper->low : lower->low;
	uint32_t high = upper->high == half ? half + lower->high : upper->high;
	uint32_t longest = lower->high + upper->low;

	longest = longest > lower->longest ? longest : lower->longest;
	longest = longest > upper->longest ? longest : upper->longest;
	qr_space_node[node] = (struct qr_space_node){low, longest, high};
	return low != was.low || longest != was.longest || high != was.high;
}

/* Give children, each of `half` pages, the state of a uniform node. */
QR_INLINE void push_down(uint32_t node, uint32_t half)
{
	uint32_t longest = qr_space_node[node].longest;

	if (longest == 0 || longest == 2 * half) {
		struct qr_space_node child = {longest / 2, longest / 2, longest / 2};

		qr_space_node[2 * node] = child;
		qr_space_node[2 * node + 1] = child;
	}
}

/* ---- changing ------------------------------------------------------------------------ */

/* Flip the pages of one leaf that are set in `mask`. */
static void leaf_set(uint32_t leaf, uint64_t mask, bool free)
{
	uint32_t longest = qr_space_node[leaf].longest;
	uint64_t word = longest == 0 ? 0 : longest == 64 ? ~UINT64_C(0) : words[leaf - LEAVES];

	QR_ASSERT((word & mask) == (free ? 0 : mask));
	word ^= mask;
	words[leaf - LEAVES] = word;
	qr_space_node[leaf] = word_sum(word);
}

/* Make all `size` pages of a node alike. */
QR_INLINE void node_set(uint32_t node, uint32_t size, bool free)
{
	uint32_t run = free ? size : 0;

	QR_ASSERT(qr_space_node[node].longest == size - run);
	qr_space_node[node] = (struct qr_space_node){run, run, run};
}

void qr_space_tree_set(struct qr_pages pages, bool free)
{
	uint32_t last = pages.first + pages.count - 1;
	uint32_t a = LEAVES + pages.first / 64; /* nodes of the ends of the range, */
	uint32_t b = LEAVES + last / 64;        /* first on the level of the leaves */
	uint64_t mask_a = ~UINT64_C(0) << pages.first % 64;
	uint64_t mask_b = ~UINT64_C(0) >> (63 - last % 64);

	for (unsigned int level = HEIGHT; level > 0; level--) {
		push_down(a >> level, 32u << level);
		if (a >> level != b >> level) {
			push_down(b >> level, 32u << level);
		}
	}
	if (a == b) {
		leaf_set(a, mask_a & mask_b, free);
	} else {
		leaf_set(a, mask_a, free);
		leaf_set(b, mask_b, free);
	}
	for (unsigned int level = 0; level < HEIGHT; level++) {
		uint32_t size = 64u << level;

		if ((a ^ b) > 1) { /* not yet under one parent: what is between them */
			if (a % 2 == 0) {
				node_set(a + 1, size, free);
			}
			if (b % 2 == 1) {
				node_set(b - 1, size, free);
			}
		}
		a /= 2;
		b /= 2;
		if (a != b) {
			sum(a, size);
			sum(b, size);
		} else if (!sum(a, size)) {
			return;
		}
	}
}

/* ---- looking ------------------------------------------------------------------------- */

/* The same search within one leaf, for runs that touch neither of its ends. */
static bool leaf_find(uint32_t leaf, struct qr_space_want want, struct qr_pages *found)
{
	uint64_t word = words[leaf - LEAVES];
	uint64_t starts = word & ~UINT64_C(0) >> qr_space_node[leaf].high;

	for (uint32_t length = 1; length < want.count && starts != 0;) {
		uint32_t step = length < want.count - length ? length : want.count - length;

		starts &= starts >> step; /* bit b: length + step free pages start at b */
		length += step;
	}
	while (starts != 0) {
		uint32_t start = 63 - (uint32_t)__builtin_clzll(starts);
		uint32_t first = start + 1 - (uint32_t)__builtin_clzll(~(word << (63 - start)));
		struct qr_pages run = {
			(leaf - LEAVES) * 64 + first,
			start + want.count - first,
		};

		if (first == 0) {
			return false;
		}
		if (qr_space_fit(run, want) >= 0) {
			*found = run;
			return true;
		}
		starts &= (UINT64_C(1) << first) - 1;
	}
	return false;
}

/* From the highest page to the lowest, over subtrees that are as large as they can be:
 * one that holds no run long enough is passed by its summary. `run` is the free run
 * that begins where the search has got to. */
bool qr_space_tree_find(struct qr_space_want want, struct qr_pages *found)
{
	struct qr_pages run = {SPAN, 0};
	uint32_t i = 1;

	for (unsigned int visit = 0; visit < FIND_VISITS; visit++) {
		const struct qr_space_node *node = &qr_space_node[i];
		unsigned int shift = 6 + HEIGHT - (31 - (unsigned int)__builtin_clz(i));
		uint32_t size = 1u << shift;

		if (node->low == size) {
			run.first -= size;
			run.count += size;
		} else {
			struct qr_pages closed = {run.first - node->high, run.count + node->high};

			if (closed.count >= want.count && qr_space_fit(closed, want) >= 0) {
				*found = closed;
				return true;
			}
			if (node->longest >= want.count && i < LEAVES) {
				i = 2 * i + 1;
				continue;
			}
			if (node->longest >= want.count && leaf_find(i, want, found)) {
				return true;
			}
			run.first = (i << shift) - SPAN;
			run.count = node->low;
		}
		i >>= __builtin_ctz(i); /* up to the first ancestor that is an upper half */
		if (i == 1) {
			*found = run;
			return qr_space_fit(run, want) >= 0;
		}
		i--;
	}
	return false;
}

/* Down to the page, counting in `beyond` the free run that begins where the node ends. */
uint32_t qr_space_tree_free_up(uint32_t page)
{
	uint32_t i = 1;
	uint32_t end = SPAN;
	uint32_t beyond = 0;
	uint32_t length;

	if (page >= QR_SPACE_PAGES) {
		return 0;
	}
	for (uint32_t size = SPAN;; size /= 2) {
		uint32_t half = size / 2;
		uint32_t longest = qr_space_node[i].longest;

		if (longest == 0) {
			return 0;
		}
		if (longest == size) {
			return end - page + beyond;
		}
		if (i >= LEAVES) {
			break;
		}
		i = 2 * i + 1;
		if (page < end - half) {
			uint32_t low = qr_space_node[i].low;

			beyond = low == half ? half + beyond : low;
			end -= half;
			i--;
		}
	}
	length = (uint32_t)__builtin_ctzll(~(words[i - LEAVES] >> page % 64));
	return page + length == end ? length + beyond : length;
}

/* The mirror image. */
uint32_t qr_space_tree_free_down(uint32_t page)
{
	uint32_t i = 1;
	uint32_t first = 0;
	uint32_t beyond = 0;
	uint32_t length;

	if (page == 0) {
		return 0;
	}
	for (uint32_t size = SPAN;; size /= 2) {
		uint32_t half = size / 2;
		uint32_t longest = qr_space_node[i].longest;

		if (longest == 0) {
			return 0;
		}
		if (longest == size) {
			return page - first + beyond;
		}
		if (i >= LEAVES) {
			break;
		}
		i = 2 * i;
		if (page > first + half) {
			uint32_t high = qr_space_node[i].high;

			beyond = high == half ? half + beyond : high;
			first += half;
			i++;
		}
	}
	length = (uint32_t)__builtin_clzll(~(words[i - LEAVES] << (63 - (page - 1) % 64)));
	return page - length == first ? length + beyond : length;
}
