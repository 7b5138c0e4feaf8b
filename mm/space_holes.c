/* SPDX-License-Identifier: Apache-2.0 */
/*
 * space_holes.c - holes known by their two ends.
 *
 * Two bits a page: in `starts`, the page is the first of a hole; in `ends`, it is the
 * first behind one. The pages between are not marked, so that a hole of any length is
 * made, moved or removed by two bits. The other end of a hole is found without a search:
 * within a word of 64 pages by the bits; from word to word by two tags, because at most
 * one hole begins in a word and leaves it upwards, and at most one enters it from below
 * and ends there.
 *
 *      pages     ##..##......####|##..............|......##........     # taken
 *      starts      1   1         |  1             |        1
 *      ends          1       1   |                |      1
 *      tags                      |  end_above -------> start_below
 *
 * To find a hole by its length, a tree over the words, 8 children a node, holds the
 * length of the longest hole that begins under a node. It is stored as an array: node
 * 0 is the root, 8i + 1 to 8i + 8 are the children of node i, the leaves are words.
 *
 * Invariants
 *  1. starts and ends alternate; no page has both.
 *  2. A tag is valid while its hole exists; the words of a hole's ends differ.
 *  3. A leaf is the longest hole that begins in its word; any other node is the largest
 *     of its children.
 *
 * An operation changes at most two words in which holes begin, and for each of them one
 * path to the root.
 */
#include "space_holes.h"

#include <quire/bits.h>

struct qr_holes_word qr_holes_word[QR_SPACE_PAGES / 64u + 1u];
uint32_t qr_holes_tree[QR_HOLES_NODES];

void qr_holes_init(void)
{
	for (uint32_t i = 0; i < QR_SPACE_PAGES / 64u + 1u; i++) {
		qr_holes_word[i].starts = 0;
		qr_holes_word[i].ends = 0;
	}
	for (uint32_t i = 0; i < QR_HOLES_NODES; i++) {
		qr_holes_tree[i] = 0;
	}
}

QR_INLINE struct qr_holes_word *word_of(uint32_t page)
{
	return &qr_holes_word[page / 64];
}

QR_INLINE uint64_t bit(uint32_t page)
{
	return UINT64_C(1) << page % 64;
}

/* ---- the other end ------------------------------------------------------------------ */

QR_INLINE uint32_t end_of(uint32_t start)
{
	const struct qr_holes_word *word = word_of(start);
	uint64_t ends = word->ends & -bit(start);

	return ends != 0 ? (start & ~63u) + qr_bit_lowest(ends) : word->end_above;
}

QR_INLINE uint32_t start_of(uint32_t end)
{
	const struct qr_holes_word *word = word_of(end);
	uint64_t starts = word->starts & (bit(end) - 1);

	return starts != 0 ? (end & ~63u) + qr_bit_highest(starts) : word->start_below;
}

QR_INLINE struct qr_pages hole_at(uint32_t start)
{
	return (struct qr_pages){start, end_of(start) - start};
}

uint32_t qr_holes_up(uint32_t page)
{
	return (word_of(page)->starts & bit(page)) != 0 ? end_of(page) - page : 0;
}

uint32_t qr_holes_down(uint32_t page)
{
	return (word_of(page)->ends & bit(page)) != 0 ? page - start_of(page) : 0;
}

/* ---- one word --------------------------------------------------------------------------- */

/* The pages of the word that are in holes which begin in it; bit 63 is one of them
 * where the last hole leaves the word. Each hole is a 1 at its end less a 1 at its start;
 * an end below all starts belongs to a hole from below. */
QR_INLINE uint64_t pages_of(const struct qr_holes_word *word)
{
	return (word->ends & -(word->starts & -word->starts)) - word->starts;
}

/* Of a word with a hole that leaves it: that hole's length. */
QR_INLINE uint32_t leaving_count(const struct qr_holes_word *word)
{
	uint32_t first = (uint32_t)(word - qr_holes_word) * 64;

	return word->end_above - (first + qr_bit_highest(word->starts));
}

/* The longest run of set bits in a word that has any. Bit b of run[k] says that 2^k set
 * bits start at b: the largest k that has any is the first binary digit of the length,
 * the others are tried downwards. */
static uint32_t longest_run(uint64_t word)
{
	uint64_t run[6] = {word};
	uint64_t starts;
	uint32_t length;
	unsigned int k = 0;

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

/* The longest hole that begins in the word. */
static uint32_t word_longest(const struct qr_holes_word *word)
{
	uint64_t pages = pages_of(word);
	uint32_t leaving = 0;
	uint32_t inside;

	if (word->starts == 0) {
		return 0;
	}
	if (pages >> 63 != 0) {
		leaving = leaving_count(word);
		if (leaving >= 64 || (word->starts & (word->starts - 1)) == 0) {
			return leaving;
		}
	}
	inside = longest_run(pages);
	return inside > leaving ? inside : leaving;
}

/* First page, within the word, of the highest hole of at least `count` pages that
 * begins in the word at one of the pages in `mask`; 64: none. */
static uint32_t word_find(const struct qr_holes_word *word, uint64_t mask, uint32_t count)
{
	uint64_t starts = word->starts & mask;
	uint64_t pages = pages_of(word);

	if (starts == 0) {
		return 64;
	}
	if (pages >> 63 != 0 && qr_bit_highest(starts) == qr_bit_highest(word->starts) &&
	    leaving_count(word) >= count) {
		return qr_bit_highest(starts);
	}
	if (count > 64) {
		return 64;
	}
	for (uint32_t length = 1; length < count;) {
		uint32_t step = length < count - length ? length : count - length;

		pages &= pages >> step; /* bit b: length + step pages in a row from b on */
		length += step;
	}
	starts &= pages;
	return starts != 0 ? qr_bit_highest(starts) : 64;
}

/* ---- the tree ----------------------------------------------------------------------------- */

static uint32_t longest_child(uint32_t node)
{
	const uint32_t *child = &qr_holes_tree[8 * node + 1];
	uint32_t longest = 0;

	for (unsigned int i = 0; i < 8; i++) {
		longest = child[i] > longest ? child[i] : longest;
	}
	return longest;
}

/* Holes that begin in the word of this page have changed. */
static void refresh(uint32_t page)
{
	uint32_t i = QR_HOLES_INNER + page / 64;
	uint32_t longest = word_longest(word_of(page));

	while (qr_holes_tree[i] != longest) {
		uint32_t was = qr_holes_tree[i];
		uint32_t parent = (i - 1) / 8;

		qr_holes_tree[i] = longest;
		if (i == 0) {
			return;
		}
		if (longest < qr_holes_tree[parent]) {
			if (was < qr_holes_tree[parent]) {
				return; /* another child is the longest */
			}
			longest = longest_child(parent);
		}
		i = parent;
	}
}

/* The nearest node that is left of node i and has a hole of `count` pages; 0: none. */
static uint32_t left_of(uint32_t i, uint32_t count)
{
	while (i > 0) {
		uint32_t first = (i - 1) / 8 * 8 + 1;

		while (i > first) {
			i--;
			if (qr_holes_tree[i] >= count) {
				return i;
			}
		}
		i /= 8; /* the parent of the first of eight */
	}
	return 0;
}

/* The highest hole of at least `count` pages under a node that has one. */
static void find_under(uint32_t i, uint32_t count, struct qr_pages *hole)
{
	uint32_t word;

	while (i < QR_HOLES_INNER) {
		i = 8 * i + 8;
		while (qr_holes_tree[i] < count) {
			i--;
		}
	}
	word = i - QR_HOLES_INNER;
	*hole = hole_at(64 * word + word_find(&qr_holes_word[word], ~UINT64_C(0), count));
}

bool qr_holes_find(uint32_t count, struct qr_pages *hole)
{
	if (qr_holes_tree[0] < count) {
		return false;
	}
	find_under(0, count, hole);
	return true;
}

bool qr_holes_find_below(uint32_t limit, uint32_t count, struct qr_pages *hole)
{
	uint32_t word = (limit - 1) / 64;
	uint32_t i = QR_HOLES_INNER + word;

	if (qr_holes_tree[i] >= count) {
		uint64_t mask = ~UINT64_C(0) >> (63 - (limit - 1) % 64);
		uint32_t first = word_find(&qr_holes_word[word], mask, count);

		if (first < 64) {
			*hole = hole_at(64 * word + first);
			return true;
		}
	}
	i = left_of(i, count);
	if (i == 0) {
		return false;
	}
	find_under(i, count, hole);
	return true;
}

/* ---- changing ------------------------------------------------------------------------------- */

/* Tell the ends of a hole of each other. */
QR_INLINE void tag(uint32_t start, uint32_t end)
{
	if (start / 64 != end / 64) {
		word_of(start)->end_above = end;
		word_of(end)->start_below = start;
	}
}

struct qr_pages qr_holes_join(struct qr_pages pages)
{
	uint32_t first = pages.first;
	uint32_t end = first + pages.count;
	uint32_t down = qr_holes_down(first);
	uint32_t up = qr_holes_up(end);
	struct qr_pages hole = {first - down, down + pages.count + up};

	QR_ASSERT((word_of(first)->starts & bit(first)) == 0);
	QR_ASSERT((word_of(end)->ends & bit(end)) == 0);
	*(down > 0 ? &word_of(first)->ends : &word_of(first)->starts) ^= bit(first);
	*(up > 0 ? &word_of(end)->starts : &word_of(end)->ends) ^= bit(end);
	tag(hole.first, hole.first + hole.count);
	refresh(hole.first);
	if (up > 0 && end / 64 != hole.first / 64) {
		refresh(end);
	}
	return hole;
}

void qr_holes_cut(struct qr_pages hole, struct qr_pages part)
{
	uint32_t hole_end = hole.first + hole.count;
	uint32_t end = part.first + part.count;

	if (part.first == hole.first) {
		word_of(part.first)->starts ^= bit(part.first);
	} else {
		word_of(part.first)->ends ^= bit(part.first);
		tag(hole.first, part.first);
	}
	if (end == hole_end) {
		word_of(end)->ends ^= bit(end);
	} else {
		word_of(end)->starts ^= bit(end);
		tag(end, hole_end);
	}
	refresh(hole.first);
	if (end != hole_end && end / 64 != hole.first / 64) {
		refresh(end);
	}
}
