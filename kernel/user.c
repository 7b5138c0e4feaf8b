/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user.c - programs and threads in user mode.
 *
 * A user thread is a thread of the kernel whose entry goes to user mode and does not come
 * back; it is in the kernel again during traps and system calls only, at the end of its
 * kernel stack. It has a second stack in anonymous memory of its domain, which may be paged out.
 *
 * Locks: interrupts masked, as in sched.h, in user_switch(); nothing else is shared.
 */
#include "kernel/user.h"

#include <quire/fault.h>

#include "kernel/machine.h"
#include "kernel/sched.h"

#include <cpu.h>

#define PAGE ((size_t)CONFIG_MMU_PAGE_SIZE)

/* ---- domains ------------------------------------------------------------------------------ */

#define PIECES 3u

static void piece(struct k_mem_partition *part, const uint8_t *begin, const uint8_t *end,
		  k_mem_partition_attr_t attr)
{
	*part = (struct k_mem_partition){(uintptr_t)begin, (size_t)(end - begin), attr};
}

int user_domain_init(struct k_mem_domain *domain, const struct user_program *program,
		     size_t memory_bytes, size_t resident_bytes)
{
	struct k_mem_partition pieces[PIECES], *list[PIECES];
	uint8_t count = 0;
	int status;

	piece(&pieces[0], program->text, program->text_end, K_MEM_PARTITION_P_RX_U_RX);
	piece(&pieces[1], program->rodata, program->rodata_end, K_MEM_PARTITION_P_RO_U_RO);
	piece(&pieces[2], program->data, program->data_end, K_MEM_PARTITION_P_RW_U_RW);
	for (size_t i = 0; i < PIECES; i++) {
		if (pieces[i].size != 0) {
			list[count++] = &pieces[i];
		}
	}
	status = k_mem_domain_init(domain, count, list);
	if (status != 0) {
		return status;
	}
	status = k_mem_domain_limits_set(domain, memory_bytes, resident_bytes);
	if (status != 0 && k_mem_domain_deinit(domain) != 0) {
		kernel_panic(NULL, "a new domain cannot be given back");
	}
	return status;
}

/* ---- threads ------------------------------------------------------------------------------ */

static void user_begin(void *argument)
{
	const struct user_thread *user = argument;

	irq_disable();
	user_enter(user->entry, user->argument,
		   (uintptr_t)user->stack + CONFIG_KERNEL_USER_STACK_BYTES);
}

struct thread *thread_start_user(const char *name, unsigned int priority,
				 struct k_mem_domain *domain, const struct user_program *program,
				 uintptr_t argument)
{
	struct thread *thread = thread_make(name, priority, user_begin, NULL);
	void *stack = NULL;

	if (!thread) {
		return NULL;
	}
	if (k_mem_domain_map(domain, &stack, CONFIG_KERNEL_USER_STACK_BYTES, K_MEM_PERM_RW) != 0) {
		thread_drop(thread);
		return NULL;
	}
	thread->argument = &thread->user;
	thread->user = (struct user_thread){
		.entry = (uintptr_t)program->text, .argument = argument, .stack = stack,
	};
	if (k_mem_domain_add_thread(domain, thread) != 0) {
		user_thread_drop(thread);
		thread_drop(thread);
		return NULL;
	}
	thread_go(thread);
	return thread;
}

void *thread_user_stack(const struct thread *thread)
{
	return thread->user.stack;
}

static struct k_mem_domain *domain_of(const struct thread *thread)
{
	return thread->domain ? thread->domain : &k_mem_domain_default;
}

void user_thread_drop(struct thread *thread)
{
	/* refused where user mode unmapped it itself, which is its own affair: what it mapped
	 * there since is its domain's, and so is the harm */
	(void)!k_mem_domain_unmap(domain_of(thread), thread->user.stack,
				  CONFIG_KERNEL_USER_STACK_BYTES);
	k_mem_domain_remove_thread(thread);
}

/* On whose tables it runs: the kernel's own threads have nothing to look for in a domain. */
static struct k_mem_domain *tables_of(const struct thread *thread)
{
	return thread->user.entry ? domain_of(thread) : NULL;
}

void user_switch(const struct thread *from, const struct thread *to)
{
	struct k_mem_domain *domain = tables_of(to);

	if (domain) {
		user_stack_set(to->stack + CONFIG_KERNEL_STACK_BYTES);
	}
	if (domain != tables_of(from)) {
		k_mem_domain_switch(domain);
	}
}

/* ---- what user mode may not do --------------------------------------------------------------- */

/* The running thread cannot go on as it was: to where it said, or to its end. */
static void go_on_or_end(struct trap_frame *frame, int status)
{
	struct user_thread *user = &sched_current()->user;
	uintptr_t ip = user->try_ip;

	if (ip == 0) {
		thread_end(status);
	}
	user->try_ip = 0;
	trap_user_resume(frame, ip, user->try_stack, status);
}

void user_refuse(struct trap_frame *frame, const struct qr_fault *fault, int status)
{
	const struct thread *self = sched_current();
	bool full = (uintptr_t)self->user.stack - 1 - (uintptr_t)fault->address < PAGE;

	if (self->user.try_ip == 0) {
		irq_enable(); /* it does not go back */
		kernel_printf("# thread %s: %s: user mode cannot %s %p: error %d at %p\n",
			      self->name, full ? "stack overflow" : "page fault",
			      fault_access_name(fault->access), fault->address, status,
			      trap_ip(frame));
	}
	go_on_or_end(frame, status);
}

void fault_user(struct trap_frame *frame, const char *what)
{
	const struct thread *self = sched_current();

	QR_ASSERT_ALL(entry_clean());
	if (self->user.try_ip == 0) {
		irq_enable(); /* it does not go back */
		kernel_printf("# thread %s: %s in user mode at %p\n", self->name, what,
			      trap_ip(frame));
	}
	go_on_or_end(frame, -EPERM);
}
