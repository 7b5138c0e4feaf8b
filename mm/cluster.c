/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster.c - what reading and writing several pages share, and how far to read ahead.
 *
 * The window is learned for each region of 16 pages, in half steps of its logarithm: up one for
 * a page that was read ahead and used, down four for one that was evicted unused. A region in
 * which reading ahead does not pay so ends at one page; it tries two again when both pages
 * beside the wanted one are in use. A page is judged when somebody looks at its accessed bit: the
 * policy, its eviction, or the next request beside it. Like the state of a policy, the table is
 * about the past of addresses, not about mappings: it is never wrong, only more or less useful.
 */
#include "cluster.h"

#include "bring.h"
#include "charge.h"
#include "policy.h"
#include "stats.h"

#if CONFIG_MEM_CLUSTER

#define REGION_PAGES 16u
#define WINDOW_START 4 /* half steps: 4 pages */
#define WINDOW_MAX   (2 * 5)
#define STEPS_USED   1
#define STEPS_WASTED (-4)
#define SHARE_MAX    8u /* a request fills an eighth of the frames at most */

_Static_assert(1u << WINDOW_MAX / 2 == QR_CLUSTER_MAX, "the largest window is all of a cluster");

/* Half steps above WINDOW_START, which is where every region begins. */
int8_t qr_cluster_steps[CONFIG_MEM_CLUSTER_REGIONS];

static int8_t *window_of(uint32_t page)
{
	return &qr_cluster_steps[page / REGION_PAGES % CONFIG_MEM_CLUSTER_REGIONS];
}

/* How many pages to move at once: 8 times what a request costs, or the power of two below that,
 * within what the store can do. */
static uint8_t pages_at_once(const struct k_mem_store *store)
{
	uint32_t most = qr_min(QR_CLUSTER_MAX, store->request_cost * 8 / 256);
	uint32_t pages = 1;

	most = qr_min(most, store->page_count_max);
	while (pages * 2 <= most) {
		pages *= 2;
	}
	return (uint8_t)pages;
}

/* A page that is moved in vain costs a page; one that is wanted saves a request:
 * docs/decisions/, 0011. */
void qr_cluster_plan(uint32_t index)
{
	struct qr_store_table *table = &qr_store_table;
	const struct k_mem_store *store = &table->store[index];

	table->read_pages[index] = pages_at_once(store);
	if (index == table->paging) {
		table->write_pages = store->ops->reserve_near == NULL ? 1 : pages_at_once(store);
		table->homes = store->ops->reserve_near != NULL && table->read_pages[index] > 1;
	}
}

void qr_cluster_start(struct qr_cluster *cluster, uint32_t page, uint32_t frame, uint32_t location,
		      uint32_t size)
{
	cluster->first = page & ~(size - 1);
	cluster->size = qr_min(size, QR_SPACE_PAGES - cluster->first);
	cluster->mine = cluster->lo = page - cluster->first;
	cluster->hi = cluster->lo + 1;
	cluster->location = qr_location_with(location, 0);
	cluster->work = 0;
	cluster->sets_since = arch_mem_work;
	cluster->frame[cluster->mine] = frame;
	cluster->phys[cluster->mine] = (uintptr_t)qr_frame_phys(frame);
}

uint32_t qr_cluster_next(struct qr_cluster *cluster, uint32_t index, uint32_t step,
			 qr_beside_t beside, struct qr_hold *hold)
{
	const struct k_mem_store *store =
		&qr_store_table.store[qr_location_store(cluster->location)];
	const uint32_t most = (store->request_cost + 255) / 256;
	enum qr_beside what = QR_BESIDE_GAP;

	for (uint32_t gaps = 0; what == QR_BESIDE_GAP && gaps < most; gaps++) {
		index += step;
		what = index < cluster->size &&
				       qr_location_slot(cluster->location) + index - cluster->mine <
					       store->slot_count
			       ? beside(cluster, index)
			       : QR_BESIDE_STOP;
		qr_cluster_worked(cluster, QR_CLUSTER_LOOK, hold);
	}
	return what == QR_BESIDE_WANT ? index : cluster->size;
}

void qr_cluster_let_go(uint32_t frame, uint32_t flags)
{
	uint64_t word = qr_frames[frame];
	uint32_t location = qr_frame_location(word);
	const uint32_t pins = (uint32_t)word & (QR_FRAME_PINNED | QR_FRAME_PINNING);
	uint32_t backed = (uint32_t)word & QR_FRAME_BACKED;

	qr_wake(qr_frame_channel(frame));
	if ((word & QR_FRAME_ORPHAN) || pins != 0) {
		qr_policy_forgotten(frame);
		if (backed && qr_location_owned(location)) {
			qr_slot_give(location);
			backed = 0;
		}
	}
	if (word & QR_FRAME_ORPHAN) {
		qr_frame_free(frame);
		return;
	}
	qr_frames[frame] = qr_frame_word(qr_frame_page(word), backed ? location : 0,
					 QR_FRAME_MAPPED | pins | backed | flags);
	qr_frame_table.busy_count--;
	qr_frames_changed();
}

void qr_cluster_learn(uint32_t frame, bool used)
{
	int8_t *at = window_of(qr_frame_page(qr_frames[frame]));
	int next = *at + (used ? STEPS_USED : STEPS_WASTED);

	qr_frames[frame] &= ~(uint64_t)QR_FRAME_AHEAD;
	next = next < -WINDOW_START ? -WINDOW_START : next;
	*at = (int8_t)(next > WINDOW_MAX - WINDOW_START ? WINDOW_MAX - WINDOW_START : next);
	QR_COUNT_ALL(transfer.prefetch_used, used ? 1 : 0);
	QR_COUNT_ALL(transfer.prefetch_wasted, used ? 0 : 1);
}

/* Is the page in a frame, and was it used lately? Whether it was read ahead in vain is learned
 * on the way. */
static bool in_use(uint32_t page)
{
	uint32_t frame;

	if (page >= QR_SPACE_PAGES) {
		return false;
	}
	frame = qr_paged_frame(page, arch_page_state(qr_page_addr(page)));
	return frame != QR_NO_INDEX && k_mem_frame_evictable(frame) &&
	       (k_mem_frame_bits(frame, false) & K_MEM_FRAME_ACCESSED);
}

uint32_t qr_cluster_window(uint32_t page, uint32_t location, struct qr_hold *hold)
{
	uint32_t most = qr_store_table.read_pages[qr_location_store(location)];
	uint32_t first = page & ~(REGION_PAGES - 1);
	int8_t *at = window_of(page);
	uint32_t pages, since = arch_mem_work;

	for (uint32_t i = 0; i < REGION_PAGES; i++) {
		(void)in_use(first + i);
		if ((i + 1) % QR_BATCH_MIDDLE == 0) {
			qr_breathe(hold);
			since = arch_mem_work;
		}
		qr_sets_breathe(&since, hold);
	}
	if (*at < 2 - WINDOW_START && (in_use(page - 1) && in_use(page + 1))) {
		*at = 2 - WINDOW_START;
	}
	qr_breathe(hold);
	pages = qr_min(1u << (*at + WINDOW_START) / 2, most);
	while (pages > 1 && pages > qr_charge.frames / SHARE_MAX) {
		pages /= 2;
	}
	return pages;
}

#endif /* CONFIG_MEM_CLUSTER */
