/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmu.h - the machine part of the emulated machine (contract: pagetable/mmu_port.h).
 * What these do is in tlb.c, place.c and emu.c.
 */
#ifndef QR_ARCH_MMU_H
#define QR_ARCH_MMU_H

#include <pagetable/mmu_port.h>
#include <pagetable/view.h>

#define MMU_TLB_REACH MMU_TLB_LOCAL
#define MMU_SPLIT     CONFIG_EMU_SPLIT
#define MMU_TAKES_OVER emu_takes_over
#define MMU_CODE_SYNC 1

/* 1: user mode has tables of its own, as with KPTI. */
#ifndef CONFIG_EMU_SPLIT
#define CONFIG_EMU_SPLIT 0
#endif

/* Programs are the host's, and not in the space. A test may say otherwise. */
extern bool emu_takes_over;

/* Out of line, so that the return address is the caller's of mmu_publish. */
void emu_publish(const qr_entry_t *first, size_t count);
void emu_replace(qr_entry_t *entry, qr_entry_t value);
void emu_tlb_page(unsigned int tag, uintptr_t virt);
void emu_tlb_tag(unsigned int tag);
void emu_tlb_all(void);
void emu_tlb_sync(void);
void *emu_access(uintptr_t virt);

QR_INLINE void mmu_publish(const qr_entry_t *first, size_t count)
{
	emu_publish(first, count);
}

QR_INLINE void mmu_replace(qr_entry_t *entry, qr_entry_t value)
{
	emu_replace(entry, value);
}

QR_INLINE void mmu_tlb_page(unsigned int tag, uintptr_t virt)
{
	emu_tlb_page(tag, virt);
}

QR_INLINE void mmu_tlb_tag(unsigned int tag)
{
	emu_tlb_tag(tag);
}

QR_INLINE void mmu_tlb_all(void)
{
	emu_tlb_all();
}

QR_INLINE void mmu_tlb_sync(void)
{
	emu_tlb_sync();
}

QR_INLINE uint64_t mmu_table_phys(const void *table)
{
	return (uintptr_t)table;
}

QR_INLINE void *mmu_access(uintptr_t virt)
{
	return emu_access(virt);
}

#endif /* QR_ARCH_MMU_H */
