/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmu.c - switching the MMU features of x86_64 on. Section numbers are those of the Intel
 * SDM, volume 3A; CPUID's bits are in volume 2A.
 *
 * What the entry format relies on is demanded: execute-disable, and the leaves and levels
 * that the build was configured for. What only guards the kernel (SMEP, SMAP, UMIP) is
 * taken where the CPU has it. The PAT keeps its reset value, as entry.h assumes.
 * The tables that are current while mmu_start runs must not have the kernel's pages open
 * to user mode: SMEP and SMAP act at once.
 */
#include "entry.h"
#include "mmu.h"

#define CR0_WP    ((uint64_t)1 << 16) /* 4.6.1: supervisor writes respect RW */
#define CR4_UMIP  ((uint64_t)1 << 11)
#define CR4_LA57  ((uint64_t)1 << 12)
#define CR4_PCIDE ((uint64_t)1 << 17)
#define CR4_SMEP  ((uint64_t)1 << 20)
#define CR4_SMAP  ((uint64_t)1 << 21)

#define MSR_EFER 0xc0000080u
#define EFER_NXE (1u << 11)

/* A leaf of 1 GiB fits into the space, and may be used. */
#define NEEDS_1G_LEAVES                                                                            \
	(CONFIG_MMU_LARGE_PAGES && ENTRY_LEAF_LEVELS > 2 && CONFIG_KERNEL_VM_SIZE >= 0x40000000)

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static struct cpuid cpuid(uint32_t leaf)
{
	struct cpuid id;

	__asm__ volatile("cpuid"
			 : "=a"(id.eax), "=b"(id.ebx), "=c"(id.ecx), "=d"(id.edx)
			 : "a"(leaf), "c"(0)
			 : "memory");
	return id;
}

static bool bit(uint32_t word, unsigned int shift)
{
	return (word >> shift) & 1u;
}

/* 1: the CPU has SMAP, and so STAC and CLAC. For user.S. */
extern uint8_t mmu_smap;
uint8_t mmu_smap;

/* CR4 bits for what this CPU has. */
static uint64_t cr4_features(void)
{
	uint64_t bits = bit(cpuid(1).edx, 13) ? MMU_CR4_PGE : 0;

	if (cpuid(0).eax >= 7) {
		const struct cpuid features = cpuid(7);

		bits |= bit(features.ebx, 7) ? CR4_SMEP : 0;
		bits |= bit(features.ebx, 20) ? CR4_SMAP : 0;
		bits |= bit(features.ecx, 2) ? CR4_UMIP : 0;
	}
	return bits;
}

/* MAXPHYADDR (4.1.4), with the default of volume 2A for CPUs without the leaf. Bits of an entry
 * from there to 51 are reserved: an access faults in a way that nothing serves. */
static uint8_t phys_bits_ask(void)
{
	if (cpuid(0x80000000u).eax >= 0x80000008u) {
		return (uint8_t)cpuid(0x80000008u).eax;
	}
	return bit(cpuid(1).edx, 6) ? 36 : 32;
}

/* Each physical mapping wants to know, and a hypervisor takes its time for a CPUID. */
unsigned int mmu_phys_bits(void)
{
	static uint8_t known;

	if (known == 0) {
		known = phys_bits_ask();
	}
	return known;
}

static void demand(bool condition, const char *what)
{
	if (!condition) {
		qr_port_panic(what);
	}
}

void mmu_start(void)
{
	const struct cpuid extended = cpuid(0x80000001u);
	const uint64_t cr4 = mmu_cr4_read();
	uint64_t cr0;
	uint32_t low, high;

	demand(bit(extended.edx, 20), "x86_64: the CPU has no execute-disable");
	demand(!NEEDS_1G_LEAVES || bit(extended.edx, 26),
	       "x86_64: the CPU has no pages of 1 GiB; build with CONFIG_X86_1G_LEAVES=0");
	demand(((cr4 & CR4_LA57) != 0) == CONFIG_X86_LA57,
	       "x86_64: CR4.LA57 is not what CONFIG_X86_LA57 says");
	demand((cr4 & CR4_PCIDE) == 0, "x86_64: CR4.PCIDE must be clear");

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_EFER));
	__asm__ volatile("wrmsr" : : "a"(low | EFER_NXE), "d"(high), "c"(MSR_EFER) : "memory");
	__asm__ volatile("movq %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("movq %0, %%cr0" : : "r"(cr0 | CR0_WP) : "memory");
	mmu_cr4_write(cr4 | cr4_features());
	mmu_smap = bit((uint32_t)mmu_cr4_read(), 21);
}

/* 4.10.4.1: drops what is not global; kernel mappings that differ in no set stay. */
void mmu_root_set(uint64_t root, unsigned int tag)
{
	QR_ASSERT(tag == 0 && (root & ~ENTRY_ADDRESS) == 0);
	mmu_kernel_cr3 = root;
	mmu_cr3_write(root);
}

/* For the trap code, which reads them before the root changes: they are there in both modes. */
QR_SECTION(".trampoline_data") uint64_t mmu_kernel_cr3, mmu_user_cr3;

void mmu_user_root_set(uint64_t root, unsigned int tag)
{
	QR_ASSERT(tag == 0 && (root & ~ENTRY_ADDRESS) == 0);
	mmu_user_cr3 = root;
}

unsigned int mmu_tags(void)
{
	return 1;
}

/* Caches are coherent, but an instruction that was written through another address may
 * have been prefetched: 8.1.3 asks for a serializing instruction. */
void code_sync(void *virt, size_t size)
{
	(void)virt;
	(void)size;
	(void)cpuid(0);
}
