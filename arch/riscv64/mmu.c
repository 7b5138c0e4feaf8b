/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmu.c - starting the MMU of riscv64, and what reaches other harts. Section numbers are
 * those of the RISC-V Privileged Architecture 20211203; SBI is its Supervisor Binary
 * Interface, version 0.2 and later.
 *
 * The host kernel runs in S-mode. Accessed and dirty bits may be the hart's or software's
 * business (4.3.1): nothing here depends on it, as a page fault is served either way. Svpbmt,
 * where the build was configured for it, must be enabled by the firmware (menvcfg.PBMTE);
 * S-mode cannot look, and takes page faults on uncached pages where it is not.
 */
#include "entry.h"
#include "mmu.h"

#define SSTATUS_SUM ((uintptr_t)1 << 18) /* 4.1.1.2: S-mode may touch pages with U */
#define SSTATUS_MXR ((uintptr_t)1 << 19) /* loads may read what can only be executed */

/* 4.1.11: the mode counts levels from Sv39, which is 8. */
#define SATP_MODE       ((uint64_t)(8 + (CONFIG_RISCV_SV - 39) / 9) << 60)
#define SATP_ASID_SHIFT 44
#define SATP_ASID       ((uint64_t)0xffff << SATP_ASID_SHIFT)

#define SBI_RFENCE             0x52464e43u
#define SBI_REMOTE_FENCE_I     0u
#define SBI_REMOTE_SFENCE      1u
#define SBI_REMOTE_SFENCE_ASID 2u

static uint64_t satp_read(void)
{
	uint64_t value;

	__asm__ volatile("csrr %0, satp" : "=r"(value));
	return value;
}

static void satp_write(uint64_t value)
{
	__asm__ volatile("csrw satp, %0" : : "r"(value) : "memory");
}

/* Nothing but user copies may open user memory to the kernel, for as long as they take. The tables
 * that become current next were filled by stores, behind which no walk is ordered without a fence;
 * satp itself orders nothing (4.2.1). */
void mmu_start(void)
{
	__asm__ volatile("csrc sstatus, %0" : : "r"(SSTATUS_SUM | SSTATUS_MXR) : "memory");
	__asm__ volatile("sfence.vma" : : : "memory");
}

/* A tag stands for a root: where it gets another one, what it held must go (4.2.1), and walks under
 * the new root must not be ahead of the stores to its tables, hence a fence on both sides. (A tag
 * that is new was fenced when it was given out.) A write with a mode that the hart does not have
 * changes nothing (4.1.11). */
void mmu_root_set(uint64_t root, unsigned int tag)
{
	const uint64_t was = satp_read();
	const uint64_t satp = SATP_MODE | (uint64_t)tag << SATP_ASID_SHIFT |
			      root >> ENTRY_PAGE_SHIFT;
	const bool same_tag = ((was ^ satp) & SATP_ASID) == 0;

	if (satp == was) {
		return; /* the kernel's own, again: who changed its tables has fenced */
	}
	if (same_tag) {
		mmu_tlb_all();
	}
	satp_write(satp);
	if (satp_read() != satp) {
		qr_port_panic("riscv64: the hart has no " QR_STR(CONFIG_RISCV_SV)
			      "-bit addresses (CONFIG_RISCV_SV)");
	}
	if (same_tag) {
		mmu_tlb_all();
	}
}

/* No register says how many there are: a physical address is what the format holds (4.4), and
 * an access to one that the platform has not is an access fault, which tells who touched it. */
unsigned int mmu_phys_bits(void)
{
	return ENTRY_PA_BITS;
}

/* Address space identifiers: the hart keeps those bits that it has (4.1.11). For a moment the
 * highest one is current over the root of tag 0, and whatever the hart walks then it may keep, also
 * where no instruction asks for it (4.2.1): the caller drops everything after this. */
unsigned int mmu_tags(void)
{
	const uint64_t satp = satp_read();
	uint64_t kept;

	satp_write(satp | SATP_ASID);
	kept = satp_read() & SATP_ASID;
	satp_write(satp);
	return (unsigned int)(kept >> SATP_ASID_SHIFT) + 1;
}

/* Ask the firmware, for every hart there is. What it refuses is a bug of the caller's or a
 * firmware without the extension: translations would stay that must not. */
static void rfence(uintptr_t function, uintptr_t virt, uintptr_t size, uintptr_t tag)
{
	register uintptr_t mask __asm__("a0") = 0;
	register uintptr_t base __asm__("a1") = UINTPTR_MAX; /* all harts; the mask is ignored */
	register uintptr_t a2 __asm__("a2") = virt;
	register uintptr_t a3 __asm__("a3") = size;
	register uintptr_t a4 __asm__("a4") = tag;
	register uintptr_t a6 __asm__("a6") = function;
	register uintptr_t a7 __asm__("a7") = SBI_RFENCE;

	__asm__ volatile("ecall"
			 : "+r"(mask), "+r"(base)
			 : "r"(a2), "r"(a3), "r"(a4), "r"(a6), "r"(a7)
			 : "memory");
	QR_REQUIRE(mask == 0);
}

void mmu_fence_harts(uintptr_t tag, uintptr_t virt, uintptr_t size)
{
	rfence(tag == MMU_TAG_ANY ? SBI_REMOTE_SFENCE : SBI_REMOTE_SFENCE_ASID, virt, size, tag);
}

/* FENCE.I is of this hart alone (Unprivileged Architecture, chapter 3). */
void code_sync(void *virt, size_t size)
{
	(void)virt;
	(void)size;
	__asm__ volatile("fence.i" : : : "memory");
	if (CONFIG_RISCV_SBI_RFENCE) {
		rfence(SBI_REMOTE_FENCE_I, 0, 0, 0);
	}
}
