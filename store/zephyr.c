/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zephyr.c - a store over the functions of a Zephyr backing-store plug-in.
 *
 * Slots are ours, numbered; each remembers the plug-in's location token. The plug-in works
 * on one scratch page, one transfer at a time. One that never sleeps works in the CPU's
 * scratch window, and masked interrupts keep everybody else out. One that sleeps cannot
 * have the window, which is the CPU's and not the thread's: it works on the bounce page,
 * and `busy` keeps others out, who sleep until it is their turn.
 *
 * Locks: slot map, locations and `busy` under the mm lock. The location of a slot in
 * transfer does not change, so transfers read it without.
 */
#include <quire/host.h>
#include <quire/zephyr_store.h>

#if CONFIG_BACKING_STORE_ZEPHYR

static int zephyr_reserve(void *context, uint32_t *slot)
{
	struct k_mem_zephyr_store *zephyr = context;
	struct k_mem_page_frame frame;
	int status = k_mem_slot_map_reserve(&zephyr->map, slot);

	if (status != 0) {
		return status;
	}
	frame.va_and_flags = (uintptr_t)CONFIG_KERNEL_VM_BASE +
			     (uintptr_t)*slot * CONFIG_MMU_PAGE_SIZE;
	if (zephyr->plugin->location_get(&frame, &zephyr->locations[*slot], true) != 0) {
		k_mem_slot_map_release(&zephyr->map, *slot);
		return -ENOSPC;
	}
	return 0;
}

static void zephyr_release(void *context, uint32_t slot)
{
	struct k_mem_zephyr_store *zephyr = context;

	zephyr->plugin->location_free(zephyr->locations[slot]);
	k_mem_slot_map_release(&zephyr->map, slot);
}

/* Only a write that was refused gets here; its location is kept, unused. */
static void zephyr_retire(void *context, uint32_t slot)
{
	(void)context;
	(void)slot;
}

static void plugin_copy(const struct k_mem_zephyr_store *zephyr, const struct k_mem_io *io,
			void *scratch)
{
	const struct k_mem_zephyr_plugin *plugin = zephyr->plugin;
	uintptr_t location = zephyr->locations[io->slot];

	*plugin->scratch_page = scratch;
	if (io->op == K_MEM_IO_READ) {
		plugin->page_in(location);
	} else {
		plugin->page_out(location);
	}
}

static void bounce_take(struct k_mem_zephyr_store *zephyr)
{
	qr_port_key_t key = qr_port_lock();

	while (zephyr->busy) { /* until those before have had one transfer each */
		key = qr_host_sleep(zephyr, key);
	}
	zephyr->busy = true;
	qr_port_unlock(key);
}

static void bounce_give(struct k_mem_zephyr_store *zephyr)
{
	qr_port_key_t key = qr_port_lock();

	zephyr->busy = false;
	qr_host_wakeup(zephyr);
	qr_port_unlock(key);
}

/* Copy the frame into the bounce page, or back. */
static void bounce_copy(const struct k_mem_zephyr_store *zephyr, const struct k_mem_io *io)
{
	unsigned long key;
	void *window = k_mem_scratch_open(io->frames[0], &key);
	bool read = io->op == K_MEM_IO_READ;

	__builtin_memcpy(read ? window : zephyr->bounce, read ? zephyr->bounce : window,
			 CONFIG_MMU_PAGE_SIZE);
	k_mem_scratch_close(key);
}

static int zephyr_submit(void *context, struct k_mem_io *io)
{
	struct k_mem_zephyr_store *zephyr = context;

	QR_ASSERT(io->page_count == 1 && io->slot < zephyr->slot_count);
	if (zephyr->bounce == NULL) {
		unsigned long key;

		plugin_copy(zephyr, io, k_mem_scratch_open(io->frames[0], &key));
		k_mem_scratch_close(key);
		return 0;
	}
	if (!qr_host_can_sleep()) {
		return K_MEM_IO_NOT_HERE;
	}
	bounce_take(zephyr);
	if (io->op == K_MEM_IO_WRITE) {
		bounce_copy(zephyr, io);
	}
	plugin_copy(zephyr, io, zephyr->bounce);
	if (io->op == K_MEM_IO_READ) {
		bounce_copy(zephyr, io);
	}
	bounce_give(zephyr);
	return 0;
}

static const struct k_mem_store_ops zephyr_ops = {
	.name = "zephyr",
	.reserve = zephyr_reserve,
	.release = zephyr_release,
	.retire = zephyr_retire,
	.submit = zephyr_submit,
};

static bool is_complete(const struct k_mem_zephyr_store *zephyr)
{
	const struct k_mem_zephyr_plugin *plugin = zephyr->plugin;

	return plugin != NULL && plugin->location_get != NULL && plugin->location_free != NULL &&
	       plugin->page_out != NULL && plugin->page_in != NULL &&
	       plugin->scratch_page != NULL && zephyr->words != NULL && zephyr->locations != NULL;
}

int k_mem_zephyr_store_init(struct k_mem_store *store, struct k_mem_zephyr_store *zephyr)
{
	if (store == NULL || zephyr == NULL || !is_complete(zephyr)) {
		return -EINVAL;
	}
	if (zephyr->slot_count == 0 || zephyr->slot_count > K_MEM_SLOTS_MAX ||
	    zephyr->slot_count > CONFIG_KERNEL_VM_SIZE / CONFIG_MMU_PAGE_SIZE) {
		return -EINVAL;
	}
	k_mem_slot_map_init(&zephyr->map, zephyr->words, zephyr->slot_count);
	zephyr->busy = false;
	*store = (struct k_mem_store){
		.ops = &zephyr_ops,
		.context = zephyr,
		.slot_count = zephyr->slot_count,
		.page_count_max = 1,
	};
	if (zephyr->plugin->init != NULL) {
		zephyr->plugin->init();
	}
	return 0;
}

#endif /* CONFIG_BACKING_STORE_ZEPHYR */
