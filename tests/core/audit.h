/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.h - does what the core remembers agree with the page tables? Looks into mm/.
 */
#ifndef TESTS_CORE_AUDIT_H
#define TESTS_CORE_AUDIT_H

/* At a quiet moment, no call of the core under way:
 *  - every frame is free and in the pool, or the core's own, or the one that the entry of its
 *    page names; so no two pages have one frame, and none is lost;
 *  - every slot that is taken is named by one entry or one frame, and by only one;
 *  - what is charged is what the tables say should be;
 *  - the page of zeros is zero, and nobody may write to it.
 * NULL, or what is wrong, in words that the next call overwrites. */
const char *audit(void);

/* The same while transfers are under way. */
const char *audit_busy(void);

#endif /* TESTS_CORE_AUDIT_H */
