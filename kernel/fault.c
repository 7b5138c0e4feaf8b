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

/* ---- page faults ----------------------------------------------------------------------
 *
 * Nearly all are taken with interrupts on, and are served. For these trap.S saves no more than what
 * a function may destroy (fault_serve), and the rest only for those that the core refuses
 * (fault_refused). The others have all registers saved from the start (fault_handle).
 */

/* The way in masks interrupts, the way out lets them in: what of that is between the first and
 * the last instruction here is measured. */
static void masked(bool is, void (*note)(void))
{
	if (CONFIG_KERNEL_IRQ_TIME && is) {
		note();
	}
}

/* Is it a fault that the core may serve? */
static bool known(uintptr_t address, uintptr_t syndrome, struct qr_fault *fault)
{
	return fault_read(address, syndrome, fault) && fault->kind != QR_FAULT_RESERVED;
}

/* The interrupt mask as it is. A fault of user mode is in no other one. */
static inline int serve(struct thread *self, void *address, uint32_t access, bool user)
{
	int status;

	self->faulting = user ? 1 : self->faulting + 1;
	status = k_mem_page_fault(address, access);
	self->faulting = user ? 0 : self->faulting - 1;
	return status;
}

/* With interrupts on. */
static inline int serve_short(struct thread *self, uintptr_t address, uintptr_t syndrome,
			      uint32_t fence, bool user)
{
	struct qr_fault fault;
	int status;

	masked(true, port_irq_off);
	QR_ASSERT_ALL(!CONFIG_USERSPACE || entry_clean());
	if (QR_UNLIKELY(!known(address, syndrome, &fault))) {
		return -EFAULT;
	}
	masked(true, port_irq_on);
	irq_enable();
	status = serve(self, fault.address, fault.access | fence, user);
	irq_disable();
	masked(true, port_irq_off);
	masked(status == 0, port_irq_on);
	return status;
}

int fault_serve(uintptr_t address, uintptr_t syndrome, uint32_t fence)
{
	return serve_short(sched_current(), address, syndrome, fence, false);
}

int fault_serve_user(uintptr_t address, uintptr_t syndrome)
{
	struct thread *self = sched_current();
	int status;

	self->user.fault_cycles -= kernel_cycles();
	status = serve_short(self, address, syndrome, 0, true);
	self->user.fault_cycles += kernel_cycles();
	return status;
}

void fault_refused(struct trap_frame *frame, uintptr_t address, uintptr_t syndrome, int status)
{
	struct qr_fault fault;

	if (!known(address, syndrome, &fault)) {
		kernel_panic(frame, "page fault of no known kind");
	}
	if (CONFIG_USERSPACE && trap_user(frame)) {
		user_refuse(frame, &fault, status);
	} else {
		refuse(frame, &fault, status);
	}
	masked(trap_irqs_on(frame), port_irq_on);
}

/* Is it in a copy from or to user memory, which runs masked? Then that goes on elsewhere. */
static bool copy_ended(struct trap_frame *frame, const struct qr_fault *fault)
{
	uintptr_t ip = CONFIG_USERSPACE ? user_copy_fixup((uintptr_t)trap_ip(frame), fault) : 0;

	if (ip != 0) {
		trap_ip_set(frame, ip);
	}
	return ip != 0;
}

static uint32_t fence(const struct trap_frame *frame)
{
	return trap_fenced(frame) ? K_MEM_FAULT_FENCED : 0u;
}

/* With interrupts masked. */
static int serve_masked(struct trap_frame *frame, uintptr_t address, uintptr_t syndrome)
{
	struct qr_fault fault;

	if (!known(address, syndrome, &fault)) {
		return -EFAULT;
	}
	if (copy_ended(frame, &fault)) {
		return 0;
	}
	if (port_locked()) {
		kernel_panic(frame, "page fault under the mm lock");
	}
	return serve(sched_current(), fault.address, fault.access | fence(frame), false);
}

void fault_handle(struct trap_frame *frame, uintptr_t address, uintptr_t syndrome)
{
	int status = trap_irqs_on(frame) ? fault_serve(address, syndrome, fence(frame))
					 : serve_masked(frame, address, syndrome);

	if (status != 0) {
		fault_refused(frame, address, syndrome, status);
	}
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
