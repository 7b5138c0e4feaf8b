/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain_anon.c - anonymous memory of domains, and its limits.
 *
 * It is a region between guards like any (anon.c) to which the kernel's entries give no user
 * rights and the domain's private entries do. No list says which regions a domain has: whose memory
 * a page is stands with its entry (arch_page_owner), from the moment at which it is mapped to that
 * at which it is unmapped, and the guard before a region says that a domain has it
 * (QR_REGION_DOMAIN), so that k_mem_unmap refuses it. No partition of the domain comes to lie over
 * it, nor it over one; partitions of other domains may, which is how memory is lent.
 *
 * Frames that are kept for a domain (resident_count_min) are charged like pinned ones: however
 * many of its pages are in frames, the others find theirs beside these (charge.h).
 */
#include "anon.h"
#include "charge.h"
#include "domain.h"
#include "store.h"

#if CONFIG_USERSPACE

uint32_t qr_domain_keeper_count;

/* ---- limits -------------------------------------------------------------------------- */

int k_mem_domain_limits_set(struct k_mem_domain *domain, size_t max_bytes,
			    size_t min_resident_bytes)
{
	const size_t largest = (size_t)QR_SPACE_PAGES << QR_PAGE_SHIFT;
	struct qr_hold hold;
	uint32_t max, was, min;
	int status = 0;

	if (domain == NULL || ((max_bytes | min_resident_bytes) & (QR_PAGE_SIZE - 1)) != 0 ||
	    min_resident_bytes > max_bytes) {
		return -EINVAL;
	}
	max = (uint32_t)((max_bytes < largest ? max_bytes : largest) >> QR_PAGE_SHIFT);
	qr_lock(&hold);
	was = domain->resident_count_min;
	if (domain->page_count > max) {
		status = -EBUSY;
	} else if (min_resident_bytes > largest) {
		status = -ENOMEM;
	} else {
		min = (uint32_t)(min_resident_bytes >> QR_PAGE_SHIFT);
		status = qr_charge_keep(was, min);
		if (status == 0) {
			qr_domain_keeper_count += (min > 0) - (was > 0);
			domain->resident_count_min = min;
			domain->page_count_max = max;
		}
	}
	qr_unlock(&hold);
	return status;
}

/* The domain whose anonymous memory the page is, or NULL. */
static struct k_mem_domain *owner_of(uint32_t page)
{
	struct arch_mem_domain *arch = arch_page_owner(qr_page_addr(page));

	return arch == NULL ? NULL
			    : (struct k_mem_domain *)((uintptr_t)arch -
						      offsetof(struct k_mem_domain, arch));
}

void qr_domain_resident(uint32_t page, int change)
{
	struct k_mem_domain *owner = owner_of(page);

	if (owner != NULL) {
		owner->resident_count += (uint32_t)change;
	}
}

bool qr_domain_keeps_frame(uint32_t frame)
{
	const struct k_mem_domain *owner = owner_of(qr_frame_page(qr_frames[frame]));

	return owner != NULL && owner != qr_domain_current &&
	       owner->resident_count <= owner->resident_count_min;
}

/* ---- memory ---------------------------------------------------------------------------- */

static void count_pages(struct k_mem_domain *domain, uint32_t count)
{
	if (count > 0 && domain->page_count == 0) {
		qr_told.domains++;
	} else if (count == 0 && domain->page_count > 0) {
		qr_told.domains--;
	}
	domain->page_count = count;
}

/* Count so many pages, for the domain and for all, or nothing. What the limit allows is counted
 * under the same hold of the lock: the limit may become lower as soon as it is let go. */
static int count_more(struct k_mem_domain *domain, uint32_t count)
{
	if ((uint64_t)domain->page_count + count > domain->page_count_max ||
	    qr_charge_add(count, 0) != 0) {
		return -ENOMEM;
	}
	count_pages(domain, domain->page_count + count);
	return 0;
}

static void count_less(struct k_mem_domain *domain, uint32_t count)
{
	qr_charge_sub(count, 0);
	count_pages(domain, domain->page_count - count);
}

/* Count, addresses and tables for so many pages, or nothing. */
static int reserve(struct k_mem_domain *domain, uint32_t count, struct qr_pages *pages,
		   struct qr_hold *hold)
{
	int status = count_more(domain, count);

	if (status != 0) {
		return status;
	}
	status = qr_region_take(count, pages);
	if (status == 0 && !qr_domain_covers(domain, *pages) &&
	    !qr_domain_tables_suffice(domain, *pages, hold)) {
		qr_region_give(*pages);
		status = -ENOMEM;
	}
	if (status != 0) {
		count_less(domain, count);
	}
	return status;
}

/* Untouched pages, each the domain's own from the start: whoever touches one, it is counted. */
static void fill(struct k_mem_domain *domain, struct qr_pages pages, uint32_t flags,
		 struct qr_hold *hold)
{
	uint32_t done = 0;

	qr_domain_cover(domain, pages, hold);
	while (done < pages.count) {
		struct qr_pages batch = qr_domain_batch(pages, done);
		uint32_t last = done + batch.count == pages.count ? ARCH_MEM_LAST : 0;

		if (done > 0) {
			qr_breathe(hold);
		}
		arch_mem_map_token(qr_page_addr(batch.first), batch.count,
				   ARCH_TOKEN(ARCH_TOKEN_LOCATION, QR_LOCATION_ZERO), 0,
				   flags | last);
		qr_domain_own(domain, batch, flags | K_MEM_PERM_USER | ARCH_MEM_OWNER);
		done += batch.count;
	}
}

int k_mem_domain_map(struct k_mem_domain *domain, void **addr, size_t size, uint32_t flags)
{
	struct qr_pages pages;
	struct qr_hold hold;
	uint32_t count;
	int status;

	if (!CONFIG_DEMAND_PAGING) {
		return -K_MEM_ENOTSUP;
	}
	if (domain == NULL || addr == NULL || qr_flags_check(flags, K_MEM_PERM_RW) != 0 ||
	    qr_region_size(size, &count) != 0) {
		return -EINVAL;
	}
	qr_lock(&hold);
	qr_domain_enter(&hold);
	status = reserve(domain, count, &pages, &hold);
	if (status == 0) {
		qr_domain_clear(domain, pages, &hold);
		fill(domain, pages, flags, &hold);
		qr_region_close(pages, QR_REGION_DOMAIN);
		*addr = qr_page_addr(pages.first);
	}
	qr_domain_leave();
	qr_unlock(&hold);
	return status;
}

/* Inside the gate. */
static int unmap(struct k_mem_domain *domain, struct qr_pages pages, struct qr_hold *hold)
{
	if (arch_page_owner(qr_page_addr(pages.first)) != &domain->arch ||
	    qr_region_unmap(pages, domain, hold) != 0) {
		return -EINVAL;
	}
	count_pages(domain, domain->page_count - pages.count);
	qr_domain_trim(domain, pages, hold);
	return 0;
}

int k_mem_domain_unmap(struct k_mem_domain *domain, void *addr, size_t size)
{
	struct qr_pages pages;
	struct qr_hold hold;
	int status;

	if (domain == NULL || qr_pages_of(addr, size, &pages) != 0) {
		return -EINVAL;
	}
	qr_lock(&hold);
	qr_domain_enter(&hold);
	status = unmap(domain, pages, &hold);
	qr_domain_leave();
	qr_unlock(&hold);
	return status;
}

/* The region that a page of the domain's is in. What lies between two regions is not its own. */
static struct qr_pages region_of(const struct k_mem_domain *domain, const void *virt)
{
	uint32_t first = qr_page_of(virt);

	while (first > 0 && arch_page_owner(qr_page_addr(first - 1)) == &domain->arch) {
		first--;
	}
	return (struct qr_pages){first, qr_region_count(first)};
}

/* Only who is inside the gate unmaps the domain's pages, so no lock is needed to look for them. */
void qr_domain_anon_end(struct k_mem_domain *domain, struct qr_hold *hold)
{
	for (;;) { /* a region each time, and the domain gets no other meanwhile */
		struct qr_pages pages;
		const void *virt;

		qr_unlock(hold);
		virt = arch_mem_domain_owned(&domain->arch);
		pages = virt != NULL ? region_of(domain, virt) : (struct qr_pages){0, 0};
		qr_relock(hold);
		if (virt == NULL) {
			break;
		}
		QR_REQUIRE(unmap(domain, pages, hold) == 0);
	}
	QR_REQUIRE(qr_charge_keep(domain->resident_count_min, 0) == 0);
	qr_domain_keeper_count -= domain->resident_count_min > 0 ? 1 : 0;
	domain->resident_count_min = 0;
	domain->page_count_max = 0;
}

#endif /* CONFIG_USERSPACE */
