/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.c - the image store: pages of content that the CPU reads in place.
 *
 * It has no state and needs no lock. The content must not change while it is mapped.
 */
#include <quire/imagestore.h>

#if CONFIG_BACKING_STORE_IMAGE

/* Nobody writes to a read-only store. */
static void image_copy(void *context, enum k_mem_io_op op, uint32_t slot, void *page)
{
	const struct k_mem_image_store *image = context;
	size_t offset = (size_t)slot * CONFIG_MMU_PAGE_SIZE;
	size_t part = CONFIG_MMU_PAGE_SIZE;

	(void)op;
	QR_ASSERT(op == K_MEM_IO_READ);
	QR_ASSERT(offset < image->size_bytes);
	if (part > image->size_bytes - offset) {
		part = image->size_bytes - offset;
	}
	__builtin_memcpy(page, image->bytes + offset, part);
	__builtin_memset((uint8_t *)page + part, 0, CONFIG_MMU_PAGE_SIZE - part);
}

static int image_submit(void *context, struct k_mem_io *io)
{
	const struct k_mem_image_store *image = context;

	if (io->op == K_MEM_IO_WRITE) {
		return K_MEM_IO_READ_ONLY;
	}
	QR_ASSERT((size_t)(io->slot + io->page_count - 1) * CONFIG_MMU_PAGE_SIZE <
		  image->size_bytes);
	for (uint32_t i = 0; i < io->page_count; i++) {
		unsigned long key;
		void *window = k_mem_scratch_open(io->frames[i], &key);

		image_copy(context, io->op, io->slot + i, window);
		k_mem_scratch_close(key);
	}
	return 0;
}

static const struct k_mem_store_ops image_ops = {
	.name = "image",
	.submit = image_submit,
	.copy = image_copy,
};

int k_mem_image_store_init(struct k_mem_store *store, struct k_mem_image_store *image,
			   const void *bytes, size_t size_bytes)
{
	size_t pages = size_bytes / CONFIG_MMU_PAGE_SIZE + (size_bytes % CONFIG_MMU_PAGE_SIZE != 0);

	if (store == NULL || image == NULL || bytes == NULL || pages == 0 ||
	    pages > K_MEM_SLOTS_MAX) {
		return -EINVAL;
	}
	image->bytes = bytes;
	image->size_bytes = size_bytes;
	*store = (struct k_mem_store){
		.ops = &image_ops,
		.context = image,
		.slot_count = (uint32_t)pages,
		.page_count_max = (uint32_t)pages,
		.read_only = true,
	};
	return 0;
}

#endif /* CONFIG_BACKING_STORE_IMAGE */
