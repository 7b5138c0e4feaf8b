/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmu.h - the machine part of a machine that does not exist (contract: pagetable/mmu_port.h).
 *
 * Its MMU is reached by registers in memory, so that this is C and can be read. Yours has
 * instructions: they go where these registers are touched. Drops act when `busy` is 0
 * again, and on this CPU alone. There is one address space identifier, tag 0.
 */
#ifndef QR_ARCH_MMU_H
#define QR_ARCH_MMU_H

#include <pagetable/mmu_port.h>
#include <pagetable/view.h>

#define MMU_TLB_REACH MMU_TLB_LOCAL
#define MMU_SPLIT     0
#define MMU_TAKES_OVER 1
#define MMU_CODE_SYNC 1

struct mmu_registers {
	uint64_t root;      /* physical address of the root table; 1: translation is on */
	uint64_t drop_page; /* written: drops the page with this address */
	uint64_t drop_all;  /* written: drops everything */
	uint64_t busy;      /* not 0 while something is being dropped */
};

/* The linker says where they are. */
extern volatile struct mmu_registers mmu_registers;

/* The walker sees stores in the order in which they leave the CPU. */
QR_INLINE void mmu_publish(const qr_entry_t *first, size_t count)
{
	(void)first;
	(void)count;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* entry.h: no ENTRY_BREAK. A machine that has it needs assembly here. */
QR_INLINE void mmu_replace(qr_entry_t *entry, qr_entry_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
	mmu_publish(entry, 1);
}

QR_INLINE void mmu_tlb_page(unsigned int tag, uintptr_t virt)
{
	(void)tag;
	mmu_registers.drop_page = virt;
}

QR_INLINE void mmu_tlb_all(void)
{
	mmu_registers.drop_all = 1;
}

/* All there is is tag 0's. */
QR_INLINE void mmu_tlb_tag(unsigned int tag)
{
	(void)tag;
	mmu_tlb_all();
}

/* The hardware ends this: dropping takes it a few cycles. */
QR_INLINE void mmu_tlb_sync(void)
{
	while (mmu_registers.busy != 0) {
	}
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
