/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.c - what a page fault says: stval and scause (RISC-V Privileged Architecture
 * 20211203, 4.1.8, 4.1.9), with bit 62 set by the trap handler where it was user mode.
 *
 * scause tells what was tried, not why it failed: a page that is not there, rights, a flag that
 * the hart leaves to software (4.3.1: A clear, or D clear at a store) and an entry that the hart
 * has not seen yet (4.2.1) are one number. So the kind is always MISSING, which is true of what
 * the hart saw, and the core, which decides by the entry alone, finds out.
 */
#include <quire/paging.h>
#include <pagetable/mmu_port.h>

#define SCAUSE_USER ((uintptr_t)1 << 62)

#define CAUSE_FETCH 12u
#define CAUSE_LOAD  13u
#define CAUSE_STORE 15u /* AMOs, too */

bool fault_read(uintptr_t address, uintptr_t syndrome, struct qr_fault *fault)
{
	const uintptr_t cause = syndrome & ~SCAUSE_USER;

	fault->address = (void *)address;
	fault->access = (cause == CAUSE_STORE ? K_MEM_FAULT_WRITE : 0u) |
			(cause == CAUSE_FETCH ? K_MEM_FAULT_EXEC : 0u) |
			(syndrome & SCAUSE_USER ? K_MEM_FAULT_USER : 0u);
	fault->kind = QR_FAULT_MISSING;
	return cause == CAUSE_FETCH || cause == CAUSE_LOAD || cause == CAUSE_STORE;
}
