/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hazard_hand.c - the learned policy's hand: once an epoch it passes each frame.
 *
 *	    0    1    2    3    4  ..  31
 *	    A    -    z    A    z       A      A: awake, z: its page rests, -: holds none
 *	    |         |    |
 *	    |         |    `-- used: the gap is counted, and the page's class changes
 *	    |         `------- one comparison
 *	    `----------------- not used: that it got to this age is counted; it rests, the longer
 *	                       the older it is
 *
 * Of a page that was not used for long nothing is to be expected soon. So what is not learned by
 * visiting it less often is little; when it was used since is not known to the epoch. At first,
 * when little is known, all pages are visited. Pages that are awake are looked at together, up to
 * HAZARD_VISITS of 32 frames.
 */
#include <quire/policy.h>

#include "hazard_hand.h"
#include "hazard_pool.h"

#if CONFIG_EVICTION_HAZARD

#define GROUP      32u /* frames in a look */
#define LEARNING   32u /* epochs at first in which no page rests */
#define UNSEEN_MAX 16u /* what happened earlier since the last visit is not counted */

static struct {
	struct hazard_page *page;
	uint32_t frame_count;
	uint32_t at;   /* the frame to pass next */
	uint32_t owed; /* frames that it should have passed */
} hand;

void qr_hazard_hand_start(struct hazard_page *pages, uint32_t frame_count)
{
	hand.page = pages;
	hand.frame_count = frame_count;
	hand.at = hand.owed = 0;
}

void qr_hazard_hand_owes(uint32_t frames)
{
	hand.owed += frames;
	if (hand.owed > hand.frame_count) {
		hand.owed = hand.frame_count;
	}
}

bool qr_hazard_hand_rests(void)
{
	return hand.owed == 0;
}

/* How many epochs a page rests that was not used. */
QR_INLINE uint32_t rest_of(uint32_t age)
{
	if (age < 3 || qr_hazard_epoch < LEARNING) {
		return 1;
	}
	return age < 8 ? 2 : 4;
}

/* The page was visited `epochs` ago: what happened since, at any of the epochs? */
static QR_NOINLINE uint32_t guess(struct hazard_page *page, uint32_t *age, uint32_t *epochs)
{
	if (*age > HAZARD_AGE_KEPT) {
		*age = HAZARD_AGE_KEPT;
		page->last = (uint16_t)(qr_hazard_epoch - *age);
	}
	if (*epochs > UNSEEN_MAX) {
		*epochs = UNSEEN_MAX;
	}
	return qr_hazard_dice(255) * (*epochs < *age ? *epochs : *age) >> 8;
}

static void visit(uint32_t frame, bool accessed, bool dirty)
{
	struct hazard_page *page = &hand.page[frame];
	uint32_t age = hazard_page_age(page), class = hazard_page_class(page);
	uint32_t epochs = hazard_page_unseen(page), ago = 0, bin;

	if (epochs != 1) {
		ago = guess(page, &age, &epochs);
		epochs = epochs < age + 1 ? epochs : age + 1;
	}
	bin = hazard_bin(age - ago);
	hazard_expose(class, bin, epochs * HAZARD_UNIT);
	hazard_news(class);
	page->visited = (uint8_t)qr_hazard_epoch;
	if (accessed) {
		page->next = (uint8_t)(qr_hazard_epoch + 1);
		qr_hazard_page_used(page, age - ago, ago);
		qr_hazard_pool_add(frame, hazard_page_worth(page, dirty));
		return;
	}
	page->next = (uint8_t)(qr_hazard_epoch + rest_of(age));
	if (ago != 0) {
		bin = hazard_bin(age);
	}
	qr_hazard_pool_add(frame, hazard_worth(class, bin, dirty));
}

/* Of so many frames from the hand on, whose pages are awake: a bit each. Ends, and says where,
 * after HAZARD_VISITS. Frames that hold none are not looked at anyway. */
static uint32_t awake(uint32_t *count)
{
	const struct hazard_page *page = &hand.page[hand.at];
	uint32_t which = 0, left = HAZARD_VISITS, i;

	for (i = 0; i < *count && left > 0; i++) {
		if (hazard_page_awake(&page[i])) {
			which |= 1u << i;
			left--;
		}
	}
	*count = i;
	return which;
}

QR_INLINE uint32_t first_bits(uint32_t count)
{
	return count < GROUP ? (1u << count) - 1 : UINT32_MAX;
}

static void pass(uint32_t frames)
{
	hand.at += frames;
	hand.owed -= frames < hand.owed ? frames : hand.owed;
	if (hand.at == hand.frame_count) {
		hand.at = 0;
		qr_hazard_dirty_weight(k_mem_dirty_weight());
	}
}

uint32_t qr_hazard_hand_sweep(bool wake)
{
	uint32_t first = hand.at, count = hand.frame_count - first, which, passed;
	struct k_mem_looks looks;

	count = count < GROUP ? count : GROUP;
	count = wake || count < hand.owed ? count : hand.owed;
	which = wake ? first_bits(count) : awake(&count);
	passed = k_mem_frames_look(first, which, HAZARD_VISITS, &looks);
	for (uint32_t left = looks.seen; left != 0; left &= left - 1) {
		uint32_t i = qr_bit_lowest(left);

		visit(first + i, looks.accessed >> i & 1, looks.dirty >> i & 1);
	}
	passed = passed < count ? passed : count;
	pass(passed);
	return passed;
}

#endif /* CONFIG_EVICTION_HAZARD */
