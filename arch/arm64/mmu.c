/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmu.c - switching the MMU features of arm64 on, at EL1. Registers and their fields have
 * the names of the Arm ARM (DDI 0487), "AArch64 System Register Descriptions".
 *
 * The tables that are current while mmu_start runs must translate all that is in use by
 * TTBR1_EL1, with CONFIG_ARM64_VA_BITS and memory attributes as below, by entries that are
 * not global, under an ASID other than 0 (TCR_EL1.A1 set). So the first mmu_root_set
 * changes the tables and their tag in one step, and no TLB can hold an old and a new
 * translation for one address and tag. What TTBR0_EL1 translates ends in mmu_start.
 *
 * Accessed and dirty are left to the hardware where it can do both or one; otherwise they
 * are set by faults. PAN is taken where the CPU has it.
 */
#include "entry.h"
#include "mmu.h"

/* entry.h's attributes 0, 1 and 2. */
#define MAIR 0x04bbffu

#define TCR_T0SZ      (64u - CONFIG_ARM64_VA_BITS)
#define TCR_EPD0      ((uint64_t)1 << 7) /* no walks by TTBR0_EL1 */
#define TCR_T1SZ      ((uint64_t)(64u - CONFIG_ARM64_VA_BITS) << 16)
#define TCR_T1SZ_MASK ((uint64_t)0x3f << 16)
#define TCR_A1        ((uint64_t)1 << 22) /* the ASID is TTBR1_EL1's */
#define TCR_WALKS1    ((uint64_t)0x35 << 24) /* walks: write-back, inner shareable */
#define TCR_TG1_4K    ((uint64_t)2 << 30)
#define TCR_IPS_SHIFT 32
#define TCR_AS        ((uint64_t)1 << 36) /* ASIDs of 16 bits */
#define TCR_HA        ((uint64_t)1 << 39) /* hardware sets the access flag */
#define TCR_HD        ((uint64_t)1 << 40) /* and the dirty state */

#define SCTLR_C    ((uint64_t)1 << 2)  /* data is cached */
#define SCTLR_SA   ((uint64_t)1 << 3)  /* the stack pointer is aligned */
#define SCTLR_I    ((uint64_t)1 << 12) /* instructions are cached */
#define SCTLR_SPAN ((uint64_t)1 << 23) /* exceptions leave PAN as it is */

#define CTR_IDC      ((uint64_t)1 << 28) /* data need not be cleaned */
#define CTR_DIC      ((uint64_t)1 << 29) /* instructions need not be invalidated */
#define CTR_L1I_PIPT 3u

#define IPS_48_BITS 5u /* the most that the entries hold */

#define REGISTER_READ(name)                                                                        \
	static uint64_t name##_read(void)                                                          \
	{                                                                                          \
		uint64_t value;                                                                    \
                                                                                                   \
		__asm__ volatile("mrs %0, " #name : "=r"(value));                                  \
		return value;                                                                      \
	}

REGISTER_READ(ctr_el0)
REGISTER_READ(id_aa64mmfr0_el1)
REGISTER_READ(id_aa64mmfr1_el1)
REGISTER_READ(sctlr_el1)
REGISTER_READ(tcr_el1)

/* 1: the CPU has PAN. For user.S. */
extern uint8_t mmu_pan;
uint8_t mmu_pan;

static unsigned int field(uint64_t value, unsigned int shift)
{
	return (value >> shift) & 0xf;
}

static bool asid_is_16_bits(void)
{
	return field(id_aa64mmfr0_el1_read(), 4) == 2;
}

static void demand(bool condition, const char *what)
{
	if (!condition) {
		qr_port_panic(what);
	}
}

static uint64_t tcr_value(void)
{
	const unsigned int pa_range = field(id_aa64mmfr0_el1_read(), 0);
	const unsigned int hafdbs = field(id_aa64mmfr1_el1_read(), 0);

	return TCR_T0SZ | TCR_EPD0 | TCR_T1SZ | TCR_A1 | TCR_WALKS1 | TCR_TG1_4K |
	       (uint64_t)(pa_range < IPS_48_BITS ? pa_range : IPS_48_BITS) << TCR_IPS_SHIFT |
	       (asid_is_16_bits() ? TCR_AS : 0) | (hafdbs >= 1 ? TCR_HA : 0) |
	       (hafdbs >= 2 ? TCR_HD : 0);
}

/* ID_AA64MMFR0_EL1.PARange. Beyond, there is an address size fault on each access. */
unsigned int mmu_phys_bits(void)
{
	static const uint8_t bits[] = {32, 36, 40, 42, 44, 48};
	const unsigned int pa_range = field(id_aa64mmfr0_el1_read(), 0);

	return bits[pa_range < IPS_48_BITS ? pa_range : IPS_48_BITS];
}

/* Drop all translations of this CPU. */
static void tlb_all_local(void)
{
	__asm__ volatile("tlbi vmalle1\n\tdsb nsh\n\tisb" : : : "memory");
}

void mmu_start(void)
{
	const bool pan = field(id_aa64mmfr1_el1_read(), 20) != 0;
	const uint64_t sctlr = sctlr_el1_read() | SCTLR_C | SCTLR_SA | SCTLR_I;

	demand(field(id_aa64mmfr0_el1_read(), 28) != 0xf, "arm64: the CPU has no 4 KiB granule");
	demand((tcr_el1_read() & TCR_T1SZ_MASK) == TCR_T1SZ,
	       "arm64: TCR_EL1.T1SZ is not what CONFIG_ARM64_VA_BITS says");
	__asm__ volatile("msr mair_el1, %0\n\t"
			 "msr tcr_el1, %1\n\t"
			 "msr sctlr_el1, %2\n\t"
			 "isb"
			 : : "r"((uint64_t)MAIR), "r"(tcr_value()),
			   "r"(pan ? sctlr & ~SCTLR_SPAN : sctlr)
			 : "memory");
	mmu_pan = pan;
	if (pan) {
		__asm__ volatile(".arch_extension pan\n\tmsr pan, #1" : : : "memory");
	}
	tlb_all_local();
}

void mmu_root_set(uint64_t root, unsigned int tag)
{
	QR_ASSERT((root & ~ENTRY_ADDRESS) == 0);
	__asm__ volatile("msr ttbr1_el1, %0\n\tisb"
			 : : "r"(root | (uint64_t)tag << MMU_TAG_SHIFT) : "memory");
}

unsigned int mmu_tags(void)
{
	return asid_is_16_bits() ? 1u << 16 : 1u << 8;
}

/* Instruction caches that are not indexed by physical address may have the same code under
 * other addresses: drop all of it. */
void code_sync(void *virt, size_t size)
{
	const uint64_t ctr = ctr_el0_read();
	const size_t data_line = (size_t)4 << field(ctr, 16);
	const size_t code_line = (size_t)4 << field(ctr, 0);
	const uintptr_t first = (uintptr_t)virt;
	const bool by_address = (ctr >> 14 & 3) == CTR_L1I_PIPT;

	for (size_t at = 0; !(ctr & CTR_IDC) && at < size; at += data_line) {
		__asm__ volatile("dc cvau, %0" : : "r"(first + at) : "memory");
	}
	__asm__ volatile("dsb ish" : : : "memory");
	for (size_t at = 0; !(ctr & CTR_DIC) && by_address && at < size; at += code_line) {
		__asm__ volatile("ic ivau, %0" : : "r"(first + at) : "memory");
	}
	if (!(ctr & CTR_DIC) && !by_address) {
		__asm__ volatile("ic ialluis" : : : "memory");
	}
	__asm__ volatile("dsb ish\n\tisb" : : : "memory");
}
