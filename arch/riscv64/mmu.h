/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmu.h - the machine part of riscv64 (contract: pagetable/mmu_port.h). Section numbers
 * are those of the RISC-V Privileged Architecture 20211203.
 *
 * A hart orders its walks after its stores to entries only where it executes SFENCE.VMA, and
 * it may remember that an entry was invalid (4.2.1). That fence is not executed for each
 * entry that becomes valid or allows more: 4.2.1 lets software do it lazily, after the page
 * fault that the hart may take, and serving a fault on a page that is there ends with
 * dropping the page. Two places cannot afford such a fault, and fence at once:
 *
 * - the scratch window, which is dropped after its entry was changed and before it is handed
 *   out (mmu_access, pagetable/mmu_port.h);
 * - whoever takes traps on a stack that was mapped just now: the host kernel, once for
 *   each new stack.
 *
 * Drops act on this hart when the instruction ends. With CONFIG_RISCV_SBI_RFENCE they are
 * done on all harts by the firmware; without, others need an interrupt (4.2.1).
 */
#ifndef QR_ARCH_MMU_H
#define QR_ARCH_MMU_H

#include <pagetable/mmu_port.h>
#include <pagetable/view.h>

#include "arch_config.h"

#define MMU_TLB_REACH (CONFIG_RISCV_SBI_RFENCE ? MMU_TLB_BROADCAST : MMU_TLB_LOCAL)
#define MMU_SPLIT     0
#define MMU_TAKES_OVER 1
#define MMU_CODE_SYNC 1

#define MMU_PAGE_BYTES ((uintptr_t)CONFIG_MMU_PAGE_SIZE)

/* Drop [virt, virt + size) on all harts, of all tags (MMU_TAG_ANY, global ones included) or of
 * one. Returns when it is done. mmu.c */
#define MMU_TAG_ANY UINTPTR_MAX
void mmu_fence_harts(uintptr_t tag, uintptr_t virt, uintptr_t size);

/* See above. The order of stores to several levels is kept by the drop that pagetable/ has between
 * them. */
QR_INLINE void mmu_publish(const qr_entry_t *first, size_t count)
{
	(void)first;
	(void)count;
	__asm__ volatile("" : : : "memory");
}

/* 4.2.1: which of the two is used until the fence is not said, "but the behavior is otherwise well
 * defined". */
QR_INLINE void mmu_replace(qr_entry_t *entry, qr_entry_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
	mmu_publish(entry, 1);
}

/* Only rs2=x0 reaches global entries; they are tag 0's. */
QR_INLINE void mmu_tlb_page(unsigned int tag, uintptr_t virt)
{
	if (CONFIG_RISCV_SBI_RFENCE) {
		mmu_fence_harts(tag == 0 ? MMU_TAG_ANY : tag, virt, MMU_PAGE_BYTES);
	} else if (tag == 0) {
		__asm__ volatile("sfence.vma %0, zero" : : "r"(virt) : "memory");
	} else {
		__asm__ volatile("sfence.vma %0, %1" : : "r"(virt), "r"((uintptr_t)tag) : "memory");
	}
}

QR_INLINE void mmu_tlb_all(void)
{
	if (CONFIG_RISCV_SBI_RFENCE) {
		mmu_fence_harts(MMU_TAG_ANY, 0, UINTPTR_MAX);
	} else {
		__asm__ volatile("sfence.vma zero, zero" : : : "memory");
	}
}

/* Whoever drops a tag has changed pointers between its tables, or is about to use them for the
 * first time. A fence with rs2 does not order accesses to global mappings (4.2.1), and a walk to a
 * global page of the kernel goes through the tag's own upper tables, too: so all is fenced. */
QR_INLINE void mmu_tlb_tag(unsigned int tag)
{
	(void)tag;
	mmu_tlb_all();
}

QR_INLINE void mmu_tlb_sync(void)
{
}

QR_INLINE uint64_t mmu_table_phys(const void *table)
{
	return (uintptr_t)table - (uintptr_t)CONFIG_KERNEL_IMAGE_OFFSET;
}

QR_INLINE void *mmu_access(uintptr_t virt)
{
	return (void *)virt;
}

#endif /* QR_ARCH_MMU_H */
