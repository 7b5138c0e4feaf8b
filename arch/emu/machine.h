/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine.h - what the files of the emulated machine share.
 *
 *     emu.c    RAM, accesses, faults
 *     tlb.c    slots: finding, filling, dropping, comparing with the tables
 *     walk.c   the walker: from an address to an entry, and setting its bits
 *     place.c  who changed which entry; reports
 *     stack.c  the core's stack
 */
#ifndef QR_ARCH_EMU_MACHINE_H
#define QR_ARCH_EMU_MACHINE_H

#include "emu.h"
#include "entry.h"
#include "mmu.h"

#define EMU_PAGE_BYTES       ((size_t)1 << ENTRY_PAGE_SHIFT)
#define EMU_PAGE_MASK        (EMU_PAGE_BYTES - 1)
#define EMU_TABLE_ENTRIES    ((size_t)1 << ENTRY_INDEX_BITS)
#define EMU_LEVEL_SHIFT(lvl) (ENTRY_PAGE_SHIFT + (lvl) * ENTRY_INDEX_BITS)
#define EMU_SPACE_BASE       ((uintptr_t)CONFIG_KERNEL_VM_BASE)
#define EMU_SPACE_LAST       (EMU_SPACE_BASE + ((uintptr_t)CONFIG_KERNEL_VM_SIZE - 1))

/* What a slot allows. */
enum emu_right {
	EMU_USER = 1, /* user mode reads */
	EMU_WRITE = 2,
	EMU_EXEC_KERNEL = 4,
	EMU_EXEC_USER = 8,
	EMU_DIRTY = 16, /* writes need not be noted in the tables */
	EMU_GLOBAL = 32,
};

struct emu_slot {
	uint64_t epoch;      /* valid while it equals its row's */
	uint64_t time;       /* when it was filled */
	qr_entry_t *entry;   /* where it came from */
	const void *spoiled; /* code that made the entry differ, or NULL */
	struct qr_view view; /* the leaf; `dirty` set when the slot learns of it */
	uint8_t rights;
	uint8_t row;
	uint8_t level;
};

struct emu_walk {
	qr_entry_t *entry; /* where the walk ended */
	unsigned int level;
	struct qr_view view; /* LEAF, NONE or TOKEN */
};

struct emu_machine {
	uint64_t root; /* those in use: the kernel's, or, with MMU_SPLIT, user mode's */
	unsigned int tag;
	struct emu_set {
		uint64_t root;
		unsigned int tag;
	} sets[2]; /* the kernel's, user mode's */
	bool started;
	bool software_flags;
	unsigned int phys_bits; /* 0: what the format holds */
	bool in_hook; /* in the publish hook, and so inside of a call of the core */
	bool in_replace; /* in mmu_replace, which touches no stack */
	uintptr_t stack; /* or 0 */
	bool unsynced;
	const void *unsynced_place;
	struct emu_tables {
		uintptr_t start, end;
	} tables[3]; /* end 0: not told */
	uint64_t time;
	size_t errors;
	struct emu_counters count;
};

extern struct emu_machine emu;

/* The page that last had a frame, and since when: machine.time at the fill. */
struct emu_owner {
	uintptr_t virt;
	uint64_t time;
};

/* NULL outside RAM. emu.c */
struct emu_owner *emu_owner_of(uint64_t phys);

/* Follow the tables; false: they point to nowhere (reported). Sets no bits. walk.c */
bool emu_walk(uintptr_t virt, struct emu_walk *walk);

/* Set accessed (and dirty) in the leaf that the walk found, by compare-and-swap. walk.c */
void emu_walk_mark(struct emu_walk *walk, bool dirty);

/* Rights of a leaf; 0 for anything else. tlb.c */
uint8_t emu_rights(const struct qr_view *view);

/* Does the slot say or allow what this leaf does not? tlb.c */
bool emu_slot_differs(const struct emu_slot *slot, const struct emu_walk *walk);
bool emu_slot_is_live(const struct emu_slot *slot);

/* Translate one address: true with *phys, or false with the kind of fault. tlb.c */
bool emu_tlb_translate(uintptr_t virt, uint32_t access, uint64_t *phys, enum qr_fault_kind *kind);

/* The running code is user mode's, or the kernel's: which tables are in use. mmu.c */
void emu_mode_set(bool user);

/* The core uses its stack. stack.c */
void emu_stack_use(const void *place);

/* Report that the access to virt faults for ever. tlb.c */
void emu_tlb_report_stuck(uintptr_t virt);

/* Forget all translations, and with emu_place_reset all changes. tlb.c, place.c */
void emu_tlb_reset(void);
void emu_place_reset(void);

/* Entry changes: a slot was filled from the entry; who changed it last. place.c */
void emu_place_filled(struct emu_slot *slot);
const void *emu_place_of(const qr_entry_t *entry);

/* mmu_publish, by the code at `place`. place.c */
void emu_publish_from(const qr_entry_t *first, size_t count, const void *place);

/* Count and report a mistake. place.c */
void emu_report(const struct emu_error *error);

#endif /* QR_ARCH_EMU_MACHINE_H */
