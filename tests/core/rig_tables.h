/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rig_tables.h - make all page tables empty, as they are when a kernel boots.
 */
#ifndef TESTS_CORE_RIG_TABLES_H
#define TESTS_CORE_RIG_TABLES_H

void rig_tables_clear(void);

#endif /* TESTS_CORE_RIG_TABLES_H */
