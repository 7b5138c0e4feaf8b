/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pairs.c - threads that all work on the pages of the same few requests: what happens to each
 * page while a request that it is in, or between two of whose pages it lies, is put together, under
 * way, or being ended. They are switched at random wherever the lock is let go (fiber.h); which
 * operation came between at which place is counted (pairs.h), and the pairs that matter must all
 * have been tried. How much is done in each hold of the lock is counted as well.
 *
 * All threads are as careless as can be: they unmap what others pin. What a call says is of no
 * interest here, but for what it could never say; that nothing is lost, no charge, no slot, no
 * frame and no written word, is. SEED= and OPS= as in tests/core/test_model.c.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tests/core/rig.h>

#include <tests/unit/parts_help.h>

#include <mm/bring.h>
#include <mm/charge.h>
#include <mm/cluster.h>
#include <mm/frame.h>
#include <mm/store.h>
#include <tests/core/audit.h>
#include <tests/core/domain_help.h>

#include "fiber.h"
#include "pairs.h"

#define OPS_DEFAULT   200000u
#define ROUND_OPS     200u
#define FIBERS        5u
#define REGION_PAGES  40u
#define DOMAINS       2u
#define DOMAIN_PAGES  6u
#define PARTS         8u
#define TRIES_MAX     1000u

/* Basic blocks that are run in one hold of the lock, at most: so many for each entry of a batch. */
#define HOLD_MAX (32u * CONFIG_MEM_BATCH)

enum op {
	READ,
	WRITE,
	RIGHTS,
	PIN,
	UNPIN,
	PAGE_OUT,
	PAGE_IN,
	EVICT,
	UNMAP,
	PART_ADD,
	PART_REMOVE,
	DOMAIN_END,
	LIMITS,
	DOMAIN_MAP,
	CLEAN,
	INTERRUPT,
	OPS,
};

static const char *const op_names[OPS] = {
	"read", "write", "rights", "pin", "unpin", "page-out", "page-in", "evict", "unmap",
	"part-add", "part-remove", "domain-end", "limits", "domain-map", "clean", "interrupt",
};

/* Memory that all threads use: anonymous, of an image, and some of each domain's. */
static struct region {
	uint8_t *addr;
	uint32_t count;
	bool image;
	bool alive;    /* else nobody knows what is there, perhaps nothing */
	bool changing; /* it is being unmapped, or mapped */
	uint64_t value[REGION_PAGES];
	bool known[REGION_PAGES];
} region[2 + DOMAINS];

static struct {
	struct k_mem_domain domain;
	struct k_mem_partition part[PARTS]; /* that were added; size 0: none */
	uint32_t users; /* threads in a call about it */
	bool ending;
} side[DOMAINS];

static struct {
	struct rig rig;
	bool failing;
	bool cleaning;
	unsigned long op, end;
	unsigned int round;
	uint64_t strays; /* writes to where no region is known */
	uint64_t last_value;
	unsigned long requests, gaps; /* of several pages; pages that one was read across */
	uint8_t *near; /* the first page of the last one */
	uint32_t near_count, near_gap; /* its pages, and which of them is a gap, if one is */
} run;

static void told(const char *what, int line)
{
	fprintf(stderr, "# round %u, operation %lu, line %d: %s\n", run.round, run.op, line, what);
	fprintf(stderr, "# %u frames, %u slots, %s%s\n", run.rig.frames, run.rig.slots,
		run.rig.policy->name, run.failing ? ", failing" : "");
	fflush(NULL);
	_exit(1); /* there is no way back from a fiber */
}

#define MUST(condition) ((condition) ? (void)0 : told(#condition, __LINE__))

static bool one_in(uint32_t n)
{
	return random_below(n) == 0;
}

static void expect(int status)
{
	MUST(status == 0 || status == -EFAULT || status == -EACCES || status == -ENOMEM ||
	     status == -EBUSY || status == -EINVAL || status == -ENOSPC || status == -ENOENT ||
	     (status == -EIO && run.failing));
}

/* ---- accesses -------------------------------------------------------------------------- */

#define TRY_AGAIN 1000

/* A fault ends the access, so that whoever is slow tries again and not the machine for it. */
static int on_fault(const struct qr_fault *fault)
{
	int status = k_mem_page_fault(fault->address, fault->access);

	return status == 0 ? TRY_AGAIN : status;
}

/* The region that is known to be at this address. */
static struct region *region_at(const uint8_t *addr)
{
	for (unsigned int i = 0; i < COUNT(region); i++) {
		struct region *r = &region[i];

		if (r->alive && (size_t)(addr - r->addr) < r->count * RIG_PAGE) {
			return r;
		}
	}
	return NULL;
}

/* Pages of one of the first regions, half of the time of the last request of several. */
static uint8_t *some_pages(unsigned int among, uint32_t most, size_t *size)
{
	const struct region *r = region_at(run.near);
	uint32_t first, count;

	if (r != NULL && r < &region[among] && one_in(2)) {
		first = (uint32_t)((size_t)(run.near - r->addr) / RIG_PAGE) +
			(one_in(2) ? run.near_gap : random_below(run.near_count));
		first = first < r->count ? first : r->count - 1;
	} else {
		r = &region[random_below(one_in(4) ? among : 2)];
		r = r->addr != NULL ? r : &region[0];
		first = random_below(r->count);
	}
	count = 1 + random_below(most);
	count = count < r->count - first ? count : r->count - first;
	*size = count * RIG_PAGE;
	return r->addr + first * RIG_PAGE;
}

static void access_some(bool write)
{
	size_t size;
	uint8_t *addr = some_pages(COUNT(region), 1, &size);
	uint64_t word = ++run.last_value, wrote = word;
	struct region *r;
	int status = TRY_AGAIN;
	uint32_t page;

	for (unsigned int tries = 0; tries < TRIES_MAX && status == TRY_AGAIN; tries++) {
		status = write ? emu_write((uintptr_t)addr, &word, sizeof(word), 0)
			       : emu_read((uintptr_t)addr, &word, sizeof(word), 0);
	}
	if (status != 0) {
		if (status != TRY_AGAIN) {
			expect(status);
		}
		return;
	}
	r = region_at(addr);
	if (r == NULL) {
		run.strays += write;
		return;
	}
	page = (uint32_t)((size_t)(addr - r->addr) / RIG_PAGE);
	if (write) {
		r->value[page] = wrote;
		r->known[page] = true;
	} else if (r->known[page] && word != r->value[page]) {
		fprintf(stderr, "# page %u of region %zu: %jx, not %jx\n", page,
			(size_t)(r - region), (uintmax_t)word, (uintmax_t)r->value[page]);
		MUST(word == r->value[page]);
	}
}

static void op_read(void)
{
	access_some(false);
}

static void op_write(void)
{
	access_some(true);
}

static void on_interrupt(void)
{
	int was = pairs_op(INTERRUPT, 1);

	if (run.op < run.end) {
		access_some(one_in(2));
	}
	(void)pairs_op(was, 1);
}

/* ---- pages ----------------------------------------------------------------------------- */

static void op_rights(void)
{
	static const uint32_t rights[] = {K_MEM_PERM_RW, K_MEM_PERM_RW, 0,
					  K_MEM_PERM_RW | K_MEM_PERM_USER};
	size_t size;
	uint8_t *addr = some_pages(2, one_in(2) ? 1 : 6, &size);

	expect(k_mem_update_flags(addr, size, rights[random_below(COUNT(rights))]));
}

static void on_some_pages(int (*call)(void *addr, size_t size), unsigned int among, uint32_t most)
{
	size_t size;
	uint8_t *addr = some_pages(among, most, &size);

	expect(call(addr, size));
}

static void op_pin(void)
{
	on_some_pages(k_mem_pin, 2, 3);
}

static void op_unpin(void)
{
	on_some_pages(k_mem_unpin, 2, one_in(4) ? REGION_PAGES : 4);
}

static void op_page_out(void)
{
	on_some_pages(k_mem_page_out, COUNT(region), one_in(12) ? REGION_PAGES : 2);
}

static void op_page_in(void)
{
	on_some_pages(k_mem_page_in, COUNT(region), 6);
}

static void op_evict(void)
{
	uint32_t frame = random_below(qr_frame_table.count);

	expect(k_mem_page_frame_evict((uintptr_t)qr_frame_phys(frame)));
	/* what was learned of addresses is never wrong */
	memset(qr_cluster_steps, (int)random_below(7), sizeof(qr_cluster_steps));
}

static void op_clean(void)
{
	/* sleeps until a fault finds no frame, which there may not be any more */
	if (run.cleaning || qr_frame_table.free_count > 0 || run.end - run.op < ROUND_OPS / 4) {
		return;
	}
	run.cleaning = true;
	expect(k_mem_paging_clean(1, 3));
	run.cleaning = false;
}

/* ---- mappings -------------------------------------------------------------------------- */

static void known(struct region *r, void *addr, uint64_t strays)
{
	r->addr = addr;
	for (uint32_t i = 0; i < r->count; i++) {
		r->known[i] = run.strays == strays;
		r->value[i] = r->image ? rig_image_word(i) : 0;
	}
	r->alive = true;
}

static int map(struct region *r)
{
	const uintptr_t image = K_MEM_LOCATION(RIG_STORE_IMAGE, 0);
	const uint32_t flags = one_in(4) ? 0 : K_MEM_PERM_RW;
	uint64_t strays = run.strays;
	void *addr;
	int status = r->image ? k_mem_map_stored(&addr, image, r->count * RIG_PAGE, flags)
			      : k_mem_map_anon(&addr, r->count * RIG_PAGE, flags);

	if (status == 0) {
		known(r, addr, strays);
	}
	return status;
}

static void op_unmap(void)
{
	struct region *r = &region[random_below(2)];

	if (r->changing) {
		return;
	}
	r->changing = true;
	if (r->alive) {
		r->alive = false;
		MUST(k_mem_unmap(r->addr, r->count * RIG_PAGE) == 0);
	}
	expect(map(r)); /* others may have been promised what it takes: later, then */
	r->changing = false;
}

/* ---- domains --------------------------------------------------------------------------- */

/* A domain that is not being ended, which it is not while it is used; or -1. */
static int domain_use(void)
{
	uint32_t i = random_below(DOMAINS);

	if (side[i].ending) {
		return -1;
	}
	side[i].users++;
	return (int)i;
}

static void op_part_add(void)
{
	int i = domain_use();
	struct k_mem_partition part;
	size_t size;
	uint8_t *addr = some_pages(2, 4, &size);
	int status;

	if (i < 0) {
		return;
	}
	part = (struct k_mem_partition){(uintptr_t)addr, size, one_in(2) ? U_RW : U_RO};
	status = k_mem_domain_add_partition(&side[i].domain, &part);
	expect(status);
	for (unsigned int k = 0; status == 0 && k < PARTS; k++) {
		if (side[i].part[k].size == 0) {
			side[i].part[k] = part;
			status = 1;
		}
	}
	if (status == 0) {
		expect(k_mem_domain_remove_partition(&side[i].domain, &part));
	}
	side[i].users--;
}

static void op_part_remove(void)
{
	int i = domain_use();
	struct k_mem_partition *part;

	if (i < 0) {
		return;
	}
	part = &side[i].part[random_below(PARTS)];
	if (part->size != 0) {
		struct k_mem_partition gone = *part;

		part->size = 0;
		expect(k_mem_domain_remove_partition(&side[i].domain, &gone));
	}
	side[i].users--;
}

static void op_limits(void)
{
	int i = domain_use();

	if (i < 0) {
		return;
	}
	expect(k_mem_domain_limits_set(&side[i].domain, 2 * DOMAIN_PAGES * RIG_PAGE,
				       random_below(4) * RIG_PAGE));
	side[i].users--;
}

static void op_domain_map(void)
{
	int i = domain_use();
	struct region *r;
	uint64_t strays = run.strays;
	void *addr;
	int status;

	if (i < 0) {
		return;
	}
	r = &region[2 + i];
	if (r->alive) {
		r->alive = false;
		MUST(k_mem_domain_unmap(&side[i].domain, r->addr, r->count * RIG_PAGE) == 0);
		r->addr = NULL;
		r->count = 0;
	} else if (r->addr == NULL && r->count == 0) {
		r->count = DOMAIN_PAGES; /* nobody else maps it meanwhile */
		status = k_mem_domain_map(&side[i].domain, &addr, r->count * RIG_PAGE,
					  K_MEM_PERM_RW);
		expect(status);
		if (status == 0) {
			known(r, addr, strays);
		} else {
			r->count = 0;
		}
	}
	side[i].users--;
}

static void domain_end_and_start(uint32_t i)
{
	region[2 + i].alive = false;
	region[2 + i].addr = NULL;
	region[2 + i].count = 0;
	memset(side[i].part, 0, sizeof(side[i].part));
	MUST(k_mem_domain_deinit(&side[i].domain) == 0);
	MUST(k_mem_domain_init(&side[i].domain, 0, NULL) == 0);
	MUST(k_mem_domain_limits_set(&side[i].domain, 2 * DOMAIN_PAGES * RIG_PAGE, 0) == 0);
}

static void op_domain_end(void)
{
	uint32_t i = random_below(DOMAINS);

	if (side[i].ending || side[i].users > 0) {
		return;
	}
	side[i].ending = true;
	domain_end_and_start(i);
	side[i].ending = false;
}

static void audited(const char *wrong)
{
	if (wrong != NULL) {
		told(wrong, __LINE__);
	}
}

/* ---- rounds ---------------------------------------------------------------------------- */

static const struct {
	void (*call)(void);
	enum op op;
	uint32_t weight;
} menu[] = {
	{op_read, READ, 200}, {op_write, WRITE, 120}, {op_rights, RIGHTS, 60}, {op_pin, PIN, 30},
	{op_unpin, UNPIN, 30}, {op_page_out, PAGE_OUT, 90}, {op_page_in, PAGE_IN, 25},
	{op_evict, EVICT, 30}, {op_unmap, UNMAP, 6}, {op_part_add, PART_ADD, 25},
	{op_part_remove, PART_REMOVE, 20}, {op_domain_end, DOMAIN_END, 10},
	{op_limits, LIMITS, 15}, {op_domain_map, DOMAIN_MAP, 25}, {op_clean, CLEAN, 10},
};

static void fiber(unsigned int self)
{
	(void)self;
	while (run.op < run.end) {
		const uint32_t i = RANDOM_OF(menu);

		run.op++;
		(void)pairs_op((int)menu[i].op, 0);
		menu[i].call();
		(void)pairs_op(-1, 0);
		MUST(emu_errors() == 0);
		if (one_in(8)) {
			audited(audit_busy());
		}
		fibers_yield();
	}
	/* a cleaner sleeps until somebody finds no frame: let it go */
	while (run.cleaning) {
		access_some(false);
		fibers_yield();
	}
}

/* Pages of a region that lie between two that are read. */
static void count_gaps(const struct k_mem_io *io)
{
	const uint32_t mask = QR_FRAME_MAPPED | QR_FRAME_BUSY;

	if (io->page_count > 1) {
		run.requests++;
		run.near = qr_page_addr(qr_frame_page(qr_frames[qr_frame_of(io->frames[0])]));
		run.near_count = io->page_count;
		run.near_gap = random_below(io->page_count);
	}
	for (uint32_t frame = 0; io->op == K_MEM_IO_READ && frame < qr_frame_table.count; frame++) {
		uint64_t word = qr_frames[frame];
		uint32_t index = qr_location_slot(qr_frame_location(word)) - io->slot;

		if ((word & (mask | QR_FRAME_OUT)) == mask && index < io->page_count) {
			run.gaps++;
			run.near_gap = index;
		}
	}
}

static int verdict(void *argument, const struct k_mem_io *io)
{
	(void)argument;
	count_gaps(io);
	return run.failing && one_in(io->op == K_MEM_IO_READ ? 30 : 150) ? -EIO : 0;
}

static void round_start(void)
{
	static const struct k_mem_policy *const policies[] = {
		&k_mem_policy_clock, &k_mem_policy_hazard, &k_mem_policy_nru, &k_mem_policy_lru};
	struct strict_store *stores[] = {&rig_store, &rig_image_store};

	run.rig = (struct rig){
		.frames = 32 + random_below(48),
		.slots = one_in(2) ? 4096 : 50 + random_below(60),
		.policy = policies[random_below(COUNT(policies))],
		.request_cost = one_in(6) ? 0 : 4 * 256,
		.software_flags = one_in(3),
		.ram = RIG_RAM(run.round),
	};
	run.failing = one_in(6);
	run.cleaning = false;
	rig_start(&run.rig);
	for (size_t i = 0; i < COUNT(stores); i++) {
		stores[i]->late = one_in(6) ? 0 : 1 + random_below(6);
		stores[i]->room = one_in(2) ? 0 : 1 + random_below(3);
		stores[i]->backwards = one_in(2);
		stores[i]->verdict = verdict;
	}
	emu_fault = on_fault;
	fibers_interrupt_set(on_interrupt);
}

static void regions_start(void)
{
	memset(region, 0, sizeof(region));
	memset(side, 0, sizeof(side));
	for (uint32_t i = 0; i < DOMAINS; i++) {
		MUST(k_mem_domain_init(&side[i].domain, 0, NULL) == 0);
		domain_end_and_start(i);
	}
	region[0].count = region[1].count = REGION_PAGES;
	region[1].image = true;
	MUST(map(&region[0]) == 0 && map(&region[1]) == 0);
}

static uint32_t loaded_pages(const struct region *r)
{
	uint32_t count = 0;

	for (uint32_t i = 0; r->alive && i < r->count; i++) {
		arch_page_t now = arch_page_get(r->addr + i * RIG_PAGE);

		count += qr_paged_frame(qr_page_of(r->addr) + i, now) != QR_NO_INDEX;
	}
	return count;
}

static void round_end(struct rig_counts before)
{
	run.failing = false;
	fibers_interrupt_set(NULL);
	audited(audit());
	for (uint32_t i = 0; i < DOMAINS; i++) {
		MUST(loaded_pages(&region[2 + i]) == side[i].domain.resident_count);
		MUST(k_mem_domain_deinit(&side[i].domain) == 0);
	}
	for (uint32_t i = 0; i < 2; i++) {
		MUST(!region[i].alive ||
		     k_mem_unmap(region[i].addr, region[i].count * RIG_PAGE) == 0);
	}
	MUST(k_mem_page_out((void *)RIG_DEMAND, RIG_DEMAND_PAGES * RIG_PAGE) == 0);
	audited(audit());
	before.slots_retired = rig_store.retired;
	rig_counts_equal(before, rig_counts());
	rig_check();
}

static void on_abort(int number)
{
	(void)number;
	told("a panic", __LINE__);
}

static void hold_check(void)
{
	const char *place = "";
	uint32_t longest = pairs_longest(&place);

	printf("# longest hold: %u basic blocks, %s\n", longest, place);
	assert_true(longest > 0 && longest <= HOLD_MAX);
}

/* Wherever a request of several pages lets go of the lock, everything must have happened. */
static void pairs_check(void)
{
	static const char *const places[] = {
		"qr_cluster_window", "join<qr_cluster_read", "read_beside<qr_cluster_read...",
		"end<qr_cluster_read", "fill_otherwise<qr_bring_step...", "in_transfer<qr_bring",
		"grow<qr_cluster_write", "qr_cluster_write...", "write_out<qr_evict...",
		"page_out<k_mem_page_out", "release_batch<qr_region_unmap",
	};
	unsigned int missing = 0;

	for (size_t i = 0; i < COUNT(places); i++) {
		for (unsigned int op = 0; op < OPS; op++) {
			if (op != CLEAN && pairs_tried(places[i], op) == 0) {
				printf("# never tried: %s, %s\n", places[i], op_names[op]);
				missing++;
			}
		}
	}
	assert_int_equal(missing, 0);
	assert_true(run.gaps > 0);
}

static void test_pairs(void **state)
{
	const char *text = getenv("OPS");
	unsigned long ops = text != NULL ? strtoul(text, NULL, 0) : OPS_DEFAULT;

	(void)state;
	random_start();
	printf("# OPS=%lu\n", ops);
	fflush(stdout);
	signal(SIGABRT, on_abort);
	pairs_start(op_names, OPS);
	while (run.op < ops) {
		struct rig_counts before;

		run.round++;
		round_start();
		before = rig_counts();
		regions_start();
		run.end = run.op + ROUND_OPS;
		fibers_run(2 + random_below(FIBERS - 1), fiber, random_state);
		round_end(before);
	}
	pairs_print();
	printf("# %lu requests of several pages, %lu gaps\n", run.requests, run.gaps);
	hold_check();
	if (ops >= OPS_DEFAULT) {
		pairs_check();
	}
}

/* ---- holds do not grow with what there is ------------------------------------------------ */

#define MANY_FRAMES 1500u
#define MANY_PAGES  2000u

/* Pages that were written, as many as there are places: one slot is free. */
static uint8_t *many_start(void)
{
	const struct rig rig = {.frames = MANY_FRAMES, .slots = MANY_PAGES - MANY_FRAMES + 1};
	uint8_t *memory;

	rig_start(&rig);
	memory = k_mem_map(MANY_PAGES * RIG_PAGE, K_MEM_PERM_RW);
	assert_non_null(memory);
	for (uint32_t i = 0; i < MANY_PAGES; i++) {
		rig_put(memory + i * RIG_PAGE, i + 1);
	}
	pairs_start(op_names, OPS);
	return memory;
}

static void many_end(uint8_t *memory)
{
	hold_check();
	for (uint32_t i = 0; i < MANY_PAGES; i++) {
		assert_int_equal(rig_get(memory + i * RIG_PAGE), i + 1);
	}
	assert_ptr_equal(audit(), NULL);
	assert_int_equal(k_mem_unmap(memory, MANY_PAGES * RIG_PAGE), 0);
	hold_check();
	rig_check();
}

/* Of all frames one has a page with a slot; the search for it begins behind it each time. */
static void test_search_for_a_slot_lets_interrupts_in(void **state)
{
	uint8_t *memory = many_start();

	(void)state;
	for (uint32_t i = 0; i < 20; i++) {
		assert_int_equal(rig_get(memory + i * RIG_PAGE), i + 1);
	}
	many_end(memory);
}

/* The range is counted, and as there are not slots enough the copies are. */
static void test_counting_lets_interrupts_in(void **state)
{
	uint8_t *memory = many_start();

	(void)state;
	assert_int_equal(k_mem_page_out(memory, MANY_PAGES * RIG_PAGE), -ENOMEM);
	assert_int_equal(k_mem_page_in(memory, MANY_FRAMES * RIG_PAGE), 0);
	many_end(memory);
}

/* The only copy is given up for a page, and then there is none for another. */
static void test_taking_a_copy_lets_interrupts_in(void **state)
{
	uint8_t *memory = many_start();
	uint32_t last = MANY_PAGES - 1;

	(void)state;
	assert_int_equal(rig_get(memory), 1);
	for (uint32_t i = 1; i < 20; i++) {
		assert_int_equal(k_mem_page_out(memory + (last - i) * RIG_PAGE, RIG_PAGE), 0);
		assert_int_equal(rig_get(memory + i * RIG_PAGE), i + 1);
	}
	many_end(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_search_for_a_slot_lets_interrupts_in),
		cmocka_unit_test(test_counting_lets_interrupts_in),
		cmocka_unit_test(test_taking_a_copy_lets_interrupts_in),
		cmocka_unit_test(test_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
