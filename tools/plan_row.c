/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_row.c - what one configuration costs, as one JSON object. Built for each
 * configuration with the library's own headers and run on this machine: see tools/plan.
 */
#include <stdio.h>

#include <quire/config.h>

/* A plan is shown where the build would refuse it, too. */
static const long long table_bytes_max = CONFIG_MMU_TABLE_BYTES_MAX;
#undef CONFIG_MMU_TABLE_BYTES_MAX
#define CONFIG_MMU_TABLE_BYTES_MAX 0

#include "pagetable/overlay.h"
#include "mm/frame.h"
#include "mm/space_holes.h"

int main(void)
{
	/* qr_policy's array, mm/policy.c */
	size_t policy_bytes = (size_t)CONFIG_DEMAND_PAGING * CONFIG_MEM_FRAMES_MAX *
			      CONFIG_EVICTION_FRAME_BYTES;

	printf("{\"levels\": %d, \"va_bits\": %d, \"base\": \"0x%llx\", ", ENTRY_LEVELS,
	       ENTRY_VA_BITS, (unsigned long long)QR_SPACE_BASE);
	printf("\"bytes\": %llu, \"tables\": [", (unsigned long long)CONFIG_KERNEL_VM_SIZE);
	for (unsigned int level = 0; level < ENTRY_LEVELS; level++) {
		printf("%s%zu", level > 0 ? ", " : "", QR_TABLES(level));
	}
	printf("], \"table_bytes\": %zu, \"table_bytes_max\": %lld, \"space_bytes\": %zu, ",
	       QR_TABLES_BYTES, table_bytes_max,
	       sizeof(qr_holes_word) + sizeof(qr_holes_tree));
	/* a domain with own pages in one stretch; all that user mode adds; of that, KPTI's base */
	printf("\"domain_tables\": %d, \"domain_stretch_bytes\": %llu, ", ENTRY_LEVELS,
	       1ull << QR_TABLE_SHIFT(0));
	size_t pool_bytes = sizeof(qr_private_tables) + sizeof(qr_privates) + sizeof(qr_copies);
	size_t owner_bytes = QR_OWNERS ? sizeof(qr_owners) : 0;

	printf("\"domain_pool\": %d, \"domain_pool_bytes\": %zu, \"domain_base_bytes\": %zu, "
	       "\"domain_owner_bytes\": %zu, ",
	       CONFIG_USERSPACE ? QR_PRIVATE_COUNT : 0, CONFIG_USERSPACE ? pool_bytes : 0,
	       MMU_SPLIT ? sizeof(qr_base_tables) : 0, owner_bytes);
	printf("\"frames\": %d, \"frame_bytes\": %zu, \"policy_bytes\": %zu}\n",
	       CONFIG_MEM_FRAMES_MAX, sizeof(qr_frames), policy_bytes);
	return 0;
}
