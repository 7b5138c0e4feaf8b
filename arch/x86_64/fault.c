/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.c - what exception 14 says: CR2 and the error code (Intel SDM 3A, 4.7).
 */
#include <stddef.h>

#include <quire/paging.h>
#include <pagetable/mmu_port.h>

#define CODE_P    (1u << 0) /* clear: an entry on the way was not present */
#define CODE_WR   (1u << 1) /* a write */
#define CODE_US   (1u << 2) /* in user mode */
#define CODE_RSVD (1u << 3) /* a reserved bit was set in an entry */
#define CODE_ID   (1u << 4) /* an instruction fetch */

_Static_assert(offsetof(struct qr_fault, address) == 0 && offsetof(struct qr_fault, access) == 8 &&
		       K_MEM_FAULT_WRITE == 2,
	       "user.S notes a fault");

/* RSVD goes first: the SDM sets P with it, QEMU does not. Accessed and dirty are the
 * walker's, so there are no QR_FAULT_FLAG faults. The vector tells the trap handler that
 * this is a page fault: the answer is always yes. */
bool fault_read(uintptr_t address, uintptr_t syndrome, struct qr_fault *fault)
{
	fault->address = (void *)address;
	fault->access = (syndrome & CODE_WR ? K_MEM_FAULT_WRITE : 0u) |
			(syndrome & CODE_ID ? K_MEM_FAULT_EXEC : 0u) |
			(syndrome & CODE_US ? K_MEM_FAULT_USER : 0u);
	if (syndrome & CODE_RSVD) {
		fault->kind = QR_FAULT_RESERVED;
	} else if (syndrome & CODE_P) {
		fault->kind = QR_FAULT_DENIED;
	} else {
		fault->kind = QR_FAULT_MISSING;
	}
	return true;
}
