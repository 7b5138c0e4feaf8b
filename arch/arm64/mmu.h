/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmu.h - the machine part of arm64 (contract: pagetable/mmu_port.h).
 *
 * The space is translated by TTBR1_EL1, which also holds the tag: the ASID. A change of an
 * entry, its publishing, the drop and the wait for it are the sequence that the Arm ARM
 * (DDI 0487) gives in "Ordering and completion of TLB maintenance instructions": STR, DSB
 * ISHST, TLBI ..IS, DSB ISH, ISB. Drops reach all CPUs of the inner shareable domain.
 */
#ifndef QR_ARCH_MMU_H
#define QR_ARCH_MMU_H

#include <pagetable/mmu_port.h>
#include <pagetable/view.h>

#define MMU_TLB_REACH MMU_TLB_BROADCAST
#define MMU_SPLIT     0
#define MMU_TAKES_OVER 1
#define MMU_CODE_SYNC 1

#define MMU_TAG_SHIFT 48 /* of the ASID, in TTBR1_EL1 and in a TLBI's operand */

/* The ISB is for accesses of this CPU that follow at once; without it they might fault. */
QR_INLINE void mmu_publish(const qr_entry_t *first, size_t count)
{
	(void)first;
	(void)count;
	__asm__ volatile("dsb ishst\n\tisb" : : : "memory");
}

/* Break before make (entry.h). Nothing but registers and the entry: no compiler can promise
 * that, so it is one piece of assembly. The entry and this code are in the image, whose pages
 * are never replaced; interrupts are masked. */
QR_INLINE void mmu_replace(qr_entry_t *entry, qr_entry_t value)
{
	__asm__ volatile("str xzr, [%0]\n\t"
			 "dsb ishst\n\t"
			 "tlbi vmalle1is\n\t"
			 "dsb ish\n\t"
			 "isb\n\t"
			 "str %1, [%0]\n\t"
			 "dsb ishst\n\t"
			 "isb"
			 : : "r"(entry), "r"(value) : "memory");
}

/* By address alone: whatever its tag, and global ones. */
QR_INLINE void mmu_tlb_page(unsigned int tag, uintptr_t virt)
{
	const uint64_t page = (uint64_t)virt << 8 >> 20; /* address bits 55:12 */

	(void)tag;
	__asm__ volatile("tlbi vaae1is, %0" : : "r"(page) : "memory");
}

QR_INLINE void mmu_tlb_tag(unsigned int tag)
{
	__asm__ volatile("tlbi aside1is, %0" : : "r"((uint64_t)tag << MMU_TAG_SHIFT) : "memory");
}

QR_INLINE void mmu_tlb_all(void)
{
	__asm__ volatile("tlbi vmalle1is" : : : "memory");
}

QR_INLINE void mmu_tlb_sync(void)
{
	__asm__ volatile("dsb ish\n\tisb" : : : "memory");
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
