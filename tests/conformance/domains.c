/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domains.c - the suite's tests about memory domains: two of them, and the default one, in which
 * user mode touches the same pages one after the other; the kernel touches them in its own set.
 */
#include "cases.h"

#include <quire/domain.h>

#define U_RW K_MEM_PARTITION_P_RW_U_RW
#define U_RO K_MEM_PARTITION_P_RO_U_RO

/* More than there are frames. */
#define MANY (3 * SUITE_FRAMES / 2)

static struct k_mem_domain one, two;

/* ---- accesses of user mode, in a domain ------------------------------------------------------ */

static int user_read_status(struct k_mem_domain *in, const void *addr)
{
	uint64_t word;
	int status;

	env->domain_set(in);
	status = env->user_read(addr, &word);
	env->domain_set(NULL);
	return status;
}

static bool user_reads(struct k_mem_domain *in, const void *addr, uint64_t expected)
{
	uint64_t word = ~expected;
	int status;

	env->domain_set(in);
	status = env->user_read(addr, &word);
	env->domain_set(NULL);
	return status == 0 && word == expected;
}

static int user_writes(struct k_mem_domain *in, void *addr, uint64_t word)
{
	int status;

	env->domain_set(in);
	status = env->user_write(addr, word);
	env->domain_set(NULL);
	return status;
}

static int user_execs(struct k_mem_domain *in, const void *addr)
{
	int status;

	env->domain_set(in);
	status = env->user_exec(addr);
	env->domain_set(NULL);
	return status;
}

/* Nothing of it is open to user mode there. */
static const char *check_closed(struct k_mem_domain *in, void *page)
{
	EXPECT(user_read_status(in, page) == -EACCES);
	EXPECT(user_writes(in, page, 1) == -EACCES);
	EXPECT(user_execs(in, page) == -EACCES);
	return NULL;
}

/* ---- two domains ----------------------------------------------------------------------------- */

static const char *begin(void)
{
	EXPECT(env->domain_init(&one) == 0);
	EXPECT(env->domain_init(&two) == 0);
	return NULL;
}

static const char *end(void)
{
	EXPECT(k_mem_domain_deinit(&two) == 0);
	EXPECT(k_mem_domain_deinit(&one) == 0);
	return NULL;
}

static int add(struct k_mem_domain *domain, void *start, uint32_t pages, uint32_t attr)
{
	const struct k_mem_partition part = {(uintptr_t)start, pages * PAGE, attr};

	return k_mem_domain_add_partition(domain, &part);
}

static int take(struct k_mem_domain *domain, void *start, uint32_t pages)
{
	const struct k_mem_partition part = {(uintptr_t)start, pages * PAGE, 0};

	return k_mem_domain_remove_partition(domain, &part);
}

/* ---- rights ---------------------------------------------------------------------------- */

static const char *partition_opens_a_page_to_one_domain(void)
{
	uint8_t *memory = k_mem_map(3 * PAGE, RW);

	TRY(begin());
	EXPECT(memory != NULL && fill(memory, 3, 10));
	EXPECT(add(&one, memory + PAGE, 1, U_RW) == 0);
	EXPECT(user_reads(&one, word_in(memory, 1), 11));
	EXPECT(user_writes(&one, memory + PAGE, 5) == 0);
	EXPECT(user_execs(&one, memory + PAGE) == -EACCES);
	TRY(check_closed(&one, memory));
	TRY(check_closed(&one, memory + 2 * PAGE));
	TRY(check_closed(&two, memory + PAGE));
	TRY(check_closed(NULL, memory + PAGE));
	EXPECT(reads(memory + PAGE, 5) && filled(memory, 3, 10));
	EXPECT(take(&one, memory + PAGE, 1) == 0);
	TRY(check_closed(&one, memory + PAGE));
	EXPECT(reads(memory + PAGE, 5));
	EXPECT(k_mem_unmap(memory, 3 * PAGE) == 0);
	return end();
}

/* The rights are each domain's own, also where the kernel may do more; the memory is one. */
static const char *partitions_differ_in_rights(void)
{
	uint8_t *memory = k_mem_map(PAGE, RW);

	TRY(begin());
	EXPECT(memory != NULL && env->write(memory, 3) == 0);
	EXPECT(add(&one, memory, 1, U_RO) == 0 && add(&two, memory, 1, U_RW) == 0);
	EXPECT(user_reads(&one, memory, 3) && user_writes(&one, memory, 4) == -EACCES);
	EXPECT(user_writes(&two, memory, 4) == 0 && user_reads(&one, memory, 4));
	EXPECT(user_writes(&one, memory, 5) == -EACCES);
	EXPECT(env->write(memory, 6) == 0);
	EXPECT(user_reads(&one, memory, 6) && user_reads(&two, memory, 6));
	/* what is taken from the mapping is taken from all */
	EXPECT(k_mem_update_flags(memory, PAGE, 0) == 0);
	EXPECT(user_writes(&two, memory, 7) == -EACCES && user_reads(&two, memory, 6));
	EXPECT(k_mem_unmap(memory, PAGE) == 0);
	return end();
}

static const char *partition_over_code_and_large_leaves(void)
{
	uint8_t *code = k_mem_map(PAGE, RW);
	uint8_t *large = map_phys(env->spare_phys, SECOND_LEAF, RW);

	TRY(begin());
	EXPECT(code != NULL && large != NULL);
	env->code_put(code);
	EXPECT(k_mem_update_flags(code, PAGE, EXEC) == 0);
	EXPECT(add(&one, code, 1, K_MEM_PARTITION_P_RX_U_RX) == 0);
	EXPECT(user_execs(&one, code) == 0 && user_writes(&one, code, 1) == -EACCES);
	EXPECT(user_execs(&two, code) == -EACCES);
	EXPECT(fill(large, 4, 40) && add(&two, large + PAGE, 2, U_RW) == 0);
	EXPECT(user_reads(&two, word_in(large, 1), 41));
	EXPECT(user_reads(&two, word_in(large, 2), 42));
	TRY(check_closed(&two, large));
	TRY(check_closed(&two, large + 3 * PAGE));
	TRY(check_closed(&one, large + PAGE));
	EXPECT(user_writes(&two, large + PAGE, 9) == 0 && reads(large + PAGE, 9));
	EXPECT(unmap_phys(large, SECOND_LEAF) == 0 && k_mem_unmap(code, PAGE) == 0);
	return end();
}

/* ---- paging --------------------------------------------------------------------------------- */

static const char *partition_over_pages_that_are_out(void)
{
	uint8_t *memory = k_mem_map(4 * PAGE, RW);

	TRY(begin());
	EXPECT(memory != NULL && fill(memory, 3, 50)); /* the last was never touched */
	EXPECT(k_mem_page_out(memory, 3 * PAGE) == 0);
	EXPECT(add(&one, memory, 4, U_RW) == 0 && add(&two, memory, 2, U_RO) == 0);
	EXPECT(user_reads(&one, word_in(memory, 0), 50));
	EXPECT(user_reads(&two, word_in(memory, 0), 50));
	EXPECT(user_writes(&two, memory + PAGE, 1) == -EACCES);
	EXPECT(user_read_status(&two, memory + 2 * PAGE) == -EACCES);
	EXPECT(user_writes(&one, memory + PAGE, 7) == 0 && user_reads(&two, memory + PAGE, 7));
	EXPECT(user_reads(&one, memory + 3 * PAGE, 0));
	EXPECT(user_writes(&one, memory + 3 * PAGE, 8) == 0);
	EXPECT(k_mem_page_out(memory, 4 * PAGE) == 0);
	EXPECT(reads(memory + PAGE, 7) && reads(memory + 3 * PAGE, 8) && filled(memory, 3, 50));
	EXPECT(user_reads(&one, memory + 3 * PAGE, 8));
	EXPECT(k_mem_unmap(memory, 4 * PAGE) == 0);
	return end();
}

/* Memory that user mode asked for is its domain's alone, and is gone with it. */
static const char *memory_of_a_domain_is_its_own(void)
{
	void *memory = NULL;
	size_t free_before = k_mem_free_get();

	TRY(begin());
	EXPECT(k_mem_domain_map(&one, &memory, PAGE, RW) == 0);
	EXPECT(user_reads(&one, memory, 0) && user_writes(&one, memory, 12) == 0);
	EXPECT(user_read_status(&one, (uint8_t *)memory - PAGE) == -EFAULT);
	EXPECT(user_read_status(&one, (uint8_t *)memory + PAGE) == -EFAULT);
	TRY(check_closed(&two, memory));
	EXPECT(k_mem_page_out(memory, PAGE) == 0);
	EXPECT(user_reads(&one, memory, 12));
	TRY(end());
	EXPECT(env->write(memory, 1) == -EFAULT && k_mem_free_get() == free_before);
	return NULL;
}

static const char *bits_through_any_set_are_seen(void)
{
	const uint32_t both = ARCH_DATA_PAGE_ACCESSED | ARCH_DATA_PAGE_DIRTY;
	uint8_t *memory = k_mem_map(PAGE, RW);

	TRY(begin());
	EXPECT(memory != NULL && env->write(memory, 1) == 0);
	EXPECT(add(&one, memory, 1, U_RO) == 0 && add(&two, memory, 1, U_RW) == 0);
	for (uint64_t round = 0; round < 3; round++) {
		EXPECT(k_mem_page_out(memory, PAGE) == 0 && reads(memory, round + 1));
		EXPECT((info_get(memory, true) & both) == ARCH_DATA_PAGE_ACCESSED);
		EXPECT((info_get(memory, false) & both) == 0);
		EXPECT(user_reads(&one, memory, round + 1));
		EXPECT((info_get(memory, true) & both) == ARCH_DATA_PAGE_ACCESSED);
		EXPECT(user_reads(&two, memory, round + 1));
		EXPECT((info_get(memory, true) & both) == ARCH_DATA_PAGE_ACCESSED);
		EXPECT((info_get(memory, false) & both) == 0);
		EXPECT(user_writes(&two, memory, round + 2) == 0);
		EXPECT((info_get(memory, true) & both) == both);
		EXPECT((info_get(memory, false) & both) == ARCH_DATA_PAGE_DIRTY);
	}
	EXPECT(k_mem_unmap(memory, PAGE) == 0);
	return end();
}

/* ---- laws (docs/architecture.md) that each machine must show for itself --------------------- */

/* Pages move from frame to frame: whoever touches one, in whatever set, is in the same frame. */
static const char *L11_sets_agree_where_a_page_is(void)
{
	uint8_t *memory = k_mem_map(4 * PAGE, RW), *others = k_mem_map(MANY * PAGE, RW);

	TRY(begin());
	EXPECT(memory != NULL && others != NULL && fill(memory, 4, 60));
	EXPECT(add(&one, memory, 4, U_RW) == 0 && add(&two, memory + PAGE, 3, U_RW) == 0);
	for (uint64_t round = 0; round < 4; round++) {
		for (uint32_t i = 1; i < 4; i++) {
			uint8_t *page = memory + i * PAGE;

			EXPECT(user_writes(i % 2 ? &one : &two, page, round) == 0);
			EXPECT(user_reads(i % 2 ? &two : &one, page, round) && reads(page, round));
			EXPECT(env->write(page, round + 100) == 0);
			EXPECT(user_reads(&one, page, round + 100));
			EXPECT(user_reads(&two, page, round + 100));
		}
		EXPECT(fill(others, MANY, round) && k_mem_page_out(memory, 4 * PAGE) == 0);
	}
	EXPECT(k_mem_unmap(memory, 4 * PAGE) == 0 && k_mem_unmap(others, MANY * PAGE) == 0);
	return end();
}

/* What the three queries say of a page. */
struct answer {
	enum arch_page_location at;
	uint32_t info;
	uintptr_t location, phys;
};

static struct answer ask(void *addr)
{
	struct answer answer = {.at = location_get(addr, &answer.location)};

	answer.info = info_get(addr, false);
	answer.phys = phys_of(addr);
	if (answer.at == ARCH_PAGE_LOCATION_BAD) {
		answer.location = 0; /* not set */
	}
	return answer;
}

static bool same(struct answer a, struct answer b)
{
	return a.at == b.at && a.info == b.info && a.location == b.location && a.phys == b.phys;
}

#define ASKED 8u

static void ask_all(void *const pages[ASKED], struct answer answers[ASKED])
{
	for (size_t i = 0; i < ASKED; i++) {
		answers[i] = ask(pages[i]);
	}
}

/* Each answer is what it was, with the set current. Nothing else runs meanwhile. */
static bool answers_same(struct k_mem_domain *set, void *const pages[ASKED],
			 const struct answer before[ASKED])
{
	qr_port_key_t key = qr_port_irq_lock();
	struct answer now[ASKED];
	bool all = true;

	k_mem_domain_switch(set);
	ask_all(pages, now);
	k_mem_domain_switch(NULL);
	qr_port_irq_unlock(key);
	for (size_t i = 0; i < ASKED; i++) {
		all = same(now[i], before[i]) && all;
	}
	return all;
}

/* Queries ask the kernel's tables, not those that are current, and change nothing in them. */
static const char *L13_queries_do_not_depend_on_the_current_set(void)
{
	uint8_t *memory = k_mem_map(4 * PAGE, RW);
	uint8_t *large = map_phys(env->spare_phys, SECOND_LEAF, RW);
	/* out, written, only read, never touched, a guard, a page of a large leaf, the image's */
	void *const pages[ASKED] = {
		memory, memory + PAGE, memory + 2 * PAGE, memory + 3 * PAGE, memory - PAGE,
		large + PAGE, env->data, (void *)(uintptr_t)env->text,
	};
	struct answer before[ASKED];
	qr_port_key_t key;

	EXPECT(memory != NULL && large != NULL && fill(memory, 2, 90));
	EXPECT(k_mem_page_out(memory, PAGE) == 0 && reads(memory + 2 * PAGE, 0));
	ask_all(pages, before);
	EXPECT(before[0].at == ARCH_PAGE_LOCATION_PAGED_OUT &&
	       before[1].at == ARCH_PAGE_LOCATION_PAGED_IN &&
	       before[4].at == ARCH_PAGE_LOCATION_BAD);
	key = qr_port_irq_lock();
	arch_mem_start();
	qr_port_irq_unlock(key);
	EXPECT(answers_same(NULL, pages, before));
	TRY(begin());
	EXPECT(add(&one, memory, 4, U_RW) == 0 && add(&two, memory, 3, U_RO) == 0);
	EXPECT(add(&two, large, 2, U_RW) == 0);
	ask_all(pages, before);
	EXPECT(answers_same(&one, pages, before) && answers_same(&two, pages, before));
	EXPECT(answers_same(&k_mem_domain_default, pages, before));
	EXPECT(answers_same(NULL, pages, before));
	TRY(end());
	EXPECT(unmap_phys(large, SECOND_LEAF) == 0 && k_mem_unmap(memory, 4 * PAGE) == 0);
	return NULL;
}

const struct suite_case suite_domain_cases[SUITE_DOMAIN_CASES] = {
	TEST_WITH(CONFIG_USERSPACE, partition_opens_a_page_to_one_domain),
	TEST_WITH(CONFIG_USERSPACE, partitions_differ_in_rights),
	TEST_WITH(CONFIG_USERSPACE, partition_over_code_and_large_leaves),
	TEST_WITH(CONFIG_USERSPACE, partition_over_pages_that_are_out),
	TEST_WITH(CONFIG_USERSPACE, memory_of_a_domain_is_its_own),
	TEST_WITH(CONFIG_USERSPACE, bits_through_any_set_are_seen),
	TEST_WITH(CONFIG_USERSPACE, L11_sets_agree_where_a_page_is),
	TEST_WITH(CONFIG_USERSPACE, L13_queries_do_not_depend_on_the_current_set),
};
