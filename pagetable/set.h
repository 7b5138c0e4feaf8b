/* SPDX-License-Identifier: Apache-2.0 */
/*
 * set.h - which set of tables is current, and the tags under which a CPU remembers sets.
 */
#ifndef QR_PAGETABLE_SET_H
#define QR_PAGETABLE_SET_H

#include "overlay.h"

/* The domain whose set is current; NULL: the kernel's own. */
extern struct arch_mem_domain *qr_set_current;

/* The kernel's own set is current; no other is known. */
void qr_sets_init(void);

/* Count the CPU's tags, and drop all translations: those too that counting left. Once, after the
 * kernel's own set became current. */
void qr_sets_start(void);

/* The private leaf table of the domain for `virt`, or 0: it shares the kernel's. */
uint16_t qr_set_leaf(const struct arch_mem_domain *domain, const void *virt);

/* The private table that an upper entry of private table `table` points to, or 0. */
uint16_t qr_set_below(uint16_t table, const void *virt);

/* Between these the domain's tables are not those that a walker uses, and may be changed in ways
 * that a CPU must not see. The second drops what was remembered of them. */
void qr_set_suspend(const struct arch_mem_domain *domain);
void qr_set_resume(struct arch_mem_domain *domain);

#if !CONFIG_USERSPACE
QR_ABSENT_BEGIN
QR_ABSENT(uint16_t qr_set_leaf(const struct arch_mem_domain *domain, const void *virt), return 0)
QR_ABSENT_END
#endif

#endif /* QR_PAGETABLE_SET_H */
