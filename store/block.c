/* SPDX-License-Identifier: Apache-2.0 */
/*
 * block.c - the block store: where slots lie on a device.
 *
 *     first_sector                                       + sector_count
 *     |  slot 0  |  slot 1  |  ...  | slot slot_count - 1 |rest|
 *
 * A transfer is the driver's as soon as it is submitted, and the driver calls its `done`
 * itself: nothing is allocated, queued or copied here.
 *
 * Lock: the slot map under the mm lock, as for every store. The rest does not change.
 */
#include <quire/block.h>

#if CONFIG_BACKING_STORE_BLOCK

#define SECTORS_PER_SLOT (CONFIG_MMU_PAGE_SIZE / K_MEM_BLOCK_SECTOR_BYTES)

static int block_reserve(void *context, uint32_t *slot)
{
	struct k_mem_block *block = context;

	return k_mem_slot_map_reserve(&block->map, slot);
}

static int block_reserve_near(void *context, uint32_t near, uint32_t *slot)
{
	struct k_mem_block *block = context;

	return k_mem_slot_map_reserve_near(&block->map, near, slot);
}

static void block_release(void *context, uint32_t slot)
{
	struct k_mem_block *block = context;

	k_mem_slot_map_release(&block->map, slot);
}

/* A slot that is not released is never handed out again. */
static void block_retire(void *context, uint32_t slot)
{
	(void)context;
	(void)slot;
}

static int block_submit(void *context, struct k_mem_io *io)
{
	const struct k_mem_block *block = context;
	uint64_t sector = block->first_sector + (uint64_t)io->slot * SECTORS_PER_SLOT;

	QR_ASSERT(io->page_count > 0 && io->page_count <= block->page_count_max);
	QR_ASSERT(io->slot + (uint64_t)io->page_count <= block->sector_count / SECTORS_PER_SLOT);
	return block->ops->submit(block->device, io, sector);
}

static int block_submit_read_only(void *context, struct k_mem_io *io)
{
	return io->op == K_MEM_IO_WRITE ? K_MEM_IO_READ_ONLY : block_submit(context, io);
}

static void block_poll(void *context)
{
	const struct k_mem_block *block = context;

	if (block->ops->poll) {
		block->ops->poll(block->device);
	}
}

static const struct k_mem_store_ops block_ops = {
	.name = "block",
	.reserve = block_reserve,
	.reserve_near = block_reserve_near,
	.release = block_release,
	.retire = block_retire,
	.submit = block_submit,
	.poll = block_poll,
};

static const struct k_mem_store_ops block_ops_read_only = {
	.name = "block, read-only",
	.submit = block_submit_read_only,
	.poll = block_poll,
};

int k_mem_block_store_init(struct k_mem_store *store, struct k_mem_block *block, uint64_t *words,
			   uint32_t slots_max)
{
	uint64_t slots;

	if (store == NULL || block == NULL) {
		return -EINVAL;
	}
	slots = block->sector_count / SECTORS_PER_SLOT;
	if (slots > slots_max) {
		slots = slots_max;
	}
	if (slots > K_MEM_SLOTS_MAX) {
		slots = K_MEM_SLOTS_MAX;
	}
	if (slots == 0 || block->page_count_max == 0 || !block->ops || !block->ops->submit) {
		return -EINVAL;
	}
	if (words) {
		k_mem_slot_map_init(&block->map, words, (uint32_t)slots);
	}
	*store = (struct k_mem_store){
		.ops = words ? &block_ops : &block_ops_read_only,
		.context = block,
		.slot_count = (uint32_t)slots,
		.page_count_max = block->page_count_max,
		.request_cost = block->request_cost,
		.write_cost = block->write_cost,
		.read_only = !words,
	};
	return 0;
}

#endif /* CONFIG_BACKING_STORE_BLOCK */
