/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.c - what a page fault says: stval and scause (RISC-V Privileged Architecture
 * 20211203, 4.1.8, 4.1.9), to which the trap handler has added sstatus.SPP (4.1.1).
 *
 * scause tells what was tried, not why it failed: a page that is not there, rights, a flag that
 * the hart leaves to software (4.3.1: A clear, or D clear at a store) and an entry that the hart
 * has not seen yet (4.2.1) are one number. So the kind is always MISSING, which is true of what
 * the hart saw, and the core, which decides by the entry alone, finds out.
 */
#include <quire/paging.h>
#include <pagetable/mmu_port.h>

#define SSTATUS_SPP 0x100u /* it was S-mode; causes are below this */

#define CAUSE_FETCH 12u
#define CAUSE_LOAD  13u
#define CAUSE_STORE 15u /* AMOs, too */

bool fault_read(uintptr_t address, uintptr_t syndrome, struct qr_fault *fault)
{
	*fault = (struct qr_fault){
		.address = (void *)address,
		.access = syndrome & SSTATUS_SPP ? 0u : K_MEM_FAULT_USER,
		.kind = QR_FAULT_MISSING,
	};
	switch (syndrome & ~(uintptr_t)SSTATUS_SPP) {
	case CAUSE_STORE:
		fault->access |= K_MEM_FAULT_WRITE;
		return true;
	case CAUSE_FETCH:
		fault->access |= K_MEM_FAULT_EXEC;
		return true;
	case CAUSE_LOAD:
		return true;
	default:
		return false;
	}
}
