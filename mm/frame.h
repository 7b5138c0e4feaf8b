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
 * alike, so one is enough); in a free frame it is the next free frame. `location` says
 * where the content also is (BACKED): a slot, or one of the two pseudo locations for content
 * that needs no slot. Who may change a frame:
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
 *   BACKED     `location` is valid; dropping the page loses nothing if it is not dirty
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
	/* the pool */
	uint32_t free_head;   /* first frame of the free list, or QR_NO_INDEX */
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

/* The bank of a physical address that is some frame's. */
QR_INLINE const struct qr_bank *qr_bank_of(uint64_t phys)
{
	const struct qr_bank *bank = qr_frame_table.bank;

	while ((phys - bank->phys) >> QR_PAGE_SHIFT >= bank->count) {
		bank++;
	}
	return bank;
}

/* The frame at a physical address, or QR_NO_INDEX where the core has none. */
uint32_t qr_frame_of(uint64_t phys);

/* Is this page, loaded or not, in the frame of the shared zeros? */
QR_INLINE bool qr_is_zero_page(arch_page_t now)
{
	return (now & ARCH_DATA_PAGE_LOADED) && qr_frame_table.zero != QR_NO_INDEX &&
	       arch_page_phys(now) == qr_frame_phys(qr_frame_table.zero);
}

/* ---- the pool --------------------------------------------------------------------------- */

/* Take one of the free frames, of which there are some, into the caller's hand. The caller writes
 * its word, with BUSY, before it lets go of the lock. */
QR_INLINE uint32_t qr_frame_unlink(void)
{
	uint32_t frame = qr_frame_table.free_head;

	QR_ASSERT_LOCKED();
	/* a free frame has no location */
	qr_frame_table.free_head = (uint32_t)(qr_frames[frame] >> QR_FRAME_PAGE_SHIFT);
	qr_frame_table.free_count--;
	qr_frame_table.busy_count++;
	return frame;
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

/* Take frames set aside for as many pages from `page` on: mapped and pinned from the start.
 * Their physical addresses go to `phys`. */
QR_INLINE void qr_frames_take_reserved(uint32_t page, uint32_t count, uint64_t *phys)
{
	struct qr_bank bank = qr_frame_table.bank[0];
	uint32_t frame = qr_frame_table.free_head;
	uint64_t word = qr_frame_word(page, 0, QR_FRAME_MAPPED | QR_FRAME_PINNED);

	QR_ASSERT_LOCKED();
	for (uint32_t i = 0; i < count; i++) {
		uint32_t next = qr_frame_page(qr_frames[frame]);

		QR_ASSERT_ALL(qr_frames[frame] & QR_FRAME_FREE);
		if (QR_UNLIKELY(frame - bank.first >= bank.count)) {
			bank = *qr_bank_of(qr_frame_phys(frame));
		}
		phys[i] = bank.phys + ((uint64_t)(frame - bank.first) << QR_PAGE_SHIFT);
		qr_frames[frame] = word;
		word += 1u << QR_FRAME_PAGE_SHIFT;
		frame = next;
	}
	qr_frame_table.free_head = frame;
}

/* Put a frame that is nobody's back: the bare step, without a wake-up. */
QR_INLINE void qr_frame_give(uint32_t frame)
{
	qr_frames[frame] = qr_frame_word(qr_frame_table.free_head, 0, QR_FRAME_FREE);
	qr_frame_table.free_head = frame;
	qr_frame_table.free_count++;
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

/* Wake who waited for this frame's transfer, then who waits for any frame. */
void qr_frame_wake(uint32_t frame);

/* The frame's transfer has ended, and it became evictable. */
QR_INLINE void qr_frame_arrived(uint32_t frame)
{
	qr_frame_table.changes++;
	if (QR_UNLIKELY(qr_waiter_count > 0)) {
		qr_frame_wake(frame);
	}
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

/* Fill the frame at `phys` with zeros; called without the lock. */
void qr_frame_zero(uint64_t phys);

/* ---- starting ----------------------------------------------------------------------------- */

/* Add a bank, its whole pages; it was checked. */
void qr_frames_add_bank(uint64_t phys, uint64_t size);

/* Let every frame that is neither a hole nor image enter the pool, lowest address first. */
void qr_frames_start(void);

#endif /* QR_MM_FRAME_H */
