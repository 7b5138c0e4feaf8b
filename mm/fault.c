/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.c - the entry for the trap handler. The work is in bring.c.
 */
#include "bring.h"
#include "stats.h"

int k_mem_page_fault(void *addr, uint32_t access)
{
	uintptr_t offset = (uintptr_t)addr - (uintptr_t)CONFIG_KERNEL_VM_BASE;
	enum qr_port_context context = qr_host_context();
	const uint32_t known = QR_BRING_WRITE | QR_BRING_EXEC | QR_BRING_USER | QR_BRING_FENCED;
	struct qr_hold hold;
	int status;

	if (offset >= CONFIG_KERNEL_VM_SIZE) {
		return -EFAULT;
	}
	qr_lock(&hold);
	qr_stats_fault(context);
	status = qr_bring((uint32_t)(offset >> QR_PAGE_SHIFT), access & known, &hold);
	qr_unlock(&hold);
	return status;
}
