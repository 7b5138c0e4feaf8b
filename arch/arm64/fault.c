/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.c - what a data or instruction abort says: FAR_EL1 and ESR_EL1 (Arm ARM, DDI 0487,
 * "ESR_EL1", with its tables of fault status codes).
 */
#include <quire/paging.h>
#include <pagetable/mmu_port.h>

/* Exception classes: ESR_EL1 bits 31:26. Those of aborts are 100x0y: x, of data; y, from this
 * level, and not from user mode. */
#define CLASS_ABORT  ((uintptr_t)0x20 << 26)
#define CLASS_OTHERS ((uintptr_t)0x3a << 26)
#define CLASS_SAME   ((uintptr_t)0x01 << 26)
#define CLASS_DATA   ((uintptr_t)0x04 << 26)

#define ISS_WRITE ((uintptr_t)1 << 6) /* data aborts only */
#define ISS_CACHE ((uintptr_t)1 << 8) /* by cache maintenance, which needs no right to write */

/* Fault status codes: ESR_EL1 bits 5:0. The first ones come in groups of four, in bits 1:0
 * the level of the table: an output address beyond what the CPU has, no translation, the
 * access flag, a permission. */
#define STATUS_GROUP_SIZE 4u
#define STATUS_CONFLICT   0x30 /* two translations at once: a flush was forgotten */
#define STATUS_ATOMIC     0x31 /* tables in memory where the walker cannot set bits */

static bool kind_read(unsigned int status, enum qr_fault_kind *kind)
{
	switch (status / STATUS_GROUP_SIZE) {
	case 1:
		*kind = QR_FAULT_MISSING;
		return true;
	case 2:
		*kind = QR_FAULT_FLAG;
		return true;
	case 3:
		*kind = QR_FAULT_DENIED;
		return true;
	default:
		*kind = QR_FAULT_RESERVED;
		return status < STATUS_GROUP_SIZE || status == STATUS_CONFLICT ||
		       status == STATUS_ATOMIC;
	}
}

/* Each of the two is set where a bit of the class is clear, which is as far apart. */
#define ACCESS_SHIFT 24
_Static_assert(CLASS_SAME >> ACCESS_SHIFT == K_MEM_FAULT_USER &&
		       CLASS_DATA >> ACCESS_SHIFT == K_MEM_FAULT_EXEC,
	       "access_read");

static uint32_t access_read(uintptr_t syndrome)
{
	const bool write = (syndrome & (CLASS_DATA | ISS_WRITE | ISS_CACHE)) ==
			   (CLASS_DATA | ISS_WRITE);

	return ((uint32_t)(~syndrome >> ACCESS_SHIFT) & (K_MEM_FAULT_USER | K_MEM_FAULT_EXEC)) |
	       (write ? K_MEM_FAULT_WRITE : 0u);
}

/* Where the CPU does not set the dirty state, the first write to a clean page is DENIED,
 * like one to a page without the right: the core knows which. */
bool fault_read(uintptr_t address, uintptr_t syndrome, struct qr_fault *fault)
{
	if ((syndrome & CLASS_OTHERS) != CLASS_ABORT) {
		return false;
	}
	fault->address = (void *)address;
	fault->access = access_read(syndrome);
	return kind_read(syndrome & 0x3f, &fault->kind);
}
