/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suite.h - one conformance suite for every port: what the core, its page tables and an MMU do
 * together. It runs unchanged on the emulated machine, with each entry format, and on the
 * reference kernel; what differs is this environment. It prints TAP, and before it what the
 * column of the table at the end of `make test` is called (tools/tap_matrix.py): machine, entry
 * format, who sets accessed and dirty.
 *
 *     # conformance emu arm64 software
 *
 * The core is started, with a paging store that has room for a few hundred pages, and about
 * SUITE_FRAMES frames are free.
 */
#ifndef TESTS_CONFORMANCE_SUITE_H
#define TESTS_CONFORMANCE_SUITE_H

#include <quire/compiler.h>
#include <quire/domain.h>

#define SUITE_FRAMES 64u

struct suite_env {
	const char *machine;
	const char *format;
	const char *flags; /* who sets accessed and dirty: "hardware" or "software" */

	/* A line of output, without its end. */
	void (*print)(const char *line);

	/* Access eight bytes, which lie in one page, through the MMU; faults are served.
	 * 0, or k_mem_page_fault's error. */
	int (*read)(const void *addr, uint64_t *word);
	int (*write)(void *addr, uint64_t word);

	/* Call the code at addr. */
	int (*exec)(const void *addr);

	/* The same in user mode, in the domain that was set last; NULL, and at first: where no
	 * partition opens anything of the suite's. A domain is prepared by domain_init, with a
	 * limit of a few pages. */
	int (*domain_init)(struct k_mem_domain *domain);
	void (*domain_set)(struct k_mem_domain *domain);
	int (*user_read)(const void *addr, uint64_t *word);
	int (*user_write)(void *addr, uint64_t word);
	int (*user_exec)(const void *addr);

	/* The CPU can keep the kernel from executing user mode's code, and from its memory. */
	bool fences_user_code;
	bool fences_user_memory;

	/* Write code that returns to addr, which is writable, for a call from elsewhere. */
	void (*code_put)(void *addr);

	/* Pieces of the image, a page or more each: code that returns, constants, variables, and
	 * a buffer made by K_MEM_PINNED_BUFFER_DEFINE. */
	const void *text;
	const void *rodata;
	void *data;
	void *pinned_buffer;
	size_t pinned_bytes;

	/* RAM that the core does not have, a multiple of 2 MiB and at least 4 MiB. */
	uintptr_t spare_phys;
	size_t spare_bytes;
};

/* Run all of it; how many tests failed. `first` is the number of the first one, so that several
 * runs can share a plan; suite_count() tests are printed by each. */
unsigned int suite_run(const struct suite_env *env, unsigned int first);
unsigned int suite_count(void);

#endif /* TESTS_CONFORMANCE_SUITE_H */
