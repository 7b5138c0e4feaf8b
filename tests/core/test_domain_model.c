/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_domain_model.c - the model of domains (tests/domains/model.h) on the emulated machine.
 * SEED=n repeats a run, STEPS=n makes it longer.
 */
#include "help.h"

#include <stdio.h>
#include <stdlib.h>

#include <quire/domain.h>
#include <quire/user.h>

#include <tests/domains/model.h>

#include "audit.h"

/* Of each test. The build of a million has more of them (mk/core.mk). */
#ifndef DOMAIN_MODEL_STEPS
#define DOMAIN_MODEL_STEPS 4000
#endif

static int domain_init(struct k_mem_domain *domain)
{
	const int status = k_mem_domain_init(domain, 0, NULL);

	return status != 0 ? status
			   : k_mem_domain_limits_set(domain, MODEL_PAGES_MAX * RIG_PAGE, 0);
}

/* The set stays current now and then, until the next access. */
static void leave(const uint64_t *word)
{
	static unsigned int count;

	if ((++count ^ *word) & 1) {
		k_mem_domain_switch(NULL);
	}
}

static int user_access(struct k_mem_domain *domain, void *addr, bool write, uint64_t *word)
{
	int status;

	k_mem_domain_switch(domain);
	status = write ? emu_write((uintptr_t)addr, word, sizeof(*word), K_MEM_FAULT_USER)
		       : emu_read((uintptr_t)addr, word, sizeof(*word), K_MEM_FAULT_USER);
	assert_int_equal(arch_buffer_validate(addr, RIG_PAGE, write), status);
	leave(word);
	return status;
}

/* Two pages of the kernel's, paged like any. */
static uint8_t *side;

/* Somewhere in them, also across both; now and then they are out. */
static uint8_t *side_next(void)
{
	static uint32_t count;

	count = count * 1103515245u + 12345u;
	k_mem_domain_switch(NULL);
	if ((count >> 16) % 3 == 0) {
		(void)!k_mem_page_out(side, 2 * RIG_PAGE);
	}
	return side + RIG_PAGE - 16 + (count >> 20) % 24;
}

/* The kernel's side is on the test's stack, or in pageable memory. */
static int copy(struct k_mem_domain *domain, void *addr, bool write, uint64_t *word)
{
	uint8_t *at = *word & 2 ? side_next() : (uint8_t *)word;
	const bool own = at != (uint8_t *)word;
	int status;

	if (own) {
		assert_int_equal(emu_write((uintptr_t)at, word, sizeof(*word), 0), 0);
	}
	k_mem_domain_switch(domain);
	status = write ? k_usermode_to_copy(addr, at, sizeof(*word))
		       : k_usermode_from_copy(at, addr, sizeof(*word));
	if (own) {
		k_mem_domain_switch(NULL);
		assert_int_equal(emu_read((uintptr_t)at, word, sizeof(*word), 0), 0);
		k_mem_domain_switch(domain);
	}
	leave(word);
	return status;
}

static int kernel_access(void *addr, bool write, uint64_t *word)
{
	k_mem_domain_switch(NULL);
	return write ? rig_write(addr, *word) : rig_read(addr, word);
}

static void say_wrong(const char *file, int line, const char *what)
{
	fail_msg("%s:%d: %s", file, line, what);
}

static unsigned long option(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoul(text, NULL, 0) : otherwise;
}

static void run(bool software_flags, uint64_t seed)
{
	static struct k_mem_domain *threads[MODEL_DOMAINS];
	const struct rig rig = {
		.frames = 60, .slots = 400, .second_bank = true, .ram = RIG_RAM(seed),
		.software_flags = software_flags};
	struct model_machine machine = {
		.domain_init = domain_init,
		.user_access = user_access,
		.copy = copy,
		.kernel_access = kernel_access,
		.wrong = say_wrong,
	};
	struct model_counts counts;
	struct rig_counts before;
	const char *wrong;

	for (size_t i = 0; i < MODEL_DOMAINS; i++) {
		threads[i] = NULL;
		machine.threads[i] = &threads[i];
	}
	rig_start(&rig);
	printf("# SEED=%ju, RAM at %#jx\n", (uintmax_t)seed, (uintmax_t)rig_phys);
	before = rig_counts();
	side = k_mem_map(2 * RIG_PAGE, K_MEM_PERM_RW);
	assert_non_null(side);
	counts = model_run(&machine, seed, option("STEPS", DOMAIN_MODEL_STEPS));
	printf("# %lu operations, %lu accesses, %lu refused, %lu pages of sets checked\n",
	       counts.operations, counts.accesses, counts.refusals, counts.pages_checked);
	wrong = audit();
	if (wrong != NULL) {
		fail_msg("%s", wrong);
	}
	k_mem_domain_switch(NULL);
	assert_int_equal(k_mem_unmap(side, 2 * RIG_PAGE), 0);
	rig_counts_equal(before, rig_counts());
	rig_check();
}

static void test_hardware_bits(void **state)
{
	(void)state;
	run(false, option("SEED", 1));
}

static void test_software_bits(void **state)
{
	(void)state;
	run(true, option("SEED", 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hardware_bits),
		cmocka_unit_test(test_software_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
