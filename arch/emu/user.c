/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user.c - the copy from and to user memory, on the emulated machine (contract: quire/fault.h).
 *
 * An address in the space goes through the MMU, as an access of supervisor mode, whichever side it
 * is. Other addresses are the host's, whose memory stands for what a kernel has outside of the
 * space; those that a host never has fault, like everything that is not mapped.
 */
#include "machine.h"

#include <string.h>

#if CONFIG_USERSPACE

/* Host programs have memory between these. */
#define HOST_BEGIN ((uintptr_t)0x10000)
#define HOST_END   ((uintptr_t)1 << 48)

static bool in_space(uintptr_t at)
{
	return at - EMU_SPACE_BASE <= EMU_SPACE_LAST - EMU_SPACE_BASE;
}

/* What a CPU's fault would say. */
static bool faults(uintptr_t at, uint32_t access)
{
	qr_user_fault = (struct qr_fault){
		.address = (void *)at, .access = access, .kind = QR_FAULT_MISSING,
	};
	return true;
}

/* Both: all of it in one page. true: it faults. */
static bool get_faults(uintptr_t at, uint8_t *bytes, size_t size)
{
	if (in_space(at)) {
		return emu_read(at, bytes, size, 0) != 0 && faults(at, 0);
	}
	if (at < HOST_BEGIN || at >= HOST_END) {
		return faults(at, 0);
	}
	memcpy(bytes, (const void *)at, size);
	return false;
}

static bool put_faults(uintptr_t at, const uint8_t *bytes, size_t size)
{
	if (in_space(at)) {
		return emu_write(at, bytes, size, 0) != 0 && faults(at, K_MEM_FAULT_WRITE);
	}
	if (at < HOST_BEGIN || at >= HOST_END) {
		return faults(at, K_MEM_FAULT_WRITE);
	}
	memcpy((void *)at, bytes, size);
	return false;
}

size_t user_copy(void *dst, const void *src, size_t size)
{
	int (*const handler)(const struct qr_fault *) = emu_fault;
	uint8_t bytes[EMU_PAGE_BYTES];
	size_t done = 0;

	if (size > emu.count.copied_max) {
		emu.count.copied_max = size;
	}
	emu_fault = NULL; /* a fault ends the copy */
	while (done < size) {
		const uintptr_t from = (uintptr_t)src + done, to = (uintptr_t)dst + done;
		size_t step = EMU_PAGE_BYTES - ((from & EMU_PAGE_MASK) > (to & EMU_PAGE_MASK)
							? from & EMU_PAGE_MASK
							: to & EMU_PAGE_MASK);

		step = step < size - done ? step : size - done;
		if (get_faults(from, bytes, step) || put_faults(to, bytes, step)) {
			break;
		}
		done += step;
	}
	emu_fault = handler;
	return size - done;
}

#endif /* CONFIG_USERSPACE */
