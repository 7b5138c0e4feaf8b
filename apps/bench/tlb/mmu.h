/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmu.h - the machine's own <mmu.h>, counted. In the variant "bench-tlb" (mk/measure.mk)
 * #include "mmu.h" finds this one first, so that every drop that pagetable/ asks for is
 * seen on its way to the machine. Nothing in the library is there for it.
 */
#ifndef APPS_BENCH_TLB_MMU_H
#define APPS_BENCH_TLB_MMU_H

#include <mmu.h>

#include "count.h"

/* The last page of the space (pagetable/tables.c). */
#define TLB_WINDOW ((uintptr_t)CONFIG_KERNEL_VM_BASE + CONFIG_KERNEL_VM_SIZE - CONFIG_MMU_PAGE_SIZE)

QR_INLINE void tlb_count_page(unsigned int tag, uintptr_t virt)
{
	*(virt == TLB_WINDOW ? &tlb_count.window : &tlb_count.page) += 1;
	mmu_tlb_page(tag, virt);
}

QR_INLINE void tlb_count_tag(unsigned int tag)
{
	tlb_count.all++;
	mmu_tlb_tag(tag);
}

QR_INLINE void tlb_count_all(void)
{
	tlb_count.all++;
	mmu_tlb_all();
}

QR_INLINE void tlb_count_sync(void)
{
	tlb_count.wait++;
	mmu_tlb_sync();
}

#define mmu_tlb_page tlb_count_page
#define mmu_tlb_tag  tlb_count_tag
#define mmu_tlb_all  tlb_count_all
#define mmu_tlb_sync tlb_count_sync

#endif /* APPS_BENCH_TLB_MMU_H */
