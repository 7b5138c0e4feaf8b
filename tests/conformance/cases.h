/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cases.h - what the files with tests of the suite have in common: a test is a function that
 * returns NULL, or suite_skip, or the first thing that was not so; it leaves no mapping behind
 * when it passes.
 */
#ifndef TESTS_CONFORMANCE_CASES_H
#define TESTS_CONFORMANCE_CASES_H

#include "suite.h"

#include <quire/arch.h>
#include <quire/mm.h>
#include <quire/paging.h>
#include <quire/port.h>

struct suite_case {
	const char *name;
	const char *(*run)(void);
	bool possible;
};
#define TEST(function) {#function, function, true}
/* A test that a build without a feature has nothing for. */
#define TEST_WITH(feature, function) {#function, function, (feature) != 0}

/* About memory domains; domains.c */
#define SUITE_DOMAIN_CASES 8u
extern const struct suite_case suite_domain_cases[SUITE_DOMAIN_CASES];

/* About copies from and to user memory; copies.c */
#define SUITE_COPY_CASES 4u
extern const struct suite_case suite_copy_cases[SUITE_COPY_CASES];

extern const char suite_skip[];
extern const struct suite_env *suite_env;
#define env suite_env

#define PAGE ((size_t)CONFIG_MMU_PAGE_SIZE)
#define RW   K_MEM_PERM_RW
#define EXEC K_MEM_PERM_EXEC
#define USER K_MEM_PERM_USER

#define EXPECT(condition)                                                \
	do {                                                             \
		if (!(condition)) {                                      \
			return "line " QR_STR(__LINE__) ": " #condition; \
		}                                                        \
	} while (0)

/* A test that returns its first failure. */
#define TRY(call)                         \
	do {                              \
		const char *why_ = call;  \
		if (why_ != NULL) {       \
			return why_;      \
		}                         \
	} while (0)

/* ---- accesses ------------------------------------------------------------------------ */

static inline bool reads(const void *addr, uint64_t expected)
{
	uint64_t word = ~expected;

	return env->read(addr, &word) == 0 && word == expected;
}

/* A word in the page that is different in each. */
static inline uint8_t *word_in(uint8_t *memory, uint32_t page)
{
	return memory + page * PAGE + 8 * (page % (PAGE / 8));
}

static inline bool fill(uint8_t *memory, uint32_t pages, uint64_t seed)
{
	bool all = true;

	for (uint32_t i = 0; i < pages; i++) {
		all = env->write(word_in(memory, i), seed + i) == 0 && all;
	}
	return all;
}

static inline bool filled(uint8_t *memory, uint32_t pages, uint64_t seed)
{
	bool all = true;

	for (uint32_t i = 0; i < pages; i++) {
		all = reads(word_in(memory, i), seed + i) && all;
	}
	return all;
}

/* ---- queries, under the lock that they want ------------------------------------------ */

static inline arch_page_t page_get(const void *addr)
{
	qr_port_key_t key = qr_port_lock();
	arch_page_t page = arch_page_get(addr);

	qr_port_unlock(key);
	return page;
}

static inline uint32_t info_get(void *addr, bool clear)
{
	qr_port_key_t key = qr_port_lock();
	uint32_t info = arch_page_info_get(addr, NULL, clear);

	qr_port_unlock(key);
	return info;
}

static inline enum arch_page_location location_get(void *addr, uintptr_t *location)
{
	qr_port_key_t key = qr_port_lock();
	enum arch_page_location at = arch_page_location_get(addr, location);

	qr_port_unlock(key);
	return at;
}

static inline uintptr_t phys_of(void *addr)
{
	uintptr_t phys = 0;

	return arch_page_phys_get(addr, &phys) == 0 ? phys : (uintptr_t)-1;
}

static inline uint8_t *map_phys(uintptr_t phys, size_t size, uint32_t flags)
{
	uint8_t *virt = NULL;

	return k_mem_map_phys_bare(&virt, phys, size, flags) == 0 ? virt : NULL;
}

static inline int unmap_phys(uint8_t *virt, size_t size)
{
	return k_mem_unmap_phys_bare(virt, size);
}

/* Bytes in the largest leaf of all that are larger than `than` and fit where `bytes` are free;
 * `than` itself: there is none. */
static inline size_t leaf_bytes_above(size_t than, size_t bytes)
{
	size_t largest = arch_virt_region_align(0, bytes);
	size_t found = than;

	for (size_t size = largest; size > than; size /= 2) {
		if (arch_virt_region_align(0, size) == size) {
			found = size;
		}
	}
	return found;
}

#define SECOND_LEAF leaf_bytes_above(PAGE, (size_t)1 << 40)

#endif /* TESTS_CONFORMANCE_CASES_H */
