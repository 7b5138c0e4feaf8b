/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.c - page faults, and what cannot be survived.
 *
 * A fault that Quire refuses ends the thread that took it, and no more; in an
 * interrupt handler, under the mm lock or in the first thread it ends the machine.
 * Inside kernel_try_*() it only ends the try.
 */
#include "kernel/config.h"
#include <quire/fault.h>

#include "kernel/kernel.h"
#include "kernel/machine.h"
#include "kernel/port.h"
#include "kernel/sched.h"

#include <cpu.h>

#define EXIT_PANIC 3

void kernel_panic(const struct trap_frame *frame, const char *what)
{
	static bool panicking;

	irq_disable();
	if (!panicking) {
		panicking = true;
		kernel_printf("panic: %s\nthread %s%s%s\n", what, sched_current()->name,
			      sched_in_irq() ? ", in an interrupt" : "",
			      port_locked() ? ", mm lock held" : "");
		if (frame) {
			trap_dump(frame);
		}
	}
	machine_exit(EXIT_PANIC);
}

const char *fault_access_name(uint32_t access)
{
	if (access & K_MEM_FAULT_EXEC) {
		return "execute";
	}
	return access & K_MEM_FAULT_WRITE ? "write" : "read";
}

/* The kernel's access that `fault` tells of is refused with `status`. In the middle of another
 * fault neither a try nor the thread may end: what the core holds for it nobody gives back. */
static void refuse(struct trap_frame *frame, const struct qr_fault *fault, int status)
{
	struct thread *self = sched_current();

	if (!sched_in_irq() && !self->faulting && self->try_stack) {
		trap_resume(frame, self->try_stack, status);
		return;
	}
	if (trap_irqs_on(frame)) {
		irq_enable(); /* it does not go back */
	}
	kernel_printf("# thread %s: cannot %s %p: error %d at %p\n", self->name,
		      fault_access_name(fault->access), fault->address, status, trap_ip(frame));
	if (sched_in_irq() || self->faulting || self == thread_static(THREAD_FIRST) ||
	    sched_idle()) {
		kernel_panic(frame, "page fault");
	}
	thread_end(status);
}

void fault_stack(struct trap_frame *frame, uintptr_t address)
{
	struct thread *self = sched_current();

	if (!thread_stack_guard(self, address)) {
		kernel_panic(frame, "double fault");
	}
	/* with interrupts masked it may hold anything, in a fault frames and slots */
	if (sched_in_irq() || port_locked() || !trap_irqs_on(frame) || self->faulting ||
	    self == thread_static(THREAD_FIRST) || sched_idle()) {
		kernel_panic(frame, "stack overflow");
	}
	kernel_printf("# thread %s: stack overflow at %p\n", self->name, trap_ip(frame));
	thread_end(-EFAULT);
}

/* ---- page faults ---------------------------------------------------------------------- */

/* The gate masks interrupts, the return lets them in: what of that is between the handler's
 * first and last instruction is measured. */
static void masked(const struct trap_frame *frame, void (*note)(void))
{
	if (CONFIG_KERNEL_IRQ_TIME && trap_irqs_on(frame)) {
		note();
	}
}

/* A fault that the core may serve, the interrupt mask as it was. */
static int serve(const struct trap_frame *frame, const struct qr_fault *fault)
{
	struct thread *self = sched_current();
	uint32_t access = fault->access;
	bool outer = self->faulting;
	int status;

	if (trap_fenced(frame)) {
		access |= K_MEM_FAULT_FENCED;
	}
	if (trap_irqs_on(frame)) {
		masked(frame, port_irq_on);
		irq_enable();
	}
	self->faulting = true;
	status = k_mem_page_fault(fault->address, access);
	self->faulting = outer;
	irq_disable();
	masked(frame, port_irq_off);
	return status;
}

/* The same, timed. Apart, or the kernel's faults, too, would save the registers that only this
 * uses. */
static QR_NOINLINE int user_serve(const struct trap_frame *frame, const struct qr_fault *fault)
{
	uint64_t start = kernel_cycles();
	int status = serve(frame, fault);

	sched_current()->user.fault_cycles += kernel_cycles() - start;
	return status;
}

void fault_handle(struct trap_frame *frame, uintptr_t address, uintptr_t syndrome)
{
	bool user = CONFIG_USERSPACE && trap_user(frame);
	struct qr_fault fault;
	int status;

	masked(frame, port_irq_off);
	QR_ASSERT_ALL(!user || entry_clean());
	if (!fault_read(address, syndrome, &fault) || fault.kind == QR_FAULT_RESERVED) {
		kernel_panic(frame, "page fault of no known kind");
	}
	/* user_copy runs masked, and hardly anything else that faults does */
	if (CONFIG_USERSPACE && !user && !trap_irqs_on(frame)) {
		uintptr_t ip = user_copy_fixup((uintptr_t)trap_ip(frame), &fault);

		if (ip != 0) {
			trap_ip_set(frame, ip);
			return;
		}
	}
	if (port_locked()) {
		kernel_panic(frame, "page fault under the mm lock");
	}
	status = user ? user_serve(frame, &fault) : serve(frame, &fault);
	if (status != 0 && user) {
		user_refuse(frame, &fault, status);
	} else if (status != 0) {
		refuse(frame, &fault, status);
	}
	masked(frame, port_irq_on);
}

/* ---- tries ---------------------------------------------------------------------------- */

struct access {
	volatile uint8_t *address;
	uint8_t value;
};

static void try_read(void *argument)
{
	struct access *access = argument;

	access->value = *access->address;
}

static void try_write(void *argument)
{
	struct access *access = argument;

	*access->address = access->value;
}

static int try(void (*function)(void *), void *argument)
{
	struct thread *self = sched_current();
	int status = trap_try(function, argument, &self->try_stack);

	self->try_stack = NULL;
	return status;
}

int kernel_try_read(const volatile void *address, uint8_t *value)
{
	struct access access = {.address = (volatile uint8_t *)(uintptr_t)address};
	int status = try(try_read, &access);

	if (status == 0) {
		*value = access.value;
	}
	return status;
}

int kernel_try_write(volatile void *address, uint8_t value)
{
	struct access access = {.address = address, .value = value};

	return try(try_write, &access);
}

int kernel_try_exec(const void *address)
{
	return try((void (*)(void *))(uintptr_t)address, NULL);
}
