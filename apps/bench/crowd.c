/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crowd.c - what domains cost that are all in one place (options frames=150 crowd=1): each has
 * 60 partitions over the same leaf table as the pages that are measured, and memory of its own of
 * which some is kept in frames. With none of them, with 8 and with 60: how long interrupts are
 * masked should be one number.
 */
#include <quire/domain.h>
#include <quire/paging.h>

#include "bench.h"

#define DOMAINS 60u
#define PARTS   60u  /* of a domain, a page each: the same pages for all */
#define ARENA   170u /* pages that are mapped beside them */
#define SWEEPS  2u
#define RUN     16u  /* pages of a call */
#define STRETCH (PAGE / sizeof(uint64_t) * PAGE) /* bytes of a leaf table */

static struct k_mem_domain domains[DOMAINS];
static unsigned int domain_count;
static uint8_t *parts, *arena;

static uint8_t *memory_map(size_t pages)
{
	uint8_t *memory = k_mem_map(pages * PAGE, K_MEM_PERM_RW);

	need(memory != NULL, "memory");
	return memory;
}

static struct k_mem_partition part_of(unsigned int part)
{
	return (struct k_mem_partition){(uintptr_t)parts + part * PAGE, PAGE,
					K_MEM_PARTITION_P_RW_U_RW};
}

static void domain_add(struct k_mem_domain *domain)
{
	void *memory = NULL;

	need(k_mem_domain_init(domain, 0, NULL) == 0, "a domain");
	for (unsigned int i = 0; i < PARTS; i++) {
		struct k_mem_partition part = part_of(i);

		need(k_mem_domain_add_partition(domain, &part) == 0, "a partition");
	}
	need(k_mem_domain_limits_set(domain, 32 * PAGE, PAGE) == 0 &&
		     k_mem_domain_map(domain, &memory, PAGE, K_MEM_PERM_RW) == 0,
	     "memory of a domain");
	*(volatile uint8_t *)memory = 1;
}

/* Touches that mostly evict: of the pages that all domains have, and of those that none has. */
static void touches(struct row *row, uint8_t *memory, unsigned int pages)
{
	const unsigned int apart = SWEEPS * pages / SAMPLES;

	for (unsigned int i = 0; i < SWEEPS * pages; i++) {
		struct row one = {.irq_off = row->irq_off};

		sample_begin(&one);
		*(volatile uint8_t *)(memory + i % pages * PAGE) = 1;
		sample_end(&one);
		row->irq_off = one.irq_off;
		if (i % apart == apart / 2 && row->count < SAMPLES) {
			sample_add(row, &one);
		}
	}
}

#define CALLS 6u

static const char *const call_name[CALLS] = {"page_out", "page_in", "pin",
					     "unpin",    "flags",   "map"};

static int call(unsigned int which, uint8_t *memory)
{
	void *mapped;

	switch (which) {
	case 0:
		return k_mem_page_out(memory, RUN * PAGE);
	case 1:
		return k_mem_page_in(memory, RUN * PAGE);
	case 2:
		return k_mem_pin(memory, RUN * PAGE);
	case 3:
		return k_mem_unpin(memory, RUN * PAGE);
	case 4:
		return k_mem_update_flags(memory, RUN * PAGE, 0) != 0
			       ? -1
			       : k_mem_update_flags(memory, RUN * PAGE, K_MEM_PERM_RW);
	default:
		mapped = k_mem_map(RUN * PAGE, K_MEM_PERM_RW | K_MEM_MAP_LOCK);
		need((uintptr_t)mapped / STRETCH == (uintptr_t)parts / STRETCH, "a place nearby");
		return k_mem_unmap(mapped, RUN * PAGE);
	}
}

/* A domain's own memory: mapped, touched and unmapped; and a partition that comes and goes. */
static int own_memory(struct k_mem_domain *domain)
{
	void *memory = NULL;
	int status = k_mem_domain_map(domain, &memory, RUN * PAGE, K_MEM_PERM_RW);

	for (unsigned int i = 0; status == 0 && i < RUN; i++) {
		((volatile uint8_t *)memory)[i * PAGE] = 1;
	}
	return status == 0 ? k_mem_domain_unmap(domain, memory, RUN * PAGE) : status;
}

static int partition(struct k_mem_domain *domain)
{
	const struct k_mem_partition part = {(uintptr_t)arena, RUN * PAGE, 0};
	int status = k_mem_domain_add_partition(domain, &part);

	return status == 0 ? k_mem_domain_remove_partition(domain, &part) : status;
}

static void sample(struct row *row, int (*function)(struct k_mem_domain *))
{
	for (unsigned int i = 0; i < SAMPLES; i++) {
		int status;

		sample_begin(row);
		status = function(&domains[0]);
		sample_end(row);
		need(status == 0, "a domain's call");
	}
}

/* As crowd_8_fault. */
static void print(const char *what, struct row *row)
{
	char name[40] = "crowd_00_";
	size_t at = sizeof("crowd_") - 1;

	if (domain_count >= 10) {
		name[at++] = (char)('0' + domain_count / 10);
	}
	name[at++] = (char)('0' + domain_count % 10);
	name[at++] = '_';
	while (*what != '\0' && at < sizeof(name) - 1) {
		name[at++] = *what++;
	}
	name[at] = '\0';
	row_print(name, row);
}

static void measure(void)
{
	struct row fault = {0}, shared = {0}, own = {0}, part = {0};

	touches(&fault, arena, ARENA);
	touches(&shared, parts, PARTS);
	print("fault", &fault);
	print("fault_shared", &shared);
	for (unsigned int which = 0; which < CALLS; which++) {
		struct row row = {0};

		for (unsigned int i = 0; i < SAMPLES; i++) {
			sample_begin(&row);
			need(call(which, parts) == 0, call_name[which]);
			sample_end(&row);
		}
		print(call_name[which], &row);
	}
	if (domain_count > 0) {
		sample(&own, own_memory);
		sample(&part, partition);
		print("memory", &own);
		print("partition", &part);
	}
}

static void crowd(unsigned int count)
{
	while (domain_count < count) {
		domain_add(&domains[domain_count++]);
	}
	measure();
}

void bench_crowd(void)
{
	uint8_t *top = memory_map(1);
	const size_t left = (uintptr_t)top % STRETCH / PAGE;

	/* what is mapped from now on is in one stretch, as addresses are given out from the top */
	(void)memory_map(left + 2);
	parts = memory_map(PARTS);
	arena = memory_map(ARENA);
	for (unsigned int i = 0; i < ARENA; i++) {
		arena[i * PAGE] = 1;
	}
	crowd(0);
	crowd(8);
	crowd(DOMAINS);
}
