/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emu.c - the emulated machine: RAM, and programs that access memory through the TLB.
 *
 * RAM of all banks is one array; a bank is a range of physical addresses and where in the
 * array it begins. An access is: translate; on a fault ask the handler and try again.
 */
#include "machine.h"

#include <string.h>

/* What RAM holds after a reset: nothing that looks like zeroed memory. */
#define JUNK 0x5a

struct bank {
	uint64_t phys;
	size_t size;
	size_t start; /* in ram[], bytes */
};

struct emu_machine emu;
int (*emu_fault)(const struct qr_fault *fault);
void (*emu_publish_hook)(const qr_entry_t *first, size_t count);
void (*emu_drop_hook)(void);
void (*emu_count_hook)(void);
void (*emu_page_drop_hook)(uintptr_t virt);
void (*emu_error_hook)(const struct emu_error *error);

static QR_ALIGNED(EMU_PAGE_BYTES) uint8_t ram[EMU_RAM_BYTES_MAX];
static struct emu_owner owners[EMU_RAM_BYTES_MAX / EMU_PAGE_BYTES];
static struct bank banks[EMU_BANKS_MAX];
static size_t bank_count;

/* What the core reaches when it touches a page that it should not. */
static QR_ALIGNED(EMU_PAGE_BYTES) uint8_t nowhere[EMU_PAGE_BYTES];

/* ---- RAM ---------------------------------------------------------------------------- */

int emu_bank_add(uint64_t phys, size_t size)
{
	size_t start = 0;

	if (size == 0 || ((phys | size) & EMU_PAGE_MASK) != 0 || phys + size < phys) {
		return -EINVAL;
	}
	for (size_t i = 0; i < bank_count; i++) {
		if (phys < banks[i].phys + banks[i].size && banks[i].phys < phys + size) {
			return -EINVAL;
		}
		start += banks[i].size;
	}
	if (bank_count == EMU_BANKS_MAX || size > sizeof(ram) - start) {
		return -ENOMEM;
	}
	banks[bank_count++] = (struct bank){.phys = phys, .size = size, .start = start};
	memset(&ram[start], JUNK, size);
	memset(&owners[start / EMU_PAGE_BYTES], 0, size / EMU_PAGE_BYTES * sizeof(owners[0]));
	return 0;
}

int emu_init(uint64_t phys, size_t size)
{
	emu = (struct emu_machine){.root = 0};
	emu_fault = NULL;
	emu_publish_hook = NULL;
	emu_drop_hook = NULL;
	emu_page_drop_hook = NULL;
	emu_error_hook = NULL;
	emu_takes_over = false;
	bank_count = 0;
	emu_tlb_reset();
	emu_place_reset();
	return emu_bank_add(phys, size);
}

/* Where in ram[] the byte is; false outside RAM. */
static bool ram_offset(uint64_t phys, size_t *offset)
{
	for (size_t i = 0; i < bank_count; i++) {
		if (phys - banks[i].phys < banks[i].size) {
			*offset = banks[i].start + (size_t)(phys - banks[i].phys);
			return true;
		}
	}
	return false;
}

void *emu_phys(uint64_t phys)
{
	size_t offset;

	return ram_offset(phys, &offset) ? &ram[offset] : NULL;
}

struct emu_owner *emu_owner_of(uint64_t phys)
{
	size_t offset;

	return ram_offset(phys, &offset) ? &owners[offset / EMU_PAGE_BYTES] : NULL;
}

/* ---- settings ----------------------------------------------------------------------- */

void emu_tables_set(const void *start, const void *end)
{
	emu.tables[0] = (struct emu_tables){(uintptr_t)start, (uintptr_t)end};
}

void emu_tables_add(unsigned int which, const void *start, const void *end)
{
	emu.tables[1 + which] = (struct emu_tables){(uintptr_t)start, (uintptr_t)end};
}

void emu_phys_bits(unsigned int bits)
{
	emu.phys_bits = bits;
}

void emu_software_flags(bool on)
{
	emu.software_flags = on;
}

size_t emu_errors(void)
{
	return emu.errors;
}

const struct emu_counters *emu_counters(void)
{
	return &emu.count;
}

/* ---- accesses ----------------------------------------------------------------------- */

static int fault(uintptr_t virt, uint32_t access, enum qr_fault_kind kind)
{
	const struct qr_fault fault = {.address = (void *)virt, .access = access, .kind = kind};

	emu.count.faults++;
	return emu_fault == NULL || emu.in_hook ? -EFAULT : emu_fault(&fault);
}

/* A page of another address now uses the frame. */
static void own(uint64_t phys, uintptr_t virt)
{
	struct emu_owner *owner = emu_owner_of(phys);

	if (owner != NULL && owner->virt != (virt & ~EMU_PAGE_MASK)) {
		owner->virt = virt & ~EMU_PAGE_MASK;
		owner->time = ++emu.time;
	}
}

/* The host's address of the byte at virt. */
static int translate(uintptr_t virt, uint32_t access, void **host)
{
	if (emu.root == 0) {
		return -EFAULT;
	}
	for (unsigned int faults = 0; faults < EMU_FAULTS_MAX; faults++) {
		enum qr_fault_kind kind;
		uint64_t phys;
		bool found;
		int error;

		emu_mode_set((access & K_MEM_FAULT_USER) != 0);
		found = emu_tlb_translate(virt, access, &phys, &kind);
		emu_mode_set(false);
		if (found) {
			own(phys, virt);
			*host = emu_phys(phys);
			return *host == NULL ? -ENXIO : 0;
		}
		error = fault(virt, access, kind);
		if (error != 0) {
			return error;
		}
	}
	emu_tlb_report_stuck(virt);
	return -EFAULT;
}

static size_t in_page(uintptr_t virt, size_t size)
{
	const size_t rest = EMU_PAGE_BYTES - (virt & EMU_PAGE_MASK);

	return size < rest ? size : rest;
}

int emu_read(uintptr_t virt, void *data, size_t size, uint32_t access)
{
	for (size_t done = 0; done < size;) {
		const size_t step = in_page(virt + done, size - done);
		void *host;
		int error = translate(virt + done, access & K_MEM_FAULT_USER, &host);

		if (error != 0) {
			return error;
		}
		memcpy((uint8_t *)data + done, host, step);
		done += step;
	}
	return 0;
}

int emu_write(uintptr_t virt, const void *data, size_t size, uint32_t access)
{
	for (size_t done = 0; done < size;) {
		const size_t step = in_page(virt + done, size - done);
		void *host;
		int error = translate(virt + done, (access & K_MEM_FAULT_USER) | K_MEM_FAULT_WRITE,
				      &host);

		if (error != 0) {
			return error;
		}
		memcpy(host, (const uint8_t *)data + done, step);
		done += step;
	}
	return 0;
}

int emu_exec(uintptr_t virt, uint32_t access)
{
	void *host;

	return translate(virt, (access & K_MEM_FAULT_USER) | K_MEM_FAULT_EXEC, &host);
}

int emu_page_read(uintptr_t virt, uint64_t *words, uint32_t access)
{
	QR_ASSERT((virt & EMU_PAGE_MASK) == 0);
	return emu_read(virt, words, EMU_PAGE_BYTES, access);
}

int emu_page_write(uintptr_t virt, const uint64_t *words, uint32_t access)
{
	QR_ASSERT((virt & EMU_PAGE_MASK) == 0);
	return emu_write(virt, words, EMU_PAGE_BYTES, access);
}

/* The core reads or writes the page as it likes through the pointer: what may be written
 * counts as written. Its windows lend a frame, they do not own it. */
void *emu_access(uintptr_t virt)
{
	enum qr_fault_kind kind;
	uint64_t phys;
	void *host = NULL;

	if (emu.root != 0 && (emu_tlb_translate(virt, K_MEM_FAULT_WRITE, &phys, &kind) ||
			      emu_tlb_translate(virt, 0, &phys, &kind))) {
		host = emu_phys(phys);
	}
	if (host == NULL) {
		emu_report(&(struct emu_error){
			.kind = EMU_ACCESS, .virt = virt, .place = __builtin_return_address(0)});
		host = &nowhere[virt & EMU_PAGE_MASK];
	}
	return host;
}
