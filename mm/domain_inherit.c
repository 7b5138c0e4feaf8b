/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain_inherit.c - a domain gets the partitions of a thread's domain.
 *
 * All or nothing: all are checked, then all private tables are made, and only then does any page
 * get rights, which cannot fail. Inside the gate nothing happens to the partitions of either
 * domain, and none of them ends.
 */
#include "domain.h"

#if CONFIG_USERSPACE

/* The next partition of `domain` from place *at on, or NULL; *at moves behind it. */
static const struct k_mem_partition *next_part(const struct k_mem_domain *domain, uint32_t *at)
{
	while (*at < CONFIG_MAX_DOMAIN_PARTITIONS) {
		const struct k_mem_partition *part = &domain->partitions[(*at)++];

		if (part->size != 0) {
			return part;
		}
	}
	return NULL;
}

static int check_all(struct k_mem_domain *domain, const struct k_mem_domain *from,
		     struct qr_hold *hold)
{
	const struct k_mem_partition *part;
	struct k_mem_partition *place;
	uint32_t at = 0;
	int status = 0;

	if (from->num_partitions > CONFIG_MAX_DOMAIN_PARTITIONS - domain->num_partitions) {
		return -ENOSPC;
	}
	while (status == 0 && (part = next_part(from, &at)) != NULL) {
		status = qr_domain_part_check(domain, part, &place, hold);
		qr_breathe(hold);
	}
	return status;
}

/* -ENOMEM: tables run out, and those that were made are given back. */
static int cover_all(struct k_mem_domain *domain, const struct k_mem_domain *from,
		     struct qr_hold *hold)
{
	const struct k_mem_partition *part;
	uint32_t at = 0, covered;
	int status = 0;

	while (status == 0 && (part = next_part(from, &at)) != NULL) {
		status = qr_domain_part_cover(domain, part, hold);
	}
	covered = status == 0 ? 0 : at;
	at = 0;
	while (at < covered && (part = next_part(from, &at)) != NULL) {
		qr_domain_trim(domain, qr_domain_part_pages(part), hold);
	}
	return status;
}

static void put_all(struct k_mem_domain *domain, const struct k_mem_domain *from,
		    struct qr_hold *hold)
{
	const struct k_mem_partition *part;
	uint32_t at = 0, place = 0;

	while ((part = next_part(from, &at)) != NULL) {
		while (domain->partitions[place].size != 0) {
			place++;
		}
		qr_domain_part_put(domain, part, &domain->partitions[place], hold);
		qr_breathe(hold);
	}
}

int k_mem_domain_inherit_thread_partitions(struct k_mem_domain *domain, void *thread)
{
	const struct k_mem_domain *from;
	struct qr_hold hold;
	int status;

	if (domain == NULL) {
		return -EINVAL;
	}
	qr_lock(&hold);
	qr_domain_enter(&hold);
	from = qr_domain_of_thread(thread);
	status = check_all(domain, from, &hold);
	if (status == 0) {
		status = cover_all(domain, from, &hold);
	}
	if (status == 0) {
		put_all(domain, from, &hold);
	}
	qr_domain_leave();
	qr_unlock(&hold);
	return status;
}

#endif /* CONFIG_USERSPACE */
