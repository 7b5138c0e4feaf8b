/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.c - what a data or instruction abort says: FAR_EL1 and ESR_EL1 (Arm ARM, DDI 0487,
 * "ESR_EL1", with its tables of fault status codes).
 */
#include <quire/paging.h>
#include <pagetable/mmu_port.h>

/* Exception classes: ESR_EL1 bits 31:26. From a lower level means from user mode. */
#define CLASS_SHIFT      26
#define CLASS_CODE_LOWER 0x20
#define CLASS_CODE       0x21
#define CLASS_DATA_LOWER 0x24
#define CLASS_DATA       0x25

#define ISS_WRITE ((uintptr_t)1 << 6) /* data aborts only */
#define ISS_CACHE ((uintptr_t)1 << 8) /* by cache maintenance, which needs no right to write */

/* Fault status codes: ESR_EL1 bits 5:0. The first ones come in groups of four, in bits 1:0
 * the level of the table: an output address beyond what the CPU has, no translation, the
 * access flag, a permission. */
#define STATUS_GROUPS_END 0x10
#define STATUS_CONFLICT   0x30 /* two translations at once: a flush was forgotten */
#define STATUS_ATOMIC     0x31 /* tables in memory where the walker cannot set bits */

static bool kind_read(unsigned int status, enum qr_fault_kind *kind)
{
	static const uint8_t groups[] = {
		QR_FAULT_RESERVED, QR_FAULT_MISSING, QR_FAULT_FLAG, QR_FAULT_DENIED,
	};

	if (status < STATUS_GROUPS_END) {
		*kind = (enum qr_fault_kind)groups[status / 4];
		return true;
	}
	*kind = QR_FAULT_RESERVED;
	return status == STATUS_CONFLICT || status == STATUS_ATOMIC;
}

/* Where the CPU does not set the dirty state, the first write to a clean page is DENIED,
 * like one to a page without the right: the core knows which. */
bool fault_read(uintptr_t address, uintptr_t syndrome, struct qr_fault *fault)
{
	const unsigned int class = (syndrome >> CLASS_SHIFT) & 0x3f;
	const bool lower = class == CLASS_CODE_LOWER || class == CLASS_DATA_LOWER;
	const bool code = class == CLASS_CODE_LOWER || class == CLASS_CODE;

	if (!lower && class != CLASS_CODE && class != CLASS_DATA) {
		return false;
	}
	fault->address = (void *)address;
	fault->access = lower ? K_MEM_FAULT_USER : 0u;
	if (code) {
		fault->access |= K_MEM_FAULT_EXEC;
	} else if ((syndrome & ISS_WRITE) && !(syndrome & ISS_CACHE)) {
		fault->access |= K_MEM_FAULT_WRITE;
	}
	return kind_read(syndrome & 0x3f, &fault->kind);
}
