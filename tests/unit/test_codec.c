/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_codec.c - the law of the codec, for one entry format and configuration:
 *
 *     decode(encode(v, l), l) == v  for every legal v;   decode(0, l).kind == NONE
 *
 * tried on all combinations of the boolean fields, at all levels, with all cache modes, on
 * edge and random addresses and tokens; that no two views share an entry follows. The same for
 * the operations of pagetable/masks.h, each of which is decoding, changing the view and encoding.
 * Then what the law cannot see: entries typed from the manual (golden.h), the linear address, the
 * accessed bit, and what views are legal.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "entry.h"
#include "golden.h"

#include <pagetable/masks.h>

#define RANDOM_VALUES 64

/* The boolean fields of a view as bits. */
enum field {
	WRITE = 1,
	EXEC = 2,
	USER = 4,
	LAST = 8,
	ACCESSED = 16,
	DIRTY = 32,
	COW = 64,
	GLOBAL = 128,
	FIELDS_END = 256,
};

static uint64_t random_state;
static uint64_t checked_count;

QR_NORETURN void qr_port_panic(const char *what)
{
	fail_msg("panic: %s", what);
	__builtin_trap();
}

/* splitmix64 */
static uint64_t random_next(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static bool views_equal(const struct qr_view *a, const struct qr_view *b)
{
	return a->kind == b->kind && a->address == b->address && a->token == b->token &&
	       a->cache == b->cache && a->write == b->write && a->exec == b->exec &&
	       a->user == b->user && a->last == b->last && a->accessed == b->accessed &&
	       a->dirty == b->dirty && a->cow == b->cow && a->global == b->global;
}

static void print_view(const char *who, const struct qr_view *v)
{
	print_message("# %s: kind %u address %" PRIx64 " token %" PRIx32 " cache %u w%u x%u u%u "
		      "last%u a%u d%u cow%u g%u\n",
		      who, v->kind, v->address, v->token, v->cache, v->write, v->exec, v->user,
		      v->last, v->accessed, v->dirty, v->cow, v->global);
}

static void check_view(struct qr_view view, unsigned int level)
{
	const qr_entry_t entry = entry_encode(view, level);
	const struct qr_view back = entry_decode(entry, level);

	checked_count++;
	if (!views_equal(&view, &back) || (view.kind != QR_NONE && entry == 0)) {
		print_view("view", &view);
		print_view("back", &back);
		fail_msg("level %u: entry %" PRIx64 " does not come back as it went", level, entry);
	}
}

static struct qr_view with_fields(struct qr_view view, unsigned int fields)
{
	view.write = fields & WRITE;
	view.exec = fields & EXEC;
	view.user = fields & USER;
	view.last = fields & LAST;
	view.accessed = fields & ACCESSED;
	view.dirty = fields & DIRTY;
	view.cow = fields & COW;
	view.global = fields & GLOBAL;
	return view;
}

/* All combinations of everything but the address and the token: those that are legal
 * must come back. */
static void check_all(uint8_t kind, uint64_t address, uint32_t token, unsigned int level)
{
	for (unsigned int cache = 0; cache < 8; cache++) {
		for (unsigned int fields = 0; fields < FIELDS_END; fields++) {
			const struct qr_view view = with_fields(
				(struct qr_view){.kind = kind,
						 .address = address,
						 .token = token,
						 .cache = (uint8_t)cache},
				fields);

			if (entry_legal(&view, level)) {
				check_view(view, level);
			}
		}
	}
}

/* The i-th of the addresses to try for entries whose addresses have `shift` zeros: each
 * bit alone, all of them, none, and random ones. */
static uint64_t address_of(unsigned int i, unsigned int shift)
{
	const uint64_t all = (((uint64_t)1 << ENTRY_PA_BITS) - 1) & ~(((uint64_t)1 << shift) - 1);

	if (i < 64) {
		return ((uint64_t)1 << i) & all;
	}
	return i == 64 ? all : random_next() & all;
}

static uint32_t token_of(unsigned int i)
{
	if (i < 32) {
		return 1u << i;
	}
	return i == 32 ? 0 : i == 33 ? UINT32_MAX : (uint32_t)random_next();
}

static unsigned int shift_of(unsigned int level)
{
	return ENTRY_PAGE_SHIFT + level * ENTRY_INDEX_BITS;
}

static void test_law_leaves(void **state)
{
	(void)state;
	checked_count = 0;
	for (unsigned int level = 0; level < ENTRY_LEVELS; level++) {
		for (unsigned int i = 0; i < 65 + RANDOM_VALUES; i++) {
			check_all(QR_LEAF, address_of(i, shift_of(level)), 0, level);
		}
	}
	/* user, last, accessed and global freely: 16. Without write: exec and dirty freely, 4;
	 * with it: clean, dirty, cow, 3 */
	assert_int_equal(checked_count, ENTRY_LEAF_LEVELS * (65 + RANDOM_VALUES) * 16 * (4 + 3) *
						__builtin_popcount(ENTRY_CACHE_MODES));
}

static void test_law_tables(void **state)
{
	(void)state;
	checked_count = 0;
	for (unsigned int level = 0; level < ENTRY_LEVELS; level++) {
		for (unsigned int i = 0; i < 65 + RANDOM_VALUES; i++) {
			check_all(QR_TABLE, address_of(i, ENTRY_PAGE_SHIFT), 0, level);
		}
	}
	assert_int_equal(checked_count, (ENTRY_LEVELS - 1) * (65 + RANDOM_VALUES));
}

static void test_law_tokens(void **state)
{
	(void)state;
	checked_count = 0;
	for (unsigned int level = 0; level < ENTRY_LEVELS; level++) {
		for (unsigned int i = 0; i < 34 + RANDOM_VALUES; i++) {
			check_all(QR_TOKEN, 0, token_of(i), level);
		}
	}
	/* write, exec, user, last; not write with exec */
	assert_int_equal(checked_count, 12 * (34 + RANDOM_VALUES));
}

static void test_law_none(void **state)
{
	(void)state;
	checked_count = 0;
	for (unsigned int level = 0; level < ENTRY_LEVELS; level++) {
		const struct qr_view none = {.kind = QR_NONE};
		const struct qr_view back = entry_decode(0, level);

		assert_true(views_equal(&none, &back));
		check_all(QR_NONE, 0, 0, level);
	}
	assert_int_equal(checked_count, ENTRY_LEVELS);
}

static bool golden_applies(const struct golden *g)
{
	return (ENTRY_CACHE_MODES >> g->view.cache & 1) &&
	       (g->view.kind != QR_LEAF || g->level < ENTRY_LEAF_LEVELS);
}

static void test_golden(void **state)
{
	size_t used = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
		const struct golden *g = &golden[i];
		const struct qr_view back = entry_decode(g->raw, g->level);

		if (!golden_applies(g)) {
			continue;
		}
		assert_true(entry_legal(&g->view, g->level));
		if (!views_equal(&g->view, &back)) {
			print_view("golden", &g->view);
			print_view("decoded", &back);
			fail_msg("golden entry %zu: %" PRIx64 " is decoded otherwise", i, g->raw);
		}
		if (entry_encode(g->view, g->level) != g->raw) {
			fail_msg("golden entry %zu: encoded as %" PRIx64 ", not %" PRIx64, i,
				 entry_encode(g->view, g->level), g->raw);
		}
		used++;
	}
	assert_true(used >= 10);
}

/* encode(address + size) - encode(address) is one number for a level. */
static void test_linear_address(void **state)
{
	(void)state;
	for (unsigned int level = 0; level < ENTRY_LEAF_LEVELS; level++) {
		const uint64_t size = (uint64_t)1 << shift_of(level);
		const uint64_t last = ((uint64_t)1 << ENTRY_PA_BITS) - size;
		struct qr_view zero = {.kind = QR_LEAF};
		struct qr_view one = {.kind = QR_LEAF, .address = size};
		const qr_entry_t step = entry_encode(one, level) - entry_encode(zero, level);

		for (unsigned int i = 0; i < 4096; i++) {
			struct qr_view a = with_fields((struct qr_view){.kind = QR_LEAF},
						       random_next() & 0xff);
			struct qr_view b = a;

			a.address = address_of(65 + i, shift_of(level));
			if (a.address == last) {
				continue;
			}
			b.address = a.address + size;
			assert_int_equal(entry_encode(b, level) - entry_encode(a, level), step);
		}
	}
}

/* So are tokens, as long as they do not wrap around; and their mark is a bit of its own. */
static void test_linear_tokens(void **state)
{
	const qr_entry_t zero = entry_encode((struct qr_view){.kind = QR_TOKEN}, 0);
	const qr_entry_t step =
		entry_encode((struct qr_view){.kind = QR_TOKEN, .token = 1}, 0) - zero;
	const qr_entry_t mark =
		entry_encode((struct qr_view){.kind = QR_TOKEN, .last = true}, 0) - zero;

	(void)state;
	for (unsigned int i = 0; i < 4096; i++) {
		struct qr_view a = with_fields(
			(struct qr_view){.kind = QR_TOKEN, .token = (uint32_t)random_next()},
			random_next() & (WRITE | USER));
		struct qr_view b = a;
		const uint32_t more = (uint32_t)random_next() % (UINT32_MAX - a.token + 1u);

		b.token += more;
		b.last = true;
		assert_int_equal(entry_encode(b, 0) - entry_encode(a, 0), step * more + mark);
	}
}

/* Accessed is one bit of a page's entry, the same one whatever the other fields are, which alone
 * says it: what may be flipped without decoding the rest. Set or clear, as the format has it. */
static void test_accessed_is_a_bit_of_its_own(void **state)
{
	const struct qr_view bare = {.kind = QR_LEAF};
	const qr_entry_t bit =
		entry_encode(bare, 0) ^ entry_encode(with_fields(bare, ACCESSED), 0);
	unsigned int tried = 0;

	(void)state;
	assert_int_equal(__builtin_popcountll(bit), 1);
	for (unsigned int i = 0; i < 1u << 16; i++) {
		const unsigned int fields = random_next() % FIELDS_END;
		struct qr_view idle = with_fields(bare, fields & ~(unsigned int)ACCESSED);
		struct qr_view used;

		idle.address = address_of(i % 128, shift_of(0));
		idle.cache = (uint8_t)(random_next() % 8);
		if (!entry_legal(&idle, 0)) {
			continue;
		}
		used = idle;
		used.accessed = true;
		assert_true(entry_legal(&used, 0));
		assert_int_equal(entry_encode(idle, 0) ^ entry_encode(used, 0), bit);
		tried++;
	}
	assert_true(tried > 1000);
}

/* So is global. */
static void test_global_is_a_bit_of_its_own(void **state)
{
	const struct qr_view bare = {.kind = QR_LEAF};
	const qr_entry_t bit = entry_encode(bare, 0) ^ entry_encode(with_fields(bare, GLOBAL), 0);

	(void)state;
	assert_int_equal(__builtin_popcountll(bit), 1);
	for (unsigned int fields = 0; fields < FIELDS_END; fields++) {
		const struct qr_view global = with_fields(bare, fields | GLOBAL);
		const struct qr_view local = with_fields(bare, fields & ~(unsigned int)GLOBAL);

		if (entry_legal(&global, 0)) {
			assert_int_equal(entry_encode(global, 0) ^ entry_encode(local, 0), bit);
		}
	}
}

/* ---- masks.h: each operation is what it is with views ------------------------------------ */

static void expect_entry(const char *what, struct qr_view from, struct qr_view to, qr_entry_t is)
{
	checked_count++;
	if (is != entry_encode(to, 0)) {
		print_view("from", &from);
		print_view("to", &to);
		fail_msg("%s: entry %" PRIx64 ", not %" PRIx64, what, is, entry_encode(to, 0));
	}
}

/* What the core is to see of a view, by the words of quire/arch.h. */
static arch_page_t page_of(struct qr_view view)
{
	arch_page_t page = 0;

	if (view.kind == QR_NONE) {
		return ARCH_DATA_PAGE_NOT_MAPPED;
	}
	page |= view.write ? ARCH_PAGE_RW : 0;
	page |= view.exec ? ARCH_PAGE_EXEC : 0;
	page |= view.user ? ARCH_PAGE_USER : 0;
	page |= view.last ? ARCH_PAGE_LAST : 0;
	if (view.kind == QR_TOKEN) {
		return page | (arch_page_t)view.token << 12;
	}
	page |= view.accessed ? ARCH_DATA_PAGE_ACCESSED : 0;
	page |= view.dirty ? ARCH_DATA_PAGE_DIRTY : 0;
	page |= view.cow ? ARCH_PAGE_COW : 0;
	return page | view.address | ARCH_DATA_PAGE_LOADED;
}

/* A token with the rights and `last` of any view. */
static struct qr_view token_like(struct qr_view view, uint32_t token)
{
	return (struct qr_view){
		.kind = QR_TOKEN,
		.token = token,
		.write = view.write,
		.exec = view.exec,
		.user = view.user,
		.last = view.last,
	};
}

static void check_leaf_bits(struct qr_view view, unsigned int set, unsigned int clear)
{
	const uint32_t to_set = (set & ACCESSED ? ARCH_DATA_PAGE_ACCESSED : 0) |
				(set & DIRTY ? ARCH_DATA_PAGE_DIRTY : 0);
	const uint32_t to_clear = (clear & ACCESSED ? ARCH_DATA_PAGE_ACCESSED : 0) |
				  (clear & DIRTY ? ARCH_DATA_PAGE_DIRTY : 0);
	struct qr_view to = view;

	to.accessed = (view.accessed || (set & ACCESSED)) && !(clear & ACCESSED);
	to.dirty = (view.dirty || (set & DIRTY)) && !(clear & DIRTY);
	if (entry_legal(&to, 0)) {
		expect_entry("bits", view, to,
			     qr_leaf_with_bits(entry_encode(view, 0), to_set, to_clear));
	}
}

static void check_leaf_masks(struct qr_view view)
{
	const qr_entry_t leaf = entry_encode(view, 0);
	const uint32_t token = token_of((unsigned int)(random_next() % 64));

	assert_true(qr_is_leaf(leaf) && !qr_is_token(leaf));
	assert_int_equal(qr_is_accessed(leaf), view.accessed);
	assert_int_equal(qr_is_dirty(leaf), view.dirty);
	assert_int_equal(qr_is_cow(leaf), view.cow);
	assert_int_equal(qr_is_global(leaf), view.global);
	assert_int_equal(qr_is_last(leaf), view.last);
	assert_int_equal(qr_may_write(leaf), view.write && !view.cow);
	assert_int_equal(qr_entry_page(leaf), page_of(view));
	assert_int_equal(qr_leaf_bits(leaf), page_of(view) & (ARCH_DATA_PAGE_ACCESSED |
							      ARCH_DATA_PAGE_DIRTY));
	for (unsigned int i = 0; i < 16; i++) {
		check_leaf_bits(view, (i & 3) * ACCESSED, (i >> 2) * ACCESSED);
	}
	expect_entry("to token", view, token_like(view, token), qr_leaf_to_token(leaf, token));
}

static void test_masks_of_leaves(void **state)
{
	(void)state;
	_Static_assert(DIRTY == 2 * ACCESSED, "check_leaf_masks counts in both");
	checked_count = 0;
	for (unsigned int i = 0; i < 65 + RANDOM_VALUES; i++) {
		for (unsigned int fields = 0; fields < FIELDS_END * 8; fields++) {
			struct qr_view view =
				with_fields((struct qr_view){.kind = QR_LEAF}, fields % FIELDS_END);

			view.address = address_of(i, shift_of(0));
			view.cache = (uint8_t)(fields / FIELDS_END);
			if (entry_legal(&view, 0)) {
				check_leaf_masks(view);
			}
		}
	}
	/* of the 7 above a cow leaf may not become dirty, by 4 of 16 */
	assert_int_equal(checked_count, (65 + RANDOM_VALUES) * 16 *
						(6 * 17 + 13) *
						__builtin_popcount(ENTRY_CACHE_MODES));
}

/* A token that becomes a leaf, in all ways. */
static void check_token_to_leaf(struct qr_view view, uint64_t phys)
{
	for (unsigned int i = 0; i < 16; i++) {
		const uint32_t flags = (i & 1 ? ARCH_MEM_ACCESSED : 0) |
				       (i & 2 ? ARCH_MEM_DIRTY : 0) | (i & 4 ? ARCH_MEM_COW : 0);
		struct qr_view to = view;

		to.kind = QR_LEAF;
		to.token = 0;
		to.address = phys;
		to.accessed = i & 1;
		to.dirty = i & 2;
		to.cow = (i & 4) && view.write;
		to.global = i & 8;
		if (entry_legal(&to, 0)) {
			expect_entry("to leaf", view, to,
				     qr_leaf_refusing(qr_token_to_leaf(entry_encode(view, 0), phys,
								       flags, to.global),
						      flags));
		}
	}
}

static void test_masks_of_tokens(void **state)
{
	(void)state;
	checked_count = 0;
	assert_true(!qr_is_leaf(0) && !qr_is_token(0));
	assert_int_equal(qr_entry_page(0), ARCH_DATA_PAGE_NOT_MAPPED);
	for (unsigned int i = 0; i < 65 + RANDOM_VALUES; i++) {
		for (unsigned int fields = 0; fields < ACCESSED; fields++) {
			const struct qr_view view = with_fields(
				(struct qr_view){.kind = QR_TOKEN, .token = token_of(i)}, fields);
			const qr_entry_t token = entry_encode(view, 0);
			const uint32_t other = token_of((unsigned int)(random_next() % 64));

			if (!entry_legal(&view, 0)) {
				continue;
			}
			assert_true(!qr_is_leaf(token) && qr_is_token(token));
			assert_int_equal(qr_may_write(token), view.write);
			assert_int_equal(qr_entry_page(token), page_of(view));
			expect_entry("token", view, token_like(view, other),
				     qr_token_with(token, other));
			check_token_to_leaf(view, address_of(i, shift_of(0)));
		}
	}
	/* 8 without `write`, of 16; 4 with it, of 12, as cow and dirty exclude each other */
	assert_int_equal(checked_count, (65 + RANDOM_VALUES) * (8 * 17 + 4 * 13));
}

static void expect_illegal(struct qr_view view, unsigned int level)
{
	if (entry_legal(&view, level)) {
		print_view("view", &view);
		fail_msg("legal at level %u", level);
	}
}

static struct qr_view leaf_at(uint64_t address)
{
	return (struct qr_view){.kind = QR_LEAF, .address = address};
}

static void test_illegal_leaves(void **state)
{
	struct qr_view view = leaf_at(0);

	(void)state;
	expect_illegal(view, ENTRY_LEAF_LEVELS);
	for (unsigned int level = 0; level < ENTRY_LEAF_LEVELS; level++) {
		assert_true(entry_legal(&view, level));
		expect_illegal(leaf_at((uint64_t)1 << (shift_of(level) - 1)), level);
		expect_illegal(leaf_at((uint64_t)1 << ENTRY_PA_BITS), level);
		expect_illegal((struct qr_view){.kind = QR_LEAF, .token = 1}, level);
		expect_illegal(with_fields(view, WRITE | EXEC), level);
		expect_illegal(with_fields(view, COW), level);
		expect_illegal(with_fields(view, COW | WRITE | DIRTY), level);
	}
	for (unsigned int cache = 0; cache < 256; cache++) {
		view.cache = (uint8_t)cache;
		assert_int_equal(entry_legal(&view, 0),
				 cache <= K_MEM_CACHE_NONE && (ENTRY_CACHE_MODES >> cache & 1));
	}
}

/* Fields that a kind does not have, and levels that do not have it. */
static void test_illegal_fields(void **state)
{
	const struct qr_view table = {.kind = QR_TABLE, .address = 0x1000};
	const struct qr_view token = {.kind = QR_TOKEN, .token = 7};
	const struct qr_view none = {.kind = QR_NONE};

	(void)state;
	assert_true(entry_legal(&table, 1));
	assert_true(entry_legal(&token, 0));
	expect_illegal(table, 0);
	expect_illegal(table, ENTRY_LEVELS);
	expect_illegal(token, 1);
	expect_illegal(none, ENTRY_LEVELS);
	expect_illegal((struct qr_view){.kind = QR_TOKEN + 1}, 0);
	expect_illegal((struct qr_view){.kind = QR_TABLE, .address = 0x800}, 1);
	expect_illegal((struct qr_view){.kind = QR_TABLE, .address = (uint64_t)1 << ENTRY_PA_BITS},
		       1);
	expect_illegal((struct qr_view){.kind = QR_TABLE, .token = 1}, 1);
	expect_illegal((struct qr_view){.kind = QR_TABLE, .cache = 1}, 1);
	expect_illegal((struct qr_view){.kind = QR_TOKEN, .address = 0x1000}, 0);
	expect_illegal((struct qr_view){.kind = QR_TOKEN, .cache = 1}, 0);
	expect_illegal((struct qr_view){.kind = QR_NONE, .address = 0x1000}, 0);
	expect_illegal((struct qr_view){.kind = QR_NONE, .token = 1}, 0);
	expect_illegal((struct qr_view){.kind = QR_NONE, .cache = 1}, 0);
	for (unsigned int field = 1; field < FIELDS_END; field *= 2) {
		expect_illegal(with_fields(table, field), 1);
		expect_illegal(with_fields(none, field), 0);
	}
	for (unsigned int field = ACCESSED; field < FIELDS_END; field *= 2) {
		expect_illegal(with_fields(token, field), 0);
	}
	expect_illegal(with_fields(token, WRITE | EXEC), 0);
}

/* A walker must fault on all that maps nothing: the bit that says "present" is bit 0 in every
 * format. Bit 1 beside it says on some machines of what kind an entry is, and other software that
 * reads the tables may take a kind that it does not know for a mistake: a token has neither. Where
 * bit 0 alone says it (x86_64), bit 1 may be what it is in a leaf. */
static void test_a_token_is_no_kind_of_present_entry(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 34 + RANDOM_VALUES; i++) {
		for (unsigned int fields = 0; fields < 16; fields++) {
			const struct qr_view token = with_fields(
				(struct qr_view){.kind = QR_TOKEN, .token = token_of(i)}, fields);

			assert_int_equal(entry_encode(token, 0) & 3 & ~ENTRY_TOKEN_LOW, 0);
		}
	}
	assert_int_equal(entry_encode((struct qr_view){.kind = QR_LEAF}, 0) & 1, 1);
	assert_int_equal(entry_encode((struct qr_view){.kind = QR_TABLE}, 1) & 1, 1);
}

int main(void)
{
	const char *seed = getenv("SEED");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_law_leaves),
		cmocka_unit_test(test_law_tables),
		cmocka_unit_test(test_law_tokens),
		cmocka_unit_test(test_law_none),
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_linear_address),
		cmocka_unit_test(test_linear_tokens),
		cmocka_unit_test(test_accessed_is_a_bit_of_its_own),
		cmocka_unit_test(test_global_is_a_bit_of_its_own),
		cmocka_unit_test(test_masks_of_leaves),
		cmocka_unit_test(test_masks_of_tokens),
		cmocka_unit_test(test_illegal_leaves),
		cmocka_unit_test(test_illegal_fields),
		cmocka_unit_test(test_a_token_is_no_kind_of_present_entry),
	};

	random_state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
	printf("# SEED=%" PRIu64 "\n", random_state);
	fflush(stdout);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
