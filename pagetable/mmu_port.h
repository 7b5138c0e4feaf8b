/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmu_port.h - the machine part of a port: what its mmu.h, mmu.c and fault.c give
 * to pagetable/ and to the host kernel's trap handler. (The format part is view.h.)
 *
 * mmu.h, chosen by include path, gives inline functions:
 *
 *     void      mmu_publish(const qr_entry_t *first, size_t count)
 *               make stores to these entries visible to the walker. Where a leaf allows
 *               more than before, or is there at last, a port may leave that to the
 *               fault which follows: the core serves it by dropping the page
 *     void      mmu_replace(qr_entry_t *entry, qr_entry_t value)
 *               make a present entry another one that translates the same addresses to the same
 *               memory: a leaf of another size or cache mode. In one step; the caller drops what is
 *               remembered. With ENTRY_BREAK in one piece of assembly that breaks the entry, drops
 *               everything, waits, and makes it anew: in between it touches the entry and nothing
 *               else, since what is broken may be the stack
 *     void      mmu_tlb_page(unsigned int tag, uintptr_t virt)
 *               drop one page's translations on this CPU (tag 0: every tag's, and global ones)
 *     void      mmu_tlb_tag(unsigned int tag)
 *               drop all of a tag; walks under it that begin later see what was stored in its
 *               tables before
 *     void      mmu_tlb_all(void)               everything, global ones included
 *     void      mmu_tlb_sync(void)              wait until the drops above took effect
 *     uint64_t  mmu_table_phys(const void *table)
 *               physical address of a static table of the image
 *     void     *mmu_access(uintptr_t virt)
 *               a pointer through which C code reaches the page at `virt` (the identity,
 *               but on the emulated machine). The page was mapped just now and, without
 *               ENTRY_BREAK, dropped after that
 *     MMU_TLB_REACH   enum mmu_tlb_reach, a constant
 *     MMU_SPLIT       1: user mode has tables of its own, in which the kernel is not (KPTI): the
 *                     kernel stays on its own, and the trap code changes the root
 *     MMU_TAKES_OVER  1: who calls k_mem_init runs on the core's tables when it returns
 *     MMU_CODE_SYNC   1: code that comes in needs a code_sync before it is executed
 */
#ifndef QR_PAGETABLE_MMU_PORT_H
#define QR_PAGETABLE_MMU_PORT_H

#include <quire/compiler.h>
#include <quire/fault.h>

enum mmu_tlb_reach {
	MMU_TLB_LOCAL,     /* drops reach this CPU: others need an interrupt */
	MMU_TLB_BROADCAST, /* drops reach all CPUs */
};

/* Switch the MMU features that Quire uses on for this CPU. mmu.c */
void mmu_start(void);

/* Make the table at physical address `root` current, under `tag`. What is remembered under the tag
 * stays; a CPU without tags drops what is not global. Interrupts masked. mmu.c */
void mmu_root_set(uint64_t root, unsigned int tag);

/* With MMU_SPLIT: the root, and its tag, that user mode has from now on. Interrupts masked.
 * mmu.c */
void mmu_user_root_set(uint64_t root, unsigned int tag);

/* How many bits a physical address of this CPU has: beyond, an entry is a mistake that may end
 * the machine. Asked at any time, before mmu_start too. What no CPU says is ENTRY_PA_BITS. mmu.c */
unsigned int mmu_phys_bits(void);

/* How many tags the CPU has; 1: none beside 0. Asked once, when tables and tag 0 of the core are
 * current; everything is dropped after that, so that a port may try tags to find out. mmu.c */
unsigned int mmu_tags(void);

#endif /* QR_PAGETABLE_MMU_PORT_H */
