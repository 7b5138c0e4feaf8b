/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bring.c - making one page present: the life of a fault.
 *
 *   1 look    what the entry says now: there already; the zero page is enough; in transfer
 *             by somebody (rescue it, or wait); or it needs a frame
 *   2 room    a frame in hand; may let go of the lock, then look again
 *   3 fill    entry := token BUSY(frame); zero it or read it, the lock let go
 *   4 recheck the frame's ORPHAN flag: unmapped, or overtaken, meanwhile
 *   5 map     the entry becomes a leaf; cannot fail
 *
 * Until 3 nothing has changed; a failed read puts the token back. Two faults on one page
 * meet on the BUSY frame: the second waits on its channel. A context that cannot sleep does
 * not wait for a thread that it may have interrupted: it overtakes, that is, fills a frame of
 * its own, and the first finds its frame ORPHAN. Each time round the loop some transfer
 * ended or some other thread mapped the page; where they go on for ever a fault ends as if it had
 * been served, and the instruction faults again.
 */
#include "bring.h"

#include "charge.h"
#include "cluster.h"
#include "domain.h"
#include "evict.h"
#include "policy.h"
#include "slot_room.h"
#include "stats.h"
#include "store.h"
#include "uninit.h"

/* What is tried and what is allowed have the same bits, so that one mask compares them. */
_Static_assert(K_MEM_FAULT_WRITE == ARCH_PAGE_RW && K_MEM_FAULT_USER == ARCH_PAGE_USER &&
		       K_MEM_FAULT_EXEC == ARCH_PAGE_EXEC,
	       "access_allowed compares them");

struct bring {
	struct qr_hold *hold;
	void *virt;         /* the page, and its number */
	uint32_t page;
	unsigned int want;
	uint32_t frame;     /* in hand, or QR_NO_INDEX */
	/* what a look found, for NEED_FRAME */
	bool zero_page;     /* the shared zeros are mapped */
	uint32_t location;  /* where the content is */
	uint32_t overtaken; /* the frame that it is on its way to, or QR_NO_INDEX */
	uint32_t rounds;    /* times that it was looked at in vain */
};

/* What a look may say beside a final status. */
enum {
	LOOK = 1,   /* look again */
	NEED_FRAME, /* the page needs a frame */
};

static bool access_allowed(arch_page_t page, unsigned int want)
{
	const unsigned int tried = want & (QR_BRING_WRITE | QR_BRING_USER | QR_BRING_EXEC);

	/* code is for one mode: what user mode may execute the kernel may not */
	return (tried & ~page) == 0 &&
	       !((want & (QR_BRING_EXEC | QR_BRING_FENCED)) && !(want & QR_BRING_USER) &&
		 (page & ARCH_PAGE_USER));
}

/* The page with the rights that it has for the running code: those of the current set of tables. */
static QR_NOINLINE arch_page_t in_current_set(const struct bring *bring, arch_page_t now)
{
	const arch_page_t mask = ARCH_PAGE_RW | ARCH_PAGE_EXEC | ARCH_PAGE_USER;

	return (now & ~mask) |
	       arch_page_rights(bring->virt, now, (bring->want & QR_BRING_USER) != 0);
}

/* Does this purpose need a frame of the page's own, not the shared zeros? */
static bool own_frame(arch_page_t page, unsigned int want)
{
	return (want & (QR_BRING_WRITE | QR_BRING_PIN)) ||
	       ((want & QR_BRING_AHEAD) && (page & ARCH_PAGE_RW));
}

bool qr_page_charged(arch_page_t page)
{
	uint32_t location;

	if (page & ARCH_PAGE_RW) {
		return true;
	}
	if (page & ARCH_DATA_PAGE_LOADED) {
		uint32_t frame = qr_frame_of(arch_page_phys(page));

		QR_ASSERT_ALL(frame != QR_NO_INDEX);
		if (frame == qr_frame_table.zero) {
			return true;
		}
		location = qr_frame_location(qr_frames[frame]);
		return !(qr_frames[frame] & QR_FRAME_BACKED) || !qr_location_image(location);
	}
	location = ARCH_TOKEN_VALUE(arch_page_token(page));
	if (ARCH_TOKEN_KIND(arch_page_token(page)) == ARCH_TOKEN_BUSY) {
		location = qr_frame_location(qr_frames[location]);
	}
	return !qr_location_image(location);
}

uint32_t qr_paged_frame(uint32_t page, arch_page_t now)
{
	uint32_t frame;

	if (!(now & ARCH_DATA_PAGE_LOADED)) {
		return QR_NO_INDEX;
	}
	frame = qr_frame_of(arch_page_phys(now));
	if (frame == QR_NO_INDEX || (qr_frames[frame] & QR_FRAME_RESERVED) ||
	    qr_frame_page(qr_frames[frame]) != page) {
		return QR_NO_INDEX;
	}
	return frame;
}

/* 1: the page is loaded and needs no other frame; or, to be pinned, one with zeros: LOOK. */
static int already_loaded(struct bring *bring, arch_page_t now)
{
	uint32_t frame;

	if (!(bring->want & QR_BRING_AHEAD)) {
		/* the CPU asks for a bit, or somebody was faster, or its TLB was behind */
		uint32_t set = ARCH_DATA_PAGE_ACCESSED |
			       ((bring->want & QR_BRING_WRITE) ? ARCH_DATA_PAGE_DIRTY : 0);

		if (!(now & ARCH_PAGE_LARGE)) {
			(void)arch_page_bits(bring->virt, set, 0);
		}
		arch_mem_flush(bring->virt, QR_PAGE_SIZE);
		QR_COUNT(transfer.flags);
		return 0;
	}
	/* where the CPU leaves these bits to software, the use that is to come would fault */
	if (!(now & (ARCH_DATA_PAGE_ACCESSED | ARCH_PAGE_LARGE))) {
		(void)arch_page_bits(bring->virt, ARCH_DATA_PAGE_ACCESSED, 0);
	}
	if (!(bring->want & QR_BRING_PIN)) {
		return 0;
	}
	frame = qr_paged_frame(bring->page, now);
	if (frame == QR_NO_INDEX) {
		return 0;
	}
	if (qr_frames[frame] & QR_FRAME_PINNED) {
		/* by somebody else perhaps, whose failure may now not undo it */
		qr_frames[frame] &= ~(uint64_t)QR_FRAME_PINNING;
		return 0;
	}
	if (QR_UNINIT_ZEROED && qr_frame_uninit(frame) &&
	    qr_uninit_out(bring->page, frame, QR_LOCATION_ZERO)) {
		return LOOK;
	}
	if (qr_charge_pin(qr_page_charged(now)) != 0) {
		return -ENOMEM;
	}
	if (!(qr_frames[frame] & QR_FRAME_BUSY)) {
		qr_policy_forgotten(frame);
		qr_slot_copy_give(frame); /* charge.h counts on slots of pages that can go */
	}
	qr_frames[frame] |= QR_FRAME_PINNED | QR_FRAME_PINNING;
	if (now & ARCH_PAGE_RW) {
		(void)arch_page_bits(bring->virt, ARCH_DATA_PAGE_DIRTY, 0);
		arch_mem_flush(bring->virt, QR_PAGE_SIZE);
	}
	return 0;
}

/* 3: read or zero the frame; the lock is let go. */
static int fill(uint32_t frame, uint64_t phys, uint32_t location, struct qr_hold *hold)
{
	if (location == QR_LOCATION_UNINIT) {
		return 0;
	}
	if (location != QR_LOCATION_ZERO) {
		return CONFIG_MEM_CLUSTER &&
				       qr_store_table.read_pages[qr_location_store(location)] > 1
			       ? qr_cluster_read(frame, hold)
			       : qr_store_transfer(K_MEM_IO_READ, location, phys, hold);
	}
	QR_COUNT(transfer.zero_fill);
	qr_policy_idle(hold); /* a page that costs no transfer: there is time for what is due */
	qr_unlock(hold);
	qr_frame_zero(phys);
	qr_relock(hold);
	return 0;
}

/* The page could not be read: as before. Who overtook another cannot sleep, so the other one
 * is where it was, and goes on as if nothing had been. */
static void unfill(struct bring *bring, uint32_t location)
{
	void *virt = bring->virt;

	if (bring->overtaken == QR_NO_INDEX) {
		arch_page_token_set(virt, ARCH_TOKEN(ARCH_TOKEN_LOCATION, location));
		return;
	}
	arch_page_token_set(virt, ARCH_TOKEN(ARCH_TOKEN_BUSY, bring->overtaken));
	qr_frames[bring->overtaken] = qr_frame_word(bring->page, location, QR_FRAME_BUSY);
}

/* 3 to 5: fill the frame, which is BUSY, and map it. */
static int fill_and_map(struct bring *bring, uint32_t frame)
{
	uint64_t phys = qr_frame_phys(frame);
	int status = fill(frame, phys, bring->location, bring->hold);
	uint64_t word = qr_frames[frame];
	uint32_t location = qr_frame_location(word);
	void *virt = bring->virt;
	unsigned int want = bring->want;
	/* the slot of an overtaken read stays that one's, which may not even have started */
	bool borrowed = bring->overtaken != QR_NO_INDEX && qr_location_owned(location);

	qr_wake(qr_frame_channel(frame));
	if (word & QR_FRAME_ORPHAN) {
		qr_slot_give(borrowed ? QR_LOCATION_UNINIT : location);
		qr_frame_free(frame);
		return LOOK;
	}
	if (status != 0) {
		unfill(bring, location);
		qr_frame_free(frame);
		return status;
	}
	if ((want & QR_BRING_WRITE) && !(arch_page_state(virt) & ARCH_PAGE_RW)) {
		want &= ~QR_BRING_WRITE; /* the right was taken away meanwhile */
	}
	arch_mem_page_in(virt, phys,
			 ARCH_MEM_ACCESSED | ((want & QR_BRING_WRITE) ? ARCH_MEM_DIRTY : 0));
	qr_frames[frame] = qr_frame_word(bring->page, qr_location_bare(location),
					 QR_FRAME_MAPPED | (borrowed ? 0 : QR_FRAME_BACKED));
	qr_frame_table.busy_count--;
	qr_domain_came(bring->page);
	qr_policy_came(frame, location, !(want & QR_BRING_AHEAD));
	qr_frames_changed();
	return (want & QR_BRING_PIN) ? LOOK : 0;
}

/* 2: a frame in hand. LOOK when the lock was let go for it. */
static int take_frame(struct bring *bring)
{
	int status;

	bring->frame = qr_frame_take();
	if (QR_LIKELY(bring->frame != QR_NO_INDEX)) {
		return 0;
	}
	if (!CONFIG_DEMAND_PAGING) {
		return -ENOMEM;
	}
	bring->hold->dropped = false;
	status = qr_frame_make(&bring->frame, true, bring->hold);
	if (status != 0 && (arch_page_state(bring->virt) & ARCH_DATA_PAGE_LOADED) &&
	    !bring->zero_page) {
		return LOOK; /* somebody else brought it meanwhile */
	}
	if (status == -EIO && !(bring->want & QR_BRING_AHEAD)) {
		return -ENOMEM; /* for a fault -EIO says that this page could not be read */
	}
	return status == 0 && bring->hold->dropped ? LOOK : status;
}

/* 2 to 5, as the look found it. */
static int give_frame(struct bring *bring)
{
	void *virt = bring->virt;
	uint32_t frame;

	if (bring->frame == QR_NO_INDEX) {
		int status = take_frame(bring);

		if (status != 0) {
			return status;
		}
	}
	frame = bring->frame;
	bring->frame = QR_NO_INDEX;
	if (bring->zero_page) {
		/* break before make */
		(void)arch_mem_page_out(virt, ARCH_TOKEN(ARCH_TOKEN_BUSY, frame));
		arch_mem_flush(virt, QR_PAGE_SIZE);
	} else {
		arch_page_token_set(virt, ARCH_TOKEN(ARCH_TOKEN_BUSY, frame));
	}
	if (QR_UNLIKELY(bring->overtaken != QR_NO_INDEX)) {
		qr_frames[bring->overtaken] = qr_frame_word(QR_NO_INDEX, bring->location,
							    QR_FRAME_BUSY | QR_FRAME_ORPHAN);
	}
	qr_frames[frame] = qr_frame_word(bring->page, bring->location, QR_FRAME_BUSY);
	return fill_and_map(bring, frame);
}

static int need_frame(struct bring *bring, uint32_t location, bool zero_page, uint32_t overtaken)
{
	bring->location = location;
	bring->zero_page = zero_page;
	bring->overtaken = overtaken;
	return NEED_FRAME;
}

/* 1: the page is in transfer in `frame`. */
static int in_transfer(struct bring *bring, uint32_t frame)
{
	unsigned int want = bring->want;
	uint64_t word = qr_frames[frame];

	if (!qr_sleep_known(bring->hold)) {
		return LOOK;
	}
	if (word & QR_FRAME_OUT) {
		qr_rescue(frame, ARCH_MEM_ACCESSED |
					 ((want & QR_BRING_WRITE) ? ARCH_MEM_DIRTY : 0));
		return LOOK;
	}
	if (bring->hold->sleep == QR_SLEEP_NO) {
		return need_frame(bring, qr_frame_location(word), false, frame);
	}
	qr_wait(qr_frame_channel(frame), bring->hold);
	return LOOK;
}

/* 1: one look at the entry, and what follows from it. */
static int look(struct bring *bring)
{
	arch_page_t now = arch_page_state(bring->virt);
	uint32_t value;

	if (!qr_page_is_mapped(now)) {
		return -EFAULT;
	}
	if (!(bring->want & QR_BRING_AHEAD) &&
	    !access_allowed(CONFIG_USERSPACE && qr_domain_current != NULL
				    ? in_current_set(bring, now)
				    : now,
			    bring->want)) {
		return -EACCES;
	}
	if (now & ARCH_DATA_PAGE_LOADED) {
		return qr_is_zero_page(now) && own_frame(now, bring->want)
			       ? need_frame(bring, QR_LOCATION_ZERO, true, QR_NO_INDEX)
			       : already_loaded(bring, now);
	}
	value = ARCH_TOKEN_VALUE(arch_page_token(now));
	if (ARCH_TOKEN_KIND(arch_page_token(now)) == ARCH_TOKEN_BUSY) {
		return in_transfer(bring, value);
	}
	if (value == QR_LOCATION_ZERO && qr_frame_table.zero != QR_NO_INDEX &&
	    !own_frame(now, bring->want)) {
		arch_mem_page_in(bring->virt, qr_frame_phys(qr_frame_table.zero),
				 ARCH_MEM_ACCESSED | ARCH_MEM_COW);
		QR_COUNT(transfer.zero_map);
		return 0;
	}
	return need_frame(bring, value, false, QR_NO_INDEX);
}

int qr_bring(uint32_t page, unsigned int want, struct qr_hold *hold)
{
	struct bring bring = {
		.hold = hold,
		.virt = qr_page_addr(page),
		.page = page,
		.want = want,
		.frame = QR_NO_INDEX,
	};
	int status;

	QR_ASSERT_LOCKED();
	do {
		status = look(&bring);
		if (status == NEED_FRAME) {
			status = give_frame(&bring);
		}
	} while (status == LOOK && ++bring.rounds < QR_ROUNDS_MAX);
	if (bring.frame != QR_NO_INDEX) {
		qr_frame_free(bring.frame);
	}
	if (QR_UNLIKELY(status != 0) && (status == LOOK || status == -EAGAIN)) {
		return (want & QR_BRING_AHEAD) ? -EBUSY : 0; /* the instruction looks again */
	}
	return status;
}
