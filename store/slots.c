/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slots.c - which slots of a store are free.
 *
 *     used[2]                 0...            A set bit of used[0] is a slot in use. A bit
 *     used[1]        1  0  0 ...              of used[l + 1] is set when all 64 bits of the
 *     used[0]   11..11 10..0 00..0            word of used[l] below it are. Bits beyond the
 *                                             last slot or word are set for good.
 *
 * To find the first clear bit at or after a place: look in the rest of its word; if there
 * is none, ask one level up for the next word that is not full; once one is found, go down
 * by the first clear bit of each word. The top level is one word, for K_MEM_SLOTS_MAX is
 * below 64^5, so the loops are as long as there are levels.
 *
 * Lock: whoever calls holds the mm lock.
 */
#include <quire/bits.h>
#include <quire/store.h>

#define LEVELS K_MEM_SLOT_MAP_LEVELS
#define FULL UINT64_MAX
#define NOWHERE UINT32_MAX

_Static_assert(K_MEM_LOCATION_SLOT_BITS <= 6 * LEVELS, "the top level must be one word");

static uint32_t level_words(const struct k_mem_slot_map *map, unsigned int level)
{
	return K_MEM_SLOT_MAP_LEVEL_WORDS(map->slot_count, level);
}

void k_mem_slot_map_init(struct k_mem_slot_map *map, uint64_t *words, uint32_t slot_count)
{
	uint32_t bits = slot_count;

	if (map == NULL) {
		return;
	}
	if (words == NULL || slot_count == 0 || slot_count > K_MEM_SLOTS_MAX) {
		*map = (struct k_mem_slot_map){.slot_count = 0};
		return;
	}
	map->slot_count = slot_count;
	map->next = 0;
	map->free_count = slot_count;
	for (unsigned int level = 0; level < LEVELS; level++) {
		uint32_t count = level_words(map, level);

		for (uint32_t i = 0; i < count; i++) {
			words[i] = 0;
		}
		if (bits % 64 != 0) {
			words[count - 1] = FULL << bits % 64;
		}
		map->used[level] = words;
		words += count;
		bits = count;
	}
}

/* The first free slot at or after `from`, or NOWHERE. */
static uint32_t slot_find(const struct k_mem_slot_map *map, uint32_t from)
{
	for (unsigned int level = 0; level < LEVELS; level++) {
		uint32_t word = from / 64;
		uint64_t clear = 0;

		if (word < level_words(map, level)) {
			clear = ~map->used[level][word] & (FULL << from % 64);
		}
		if (clear != 0) {
			uint32_t place = word * 64 + qr_bit_lowest(clear);

			while (level-- > 0) {
				clear = ~map->used[level][place];
				place = place * 64 + qr_bit_lowest(clear);
			}
			return place;
		}
		from = word + 1;
	}
	return NOWHERE;
}

int k_mem_slot_map_reserve_near(struct k_mem_slot_map *map, uint32_t near, uint32_t *slot)
{
	uint32_t place;

	if (map == NULL || slot == NULL) {
		return -EINVAL;
	}
	place = slot_find(map, near);
	if (place == NOWHERE) {
		place = slot_find(map, 0);
	}
	if (place == NOWHERE) {
		return -ENOSPC;
	}
	*slot = place;
	map->free_count--;
	for (unsigned int level = 0; level < LEVELS; level++) {
		uint64_t *word = &map->used[level][place / 64];

		*word |= UINT64_C(1) << place % 64;
		if (*word != FULL) {
			break;
		}
		place /= 64;
	}
	return 0;
}

int k_mem_slot_map_reserve(struct k_mem_slot_map *map, uint32_t *slot)
{
	int status = k_mem_slot_map_reserve_near(map, map != NULL ? map->next : 0, slot);

	if (status == 0) {
		map->next = *slot + 1;
	}
	return status;
}

void k_mem_slot_map_release(struct k_mem_slot_map *map, uint32_t slot)
{
	uint32_t place = slot;

	if (map == NULL) {
		return;
	}
	QR_ASSERT(slot < map->slot_count);
	QR_ASSERT((map->used[0][slot / 64] >> slot % 64) & 1);
	map->free_count++;
	for (unsigned int level = 0; level < LEVELS; level++) {
		uint64_t *word = &map->used[level][place / 64];
		bool was_full = *word == FULL;

		*word &= ~(UINT64_C(1) << place % 64);
		if (!was_full) {
			break;
		}
		place /= 64;
	}
}
