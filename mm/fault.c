/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.c - the entry for the trap handler. The work is in bring.c.
 */
#include <quire/fault.h>

#include "bring.h"
#include "stats.h"

/* One CPU: written by the trap handler and read in the same masked stretch (user.c). It is here
 * because user.S, which names it, is assembled in every build. */
struct qr_fault qr_user_fault;

/* The page is beside the hold, which is in memory: in registers, which would be saved for what
 * rarely follows, the common fault would pay for it. */
struct fault {
	struct qr_hold hold;
	uint32_t page;
	unsigned int want;
};

static int serve(struct fault *fault)
{
	int status = qr_bring_step(fault->page, fault->want, &fault->hold);

	return QR_UNLIKELY(status > 0)
		       ? qr_bring_steps(fault->page, fault->want, status, &fault->hold)
		       : status;
}

/* The same for a fault that does not come from a thread with interrupts on. */
static QR_NOINLINE int serve_elsewhere(struct fault *fault, enum qr_port_context context)
{
	int status;

	qr_lock(&fault->hold);
	qr_stats_fault();
	qr_stats_fault_elsewhere(context);
	status = serve(fault);
	qr_unlock(&fault->hold);
	return status;
}

int k_mem_page_fault(void *addr, uint32_t access)
{
	uintptr_t offset = (uintptr_t)addr - (uintptr_t)CONFIG_KERNEL_VM_BASE;
	const uint32_t known = QR_BRING_WRITE | QR_BRING_EXEC | QR_BRING_USER | QR_BRING_FENCED;
	enum qr_port_context context;
	struct fault fault;
	int status;

	if (offset >= CONFIG_KERNEL_VM_SIZE) {
		return -EFAULT;
	}
	fault.page = (uint32_t)(offset >> QR_PAGE_SHIFT);
	fault.want = access & known;
	context = qr_host_context();
	if (QR_UNLIKELY(context != QR_PORT_THREAD)) {
		return serve_elsewhere(&fault, context);
	}
	qr_lock(&fault.hold);
	qr_stats_fault();
	status = serve(&fault);
	qr_unlock(&fault.hold);
	return status;
}
