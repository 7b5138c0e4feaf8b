/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fiber_domains.c - domains get and lose memory and partitions, and end, while other threads
 * fault on the same pages, evict, pin and unpin them, change their rights and map more: switched at
 * random, wherever the lock is let go. What is counted for domains is looked at all the time.
 */
#include <tests/core/audit.h>
#include <tests/core/domain_help.h>
#include <tests/unit/parts_help.h>

#include "fiber.h"

#define ROUNDS 40u
#define SHARED 24u /* pages of the kernel's that both domains have partitions over */
#define MEMORY 12u

static struct k_mem_domain a, b;
static uint8_t *shared;
static uint8_t *lent; /* a's memory at the moment, or NULL */

static void look(void)
{
	const char *wrong = audit_busy();

	if (wrong != NULL) {
		fail_msg("%s", wrong);
	}
}

static void touch(uint8_t *memory, uint32_t pages)
{
	for (uint32_t i = 0; i < pages; i++) {
		(void)rig_write(memory + i * RIG_PAGE, i); /* unless a right is gone, or the page */
	}
}

static void memory_of_a(void)
{
	void *addr;

	if (k_mem_domain_map(&a, &addr, MEMORY * RIG_PAGE, K_MEM_PERM_RW) == 0) {
		lent = addr;
		touch(lent, MEMORY);
		fibers_yield();
		lent = NULL;
		assert_int_equal(k_mem_domain_unmap(&a, addr, MEMORY * RIG_PAGE), 0);
	}
}

static void partitions_of_a(void)
{
	if (part_add(&a, shared, SHARED, U_RO) == 0) {
		fibers_yield();
		assert_int_equal(part_remove(&a, shared, SHARED), 0);
	}
}

/* A domain's whole life. */
static void life_of_b(void)
{
	void *addr;

	domain_start(&b);
	(void)part_add(&b, shared, SHARED, U_RO);
	if (k_mem_domain_limits_set(&b, MEMORY * RIG_PAGE, RIG_PAGE) == 0 &&
	    k_mem_domain_map(&b, &addr, MEMORY * RIG_PAGE, K_MEM_PERM_RW) == 0) {
		touch(addr, MEMORY);
	}
	domain_end(&b);
}

static void out_and_in(void)
{
	(void)k_mem_page_out(shared, SHARED * RIG_PAGE);
	if (lent != NULL) {
		(void)k_mem_page_out(lent, MEMORY * RIG_PAGE);
	}
	touch(shared, SHARED);
}

static void pins_and_rights(void)
{
	if (k_mem_pin(shared, 3 * RIG_PAGE) == 0) {
		assert_int_equal(k_mem_unpin(shared, 3 * RIG_PAGE), 0);
	}
	(void)k_mem_update_flags(shared, SHARED * RIG_PAGE, 0);
	(void)k_mem_update_flags(shared, SHARED * RIG_PAGE, K_MEM_PERM_RW);
	(void)k_mem_domain_limits_set(&a, 2 * MEMORY * RIG_PAGE, random_below(4) * RIG_PAGE);
}

static void more(void)
{
	uint8_t *memory = k_mem_map(2 * SHARED * RIG_PAGE, K_MEM_PERM_RW);

	if (memory != NULL) {
		touch(memory, 2 * SHARED);
		pages_unmap(memory, 2 * SHARED);
	}
	look();
}

static void (*const bodies[])(void) = {memory_of_a, partitions_of_a, life_of_b,
				       out_and_in,  pins_and_rights, more};
#define FIBERS ((unsigned int)(sizeof(bodies) / sizeof(bodies[0])))

static void body(unsigned int self)
{
	for (uint32_t i = 0; i < ROUNDS; i++) {
		bodies[self]();
		if (i % 4 == 0) {
			look();
		}
	}
}

static void test_domains_change_while_their_pages_move(void **state)
{
	const struct rig rig = {.frames = 40, .slots = 300};

	(void)state;
	random_start();
	for (int round = 0; round < 6; round++) {
		struct rig_counts before;

		rig_start(&rig);
		rig_store.late = 2;
		before = rig_counts();
		domain_start(&a);
		assert_int_equal(k_mem_domain_limits_set(&a, 2 * MEMORY * RIG_PAGE, RIG_PAGE), 0);
		shared = pages_map(SHARED, K_MEM_PERM_RW);
		(void)random_below(2); /* another seed each time */
		fibers_run(FIBERS, body, random_state);
		pages_unmap(shared, SHARED);
		domain_end(&a);
		domains_check(before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_domains_change_while_their_pages_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
