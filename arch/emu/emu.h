/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emu.h - a machine in C: RAM, a hardware walker over the real page tables, and a TLB
 * that never forgets by luck. The core's tables, in the entry format of any port, run
 * on it unchanged; tests are the programs of this machine.
 *
 * It is built for one format: `-Iarch/emu -Iarch/<format>`. Single-threaded and
 * deterministic. Addresses are bytes.
 *
 *     test --emu_read/write/exec--> TLB --miss--> walker --> tables (real, shared)
 *                |                   |               |
 *                |                   |               +-- sets accessed and dirty
 *                +--> emu_fault <----+-- fault
 *
 * The TLB has a slot for every page and every large leaf of the space, in each tag and
 * once more for global translations. A slot, once filled, stays until mmu_tlb_page, _tag
 * or _all drops it. Outside of the core's own calls nothing may be stale, so every use of
 * a slot is compared with the tables as they are now, and a difference that matters is
 * reported (EMU_STALE) with the function that changed the entry without a flush.
 * A slot that allows less than the tables do is no mistake, but it stays, as on CPUs that
 * do not look again: who grants a right by a fault must flush before the retry (EMU_STUCK).
 *
 * "Physical" addresses of tables are host pointers. Those of RAM are what emu_init was
 * told. Anything else may be mapped, as devices would be, but not accessed.
 */
#ifndef QR_ARCH_EMU_H
#define QR_ARCH_EMU_H

#include <quire/paging.h>
#include <pagetable/mmu_port.h>
#include <pagetable/view.h>

/* Bytes of RAM, all banks together, that the machine can have. */
#ifndef EMU_RAM_BYTES_MAX
#define EMU_RAM_BYTES_MAX 0x4000000
#endif

/* Banks, and tags of the TLB. */
#define EMU_BANKS_MAX 6
#define EMU_TAGS      4

/* A fault handler that says "retry" is asked this often for one access. */
#define EMU_FAULTS_MAX 8

/* ---- the machine -------------------------------------------------------------------- */

/* Reset: one bank of RAM at `phys`, filled with junk; MMU off; TLB, counters and errors
 * empty; hardware sets accessed and dirty; no fault handler, no hooks, no limits for
 * tables. Both page-aligned. Errors: -EINVAL, alignment; -ENOMEM, EMU_RAM_BYTES_MAX. */
int emu_init(uint64_t phys, size_t size) QR_MUST_CHECK;

/* Another bank. Errors as above; -ENOMEM also for too many; -EINVAL if it overlaps. */
int emu_bank_add(uint64_t phys, size_t size) QR_MUST_CHECK;

/* Where the byte of RAM at `phys` is, for disks and for tests; NULL outside RAM. */
void *emu_phys(uint64_t phys);

/* All tables are in [start, end): the walker reports others (EMU_WILD). Optional. */
void emu_tables_set(const void *start, const void *end);

/* Or in one of two more ranges, `which` 0 and 1. */
void emu_tables_add(unsigned int which, const void *start, const void *end);

/* The CPU has physical addresses of so many bits only; 0: as many as the format. A walk to one
 * beyond is reported (EMU_ILLEGAL). */
void emu_phys_bits(unsigned int bits);

/* true: a CPU without hardware accessed and dirty bits; a walk that finds accessed clear,
 * or a write that finds dirty clear, raises QR_FAULT_FLAG. */
void emu_software_flags(bool on);

/* ---- programs ----------------------------------------------------------------------- */

/* Called on a fault of the functions below. 0: try again; else the access ends with that
 * error. Without a handler it ends with -EFAULT. */
extern int (*emu_fault)(const struct qr_fault *fault);

/* Access [virt, +size), page by page, in user mode where `access` is K_MEM_FAULT_USER
 * and in supervisor mode where it is 0. Supervisor mode may read and write what user mode
 * may, and never executes it.
 *  0, or the handler's error
 *  -EFAULT  no handler, the MMU is off, or EMU_STUCK was reported
 *  -ENXIO   the frame is no RAM */
int emu_read(uintptr_t virt, void *data, size_t size, uint32_t access) QR_MUST_CHECK;
int emu_write(uintptr_t virt, const void *data, size_t size, uint32_t access) QR_MUST_CHECK;

/* Fetch an instruction at `virt`. */
int emu_exec(uintptr_t virt, uint32_t access) QR_MUST_CHECK;

/* A whole page, by one translation: `words` has a page's worth; virt is page-aligned. */
int emu_page_read(uintptr_t virt, uint64_t *words, uint32_t access) QR_MUST_CHECK;
int emu_page_write(uintptr_t virt, const uint64_t *words, uint32_t access) QR_MUST_CHECK;

/* ---- interleavings ------------------------------------------------------------------ */

/* The core's stack is in the page of `virt`; 0: it is not in memory that this machine maps.
 * Whatever the core tells the machine, the stack is written through the MMU at that moment, as
 * compiled code may do at any; not inside of mmu_replace, which is one piece of assembly. */
void emu_stack_set(uintptr_t virt);

/* Called in each mmu_publish, which is inside of the core's calls: what another CPU or a
 * device may do at that moment. Accesses made by the hook use the TLB as it is, unchecked;
 * a fault of theirs is -EFAULT without the handler. */
extern void (*emu_publish_hook)(const qr_entry_t *first, size_t count);

/* The same after everything, or all of a tag, was dropped from the TLB: a CPU may walk again at
 * once. */
extern void (*emu_drop_hook)(void);

/* The same while mmu_tags counts: the highest tag is current, over the kernel's root. */
extern void (*emu_count_hook)(void);

/* The same after this page was dropped, and before the wait for that. */
extern void (*emu_page_drop_hook)(uintptr_t virt);

/* The walker sets accessed, and with `dirty` dirty, in the leaf for `virt`, now. false:
 * there is no leaf, or none that may be written. */
bool emu_walker_marks(uintptr_t virt, bool dirty);

/* ---- mistakes ----------------------------------------------------------------------- */

enum emu_error_kind {
	EMU_STALE,    /* a translation was used that the tables no longer allow */
	EMU_STUCK,    /* "retry", said the handler, EMU_FAULTS_MAX times, and it still faults */
	EMU_UNSYNCED, /* mmu_tlb_sync is missing between a drop and the next use */
	EMU_WILD,     /* an entry points to a table outside emu_tables_set's range */
	EMU_ILLEGAL,  /* an entry with bits that entry_encode never sets */
	EMU_OUTSIDE,  /* a leaf outside of the space */
	EMU_ACCESS,   /* mmu_access: the core touched a page that it had not mapped */
	EMU_STACK,    /* the core took its own stack away */
	EMU_CONFLICT, /* with ENTRY_BREAK: a leaf that is remembered became another in one step */
};

struct emu_error {
	enum emu_error_kind kind;
	uintptr_t virt;
	bool cached;         /* the TLB held a translation: `held` */
	struct qr_view held; /* as it was when the slot was filled */
	struct qr_view now;  /* what the tables say */
	bool recycled;       /* another page used the held frame since */
	uintptr_t user;      /* that page */
	const void *place;   /* code: where the entry was changed, or the drop was asked; or NULL */
};

/* Mistakes since emu_init. Each stale slot counts once: it is dropped when reported. */
size_t emu_errors(void);

/* Called for each instead of printing it. */
extern void (*emu_error_hook)(const struct emu_error *error);

/* What is printed without a hook, on stderr. */
void emu_error_print(const struct emu_error *error);

/* The function that code address `place` lies in, static ones included, and the offset:
 * "name+0x1c". Cut to `size`. */
void emu_place_name(const void *place, char *name, size_t size);

/* ---- counters ----------------------------------------------------------------------- */

struct emu_counters {
	uint64_t walks;
	uint64_t hits;
	uint64_t faults;
	uint64_t page_drops;
	uint64_t tag_drops;
	uint64_t all_drops;
	uint64_t syncs;           /* waits for drops, one or many */
	uint64_t code_synced;     /* bytes */
	uint64_t publishes;       /* calls */
	uint64_t published;       /* entries */
	uint64_t copied_max;      /* bytes, the most that one user_copy was asked for */
	uint64_t accessed_missed; /* hits while the tables' accessed bit was clear: not
				   * flushed when it was cleared, so not set again */
};

const struct emu_counters *emu_counters(void);

#endif /* QR_ARCH_EMU_H */
