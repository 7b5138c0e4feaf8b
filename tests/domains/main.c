/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - the model of domains (model.h) on the reference kernel: real tables, with the accesses
 * that system calls make for user threads. One thread, no timer, pages go to a RAM store, so
 * nothing happens but the operations. Options: seed=N repeats a run, steps=N. Prints TAP.
 */
#include <quire/user.h>

#include "kernel/kernel.h"
#include "kernel/sched.h"

#include "model.h"

#define STEPS 3000u
#define BYTES sizeof(uint64_t)

static struct thread moved[MODEL_DOMAINS]; /* never run: only moved between domains */

static int domain_init(struct k_mem_domain *domain)
{
	const size_t most = MODEL_PAGES_MAX * (size_t)CONFIG_MMU_PAGE_SIZE;
	const int status = k_mem_domain_init(domain, 0, NULL);

	return status != 0 ? status : k_mem_domain_limits_set(domain, most, 0);
}

static int copy(struct k_mem_domain *domain, void *addr, bool write, uint64_t *word)
{
	int status;

	k_mem_domain_switch(domain);
	status = write ? k_usermode_to_copy(addr, word, BYTES)
		       : k_usermode_from_copy(word, addr, BYTES);
	k_mem_domain_switch(NULL);
	return status;
}

/* As a system call asks first, and then copies. */
static int ask_and_copy(struct k_mem_domain *domain, void *addr, bool write, uint64_t *word)
{
	int status;

	k_mem_domain_switch(domain);
	status = arch_buffer_validate(addr, CONFIG_MMU_PAGE_SIZE, write);
	k_mem_domain_switch(NULL);
	return status != 0 ? status : copy(domain, addr, write, word);
}

/* The first byte says whether the page may be touched at all. */
static int kernel_access(void *addr, bool write, uint64_t *word)
{
	volatile uint64_t *at = addr;
	uint8_t byte = (uint8_t)*word;
	int status = write ? kernel_try_write(addr, byte) : kernel_try_read(addr, &byte);

	if (status == 0 && write) {
		*at = *word;
	} else if (status == 0) {
		*word = *at;
	}
	return status;
}

static void wrong(const char *file, int line, const char *what)
{
	kernel_printf("# %s:%d: %s\nnot ok 1 - every set maps what the kernel maps\n1..1\n", file,
		      line, what);
	kernel_exit(1);
}

int app_main(void)
{
	struct model_machine machine = {
		.has_others = true, /* with KPTI, the trampoline */
		.domain_init = domain_init,
		.user_access = ask_and_copy,
		.copy = copy,
		.kernel_access = kernel_access,
		.wrong = wrong,
	};
	const uint64_t seed = kernel_option_number("seed", 1);
	struct model_counts counts;

	for (size_t i = 0; i < MODEL_DOMAINS; i++) {
		machine.threads[i] = &moved[i];
	}
	kernel_printf("# SEED=%lu\n", seed);
	counts = model_run(&machine, seed, kernel_option_number("steps", STEPS));
	kernel_printf("# %lu operations, %lu accesses, %lu refused, %lu pages of sets checked\n",
		      counts.operations, counts.accesses, counts.refusals, counts.pages_checked);
	kernel_puts("ok 1 - every set maps what the kernel maps\n1..1\n");
	return 0;
}
