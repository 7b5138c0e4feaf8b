/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.h - page frames: one 8-byte word each, and the pool of free ones.
 *
 *    63            34 33            9 8      0
 *   +----------------+---------------+--------+
 *   |    location    |  page or next |  flags |
 *   +----------------+---------------+--------+
 *
 * `page` is the number of the one data page that the frame holds (every set of tables maps
 * alike, so one is enough). `location` says where the content also is (BACKED): a slot, or
 * one of the two pseudo locations for content that needs no slot.
 *
 * The pool is runs of free frames. The run that was given back last is apart, in two numbers: what
 * is given back next and touches it is a part of it. It also is what frames are taken from, the
 * lowest first, unless it is too short for what is asked and the first of the others is not. These
 * are a list, each in its first frame's word: `page` is the first frame of the next run, `location`
 * the number of frames behind the first. All other words of free frames say FREE and no more. A run
 * that enters the list joins the first one if it touches it, is before it if it is longer, and
 * behind it if not; where nothing was given back, the first one leaves the list. So frames that
 * were taken in a row come back as a row, from whoever gives them back in order; short runs do not
 * come in the way of a long one; and no operation looks for anything. A run may go on in the next
 * bank: who takes one cuts it there.
 *
 * Who may change a frame:
 *
 *   FREE       in the pool
 *   RESERVED   never the core's: the image, holes, the zero page
 *   MAPPED     holds `page`, whose entry is a leaf with this frame
 *   PINNED     never evicted
 *   PINNING    with PINNED: pinned by a k_mem_pin that may yet fail and undo it
 *   BUSY       belongs to one operation: it is in hand, being filled, or being written out.
 *              Who set the flag is the only one to clear it. While a page is on its way its
 *              entry holds the token BUSY with this frame's number.
 *   OUT        with BUSY: the content is being written to `location`. A fault may rescue
 *              the page: map it again (MAPPED) while the write goes on.
 *   ORPHAN     with BUSY: the page was unmapped, or brought in by somebody else, meanwhile;
 *              the owner, when done, releases `location` (if any) and frees the frame.
 *   BACKED     `location` is valid; dropping the page loses nothing if it is not dirty. While it is
 *              being filled: from a location that is its own
 *   AHEAD      ORPHAN's bit, without BUSY: the page was read ahead, and not seen used so far
 *   WRITTEN    OUT's bit, without BUSY: the page was written and stayed here
 */
#ifndef QR_MM_FRAME_H
#define QR_MM_FRAME_H

#include "core.h"

#define QR_FRAME_FREE     0x01u
#define QR_FRAME_RESERVED 0x02u
#define QR_FRAME_MAPPED   0x04u
#define QR_FRAME_PINNED   0x08u
#define QR_FRAME_BUSY     0x10u
#define QR_FRAME_OUT      0x20u
#define QR_FRAME_ORPHAN   0x40u
#define QR_FRAME_BACKED   0x80u
#define QR_FRAME_PINNING  0x100u
#define QR_FRAME_WRITTEN  QR_FRAME_OUT
#define QR_FRAME_AHEAD    QR_FRAME_ORPHAN
#define QR_FRAME_FLAGS    0x1ffu

#define QR_FRAME_PAGE_SHIFT     9
#define QR_FRAME_PAGE_MASK      ((1u << 25) - 1u)
#define QR_FRAME_LOCATION_SHIFT 34

/* No page, no frame. */
#define QR_NO_INDEX QR_FRAME_PAGE_MASK

extern uint64_t qr_frames[CONFIG_MEM_FRAMES_MAX];

QR_INLINE uint64_t qr_frame_word(uint32_t page, uint32_t location, uint32_t flags)
{
	return (uint64_t)location << QR_FRAME_LOCATION_SHIFT |
	       (uint64_t)page << QR_FRAME_PAGE_SHIFT | flags;
}
QR_INLINE uint32_t qr_frame_page(uint64_t word)
{
	return (uint32_t)(word >> QR_FRAME_PAGE_SHIFT) & QR_FRAME_PAGE_MASK;
}
QR_INLINE uint32_t qr_frame_location(uint64_t word)
{
	return (uint32_t)(word >> QR_FRAME_LOCATION_SHIFT);
}

/* ---- which frames there are ------------------------------------------------------------ */

struct qr_bank {
	uint64_t phys;   /* bytes, page-aligned */
	uint32_t count;  /* frames */
	uint32_t first;  /* index of its first frame */
};

struct qr_frame_table {
	struct qr_bank bank[CONFIG_MEM_BANKS_MAX];
	uint32_t bank_count;
	uint32_t count;       /* frames in all banks */
	uint64_t phys_first, phys_end; /* all banks are in between, bytes */
	/* the pool */
	uint32_t recent_first; /* the run that was given back last */
	uint32_t recent_count;
	uint32_t free_head;   /* first frame of the list's first run, or QR_NO_INDEX */
	uint32_t free_count;  /* free frames that nobody has reserved */
	uint32_t aside;       /* of those reserved: by the sleeping cleaner (clean.c) */
	bool cleaner_waits;   /* a cleaner sleeps until it is called */
	uint32_t busy_count;  /* frames that are BUSY */
	/* how often a frame or a slot became free, or a frame evictable: "as often as when I
	 * looked" is "nothing changed", however long ago that was, so it does not come round */
	uint64_t changes;
	uint32_t zero;        /* the frame of zeros, or QR_NO_INDEX */
};
extern struct qr_frame_table qr_frame_table;

/* The physical address of a frame. Most systems have one bank. */
uint64_t qr_frame_phys_in_banks(uint32_t frame);
QR_INLINE uint64_t qr_frame_phys(uint32_t frame)
{
	const struct qr_bank *bank = qr_frame_table.bank;

	return QR_LIKELY(frame < bank->count) ? bank->phys + ((uint64_t)frame << QR_PAGE_SHIFT)
					      : qr_frame_phys_in_banks(frame);
}

/* May there be frames in so many bytes from `phys` on? False where they are before or behind all
 * banks, as devices mostly are. */
QR_INLINE bool qr_frames_reach(uint64_t phys, uint64_t size)
{
	return phys < qr_frame_table.phys_end && phys + size > qr_frame_table.phys_first;
}

/* The frame at a physical address, or QR_NO_INDEX where the core has none. */
uint32_t qr_frame_of(uint64_t phys);

/* The frame at a physical address that is some frame's; *count, of frames from there on, becomes
 * less where the bank ends before. */
uint32_t qr_frames_at(uint64_t phys, uint32_t *count);

/* Is this page, loaded or not, in the frame of the shared zeros? */
QR_INLINE bool qr_is_zero_page(arch_page_t now)
{
	return (now & ARCH_DATA_PAGE_LOADED) && qr_frame_table.zero != QR_NO_INDEX &&
	       arch_page_phys(now) == qr_frame_phys(qr_frame_table.zero);
}

/* ---- the pool --------------------------------------------------------------------------- */

/* There is no run that was given back last, and there are others: let the first of these be it. */
void qr_frames_unshelve(void);

/* Take one of the free frames, of which there are some, into the caller's hand. The caller writes
 * its word, with BUSY, before it lets go of the lock. */
QR_INLINE uint32_t qr_frame_unlink(void)
{
	QR_ASSERT_LOCKED();
	if (QR_UNLIKELY(qr_frame_table.recent_count == 0)) {
		qr_frames_unshelve();
	}
	qr_frame_table.recent_count--;
	qr_frame_table.free_count--;
	qr_frame_table.busy_count++;
	return qr_frame_table.recent_first++;
}

/* Take a free frame; it is BUSY and in the caller's hand. QR_NO_INDEX: none. */
uint32_t qr_frame_take(void);

/* Free a BUSY frame that is in the caller's hand and wake who waits for frames. */
void qr_frame_free(uint32_t frame);

/* Set `count` free frames aside for the caller, who takes them with qr_frames_take_reserved
 * or gives back what is left with qr_frames_unreserve. False: not that many are free. */
QR_INLINE bool qr_frames_reserve(uint32_t count)
{
	QR_ASSERT_LOCKED();
	if (qr_frame_table.free_count < count) {
		return false;
	}
	qr_frame_table.free_count -= count;
	return true;
}
QR_INLINE void qr_frames_unreserve(uint32_t count)
{
	qr_frame_table.free_count += count;
}

/* Take frames in a row that were set aside, for the first of `most` pages from `page` on: mapped
 * and pinned from the start. Returns how many; the first one's physical address goes to *phys. */
uint32_t qr_frames_take_reserved(uint32_t page, uint32_t most, uint64_t *phys);

/* Put frames in a row that are nobody's back, whose words say QR_FRAME_FREE and no more: the bare
 * step, without a wake-up. */
void qr_frames_give(uint32_t first, uint32_t count);
QR_INLINE void qr_frame_give(uint32_t frame)
{
	qr_frames[frame] = QR_FRAME_FREE;
	qr_frames_give(frame, 1);
}

/* A channel for those who wait until some frame becomes free or evictable. */
#define QR_FRAME_CHANNEL (&qr_frame_table)

/* Some frame became free or evictable. */
QR_INLINE void qr_frames_changed(void)
{
	qr_frame_table.changes++;
	qr_wake(QR_FRAME_CHANNEL);
}

/* A channel for those who wait for this frame's transfer. */
QR_INLINE const void *qr_frame_channel(uint32_t frame)
{
	return &qr_frames[frame];
}

/* This CPU's scratch window on a frame; without the lock, and interrupts are masked until it is
 * closed. */
struct qr_window {
	void *page;
	qr_port_key_t key;
};
QR_INLINE struct qr_window qr_window_open(uint64_t phys)
{
	qr_port_key_t key = qr_host_irq_lock();

	return (struct qr_window){arch_mem_scratch(phys), key};
}
QR_INLINE void qr_window_close(struct qr_window window)
{
	qr_host_irq_unlock(window.key);
}

/* Fill the frame at `phys`, or frames in a row from there on, with zeros; called without the lock.
 * Interrupts are let in after each. */
void qr_frame_zero(uint64_t phys);
void qr_frames_zero(uint64_t phys, uint32_t count);

/* ---- starting ----------------------------------------------------------------------------- */

/* Add a bank, its whole pages; it was checked. */
void qr_frames_add_bank(uint64_t phys, uint64_t size);

/* Let every frame that is neither a hole nor image enter the pool, lowest address first. */
void qr_frames_start(void);

#endif /* QR_MM_FRAME_H */
