/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_model.c - random operations on the whole core against the naive model (model.h).
 *
 * What each call returns is predicted from the model, the charge rule and the tables; every
 * access checks rights and content; at quiet moments the core's books are audited, and after
 * everything was unmapped all counts are as in the beginning. A round is one start of the core
 * with its own numbers of frames and slots, policy, kind of accessed bits and behaviour of the
 * stores. OPS= is how many operations in all, SEED= which; both are printed, and on failure
 * the operation's number.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "rig.h"

#include <tests/unit/parts_help.h>

#include <mm/charge.h>
#include <mm/frame.h>
#include <mm/policy.h>
#include <mm/store.h>

#include "audit.h"
#include "model.h"

#define OPS_DEFAULT  400000u
#define ROUND_OPS    5000u
#define DEVICE_BYTES ((MODEL_PHYS_PAGES - 3u) / 256u * 0x100000u)
#define LOW_DEVICE   (3u + DEVICE_BYTES / (uint32_t)RIG_PAGE) /* the device at 0, in the model */
#define JUNK         0x5a5a5a5a5a5a5a5au
#define LIVE_MAX     48u
#define BASE         ((uintptr_t)CONFIG_KERNEL_VM_BASE)
#define RIGHTS       (K_MEM_PERM_RW | K_MEM_PERM_EXEC | K_MEM_PERM_USER)

struct mapping {
	uint32_t first;
	uint32_t count;
	uint8_t *addr; /* as it was mapped, perhaps odd */
	size_t size;
	bool device;
};

static struct mapping live[LIVE_MAX];
static uint32_t live_count;

static struct {
	struct rig rig;
	bool failing;      /* transfers fail now and then */
	bool image_writes; /* on-demand pieces may become writable */
	bool bystander;    /* another CPU goes on during the core's calls */
	uint32_t doomed;   /* the mapping that is being unmapped, or LIVE_MAX */
	unsigned long op;
	unsigned int round;
	unsigned long failures; /* before this operation */
	bool untouched[MODEL_PAGES]; /* mapped UNINIT, and no write was tried */
	uintptr_t addr;         /* the last range chosen */
	size_t size;
} run;

static void told(const char *what, int line)
{
	print_error("# round %u, operation %lu, line %d: %s\n", run.round, run.op, line, what);
	print_error("# range %#jx, %#zx; %s%s; RAM at %#jx\n", (uintmax_t)run.addr, run.size,
		    run.rig.policy->name, run.failing ? ", failing" : "", (uintmax_t)rig_phys);
	print_error("# %u frames, %u slots, %u retired; charged %u and %u\n", run.rig.frames,
		    run.rig.slots, rig_store.retired, qr_charge.pageable, qr_charge.pinned);
}

#define MUST(condition)                           \
	do {                                      \
		if (!(condition)) {               \
			told(#condition, __LINE__); \
			fail();                   \
		}                                 \
	} while (0)

#define MUST_BE(got, wanted)                                                              \
	do {                                                                              \
		int got_ = (got), wanted_ = (wanted);                                     \
		if (got_ != wanted_) {                                                    \
			print_error("# %s is %d, not %d\n", #got, got_, wanted_);         \
			told(#got, __LINE__);                                             \
			fail();                                                           \
		}                                                                         \
	} while (0)

/* ---- what to expect ------------------------------------------------------------------ */

/* The rule of charge.h. */
/* So many pages more, and so many more of all that are pinned? What does not grow is granted. */
static bool grants_more(uint64_t pages, uint64_t pinned)
{
	uint32_t reserve = CONFIG_DEMAND_PAGING ? CONFIG_DEMAND_PAGING_PAGE_FRAMES_RESERVE : 0;
	uint32_t frames = run.rig.frames;
	uint32_t slots = run.rig.slots - rig_store.retired;

	return (pinned == 0 || qr_charge.pinned + pinned + reserve <= frames) &&
	       (pages == 0 || qr_charge.pageable + qr_charge.pinned + pages <=
				      (slots > 0 ? frames + slots - 1 : frames - reserve));
}

static bool grants(uint32_t pageable, uint32_t pinned)
{
	return grants_more((uint64_t)pageable + pinned, pinned);
}

/* Not what was wanted, because a transfer failed, or because slots were lost before. */
static bool excused(int got, int wanted)
{
	unsigned long failures = rig_store.failures + rig_image_store.failures;

	return run.failing && got != wanted && (wanted == 0 || wanted == -ENOMEM) &&
	       ((got == -EIO && failures != run.failures) ||
		(got == -ENOMEM && rig_store.retired > 0));
}

static bool rights_ok(uint32_t flags)
{
	return (flags & (K_MEM_PERM_RW | K_MEM_PERM_EXEC)) != (K_MEM_PERM_RW | K_MEM_PERM_EXEC);
}

/* The pages of a range, if it is one. */
static bool range_ok(uintptr_t addr, size_t size, uint32_t *first, uint32_t *count)
{
	*first = (uint32_t)((addr - BASE) / RIG_PAGE);
	*count = (uint32_t)(size / RIG_PAGE);
	return addr % RIG_PAGE == 0 && size % RIG_PAGE == 0 && size != 0 && addr >= BASE &&
	       addr - BASE < CONFIG_KERNEL_VM_SIZE && size <= CONFIG_KERNEL_VM_SIZE - (addr - BASE);
}

static bool is_paged(uint32_t page)
{
	return model_page[page].kind == MODEL_PAGED;
}

/* The frame that holds the page alone, or QR_NO_INDEX. */
static uint32_t own_frame(uint32_t page)
{
	arch_page_t now = arch_page_get(qr_page_addr(page));
	uint32_t frame;

	if (!is_paged(page) || !(now & ARCH_DATA_PAGE_LOADED)) {
		return QR_NO_INDEX;
	}
	frame = qr_frame_of(arch_page_phys(now));
	return frame == qr_frame_table.zero ? QR_NO_INDEX : frame;
}

/* Does the page count against the promise? */
static bool is_charged(uint32_t page)
{
	arch_page_t now = arch_page_get(qr_page_addr(page));
	uint32_t frame = own_frame(page);

	if (now & ARCH_PAGE_RW) {
		return true;
	}
	if (frame != QR_NO_INDEX) {
		return !(qr_frames[frame] & QR_FRAME_BACKED) ||
		       !qr_location_image(qr_frame_location(qr_frames[frame]));
	}
	return (now & ARCH_DATA_PAGE_LOADED) ||
	       !qr_location_image(ARCH_TOKEN_VALUE(arch_page_token(now)));
}

/* Does emptying the page's frame need a slot that is not its own yet? */
static bool needs_slot(uint32_t page)
{
	uint32_t frame = own_frame(page);
	uint64_t word;

	if (frame == QR_NO_INDEX || model_page[page].pinned) {
		return false;
	}
	word = qr_frames[frame];
	return !(word & QR_FRAME_BACKED) ||
	       ((arch_page_get(qr_page_addr(page)) & ARCH_DATA_PAGE_DIRTY) &&
		!qr_location_owned(qr_frame_location(word)));
}

static uint32_t free_slots(void)
{
	return run.rig.slots - rig_store.reserved - rig_store.retired;
}

/* The same, and slots that pages in frames, but these, have for copies. */
static uint32_t slots_to_be_had(uint32_t first, uint32_t count)
{
	const uint32_t mask = QR_FRAME_MAPPED | QR_FRAME_BACKED;
	uint32_t slots = free_slots();

	for (uint32_t frame = 0; frame < qr_frame_table.count; frame++) {
		uint64_t word = qr_frames[frame];

		slots += (word & (mask | QR_FRAME_PINNED)) == mask &&
			 qr_location_owned(qr_frame_location(word)) &&
			 qr_frame_page(word) - first >= count;
	}
	return slots;
}

/* ---- choosing ------------------------------------------------------------------------ */

static bool one_in(uint32_t n)
{
	return random_below(n) == 0;
}

static uint32_t some_count(void)
{
	uint32_t kind = random_below(100);

	if (kind < 70) {
		return 1 + random_below(4);
	}
	if (kind < 90) {
		return 1 + random_below(run.rig.frames + run.rig.slots);
	}
	return 1 + random_below(kind < 98 ? 200 : 2 * MODEL_PAGES);
}

static uint32_t some_rights(void)
{
	static const uint32_t rights[] = {
		K_MEM_PERM_RW, K_MEM_PERM_RW, K_MEM_PERM_RW, K_MEM_PERM_RW | K_MEM_PERM_USER,
		0, K_MEM_PERM_USER, K_MEM_PERM_EXEC, K_MEM_PERM_EXEC | K_MEM_PERM_USER,
	};

	return one_in(50) ? random_below(0x40) : rights[random_below(COUNT(rights))];
}

/* Any but the scratch page, which is mapped when it happens to be in use. */
static uint32_t some_page(void)
{
	uint32_t kind = random_below(100);

	if (kind < 8) {
		return random_below(RIG_IMAGE_PAGES);
	}
	if (kind < 12 || live_count == 0) {
		return random_below(MODEL_PAGES - 1);
	}

	const struct mapping *mapping = &live[random_below(live_count)];

	if (kind < 18) {
		return (one_in(2) ? mapping->first - 1 : mapping->first + mapping->count) %
		       (MODEL_PAGES - 1);
	}
	return mapping->first + random_below(mapping->count < 8 || one_in(8) ? mapping->count : 8);
}

/* Part of a mapping, or a little more; now and then no range at all. */
static void some_range(uintptr_t *addr, size_t *size)
{
	uint32_t page = some_page();
	uint32_t count = some_count();

	if (live_count > 0 && !one_in(8)) {
		const struct mapping *mapping = &live[random_below(live_count)];
		uint32_t rest;

		page = mapping->first + random_below(mapping->count);
		rest = mapping->first + mapping->count - page;
		count = one_in(3) ? rest : 1 + random_below(rest);
	}
	*addr = BASE + page * RIG_PAGE;
	*size = count * RIG_PAGE;
	if (one_in(40)) {
		const uintptr_t odd[] = {0, 1, RIG_PAGE, -RIG_PAGE, UINTPTR_MAX, 8};

		*addr += odd[random_below(COUNT(odd))];
		*size += odd[random_below(COUNT(odd))];
	}
	if (one_in(200)) {
		*size = (size_t)0 - *addr + random_below(2) * RIG_PAGE;
	}
	if (*addr + *size == BASE + CONFIG_KERNEL_VM_SIZE) {
		*size += RIG_PAGE; /* not with the scratch page */
	}
	run.addr = *addr;
	run.size = *size;
}

/* ---- contexts ------------------------------------------------------------------------ */

static qr_port_key_t irq_key;
static int context;

/* A thread; where sleeping is forbidden; with `fault` also where interrupts are masked. */
static void context_enter(bool fault)
{
	context = one_in(8) ? 1 + (int)random_below(fault ? 3 : 1) : 0;
	if (context == 1) {
		strict_sleep_allow(false);
	} else if (context == 2) {
		strict_context_set(QR_PORT_ISR);
	} else if (context == 3) {
		irq_key = qr_port_irq_lock();
	}
}

static void context_leave(void)
{
	strict_sleep_allow(true);
	strict_context_set(QR_PORT_THREAD);
	if (context == 3) {
		qr_port_irq_unlock(irq_key);
	}
}

/* ---- accesses ------------------------------------------------------------------------ */

static int machine_access(uintptr_t addr, uint32_t access, uint64_t *word)
{
	int status;

	context_enter(true);
	if (access & K_MEM_FAULT_EXEC) {
		status = emu_exec(addr, access);
	} else if (access & K_MEM_FAULT_WRITE) {
		status = emu_write(addr, word, sizeof(*word), access);
	} else {
		status = emu_read(addr, word, sizeof(*word), access);
	}
	context_leave();
	return status;
}

static void touched(uint32_t page, uint32_t access)
{
	if ((access & K_MEM_FAULT_WRITE) && page < MODEL_PAGES) {
		run.untouched[page] = false;
	}
}

static void access_at(uintptr_t addr, uint32_t access)
{
	uint32_t page = (uint32_t)((addr - BASE) / RIG_PAGE);
	int wanted = model_access(addr, access);
	unsigned long faults = rig_stats().pagefaults.cnt;
	uint64_t value = random_state | 1, word = value, known;
	int got = machine_access(addr, access, &word);

	touched(page, access);
	if (excused(got, wanted)) {
		return;
	}
	if (got != wanted) {
		print_error("# page %u, access %u, entry %jx\n", page, access,
			    page < MODEL_PAGES ? (uintmax_t)arch_page_get(qr_page_addr(page)) : 0);
	}
	MUST_BE(got, wanted);
	if (got != 0) {
		return;
	}
	if (model_page[page].pinned && !run.rig.software_flags) {
		MUST(faults == rig_stats().pagefaults.cnt);
	}
	if (access & K_MEM_FAULT_WRITE) {
		model_put(addr, value);
	} else if (!(access & K_MEM_FAULT_EXEC) && model_get(addr, &known) && word != known) {
		print_error("# page %u word %zu: %jx, not %jx\n", page, addr % RIG_PAGE / 8,
			    (uintmax_t)word, (uintmax_t)known);
		MUST(word == known);
	}
}

static void op_access(void)
{
	static const uint32_t kinds[] = {0, 0, 0, K_MEM_FAULT_WRITE, K_MEM_FAULT_WRITE,
					 K_MEM_FAULT_EXEC};
	uintptr_t addr = BASE + some_page() * RIG_PAGE + (one_in(2) ? 0 : 8 * random_below(512));
	uint32_t access = kinds[random_below(COUNT(kinds))];

	if (one_in(200)) {
		addr = one_in(2) ? BASE - 8 : BASE + CONFIG_KERNEL_VM_SIZE + 8;
	}
	access_at(addr, access | (one_in(4) ? K_MEM_FAULT_USER : 0));
}

/* A fault that the CPU has no reason for. */
static void op_fault(void)
{
	uintptr_t addr = BASE + some_page() * RIG_PAGE + random_below(RIG_PAGE);
	uint32_t access = random_below(8);
	int wanted = model_access(addr, access);
	int got;

	if ((access & (K_MEM_FAULT_WRITE | K_MEM_FAULT_EXEC)) ==
	    (K_MEM_FAULT_WRITE | K_MEM_FAULT_EXEC)) {
		return;
	}
	context_enter(true);
	got = k_mem_page_fault((void *)addr, access);
	context_leave();
	touched((uint32_t)((addr - BASE) / RIG_PAGE), access);
	wanted = wanted == -ENXIO ? 0 : wanted;
	if (!excused(got, wanted)) {
		MUST_BE(got, wanted);
	}
}

/* Every word of a page, through the MMU and where a query says the page is. */
static void op_whole_page(void)
{
	uint32_t page = some_page();
	uintptr_t addr = BASE + page * RIG_PAGE, phys;
	uint64_t words[MODEL_WORDS], known;
	int wanted = model_access(addr, 0);
	int got = emu_page_read(addr, words, 0);

	if (excused(got, wanted)) {
		return;
	}
	MUST_BE(got, wanted);
	if (got != 0) {
		return;
	}
	MUST_BE(arch_page_phys_get((void *)(addr + 13), &phys), 0);
	MUST(memcmp(emu_phys(phys - 13), words, RIG_PAGE) == 0);
	for (uint32_t i = 0; i < MODEL_WORDS; i++) {
		if (model_get(addr + i * 8, &known)) {
			MUST(words[i] == known);
		}
	}
}

/* What another CPU does in the middle of the core's work: it reads and writes through what its
 * TLB still holds, and its walker sets bits. Its faults wait for the lock. */
static void bystand(const qr_entry_t *first, size_t count)
{
	static uint64_t rest; /* apart from the random numbers that choose operations */
	const struct mapping *mapping;
	uint64_t word = ++rest, known;
	uintptr_t addr;
	uint32_t page, index;

	(void)first;
	(void)count;
	index = live_count > 0 ? (uint32_t)(rest * 7 % live_count) : run.doomed;
	if (index == run.doomed || rest % 3 != 0) {
		return;
	}
	mapping = &live[index];
	page = mapping->first + (uint32_t)(rest * 11 % (mapping->count < 8 ? mapping->count : 8));
	addr = BASE + page * RIG_PAGE + rest % 4 * 8;
	if (rest % 2 == 0) {
		if (emu_read(addr, &word, sizeof(word), 0) == 0 && model_get(addr, &known)) {
			MUST(word == known);
		}
	} else if (emu_write(addr, &word, sizeof(word), 0) == 0) {
		model_put(addr, word);
		touched(page, K_MEM_FAULT_WRITE);
	}
}

/* ---- mapping ------------------------------------------------------------------------- */

static void live_add(uint8_t *addr, size_t size, bool device)
{
	uintptr_t start = (uintptr_t)addr & -RIG_PAGE;
	uintptr_t end = ((uintptr_t)addr + size + RIG_PAGE - 1) & -RIG_PAGE;

	live[live_count++] = (struct mapping){
		.first = (uint32_t)((start - BASE) / RIG_PAGE),
		.count = (uint32_t)((end - start) / RIG_PAGE),
		.addr = addr,
		.size = size,
		.device = device,
	};
}

static void mapped_region(void *addr, uint32_t count, uint32_t flags)
{
	uint32_t first = (uint32_t)(((uintptr_t)addr - BASE) / RIG_PAGE);

	MUST(model_is_free(first - 1, count + 2));
	model_region(first, count, flags & RIGHTS);
	for (uint32_t page = first; page < first + count; page++) {
		run.untouched[page] = (flags & K_MEM_MAP_UNINIT) != 0;
	}
	live_add(addr, count * RIG_PAGE, false);
}

static int anon_expected(size_t size, uint32_t flags)
{
	const uint32_t options = K_MEM_MAP_UNINIT | K_MEM_MAP_LOCK | K_MEM_MAP_UNPAGED;
	uint32_t count = (uint32_t)(size / RIG_PAGE);
	bool resident = (flags & K_MEM_MAP_LOCK) || !CONFIG_DEMAND_PAGING;

	if (size == 0 || size % RIG_PAGE != 0 || size > CONFIG_KERNEL_VM_SIZE ||
	    (flags & ~(RIGHTS | options)) || !rights_ok(flags) ||
	    ((flags & K_MEM_PERM_USER) && (flags & K_MEM_MAP_UNINIT)) ||
	    ((flags & K_MEM_MAP_LOCK) && (flags & K_MEM_MAP_UNPAGED))) {
		return -EINVAL;
	}
	if ((flags & K_MEM_MAP_UNPAGED) && !CONFIG_DEMAND_PAGING) {
		return -ENOTSUP;
	}
	if (!grants(resident ? 0 : count, resident ? count : 0)) {
		return -ENOMEM;
	}
	return model_has_room(count + 2) ? 0 : -ENOSPC;
}

static void op_map_anon(void)
{
	uint32_t count = some_count();
	uint32_t flags = some_rights() | (one_in(5) ? K_MEM_MAP_LOCK : 0) |
			 (one_in(5) ? K_MEM_MAP_UNINIT : 0) | (one_in(10) ? K_MEM_MAP_UNPAGED : 0);
	size_t size = count * RIG_PAGE;
	void *addr = &flags;
	int wanted, got;

	if (one_in(40)) {
		size = one_in(2) ? 0 : size + random_below(RIG_PAGE);
	}
	if (one_in(40)) {
		flags |= 1u << random_below(32);
	}
	wanted = anon_expected(size, flags);
	context_enter(false);
	got = k_mem_map_anon(&addr, size, flags);
	context_leave();
	if (excused(got, wanted)) {
		return;
	}
	MUST_BE(got, wanted);
	if (got != 0) {
		MUST(addr == &flags);
		return;
	}
	mapped_region(addr, count, flags);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t page = live[live_count - 1].first + i;

		model_page[page].pinned = (flags & K_MEM_MAP_LOCK) || !CONFIG_DEMAND_PAGING;
		if (flags & K_MEM_MAP_UNINIT) {
			model_forget(page);
		}
	}
}

static int stored_expected(uintptr_t location, size_t size, uint32_t flags, bool owned)
{
	uint32_t slot = (uint32_t)location & (K_MEM_SLOTS_MAX - 1u);
	uint32_t store = (uint32_t)(location >> K_MEM_LOCATION_SLOT_BITS);
	uint32_t slots = owned ? run.rig.slots : RIG_IMAGE_SLOTS;
	uint32_t count = (uint32_t)(size / RIG_PAGE);

	if (!CONFIG_DEMAND_PAGING) {
		return -ENOTSUP;
	}
	if (size == 0 || size % RIG_PAGE != 0 || (flags & ~RIGHTS) || !rights_ok(flags) ||
	    store >= qr_store_table.count || slot >= slots || count > slots - slot) {
		return -EINVAL;
	}
	if (!grants(owned || (flags & K_MEM_PERM_RW) ? count : 0, 0)) {
		return -ENOMEM;
	}
	return model_has_room(count + 2) ? 0 : -ENOSPC;
}

static void op_map_image(void)
{
	uint32_t index = run.rig.slots > 0 ? RIG_STORE_IMAGE : 0;
	uint32_t slot = random_below(RIG_IMAGE_SLOTS + 2);
	uint32_t count = 1 + random_below(one_in(10) ? 70 : 6);
	uint32_t flags = some_rights();
	size_t size = count * RIG_PAGE + (one_in(50) ? 17 : 0);
	uintptr_t location = K_MEM_LOCATION(one_in(30) ? index + 1 + random_below(7) : index, slot);
	int wanted = stored_expected(location, size, flags, false);
	void *addr = NULL;

	context_enter(false);
	MUST_BE(k_mem_map_stored(&addr, location, size, flags), wanted);
	context_leave();
	if (wanted != 0) {
		return;
	}
	mapped_region(addr, count, flags);
	for (uint32_t i = 0; i < count; i++) {
		model_fill(live[live_count - 1].first + i, rig_image_word(slot + i));
	}
}

static void io_done(struct k_mem_io *io, int status)
{
	(void)io;
	(void)status;
	fail_msg("a transfer of the test was late");
}

/* Take a slot of the paging store, as a caller of k_mem_map_stored does, and fill it with a
 * page of physical memory. */
static uint32_t slot_prepare(uint32_t device_page)
{
	const struct k_mem_store *store = &qr_store_table.store[RIG_STORE_PAGING];
	uintptr_t phys = RIG_DEVICE_PHYS + device_page * RIG_PAGE;
	struct k_mem_io io = {.op = K_MEM_IO_WRITE, .page_count = 1, .frames = &phys,
			      .done = io_done};
	qr_port_key_t key = qr_port_lock();

	MUST_BE(store->ops->reserve(store->context, &io.slot), 0);
	qr_port_unlock(key);
	MUST_BE(store->ops->submit(store->context, &io), 0);
	return io.slot;
}

static void slots_release(uint32_t slot, uint32_t count)
{
	const struct k_mem_store *store = &qr_store_table.store[RIG_STORE_PAGING];
	qr_port_key_t key = qr_port_lock();

	for (uint32_t i = 0; i < count; i++) {
		store->ops->release(store->context, slot + i);
	}
	qr_port_unlock(key);
}

/* Up to so many slots beside each other, filled with these pages of physical memory, which nobody
 * writes to meanwhile. Returns how many. */
static uint32_t slots_prepare(uint32_t device_page, uint32_t most, uint32_t *slot)
{
	void (*hook)(const qr_entry_t *first, size_t count) = emu_publish_hook;
	unsigned int late = rig_store.late, room = rig_store.room;
	bool failing = run.failing;
	uint32_t count = 1;

	emu_publish_hook = NULL;
	rig_store.late = rig_store.room = 0;
	run.failing = false;
	*slot = slot_prepare(device_page);
	while (count < most && free_slots() > 0 && one_in(2)) {
		uint32_t next = slot_prepare(device_page + count);

		if (next != *slot + count) {
			slots_release(next, 1);
			break;
		}
		count++;
	}
	run.failing = failing;
	rig_store.late = late;
	rig_store.room = room;
	emu_publish_hook = hook;
	return count;
}

#define SLOTS_AT_ONCE 4u

static void op_map_slots(void)
{
	static uint64_t words[SLOTS_AT_ONCE * MODEL_WORDS]; /* that the slots were filled with */
	uint32_t device_page = random_below(DEVICE_BYTES / RIG_PAGE - SLOTS_AT_ONCE);
	uint32_t flags = some_rights();
	uint32_t slot, count;
	uintptr_t location;
	void *addr = NULL;
	int wanted;

	if (free_slots() == 0 || !CONFIG_DEMAND_PAGING) {
		return;
	}
	count = slots_prepare(device_page, SLOTS_AT_ONCE, &slot);
	/* now: from here on others may write to the device, but not to the slots */
	memcpy(words, emu_phys(RIG_DEVICE_PHYS + device_page * RIG_PAGE), count * RIG_PAGE);
	location = K_MEM_LOCATION(RIG_STORE_PAGING, slot);
	wanted = stored_expected(location, count * RIG_PAGE, flags, true);
	MUST_BE(k_mem_map_stored(&addr, location, count * RIG_PAGE, flags), wanted);
	if (wanted != 0) {
		slots_release(slot, count);
		return;
	}
	mapped_region(addr, count, flags);
	for (uint32_t i = 0; i < count * MODEL_WORDS; i++) {
		model_put((uintptr_t)addr + 8 * i, words[i]);
	}
}

/* Which content of the model a physical page has. */
static uint32_t phys_content(uint64_t phys)
{
	if (phys - rig_image_phys < 3 * RIG_PAGE) {
		return (uint32_t)(MODEL_PAGES + (phys - rig_image_phys) / RIG_PAGE);
	}
	if (run.rig.ram == RIG_RAM_LOW && phys < RIG_LOW_PHYS) {
		return (uint32_t)(MODEL_PAGES + LOW_DEVICE + phys / RIG_PAGE);
	}
	if (phys - RIG_DEVICE_PHYS < DEVICE_BYTES) {
		return (uint32_t)(MODEL_PAGES + 3 + (phys - RIG_DEVICE_PHYS) / RIG_PAGE);
	}
	return MODEL_NOWHERE;
}

/* Is some page of the range a frame that the core hands out, or its page of zeros? */
static bool touches_pool(uint64_t phys, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t frame = qr_frame_of(phys + i * RIG_PAGE);

		if (frame != QR_NO_INDEX &&
		    (!(qr_frames[frame] & QR_FRAME_RESERVED) || frame == qr_frame_table.zero)) {
			return true;
		}
	}
	return false;
}

static int device_expected(uintptr_t phys, size_t size, uint32_t flags)
{
	uint64_t start = phys & -(uint64_t)RIG_PAGE;
	uint64_t pages = (phys % RIG_PAGE + size + RIG_PAGE - 1) / RIG_PAGE;

	if (size == 0 || size > CONFIG_KERNEL_VM_SIZE || phys + size - 1 < phys ||
	    (flags & ~(RIGHTS | K_MEM_CACHE_MASK | K_MEM_DIRECT_MAP)) || !rights_ok(flags) ||
	    (flags & K_MEM_CACHE_MASK) > K_MEM_CACHE_NONE || start >= arch_phys_end() ||
	    pages * RIG_PAGE > arch_phys_end() - start) {
		return -EINVAL;
	}
	if (touches_pool(start, (uint32_t)pages)) {
		return -EBUSY;
	}
	if (flags & K_MEM_DIRECT_MAP) {
		if (start < BASE || start - BASE >= CONFIG_KERNEL_VM_SIZE ||
		    pages * RIG_PAGE > CONFIG_KERNEL_VM_SIZE - (start - BASE)) {
			return -EINVAL;
		}
		return model_is_free((uint32_t)((start - BASE) / RIG_PAGE), (uint32_t)pages)
			       ? 0
			       : -EBUSY;
	}
	return model_has_room((uint32_t)pages) ? 0 : -ENOSPC;
}

static uintptr_t some_phys(void)
{
	const uintptr_t odd = one_in(2) ? 0 : random_below(RIG_PAGE);

	switch (random_below(16)) {
	case 0:
		return rig_phys + random_below(RIG_PAGE * (run.rig.frames + 6)) + odd;
	case 1:
		return rig_image_phys + RIG_PAGE * random_below(3) + odd;
	case 2:
		return (uintptr_t)0xfee00000u + odd;
	case 3:
		return (one_in(2) ? (uintptr_t)arch_phys_end() - 2 * RIG_PAGE : UINTPTR_MAX) - odd;
	case 4:
		return RIG_DEVICE_PHYS + 0x200000u * random_below(3);
	case 5:
		return RIG_PAGE * random_below(RIG_LOW_PHYS / RIG_PAGE) + odd;
	default:
		return RIG_DEVICE_PHYS + RIG_PAGE * random_below(DEVICE_BYTES / RIG_PAGE) + odd;
	}
}

static size_t some_size(void)
{
	switch (random_below(16)) {
	case 0:
		return random_below(0x400000);
	case 1:
		return 0x200000u * (1 + random_below(2)) + RIG_PAGE * random_below(3);
	case 2:
		return one_in(4) ? 0 : random_below(RIG_PAGE);
	default:
		return 1 + random_below(5 * RIG_PAGE);
	}
}

static void op_map_device(void)
{
	uintptr_t phys = some_phys(), seen;
	size_t size = some_size();
	uint32_t flags = some_rights() | (one_in(4) ? random_below(8) : 0) |
			 (one_in(4) ? K_MEM_DIRECT_MAP : 0);
	int wanted = device_expected(phys, size, flags);
	uint8_t *virt = NULL;
	const struct mapping *mapping;

	context_enter(false);
	MUST_BE(k_mem_map_phys_bare(&virt, phys, size, flags), wanted);
	context_leave();
	if (wanted != 0) {
		MUST(virt == NULL);
		return;
	}
	live_add(virt, size, true);
	mapping = &live[live_count - 1];
	MUST(model_is_free(mapping->first, mapping->count));
	MUST((uintptr_t)virt % RIG_PAGE == phys % RIG_PAGE);
	MUST(!(flags & K_MEM_DIRECT_MAP) || (uintptr_t)virt == phys);
	model_map(mapping->first, mapping->count, MODEL_DEVICE, flags & RIGHTS, MODEL_NOWHERE);
	for (uint32_t i = 0; i < mapping->count; i++) {
		model_page[mapping->first + i].content =
			phys_content((phys & -RIG_PAGE) + i * RIG_PAGE);
	}
	MUST_BE(arch_page_phys_get(virt + size - 1, &seen), 0);
	MUST(seen == phys + size - 1);
}

/* ---- unmapping ----------------------------------------------------------------------- */

static void unmapped(uint32_t index)
{
	const struct mapping *mapping = &live[index];

	if (mapping->device) {
		model_unmap(mapping->first, mapping->count);
	} else {
		model_unmap(mapping->first - 1, mapping->count + 2);
	}
	live[index] = live[--live_count];
}

/* The mapping that starts behind this one, or live_count. */
static uint32_t neighbour(uint32_t index)
{
	uint32_t other = 0;

	while (other < live_count && (!live[other].device || !live[index].device ||
				      live[other].first != live[index].first + live[index].count)) {
		other++;
	}
	return other;
}

static void unmap(uint32_t index)
{
	struct mapping mapping = live[index];
	uint32_t other = neighbour(index);

	run.doomed = index;
	if (!mapping.device) {
		MUST_BE(k_mem_unmap(mapping.addr, mapping.size), 0);
	} else if (other < live_count && one_in(2)) {
		uint8_t *end = live[other].addr + live[other].size;

		MUST_BE(k_mem_unmap_phys_bare(mapping.addr, (size_t)(end - mapping.addr)), 0);
		unmapped(other > index ? other : index);
		unmapped(other > index ? index : other);
		run.doomed = LIVE_MAX;
		return;
	} else {
		MUST_BE(k_mem_unmap_phys_bare(mapping.addr, mapping.size), 0);
	}
	unmapped(index);
	run.doomed = LIVE_MAX;
}

static void op_unmap(void)
{
	if (live_count > 0) {
		context_enter(false);
		unmap(random_below(live_count));
		context_leave();
	}
}

/* Nearly right, or anything: whatever is not a mapping must be refused. */
static void op_unmap_wrong(void)
{
	uintptr_t addr;
	size_t size;
	uint32_t first, count;

	some_range(&addr, &size);
	if (live_count > 0 && one_in(2)) {
		const struct mapping *mapping = &live[random_below(live_count)];

		addr = (uintptr_t)mapping->addr + (random_below(3) - 1) * RIG_PAGE;
		size = mapping->size + (random_below(3) - 1) * RIG_PAGE;
	}
	if (!range_ok(addr, size, &first, &count) || !model_is_region(first, count)) {
		MUST_BE(k_mem_unmap((void *)addr, size), -EINVAL);
	}
	size += addr % RIG_PAGE;
	addr &= -RIG_PAGE;
	size = (size + RIG_PAGE - 1) & -RIG_PAGE;
	if (!range_ok(addr, size, &first, &count) || !model_is_device_run(first, count)) {
		MUST_BE(k_mem_unmap_phys_bare((uint8_t *)addr, size), -EINVAL);
	}
}

/* ---- rights -------------------------------------------------------------------------- */

static int flags_expected(uint32_t first, uint32_t count, uint32_t flags)
{
	uint32_t extra = 0;

	if ((flags & ~(RIGHTS | K_MEM_CACHE_MASK)) || !rights_ok(flags) ||
	    (flags & K_MEM_CACHE_MASK) > K_MEM_CACHE_NONE || !model_is_mapped(first, count)) {
		return -EINVAL;
	}
	for (uint32_t page = first; page < first + count; page++) {
		/* the image keeps its cache mode, which is the same */
		if ((is_paged(page) || model_page[page].kind == MODEL_IMAGE) &&
		    (flags & K_MEM_CACHE_MASK)) {
			return -EINVAL;
		}
		if (!is_paged(page)) {
			continue;
		}
		extra += (flags & K_MEM_PERM_RW) && !model_page[page].pinned && !is_charged(page);
	}
	return grants(extra, 0) ? 0 : -ENOMEM;
}

static void op_flags(void)
{
	uint32_t flags = some_rights() | (one_in(8) ? random_below(8) : 0);
	uint32_t first, count;
	uintptr_t addr;
	size_t size;
	int wanted;

	some_range(&addr, &size);
	wanted = range_ok(addr, size, &first, &count) ? flags_expected(first, count, flags)
						      : -EINVAL;
	if (wanted == 0 && first < RIG_IMAGE_PAGES && !run.image_writes &&
	    (flags & K_MEM_PERM_RW)) {
		return;
	}
	context_enter(false);
	MUST_BE(k_mem_update_flags((void *)addr, size, flags), wanted);
	context_leave();
	for (uint32_t i = 0; wanted == 0 && i < count; i++) {
		model_page[first + i].rights = flags & RIGHTS;
		if (run.untouched[first + i] && (flags & K_MEM_PERM_USER)) {
			model_fill(first + i, 0);
			run.untouched[first + i] = false;
		}
	}
}

/* ---- moving -------------------------------------------------------------------------- */

static int range_status(uintptr_t addr, size_t size, uint32_t *first, uint32_t *count)
{
	if (!range_ok(addr, size, first, count)) {
		return -EINVAL;
	}
	return model_is_mapped(*first, *count) ? 0 : -EFAULT;
}

static void op_page_out(void)
{
	uint32_t first, count, slots = 0;
	uintptr_t addr;
	size_t size;
	int wanted, got;

	some_range(&addr, &size);
	wanted = range_status(addr, size, &first, &count);
	for (uint32_t i = 0; wanted == 0 && i < count; i++) {
		slots += needs_slot(first + i);
	}
	if (slots > slots_to_be_had(first, count)) {
		wanted = -ENOMEM;
	}
	context_enter(false);
	got = k_mem_page_out((void *)addr, size);
	context_leave();
	/* what was clean when it was counted may have been written to by the other CPU */
	if (excused(got, wanted) || (run.bystander && wanted == 0 && got == -ENOMEM)) {
		return;
	}
	MUST_BE(got, wanted);
	for (uint32_t i = 0; got == 0 && i < count; i++) {
		MUST(own_frame(first + i) == QR_NO_INDEX || model_page[first + i].pinned);
	}
}

static void op_page_in(void)
{
	uint32_t first, count, missing = 0;
	uintptr_t addr;
	size_t size;
	int wanted, got;

	some_range(&addr, &size);
	wanted = range_status(addr, size, &first, &count);
	for (uint32_t i = 0; wanted == 0 && i < count; i++) {
		missing += !(arch_page_get(qr_page_addr(first + i)) & ARCH_DATA_PAGE_LOADED);
	}
	if (missing > run.rig.frames - qr_charge.pinned) {
		wanted = -ENOMEM;
	}
	context_enter(false);
	got = k_mem_page_in((void *)addr, size);
	context_leave();
	if (!excused(got, wanted)) {
		MUST_BE(got, wanted);
	}
}

static void op_pin(void)
{
	uint32_t first, count, pages = 0, charged = 0;
	uintptr_t addr;
	size_t size;
	int wanted, got;

	some_range(&addr, &size);
	wanted = range_status(addr, size, &first, &count);
	for (uint32_t i = 0; wanted == 0 && i < count; i++) {
		if (is_paged(first + i) && !model_page[first + i].pinned) {
			pages++;
			charged += is_charged(first + i);
		}
	}
	if (wanted == 0 && !grants_more(pages - charged, pages)) {
		wanted = -ENOMEM;
	}
	context_enter(false);
	got = k_mem_pin((void *)addr, size);
	context_leave();
	if (excused(got, wanted)) {
		return;
	}
	MUST_BE(got, wanted);
	for (uint32_t i = 0; got == 0 && i < count; i++) {
		model_page[first + i].pinned = is_paged(first + i);
	}
}

static void op_unpin(void)
{
	uint32_t first, count;
	uintptr_t addr;
	size_t size;
	int wanted;

	some_range(&addr, &size);
	wanted = range_status(addr, size, &first, &count);
	MUST_BE(k_mem_unpin((void *)addr, size), wanted);
	for (uint32_t i = 0; wanted == 0 && i < count && CONFIG_DEMAND_PAGING; i++) {
		model_page[first + i].pinned = false;
	}
}

static void op_evict(void)
{
	uint32_t frame = random_below(qr_frame_table.count);
	uint64_t word = qr_frames[frame];
	uintptr_t phys = (uintptr_t)qr_frame_phys(frame);
	int wanted = 0, got;

	if (one_in(20)) {
		phys += one_in(2) ? 8 : 0x70000000u;
		wanted = -EINVAL;
	} else if (word & (QR_FRAME_PINNED | QR_FRAME_RESERVED)) {
		wanted = -EBUSY;
	} else if (!(word & QR_FRAME_FREE) &&
		   slots_to_be_had(qr_frame_page(word), 1) == 0 &&
		   needs_slot(qr_frame_page(word))) {
		wanted = -ENOMEM;
	}
	context_enter(false);
	got = k_mem_page_frame_evict(phys);
	context_leave();
	if (excused(got, wanted)) {
		return;
	}
	MUST_BE(got, wanted);
	MUST(got != 0 || (qr_frames[frame] & QR_FRAME_FREE));
}

/* ---- looking ------------------------------------------------------------------------- */

static void op_query(void)
{
	uint32_t page = some_page();
	uintptr_t location = 0, phys = 0;
	void *addr = qr_page_addr(page);
	enum arch_page_location where = arch_page_location_get(addr, &location);
	uint32_t info = arch_page_info_get(addr, NULL, one_in(2));
	int status = arch_page_phys_get(addr, &phys);

	MUST((where == ARCH_PAGE_LOCATION_BAD) == !model_is_mapped(page, 1));
	MUST((where == ARCH_PAGE_LOCATION_PAGED_IN) == (status == 0));
	MUST(status != 0 || phys == location);
	MUST(((info & ARCH_DATA_PAGE_NOT_MAPPED) != 0) == (where == ARCH_PAGE_LOCATION_BAD));
	MUST(((info & ARCH_DATA_PAGE_LOADED) != 0) == (status == 0));
}

static void op_look(void)
{
	char map[CONFIG_MEM_FRAMES_MAX];
	size_t count = k_mem_page_frames_map(0, map, sizeof(map)), free = 0;
	size_t aside = qr_frame_table.aside;

	for (size_t i = 0; i < count; i++) {
		free += map[i] == '.';
	}
	MUST(count == qr_frame_table.count && free == qr_frame_table.free_count + aside);
	k_mem_page_frames_dump();
	k_mem_paging_tick();
}

static void check(void)
{
	const char *wrong = audit();

	if (wrong != NULL) {
		print_error("# %s\n", wrong);
		MUST(wrong == NULL);
	}
	for (uint32_t page = 0; page < MODEL_PAGES - 1; page++) {
		const struct model_page *model = &model_page[page];
		arch_page_t now = arch_page_get(qr_page_addr(page));
		uint32_t rights = ((now & ARCH_PAGE_RW) ? K_MEM_PERM_RW : 0) |
				  ((now & ARCH_PAGE_EXEC) ? K_MEM_PERM_EXEC : 0) |
				  ((now & ARCH_PAGE_USER) ? K_MEM_PERM_USER : 0);
		uint32_t frame = own_frame(page);

		MUST(((now & ARCH_DATA_PAGE_NOT_MAPPED) != 0) == (model->kind == MODEL_FREE));
		MUST(qr_page_is_guard(now) == (model->kind == MODEL_GUARD));
		if (model->kind >= MODEL_PAGED) {
			if (rights != model->rights) {
				print_error("# page %u: entry %jx, model %x, kind %d\n", page,
					    (uintmax_t)now, model->rights, model->kind);
			}
			MUST(rights == model->rights);
			MUST(((now & ARCH_PAGE_LAST) != 0) == model->last);
		}
		MUST(model->pinned ==
		     (frame != QR_NO_INDEX && (qr_frames[frame] & QR_FRAME_PINNED)));
	}
}

/* ---- rounds -------------------------------------------------------------------------- */

static const struct {
	void (*op)(void);
	uint32_t weight;
} menu[] = {
	{op_access, 600}, {op_fault, 20}, {op_whole_page, 20}, {op_map_anon, 50},
	{op_map_image, 20}, {op_map_slots, 15}, {op_map_device, 30}, {op_unmap, 70},
	{op_unmap_wrong, 30}, {op_flags, 50}, {op_page_out, 30}, {op_page_in, 30},
	{op_pin, 20}, {op_unpin, 30}, {op_evict, 20}, {op_query, 20}, {op_look, 3}, {check, 4},
};

static void operate(void)
{
	const uint32_t i = RANDOM_OF(menu);

	run.op++;
	run.failures = rig_store.failures + rig_image_store.failures;
	if (live_count < LIVE_MAX - 1 || menu[i].op == op_access || menu[i].op == op_unmap) {
		menu[i].op();
	} else {
		op_unmap();
	}
	MUST(emu_errors() == 0 && !strict_locked());
}

static int verdict(void *argument, const struct k_mem_io *io)
{
	(void)argument;
	return run.failing && one_in(io->op == K_MEM_IO_READ ? 30 : 200) ? -EIO : 0;
}

static void stores_shuffle(void)
{
	struct strict_store *stores[] = {&rig_store, &rig_image_store};

	for (size_t i = 0; i < COUNT(stores); i++) {
		stores[i]->late = one_in(2) ? 0 : random_below(4);
		stores[i]->room = one_in(2) ? 0 : 1 + random_below(3);
		stores[i]->backwards = one_in(2);
		stores[i]->verdict = verdict;
	}
	strict_wake_early_set(one_in(2) ? 0 : 2 + random_below(3));
}

static void round_start(void)
{
	static const struct k_mem_policy *const policies[] = {
		&k_mem_policy_clock, &k_mem_policy_hazard, &k_mem_policy_nru,
		&k_mem_policy_lru};

	uint32_t frames = one_in(4) ? 1 + random_below(8) : 8 + random_below(57);

	run.rig = (struct rig){
		.frames = frames,
		.slots = one_in(4) ? random_below(3) : 1 + random_below(one_in(2) ? 16 : 400),
		.policy = policies[random_below(COUNT(policies))],
		.second_bank = frames >= 8 && one_in(3),
		.ram = RIG_RAM(random_below(RIG_RAM_COUNT)),
		.request_cost = one_in(2) ? 4 * 256 : 0,
		.software_flags = one_in(3),
		.copies = one_in(3),
		.device_bytes = DEVICE_BYTES,
	};
	run.failing = one_in(4);
	run.image_writes = one_in(4);
	run.bystander = one_in(3);
	run.doomed = LIVE_MAX;
	live_count = 0;
	rig_start(&run.rig);
	model_reset(JUNK);
	model_map(0, 1, MODEL_IMAGE, K_MEM_PERM_EXEC, MODEL_PAGES);
	model_map(1, 1, MODEL_IMAGE, 0, MODEL_PAGES + 1);
	model_map(2, 1, MODEL_IMAGE, K_MEM_PERM_RW, MODEL_PAGES + 2);
	if (CONFIG_DEMAND_PAGING) {
		model_map(3, RIG_DEMAND_PAGES, MODEL_PAGED, K_MEM_PERM_EXEC, 3);
		for (uint32_t i = 0; i < RIG_DEMAND_PAGES; i++) {
			model_fill(3 + i, rig_image_word(i));
		}
	}
	model_page[MODEL_PAGES - 1].kind = MODEL_TAKEN;
	if (run.bystander) {
		emu_publish_hook = bystand;
	}
}

static void round_end(struct rig_counts before)
{
	run.failing = false;
	emu_publish_hook = NULL;
	while (live_count > 0) {
		unmap(random_below(live_count));
	}
	check();
	if (run.image_writes) {
		return; /* changed pages of the image stay charged, and keep slots */
	}
	if (CONFIG_DEMAND_PAGING) {
		MUST_BE(k_mem_unpin((void *)RIG_DEMAND, RIG_DEMAND_PAGES * RIG_PAGE), 0);
		MUST_BE(k_mem_page_out((void *)RIG_DEMAND, RIG_DEMAND_PAGES * RIG_PAGE), 0);
	}
	before.slots_retired = rig_store.retired;
	rig_counts_equal(before, rig_counts());
	rig_check();
}

static void on_abort(int number)
{
	(void)number;
	fprintf(stderr, "# round %u, operation %lu, RAM at %#jx\n", run.round, run.op,
		(uintmax_t)rig_phys);
	fflush(stdout);
	_exit(1);
}

static void test_model(void **state)
{
	const char *text = getenv("OPS");
	unsigned long ops = text != NULL ? strtoul(text, NULL, 0) : OPS_DEFAULT;

	(void)state;
	random_start();
	printf("# OPS=%lu\n", ops);
	fflush(stdout);
	signal(SIGABRT, on_abort);
	while (run.op < ops) {
		unsigned long end = run.op + ROUND_OPS;
		struct rig_counts before;

		run.round++;
		round_start();
		before = rig_counts();
		while (run.op < end) {
			if (run.op % 64 == 0) {
				stores_shuffle();
			}
			operate();
		}
		round_end(before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
