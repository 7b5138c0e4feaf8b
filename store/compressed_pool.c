/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compressed_pool.c - entries of compressed bytes in a fixed piece of memory.
 *
 *     entry --> | link | head | data |  -->  | link | data         |  -->  | link | data  ...
 *               +-- a chunk ---------+       +-- a chunk ----------+
 *
 * An entry is a chain of chunks, so there are no gaps to close: what is free is free for
 * anybody, and an entry wastes less than a chunk. Its name is the number of its first chunk,
 * which has the head. Chunks that were never used are not in the list of free ones but above
 * `fresh`, so that no memory is touched at the start.
 *
 * Lock: the mm lock for lists, heads and counts. The data of an entry is written before anybody
 * knows it and does not change; who needs the entry may read it without the lock.
 */
#include "compressed.h"

#if CONFIG_BACKING_STORE_COMPRESSED

#define NOWHERE QR_COMPRESSED_NOWHERE
#define DATA_BYTES QR_POOL_DATA_BYTES

struct head {
	uint32_t slot;
	uint32_t older; /* towards the one that is spilled first */
	uint32_t newer;
	uint16_t bytes;
	uint8_t needed; /* by so many */
	uint8_t ordered;
};
_Static_assert(sizeof(struct head) == QR_POOL_HEAD_BYTES, "data begins behind the head");

struct chunk {
	uint32_t next;
	union {
		struct head head;
		uint8_t data[DATA_BYTES];
	} as;
};
_Static_assert(sizeof(struct chunk) == K_MEM_COMPRESSED_CHUNK_BYTES, "chunks lie side by side");

static struct chunk *chunk_at(const struct k_mem_compressed *c, uint32_t index)
{
	QR_ASSERT(index < c->chunk_count);
	return (struct chunk *)c->pool + index;
}

static struct head *head_of(const struct k_mem_compressed *c, uint32_t entry)
{
	return &chunk_at(c, entry)->as.head;
}

void qr_pool_init(struct k_mem_compressed *c)
{
	size_t chunks = c->pool_bytes / K_MEM_COMPRESSED_CHUNK_BYTES;

	c->chunk_count = chunks < NOWHERE ? (uint32_t)chunks : NOWHERE - 1;
	c->fresh = 0;
	c->free_first = NOWHERE;
	c->free_count = 0;
	c->oldest = NOWHERE;
	c->newest = NOWHERE;
}

uint32_t qr_pool_free_chunks(const struct k_mem_compressed *c)
{
	return c->free_count + (c->chunk_count - c->fresh);
}

uint32_t qr_pool_slot(const struct k_mem_compressed *c, uint32_t entry)
{
	return head_of(c, entry)->slot;
}

uint32_t qr_pool_chunks(const struct k_mem_compressed *c, uint32_t entry)
{
	return QR_POOL_CHUNKS(head_of(c, entry)->bytes);
}

/* ---- chunks ------------------------------------------------------------------------------ */

static uint32_t chunk_take(struct k_mem_compressed *c)
{
	uint32_t index = c->free_first;

	if (index == NOWHERE) {
		return c->fresh++;
	}
	c->free_first = chunk_at(c, index)->next;
	c->free_count--;
	return index;
}

uint32_t qr_pool_take(struct k_mem_compressed *c, uint32_t slot, uint32_t bytes)
{
	uint32_t first = NOWHERE;
	uint32_t count = QR_POOL_CHUNKS(bytes);

	QR_ASSERT(bytes > 0 && bytes <= K_MEM_COMPRESSED_PACKED_MAX);
	if (count > qr_pool_free_chunks(c)) {
		return NOWHERE;
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t index = chunk_take(c);

		chunk_at(c, index)->next = first;
		first = index;
	}
	*head_of(c, first) = (struct head){
		.slot = slot, .older = NOWHERE, .newer = NOWHERE,
		.bytes = (uint16_t)bytes, .needed = 1,
	};
	c->stats.pool_pages++;
	c->stats.packed_bytes += bytes;
	c->stats.pool_bytes += count * K_MEM_COMPRESSED_CHUNK_BYTES;
	return first;
}

static void entry_free(struct k_mem_compressed *c, uint32_t entry)
{
	uint32_t bytes = head_of(c, entry)->bytes;
	uint32_t count = QR_POOL_CHUNKS(bytes);
	uint32_t next = entry;

	for (uint32_t i = 0; i < count; i++) {
		struct chunk *chunk = chunk_at(c, next);
		uint32_t index = next;

		next = chunk->next;
		chunk->next = c->free_first;
		c->free_first = index;
	}
	c->free_count += count;
	c->stats.pool_pages--;
	c->stats.packed_bytes -= bytes;
	c->stats.pool_bytes -= count * K_MEM_COMPRESSED_CHUNK_BYTES;
}

/* ---- who needs an entry ------------------------------------------------------------------- */

void qr_pool_need(const struct k_mem_compressed *c, uint32_t entry)
{
	struct head *head = head_of(c, entry);

	QR_ASSERT(head->needed > 0 && head->needed < UINT8_MAX);
	head->needed++;
}

void qr_pool_let_go(struct k_mem_compressed *c, uint32_t entry)
{
	struct head *head = head_of(c, entry);

	QR_ASSERT(head->needed > 0);
	if (--head->needed == 0) {
		QR_ASSERT(!head->ordered);
		entry_free(c, entry);
	}
}

/* ---- the order of spilling ---------------------------------------------------------------- */

void qr_pool_order_newest(struct k_mem_compressed *c, uint32_t entry)
{
	struct head *head = head_of(c, entry);

	QR_ASSERT(!head->ordered);
	head->ordered = 1;
	head->older = c->newest;
	head->newer = NOWHERE;
	*(c->newest == NOWHERE ? &c->oldest : &head_of(c, c->newest)->newer) = entry;
	c->newest = entry;
}

void qr_pool_order_oldest(struct k_mem_compressed *c, uint32_t entry)
{
	struct head *head = head_of(c, entry);

	QR_ASSERT(!head->ordered);
	head->ordered = 1;
	head->older = NOWHERE;
	head->newer = c->oldest;
	*(c->oldest == NOWHERE ? &c->newest : &head_of(c, c->oldest)->older) = entry;
	c->oldest = entry;
}

void qr_pool_order_leave(struct k_mem_compressed *c, uint32_t entry)
{
	struct head *head = head_of(c, entry);

	if (!head->ordered) {
		return;
	}
	head->ordered = 0;
	*(head->older == NOWHERE ? &c->oldest : &head_of(c, head->older)->newer) = head->newer;
	*(head->newer == NOWHERE ? &c->newest : &head_of(c, head->newer)->older) = head->older;
}

/* ---- data --------------------------------------------------------------------------------- */

/* Bytes of data in a chunk of which `left` are still to come; the first has the head. */
static uint32_t part_of(uint32_t left, bool first)
{
	uint32_t room = first ? DATA_BYTES - QR_POOL_HEAD_BYTES : DATA_BYTES;

	return left < room ? left : room;
}

void qr_pool_put(const struct k_mem_compressed *c, uint32_t entry, const uint8_t *packed)
{
	uint32_t left = head_of(c, entry)->bytes, part;

	for (uint32_t index = entry; left > 0; left -= part) {
		struct chunk *chunk = chunk_at(c, index);

		part = part_of(left, index == entry);
		__builtin_memcpy(chunk->as.data + (index == entry ? QR_POOL_HEAD_BYTES : 0), packed,
				 part);
		packed += part;
		index = chunk->next;
	}
}

uint32_t qr_pool_get(const struct k_mem_compressed *c, uint32_t entry, uint8_t *packed)
{
	uint32_t bytes = head_of(c, entry)->bytes, left = bytes, part;

	for (uint32_t index = entry; left > 0; left -= part) {
		const struct chunk *chunk = chunk_at(c, index);

		part = part_of(left, index == entry);
		__builtin_memcpy(packed,
				 chunk->as.data + (index == entry ? QR_POOL_HEAD_BYTES : 0), part);
		packed += part;
		index = chunk->next;
	}
	return bytes;
}

#endif /* CONFIG_BACKING_STORE_COMPRESSED */
