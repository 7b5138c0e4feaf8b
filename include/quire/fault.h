/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quire/fault.h - for the host kernel's trap handler: what the CPU says about a page fault, in
 * one form for all CPUs. And what it must know who writes code.
 *
 *     struct qr_fault fault;
 *
 *     if (fault_read(address, syndrome, &fault) && fault.kind != QR_FAULT_RESERVED) {
 *             status = k_mem_page_fault(fault.address, fault.access);
 *     }
 *
 * and before that, with CONFIG_USERSPACE, where the fault was the kernel's own:
 *
 *     ip = user_copy_fixup(ip, &fault)  not 0: return from the trap to there, and do no more
 */
#ifndef QUIRE_FAULT_H
#define QUIRE_FAULT_H

#include <quire/compiler.h>
#include <quire/paging.h>

QR_EXTERN_C_BEGIN

/* What went wrong in a page fault. */
enum qr_fault_kind {
	QR_FAULT_MISSING,  /* no translation */
	QR_FAULT_DENIED,   /* a translation that does not allow the access */
	QR_FAULT_FLAG,     /* the CPU wants software to set accessed or dirty */
	QR_FAULT_RESERVED, /* an entry with bits that must not be set: a bug */
};

struct qr_fault {
	void *address;          /* what was touched, any alignment */
	uint32_t access;        /* K_MEM_FAULT_* (quire/paging.h) */
	enum qr_fault_kind kind;
};

/* Read a fault from the two words that the CPU reports, the address and what went wrong; which
 * registers these are says the port's fault.c. Returns false when the trap is not a page
 * fault. Any context; no lock. */
bool fault_read(uintptr_t address, uintptr_t syndrome, struct qr_fault *fault);

/* Make stores to the memory at [virt, virt+size), bytes, which may be executed at other addresses,
 * visible to instruction fetches. Pages that come in are looked after in arch_mem_page_in;
 * who writes code through a mapping of his own calls this himself. Any context; no lock. */
void code_sync(void *virt, size_t size);

/* Copy `size` bytes between kernel memory and user memory, with what keeps the kernel from user
 * memory (SMAP, PAN, SUM) open for as long. Returns how many bytes were not copied: a fault ended
 * the copy, and is in qr_user_fault. Interrupts masked; the caller asked before whether user mode
 * may touch the range. Nothing is said of the other address: any number will do, and what the
 * CPU refuses without a page fault is refused here. user.S */
size_t user_copy(void *dst, const void *src, size_t size);

/* For the trap handler: a page fault of the kernel's in code at `ip`, read by fault_read.
 * In user_copy, which runs with interrupts masked: notes the fault, and returns where to go on
 * instead, which ends the copy; elsewhere 0. user.S defines both ends as symbols. */
extern const uint8_t user_copy_end[], user_copy_fault[];
extern struct qr_fault qr_user_fault;
QR_INLINE uintptr_t user_copy_fixup(uintptr_t ip, const struct qr_fault *fault)
{
	if (!CONFIG_USERSPACE) {
		return 0;
	}
	if (ip < (uintptr_t)user_copy || ip >= (uintptr_t)user_copy_end) {
		return 0;
	}
	qr_user_fault = *fault;
	return (uintptr_t)user_copy_fault;
}

QR_EXTERN_C_END

#endif /* QUIRE_FAULT_H */
