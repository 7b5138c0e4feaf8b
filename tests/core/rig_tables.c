/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rig_tables.c - empty tables between two starts of the core; alone here because it looks
 * into pagetable/.
 */
#include <string.h>

#include <arch/emu/emu.h>
#include <pagetable/overlay.h>

#include "rig_tables.h"

void rig_tables_clear(void)
{
	memset(qr_tables, 0, sizeof(qr_tables));
	mmu_publish(qr_tables, QR_TABLES_TOTAL * QR_TABLE_ENTRIES);
	emu_tables_set(qr_tables, qr_tables + QR_TABLES_TOTAL * QR_TABLE_ENTRIES);
	if (!CONFIG_USERSPACE) {
		return;
	}
	memset(qr_base_tables, 0, sizeof(qr_base_tables));
	emu_tables_add(0, qr_private_tables, qr_private_tables + QR_PRIVATE_COUNT);
	emu_tables_add(1, qr_base_tables,
		       qr_base_tables + (MMU_SPLIT ? QR_TABLES_TOTAL * QR_TABLE_ENTRIES : 1));
}
