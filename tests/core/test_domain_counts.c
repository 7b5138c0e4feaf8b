/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_domain_counts.c - what is counted for domains is true at every moment at which somebody else
 * may look: their pages, how many of these are in frames, and what they may have.
 */
#include "domain_help.h"

#include <mm/charge.h>
#include <mm/domain.h>

#include "audit.h"

static struct k_mem_domain a, b;
static struct rig_counts before;

static void start(uint32_t frames, uint32_t slots)
{
	const struct rig rig = {.frames = frames, .slots = slots};

	rig_start(&rig);
	before = rig_counts();
	domain_start(&a);
	domain_start(&b);
}

static void end(void)
{
	strict_between_set(NULL);
	domain_end(&a);
	domain_end(&b);
	assert_int_equal(qr_charge.kept, 0);
	assert_int_equal(qr_domain_keeper_count, 0);
	assert_int_equal(qr_told.domains, 0);
	domains_check(before);
}

static int limits(struct k_mem_domain *domain, uint32_t max, uint32_t min)
{
	return k_mem_domain_limits_set(domain, max * RIG_PAGE, min * RIG_PAGE);
}

static uint8_t *map(struct k_mem_domain *domain, uint32_t pages)
{
	void *addr = NULL;

	assert_int_equal(k_mem_domain_map(domain, &addr, pages * RIG_PAGE, K_MEM_PERM_RW), 0);
	return addr;
}

static void touch(struct k_mem_domain *domain, uint8_t *memory, uint32_t pages)
{
	for (uint32_t i = 0; i < pages; i++) {
		assert_int_equal(user_write(domain, memory + i * RIG_PAGE, i), 0);
	}
	k_mem_domain_switch(NULL);
}

static uint32_t pages_in(const uint8_t *memory, uint32_t pages)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < pages; i++) {
		count += (page_what(page_number(memory) + i) & ARCH_DATA_PAGE_LOADED) != 0;
	}
	return count;
}

/* ---- the limit ------------------------------------------------------------------------- */

static unsigned int holds, lower_at;
static int lowered;

/* After so many holds of the lock somebody lowers the limit. */
static void lower_the_limit(void)
{
	if (++holds == lower_at) {
		lowered = limits(&a, 2, 0);
	}
}

static void test_limit_is_lowered_while_memory_is_mapped(void **state)
{
	const uint32_t pages = 40;
	unsigned int refused = 0, busy = 0;

	(void)state;
	for (lower_at = 1; busy < 3; lower_at++) {
		void *addr = NULL;
		int status;

		assert_true(lower_at < 100);
		start(20, 200);
		assert_int_equal(limits(&a, pages, 0), 0);
		holds = 0;
		lowered = 0;
		strict_between_set(lower_the_limit);
		status = k_mem_domain_map(&a, &addr, pages * RIG_PAGE, K_MEM_PERM_RW);
		strict_between_set(NULL);
		assert_true(holds >= lower_at);
		if (status == 0) {
			assert_int_equal(lowered, -EBUSY);
			busy++;
		} else {
			assert_int_equal(status, -ENOMEM);
			assert_int_equal(lowered, 0);
			refused++;
		}
		assert_true(a.page_count <= a.page_count_max);
		assert_int_equal(a.page_count, status == 0 ? pages : 0);
		/* the limit holds for what comes after, too */
		assert_int_equal(k_mem_domain_map(&a, &addr, 3 * RIG_PAGE, K_MEM_PERM_RW), -ENOMEM);
		end();
	}
	assert_true(refused > 0);
}

static void test_limit_is_no_size_that_wraps(void **state)
{
	void *addr = NULL;

	(void)state;
	start(20, 200);
	assert_int_equal(limits(&a, 4, 0), 0);
	(void)map(&a, 4);
	for (size_t size = RIG_PAGE; size < CONFIG_KERNEL_VM_SIZE; size *= 2) {
		assert_int_equal(k_mem_domain_map(&a, &addr, size, 0), -ENOMEM);
	}
	assert_int_equal(a.page_count, 4);
	end();
}

/* ---- pages that come and go meanwhile ----------------------------------------------------- */

#define LENT  20u /* pages of a's that b has a partition over */
#define PART  30u /* pages of the kernel's that a has one over */

static uint8_t *lent, *part;

static void out(void *memory, uint32_t pages)
{
	if (memory != NULL) {
		/* -EFAULT: it is being unmapped */
		(void)k_mem_page_out(memory, pages * RIG_PAGE);
	}
}

static void in(uint8_t *memory, uint32_t pages)
{
	for (uint32_t i = 0; memory != NULL && i < pages; i += 3) {
		if (!is_unmapped(page_what(page_number(memory) + i))) {
			(void)rig_write(memory + i * RIG_PAGE, i);
		}
	}
}

/* What somebody does. They do not wait for a change of a domain. */
static void all_out(void)
{
	out(lent, LENT);
	out(part, PART);
}

static void all_in(void)
{
	in(lent, LENT);
	in(part, PART);
}

/* In before the call does anything, then out. */
static void out_of_part(void)
{
	if (holds++ == 0) {
		pages_fill(part, PART);
	} else {
		assert_int_equal(k_mem_page_out(part, PART * RIG_PAGE), 0);
	}
}

static void pinned(void)
{
	if (k_mem_pin(part, PART * RIG_PAGE) == 0) {
		(void)k_mem_unpin(part, PART * RIG_PAGE);
	}
}

static void rights(void)
{
	(void)k_mem_update_flags(part, PART * RIG_PAGE, holds % 2 == 0 ? K_MEM_PERM_RW : 0);
}

/* The memory under the partition becomes another one's, for the kernel to read. */
static void another(void)
{
	uint8_t *was = part;

	if (holds == 2) {
		pages_unmap(part, PART);
		part = pages_map(PART, 0);
		assert_ptr_equal(part, was);
	}
}

static void out_or_in(void)
{
	if (holds % 2 == 0) {
		all_out();
	} else {
		all_in();
	}
}

static void (*meddle)(void);
static bool faults; /* while pages are touched, nobody meddles: it could go on for ever */

static void meddle_and_look(void)
{
	const char *wrong = audit_busy();

	if (wrong != NULL) {
		fail_msg("hold %u: %s", holds, wrong);
	}
	holds++;
	if (!faults) {
		meddle();
	}
}

static void touched(uint8_t *memory, uint32_t pages)
{
	faults = true;
	in(memory, pages);
	faults = false;
}

static void remove_and_add(void)
{
	assert_int_equal(part_remove(&a, part, PART), 0);
	assert_int_equal(part_remove(&b, lent, LENT), 0);
	assert_int_equal(part_add(&b, lent, LENT, U_RO), 0);
	(void)part_add(&a, part, PART, U_RO);
	(void)part_add(&a, part, PART, U_RW);
}

static void map_and_unmap(void)
{
	uint8_t *more = map(&a, 25);

	touched(more, 25);
	assert_int_equal(k_mem_domain_unmap(&a, lent, LENT * RIG_PAGE), 0);
	lent = map(&a, LENT);
	touched(more, 25);
	assert_int_equal(k_mem_domain_unmap(&a, more, 25 * RIG_PAGE), 0);
}

/* The domain ends, and is there again. */
static void end_and_begin(void)
{
	domain_end(&a);
	domain_start(&a);
	assert_int_equal(limits(&a, 60, 2), 0);
	lent = map(&a, LENT);
}

static void (*const operations[])(void) = {remove_and_add, map_and_unmap, end_and_begin};
static void (*const meddlers[])(void) = {all_out, all_in, pinned, rights, another, out_or_in};

static void between_the_holds_of(void (*operation)(void), void (*meddler)(void))
{
	start(30, 200);
	assert_int_equal(limits(&a, 60, 2), 0);
	lent = map(&a, LENT);
	part = pages_map(PART, K_MEM_PERM_RW);
	assert_int_equal(part_add(&a, part, PART, U_RW), 0);
	assert_int_equal(part_add(&b, lent, LENT, U_RW), 0);
	all_in();
	meddle = meddler;
	holds = 0;
	strict_between_set(meddle_and_look);
	operation();
	strict_between_set(NULL);
	assert_ptr_equal(audit(), NULL);
	assert_true(holds > 10);
	touch(&a, lent, LENT);
	pages_unmap(part, PART);
	end();
}

static void test_counts_are_true_between_any_two_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		for (size_t m = 0; m < sizeof(meddlers) / sizeof(meddlers[0]); m++) {
			between_the_holds_of(operations[i], meddlers[m]);
		}
	}
}

/* The same, for the one case that is worth a test of its own. */
static void test_partition_ends_while_its_pages_come_and_go(void **state)
{
	(void)state;
	start(40, 200);
	assert_int_equal(limits(&a, 60, 4), 0);
	lent = map(&a, 4);
	part = pages_map(PART, K_MEM_PERM_RW);
	assert_int_equal(part_add(&a, part, PART, U_RW), 0);
	touch(&a, lent, 4);
	assert_int_equal(a.resident_count, 4);
	holds = 0;
	strict_between_set(out_of_part);
	assert_int_equal(part_remove(&a, part, PART), 0);
	strict_between_set(NULL);
	assert_int_equal(a.resident_count, 4);
	pages_unmap(part, PART);
	end();
}

/* Others leave a domain its minimum also while it unmaps other memory, batch by batch. */
#define OTHER 80u
#define MORE  100u

static uint8_t *other;

static void take_frames(void)
{
	const uint32_t had = pages_in(lent, 4) + pages_in(other, OTHER);

	if (holds++ == 1) {
		assert_true(had > 4 && had < OTHER + 4);
		for (int round = 0; round < 4; round++) {
			pages_fill(part, MORE);
		}
		assert_true(pages_in(lent, 4) + pages_in(other, OTHER) >= 4);
		assert_int_equal(a.resident_count, pages_in(lent, 4) + pages_in(other, OTHER));
	}
}

static void test_minimum_is_kept_while_other_memory_is_unmapped(void **state)
{
	(void)state;
	start(90, 300);
	assert_int_equal(limits(&a, OTHER + 4, 4), 0);
	lent = map(&a, 4);
	other = map(&a, OTHER);
	part = pages_map(MORE, K_MEM_PERM_RW);
	touch(&a, lent, 4);
	touch(&a, other, OTHER);
	assert_int_equal(a.resident_count, OTHER + 4);
	holds = 0;
	strict_between_set(take_frames);
	assert_int_equal(k_mem_domain_unmap(&a, other, OTHER * RIG_PAGE), 0);
	strict_between_set(NULL);
	assert_int_equal(a.resident_count, pages_in(lent, 4));
	pages_unmap(part, MORE);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit_is_lowered_while_memory_is_mapped),
		cmocka_unit_test(test_limit_is_no_size_that_wraps),
		cmocka_unit_test(test_counts_are_true_between_any_two_holds),
		cmocka_unit_test(test_partition_ends_while_its_pages_come_and_go),
		cmocka_unit_test(test_minimum_is_kept_while_other_memory_is_unmapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
