/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmu.h - the machine part of x86_64 (contract: pagetable/mmu_port.h). Section numbers
 * are those of the Intel SDM, volume 3A.
 *
 * One address space identifier: CR4.PCIDE stays clear, so the only tag is 0. Drops act on
 * this CPU when the instruction ends (8.3: INVLPG and MOV to CR serialize); others need
 * an interrupt (4.10.5).
 */
#ifndef QR_ARCH_MMU_H
#define QR_ARCH_MMU_H

#include <pagetable/mmu_port.h>
#include <pagetable/view.h>

#define MMU_TLB_REACH MMU_TLB_LOCAL
#define MMU_SPLIT     (CONFIG_USERSPACE && CONFIG_X86_KPTI)
#define MMU_TAKES_OVER 1
#define MMU_CODE_SYNC 0 /* 11.6; and nothing is prefetched from a page that is not there */

#define MMU_CR4_PGE ((uint64_t)1 << 7)

QR_INLINE uint64_t mmu_cr3_read(void)
{
	uint64_t value;

	__asm__ volatile("movq %%cr3, %0" : "=r"(value));
	return value;
}

/* With CONFIG_X86_KPTI: the values of CR3 for the kernel and for user mode, which the trap code
 * sets on its way. mmu.c */
extern uint64_t mmu_kernel_cr3, mmu_user_cr3;

QR_INLINE void mmu_cr3_write(uint64_t value)
{
	__asm__ volatile("movq %0, %%cr3" : : "r"(value) : "memory");
}

QR_INLINE uint64_t mmu_cr4_read(void)
{
	uint64_t value;

	__asm__ volatile("movq %%cr4, %0" : "=r"(value));
	return value;
}

QR_INLINE void mmu_cr4_write(uint64_t value)
{
	__asm__ volatile("movq %0, %%cr4" : : "r"(value) : "memory");
}

/* Walks see stores in program order (11.3.1, 8.2): only the compiler must be told. */
QR_INLINE void mmu_publish(const qr_entry_t *first, size_t count)
{
	(void)first;
	(void)count;
	__asm__ volatile("" : : : "memory");
}

/* 4.10.2.3: with both sizes in the TLB either is used. */
QR_INLINE void mmu_replace(qr_entry_t *entry, qr_entry_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
	mmu_publish(entry, 1);
}

/* Global ones too, and the paging-structure caches (4.10.4.1). */
QR_INLINE void mmu_tlb_page(unsigned int tag, uintptr_t virt)
{
	(void)tag;
	__asm__ volatile("invlpg (%0)" : : "r"(virt) : "memory");
}

QR_INLINE void mmu_tlb_tag(unsigned int tag)
{
	(void)tag;
	mmu_cr3_write(mmu_cr3_read());
}

/* A change of PGE drops all, global ones included; MOV to CR3 does not (4.10.4.1). Before
 * mmu_start, or without the feature, there are no global ones. */
QR_INLINE void mmu_tlb_all(void)
{
	const uint64_t cr4 = mmu_cr4_read();

	if (cr4 & MMU_CR4_PGE) {
		mmu_cr4_write(cr4 & ~MMU_CR4_PGE);
		mmu_cr4_write(cr4);
	} else {
		mmu_cr3_write(mmu_cr3_read());
	}
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
