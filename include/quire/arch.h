/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quire/arch.h - the architecture contract: what the core asks of an MMU.
 *
 * For every radix-tree MMU these functions are implemented once, in pagetable/,
 * over a port's entry format (pagetable/view.h, docs/porting.md). A machine with
 * an unusual MMU implements them directly.
 *
 * Except where said otherwise they are called with the mm lock held, `virt` is
 * page-aligned and inside the space, no call can fail, none allocates, and each
 * handles at most CONFIG_MEM_BATCH pages (or one large leaf), so that the core
 * can let interrupts in between. Functions that take rights away or change where
 * a page is leave no stale translation behind when they return, unless they say
 * that the caller flushes. Pointers are not checked for NULL, but where it says that one may be.
 */
#ifndef QUIRE_ARCH_H
#define QUIRE_ARCH_H

#include <quire/compiler.h>
#include <quire/mm.h>

QR_EXTERN_C_BEGIN

/* ---- what a page is: one word ----------------------------------------------------- */

/* Bits 12 and up: the physical address of the frame (LOADED), or the token, shifted
 * by 12. Bits 0 to 11: below. */
typedef uint64_t arch_page_t;

#define ARCH_DATA_PAGE_LOADED     (1u << 0) /* in a frame: the address is valid */
#define ARCH_PAGE_RW              (1u << 1) /* rights; reading is always allowed */
#define ARCH_PAGE_USER            (1u << 2)
#define ARCH_DATA_PAGE_NOT_MAPPED (1u << 3) /* no mapping here */
#define ARCH_PAGE_EXEC            (1u << 4)
#define ARCH_DATA_PAGE_ACCESSED   (1u << 5)
#define ARCH_DATA_PAGE_DIRTY      (1u << 6)
#define ARCH_PAGE_LARGE           (1u << 7) /* part of a leaf larger than a page */
#define ARCH_PAGE_LAST            (1u << 9) /* a mapping ends with this page */
#define ARCH_PAGE_COW             (1u << 10) /* loaded, may be written by right, but a write
					      * must bring a frame first: the zero page */

/* What an entry that is neither loaded nor unmapped remembers: 2 bits of kind, 30 of value. */
typedef uint32_t arch_token_t;
#define ARCH_TOKEN_VALUE_BITS 30
#define ARCH_TOKEN(kind, value) \
	(((arch_token_t)(kind) << ARCH_TOKEN_VALUE_BITS) | (arch_token_t)(value))
#define ARCH_TOKEN_KIND(token)  ((token) >> ARCH_TOKEN_VALUE_BITS)
#define ARCH_TOKEN_VALUE(token) ((token) & ((1u << ARCH_TOKEN_VALUE_BITS) - 1u))
enum arch_token_kind {
	ARCH_TOKEN_LOCATION,    /* value: where the content is (quire/store.h) */
	ARCH_TOKEN_BUSY,        /* value: index of the frame in transfer */
	ARCH_TOKEN_GUARD_BEGIN, /* value: pages in the mapping that follows */
	ARCH_TOKEN_GUARD_END,   /* value: 0 */
};

/* The token of a page that is neither loaded nor unmapped. A word is one or the other, a token's
 * value may be any frame's number: ask only what it is. */
static inline arch_token_t arch_page_token(arch_page_t page)
{
	QR_ASSERT_ALL(!(page & (ARCH_DATA_PAGE_LOADED | ARCH_DATA_PAGE_NOT_MAPPED)));
	return (arch_token_t)(page >> 12);
}

/* The physical address of a loaded page. */
static inline uint64_t arch_page_phys(arch_page_t page)
{
	QR_ASSERT_ALL(page & ARCH_DATA_PAGE_LOADED);
	return page & ~(uint64_t)0xfff;
}

/* Flags of the functions below, beside those of quire/mm.h. */
#define ARCH_MEM_OWNER    (1u << 24) /* arch_mem_domain_partition_add: the domain owns the pages */
#define ARCH_MEM_LAST     (1u << 25) /* the last page of this call ends a mapping */
#define ARCH_MEM_LARGE    (1u << 26) /* leaves larger than a page may be used */
#define ARCH_MEM_ACCESSED (1u << 27) /* arch_mem_page_in: born accessed */
#define ARCH_MEM_DIRTY    (1u << 28) /* arch_mem_page_in: born dirty */
#define ARCH_MEM_COW      (1u << 29) /* arch_mem_page_in: a write must fault */

#define ARCH_MEM_TRAMPOLINE (1u << 23) /* arch_mem_map: pages that are there in user mode, too, with
					* no rights for it (K_MEM_IMAGE_TRAMPOLINE) */
#define ARCH_MEM_LOCAL    (1u << 30) /* arch_mem_map: not global, though alike in every set: memory
				      * that cannot be taken away for a moment to become so */

/* ---- starting ------------------------------------------------------------------------- */

/* Link the static tables. Called once by k_mem_init, before any other; no lock. */
void arch_mem_init(void);

/* Will what runs now be on the core's tables after arch_mem_start? Not on the emulated machine,
 * whose programs are not in the space. */
bool arch_mem_takes_over(void);

struct arch_mem_table_range {
	const void *virt;
	uint64_t phys;
	size_t size; /* bytes */
};

/* Tables that the CPU walks; static, of the image. `which` counts from 0; false: no more. */
bool arch_mem_tables(unsigned int which, struct arch_mem_table_range *tables);

/* Switch MMU features on and make the core's tables current on this CPU. Called by
 * k_mem_init. Interrupts masked. */
void arch_mem_start(void);

/* Reserve frames that the architecture keeps for itself: calls k_mem_frames_reserve for
 * each range. Called once by k_mem_init; no lock. */
void arch_reserved_pages_update(void);

/* For arch_reserved_pages_update: keep the frames in [phys, phys + size), bytes, any alignment, out
 * of the pool for ever. */
void k_mem_frames_reserve(uint64_t phys, uint64_t size);

/* ---- ranges --------------------------------------------------------------------------- */

/* Map contiguous physical memory; entries were unmapped before. Maps as much of
 * `size` as one batch allows and returns how many bytes that was. ARCH_MEM_LAST marks
 * the end of the range only when this call reaches it. */
size_t arch_mem_map(void *virt, uint64_t phys, size_t size, uint32_t flags);

/* How many of `count` pages, a batch at most, from `virt` on are to be handled in one hold of the
 * lock: fewer where several sets of tables have entries of their own for them, and at least 1. The
 * functions that return how much they did see to it themselves. */
size_t arch_mem_batch(const void *virt, size_t count);

/* Fill `count` entries with `token`, `token + step`, ...; entries were unmapped before. */
void arch_mem_map_token(void *virt, size_t count, arch_token_t token, uint32_t step,
			uint32_t flags);

/* Of `count` pages, the first of which is not loaded, how many from there on are alike: token and
 * rights, but not LAST. */
size_t arch_mem_same(const void *virt, size_t count);

/* Unmap pages that are not part of large leaves, whatever they are. The caller knows what; it
 * flushes, if any was loaded, before it lets go of the lock. */
void arch_mem_unmap_pages(void *virt, size_t count);

/* Unmap a guard, made by arch_mem_map_token without rights. */
void arch_mem_unmap_guard(void *virt);

/* Unmap up to one batch of a range of physical mappings, splitting large leaves at
 * its ends; returns how many bytes were unmapped: 0 when a leaf was split, which is a
 * batch's work, and the caller is to come again. */
size_t arch_mem_unmap(void *virt, size_t size);

/* How many bytes from `virt` on are loaded, up to `size`, up to and including the first
 * page that ends a mapping, and up to one batch. *ended: such a page was reached. */
size_t arch_mem_extent(void *virt, size_t size, bool *ended);

/* Set rights and cache mode (from `flags`) of up to one batch of mapped pages, large
 * leaves split at the ends of the range; everything else about the pages stays.
 * Returns how many bytes were handled, 0 as above. */
size_t arch_mem_flags(void *virt, size_t size, uint32_t flags);

/* Drop cached translations of the range on all CPUs; returns when they are gone. */
void arch_mem_flush(void *virt, size_t size);

/* ---- one page -------------------------------------------------------------------------
 *
 * What ends in _n is asked for a page by its number in the space: 0 is the one at
 * CONFIG_KERNEL_VM_BASE. It is how entries lie one after the other, and how the core counts. The
 * same by address are inline, and where that is made of a number nothing is left of it. */

/* What the page is. A large leaf answers for each of its pages. */
arch_page_t arch_page_get_n(uint32_t page);

/* The same, but ACCESSED and DIRTY are what the kernel's entry alone says: one look, however many
 * sets of tables have the page. */
arch_page_t arch_page_state_n(uint32_t page);

/* Take a loaded page away and leave `token`, rights and LAST kept; returns what it had of
 * ARCH_DATA_PAGE_ACCESSED and _DIRTY. Nothing is lost to a walker that sets these at the same
 * moment: what is returned is final once the caller has flushed, which it must do. */
uint32_t arch_mem_page_out_n(uint32_t page, arch_token_t token);

/* Replace the token of a guard, if it is `was`: false where something else is here. */
bool arch_page_token_swap(void *virt, arch_token_t was, arch_token_t token) QR_MUST_CHECK;

/* Replace the token of a page that is not loaded; rights and LAST kept. */
void arch_page_token_set_n(uint32_t page, arch_token_t token);

/* Make a page whose entry is a token present in the frame at `phys`; rights and LAST kept. flags:
 * ARCH_MEM_ACCESSED, ARCH_MEM_DIRTY, ARCH_MEM_COW. */
void arch_mem_page_in_n(uint32_t page, uint64_t phys, uint32_t flags);

/* Set and clear ARCH_DATA_PAGE_ACCESSED and _DIRTY of a loaded page, losing no update of
 * the walker's; returns what it had of them. The caller flushes where it cleared. */
uint32_t arch_page_bits_n(uint32_t page, uint32_t set, uint32_t clear);

/* What a loaded page's ARCH_DATA_PAGE_ACCESSED and _DIRTY say, and no more; with `clear` accessed
 * is cleared in the same step, as by arch_page_bits_n, and the caller flushes. For who looks at
 * many pages. mm lock held; a page that is not loaded is a fatal error. */
uint32_t arch_page_look_n(uint32_t page, bool clear);

/* The number of the page that an address inside the space is in. */
static inline uint32_t arch_page_number(const void *virt)
{
	return (uint32_t)(((uintptr_t)virt - (uintptr_t)CONFIG_KERNEL_VM_BASE) /
			  CONFIG_MMU_PAGE_SIZE);
}

/* arch_page_get_n by address. */
static inline arch_page_t arch_page_get(const void *virt)
{
	return arch_page_get_n(arch_page_number(virt));
}
/* arch_page_state_n by address. */
static inline arch_page_t arch_page_state(const void *virt)
{
	return arch_page_state_n(arch_page_number(virt));
}
/* arch_mem_page_out_n by address. */
static inline uint32_t arch_mem_page_out(void *virt, arch_token_t token)
{
	return arch_mem_page_out_n(arch_page_number(virt), token);
}
/* arch_page_token_set_n by address. */
static inline void arch_page_token_set(void *virt, arch_token_t token)
{
	arch_page_token_set_n(arch_page_number(virt), token);
}
/* arch_mem_page_in_n by address. */
static inline void arch_mem_page_in(void *virt, uint64_t phys, uint32_t flags)
{
	arch_mem_page_in_n(arch_page_number(virt), phys, flags);
}
/* arch_page_bits_n by address. */
static inline uint32_t arch_page_bits(void *virt, uint32_t set, uint32_t clear)
{
	return arch_page_bits_n(arch_page_number(virt), set, clear);
}
/* arch_page_look_n by address. */
static inline uint32_t arch_page_look(void *virt, bool clear)
{
	return arch_page_look_n(arch_page_number(virt), clear);
}

/* ---- Zephyr's queries ------------------------------------------------------------------- */

enum arch_page_location {
	ARCH_PAGE_LOCATION_PAGED_OUT,
	ARCH_PAGE_LOCATION_PAGED_IN,
	ARCH_PAGE_LOCATION_BAD,
};

/* Where the data page at `addr` is: PAGED_IN with the frame's physical address in *location (may be
 * NULL), PAGED_OUT with its location, BAD where nothing is mapped (or a guard). The upper
 * k_mem_history_bits() bits of a location's slot may be the eviction policy's. */
enum arch_page_location arch_page_location_get(void *addr, uintptr_t *location);

/* ARCH_DATA_PAGE_* of the page; *location (may be NULL) as above. With `clear_accessed`
 * the accessed bit is cleared in the same step and flushed. */
uint32_t arch_page_info_get(void *addr, uintptr_t *location, bool clear_accessed);

/* Physical address of the byte at `virt`, any alignment, in *phys (may be NULL). 0, or -EFAULT
 * where no frame or device is mapped. May be called without the lock. */
int arch_page_phys_get(void *virt, uintptr_t *phys) QR_MUST_CHECK;

/* The alignment, bytes, that lets a mapping of [phys, phys+size) use the largest leaves. */
size_t arch_virt_region_align(uint64_t phys, size_t size);

/* Map the frame at `phys` at this CPU's scratch page and return a pointer through which
 * the CPU reaches it. Interrupts masked, mm lock not needed. */
void *arch_mem_scratch(uint64_t phys);

/* Physical addresses that the CPU has and that the entry format can hold are below this. Any
 * time, also before arch_mem_init. */
uint64_t arch_phys_end(void);

/* ---- domains: sets of tables with other rights ---------------------------------------------
 *
 * With CONFIG_USERSPACE. A set of tables is the kernel's own, or a domain's: the kernel's with
 * private copies of those tables that the domain's own pages are in. A page is a domain's own when
 * it was given rights of its own there. Every function above that changes or reads a page does so
 * in all sets; rights of own pages stay as they are, within what the kernel's entry allows.
 * Functions that change the tables of a domain are called by one thread at a time. */

/* No field is the core's. */
struct arch_mem_domain {
	uint32_t root;       /* its root among the private tables, or 0: none yet */
	uint32_t tables;     /* the first of its private tables, or 0 */
	uint64_t generation; /* of `tag`; 0: it never had one */
	uint32_t tag;        /* under which translations are cached, if of this generation */
};

/* No private tables: the kernel's rights. */
void arch_mem_domain_init(struct arch_mem_domain *domain);

/* How many entries of sets beside the kernel's the functions here have handled so far; wraps. Who
 * handles page after page lets interrupts in after a batch of these, too. */
#if CONFIG_USERSPACE
extern uint32_t arch_mem_work;
#else
enum {
	arch_mem_work /* there are no others */
};
#endif

/* How many private tables the domain lacks for own pages in this range; how many are free. Only
 * the functions here change that; no lock. */
uint32_t arch_mem_domain_tables_lacking(const struct arch_mem_domain *domain, void *virt,
					size_t size);
uint32_t arch_mem_domain_tables_free(void);

/* Is the range in one stretch of addresses that has a private leaf table? Else it may be, too. */
bool arch_mem_domain_covers(const struct arch_mem_domain *domain, const void *virt, size_t size);

/* Make a private leaf table for `virt`, batch by batch: true when it is there. As many tables as
 * are lacking must be free. */
bool arch_mem_domain_cover(struct arch_mem_domain *domain, void *virt) QR_MUST_CHECK;

/* Give own rights (`flags`) to up to a batch of pages, which have private leaf tables; returns
 * how many bytes were handled. With ARCH_MEM_OWNER the pages, which must be mapped, belong to the
 * domain from now on until they are unmapped. */
size_t arch_mem_domain_partition_add(struct arch_mem_domain *domain, void *virt, size_t size,
				     uint32_t flags);

/* The same pages are like the kernel's again. Pages without a private table are, too. */
size_t arch_mem_domain_partition_remove(struct arch_mem_domain *domain, void *virt, size_t size);

/* Give back the private tables over `virt` in which no page is the domain's own, batch by batch:
 * true when there is none. To be called until then. */
bool arch_mem_domain_trim(struct arch_mem_domain *domain, void *virt) QR_MUST_CHECK;

/* The domain that the page belongs to, or NULL: ARCH_MEM_OWNER, above. It takes the same few steps
 * however many domains there are. */
struct arch_mem_domain *arch_page_owner_n(uint32_t page);

/* arch_page_owner_n by address. */
static inline struct arch_mem_domain *arch_page_owner(const void *virt)
{
	return arch_page_owner_n(arch_page_number(virt));
}

/* Some page that belongs to the domain, or NULL. Walks its tables: no lock, by who changes the
 * domain, when it has no other own pages. */
void *arch_mem_domain_owned(const struct arch_mem_domain *domain);

/* Make the domain's tables current on this CPU, NULL: the kernel's. Interrupts masked. */
void arch_mem_domain_switch(struct arch_mem_domain *domain);

/* ARCH_PAGE_RW, _USER and _EXEC of the page, which is `now` (arch_page_state): for user mode in the
 * current set, for the kernel where it runs now. No lock needed. */
arch_page_t arch_page_rights(const void *virt, arch_page_t now, bool user);

#if !CONFIG_USERSPACE
QR_ABSENT_BEGIN
QR_ABSENT(arch_page_t arch_page_rights(const void *virt, arch_page_t now, bool user), return now)
QR_ABSENT_END
#endif

QR_EXTERN_C_END

#endif /* QUIRE_ARCH_H */
