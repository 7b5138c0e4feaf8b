/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain_thread.c - which thread is in which domain, and whose set of tables is current.
 *
 * The port keeps each thread's domain with the thread; a domain only counts its threads. The
 * default domain, in which all others are, is not counted.
 */
#include "domain.h"

#if CONFIG_USERSPACE

struct k_mem_domain *qr_domain_current;

/* Where the domain of the thread is kept. */
static struct k_mem_domain **slot_of(void *thread)
{
	static struct k_mem_domain *only;

	return qr_host_thread_domain(thread, &only);
}

static struct k_mem_domain *domain_in(struct k_mem_domain *const *slot)
{
	return *slot != NULL ? *slot : &k_mem_domain_default;
}

struct k_mem_domain *qr_domain_of_thread(void *thread)
{
	return domain_in(slot_of(thread));
}

static void set_current(struct k_mem_domain *domain)
{
	qr_domain_current = domain;
	arch_mem_domain_switch(domain != NULL ? &domain->arch : NULL);
}

void k_mem_domain_switch(struct k_mem_domain *domain)
{
	if (domain != qr_domain_current) {
		set_current(domain);
	}
}

int k_mem_domain_add_thread(struct k_mem_domain *domain, void *thread)
{
	struct k_mem_domain **slot = slot_of(thread);
	struct k_mem_domain *was;
	struct qr_hold hold;

	if (domain == NULL) {
		return -EINVAL;
	}
	qr_lock(&hold);
	was = domain_in(slot);
	if (was != domain) {
		was->thread_count -= *slot != NULL ? 1 : 0;
		domain->thread_count++;
		*slot = domain;
		/* a thread that runs on the kernel's own tables stays there */
		if (slot == slot_of(NULL) && was == qr_domain_current) {
			set_current(domain);
		}
	}
	qr_unlock(&hold);
	return 0;
}

void k_mem_domain_remove_thread(void *thread)
{
	struct k_mem_domain **slot = slot_of(thread);
	struct qr_hold hold;

	qr_lock(&hold);
	if (*slot != NULL) {
		if (slot == slot_of(NULL) && *slot == qr_domain_current) {
			set_current(NULL);
		}
		(*slot)->thread_count--;
		*slot = NULL;
	}
	qr_unlock(&hold);
}

void k_mem_domain_inherit_thread(void *parent, void *child)
{
	int status = k_mem_domain_add_thread(qr_domain_of_thread(parent), child);

	/* fails without a domain only, and there is one */
	QR_ASSERT(status == 0);
	(void)status;
}

#endif /* CONFIG_USERSPACE */
