/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pthreads.c - the core on port/pthread, built with ThreadSanitizer: workers that share an
 * arena and have mappings of their own, a disk that is a thread and ends its transfers from
 * interrupts, and a clock. Workers run on the emulated machine, whose accesses are made with
 * interrupts masked, since it has one CPU; what needs no lock by contract is called without.
 *
 * Each worker writes words of its own in every page, so it knows what it must read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>
#include <time.h>

#include <cmocka.h>

#include <quire/arch.h>
#include <quire/init.h>
#include <quire/mm.h>
#include <quire/paging.h>
#include <quire/ramstore.h>

#include <arch/emu/emu.h>
#include <mm/charge.h>
#include <mm/frame.h>
#include <mm/space.h>
#include <port/pthread/pthread_port.h>

#define PAGE        ((size_t)CONFIG_MMU_PAGE_SIZE)
#define PHYS        0x10000000u
#define FRAMES      24u
#define SLOTS       80u
#define WORKERS     4u
#define ARENA_PAGES 40u
#define OWN_PAGES   6u
#define OPS_DEFAULT 20000u

/* ---- the disk: another thread ---------------------------------------------------------- */

static struct {
	struct k_mem_store inner;
	struct k_mem_ram_store ram;
	uint8_t pages[SLOTS * CONFIG_MMU_PAGE_SIZE];
	uint64_t words[SLOTS];
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct k_mem_io *first;
	bool stop;
	pthread_t thread;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER};

static int disk_reserve(void *context, uint32_t *slot)
{
	(void)context;
	return disk.inner.ops->reserve(disk.inner.context, slot);
}

static void disk_release(void *context, uint32_t slot)
{
	(void)context;
	disk.inner.ops->release(disk.inner.context, slot);
}

static int disk_submit(void *context, struct k_mem_io *io)
{
	(void)context;
	pthread_mutex_lock(&disk.lock);
	io->next = disk.first;
	disk.first = io;
	pthread_cond_signal(&disk.work);
	pthread_mutex_unlock(&disk.lock);
	return K_MEM_IO_TAKEN;
}

/* The interrupt at the end of a transfer. */
static void disk_interrupt(void *argument)
{
	struct k_mem_io *io = argument;

	io->done(io, disk.inner.ops->submit(disk.inner.context, io));
}

static struct k_mem_io *disk_take(void)
{
	struct k_mem_io *io;

	pthread_mutex_lock(&disk.lock);
	while (disk.first == NULL && !disk.stop) {
		pthread_cond_wait(&disk.work, &disk.lock);
	}
	io = disk.first;
	if (io != NULL) {
		disk.first = io->next;
	}
	pthread_mutex_unlock(&disk.lock);
	return io;
}

static void *disk_run(void *argument)
{
	struct k_mem_io *io;

	while ((io = disk_take()) != NULL) {
		port_interrupt(disk_interrupt, io);
	}
	return argument;
}

/* For those who may not sleep. */
static void disk_poll(void *context)
{
	const struct timespec moment = {.tv_nsec = 20000};

	(void)context;
	nanosleep(&moment, NULL);
}

static const struct k_mem_store_ops disk_ops = {
	.name = "thread",
	.reserve = disk_reserve,
	.release = disk_release,
	.retire = disk_release,
	.submit = disk_submit,
	.poll = disk_poll,
};

/* ---- the machine ----------------------------------------------------------------------- */

static void start(const struct k_mem_policy *policy)
{
	const struct k_mem_range bank = {PHYS, (FRAMES + 1) * PAGE};
	struct k_mem_store store;
	const struct k_mem_config config = {.banks = &bank, .bank_count = 1, .stores = &store,
					    .store_count = 1, .policy = policy};

	assert_int_equal(emu_init(bank.phys, bank.size), 0);
	assert_int_equal(k_mem_ram_store_init(&disk.inner, &disk.ram, disk.pages, SLOTS,
					      disk.words), 0);
	store = disk.inner;
	store.ops = &disk_ops;
	assert_int_equal(k_mem_init(&config), 0);
	assert_int_equal(pthread_create(&disk.thread, NULL, disk_run, NULL), 0);
}

/* One word through the MMU, as a thread that faults; tries again when somebody was faster. */
static int access_word(uint8_t *addr, uint64_t *word, bool write)
{
	for (;;) {
		qr_port_key_t key = qr_port_irq_lock();
		int status = write ? emu_write((uintptr_t)addr, word, sizeof(*word), 0)
				   : emu_read((uintptr_t)addr, word, sizeof(*word), 0);

		qr_port_irq_unlock(key);
		if (status != -EFAULT) {
			return status;
		}
		status = k_mem_page_fault(addr, write ? K_MEM_FAULT_WRITE : 0);
		if (status != 0) {
			return status;
		}
	}
}

/* ---- workers --------------------------------------------------------------------------- */

struct worker {
	struct port_thread thread;
	pthread_t handle;
	uint32_t number;
	uint64_t random;
	unsigned long wrong;
	uint64_t arena[ARENA_PAGES]; /* what it wrote last */
	uint8_t *own;
	uint64_t own_words[OWN_PAGES];
};

static struct worker workers[WORKERS];
static uint8_t *arena;
static unsigned long ops_each;

static uint32_t chance(struct worker *self, uint32_t below)
{
	self->random ^= self->random >> 12;
	self->random ^= self->random << 25;
	self->random ^= self->random >> 27;
	return (uint32_t)((self->random * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % below;
}

static void must(struct worker *self, bool condition)
{
	self->wrong += !condition;
}

/* Write or read this worker's word of a page. */
static void use(struct worker *self, uint8_t *page, uint64_t *word)
{
	uint8_t *addr = page + 8 * self->number;
	bool write = chance(self, 2) == 0;
	uint64_t value = write ? self->random : 0;

	must(self, access_word(addr, &value, write) == 0);
	if (write) {
		*word = value;
	} else {
		must(self, value == *word);
	}
}

static void own_change(struct worker *self)
{
	if (self->own != NULL) {
		must(self, k_mem_unmap(self->own, OWN_PAGES * PAGE) == 0);
		self->own = NULL;
		return;
	}
	self->own = k_mem_map(OWN_PAGES * PAGE, K_MEM_PERM_RW);
	memset(self->own_words, 0, sizeof(self->own_words));
}

/* Calls that move the arena's pages; they may find too little room, and nothing worse. */
static void move(struct worker *self)
{
	uint32_t page = chance(self, ARENA_PAGES - 4);
	uint8_t *addr = arena + page * PAGE;
	size_t size = (1 + chance(self, 4)) * PAGE;
	uintptr_t phys;
	int status = 0;

	switch (chance(self, 6)) {
	case 0:
		status = k_mem_page_out(addr, size);
		break;
	case 1:
		status = k_mem_page_in(addr, size);
		break;
	case 2:
		status = k_mem_pin(addr, size);
		break;
	case 3:
		status = k_mem_unpin(arena, ARENA_PAGES * PAGE);
		break;
	case 4:
		status = k_mem_page_frame_evict(PHYS + chance(self, FRAMES) * PAGE);
		status = status == -EBUSY ? 0 : status;
		break;
	default:
		status = k_mem_update_flags(addr, size, K_MEM_PERM_RW |
					    (chance(self, 2) ? K_MEM_PERM_USER : 0));
		break;
	}
	must(self, status == 0 || status == -ENOMEM);
	/* without the lock, and anywhere: somebody may be mapping or unmapping there */
	addr = (uint8_t *)CONFIG_KERNEL_VM_BASE + CONFIG_KERNEL_VM_SIZE - chance(self, 128) * PAGE;
	(void)!arch_page_phys_get(addr, &phys);
}

static void *work(void *argument)
{
	struct worker *self = argument;

	port_thread_enter(&self->thread);
	for (unsigned long op = 0; op < ops_each; op++) {
		uint32_t kind = chance(self, 20);
		uint32_t page = chance(self, ARENA_PAGES);

		if (kind == 0) {
			own_change(self);
		} else if (kind < 4) {
			move(self);
		} else if (kind < 12 || self->own == NULL) {
			use(self, arena + page * PAGE, &self->arena[page]);
		} else {
			page %= OWN_PAGES;
			use(self, self->own + page * PAGE, &self->own_words[page]);
		}
	}
	if (self->own != NULL) {
		own_change(self);
	}
	port_thread_enter(NULL);
	return NULL;
}

/* A large leaf is split while others ask, without the lock, where its pages are. */
#define WINDOW_PHYS  0x80000000u
#define WINDOW_BYTES 0x200000u

static struct {
	pthread_rwlock_t lock; /* for the mapping, not for what is done to it */
	uint8_t *addr;
	bool stop;
	_Atomic unsigned long asked;
	unsigned long wrong;
} window = {.lock = PTHREAD_RWLOCK_INITIALIZER};

static void *ask(void *argument)
{
	unsigned long wrong = 0;

	for (bool stop = false; !stop;) {
		uint32_t offset = (uint32_t)(window.asked * PAGE) % WINDOW_BYTES;
		uintptr_t phys = 0;

		pthread_rwlock_rdlock(&window.lock);
		for (unsigned int i = 0; i < 50 && window.addr != NULL; i++, window.asked++) {
			wrong += arch_page_phys_get(window.addr + offset, &phys) != 0 ||
				 phys != WINDOW_PHYS + offset;
		}
		stop = window.stop;
		pthread_rwlock_unlock(&window.lock);
	}
	window.wrong = wrong;
	return argument;
}

static void window_set(uint8_t *addr, bool stop)
{
	pthread_rwlock_wrlock(&window.lock);
	window.addr = addr;
	window.stop = stop;
	pthread_rwlock_unlock(&window.lock);
}

static void split_one(void)
{
	uint8_t *addr;

	assert_int_equal(k_mem_map_phys_bare(&addr, WINDOW_PHYS, WINDOW_BYTES, 0), 0);
	window_set(addr, false);
	assert_int_equal(k_mem_update_flags(addr + 7 * PAGE, PAGE, K_MEM_PERM_RW), 0);
	window_set(NULL, false);
	assert_int_equal(k_mem_unmap_phys_bare(addr, WINDOW_BYTES), 0);
}

static void tick(void *argument)
{
	(void)argument;
	k_mem_paging_tick();
}

static void stop(void)
{
	pthread_mutex_lock(&disk.lock);
	disk.stop = true;
	pthread_cond_signal(&disk.work);
	pthread_mutex_unlock(&disk.lock);
	pthread_join(disk.thread, NULL);
}

static void test_workers(void **state)
{
	const char *text = getenv("OPS");
	unsigned long faults = 0;
	pthread_t asker;
	uint32_t pages;
	size_t before;

	(void)state;
	ops_each = text != NULL ? strtoul(text, NULL, 0) / WORKERS : OPS_DEFAULT;
	start(&k_mem_policy_nru);
	pages = qr_space_free_count();
	before = k_mem_free_get();
	arena = k_mem_map(ARENA_PAGES * PAGE, K_MEM_PERM_RW);
	assert_non_null(arena);
	for (uint32_t i = 0; i < WORKERS; i++) {
		workers[i].number = i;
		workers[i].random = i + 1;
		workers[i].thread.priority = i;
		pthread_create(&workers[i].handle, NULL, work, &workers[i]);
	}
	pthread_create(&asker, NULL, ask, NULL);
	for (unsigned int i = 0; i < 500 || window.asked < 500; i++) {
		split_one();
		if (i < 500) {
			port_interrupt(tick, NULL);
		}
	}
	window_set(NULL, true);
	pthread_join(asker, NULL);
	assert_int_equal(window.wrong, 0);
	for (uint32_t i = 0; i < WORKERS; i++) {
		pthread_join(workers[i].handle, NULL);
		assert_int_equal(workers[i].wrong, 0);
		faults += workers[i].thread.stats.pagefaults.cnt;
	}
	assert_int_equal(k_mem_unmap(arena, ARENA_PAGES * PAGE), 0);
	stop();
	assert_int_equal(emu_errors(), 0);
	assert_true(faults > WORKERS * 100);
	assert_int_equal(k_mem_free_get(), before);
	assert_int_equal(qr_space_free_count(), pages);
	assert_int_equal(disk.ram.map.free_count, SLOTS);
	assert_int_equal(qr_charge.pageable + qr_charge.pinned, 0);
	assert_int_equal(qr_frame_table.busy_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
