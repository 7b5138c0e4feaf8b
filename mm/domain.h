/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain.h - memory domains, as the core sees them. With CONFIG_USERSPACE 0 all of it is nothing.
 *
 * The gate. Domains are changed by one thread at a time, which may let go of the mm lock meanwhile:
 * it is inside the gate, which comes before the mm lock in the order of locks.
 */
#ifndef QR_MM_DOMAIN_H
#define QR_MM_DOMAIN_H

#include <quire/domain.h>

#include "frame.h"

/* The domain of the running code; NULL: the kernel's own. */
extern struct k_mem_domain *qr_domain_current;

/* The domain that the thread is in. */
struct k_mem_domain *qr_domain_of_thread(void *thread);

/* Domains of whose frames some are kept for them. (Those that have anonymous memory: qr_told.) */
extern uint32_t qr_domain_keeper_count;

/* No domains but the default one; once, by k_mem_init. */
void qr_domain_init(void);

/* Lock held, let go of while another thread is inside. For threads only (quire/domain.h): a context
 * that cannot sleep would wait for one that it interrupted. */
void qr_domain_enter(struct qr_hold *hold);
void qr_domain_leave(void);

/* Are the pages in one stretch of addresses that the domain has a private leaf table for? Nothing
 * is lacking then. */
bool qr_domain_covers(const struct k_mem_domain *domain, struct qr_pages pages);

/* Are as many tables free as the domain lacks for these pages? Inside the gate, lets go of the
 * lock. */
bool qr_domain_tables_suffice(const struct k_mem_domain *domain, struct qr_pages pages,
			      struct qr_hold *hold);

/* Make private leaf tables for the pages. As many as are lacking must be free. Inside the gate,
 * lets go of the lock. */
void qr_domain_cover(struct k_mem_domain *domain, struct qr_pages pages, struct qr_hold *hold);

/* The next pages, of which `done` are done, that one hold gives rights: in one leaf table. */
struct qr_pages qr_domain_batch(struct qr_pages pages, uint32_t done);

/* Give such pages, which are covered, rights of the domain's own, and with ARCH_MEM_OWNER make them
 * its anonymous memory. */
void qr_domain_own(struct k_mem_domain *domain, struct qr_pages batch, uint32_t rights);

/* Give back the private tables over the pages that are not needed any more. Inside the gate,
 * lets go of the lock. */
void qr_domain_trim(struct k_mem_domain *domain, struct qr_pages pages, struct qr_hold *hold);

/* End the partitions that cover any of the pages. The same. */
void qr_domain_clear(struct k_mem_domain *domain, struct qr_pages pages, struct qr_hold *hold);

/* Adding a partition, inside the gate, lets go of the lock. Could the domain have it: 0 and a
 * free *place, or -EINVAL or -ENOSPC; then its tables: -ENOMEM; and last its rights. What was
 * covered and gets no rights is to be trimmed. */
int qr_domain_part_check(struct k_mem_domain *domain, const struct k_mem_partition *part,
			 struct k_mem_partition **place, struct qr_hold *hold) QR_MUST_CHECK;
int qr_domain_part_cover(struct k_mem_domain *domain, const struct k_mem_partition *part,
			 struct qr_hold *hold) QR_MUST_CHECK;
void qr_domain_part_put(struct k_mem_domain *domain, const struct k_mem_partition *part,
			struct k_mem_partition *place, struct qr_hold *hold);

/* The pages of a partition. */
struct qr_pages qr_domain_part_pages(const struct k_mem_partition *part);

/* Unmap all anonymous memory of the domain; it has no partitions. Inside the gate. */
void qr_domain_anon_end(struct k_mem_domain *domain, struct qr_hold *hold);

/* A page, perhaps of some domain's anonymous memory, came into a frame of its own, or left it. */
void qr_domain_resident(uint32_t page, int change);
QR_INLINE void qr_domain_came(uint32_t page)
{
	if (CONFIG_USERSPACE && QR_UNLIKELY(qr_told.domains > 0)) {
		qr_domain_resident(page, 1);
	}
}
QR_INLINE void qr_domain_left(uint32_t page)
{
	if (CONFIG_USERSPACE && QR_UNLIKELY(qr_told.domains > 0)) {
		qr_domain_resident(page, -1);
	}
}

/* Are frames kept for any domain? Is this one, for one that the running code is not in? */
QR_INLINE bool qr_domain_keepers(void)
{
	return CONFIG_USERSPACE && QR_UNLIKELY(qr_domain_keeper_count > 0);
}
bool qr_domain_keeps_frame(uint32_t frame);
QR_INLINE bool qr_domain_keeps(uint32_t frame)
{
	return CONFIG_USERSPACE && qr_domain_keepers() && qr_domain_keeps_frame(frame);
}

#endif /* QR_MM_DOMAIN_H */
