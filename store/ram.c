/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ram.c - the RAM store: slot n is page n of the caller's memory.
 *
 * Lock: the slot map under the mm lock, as for every store. A transfer needs none: the
 * core never starts two on one slot, and the scratch window keeps other users of the
 * window off this CPU.
 */
#include <quire/ramstore.h>

#if CONFIG_BACKING_STORE_RAM

static int ram_reserve(void *context, uint32_t *slot)
{
	struct k_mem_ram_store *ram = context;

	return k_mem_slot_map_reserve(&ram->map, slot);
}

static int ram_reserve_near(void *context, uint32_t near, uint32_t *slot)
{
	struct k_mem_ram_store *ram = context;

	return k_mem_slot_map_reserve_near(&ram->map, near, slot);
}

static void ram_release(void *context, uint32_t slot)
{
	struct k_mem_ram_store *ram = context;

	k_mem_slot_map_release(&ram->map, slot);
}

/* Copies do not fail, but who tests failures may retire slots. */
static void ram_retire(void *context, uint32_t slot)
{
	(void)context;
	(void)slot;
}

static void ram_copy(void *context, enum k_mem_io_op op, uint32_t slot, void *page)
{
	const struct k_mem_ram_store *ram = context;
	uint8_t *mine = ram->pages + (size_t)slot * CONFIG_MMU_PAGE_SIZE;
	bool read = op == K_MEM_IO_READ;

	QR_ASSERT(slot < ram->map.slot_count);
	__builtin_memcpy(read ? page : mine, read ? mine : page, CONFIG_MMU_PAGE_SIZE);
}

static int ram_submit(void *context, struct k_mem_io *io)
{
	const struct k_mem_ram_store *ram = context;

	QR_ASSERT(io->slot < ram->map.slot_count);
	QR_ASSERT(io->page_count <= ram->map.slot_count - io->slot);
	for (uint32_t i = 0; i < io->page_count; i++) {
		unsigned long key;
		void *window = k_mem_scratch_open(io->frames[i], &key);

		ram_copy(context, io->op, io->slot + i, window);
		k_mem_scratch_close(key);
	}
	return 0;
}

static const struct k_mem_store_ops ram_ops = {
	.name = "ram",
	.reserve = ram_reserve,
	.reserve_near = ram_reserve_near,
	.release = ram_release,
	.retire = ram_retire,
	.submit = ram_submit,
	.copy = ram_copy,
};

int k_mem_ram_store_init(struct k_mem_store *store, struct k_mem_ram_store *ram, void *pages,
			 uint32_t slot_count, uint64_t *words)
{
	if (store == NULL || ram == NULL || pages == NULL || words == NULL || slot_count == 0 ||
	    slot_count > K_MEM_SLOTS_MAX) {
		return -EINVAL;
	}
	k_mem_slot_map_init(&ram->map, words, slot_count);
	ram->pages = pages;
	*store = (struct k_mem_store){
		.ops = &ram_ops,
		.context = ram,
		.slot_count = slot_count,
		.page_count_max = slot_count,
	};
	return 0;
}

#endif /* CONFIG_BACKING_STORE_RAM */
