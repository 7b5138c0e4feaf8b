/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h - domains under random operations (laws L11 to L13): after each one, every set of tables
 * must map all memory that the operations mapped to where the kernel's tables map it, with the
 * rights that a naive model predicts; after every MODEL_WHOLE-th one the whole space is looked at.
 *
 * The same on the emulated machine (tests/core/test_domain_model.c) and on the reference kernel
 * (main.c). What differs is this machine. The core is started, with a paging store; nobody else
 * changes mappings during a run, and nobody else's accesses change what pages are in frames.
 */
#ifndef TESTS_DOMAINS_MODEL_H
#define TESTS_DOMAINS_MODEL_H

#include <quire/compiler.h>
#include <quire/domain.h>

#define MODEL_DOMAINS 4u
#define MODEL_WHOLE   64u

/* An access that could not be tried: too little memory for what tries it. */
#define MODEL_UNTRIED 1

struct model_machine {
	/* The sets have more than the model's memory: a program that makes accesses. */
	bool has_others;

	/* A domain that is ready for accesses, and may have MODEL_PAGES_MAX anonymous pages of the
	 * model's. */
	int (*domain_init)(struct k_mem_domain *domain);

	/* Eight bytes, at the beginning of a page, faults served: in user mode and in the domain;
	 * by quire/user.h for a thread there; by the kernel. 0 or the error that refused it. */
	int (*user_access)(struct k_mem_domain *domain, void *addr, bool write, uint64_t *word);
	int (*copy)(struct k_mem_domain *domain, void *addr, bool write, uint64_t *word);
	int (*kernel_access)(void *addr, bool write, uint64_t *word);

	/* Threads to be moved between domains, in none of them yet. */
	void *threads[MODEL_DOMAINS];

	/* The model is wrong, or the core. */
	void (*wrong)(const char *file, int line, const char *what);
};

#define MODEL_PAGES_MAX 64u

struct model_counts {
	unsigned long operations;
	unsigned long accesses; /* that were allowed */
	unsigned long refusals;
	unsigned long pages_checked; /* once for each set */
};

/* So many random operations from this seed on. Ends domains, threads' memberships and mappings. */
struct model_counts model_run(const struct model_machine *machine, uint64_t seed,
			      unsigned long steps);

#endif /* TESTS_DOMAINS_MODEL_H */
