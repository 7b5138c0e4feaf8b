/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain_pair.h - the core with two domains, for one test after the other.
 */
#ifndef TESTS_CORE_DOMAIN_PAIR_H
#define TESTS_CORE_DOMAIN_PAIR_H

#include "domain_help.h"

static struct k_mem_domain a, b;
static struct rig_counts before;

static inline void start_with(uint32_t frames, uint32_t slots)
{
	const struct rig rig = {.frames = frames, .slots = slots, .software_flags = software};

	rig_start(&rig);
	before = rig_counts();
	domain_start(&a);
	domain_start(&b);
}

static inline void start(void)
{
	start_with(40, 100);
}

static inline void end(void)
{
	domain_end(&a);
	domain_end(&b);
	domains_check(before);
}

#endif /* TESTS_CORE_DOMAIN_PAIR_H */
