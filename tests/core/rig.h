/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rig.h - the whole core on the emulated machine, for tests: RAM, a small image, a paging
 * store behind the strict store, an image store, a policy, the strict port, and emu_fault
 * wired to k_mem_page_fault. Compiled once per entry format and configuration.
 */
#ifndef TESTS_CORE_RIG_H
#define TESTS_CORE_RIG_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <quire/arch.h>
#include <quire/init.h>
#include <quire/mm.h>
#include <quire/paging.h>

#include <port/strict/store.h>
#include <port/strict/strict.h>

#include <arch/emu/emu.h>

#define RIG_PAGE  ((size_t)CONFIG_MMU_PAGE_SIZE)
#define RIG_PHYS  0x10000000u
#define RIG_SLOTS_MAX 8192u
#define RIG_IMAGE_SLOTS 64u /* read-only store; page i is filled with rig_image_word(i) */

/* Where the image is mapped: text, rodata, data, one page each, and four on-demand pages. The
 * core's stack is in data. */
#define RIG_TEXT   ((uintptr_t)CONFIG_KERNEL_VM_BASE)
#define RIG_RODATA (RIG_TEXT + RIG_PAGE)
#define RIG_DATA   (RIG_TEXT + 2 * RIG_PAGE)
#define RIG_DEMAND (RIG_TEXT + 3 * RIG_PAGE)
#define RIG_DEMAND_PAGES 4u
#define RIG_IMAGE_PAGES (3u + RIG_DEMAND_PAGES)

#define RIG_STORE_PAGING 0u
#define RIG_STORE_IMAGE  1u

/* Where RAM begins. The numbers of low frames are like those of slots, so that a token that is
 * taken for an address meets a frame. */
enum rig_ram {
	RIG_RAM_HIGH, /* at RIG_PHYS, the image first */
	RIG_RAM_LOW,  /* above a device at 0, the image first */
	RIG_RAM_ZERO, /* at 0, the image last: the frame at 0 is one like others */
	RIG_RAM_COUNT,
};
#define RIG_RAM(number) ((enum rig_ram)((number) % RIG_RAM_COUNT))
#define RIG_LOW_PHYS 0x4000u /* where RIG_RAM_LOW begins; the device at 0 ends there */

/* Of the machine that runs: where RAM begins, and where the three pages of the image are. */
extern uintptr_t rig_phys, rig_image_phys;

/* RAM that the core does not know, for physical mappings; inside the space for DIRECT_MAP. */
#define RIG_DEVICE_PHYS ((uintptr_t)CONFIG_KERNEL_VM_BASE + 0x400000u)

struct rig {
	uint32_t frames;                   /* free ones, the zero page not counted */
	uint32_t slots;                    /* 0: no paging store */
	const struct k_mem_policy *policy; /* NULL: CLOCK */
	bool second_bank;                  /* spread the frames over two banks with a hole */
	enum rig_ram ram;                  /* where the first bank is */
	bool compressed;                   /* a compressed store in front of the paging store */
	bool copies;                       /* the stores copy where pages go one by one */
	uint32_t request_cost;             /* of the stores; 0: pages move one by one */
	uint32_t write_cost;               /* of the paging store */
	bool software_flags;               /* no hardware accessed and dirty bits */
	unsigned int phys_bits;            /* of the CPU; 0: of the format */
	size_t device_bytes;               /* RAM at RIG_DEVICE_PHYS; with RIG_RAM_LOW at 0, too */
};

/* The stores' switches and counts: of the paging store, and of the image store. */
extern struct strict_store rig_store;
extern struct strict_store rig_image_store;

/* Tests start the core again and again; a kernel does once, on zeroed memory: make it so. Part
 * of rig_start. */
void rig_forget(void);

/* Everything anew; asserts that k_mem_init succeeded. */
void rig_start(const struct rig *rig);

/* No mistake was seen by the emulated machine. */
void rig_check(void);

/* Numbers that must be as before when everything was unmapped. */
struct rig_counts {
	size_t free_bytes;
	uint32_t free_pages; /* of the address space */
	uint32_t slots_reserved;
	uint32_t slots_retired;
	uint32_t charge_pageable;
	uint32_t charge_pinned;
	uint32_t busy;
};
struct rig_counts rig_counts(void);
void rig_counts_equal(struct rig_counts a, struct rig_counts b);

/* Slots that are gone for good, or were written without success. */
uint32_t rig_slots_lost(void);

/* Access through the MMU, faults served; the result is 0 or the fault's error. */
int rig_read(const void *addr, uint64_t *word);
int rig_write(void *addr, uint64_t word);
/* The same, which must succeed. */
uint64_t rig_get(const void *addr);
void rig_put(void *addr, uint64_t word);

/* Word 0 of page `slot` of the image store. */
uint64_t rig_image_word(uint32_t slot);

struct k_mem_paging_stats_t rig_stats(void);

#endif /* TESTS_CORE_RIG_H */
