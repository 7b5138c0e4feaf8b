/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.c - what the fault register of a machine that does not exist says.
 */
#include <quire/paging.h>
#include <pagetable/mmu_port.h>

#define FAULT_WRITE     (1u << 0)
#define FAULT_FETCH     (1u << 1)
#define FAULT_USER      (1u << 2)
#define FAULT_WHY_SHIFT 8 /* two bits, in the order of enum qr_fault_kind */
#define FAULT_BUS       (1u << 10) /* not the MMU's */

bool fault_read(uintptr_t address, uintptr_t syndrome, struct qr_fault *fault)
{
	fault->address = (void *)address;
	fault->access = (syndrome & FAULT_WRITE ? K_MEM_FAULT_WRITE : 0u) |
			(syndrome & FAULT_FETCH ? K_MEM_FAULT_EXEC : 0u) |
			(syndrome & FAULT_USER ? K_MEM_FAULT_USER : 0u);
	fault->kind = (enum qr_fault_kind)(syndrome >> FAULT_WHY_SHIFT & 3u);
	return (syndrome & FAULT_BUS) == 0;
}
