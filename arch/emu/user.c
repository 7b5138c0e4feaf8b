/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user.c - the copy from and to user memory, on the emulated machine (contract:
 * pagetable/mmu_port.h). Of the two addresses one is the machine's, the other the host's.
 */
#include "machine.h"

size_t user_copy(void *dst, const void *src, size_t size)
{
	int (*const handler)(const struct qr_fault *) = emu_fault;
	const bool write = (uintptr_t)dst - EMU_SPACE_BASE <= EMU_SPACE_LAST - EMU_SPACE_BASE;
	int status;

	emu_fault = NULL; /* a fault ends the copy */
	status = write ? emu_write((uintptr_t)dst, src, size, 0)
		       : emu_read((uintptr_t)src, dst, size, 0);
	emu_fault = handler;
	return status == 0 ? 0 : size;
}
