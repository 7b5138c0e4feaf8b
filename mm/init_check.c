/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init_check.c - see init_check.h: RAM, stores, the policy.
 */
#include "init_check.h"

#include "frame.h"

#if CONFIG_MEM_INIT_CHECK

/* A list of `count` elements, `most` at most, which must be there where it is not empty. What is to
 * be said: where it is not there, and where there are more. */
static int check_list(const char *const words[2], const void *list, size_t count, size_t most)
{
	if (count > most) {
		return qr_refuse(words[1], 0);
	}
	return count > 0 && list == NULL ? qr_refuse(words[0], 0) : 0;
}

static const char *const banks_words[] = {"banks: NULL", "bank_count: more than configured"};
static const char *const holes_words[] = {"holes: NULL", "hole_count: more than configured"};
static const char *const stores_words[] = {"stores: NULL", "store_count: more than configured"};
static const char *const image_words[] = {"image: NULL", "image_count: more than configured"};

/* ---- RAM --------------------------------------------------------------------------------- */

static uint64_t whole_pages(const struct k_mem_range *range)
{
	uint64_t first = ((uint64_t)range->phys + QR_PAGE_SIZE - 1) >> QR_PAGE_SHIFT;
	uint64_t end = ((uint64_t)range->phys + range->size) >> QR_PAGE_SHIFT;

	return end > first ? end - first : 0;
}

static int check_bank(const struct k_mem_config *config, size_t i)
{
	const struct k_mem_range *bank = &config->banks[i];

	if (bank->size > 0 && (uint64_t)bank->phys + (bank->size - 1) < bank->phys) {
		return qr_refuse("banks[#].size: wraps", i);
	}
	if (bank->phys >= arch_phys_end() || bank->size > arch_phys_end() - bank->phys) {
		return qr_refuse("banks[#].phys: beyond the physical addresses of the CPU", i);
	}
	if (whole_pages(bank) == 0) {
		return qr_refuse("banks[#].size: no whole page", i);
	}
	for (size_t k = 0; k < i; k++) {
		const struct k_mem_range *other = &config->banks[k];
		const uint64_t mask = ~(uint64_t)(QR_PAGE_SIZE - 1);
		uint64_t mine = (bank->phys + QR_PAGE_SIZE - 1) & mask;
		uint64_t its = (other->phys + QR_PAGE_SIZE - 1) & mask;

		if (qr_ranges_meet(mine, whole_pages(bank) << QR_PAGE_SHIFT, its,
				   whole_pages(other) << QR_PAGE_SHIFT)) {
			return qr_refuse("banks[#].phys: overlaps another bank", i);
		}
	}
	return 0;
}

static int check_banks(const struct k_mem_config *config)
{
	uint64_t left = CONFIG_MEM_FRAMES_MAX;
	int status = check_list(banks_words, config->banks, config->bank_count,
				CONFIG_MEM_BANKS_MAX);

	if (status == 0 && config->bank_count == 0) {
		return qr_refuse("bank_count: 0", 0);
	}
	for (size_t i = 0; i < config->bank_count && status == 0; i++) {
		status = check_bank(config, i);
		if (status == 0 && whole_pages(&config->banks[i]) > left) {
			(void)qr_refuse("banks[#].size: more frames than CONFIG_MEM_FRAMES_MAX", i);
			return -ENOMEM;
		}
		left -= status == 0 ? whole_pages(&config->banks[i]) : 0;
	}
	return status;
}

static int check_holes(const struct k_mem_config *config)
{
	int status = check_list(holes_words, config->holes, config->hole_count, SIZE_MAX);

	for (size_t i = 0; i < config->hole_count && status == 0; i++) {
		const struct k_mem_range *hole = &config->holes[i];

		if (hole->size > 0 && hole->phys + (hole->size - 1) < hole->phys) {
			return qr_refuse("holes[#].size: wraps", i);
		}
	}
	return status;
}

/* The end of what keeps this page from being a frame of the pool, or `page` where it may be. */
static uint64_t taken_until(const struct k_mem_config *config, uint64_t page)
{
	for (size_t i = 0; i < config->hole_count; i++) {
		const struct k_mem_range *hole = &config->holes[i];

		if (qr_ranges_meet(page, QR_PAGE_SIZE, hole->phys, hole->size)) {
			return (hole->phys + (hole->size - 1)) | (QR_PAGE_SIZE - 1);
		}
	}
	for (size_t i = 0; i < config->image_count; i++) {
		const struct k_mem_image *piece = &config->image[i];

		if (!(piece->flags & K_MEM_IMAGE_ON_DEMAND) &&
		    qr_ranges_meet(page, QR_PAGE_SIZE, piece->phys, piece->size)) {
			return piece->phys + (piece->size - 1);
		}
	}
	return page;
}

/* Is a frame left for the pool, beside that of the zeros? */
static int check_left(const struct k_mem_config *config)
{
	uint32_t wanted = CONFIG_DEMAND_PAGING && CONFIG_DEMAND_PAGING_ZERO_PAGE ? 2 : 1;

	for (size_t i = 0; i < config->bank_count; i++) {
		const struct k_mem_range *bank = &config->banks[i];
		uint64_t page = (bank->phys + QR_PAGE_SIZE - 1) >> QR_PAGE_SHIFT << QR_PAGE_SHIFT;
		uint64_t last = page + ((whole_pages(bank) - 1) << QR_PAGE_SHIFT);

		while (page <= last) {
			uint64_t until = taken_until(config, page);

			wanted -= until == page ? 1 : 0;
			if (wanted == 0) {
				return 0;
			}
			until |= QR_PAGE_SIZE - 1;
			if (until >= last) {
				break;
			}
			page = until + 1;
		}
	}
	(void)qr_refuse("banks: no frame is left free", 0);
	return -ENOMEM;
}

/* ---- stores, the policy ------------------------------------------------------------------- */

static int check_ops(const struct k_mem_store *store, size_t i)
{
	const struct k_mem_store_ops *ops = store->ops;
	const char *lacking = NULL;

	if (ops == NULL) {
		lacking = "stores[#].ops: NULL";
	} else if (ops->submit == NULL) {
		lacking = "stores[#].ops->submit: NULL";
	} else if (!store->read_only && ops->reserve == NULL) {
		lacking = "stores[#].ops->reserve: NULL";
	} else if (!store->read_only && ops->release == NULL) {
		lacking = "stores[#].ops->release: NULL";
	} else if (!store->read_only && ops->retire == NULL) {
		lacking = "stores[#].ops->retire: NULL";
	}
	return lacking == NULL ? 0 : qr_refuse(lacking, i);
}

static int check_store(const struct k_mem_store *store, size_t i)
{
	const char *why = NULL;

	if (store->slot_count == 0) {
		why = "stores[#].slot_count: 0";
	} else if (store->slot_count > K_MEM_SLOTS_MAX) {
		why = "stores[#].slot_count: too much";
	} else if (store->page_count_max == 0) {
		why = "stores[#].page_count_max: 0";
	} else if (store->request_cost > UINT16_MAX) {
		why = "stores[#].request_cost: too much";
	} else if (store->write_cost > UINT16_MAX) {
		why = "stores[#].write_cost: too much";
	}
	return why == NULL ? check_ops(store, i) : qr_refuse(why, i);
}

static int check_stores(const struct k_mem_config *config)
{
	int status = check_list(stores_words, config->stores, config->store_count,
				CONFIG_MEM_STORES_MAX);

	for (size_t i = 0; i < config->store_count && status == 0; i++) {
		status = check_store(&config->stores[i], i);
	}
	return status;
}

static int check_policy(const struct k_mem_policy *policy)
{
	const char *why = NULL;

	if (!CONFIG_DEMAND_PAGING) {
		return 0;
	}
	if (policy == NULL) {
		why = "policy: NULL";
	} else if (policy->start == NULL) {
		why = "policy->start: NULL";
	} else if (policy->pick == NULL) {
		why = "policy->pick: NULL";
	} else if (policy->evicted != NULL && policy->returned == NULL) {
		why = "policy->returned: NULL";
	} else if (policy->frame_bytes > CONFIG_EVICTION_FRAME_BYTES) {
		why = "policy->frame_bytes: more than CONFIG_EVICTION_FRAME_BYTES";
	}
	return why == NULL ? 0 : qr_refuse(why, 0);
}

int qr_config_check(const struct k_mem_config *config, struct qr_caller caller)
{
	int status;

	if (config == NULL) {
		return qr_refuse("config: NULL", 0);
	}
	status = check_banks(config);
	if (status == 0) {
		status = check_holes(config);
	}
	if (status == 0) {
		status = check_stores(config);
	}
	if (status == 0) {
		status = check_list(image_words, config->image, config->image_count,
				    CONFIG_MEM_IMAGE_MAX);
	}
	if (status == 0) {
		status = qr_image_check(config, caller);
	}
	if (status == 0) {
		status = check_policy(config->policy);
	}
	return status == 0 ? check_left(config) : status;
}

#endif /* CONFIG_MEM_INIT_CHECK */
