/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_emu.c - the emulated machine, without the core: tables are filled by hand.
 *
 * Built once for each entry format. Above all: a mistake must be reported, and what is no
 * mistake must not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "emu.h"
#include "entry.h"
#include "mmu.h"

#define BASE    ((uintptr_t)CONFIG_KERNEL_VM_BASE)
#define PAGE    ((uintptr_t)1 << ENTRY_PAGE_SHIFT)
#define LARGE   ((uintptr_t)1 << (ENTRY_PAGE_SHIFT + ENTRY_INDEX_BITS))
#define ENTRIES ((size_t)1 << ENTRY_INDEX_BITS)
#define RAM     0x40000000u
#define DEVICE  0x10000000u

/* One table of each level on the way to BASE; tables[0] holds its pages. */
static QR_ALIGNED(4096) qr_entry_t tables[ENTRY_LEVELS][1 << ENTRY_INDEX_BITS];
/* A second way, for another root. */
static QR_ALIGNED(4096) qr_entry_t others[ENTRY_LEVELS][1 << ENTRY_INDEX_BITS];

static struct emu_error last_error;
static size_t hook_calls;

/* The core's, which is not here. */
struct qr_fault qr_user_fault;

QR_NORETURN void qr_port_panic(const char *what)
{
	fail_msg("panic: %s", what);
	__builtin_trap();
}

static void keep_error(const struct emu_error *error)
{
	last_error = *error;
	hook_calls++;
}

static size_t index_at(uintptr_t virt, unsigned int level)
{
	return (virt >> (ENTRY_PAGE_SHIFT + level * ENTRY_INDEX_BITS)) & (ENTRIES - 1);
}

static void link_tables(qr_entry_t (*set)[1 << ENTRY_INDEX_BITS])
{
	memset(set, 0, sizeof(tables));
	for (unsigned int level = 1; level < ENTRY_LEVELS; level++) {
		set[level][index_at(BASE, level)] = entry_encode(
			(struct qr_view){.kind = QR_TABLE,
					 .address = mmu_table_phys(set[level - 1])},
			level);
	}
}

static qr_entry_t *page_entry(uintptr_t virt)
{
	return &tables[0][index_at(virt, 0)];
}

/* Put a view at virt, published, not flushed. */
static QR_NOINLINE void put(uintptr_t virt, struct qr_view view)
{
	*page_entry(virt) = entry_encode(view, 0);
	mmu_publish(page_entry(virt), 1);
}

static struct qr_view at(uintptr_t virt)
{
	return entry_decode(*page_entry(virt), 0);
}

static void flush(uintptr_t virt)
{
	mmu_tlb_page(0, virt);
	mmu_tlb_sync();
}

static struct qr_view page_of(unsigned int frame)
{
	return (struct qr_view){
		.kind = QR_LEAF, .address = RAM + frame * PAGE, .write = true, .global = true};
}

static int setup(void **state)
{
	(void)state;
	assert_int_equal(emu_init(RAM, 64 * PAGE), 0);
	emu_error_hook = keep_error;
	last_error = (struct emu_error){.virt = 0};
	hook_calls = 0;
	link_tables(tables);
	link_tables(others);
	mmu_start();
	mmu_root_set(mmu_table_phys(tables[ENTRY_LEVELS - 1]), 0);
	return 0;
}

/* A change in one step that a format with ENTRY_BREAK does not allow is a mistake by itself. */
#define UNBROKEN ((size_t)ENTRY_BREAK)

/* Every test says how many mistakes it expects. */
static void expect_errors(size_t count)
{
	assert_int_equal(emu_errors(), count);
	assert_int_equal(hook_calls, count);
}

static uint8_t peek(uintptr_t virt)
{
	uint8_t byte = 0;

	assert_int_equal(emu_read(virt, &byte, 1, 0), 0);
	return byte;
}

static void poke(uintptr_t virt, uint8_t byte)
{
	assert_int_equal(emu_write(virt, &byte, 1, 0), 0);
}

/* ---- RAM ---------------------------------------------------------------------------- */

static void test_ram(void **state)
{
	uint8_t *first = emu_phys(RAM);

	(void)state;
	assert_non_null(first);
	assert_int_not_equal(*first, 0);
	assert_ptr_equal(emu_phys(RAM + 64 * PAGE - 1), first + 64 * PAGE - 1);
	assert_null(emu_phys(RAM + 64 * PAGE));
	assert_null(emu_phys(RAM - 1));
	assert_int_equal(emu_bank_add(RAM + 63 * PAGE, PAGE), -EINVAL);
	assert_int_equal(emu_bank_add(RAM + 64 * PAGE + 1, PAGE), -EINVAL);
	assert_int_equal(emu_bank_add(RAM + 64 * PAGE, 0), -EINVAL);
	assert_int_equal(emu_bank_add(RAM + 64 * PAGE, EMU_RAM_BYTES_MAX), -ENOMEM);
	assert_int_equal(emu_bank_add(RAM + 80 * PAGE, 2 * PAGE), 0);
	assert_non_null(emu_phys(RAM + 81 * PAGE));
	assert_null(emu_phys(RAM + 79 * PAGE));
	assert_int_equal(emu_init(RAM, PAGE + 1), -EINVAL);
}

/* ---- the walker --------------------------------------------------------------------- */

static void test_walk(void **state)
{
	uint64_t words[512], back[512];

	(void)state;
	put(BASE, page_of(3));
	put(BASE + PAGE, page_of(1));
	memset(emu_phys(RAM + 3 * PAGE), 0x33, PAGE);
	memset(emu_phys(RAM + PAGE), 0x11, PAGE);
	assert_int_equal(peek(BASE + 5), 0x33);
	assert_int_equal(peek(BASE + PAGE), 0x11);

	/* across the edge of two pages whose frames are apart */
	assert_int_equal(emu_read(BASE + PAGE - 4, words, 8, 0), 0);
	assert_true(words[0] == 0x1111111133333333u);
	words[0] = 0x8877665544332211u;
	assert_int_equal(emu_write(BASE + PAGE - 4, words, 8, 0), 0);
	assert_int_equal(*(uint8_t *)emu_phys(RAM + 4 * PAGE - 1), 0x44);
	assert_int_equal(*(uint8_t *)emu_phys(RAM + PAGE), 0x55);

	for (size_t i = 0; i < 512; i++) {
		words[i] = i * 0x0101010101010101u;
	}
	assert_int_equal(emu_page_write(BASE, words, 0), 0);
	assert_int_equal(emu_page_read(BASE, back, 0), 0);
	assert_memory_equal(words, back, sizeof(words));
	assert_memory_equal(emu_phys(RAM + 3 * PAGE), words, sizeof(words));
	assert_int_equal(emu_counters()->walks, 4); /* two fills, two first writes */
	expect_errors(0);
}

static struct qr_fault seen;
static size_t fault_count;
static int fault_answer;

static int note_fault(const struct qr_fault *fault)
{
	seen = *fault;
	fault_count++;
	return fault_answer;
}

static void expect_fault(int got, uintptr_t virt, uint32_t access, enum qr_fault_kind kind)
{
	assert_int_equal(got, -EACCES);
	assert_ptr_equal(seen.address, (void *)virt);
	assert_int_equal(seen.access, access);
	assert_int_equal(seen.kind, kind);
}

static void test_faults(void **state)
{
	const uint32_t user = K_MEM_FAULT_USER;
	uint8_t byte = 0;
	struct qr_view view = page_of(2);

	(void)state;
	assert_int_equal(emu_read(BASE + 7, &byte, 1, 0), -EFAULT); /* no handler */
	emu_fault = note_fault;
	fault_answer = -EACCES;
	expect_fault(emu_read(BASE + 7, &byte, 1, 0), BASE + 7, 0, QR_FAULT_MISSING);
	expect_fault(emu_write(BASE + 8, &byte, 1, user), BASE + 8, user | K_MEM_FAULT_WRITE,
		     QR_FAULT_MISSING);
	put(BASE, (struct qr_view){.kind = QR_TOKEN, .token = 0xffffffff, .write = true});
	expect_fault(emu_exec(BASE, 0), BASE, K_MEM_FAULT_EXEC, QR_FAULT_MISSING);
	/* far outside of the space, and not canonical */
	expect_fault(emu_read(0x5000, &byte, 1, user), 0x5000, user, QR_FAULT_MISSING);
	expect_fault(emu_read((uintptr_t)1 << 60, &byte, 1, 0), (uintptr_t)1 << 60, 0,
		     QR_FAULT_MISSING);

	put(BASE, view); /* supervisor, write, not executable */
	expect_fault(emu_exec(BASE, 0), BASE, K_MEM_FAULT_EXEC, QR_FAULT_DENIED);
	expect_fault(emu_read(BASE, &byte, 1, user), BASE, user, QR_FAULT_DENIED);
	assert_int_equal(emu_write(BASE, &byte, 1, 0), 0);
	expect_fault(emu_read(BASE ^ (uintptr_t)1 << 60, &byte, 1, 0), BASE ^ (uintptr_t)1 << 60, 0,
		     QR_FAULT_MISSING);
	/* denied from the TLB as well */
	expect_fault(emu_read(BASE, &byte, 1, user), BASE, user, QR_FAULT_DENIED);

	view.write = false;
	view.user = true;
	view.exec = true;
	put(BASE, view);
	flush(BASE);
	assert_int_equal(emu_exec(BASE, user), 0);
	assert_int_equal(emu_read(BASE, &byte, 1, 0), 0);
	expect_fault(emu_exec(BASE, 0), BASE, K_MEM_FAULT_EXEC, QR_FAULT_DENIED);
	expect_fault(emu_write(BASE, &byte, 1, user), BASE, user | K_MEM_FAULT_WRITE,
		     QR_FAULT_DENIED);
	view.exec = false;
	view.write = true;
	view.cow = true;
	put(BASE, view);
	flush(BASE);
	expect_fault(emu_write(BASE, &byte, 1, 0), BASE, K_MEM_FAULT_WRITE, QR_FAULT_DENIED);
	expect_errors(0);
}

static int map_on_fault(const struct qr_fault *fault)
{
	fault_count++;
	put((uintptr_t)fault->address & ~(PAGE - 1), page_of(7));
	return 0;
}

static void test_fault_is_retried(void **state)
{
	(void)state;
	fault_count = 0;
	emu_fault = map_on_fault;
	poke(BASE + 3 * PAGE + 9, 0x77);
	assert_int_equal(*(uint8_t *)emu_phys(RAM + 7 * PAGE + 9), 0x77);
	assert_int_equal(fault_count, 1);
	assert_int_equal(emu_counters()->faults, 1);
	expect_errors(0);
}

static void test_devices(void **state)
{
	uint8_t byte = 0;
	struct qr_view view = page_of(0);

	(void)state;
	view.address = DEVICE;
	put(BASE, view);
	assert_int_equal(emu_read(BASE, &byte, 1, 0), -ENXIO);
	assert_int_equal(emu_write(BASE, &byte, 1, 0), -ENXIO);
	expect_errors(0);
}

/* ---- leaves larger than a page ------------------------------------------------------ */

static void test_large_leaf(void **state)
{
	qr_entry_t *entry = &tables[1][index_at(BASE, 1)];
	struct qr_view view = page_of(0);
	uint8_t byte = 0;

	(void)state;
	*entry = entry_encode(view, 1);
	mmu_publish(entry, 1);
	memset(emu_phys(RAM + 5 * PAGE), 0x55, PAGE);
	assert_int_equal(peek(BASE + 5 * PAGE), 0x55);
	assert_int_equal(peek(BASE + 6 * PAGE), *(uint8_t *)emu_phys(RAM + 6 * PAGE));
	assert_int_equal(emu_counters()->walks, 1);
	assert_int_equal(emu_read(BASE + 64 * PAGE, &byte, 1, 0), -ENXIO);

	/* a drop of any of its pages drops all of it */
	*entry = 0;
	mmu_publish(entry, 1);
	flush(BASE + 100 * PAGE);
	assert_int_equal(emu_read(BASE + 5 * PAGE, &byte, 1, 0), -EFAULT);
	expect_errors(0);

	/* and forgetting it is seen on any of them */
	*entry = entry_encode(view, 1);
	mmu_publish(entry, 1);
	(void)peek(BASE + 5 * PAGE);
	*entry = 0;
	mmu_publish(entry, 1);
	assert_int_equal(emu_read(BASE + 9 * PAGE, &byte, 1, 0), -EFAULT);
	expect_errors(1);
	assert_int_equal(last_error.kind, EMU_STALE);
	assert_int_equal(last_error.held.address, RAM + 9 * PAGE);
}

/* A leaf split into pages that say the same: no flush is needed for what stays the same. */
static void test_split_alike(void **state)
{
	qr_entry_t *entry = &tables[1][index_at(BASE, 1)];
	const qr_entry_t table = *entry;
	struct qr_view view = page_of(0);

	(void)state;
	view.accessed = true;
	*entry = entry_encode(view, 1);
	mmu_publish(entry, 1);
	(void)peek(BASE + 5 * PAGE);
	for (unsigned int i = 0; i < 8; i++) {
		view = page_of(i);
		view.accessed = true;
		put(BASE + i * PAGE, view);
	}
	*entry = table;
	mmu_publish(entry, 1);
	(void)peek(BASE + 5 * PAGE);
	expect_errors(UNBROKEN);
	put(BASE + 6 * PAGE, page_of(1));
	(void)peek(BASE + 6 * PAGE);
	expect_errors(UNBROKEN + 1);
}

/* ---- stale translations ------------------------------------------------------------- */

static QR_NOINLINE void forgets_the_flush(uintptr_t virt)
{
	*page_entry(virt) = 0;
	mmu_publish(page_entry(virt), 1);
	__asm__ volatile("" ::: "memory"); /* no tail call: keep this function's name */
}

static void test_forgotten_flush(void **state)
{
	char name[64];
	uint8_t byte = 0;

	(void)state;
	put(BASE, page_of(4));
	poke(BASE, 1);
	forgets_the_flush(BASE);
	/* whatever happens to the entry later, the report names the change that came first */
	put(BASE, (struct qr_view){.kind = QR_TOKEN, .token = 5});
	expect_errors(0);
	assert_int_equal(emu_read(BASE, &byte, 1, 0), -EFAULT);
	expect_errors(1);
	assert_int_equal(last_error.kind, EMU_STALE);
	assert_ptr_equal((void *)last_error.virt, (void *)BASE);
	assert_true(last_error.cached);
	assert_int_equal(last_error.held.address, RAM + 4 * PAGE);
	assert_int_equal(last_error.now.kind, QR_TOKEN);
	assert_false(last_error.recycled);
	emu_place_name(last_error.place, name, sizeof(name));
	assert_int_equal(strncmp(name, "forgets_the_flush+", 18), 0);

	/* reported once */
	assert_int_equal(emu_read(BASE, &byte, 1, 0), -EFAULT);
	expect_errors(1);
}

static void test_recycled_frame(void **state)
{
	uint8_t byte = 0;

	(void)state;
	put(BASE, page_of(4));
	poke(BASE, 1);
	forgets_the_flush(BASE);
	put(BASE + PAGE, page_of(4));
	poke(BASE + PAGE, 2);
	assert_int_equal(emu_write(BASE, &byte, 1, 0), -EFAULT);
	expect_errors(1);
	assert_true(last_error.recycled);
	assert_ptr_equal((void *)last_error.user, (void *)(BASE + PAGE));
	assert_int_equal(*(uint8_t *)emu_phys(RAM + 4 * PAGE), 2);
	emu_error_print(&last_error);
}

static void test_flushed(void **state)
{
	uint8_t byte = 0;

	(void)state;
	for (unsigned int how = 0; how < 3; how++) {
		put(BASE, page_of(4));
		poke(BASE, 1);
		forgets_the_flush(BASE);
		if (how == 0) {
			mmu_tlb_page(0, BASE);
		} else {
			mmu_tlb_all();
		}
		mmu_tlb_sync();
		assert_int_equal(emu_read(BASE, &byte, 1, 0), -EFAULT);
	}
	assert_int_equal(emu_counters()->page_drops, 1);
	assert_int_equal(emu_counters()->all_drops, 2);
	expect_errors(0);
}

/* Each of these must be reported, at the next use of whatever kind. */
static void test_what_is_stale(void **state)
{
	struct qr_view full = page_of(4);
	struct qr_view less[8];
	size_t errors = 0;

	(void)state;
	full.user = true;
	full.accessed = true;
	full.dirty = true;
	for (unsigned int i = 0; i < 8; i++) {
		less[i] = full;
	}
	less[0].address += PAGE;
	less[1].write = false;
	less[2].user = false;
	less[3].dirty = false; /* a write would not be noted again */
	less[4].global = false;
	less[5].dirty = false;
	less[5].cow = true;
	less[6] = (struct qr_view){.kind = QR_TOKEN, .token = 1};
	less[7].cache = ENTRY_CACHE_MODES == 1 ? 0 : K_MEM_CACHE_NONE; /* not less, but other */
	less[7].write = ENTRY_CACHE_MODES != 1;
	for (unsigned int i = 0; i < 8; i++) {
		uint8_t byte = 0;

		mmu_tlb_all();
		mmu_tlb_sync();
		put(BASE, full);
		(void)peek(BASE);
		put(BASE, less[i]);
		(void)emu_read(BASE, &byte, 1, 0);
		errors++;
		if (less[i].kind == QR_LEAF &&
		    (less[i].address != full.address || less[i].cache != full.cache)) {
			errors += UNBROKEN;
		}
		expect_errors(errors);
		assert_int_equal(last_error.kind, EMU_STALE);
	}
	for (unsigned int exec = 0; exec < 2; exec++) {
		full.user = false;
		full.write = false;
		full.exec = true;
		flush(BASE);
		put(BASE, full);
		(void)peek(BASE);
		full.exec = exec;
		full.user = exec; /* the kernel's right to execute ends with user's beginning */
		put(BASE, full);
		(void)peek(BASE);
		expect_errors(errors + 1 + exec);
	}
}

/* No mistakes: what a CPU may keep, and what changes nothing. */
static void test_what_is_not_stale(void **state)
{
	struct qr_view view = page_of(4);

	(void)state;
	view.write = false;
	view.accessed = true;
	put(BASE, view);
	(void)peek(BASE);
	view.last = true;
	put(BASE, view);
	(void)peek(BASE);
	view.write = true; /* a right granted */
	put(BASE, view);
	(void)peek(BASE);
	assert_int_equal(emu_counters()->accessed_missed, 0);
	view.accessed = false; /* cleared and not flushed: allowed, but seen */
	put(BASE, view);
	(void)peek(BASE);
	assert_false(at(BASE).accessed);
	assert_int_equal(emu_counters()->accessed_missed, 1);
	expect_errors(0);
}

static int grant_without_flush(const struct qr_fault *fault)
{
	(void)fault;
	fault_count++;
	put(BASE, page_of(4));
	return 0;
}

static void test_stuck(void **state)
{
	struct qr_view view = page_of(4);
	uint8_t byte = 0;

	(void)state;
	view.write = false;
	put(BASE, view);
	(void)peek(BASE);
	emu_fault = grant_without_flush;
	fault_count = 0;
	assert_int_equal(emu_write(BASE, &byte, 1, 0), -EFAULT);
	assert_int_equal(fault_count, EMU_FAULTS_MAX);
	expect_errors(1);
	assert_int_equal(last_error.kind, EMU_STUCK);
	assert_true(last_error.now.write);
	assert_false(last_error.held.write);
}

static void test_unsynced(void **state)
{
	(void)state;
	put(BASE, page_of(4));
	(void)peek(BASE);
	mmu_tlb_page(0, BASE);
	(void)peek(BASE);
	expect_errors(1);
	assert_int_equal(last_error.kind, EMU_UNSYNCED);
	(void)peek(BASE);
	expect_errors(1);
}

/* ---- accessed and dirty ------------------------------------------------------------- */

static void test_hardware_bits(void **state)
{
	struct qr_view aged;

	(void)state;
	put(BASE, page_of(4));
	(void)peek(BASE);
	assert_true(at(BASE).accessed);
	assert_false(at(BASE).dirty);
	/* the slot is there, its dirty clear: the walker comes again */
	poke(BASE, 1);
	assert_true(at(BASE).dirty);
	assert_int_equal(emu_counters()->walks, 2);
	poke(BASE, 2);
	assert_int_equal(emu_counters()->walks, 2);

	put(BASE + PAGE, page_of(5));
	poke(BASE + PAGE, 1);
	assert_true(at(BASE + PAGE).accessed && at(BASE + PAGE).dirty);

	/* aged, and read again: still dirty */
	aged = at(BASE + PAGE);
	aged.accessed = false;
	put(BASE + PAGE, aged);
	flush(BASE + PAGE);
	(void)peek(BASE + PAGE);
	assert_true(at(BASE + PAGE).accessed && at(BASE + PAGE).dirty);
	expect_errors(0);
}

static void test_hardware_bits_of_large(void **state)
{
	qr_entry_t *entry = &tables[1][index_at(BASE, 1)];

	(void)state;
	*entry = entry_encode(page_of(0), 1);
	mmu_publish(entry, 1);
	(void)peek(BASE + PAGE);
	poke(BASE + 2 * PAGE, 1);
	assert_true(entry_decode(*entry, 1).accessed);
	assert_true(entry_decode(*entry, 1).dirty);
	assert_int_equal(entry_decode(*entry, 1).address, RAM);
	expect_errors(0);
}

static int set_flags(const struct qr_fault *fault)
{
	struct qr_view view = at((uintptr_t)fault->address);

	seen = *fault;
	fault_count++;
	view.accessed = true;
	view.dirty = view.dirty || (fault->access & K_MEM_FAULT_WRITE);
	put((uintptr_t)fault->address, view);
	flush((uintptr_t)fault->address);
	return 0;
}

static void test_software_bits(void **state)
{
	(void)state;
	emu_software_flags(true);
	emu_fault = set_flags;
	fault_count = 0;
	put(BASE, page_of(4));
	(void)peek(BASE);
	assert_int_equal(seen.kind, QR_FAULT_FLAG);
	assert_int_equal(fault_count, 1);
	(void)peek(BASE);
	assert_int_equal(fault_count, 1);
	poke(BASE, 1);
	assert_int_equal(seen.kind, QR_FAULT_FLAG);
	assert_int_equal(seen.access, K_MEM_FAULT_WRITE);
	assert_int_equal(fault_count, 2);
	poke(BASE, 1);
	assert_int_equal(fault_count, 2);
	assert_true(at(BASE).dirty);
	expect_errors(0);
}

/* ---- interleavings ------------------------------------------------------------------ */

static bool hook_marked;

static void mark_in_hook(const qr_entry_t *first, size_t count)
{
	(void)first;
	(void)count;
	hook_marked = emu_walker_marks(BASE + PAGE, true);
}

static void test_walker_marks(void **state)
{
	struct qr_view view = page_of(5);

	(void)state;
	put(BASE + PAGE, view);
	emu_publish_hook = mark_in_hook;
	put(BASE, page_of(4));
	assert_true(hook_marked);
	assert_true(at(BASE + PAGE).dirty && at(BASE + PAGE).accessed);
	emu_publish_hook = NULL;
	view.write = false;
	put(BASE + PAGE, view);
	assert_false(emu_walker_marks(BASE + PAGE, true));
	assert_false(at(BASE + PAGE).accessed);
	assert_true(emu_walker_marks(BASE + PAGE, false));
	assert_true(at(BASE + PAGE).accessed);
	assert_false(emu_walker_marks(BASE + 2 * PAGE, false));
	expect_errors(0);
}

static int write_in_hook_error;

static void write_in_hook(const qr_entry_t *first, size_t count)
{
	const uint8_t byte = 0x99;

	(void)first;
	(void)count;
	write_in_hook_error = emu_write(BASE, &byte, 1, 0);
}

/* Between the change and the flush another CPU may write through what it still has, where
 * it has noted its writes; where it has not, its walker looks again and finds nothing. */
static void test_write_before_flush(void **state)
{
	(void)state;
	emu_fault = note_fault;
	fault_count = 0;
	for (unsigned int dirty = 0; dirty < 2; dirty++) {
		struct qr_view view = page_of(4);

		view.accessed = true;
		view.dirty = dirty;
		put(BASE, view);
		flush(BASE);
		(void)peek(BASE);
		memset(emu_phys(RAM + 4 * PAGE), 0, PAGE);
		emu_publish_hook = write_in_hook;
		put(BASE, (struct qr_view){.kind = QR_TOKEN, .token = 1, .write = true});
		emu_publish_hook = NULL;
		assert_int_equal(write_in_hook_error, dirty ? 0 : -EFAULT);
		assert_int_equal(*(uint8_t *)emu_phys(RAM + 4 * PAGE), dirty ? 0x99 : 0);
		flush(BASE);
	}
	assert_int_equal(fault_count, 0); /* the handler is no matter of other CPUs */
	expect_errors(0);
}

static void read_in_hook(void)
{
	(void)peek(BASE);
}

/* What a CPU looks up right after a drop it remembers. */
static void test_walk_after_drop(void **state)
{
	uint8_t byte;

	(void)state;
	put(BASE, page_of(4));
	flush(BASE);
	emu_drop_hook = read_in_hook;
	mmu_tlb_all();
	mmu_tlb_sync();
	emu_drop_hook = NULL;
	put(BASE, (struct qr_view){.kind = QR_TOKEN, .token = 1});
	assert_int_equal(emu_read(BASE, &byte, 1, 0), -EFAULT);
	expect_errors(1);
}

/* ---- tags --------------------------------------------------------------------------- */

static void test_tags(void **state)
{
	struct qr_view view = page_of(1);
	uint8_t byte = 0;

	(void)state;
	memset(emu_phys(RAM + PAGE), 0x11, PAGE);
	memset(emu_phys(RAM + 2 * PAGE), 0x22, PAGE);
	view.global = false;
	put(BASE, view);
	put(BASE + PAGE, page_of(3));
	view.address = RAM + 2 * PAGE;
	others[0][index_at(BASE, 0)] = entry_encode(view, 0);
	others[0][index_at(BASE, 0) + 1] = *page_entry(BASE + PAGE);
	mmu_publish(&others[0][index_at(BASE, 0)], 2);
	assert_true(mmu_tags() >= 2);
	assert_int_equal(peek(BASE), 0x11);
	(void)peek(BASE + PAGE);
	mmu_root_set(mmu_table_phys(others[ENTRY_LEVELS - 1]), 1);
	assert_int_equal(peek(BASE), 0x22);
	(void)peek(BASE + PAGE); /* global: a hit, though another tag filled it */
	assert_int_equal(emu_counters()->walks, 3);

	/* of another tag, so not seen here; but there */
	put(BASE, (struct qr_view){.kind = QR_NONE});
	assert_int_equal(peek(BASE), 0x22);
	mmu_tlb_tag(1);
	mmu_tlb_sync();
	expect_errors(0);
	mmu_root_set(mmu_table_phys(tables[ENTRY_LEVELS - 1]), 0);
	assert_int_equal(emu_read(BASE, &byte, 1, 0), -EFAULT);
	expect_errors(1);
	assert_int_equal(last_error.kind, EMU_STALE);

	/* one tag's drop leaves global ones */
	mmu_tlb_tag(0);
	mmu_tlb_sync();
	(void)peek(BASE + PAGE);
	assert_int_equal(emu_counters()->tag_drops, 2);
	mmu_root_set(mmu_table_phys(others[ENTRY_LEVELS - 1]), 1);
	others[0][index_at(BASE, 0) + 1] = 0;
	mmu_publish(&others[0][index_at(BASE, 0) + 1], 1);
	mmu_tlb_page(1, BASE + PAGE);
	mmu_tlb_sync();
	assert_int_equal(emu_read(BASE + PAGE, &byte, 1, 0), -EFAULT);
	expect_errors(2);
}

/* ---- the core's side, and damaged tables -------------------------------------------- */

static void test_core_access(void **state)
{
	uint8_t *page;

	(void)state;
	put(BASE + 2 * PAGE, page_of(4)); /* the page whose frame the core copies */
	(void)peek(BASE + 2 * PAGE);
	put(BASE, page_of(4));
	page = mmu_access(BASE);
	assert_ptr_equal(page, emu_phys(RAM + 4 * PAGE));
	assert_true(at(BASE).dirty);
	expect_errors(0);

	/* a window moved without a flush */
	put(BASE, page_of(5));
	page = mmu_access(BASE);
	expect_errors(UNBROKEN + 1);
	assert_int_equal(last_error.kind, EMU_STALE);
	assert_false(last_error.recycled);
	assert_ptr_equal(page, emu_phys(RAM + 5 * PAGE));

	page = mmu_access(BASE + PAGE);
	expect_errors(UNBROKEN + 2);
	assert_int_equal(last_error.kind, EMU_ACCESS);
	page[0] = 1; /* goes nowhere */
	page[PAGE - 1] = 1;
}

static void test_damaged_tables(void **state)
{
	uint8_t byte = 0;
	qr_entry_t *upper = &tables[1][index_at(BASE, 1)];
	const qr_entry_t table = *upper;

	(void)state;
	emu_tables_set(tables, tables + ENTRY_LEVELS);
	put(BASE, page_of(4));
	(void)peek(BASE);
	expect_errors(0);
	mmu_tlb_all();
	mmu_tlb_sync();
	*upper = entry_encode((struct qr_view){.kind = QR_TABLE, .address = 0x1000}, 1);
	assert_int_equal(emu_read(BASE, &byte, 1, 0), -EFAULT);
	expect_errors(1);
	assert_int_equal(last_error.kind, EMU_WILD);
	*upper = table;

	/* a bit of the address beyond what a page of level 1 may have */
	*upper = entry_encode(page_of(0), 1) +
		 (entry_encode(page_of(1), 0) - entry_encode(page_of(0), 0));
	(void)emu_read(BASE, &byte, 1, 0);
	expect_errors(2);
	assert_int_equal(last_error.kind, EMU_ILLEGAL);
	*upper = table;
}

/* An address that the format can say and the CPU does not have. */
static void test_narrow_cpu(void **state)
{
	uint8_t byte = 0;

	(void)state;
	assert_int_equal(mmu_phys_bits(), ENTRY_PA_BITS);
	emu_phys_bits(40);
	assert_int_equal(mmu_phys_bits(), 40);
	put(BASE, page_of(4));
	(void)peek(BASE);
	expect_errors(0);
	put(BASE + PAGE, (struct qr_view){.kind = QR_LEAF, .address = (uint64_t)1 << 40});
	assert_int_equal(emu_read(BASE + PAGE, &byte, 1, 0), -ENXIO);
	expect_errors(1);
	assert_int_equal(last_error.kind, EMU_ILLEGAL);
}

static void test_outside_of_the_space(void **state)
{
	uint8_t byte = 0;
	const uintptr_t outside = BASE - PAGE;

	(void)state;
	/* the root maps the top level's other half by the same tables */
	tables[1][index_at(outside, 1)] = tables[1][index_at(BASE, 1)];
	tables[2][index_at(outside, 2)] = tables[2][index_at(BASE, 2)];
	tables[0][index_at(outside, 0)] = entry_encode(page_of(4), 0);
	assert_int_equal(emu_read(outside, &byte, 1, 0), 0);
	expect_errors(1);
	assert_int_equal(last_error.kind, EMU_OUTSIDE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_ram, setup),
		cmocka_unit_test_setup(test_walk, setup),
		cmocka_unit_test_setup(test_faults, setup),
		cmocka_unit_test_setup(test_fault_is_retried, setup),
		cmocka_unit_test_setup(test_devices, setup),
		cmocka_unit_test_setup(test_large_leaf, setup),
		cmocka_unit_test_setup(test_split_alike, setup),
		cmocka_unit_test_setup(test_forgotten_flush, setup),
		cmocka_unit_test_setup(test_recycled_frame, setup),
		cmocka_unit_test_setup(test_flushed, setup),
		cmocka_unit_test_setup(test_what_is_stale, setup),
		cmocka_unit_test_setup(test_what_is_not_stale, setup),
		cmocka_unit_test_setup(test_stuck, setup),
		cmocka_unit_test_setup(test_unsynced, setup),
		cmocka_unit_test_setup(test_hardware_bits, setup),
		cmocka_unit_test_setup(test_hardware_bits_of_large, setup),
		cmocka_unit_test_setup(test_software_bits, setup),
		cmocka_unit_test_setup(test_walker_marks, setup),
		cmocka_unit_test_setup(test_write_before_flush, setup),
		cmocka_unit_test_setup(test_walk_after_drop, setup),
		cmocka_unit_test_setup(test_tags, setup),
		cmocka_unit_test_setup(test_core_access, setup),
		cmocka_unit_test_setup(test_damaged_tables, setup),
		cmocka_unit_test_setup(test_narrow_cpu, setup),
		cmocka_unit_test_setup(test_outside_of_the_space, setup),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("emu", tests, NULL, NULL);
}
