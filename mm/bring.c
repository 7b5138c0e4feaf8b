/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bring.c - making one page present: the life of a fault.
 *
 *   1 look    what the entry says now: there already; the zero page is enough; in transfer
 *             by somebody (rescue it, or wait); or it needs a frame
 *   2 room    a frame in hand; may let go of the lock, then look again
 *   3 fill    entry := token BUSY(frame); zero it, copy it or read it, the lock let go
 *   4 recheck the frame's ORPHAN flag: unmapped, or overtaken, meanwhile
 *   5 map     the entry becomes a leaf; cannot fail
 *
 * The way of a page that is in a store and comes into a free frame is straight: qr_bring_step,
 * with all that is rare apart. What it needs to go on is in the frame's word, and read there after
 * the filling, so that little is kept in registers meanwhile.
 *
 * Until 3 nothing has changed, but that the zero page may be untouched again; a failed read puts
 * the token back. Two faults on one page meet on the BUSY frame: the second waits on its channel.
 * A context that cannot sleep does not wait for a thread that it may have interrupted: it
 * overtakes, that is, fills a frame of its own, and the first finds its frame ORPHAN. Each time
 * round the loop some transfer ended or some other thread mapped the page; where they go on for
 * ever a fault ends as if it had been served, and the instruction faults again.
 */
#include "bring.h"

#include "cluster.h"
#include "domain.h"
#include "evict.h"
#include "policy.h"
#include "stats.h"
#include "store.h"

/* What is tried and what is allowed have the same bits, so that one mask compares them. */
_Static_assert(K_MEM_FAULT_WRITE == ARCH_PAGE_RW && K_MEM_FAULT_USER == ARCH_PAGE_USER &&
		       K_MEM_FAULT_EXEC == ARCH_PAGE_EXEC,
	       "access_allowed compares them");

static bool access_allowed(arch_page_t page, unsigned int want)
{
	unsigned int matters = want & (QR_BRING_WRITE | QR_BRING_USER | QR_BRING_EXEC);

	if (want & (QR_BRING_EXEC | QR_BRING_FENCED)) {
		/* code is for one mode: what user mode may execute the kernel may not */
		matters |= QR_BRING_USER;
	}
	return ((page ^ want) & matters) == 0;
}

/* The page with the rights that it has for the running code: those of the current set of tables. */
static QR_NOINLINE arch_page_t in_current_set(uint32_t page, arch_page_t now, unsigned int want)
{
	const arch_page_t mask = ARCH_PAGE_RW | ARCH_PAGE_EXEC | ARCH_PAGE_USER;

	return (now & ~mask) |
	       arch_page_rights(qr_page_addr(page), now, (want & QR_BRING_USER) != 0);
}

/* May the running code do what it tries with the page, which is `now`? Ahead nothing is tried. */
static bool may(uint32_t page, arch_page_t now, unsigned int want)
{
	if (CONFIG_USERSPACE && qr_domain_current != NULL) {
		now = in_current_set(page, now, want);
	}
	return access_allowed(now, want);
}

/* Does this purpose need a frame of the page's own, not the shared zeros? */
static bool own_frame(arch_page_t page, unsigned int want)
{
	return (want & (QR_BRING_WRITE | QR_BRING_PIN)) ||
	       ((want & QR_BRING_AHEAD) && (page & ARCH_PAGE_RW));
}

/* 1: the page was not touched yet, and the shared zeros are enough. */
static QR_NOINLINE int map_zeros(uint32_t page)
{
	arch_mem_page_in_n(page, qr_frame_phys(qr_frame_table.zero),
			 ARCH_MEM_ACCESSED | ARCH_MEM_COW);
	QR_COUNT(transfer.zero_map);
	return 0;
}

/* 2: a frame was made, or not, and the lock was let go meanwhile. Where the page is still `now`, in
 * no frame, all is as if it had not been; else the frame goes to the pool, and whoever looks again
 * has it, if it is still needed. */
static QR_NOINLINE int made_late(uint32_t page, arch_page_t now, unsigned int want, int status,
				 uint32_t frame)
{
	const arch_page_t then = arch_page_state_n(page);

	if (status == 0) {
		if (then == now && qr_page_is_away(now)) {
			return 0;
		}
		qr_frame_free(frame);
		return QR_BRING_LOOK;
	}
	if (then & ARCH_DATA_PAGE_LOADED) {
		return QR_BRING_LOOK; /* somebody else brought it meanwhile */
	}
	if (status == -EAGAIN) {
		return QR_BRING_VAIN;
	}
	/* for a fault -EIO says that this page could not be read */
	return status == -EIO && !(want & QR_BRING_AHEAD) ? -ENOMEM : status;
}

/* 2: a frame in hand, for a page that is `now`. */
QR_INLINE int take_frame(uint32_t page, arch_page_t now, unsigned int want, uint32_t *frame,
			 struct qr_hold *hold)
{
	uint32_t made;
	int status;

	if (QR_LIKELY(qr_frame_table.free_count > 0)) {
		*frame = qr_frame_unlink();
		return 0;
	}
	if (!CONFIG_DEMAND_PAGING) {
		return -ENOMEM;
	}
	hold->dropped = false;
	status = qr_frame_make(&made, true, hold);
	if (QR_UNLIKELY(status != 0 || hold->dropped)) {
		status = made_late(page, now, want, status, made);
	}
	*frame = made;
	return status;
}

/* 3: what costs no transfer; the lock is let go. */
static void fill_zeros(uint64_t phys, struct qr_hold *hold)
{
	QR_COUNT(transfer.zero_fill);
	qr_policy_idle(hold); /* there is time for what is due */
	qr_unlock(hold);
	qr_frame_zero(phys);
	qr_relock(hold);
}

/* 3: read or zero the frame in some other way than by a copy; the lock is let go. */
static QR_NOINLINE int fill_otherwise(uint32_t frame, uint32_t location, struct qr_hold *hold)
{
	const uint64_t phys = qr_frame_phys(frame);

	if (location == QR_LOCATION_ZERO) {
		fill_zeros(phys, hold);
		return 0;
	}
	if (location == QR_LOCATION_UNINIT) {
		return 0;
	}
	return CONFIG_MEM_CLUSTER && qr_store_table.read_pages[qr_location_store(location)] > 1
		       ? qr_cluster_read(frame, hold)
		       : qr_store_transfer(K_MEM_IO_READ, location, phys, hold);
}

/* 3: copy, zero or read. */
static int fill(uint32_t frame, uint64_t phys, uint32_t location, struct qr_hold *hold)
{
	if (QR_LIKELY(qr_store_copies(location))) {
		qr_store_copy(K_MEM_IO_READ, location, phys, hold);
		return 0;
	}
	return fill_otherwise(frame, location, hold);
}

/* The page could not be read: as before. Who overtook another cannot sleep, so the other one
 * is where it was, and goes on as if nothing had been. */
static void unfill(uint32_t page, uint32_t location, uint32_t overtaken)
{
	if (overtaken == QR_NO_INDEX) {
		arch_page_token_set_n(page, ARCH_TOKEN(ARCH_TOKEN_LOCATION, location));
		return;
	}
	arch_page_token_set_n(page, ARCH_TOKEN(ARCH_TOKEN_BUSY, overtaken));
	qr_frames[overtaken] =
		qr_frame_word(page, location,
			      QR_FRAME_BUSY | (uint32_t)(qr_frames[overtaken] & QR_FRAME_BACKED));
}

/* 4: the page cannot be mapped. */
static QR_NOINLINE int not_filled(uint32_t frame, uint32_t overtaken, int status)
{
	uint64_t word = qr_frames[frame];
	uint32_t location = qr_frame_location(word);

	if (word & QR_FRAME_ORPHAN) {
		qr_slot_give((word & QR_FRAME_BACKED) ? location : QR_LOCATION_UNINIT);
		status = QR_BRING_LOOK;
	} else {
		unfill(qr_frame_page(word), location, overtaken);
	}
	qr_wake(qr_frame_channel(frame));
	qr_frame_free(frame);
	return status;
}

/* 5: as a write wants it, if it still may. */
static uint32_t page_in_flags(uint32_t page, unsigned int want)
{
	return (want & QR_BRING_WRITE) && (arch_page_state_n(page) & ARCH_PAGE_RW)
		       ? ARCH_MEM_ACCESSED | ARCH_MEM_DIRTY
		       : ARCH_MEM_ACCESSED;
}

/* 5: who waited for this page goes before who waits for any frame. */
static QR_NOINLINE void tell(uint32_t frame, uint64_t word, unsigned int want)
{
	qr_domain_came(qr_frame_page(word));
	qr_policy_came(frame, qr_frame_location(word), !(want & QR_BRING_AHEAD));
	qr_wake(qr_frame_channel(frame));
	qr_wake(QR_FRAME_CHANNEL);
}

/* 5: the page of the frame at `phys` is in it. */
QR_INLINE int map(uint32_t frame, uint64_t phys, unsigned int want)
{
	const uint64_t word = qr_frames[frame];
	const uint32_t page = qr_frame_page(word);

	arch_mem_page_in_n(page, phys, page_in_flags(page, want));
	qr_frames[frame] = qr_word_bare(word) ^ (QR_FRAME_BUSY ^ QR_FRAME_MAPPED);
	qr_frame_table.busy_count--;
	qr_frame_table.changes++;
	if (QR_UNLIKELY(qr_told.any != 0)) {
		tell(frame, word, want);
	}
	return (want & QR_BRING_PIN) ? QR_BRING_LOOK : 0;
}

/* 2 to 5: the page is on its way to another frame, whose owner is to find it ORPHAN. Its slot stays
 * that one's, which may not even have started to read. */
static QR_NOINLINE int overtake(uint32_t page, uint32_t overtaken, unsigned int want,
				struct qr_hold *hold)
{
	const uint64_t word = qr_frames[overtaken];
	const uint32_t location = qr_frame_location(word);
	const uint32_t backed = (uint32_t)(word & QR_FRAME_BACKED);
	uint32_t frame;
	int status = take_frame(page, arch_page_state_n(page), want, &frame, hold);

	if (status != 0) {
		return status;
	}
	qr_frames[overtaken] =
		qr_frame_word(QR_NO_INDEX, location, QR_FRAME_BUSY | QR_FRAME_ORPHAN | backed);
	arch_page_token_set_n(page, ARCH_TOKEN(ARCH_TOKEN_BUSY, frame));
	qr_frames[frame] = qr_frame_word(
		page, location,
		qr_location_owned(location) ? QR_FRAME_BUSY : QR_FRAME_BUSY | QR_FRAME_BACKED);
	status = fill_otherwise(frame, location, hold);
	if (status != 0 || (qr_frames[frame] & QR_FRAME_ORPHAN)) {
		return not_filled(frame, overtaken, status);
	}
	return map(frame, qr_frame_phys(frame), want);
}

/* 1: the page is in transfer in `frame`. */
static int in_transfer(uint32_t page, uint32_t frame, unsigned int want, struct qr_hold *hold)
{
	uint64_t word = qr_frames[frame];

	if (!qr_sleep_known(hold)) {
		return QR_BRING_LOOK;
	}
	if (word & QR_FRAME_OUT) {
		qr_rescue(frame, ARCH_MEM_ACCESSED |
					 ((want & QR_BRING_WRITE) ? ARCH_MEM_DIRTY : 0));
		return QR_BRING_LOOK;
	}
	if (hold->sleep == QR_SLEEP_NO) {
		return overtake(page, frame, want, hold);
	}
	qr_wait(qr_frame_channel(frame), hold);
	return QR_BRING_LOOK;
}

/* 1: the page is in a frame, or on its way, or there is none. */
static QR_NOINLINE int look_closer(uint32_t page, arch_page_t now, unsigned int want,
				   struct qr_hold *hold)
{
	if (!qr_page_is_mapped(now)) {
		return -EFAULT;
	}
	if (!may(page, now, want)) {
		return -EACCES;
	}
	if (!(now & ARCH_DATA_PAGE_LOADED)) {
		return in_transfer(page, ARCH_TOKEN_VALUE(arch_page_token(now)), want, hold);
	}
	if (qr_is_zero_page(now) && own_frame(now, want)) {
		/* untouched again, but for a frame of its own: break before make */
		(void)arch_mem_page_out_n(page,
					  ARCH_TOKEN(ARCH_TOKEN_LOCATION, QR_LOCATION_ZERO));
		arch_mem_flush(qr_page_addr(page), QR_PAGE_SIZE);
		return QR_BRING_LOOK;
	}
	return qr_bring_resident(page, now, want);
}

int qr_bring_step(uint32_t page, unsigned int want, struct qr_hold *hold)
{
	const arch_page_t now = arch_page_state_n(page);
	const uint32_t location = (uint32_t)(now >> 12); /* the bits above are clear */
	uint32_t frame;
	uint64_t phys;
	int status;

	QR_ASSERT_LOCKED();
	if (QR_UNLIKELY(!qr_page_is_away(now))) {
		return look_closer(page, now, want, hold);
	}
	if (!may(page, now, want)) {
		return -EACCES;
	}
	if (location == QR_LOCATION_ZERO && qr_frame_table.zero != QR_NO_INDEX &&
	    !own_frame(now, want)) {
		return map_zeros(page);
	}
	status = take_frame(page, now, want, &frame, hold);
	if (QR_UNLIKELY(status != 0)) {
		return status;
	}
	arch_page_token_set_n(page, ARCH_TOKEN(ARCH_TOKEN_BUSY, frame));
	qr_frames[frame] = qr_frame_word(page, location, QR_FRAME_BUSY | QR_FRAME_BACKED);
	phys = qr_frame_phys(frame);
	status = fill(frame, phys, location, hold);
	if (QR_UNLIKELY(status != 0 || (qr_frames[frame] & QR_FRAME_ORPHAN))) {
		return not_filled(frame, QR_NO_INDEX, status);
	}
	return map(frame, phys, want);
}

QR_NOINLINE int qr_bring_steps(uint32_t page, unsigned int want, int status, struct qr_hold *hold)
{
	for (uint32_t rounds = 1; status == QR_BRING_LOOK && rounds < QR_ROUNDS_MAX; rounds++) {
		status = qr_bring_step(page, want, hold);
	}
	if (status > 0) {
		return (want & QR_BRING_AHEAD) ? -EBUSY : 0; /* the instruction looks again */
	}
	return status;
}
