/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain.c - memory domains: their partitions, beginning and end.
 *
 * What a partition means is in the private entries of its pages (pagetable/overlay.h); the list
 * in the domain says only what was asked for, so that a partition can be found again. Adding
 * checks everything and sees that there are tables enough, then changes; from the first private
 * table on nothing can fail, as tables are taken inside the gate only (domain.h).
 */
#include "domain.h"

#include "uninit.h"

#if CONFIG_USERSPACE

struct k_mem_domain k_mem_domain_default;

/* ---- the gate -------------------------------------------------------------------------------- */

static bool inside;

void qr_domain_enter(struct qr_hold *hold)
{
	while (inside) { /* until that one has done all it does inside, which is bounded */
		qr_wait(&inside, hold);
	}
	inside = true;
}

void qr_domain_leave(void)
{
	QR_ASSERT_LOCKED();
	inside = false;
	qr_wake(&inside);
}

static void enter(struct qr_hold *hold)
{
	qr_lock(hold);
	qr_domain_enter(hold);
}

static int leave(struct qr_hold *hold, int status)
{
	qr_domain_leave();
	qr_unlock(hold);
	return status;
}

void qr_domain_init(void)
{
	inside = false;
	qr_domain_current = NULL;
	qr_told.domains = 0;
	qr_domain_keeper_count = 0;
	k_mem_domain_default = (struct k_mem_domain){0};
}

/* ---- own pages ------------------------------------------------------------------------------- */

/* Pages from `pages.first` on that are in one leaf table. */
static struct qr_pages in_one_table(struct qr_pages pages, uint32_t done)
{
	const uint32_t table_pages = (uint32_t)(CONFIG_MMU_PAGE_SIZE / sizeof(uint64_t));
	const uint32_t first = pages.first + done;

	/* the space begins where a leaf table does */
	return qr_batch(pages, done, table_pages - first % table_pages);
}

void qr_domain_cover(struct k_mem_domain *domain, struct qr_pages pages, struct qr_hold *hold)
{
	for (uint32_t at = 0; at < pages.count; at += in_one_table(pages, at).count) {
		while (!arch_mem_domain_cover(&domain->arch, qr_page_addr(pages.first + at))) {
			qr_breathe(hold);
		}
	}
}

struct qr_pages qr_domain_batch(struct qr_pages pages, uint32_t done)
{
	return qr_batch(in_one_table(pages, done), 0, QR_BATCH_HEAVY);
}

void qr_domain_own(struct k_mem_domain *domain, struct qr_pages batch, uint32_t rights)
{
	const size_t size = (size_t)batch.count << QR_PAGE_SHIFT;
	size_t done = arch_mem_domain_partition_add(&domain->arch, qr_page_addr(batch.first), size,
						    rights);

	QR_REQUIRE(done == size);
}

/* Give all pages, which are mapped and covered, these rights. */
static void own(struct k_mem_domain *domain, struct qr_pages pages, uint32_t rights,
		struct qr_hold *hold)
{
	uint32_t done = 0;

	while (done < pages.count) {
		struct qr_pages batch = qr_domain_batch(pages, done);

		if (done > 0) {
			qr_breathe(hold);
		}
		for (uint32_t i = 0; (rights & K_MEM_PERM_USER) && i < batch.count; i++) {
			qr_uninit_open(batch.first + i);
		}
		qr_domain_own(domain, batch, rights);
		done += batch.count;
	}
}

void qr_domain_trim(struct k_mem_domain *domain, struct qr_pages pages, struct qr_hold *hold)
{
	for (uint32_t at = 0; at < pages.count; at += in_one_table(pages, at).count) {
		while (!arch_mem_domain_trim(&domain->arch, qr_page_addr(pages.first + at))) {
			qr_breathe(hold);
		}
	}
}

static void disown(struct k_mem_domain *domain, struct qr_pages pages, struct qr_hold *hold)
{
	uint32_t done = 0;

	while (done < pages.count) {
		struct qr_pages batch = qr_batch(pages, done, QR_BATCH_HEAVY);

		done += (uint32_t)(arch_mem_domain_partition_remove(
					   &domain->arch, qr_page_addr(batch.first),
					   (size_t)batch.count << QR_PAGE_SHIFT) >>
				   QR_PAGE_SHIFT);
		qr_breathe(hold);
	}
	qr_domain_trim(domain, pages, hold);
}

/* ---- partitions ------------------------------------------------------------------------------ */

/* What a partition covers; empty ones cover nothing. */
struct qr_pages qr_domain_part_pages(const struct k_mem_partition *part)
{
	const uintptr_t offset = part->start - (uintptr_t)CONFIG_KERNEL_VM_BASE;

	return (struct qr_pages){(uint32_t)(offset >> QR_PAGE_SHIFT),
				 (uint32_t)(part->size >> QR_PAGE_SHIFT)};
}

static bool overlap(struct qr_pages a, struct qr_pages b)
{
	return a.first < b.first + b.count && b.first < a.first + a.count;
}

/* Many partitions are a batch of their own. Their list is changed inside the gate only. */
static void partitions_walked(const struct k_mem_domain *domain, struct qr_hold *hold)
{
	const bool may_be_many = CONFIG_MAX_DOMAIN_PARTITIONS > QR_BATCH_MIDDLE;

	if (CONFIG_MAX_DOMAIN_PARTITIONS > QR_BATCH_LIGHT ||
	    (may_be_many && QR_UNLIKELY(domain->num_partitions > QR_BATCH_MIDDLE))) {
		qr_breathe(hold);
	}
}

/* A free place for a partition among the domain's, which do not overlap it. Two ranges overlap
 * where the last byte of the one is not before the other, nor as far behind its first byte as both
 * are long; and none reaches the end of all addresses. */
static int place_find(struct k_mem_domain *domain, const struct k_mem_partition *part,
		      struct k_mem_partition **place)
{
	struct k_mem_partition *here = domain->partitions, *hole = NULL;
	const uintptr_t last = part->start + (part->size - 1);

	for (uint32_t left = domain->num_partitions; left > 0; here++) {
		if (here->size == 0) {
			hole = here;
			continue;
		}
		if (last - here->start < here->size + (part->size - 1)) {
			return -EINVAL;
		}
		left--;
	}
	if (hole == NULL && here < &domain->partitions[CONFIG_MAX_DOMAIN_PARTITIONS]) {
		hole = here;
	}
	*place = hole;
	return hole == NULL ? -ENOSPC : 0;
}

/* Are all pages mapped, with these rights at least, and none the domain's own anonymous one? */
static int pages_check(const struct k_mem_domain *domain, struct qr_pages pages, uint32_t attr,
		       struct qr_hold *hold)
{
	const arch_page_t needed = ((attr & K_MEM_PERM_RW) ? ARCH_PAGE_RW : 0u) |
				   ((attr & K_MEM_PERM_EXEC) ? ARCH_PAGE_EXEC : 0u);

	for (uint32_t i = 0; i < pages.count; i++) {
		void *virt = qr_page_addr(pages.first + i);
		arch_page_t now = arch_page_state(virt);

		if (!qr_page_is_mapped(now) || (needed & ~now) != 0 ||
		    arch_page_owner(virt) == &domain->arch) {
			return -EINVAL;
		}
		if ((i + 1) % QR_BATCH_MIDDLE == 0) {
			qr_breathe(hold);
		}
	}
	return 0;
}

bool qr_domain_covers(const struct k_mem_domain *domain, struct qr_pages pages)
{
	return arch_mem_domain_covers(&domain->arch, qr_page_addr(pages.first),
				      (size_t)pages.count << QR_PAGE_SHIFT);
}

bool qr_domain_tables_suffice(const struct k_mem_domain *domain, struct qr_pages pages,
			      struct qr_hold *hold)
{
	uint32_t lacking;

	/* a look for each table that there could be */
	qr_unlock(hold);
	lacking = arch_mem_domain_tables_lacking(&domain->arch, qr_page_addr(pages.first),
						 (size_t)pages.count << QR_PAGE_SHIFT);
	qr_relock(hold);
	return lacking <= arch_mem_domain_tables_free();
}

int qr_domain_part_check(struct k_mem_domain *domain, const struct k_mem_partition *part,
			 struct k_mem_partition **place, struct qr_hold *hold)
{
	struct qr_pages pages;
	int status;

	if (qr_flags_check(part->attr, QR_PERM_MASK) != 0 ||
	    qr_pages_of((void *)part->start, part->size, &pages) != 0) {
		return -EINVAL;
	}
	status = place_find(domain, part, place);
	partitions_walked(domain, hold);
	return status == 0 ? pages_check(domain, pages, part->attr, hold) : status;
}

int qr_domain_part_cover(struct k_mem_domain *domain, const struct k_mem_partition *part,
			 struct qr_hold *hold)
{
	const struct qr_pages pages = qr_domain_part_pages(part);

	if (QR_LIKELY(qr_domain_covers(domain, pages))) {
		return 0;
	}
	if (!qr_domain_tables_suffice(domain, pages, hold)) {
		return -ENOMEM;
	}
	qr_domain_cover(domain, pages, hold);
	return 0;
}

void qr_domain_part_put(struct k_mem_domain *domain, const struct k_mem_partition *part,
			struct k_mem_partition *place, struct qr_hold *hold)
{
	*place = *part;
	domain->num_partitions++;
	own(domain, qr_domain_part_pages(part), part->attr, hold);
}

int k_mem_domain_add_partition(struct k_mem_domain *domain, const struct k_mem_partition *part)
{
	struct k_mem_partition wanted, *place;
	struct qr_hold hold;
	int status;

	if (domain == NULL || part == NULL) {
		return -EINVAL;
	}
	wanted = *part; /* what is checked is what is done, whatever the caller makes of it */
	enter(&hold);
	status = qr_domain_part_check(domain, &wanted, &place, &hold);
	if (status == 0) {
		status = qr_domain_part_cover(domain, &wanted, &hold);
	}
	if (status == 0) {
		qr_domain_part_put(domain, &wanted, place, &hold);
	}
	return leave(&hold, status);
}

static struct k_mem_partition *partition_find(struct k_mem_domain *domain,
					      const struct k_mem_partition *part)
{
	for (uint32_t i = 0; i < CONFIG_MAX_DOMAIN_PARTITIONS; i++) {
		struct k_mem_partition *here = &domain->partitions[i];

		if (here->size != 0 && here->start == part->start && here->size == part->size) {
			return here;
		}
	}
	return NULL;
}

static void partition_end(struct k_mem_domain *domain, struct k_mem_partition *place,
			  struct qr_hold *hold)
{
	struct qr_pages pages = qr_domain_part_pages(place);

	place->size = 0;
	domain->num_partitions--;
	disown(domain, pages, hold);
}

int k_mem_domain_remove_partition(struct k_mem_domain *domain, const struct k_mem_partition *part)
{
	struct k_mem_partition *place;
	struct qr_hold hold;

	if (domain == NULL || part == NULL) {
		return -EINVAL;
	}
	enter(&hold);
	place = partition_find(domain, part);
	partitions_walked(domain, &hold);
	if (place != NULL) {
		partition_end(domain, place, &hold);
	}
	return leave(&hold, place != NULL ? 0 : -ENOENT);
}

void qr_domain_clear(struct k_mem_domain *domain, struct qr_pages pages, struct qr_hold *hold)
{
	for (uint32_t i = 0; i < CONFIG_MAX_DOMAIN_PARTITIONS; i++) {
		struct k_mem_partition *here = &domain->partitions[i];

		if (here->size != 0 && overlap(qr_domain_part_pages(here), pages)) {
			partition_end(domain, here, hold);
		}
	}
	partitions_walked(domain, hold);
}

/* ---- domains --------------------------------------------------------------------------------- */

static void end(struct k_mem_domain *domain, struct qr_hold *hold)
{
	qr_domain_clear(domain, (struct qr_pages){0, QR_SPACE_PAGES}, hold);
	qr_domain_anon_end(domain, hold);
}

int k_mem_domain_init(struct k_mem_domain *domain, uint8_t part_count,
		      struct k_mem_partition *parts[])
{
	struct qr_hold hold;
	int status = 0;

	if (domain == NULL || (part_count > 0 && parts == NULL)) {
		return -EINVAL;
	}
	*domain = (struct k_mem_domain){0};
	arch_mem_domain_init(&domain->arch);
	for (uint8_t i = 0; i < part_count && status == 0; i++) {
		status = k_mem_domain_add_partition(domain, parts[i]);
	}
	if (status != 0) {
		enter(&hold);
		end(domain, &hold);
		(void)leave(&hold, 0);
	}
	return status;
}

int k_mem_domain_deinit(struct k_mem_domain *domain)
{
	struct qr_hold hold;
	int status = 0;

	if (domain == NULL || domain == &k_mem_domain_default) {
		return -EINVAL;
	}
	enter(&hold);
	if (domain->thread_count > 0) {
		status = -EBUSY;
	} else {
		if (domain == qr_domain_current) {
			k_mem_domain_switch(NULL); /* of a thread that left it */
		}
		end(domain, &hold);
		QR_ASSERT(domain->arch.tables == 0);
	}
	return leave(&hold, status);
}

#endif /* CONFIG_USERSPACE */
