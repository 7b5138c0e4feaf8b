/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fibers.c - many threads on one core, switched at random wherever a kernel could
 * (fiber.h), with device interrupts and faults in interrupt handlers in between. What each
 * access finds is checked against the model of tests/core; where several threads change the
 * same pages at the same time, what may be found is what one of the orders gives.
 *
 * A round has its own number of frames and slots and behaviour of the stores. In a *wild*
 * round threads change rights and pins of memory that others unmap: a mistake of the caller,
 * of which the core has to survive everything but may choose what happens. SEED= and OPS=
 * as in tests/core/test_model.c.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <tests/core/rig.h>

#include <tests/unit/parts_help.h>

#include <mm/charge.h>
#include <mm/frame.h>
#include <mm/store.h>
#include <tests/core/audit.h>
#include <tests/core/model.h>
#include <tests/core/rig_compressed.h>

#include "fiber.h"

#define OPS_DEFAULT  120000u
#define ROUND_OPS    2000u
#define FIBERS       6u
#define LIVE_MAX     24u
#define DEVICE_BYTES 0x400000u
#define LOW_PAGES    ((uint32_t)(RIG_LOW_PHYS / RIG_PAGE)) /* of the device at 0 */
#define JUNK         0x5a5a5a5a5a5a5a5au
#define BASE         ((uintptr_t)CONFIG_KERNEL_VM_BASE)

struct mapping {
	uint32_t first;
	uint32_t count;
	uint32_t id;
	bool device;
	bool changing; /* some fiber changes its rights or pins */
};

static struct mapping live[LIVE_MAX];
static uint32_t live_count, live_coming;

/* What is known of a page beside the model. */
static struct {
	uint32_t version;  /* changes whenever something about the mapping does */
	uint32_t changing; /* calls under way that change its rights */
	uint32_t dying;    /* the mapping that is being unmapped here; the model says TAKEN */
	uint64_t stray;    /* when something was written here while the model knew no mapping */
} side[MODEL_PAGES];

static struct {
	struct rig rig;
	bool failing;
	bool wild;
	unsigned long op;
	unsigned long end;
	unsigned int round;
	uint64_t clock;
	uint32_t last_id;
	/* by compressed stores, in all rounds */
	unsigned long kept, passed, spilled, spill_errors;
} run;

static void told(const char *what, int line)
{
	fprintf(stderr, "# round %u, operation %lu, line %d: %s\n", run.round, run.op, line, what);
	fprintf(stderr,
		"# %u frames at %#jx, %u slots, %u retired, %s%s%s%s; charged %u and %u\n",
		run.rig.frames, (uintmax_t)rig_phys, run.rig.slots, rig_store.retired,
		run.rig.policy->name,
		run.rig.compressed ? ", compressed" : "", run.failing ? ", failing" : "",
		run.wild ? ", wild" : "", qr_charge.pageable, qr_charge.pinned);
	fflush(NULL);
	_exit(1); /* there is no way back from a fiber */
}

#define MUST(condition) ((condition) ? (void)0 : told(#condition, __LINE__))

static bool one_in(uint32_t n)
{
	return random_below(n) == 0;
}

/* ---- results ------------------------------------------------------------------------- */

/* May a call end with this, although nothing forbids it? */
static bool excused(int status, bool may_sleep)
{
	if (status == -EIO) {
		return run.failing;
	}
	/* who may not sleep gives up, some time; lost slots were promised to somebody; and so was
	 * what a page needs that was mapped anew while its rights were being changed */
	return status == -ENOMEM && (!may_sleep || rig_slots_lost() > 0 || run.wild);
}

/* ---- accesses ------------------------------------------------------------------------ */

static void accessed(uintptr_t addr, uint32_t access, uint64_t value, uint64_t word)
{
	uint32_t page = (uint32_t)((addr - BASE) / RIG_PAGE);
	bool known_mapping = model_page[page].kind >= MODEL_PAGED;
	uint64_t known;

	if (access & K_MEM_FAULT_WRITE) {
		if (known_mapping) {
			model_put(addr, value);
			return;
		}
		side[page].stray = ++run.clock;
		if (model_page[page].content != 0) {
			model_forget(model_page[page].content);
		}
	} else if (!(access & K_MEM_FAULT_EXEC) && known_mapping && model_get(addr, &known) &&
		   word != known) {
		fprintf(stderr, "# page %u word %zu: %jx, not %jx\n", page, addr % RIG_PAGE / 8,
			(uintmax_t)word, (uintmax_t)known);
		MUST(word == known);
	}
}

/* A fault ends the access, so that whoever is slow tries again and not the machine for it. */
#define TRY_AGAIN 1000

static int on_fault(const struct qr_fault *fault)
{
	int status = k_mem_page_fault(fault->address, fault->access);

	return status == 0 ? TRY_AGAIN : status;
}

static int machine_access(uintptr_t addr, uint32_t access, uint64_t *word)
{
	int status = TRY_AGAIN;

	for (unsigned int tries = 0; tries < 1000 && status == TRY_AGAIN; tries++) {
		if (access & K_MEM_FAULT_EXEC) {
			status = emu_exec(addr, access);
		} else if (access & K_MEM_FAULT_WRITE) {
			status = emu_write(addr, word, sizeof(*word), access);
		} else {
			status = emu_read(addr, word, sizeof(*word), access);
		}
	}
	return status;
}

static void access_at(uintptr_t addr, uint32_t access, bool may_sleep)
{
	uint32_t page = (uint32_t)((addr - BASE) / RIG_PAGE);
	uint32_t version = side[page].version;
	bool exact = side[page].changing == 0 && !run.wild;
	uint64_t value = random_state | 1, word = value;
	int got = machine_access(addr, access, &word);
	int wanted;

	wanted = model_access(addr, access);
	exact = exact && side[page].changing == 0 && side[page].version == version &&
		model_page[page].kind != MODEL_TAKEN;
	if (got != wanted && !excused(got, may_sleep) &&
	    (exact || (got != 0 && got != -EFAULT && got != -EACCES))) {
		fprintf(stderr, "# page %u, access %u: %d, not %d\n", page, access, got, wanted);
		MUST(got == wanted);
	}
	if (got == 0) {
		accessed(addr, access, value, word);
	}
}

static uint32_t some_page(void)
{
	if (live_count == 0 || one_in(12)) {
		return random_below(RIG_IMAGE_PAGES);
	}

	const struct mapping *mapping = &live[random_below(live_count)];

	if (!mapping->device && one_in(20)) {
		return one_in(2) ? mapping->first - 1 : mapping->first + mapping->count;
	}
	return mapping->first + random_below(mapping->count);
}

static void some_access(bool may_sleep)
{
	static const uint32_t kinds[] = {0, 0, 0, K_MEM_FAULT_WRITE, K_MEM_FAULT_WRITE,
					 K_MEM_FAULT_WRITE, K_MEM_FAULT_EXEC};
	uintptr_t addr = BASE + some_page() * RIG_PAGE + 8 * (one_in(2) ? 0 : random_below(512));

	access_at(addr, kinds[random_below(COUNT(kinds))] | (one_in(4) ? K_MEM_FAULT_USER : 0),
		  may_sleep);
}

static void op_access(void)
{
	bool hold = one_in(16);

	fibers_hold(hold);
	some_access(!hold);
	fibers_hold(false);
}

static void on_interrupt(void)
{
	if (run.op < run.end) {
		some_access(false);
	}
}

/* ---- mapping ------------------------------------------------------------------------- */

static uint32_t some_rights(void)
{
	static const uint32_t rights[] = {K_MEM_PERM_RW, K_MEM_PERM_RW, K_MEM_PERM_RW,
					  K_MEM_PERM_RW | K_MEM_PERM_USER, 0, K_MEM_PERM_EXEC};

	return rights[random_below(COUNT(rights))];
}

/* A call that began at `start` has mapped these pages. What was written to them before we
 * know of the mapping is not known; nor, in a wild round, what pins and rights it has. */
static void registered(uint32_t first, uint32_t count, bool device, uint64_t start)
{
	for (uint32_t page = first; page < first + count; page++) {
		side[page].version++;
		side[page].dying = 0;
		if (side[page].stray > start && model_page[page].content != MODEL_NOWHERE) {
			model_forget(model_page[page].content);
		}
	}
	live[live_count++] = (struct mapping){
		.first = first, .count = count, .id = ++run.last_id, .device = device};
}

static void must_be_free(uint32_t first, uint32_t count)
{
	for (uint32_t page = first; page < first + count; page++) {
		MUST(model_page[page].kind == MODEL_FREE || side[page].dying != 0);
	}
}

static void region_registered(void *addr, uint32_t count, uint32_t flags, uint64_t start)
{
	uint32_t first = (uint32_t)(((uintptr_t)addr - BASE) / RIG_PAGE);

	must_be_free(first - 1, count + 2);
	model_region(first, count, flags & (K_MEM_PERM_RW | K_MEM_PERM_EXEC | K_MEM_PERM_USER));
	side[first - 1].dying = side[first + count].dying = 0;
	side[first - 1].version++;
	side[first + count].version++;
	registered(first, count, false, start);
}

static void op_map_anon(void)
{
	uint32_t count = one_in(4) ? 1 + random_below(run.rig.frames + 4) : 1 + random_below(4);
	bool lock = one_in(6);
	uint32_t flags = some_rights() | (lock ? K_MEM_MAP_LOCK : 0);
	uint64_t start = ++run.clock;
	void *addr;
	int status = k_mem_map_anon(&addr, count * RIG_PAGE, flags);

	if (status != 0) {
		MUST(status == -ENOMEM || excused(status, true));
		return;
	}
	region_registered(addr, count, flags, start);
	for (uint32_t i = 0; lock && i < count; i++) {
		model_page[live[live_count - 1].first + i].pinned = true;
	}
}

static void op_map_image(void)
{
	uint32_t slot = random_below(RIG_IMAGE_SLOTS - 4), count = 1 + random_below(4);
	uint32_t flags = some_rights();
	uint64_t start = ++run.clock;
	uintptr_t index = run.rig.slots > 0 ? RIG_STORE_IMAGE : 0;
	void *addr;
	int status = k_mem_map_stored(&addr, K_MEM_LOCATION(index, slot), count * RIG_PAGE, flags);
	uint32_t first;

	if (status != 0) {
		MUST(status == -ENOMEM);
		return;
	}
	region_registered(addr, count, flags, start);
	first = live[live_count - 1].first;
	for (uint32_t i = 0; i < count; i++) {
		if (side[first + i].stray <= start) {
			model_fill(first + i, rig_image_word(slot + i));
		}
	}
}

static void op_map_device(void)
{
	uint32_t count = one_in(4) ? 512 + random_below(4) : 1 + random_below(6);
	bool low = run.rig.ram == RIG_RAM_LOW && count <= LOW_PAGES && one_in(3);
	uint32_t page = low ? DEVICE_BYTES / RIG_PAGE + random_below(LOW_PAGES + 1 - count)
			    : random_below(DEVICE_BYTES / RIG_PAGE - count);
	uint32_t flags = some_rights();
	uintptr_t phys;
	uint64_t start = ++run.clock;
	uint8_t *virt;
	uint32_t first;

	if (one_in(2) && !low) {
		page &= ~511u;
	}
	phys = low ? (page - DEVICE_BYTES / RIG_PAGE) * RIG_PAGE
		   : RIG_DEVICE_PHYS + page * RIG_PAGE;
	if (k_mem_map_phys_bare(&virt, phys, count * RIG_PAGE, flags) != 0) {
		return; /* no room, with so many around */
	}
	first = (uint32_t)(((uintptr_t)virt - BASE) / RIG_PAGE);
	must_be_free(first, count);
	model_map(first, count, MODEL_DEVICE, flags, MODEL_PAGES + 3 + page);
	registered(first, count, true, start);
}

static void op_map(void)
{
	void (*const maps[])(void) = {op_map_anon, op_map_anon, op_map_image, op_map_device};

	if (live_count + live_coming >= LIVE_MAX) {
		return;
	}
	live_coming++;
	maps[random_below(COUNT(maps))]();
	live_coming--;
}

static void dying(uint32_t page, uint32_t id)
{
	model_page[page].kind = MODEL_TAKEN;
	side[page].dying = id;
	side[page].version++;
}

static void dead(uint32_t page, uint32_t id)
{
	if (side[page].dying == id) { /* else it was mapped again already */
		model_unmap(page, 1);
		side[page].dying = 0;
		side[page].version++;
	}
}

static void unmap(uint32_t index)
{
	struct mapping mapping = live[index];
	uint32_t guard = mapping.device ? 0 : 1;
	uint32_t first = mapping.first - guard, end = mapping.first + mapping.count + guard;
	size_t size = mapping.count * RIG_PAGE;
	int status;

	live[index] = live[--live_count];
	for (uint32_t page = first; page < end; page++) {
		dying(page, mapping.id);
	}
	status = mapping.device ? k_mem_unmap_phys_bare(qr_page_addr(mapping.first), size)
				: k_mem_unmap(qr_page_addr(mapping.first), size);
	MUST(status == 0);
	for (uint32_t page = first; page < end; page++) {
		dead(page, mapping.id);
	}
}

static void op_unmap(void)
{
	uint32_t index = live_count > 0 ? random_below(live_count) : 0;

	if (live_count > 0 && (!live[index].changing || run.wild)) {
		unmap(index);
	}
}

/* ---- rights and pins: one fiber a mapping, but in a wild round ---------------------------- */

struct part {
	uint32_t first;
	uint32_t count;
	uint32_t id;
};

static bool change_begin(struct part *part)
{
	struct mapping *mapping = &live[live_count > 0 ? random_below(live_count) : 0];

	if (live_count == 0 || (mapping->changing && !run.wild)) {
		return false;
	}
	mapping->changing = true;
	part->first = mapping->first + random_below(mapping->count);
	part->count = 1 + random_below(mapping->first + mapping->count - part->first);
	part->id = mapping->id;
	return true;
}

static void change_end(struct part part)
{
	for (uint32_t i = 0; i < live_count; i++) {
		if (live[i].id == part.id) {
			live[i].changing = false;
		}
	}
}

static void changing(struct part part, uint32_t more)
{
	for (uint32_t page = part.first; page < part.first + part.count; page++) {
		side[page].changing += more;
		side[page].version++;
	}
}

static void op_flags(void)
{
	uint32_t flags = some_rights();
	struct part part;
	int status;

	if (!change_begin(&part)) {
		return;
	}
	changing(part, 1);
	status = k_mem_update_flags(qr_page_addr(part.first), part.count * RIG_PAGE, flags);
	MUST(status == 0 || status == -ENOMEM || run.wild);
	for (uint32_t i = 0; status == 0 && i < part.count && !run.wild; i++) {
		model_page[part.first + i].rights = flags;
	}
	changing(part, (uint32_t)-1);
	change_end(part);
}

static bool is_pinned(uint32_t page)
{
	arch_page_t now = arch_page_get(qr_page_addr(page));
	uint32_t frame =
		(now & ARCH_DATA_PAGE_LOADED) ? qr_frame_of(arch_page_phys(now)) : QR_NO_INDEX;

	return frame != QR_NO_INDEX && (qr_frames[frame] & QR_FRAME_PINNED) &&
	       frame != qr_frame_table.zero;
}

static void op_pin(void)
{
	struct part part;
	int status;

	if (!change_begin(&part)) {
		return;
	}
	status = k_mem_pin(qr_page_addr(part.first), part.count * RIG_PAGE);
	MUST(status == 0 || status == -ENOMEM || excused(status, true) || run.wild);
	for (uint32_t i = 0; !run.wild && i < part.count; i++) {
		struct model_page *page = &model_page[part.first + i];

		page->pinned |= status == 0 && page->kind == MODEL_PAGED;
		MUST(page->pinned == is_pinned(part.first + i));
	}
	change_end(part);
}

static void op_unpin(void)
{
	struct part part;
	int status;

	if (!change_begin(&part)) {
		return;
	}
	status = k_mem_unpin(qr_page_addr(part.first), part.count * RIG_PAGE);
	MUST(status == 0 || run.wild);
	for (uint32_t i = 0; !run.wild && i < part.count; i++) {
		model_page[part.first + i].pinned = false;
		MUST(!is_pinned(part.first + i));
	}
	change_end(part);
}

/* ---- moving -------------------------------------------------------------------------- */

static void move(int (*call)(void *addr, size_t size))
{
	uint32_t page = some_page();
	uint32_t count = 1 + random_below(6);
	int status;

	while (count > 1 && !model_is_mapped(page, count)) {
		count--;
	}
	status = call(qr_page_addr(page), count * RIG_PAGE);
	MUST(status == 0 || status == -EFAULT || status == -ENOMEM || status == -EBUSY ||
	     excused(status, true));
}

static void op_page_out(void)
{
	move(k_mem_page_out);
}

static void op_page_in(void)
{
	move(k_mem_page_in);
}

static void op_evict(void)
{
	uint32_t frame = random_below(qr_frame_table.count);
	int status = k_mem_page_frame_evict((uintptr_t)qr_frame_phys(frame));

	MUST(status == 0 || status == -EBUSY || status == -ENOMEM || excused(status, true));
}

static void op_fault(void)
{
	int status = k_mem_page_fault(qr_page_addr(some_page()), random_below(2));

	MUST(status == 0 || status == -EFAULT || status == -EACCES || excused(status, true));
}

static void op_tick(void)
{
	k_mem_paging_tick();
}

static void op_audit(void)
{
	const char *wrong = audit_busy();

	if (wrong != NULL) {
		told(wrong, __LINE__);
	}
}

/* ---- rounds -------------------------------------------------------------------------- */

static const struct {
	void (*op)(void);
	uint32_t weight;
} menu[] = {
	{op_access, 500}, {op_fault, 20}, {op_map, 50}, {op_unmap, 40}, {op_flags, 40},
	{op_page_out, 40}, {op_page_in, 30}, {op_pin, 25}, {op_unpin, 25}, {op_evict, 20},
	{op_tick, 2}, {op_audit, 10},
};

static void fiber(unsigned int self)
{
	(void)self;
	while (run.op < run.end) {
		const uint32_t i = RANDOM_OF(menu);

		run.op++;
		menu[i].op();
		MUST(emu_errors() == 0);
		fibers_yield();
	}
}

static int verdict(void *argument, const struct k_mem_io *io)
{
	(void)argument;
	return run.failing && one_in(io->op == K_MEM_IO_READ ? 30 : 150) ? -EIO : 0;
}

static void round_start(void)
{
	static const struct k_mem_policy *const policies[] = {
		&k_mem_policy_clock, &k_mem_policy_nru, &k_mem_policy_lru};
	struct strict_store *stores[] = {&rig_store, &rig_image_store};
	uint32_t frames = 2 + random_below(one_in(2) ? 6 : 30);

	run.rig = (struct rig){
		.frames = frames,
		.slots = one_in(3) ? random_below(3) : 1 + random_below(60),
		.policy = policies[random_below(COUNT(policies))],
		.compressed = one_in(2),
		.request_cost = one_in(2) ? 4 * 256 : 0,
		.second_bank = frames >= 8 && one_in(3),
		.ram = RIG_RAM(random_below(RIG_RAM_COUNT)),
		.software_flags = one_in(3),
		.copies = one_in(3),
		.device_bytes = DEVICE_BYTES,
	};
	run.failing = one_in(4);
	run.wild = one_in(3);
	live_count = 0;
	memset(side, 0, sizeof(side));
	rig_start(&run.rig);
	model_reset(JUNK);
	model_map(0, 1, MODEL_IMAGE, K_MEM_PERM_EXEC, MODEL_PAGES);
	model_map(1, 1, MODEL_IMAGE, 0, MODEL_PAGES + 1);
	model_map(2, 1, MODEL_IMAGE, K_MEM_PERM_RW, MODEL_PAGES + 2);
	model_map(3, RIG_DEMAND_PAGES, MODEL_PAGED, K_MEM_PERM_EXEC, 3);
	for (uint32_t i = 0; i < RIG_DEMAND_PAGES; i++) {
		model_fill(3 + i, rig_image_word(i));
	}
	for (size_t i = 0; i < COUNT(stores); i++) {
		stores[i]->late = one_in(4) ? 0 : 1 + random_below(6);
		stores[i]->room = one_in(2) ? 0 : 1 + random_below(3);
		stores[i]->backwards = one_in(2);
		stores[i]->verdict = verdict;
	}
	emu_fault = on_fault;
	fibers_interrupt_set(on_interrupt);
	rig_compressed_hook = fibers_yield;
}

static void round_end(struct rig_counts before)
{
	const char *wrong;

	run.failing = false;
	fibers_interrupt_set(NULL);
	while (live_count > 0) {
		unmap(random_below(live_count));
	}
	MUST(k_mem_unpin((void *)RIG_DEMAND, RIG_DEMAND_PAGES * RIG_PAGE) == 0);
	MUST(k_mem_page_out((void *)RIG_DEMAND, RIG_DEMAND_PAGES * RIG_PAGE) == 0);
	for (unsigned int i = 0; i < 10; i++) {
		qr_stores_poll(); /* spills of pages that nobody wants */
	}
	wrong = audit();
	if (wrong != NULL) {
		told(wrong, __LINE__);
	}
	MUST(rig_compressed_empty());
	if (run.rig.compressed && run.rig.slots > 0) {
		run.kept += rig_compressed_stats()->kept;
		run.passed += rig_compressed_stats()->passed;
		run.spilled += rig_compressed_stats()->spilled;
		run.spill_errors += rig_compressed_stats()->spill_errors;
	}
	before.slots_retired = rig_store.retired;
	rig_counts_equal(before, rig_counts());
	rig_check();
}

static void on_abort(int number)
{
	(void)number;
	told("a panic", __LINE__);
}

static void test_fibers(void **state)
{
	const char *text = getenv("OPS");
	unsigned long ops = text != NULL ? strtoul(text, NULL, 0) : OPS_DEFAULT;
	unsigned long switches = 0;

	(void)state;
	random_start();
	printf("# OPS=%lu\n", ops);
	fflush(stdout);
	signal(SIGABRT, on_abort);
	while (run.op < ops) {
		struct rig_counts before;

		run.round++;
		round_start();
		before = rig_counts();
		run.end = run.op + ROUND_OPS;
		fibers_run(1 + random_below(FIBERS), fiber, random_state);
		switches += fibers_switches();
		round_end(before);
	}
	assert_true(switches > ops / 4);
	printf("# compressed: %lu kept, %lu passed, %lu spilled, %lu failed to\n", run.kept,
	       run.passed, run.spilled, run.spill_errors);
	assert_true(run.kept > ops / 1000 && run.spilled > 0);
}

/* Two pages are being written out while a third thread unmaps them and locks all memory that
 * may be locked: it waits for the two frames and takes them, though nothing can be evicted. */
static uint8_t *area;

static void write_or_lock(unsigned int self)
{
	void *lock;

	if (self < 2) {
		int status = k_mem_page_out(area + self * RIG_PAGE, RIG_PAGE);

		MUST(status == 0 || status == -EFAULT);
		return;
	}
	MUST(k_mem_unmap(area, 2 * RIG_PAGE) == 0);
	MUST(k_mem_map_anon(&lock, 3 * RIG_PAGE, K_MEM_PERM_RW | K_MEM_MAP_LOCK) == 0);
	MUST(k_mem_unmap(lock, 3 * RIG_PAGE) == 0);
}

static void test_lock_takes_what_falls_free(void **state)
{
	run.rig = (struct rig){.frames = 4, .slots = 8, .policy = &k_mem_policy_clock};
	run.failing = run.wild = false;
	(void)state;
	for (uint32_t order = 0; order < 300; order++) {
		struct rig_counts before;

		run.rig.ram = RIG_RAM(order);
		rig_start(&run.rig);
		rig_store.late = 3;
		before = rig_counts();
		area = k_mem_map(2 * RIG_PAGE, K_MEM_PERM_RW);
		rig_put(area, 1);
		rig_put(area + RIG_PAGE, 2);
		fibers_run(3, write_or_lock, order);
		MUST(audit() == NULL);
		rig_counts_equal(before, rig_counts());
	}
	rig_check();
}

/* One thread writes a page out, two wait for that, and a fourth unmaps it: nobody waits for
 * ever. */
static void write_or_unmap(unsigned int self)
{
	int status;

	if (self == 3) {
		MUST(k_mem_unmap(area, 2 * RIG_PAGE) == 0);
		return;
	}
	status = k_mem_page_out(area, RIG_PAGE);
	MUST(status == 0 || status == -EFAULT);
}

static void test_unmapping_wakes_who_waits(void **state)
{
	run.rig = (struct rig){.frames = 4, .slots = 8, .policy = &k_mem_policy_clock};
	run.failing = run.wild = false;
	(void)state;
	for (uint32_t order = 0; order < 300; order++) {
		struct rig_counts before;

		run.rig.ram = RIG_RAM(order);
		rig_start(&run.rig);
		rig_store.late = 3;
		before = rig_counts();
		area = k_mem_map(2 * RIG_PAGE, K_MEM_PERM_RW);
		rig_put(area, 1);
		fibers_run(4, write_or_unmap, order);
		MUST(audit() == NULL);
		rig_counts_equal(before, rig_counts());
	}
	rig_check();
}

/* A store that is busy with one page while its thread sleeps inside submit(), and has no room
 * for another until then. Who was sent away is woken although no request ended later. */
static bool store_busy, store_ready;

static int submit_sleeping(void *context, struct k_mem_io *io)
{
	qr_port_key_t key = qr_port_lock();
	bool busy = store_busy;

	store_busy = true;
	while (!busy && !store_ready) {
		key = qr_port_sleep(&store_ready, key);
	}
	store_busy = busy;
	qr_port_unlock(key);
	(void)context;
	(void)io;
	return busy ? -EAGAIN : 0;
}

static void write_or_wake(unsigned int self)
{
	qr_port_key_t key;

	if (self < 2) {
		MUST(k_mem_page_out(area + self * RIG_PAGE, RIG_PAGE) == 0);
		return;
	}
	for (unsigned int i = 0; i < 20; i++) {
		fibers_yield();
	}
	key = qr_port_lock();
	store_ready = true;
	qr_port_wakeup(&store_ready);
	qr_port_unlock(key);
}

static void test_submit_that_sleeps(void **state)
{
	run.rig = (struct rig){.frames = 4, .slots = 8, .policy = &k_mem_policy_clock};
	run.failing = run.wild = false;
	(void)state;
	for (uint32_t order = 0; order < 300; order++) {
		struct k_mem_store_ops ops;

		run.rig.ram = RIG_RAM(order);
		rig_start(&run.rig);
		ops = *rig_store.inner.ops;
		ops.submit = submit_sleeping;
		rig_store.inner.ops = &ops;
		store_busy = store_ready = false;
		area = k_mem_map(2 * RIG_PAGE, K_MEM_PERM_RW);
		rig_put(area, 1);
		rig_put(area + RIG_PAGE, 2);
		fibers_run(3, write_or_wake, order);
		MUST(k_mem_unmap(area, 2 * RIG_PAGE) == 0);
		MUST(audit() == NULL);
	}
	rig_check();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_submit_that_sleeps),
		cmocka_unit_test(test_unmapping_wakes_who_waits),
		cmocka_unit_test(test_lock_takes_what_falls_free),
		cmocka_unit_test(test_fibers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
