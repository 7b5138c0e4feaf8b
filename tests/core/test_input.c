/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_input.c - what bad input gets: an error, and nothing changed. Every public function is
 * called with everything that it must refuse, in a world with mappings of all kinds; after each
 * call all that the library remembers, the page tables included, is what it was before.
 */
#include "help.h"

#include <mm/frame.h>

#include "audit.h"

/* ---- the world ----------------------------------------------------------------------- */

enum at {
	NOWHERE,  /* an address or a number as it is */
	BASE,     /* of the space */
	END,      /* one byte behind it */
	ANON,     /* 8 pages: written, zeros, untouched, paged out; pinned and not */
	NEIGHBOUR, /* 2 more, whose guard is next to that one's */
	LOCKED,   /* 3 pages */
	STORED,   /* 4 pages of the image store */
	READONLY, /* 2 anonymous pages */
	PHYS,     /* 4 pages, not the first byte of them */
	PHYS2,    /* 3 more, directly below those */
	LARGE,    /* 4 MiB, and the pages of large leaves */
	UNMAPPED, /* 4 pages that were an anonymous region */
	WAS_PHYS, /* 4 pages that were a physical mapping */
	PLACES,
};

#define PAGE RIG_PAGE
#define MIB 0x100000u
#define DEVICE 0x800000000u
#define ODD 0x123u /* of PHYS's first byte in its page */
#define FRAMES 16u
#define SLOTS 12u

static struct {
	uint8_t *at[PLACES];
	struct rig_counts empty; /* before anything was mapped */
} world;

static uint8_t *map_phys(uintptr_t phys, size_t size, uint32_t flags)
{
	uint8_t *virt = NULL;

	assert_int_equal(k_mem_map_phys_bare(&virt, phys, size, flags), 0);
	return virt;
}

static uint8_t *map(uint32_t pages, uint32_t flags)
{
	uint8_t *addr = k_mem_map(pages * PAGE, flags);

	assert_non_null(addr);
	return addr;
}

static void world_make(void)
{
	const struct rig rig = {.frames = FRAMES, .slots = SLOTS};
	uint8_t **at = world.at;

	rig_start(&rig);
	world.empty = rig_counts();
	at[BASE] = page_at(0);
	at[END] = page_at(SPACE_PAGES);
	at[UNMAPPED] = map(4, K_MEM_PERM_RW);
	at[WAS_PHYS] = map_phys(DEVICE, 4 * PAGE, 0);
	at[NEIGHBOUR] = map(2, K_MEM_PERM_RW);
	at[ANON] = map(8, K_MEM_PERM_RW);
	assert_ptr_equal(at[NEIGHBOUR] - 2 * PAGE, at[ANON] + 8 * PAGE);
	at[LOCKED] = map(3, K_MEM_PERM_RW | K_MEM_MAP_LOCK);
	at[STORED] = k_mem_map_unpaged(K_MEM_LOCATION(RIG_STORE_IMAGE, 8), 4 * PAGE, 0);
	at[READONLY] = map(2, 0);
	at[PHYS] = map_phys(DEVICE + ODD, 4 * PAGE - ODD - 7, 0);
	at[PHYS2] = map_phys(DEVICE + 16 * PAGE, 3 * PAGE, K_MEM_PERM_RW);
	assert_ptr_equal(at[PHYS2] + 3 * PAGE + ODD, at[PHYS]);
	at[LARGE] = map_phys(DEVICE + 64 * MIB, 4 * MIB, K_MEM_PERM_RW);
	assert_true(arch_page_get(at[LARGE]) & ARCH_PAGE_LARGE);
	/* ANON: two written, one of them paged out; two of zeros; one pinned */
	rig_put(at[ANON], 1);
	rig_put(at[ANON] + PAGE, 2);
	assert_int_equal(k_mem_page_out(at[ANON], PAGE), 0);
	(void)rig_get(at[ANON] + 2 * PAGE);
	(void)rig_get(at[ANON] + 3 * PAGE);
	assert_int_equal(k_mem_pin(at[ANON] + 4 * PAGE, PAGE), 0);
	(void)rig_get(at[STORED]);
	(void)rig_get(at[READONLY]);
	assert_int_equal(k_mem_unmap(at[UNMAPPED], 4 * PAGE), 0);
	assert_int_equal(k_mem_unmap_phys_bare(at[WAS_PHYS], 4 * PAGE), 0);
}

/* All of it goes, which shows that it was still there, and nothing is missing. */
static void world_end(void)
{
	uint8_t **at = world.at;

	assert_int_equal(rig_get(at[ANON]), 1);
	assert_int_equal(rig_get(at[ANON] + PAGE), 2);
	assert_int_equal(rig_get(at[STORED]), rig_image_word(8));
	assert_null(audit());
	assert_int_equal(k_mem_unmap(at[ANON], 8 * PAGE), 0);
	assert_int_equal(k_mem_unmap(at[NEIGHBOUR], 2 * PAGE), 0);
	assert_int_equal(k_mem_unmap(at[LOCKED], 3 * PAGE), 0);
	assert_int_equal(k_mem_unmap(at[STORED], 4 * PAGE), 0);
	assert_int_equal(k_mem_unmap(at[READONLY], 2 * PAGE), 0);
	assert_int_equal(k_mem_unmap_phys_bare(at[PHYS], 4 * PAGE - ODD - 7), 0);
	assert_int_equal(k_mem_unmap_phys_bare(at[PHYS2], 3 * PAGE), 0);
	assert_int_equal(k_mem_unmap_phys_bare(at[LARGE], 4 * MIB), 0);
	/* the frame of the demand-paged image is not ours to give back */
	rig_counts_equal(world.empty, rig_counts());
	assert_null(audit());
	rig_check();
}

/* ---- one call ------------------------------------------------------------------------ */

enum call {
	MAP_ANON,
	MAP_STORED, /* location: at + offset */
	MAP_PHYS,   /* phys: at + offset */
	UNMAP,
	UNMAP_PHYS,
	UPDATE,
	PAGE_OUT,
	PAGE_IN,
	PIN,
	UNPIN,
	FAULT, /* flags: the access */
	EVICT, /* the frame that holds at + offset, or with NOWHERE at that address */
};

static const char *const call_name[] = {
	"k_mem_map_anon", "k_mem_map_stored", "k_mem_map_phys_bare", "k_mem_unmap",
	"k_mem_unmap_phys_bare", "k_mem_update_flags", "k_mem_page_out", "k_mem_page_in",
	"k_mem_pin", "k_mem_unpin", "k_mem_page_fault", "k_mem_page_frame_evict",
};

struct input {
	enum call call;
	int expected;
	enum at at;
	intptr_t offset;
	size_t size;
	uint32_t flags;
};

static int evict(const struct input *in, uint8_t *addr)
{
	uintptr_t phys = (uintptr_t)in->offset;

	if (in->at != NOWHERE) {
		phys = phys_of(addr);
	}
	return k_mem_page_frame_evict(phys);
}

static int map_something(const struct input *in, uintptr_t place)
{
	uint8_t *const before = (uint8_t *)&world;
	uint8_t *virt = before;
	void *addr = before;
	int status;

	if (in->call == MAP_PHYS) {
		status = k_mem_map_phys_bare(&virt, place, in->size, in->flags);
	} else if (in->call == MAP_STORED) {
		status = k_mem_map_stored(&addr, place, in->size, in->flags);
	} else {
		status = k_mem_map_anon(&addr, in->size, in->flags);
	}
	assert_true(status == 0 || (virt == before && addr == before));
	return status;
}

static int call(const struct input *in)
{
	uint8_t *addr = (uint8_t *)((uintptr_t)world.at[in->at] + (uintptr_t)in->offset);

	switch (in->call) {
	case UNMAP:
		return k_mem_unmap(addr, in->size);
	case UNMAP_PHYS:
		return k_mem_unmap_phys_bare(addr, in->size);
	case UPDATE:
		return k_mem_update_flags(addr, in->size, in->flags);
	case PAGE_OUT:
		return k_mem_page_out(addr, in->size);
	case PAGE_IN:
		return k_mem_page_in(addr, in->size);
	case PIN:
		return k_mem_pin(addr, in->size);
	case UNPIN:
		return k_mem_unpin(addr, in->size);
	case FAULT:
		return k_mem_page_fault(addr, in->flags);
	case EVICT:
		return evict(in, addr);
	default:
		return map_something(in, (uintptr_t)addr);
	}
}

/* The call fails as it should, and nothing is different but objects named in `but`. */
static void must_fail_but(const struct input *in, const char *const *but)
{
	struct rig_counts counts = rig_counts();
	struct statics before = statics_take(), after;
	unsigned long reads = rig_store.reads, writes = rig_store.writes;
	const char *changed;
	int status = call(in);

	after = statics_take();
	changed = statics_difference(&before, &after, but);
	statics_free(&before);
	statics_free(&after);
	if (status != in->expected || changed != NULL) {
		fail_msg("%s(%u%+jd, %#zx, %#x): %d, wanted %d; changed: %s", call_name[in->call],
			 in->at, (intmax_t)in->offset, in->size, in->flags, status, in->expected,
			 changed != NULL ? changed : "nothing");
	}
	rig_counts_equal(counts, rig_counts());
	assert_int_equal(rig_store.reads, reads);
	assert_int_equal(rig_store.writes, writes);
}

static void must_fail(const struct input *in)
{
	must_fail_but(in, but_counters);
}

static void all_must_fail(const struct input *in, size_t count)
{
	world_make();
	for (size_t i = 0; i < count; i++) {
		must_fail(&in[i]);
	}
	world_end();
}

#define ALL(list) all_must_fail(list, sizeof(list) / sizeof(list[0]))
#define RW   K_MEM_PERM_RW
#define EXEC K_MEM_PERM_EXEC
#define USER K_MEM_PERM_USER
#define TOO_LARGE (SIZE_MAX & ~(size_t)0xfff)

/* ---- new mappings -------------------------------------------------------------------- */

static void test_map_anon_refuses(void **state)
{
	static const struct input list[] = {
		{.call = MAP_ANON, .expected = -EINVAL, .size = 0},
		{.call = MAP_ANON, .expected = -EINVAL, .size = 1},
		{.call = MAP_ANON, .expected = -EINVAL, .size = PAGE - 1},
		{.call = MAP_ANON, .expected = -EINVAL, .size = PAGE + 1},
		{.call = MAP_ANON, .expected = -EINVAL, .size = SIZE_MAX},
		{.call = MAP_ANON, .expected = -EINVAL, .size = TOO_LARGE},
		{.call = MAP_ANON, .expected = -EINVAL, .size = TOO_LARGE - PAGE},
		{.call = MAP_ANON, .expected = -EINVAL, .size = CONFIG_KERNEL_VM_SIZE + PAGE},
		{.call = MAP_ANON, .expected = -EINVAL, .size = (size_t)1 << 44},
		{.call = MAP_ANON, .expected = -ENOMEM, .size = CONFIG_KERNEL_VM_SIZE},
		{.call = MAP_ANON, .expected = -ENOMEM, .size = (FRAMES + SLOTS) * PAGE},
		{.call = MAP_ANON, .expected = -ENOMEM, .size = FRAMES * PAGE,
		 .flags = RW | K_MEM_MAP_LOCK},
		{.call = MAP_ANON, .expected = -EINVAL, .size = PAGE, .flags = RW | EXEC},
		{.call = MAP_ANON, .expected = -EINVAL, .size = PAGE, .flags = RW | EXEC | USER},
		{.call = MAP_ANON, .expected = -EINVAL, .size = PAGE,
		 .flags = RW | USER | K_MEM_MAP_UNINIT},
		{.call = MAP_ANON, .expected = -EINVAL, .size = PAGE,
		 .flags = RW | K_MEM_MAP_LOCK | K_MEM_MAP_UNPAGED},
		{.call = MAP_ANON, .expected = -EINVAL, .size = PAGE, .flags = K_MEM_CACHE_WT},
		{.call = MAP_ANON, .expected = -EINVAL, .size = PAGE, .flags = K_MEM_CACHE_NONE},
		{.call = MAP_ANON, .expected = -EINVAL, .size = PAGE, .flags = 7},
		{.call = MAP_ANON, .expected = -EINVAL, .size = PAGE, .flags = K_MEM_DIRECT_MAP},
	};

	(void)state;
	ALL(list);
	/* no flag that mm.h does not know, whatever it means to others */
	world_make();
	for (unsigned int bit = 0; bit < 32; bit++) {
		const struct input in = {.call = MAP_ANON, .expected = -EINVAL, .size = PAGE,
					 .flags = 1u << bit};

		if (!((RW | EXEC | USER | K_MEM_MAP_UNINIT | K_MEM_MAP_LOCK | K_MEM_MAP_UNPAGED) >>
		      bit & 1)) {
			must_fail(&in);
		}
	}
	world_end();
}

#define STORE_END(store, slots) ((intptr_t)K_MEM_LOCATION(store, slots))

static void test_map_stored_refuses(void **state)
{
	static const struct input list[] = {
		{.call = MAP_STORED, .expected = -EINVAL, .size = 0,
		 .offset = STORE_END(RIG_STORE_IMAGE, 0)},
		{.call = MAP_STORED, .expected = -EINVAL, .size = PAGE - 1,
		 .offset = STORE_END(RIG_STORE_IMAGE, 0)},
		{.call = MAP_STORED, .expected = -EINVAL, .size = TOO_LARGE,
		 .offset = STORE_END(RIG_STORE_IMAGE, 0)},
		{.call = MAP_STORED, .expected = -EINVAL, .size = PAGE,
		 .offset = STORE_END(RIG_STORE_IMAGE, RIG_IMAGE_SLOTS)},
		{.call = MAP_STORED, .expected = -EINVAL, .size = 2 * PAGE,
		 .offset = STORE_END(RIG_STORE_IMAGE, RIG_IMAGE_SLOTS - 1)},
		{.call = MAP_STORED, .expected = -EINVAL, .size = (RIG_IMAGE_SLOTS + 1) * PAGE,
		 .offset = STORE_END(RIG_STORE_IMAGE, 0)},
		{.call = MAP_STORED, .expected = -EINVAL, .size = PAGE, .offset = STORE_END(2, 0)},
		{.call = MAP_STORED, .expected = -EINVAL, .size = PAGE, .offset = STORE_END(7, 0)},
		{.call = MAP_STORED, .expected = -EINVAL, .size = PAGE, .offset = STORE_END(7, 1)},
		{.call = MAP_STORED, .expected = -EINVAL, .size = PAGE, .offset = STORE_END(8, 0)},
		{.call = MAP_STORED, .expected = -EINVAL, .size = PAGE,
		 .offset = (intptr_t)1 << 32 | STORE_END(RIG_STORE_IMAGE, 0)},
		{.call = MAP_STORED, .expected = -EINVAL, .size = PAGE, .offset = -1},
		{.call = MAP_STORED, .expected = -EINVAL, .size = PAGE, .flags = RW | EXEC,
		 .offset = STORE_END(RIG_STORE_IMAGE, 0)},
		{.call = MAP_STORED, .expected = -EINVAL, .size = PAGE, .flags = K_MEM_MAP_LOCK,
		 .offset = STORE_END(RIG_STORE_IMAGE, 0)},
		{.call = MAP_STORED, .expected = -EINVAL, .size = PAGE, .flags = K_MEM_CACHE_NONE,
		 .offset = STORE_END(RIG_STORE_IMAGE, 0)},
		{.call = MAP_STORED, .expected = -EINVAL, .size = PAGE, .flags = K_MEM_DIRECT_MAP,
		 .offset = STORE_END(RIG_STORE_IMAGE, 0)},
		{.call = MAP_STORED, .expected = -EINVAL, .size = PAGE, .flags = 1u << 25,
		 .offset = STORE_END(RIG_STORE_IMAGE, 0)},
		{.call = MAP_STORED, .expected = -ENOMEM, .size = 40 * PAGE, .flags = RW,
		 .offset = STORE_END(RIG_STORE_IMAGE, 0)},
	};

	(void)state;
	ALL(list);
}

#define PHYS_OF(from, bytes, with) \
	{.call = MAP_PHYS, .offset = (intptr_t)(from), .size = (bytes), .flags = (with)}

static void phys_must_fail(int expected, const struct input *in, size_t count)
{
	world_make();
	for (size_t i = 0; i < count; i++) {
		struct input one = in[i];

		one.expected = expected;
		must_fail(&one);
	}
	world_end();
}

static void test_map_phys_refuses(void **state)
{
	const uintptr_t end = (uintptr_t)arch_phys_end();
	const struct input list[] = {
		PHYS_OF(DEVICE, 0, 0),
		PHYS_OF(UINTPTR_MAX, 2, 0),
		PHYS_OF(UINTPTR_MAX, 1, 0),
		PHYS_OF(-PAGE, 2 * PAGE, 0),
		PHYS_OF(DEVICE, SIZE_MAX, 0),
		PHYS_OF(DEVICE, -(size_t)DEVICE, 0),
		PHYS_OF(end, PAGE, 0),
		PHYS_OF(end - 1, 2, 0),
		PHYS_OF(end - 5 * PAGE, 6 * PAGE, 0),
		PHYS_OF(DEVICE, PAGE, RW | EXEC),
		PHYS_OF(DEVICE, PAGE, 3),
		PHYS_OF(DEVICE, PAGE, 7),
		PHYS_OF(DEVICE, PAGE, K_MEM_MAP_LOCK),
		PHYS_OF(DEVICE, PAGE, K_MEM_MAP_UNPAGED),
		PHYS_OF(DEVICE, PAGE, 1u << 26),
		PHYS_OF(DEVICE, CONFIG_KERNEL_VM_SIZE + 1, 0),
	};
	const struct input full = {.call = MAP_PHYS, .expected = -ENOSPC, .offset = DEVICE,
				   .size = CONFIG_KERNEL_VM_SIZE};

	(void)state;
	phys_must_fail(-EINVAL, list, sizeof(list) / sizeof(list[0]));
	all_must_fail(&full, 1);
}

/* At addresses of its own: outside, the core's window; taken, or a part of it is. */
static void test_direct_map_refuses(void **state)
{
	const uintptr_t base = CONFIG_KERNEL_VM_BASE;
	const uintptr_t end = base + CONFIG_KERNEL_VM_SIZE;
	const struct input outside[] = {
		PHYS_OF(base - 1, 1, K_MEM_DIRECT_MAP),
		PHYS_OF(base - PAGE, 10 * PAGE, K_MEM_DIRECT_MAP),
		PHYS_OF(end, 1, K_MEM_DIRECT_MAP),
		PHYS_OF(end - 3 * PAGE, 4 * PAGE, K_MEM_DIRECT_MAP),
		PHYS_OF(end - PAGE, PAGE, K_MEM_DIRECT_MAP),
		PHYS_OF(DEVICE, PAGE, K_MEM_DIRECT_MAP),
	};

	(void)state;
	phys_must_fail(-EINVAL, outside, sizeof(outside) / sizeof(outside[0]));
	world_make();
	{
		const uintptr_t anon = (uintptr_t)world.at[ANON];
		const struct input taken[] = {
			PHYS_OF(base, 1, K_MEM_DIRECT_MAP),
			PHYS_OF(base + 6 * PAGE + 4095, 2, K_MEM_DIRECT_MAP),
			PHYS_OF(anon, PAGE, K_MEM_DIRECT_MAP),
			PHYS_OF(anon - PAGE, 1, K_MEM_DIRECT_MAP), /* its guard */
			PHYS_OF(world.at[PHYS2] - 2 * PAGE, 2 * PAGE + 1, K_MEM_DIRECT_MAP),
			PHYS_OF(world.at[LARGE] + 2 * MIB, PAGE, K_MEM_DIRECT_MAP),
		};

		phys_must_fail(-EBUSY, taken, sizeof(taken) / sizeof(taken[0]));
	}
}

/* Frames that the core hands out: each of them, free or in use or all zeros; and ranges that
 * touch one. */
static void test_map_phys_refuses_frames(void **state)
{
	const uintptr_t first = RIG_PHYS + 3 * PAGE, end = RIG_PHYS + (FRAMES + 4) * PAGE;
	const struct input list[] = {
		PHYS_OF(RIG_PHYS, 4 * PAGE, 0),
		PHYS_OF(first - 1, 2, 0),
		PHYS_OF(end - 1, 2, 0),
		PHYS_OF(RIG_PHYS - 4 * PAGE, 8 * PAGE, 0),
		PHYS_OF(RIG_PHYS - 64 * PAGE, 1024 * PAGE, 0),
	};

	(void)state;
	phys_must_fail(-EBUSY, list, sizeof(list) / sizeof(list[0]));
	for (uintptr_t phys = first; phys < end; phys += PAGE) {
		const struct input in = PHYS_OF(phys, PAGE, RW);

		phys_must_fail(-EBUSY, &in, 1);
	}
}

/* ---- ranges -------------------------------------------------------------------------- */

/* What is no range of mapped pages, for calls that want one. `gap` is what they say where the
 * range is one of addresses, but a page of it is not mapped. */
static void test_ranges_are_refused(void **state)
{
	static const struct { enum call call; int gap; } calls[] = {
		{UNMAP, -EINVAL}, {UNMAP_PHYS, -EINVAL}, {UPDATE, -EINVAL}, {PAGE_OUT, -EFAULT},
		{PAGE_IN, -EFAULT}, {PIN, -EFAULT}, {UNPIN, -EFAULT},
	};
	static const struct input ranges[] = {
		{.expected = -EINVAL, .at = ANON, .size = 0},
		{.expected = -EINVAL, .at = PHYS, .size = 0},
		{.expected = -EINVAL, .at = ANON, .size = -(size_t)PAGE},
		{.expected = -EINVAL, .at = ANON, .size = TOO_LARGE},
		{.expected = -EINVAL, .at = ANON, .size = CONFIG_KERNEL_VM_SIZE},
		{.expected = -EINVAL, .at = BASE, .offset = -(intptr_t)PAGE, .size = PAGE},
		{.expected = -EINVAL, .at = BASE, .offset = -(intptr_t)PAGE, .size = 2 * PAGE},
		{.expected = -EINVAL, .at = END, .size = PAGE},
		{.expected = -EINVAL, .at = END, .offset = -(intptr_t)PAGE, .size = 2 * PAGE},
		{.expected = -EINVAL, .at = END, .offset = -(intptr_t)PAGE, .size = PAGE},
		{.expected = -EINVAL, .at = NOWHERE, .size = PAGE},
		{.expected = -EINVAL, .at = NOWHERE, .offset = -(intptr_t)PAGE, .size = PAGE},
		{.expected = -EINVAL, .at = NOWHERE, .offset = -(intptr_t)PAGE, .size = 2 * PAGE},
		{.expected = -EINVAL, .at = NOWHERE, .offset = -(intptr_t)PAGE,
		 .size = CONFIG_KERNEL_VM_BASE + 2 * PAGE},
		{.expected = -EFAULT, .at = UNMAPPED, .size = 4 * PAGE},
		{.expected = -EFAULT, .at = WAS_PHYS, .size = 4 * PAGE},
		{.expected = -EFAULT, .at = ANON, .offset = -(intptr_t)PAGE, .size = PAGE},
		{.expected = -EFAULT, .at = ANON, .offset = -(intptr_t)PAGE, .size = 2 * PAGE},
		{.expected = -EFAULT, .at = ANON, .size = 9 * PAGE},
		{.expected = -EFAULT, .at = ANON, .offset = -(intptr_t)PAGE, .size = 10 * PAGE},
		{.expected = -EFAULT, .at = ANON, .size = 12 * PAGE}, /* into NEIGHBOUR */
		{.expected = -EFAULT, .at = ANON, .offset = 8 * PAGE, .size = PAGE},
		{.expected = -EFAULT, .at = ANON, .offset = 8 * PAGE, .size = 2 * PAGE},
		{.expected = -EFAULT, .at = LOCKED, .size = 4 * PAGE},
		{.expected = -EFAULT, .at = STORED, .size = 5 * PAGE},
		{.expected = -EFAULT, .at = PHYS2, .offset = -(intptr_t)PAGE, .size = 2 * PAGE},
		{.expected = -EFAULT, .at = BASE, .size = 8 * PAGE},
	};

	(void)state;
	world_make();
	for (size_t c = 0; c < sizeof(calls) / sizeof(calls[0]); c++) {
		for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
			struct input in = ranges[i];

			in.call = calls[c].call;
			in.expected = in.expected == -EFAULT ? calls[c].gap : -EINVAL;
			must_fail(&in);
		}
	}
	world_end();
}

/* Addresses and sizes that are no whole pages. */
static void test_unaligned_ranges_are_refused(void **state)
{
	static const enum call calls[] = {UNMAP, UPDATE, PAGE_OUT, PAGE_IN, PIN, UNPIN};
	static const struct { intptr_t offset; size_t size; } ranges[] = {
		{1, PAGE}, {-1, PAGE}, {8, 8 * PAGE}, {0, 1}, {0, PAGE - 1}, {0, PAGE + 1},
		{0, 8 * PAGE - 1}, {0, 8 * PAGE + 1}, {2048, 2048}, {1, SIZE_MAX}, {0, SIZE_MAX},
	};
	static const enum at places[] = {ANON, LOCKED, STORED, PHYS2, LARGE, BASE};

	(void)state;
	world_make();
	for (size_t c = 0; c < sizeof(calls) / sizeof(calls[0]); c++) {
		for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
			for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++) {
				const struct input in = {
					.call = calls[c], .expected = -EINVAL, .at = places[p],
					.offset = ranges[i].offset, .size = ranges[i].size,
				};

				must_fail(&in);
			}
		}
	}
	world_end();
}

/* Each page around each mapping as the first, each size: only the one that was mapped goes, and
 * only by the call for it. Every other one is a wrong size, a part, a guard, a neighbour. */
static void test_unmap_takes_nothing_but_whole_mappings(void **state)
{
	static const struct {
		enum at at;
		intptr_t offset;
		uint32_t pages;
		enum call call;
	} all[] = {
		{ANON, 0, 8, UNMAP}, {NEIGHBOUR, 0, 2, UNMAP}, {LOCKED, 0, 3, UNMAP},
		{STORED, 0, 4, UNMAP}, {READONLY, 0, 2, UNMAP},
		{PHYS, -(intptr_t)ODD, 4, UNMAP_PHYS}, {PHYS2, 0, 3, UNMAP_PHYS},
		{BASE, 0, RIG_IMAGE_PAGES, EVICT}, /* by neither */
	};

	(void)state;
	world_make();
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (intptr_t from = all[i].at == BASE ? 0 : -2; from <= all[i].pages; from++) {
			for (uint32_t pages = 1; pages <= all[i].pages + 3; pages++) {
				struct input in = {
					.expected = -EINVAL, .at = all[i].at,
					.offset = all[i].offset + from * (intptr_t)PAGE,
					.size = pages * PAGE,
				};
				bool whole = from == 0 && pages == all[i].pages;
				/* PHYS and PHYS2 together are a run of whole mappings */
				bool both = all[i].at == PHYS2 && from == 0 && pages == 3 + 4;
				bool upper = all[i].at == PHYS2 && from == 3 && pages == 4;

				in.call = UNMAP;
				if (!(whole && all[i].call == UNMAP)) {
					must_fail(&in);
				}
				in.call = UNMAP_PHYS;
				if (!(whole && all[i].call == UNMAP_PHYS) && !both && !upper) {
					must_fail(&in);
				}
			}
		}
	}
	world_end();
}

static void test_unmap_of_large_mappings(void **state)
{
	static const struct input list[] = {
		{.call = UNMAP, .expected = -EINVAL, .at = LARGE, .size = 4 * MIB},
		{.call = UNMAP_PHYS, .expected = -EINVAL, .at = LARGE, .size = 2 * MIB},
		{.call = UNMAP_PHYS, .expected = -EINVAL, .at = LARGE, .size = PAGE},
		{.call = UNMAP_PHYS, .expected = -EINVAL, .at = LARGE, .size = 4 * MIB - PAGE},
		{.call = UNMAP_PHYS, .expected = -EINVAL, .at = LARGE, .size = 4 * MIB + PAGE},
		{.call = UNMAP_PHYS, .expected = -EINVAL, .at = LARGE, .offset = 2 * MIB,
		 .size = 2 * MIB},
		{.call = UNMAP_PHYS, .expected = -EINVAL, .at = LARGE, .offset = PAGE,
		 .size = 4 * MIB - PAGE},
		{.call = UNMAP_PHYS, .expected = -EINVAL, .at = LARGE, .offset = 4 * MIB - PAGE,
		 .size = PAGE},
		{.call = UNMAP_PHYS, .expected = -EINVAL, .at = LARGE, .offset = -(intptr_t)PAGE,
		 .size = 4 * MIB + PAGE},
	};

	(void)state;
	ALL(list);
}

/* ---- rights -------------------------------------------------------------------------- */

static void test_update_flags_refuses(void **state)
{
	static const struct input list[] = {
		{.call = UPDATE, .expected = -EINVAL, .at = ANON, .size = PAGE,
		 .flags = RW | EXEC},
		{.call = UPDATE, .expected = -EINVAL, .at = LARGE, .size = PAGE,
		 .flags = RW | EXEC},
		{.call = UPDATE, .expected = -EINVAL, .at = BASE, .size = PAGE, .flags = RW | EXEC},
		{.call = UPDATE, .expected = -EINVAL, .at = ANON, .size = PAGE,
		 .flags = RW | K_MEM_CACHE_WT},
		{.call = UPDATE, .expected = -EINVAL, .at = ANON, .offset = 2 * PAGE, .size = PAGE,
		 .flags = RW | K_MEM_CACHE_NONE},
		{.call = UPDATE, .expected = -EINVAL, .at = LOCKED, .size = 3 * PAGE,
		 .flags = RW | K_MEM_CACHE_NONE},
		{.call = UPDATE, .expected = -EINVAL, .at = STORED, .size = PAGE,
		 .flags = K_MEM_CACHE_WT},
		{.call = UPDATE, .expected = -EINVAL, .at = BASE, .size = PAGE,
		 .flags = EXEC | K_MEM_CACHE_NONE},
		{.call = UPDATE, .expected = -EINVAL, .at = BASE, .offset = 2 * PAGE, .size = PAGE,
		 .flags = RW | K_MEM_CACHE_WT},
		{.call = UPDATE, .expected = -EINVAL, .at = PHYS2, .size = PAGE, .flags = 3},
		{.call = UPDATE, .expected = -EINVAL, .at = PHYS2, .size = PAGE, .flags = 7},
		{.call = UPDATE, .expected = -EINVAL, .at = ANON, .size = PAGE,
		 .flags = RW | K_MEM_MAP_LOCK},
		{.call = UPDATE, .expected = -EINVAL, .at = ANON, .size = PAGE,
		 .flags = RW | K_MEM_DIRECT_MAP},
		{.call = UPDATE, .expected = -EINVAL, .at = ANON, .size = PAGE, .flags = 1u << 25},
		{.call = UPDATE, .expected = -EINVAL, .at = ANON, .size = PAGE, .flags = 1u << 29},
		{.call = UPDATE, .expected = -EINVAL, .at = ANON, .size = PAGE, .flags = 1u << 31},
	};
	const struct input unkept = {.call = UPDATE, .expected = -ENOMEM, .at = STORED,
				     .size = 4 * PAGE, .flags = RW};
	struct rig_counts before;
	uint8_t *rest;

	(void)state;
	ALL(list);
	/* writable pages of a read-only store are a new promise, and here one too many */
	world_make();
	before = rig_counts();
	rest = map(FRAMES + SLOTS - 1 - before.charge_pageable - before.charge_pinned - 3, RW);
	must_fail(&unkept);
	assert_int_equal(k_mem_update_flags(world.at[STORED], 3 * PAGE, RW), 0);
	assert_int_equal(k_mem_unmap(rest, (FRAMES + SLOTS - 1 - before.charge_pageable -
					    before.charge_pinned - 3) * PAGE), 0);
	world_end();
}

/* ---- paging -------------------------------------------------------------------------- */

static void test_faults_are_refused(void **state)
{
	static const struct input list[] = {
		{.call = FAULT, .expected = -EFAULT, .at = NOWHERE},
		{.call = FAULT, .expected = -EFAULT, .at = NOWHERE, .offset = -1},
		{.call = FAULT, .expected = -EFAULT, .at = BASE, .offset = -1},
		{.call = FAULT, .expected = -EFAULT, .at = END},
		{.call = FAULT, .expected = -EFAULT, .at = UNMAPPED},
		{.call = FAULT, .expected = -EFAULT, .at = WAS_PHYS, .flags = K_MEM_FAULT_WRITE},
		{.call = FAULT, .expected = -EFAULT, .at = ANON, .offset = -1},
		{.call = FAULT, .expected = -EFAULT, .at = ANON, .offset = 8 * PAGE},
		{.call = FAULT, .expected = -EFAULT, .at = ANON, .offset = 8 * PAGE,
		 .flags = K_MEM_FAULT_WRITE | K_MEM_FAULT_USER},
		{.call = FAULT, .expected = -EFAULT, .at = PHYS2, .offset = -1},
		{.call = FAULT, .expected = -EACCES, .at = ANON, .flags = K_MEM_FAULT_EXEC},
		{.call = FAULT, .expected = -EACCES, .at = ANON, .flags = K_MEM_FAULT_USER},
		{.call = FAULT, .expected = -EACCES, .at = ANON, .offset = 2 * PAGE,
		 .flags = K_MEM_FAULT_USER},
		{.call = FAULT, .expected = -EACCES, .at = ANON, .offset = 7 * PAGE,
		 .flags = K_MEM_FAULT_USER | K_MEM_FAULT_WRITE},
		{.call = FAULT, .expected = -EACCES, .at = READONLY, .flags = K_MEM_FAULT_WRITE},
		{.call = FAULT, .expected = -EACCES, .at = READONLY, .offset = PAGE,
		 .flags = K_MEM_FAULT_WRITE},
		{.call = FAULT, .expected = -EACCES, .at = STORED, .flags = K_MEM_FAULT_WRITE},
		{.call = FAULT, .expected = -EACCES, .at = STORED, .offset = 3 * PAGE,
		 .flags = K_MEM_FAULT_EXEC},
		{.call = FAULT, .expected = -EACCES, .at = PHYS, .flags = K_MEM_FAULT_WRITE},
		{.call = FAULT, .expected = -EACCES, .at = LARGE, .flags = K_MEM_FAULT_EXEC},
		{.call = FAULT, .expected = -EACCES, .at = BASE, .flags = K_MEM_FAULT_WRITE},
		{.call = FAULT, .expected = -EACCES, .at = BASE, .offset = 4 * PAGE,
		 .flags = K_MEM_FAULT_WRITE},
	};

	(void)state;
	ALL(list);
}

static void test_frames_that_cannot_be_evicted(void **state)
{
	static const struct input list[] = {
		{.call = EVICT, .expected = -EINVAL, .offset = 0},
		{.call = EVICT, .expected = -EINVAL, .offset = DEVICE},
		{.call = EVICT, .expected = -EINVAL, .offset = RIG_PHYS - PAGE},
		{.call = EVICT, .expected = -EINVAL, .offset = RIG_PHYS + (FRAMES + 4) * PAGE},
		{.call = EVICT, .expected = -EINVAL, .offset = -(intptr_t)PAGE},
		{.call = EVICT, .expected = -EINVAL, .offset = RIG_PHYS + 5 * PAGE + 1},
		{.call = EVICT, .expected = -EINVAL, .at = ANON, .offset = PAGE + 8},
		{.call = EVICT, .expected = -EINVAL, .at = PHYS2},
		{.call = EVICT, .expected = -EBUSY, .at = BASE},
		{.call = EVICT, .expected = -EBUSY, .at = BASE, .offset = 2 * PAGE},
		{.call = EVICT, .expected = -EBUSY, .at = LOCKED, .offset = PAGE},
		{.call = EVICT, .expected = -EBUSY, .at = ANON, .offset = 4 * PAGE}, /* pinned */
		{.call = EVICT, .expected = -EBUSY, .at = ANON, .offset = 2 * PAGE}, /* zeros */
	};

	(void)state;
	ALL(list);
}

/* More than can be: pinned, or in frames at once, or in slots. */
static void test_too_much_is_refused(void **state)
{
	const struct input page_in = {.call = PAGE_IN, .expected = -ENOMEM, .at = ANON,
				      .size = (FRAMES + 1) * PAGE};
	struct input pin = {.call = PIN, .expected = -ENOMEM, .at = ANON, .size = FRAMES * PAGE};
	/* pins are made and undone, and those that wait for frames are told so */
	static const char *const but_events[] = {"qr_stats", "qr_frame_table", NULL};
	const struct rig rig = {.frames = FRAMES, .slots = 2 * FRAMES};
	uint8_t *memory;

	(void)state;
	rig_start(&rig);
	memory = map(2 * FRAMES, RW);
	world.at[ANON] = memory;
	must_fail(&page_in);
	/* resident pages, so that nothing has to be moved to find out */
	for (uint32_t i = 0; i < FRAMES; i++) {
		rig_put(memory + i * PAGE, i);
	}
	must_fail_but(&pin, but_events);
	assert_int_equal(k_mem_pin(memory, (FRAMES - 1) * PAGE), 0);
	pin.offset = (FRAMES - 1) * PAGE;
	pin.size = PAGE;
	must_fail(&pin);
	assert_int_equal(k_mem_unmap(memory, 2 * FRAMES * PAGE), 0);
	assert_null(audit());
	rig_check();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map_anon_refuses),
		cmocka_unit_test(test_map_stored_refuses),
		cmocka_unit_test(test_map_phys_refuses),
		cmocka_unit_test(test_direct_map_refuses),
		cmocka_unit_test(test_map_phys_refuses_frames),
		cmocka_unit_test(test_ranges_are_refused),
		cmocka_unit_test(test_unaligned_ranges_are_refused),
		cmocka_unit_test(test_unmap_takes_nothing_but_whole_mappings),
		cmocka_unit_test(test_unmap_of_large_mappings),
		cmocka_unit_test(test_update_flags_refuses),
		cmocka_unit_test(test_faults_are_refused),
		cmocka_unit_test(test_frames_that_cannot_be_evicted),
		cmocka_unit_test(test_too_much_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
