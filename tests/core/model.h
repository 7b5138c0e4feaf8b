/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h - what the address space is and holds, told in the simplest way there is: for each
 * page whether it is mapped and with which rights, and every word of every page. No frames,
 * no stores, no entries. Pages are numbered from the start of the space.
 */
#ifndef TESTS_CORE_MODEL_H
#define TESTS_CORE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <quire/mm.h>
#include <quire/paging.h>

#define MODEL_PAGES (CONFIG_KERNEL_VM_SIZE / CONFIG_MMU_PAGE_SIZE)
#define MODEL_WORDS (CONFIG_MMU_PAGE_SIZE / sizeof(uint64_t))

enum model_kind {
	MODEL_FREE,
	MODEL_GUARD,
	MODEL_TAKEN,  /* the core's own: neither free nor for programs */
	MODEL_PAGED,  /* has a content of its own: anonymous, stored, on demand */
	MODEL_IMAGE,  /* a resident piece of the image */
	MODEL_DEVICE, /* physical memory */
};

struct model_page {
	enum model_kind kind;
	bool first; /* of a mapping */
	bool last;
	bool pinned;
	uint32_t rights; /* K_MEM_PERM_* */
	uint32_t content;
};
extern struct model_page model_page[MODEL_PAGES];

/* Contents: one for each page of the space, then one for each page of physical memory that
 * can be mapped, and one that stands for memory that does not answer. */
#define MODEL_PHYS_PAGES 1600u
#define MODEL_NOWHERE    (MODEL_PAGES + MODEL_PHYS_PAGES)

/* Nothing is mapped, and physical memory holds `junk`. */
void model_reset(uint64_t junk);

/* Is there a run of so many free pages? */
bool model_has_room(uint32_t count);
bool model_is_free(uint32_t first, uint32_t count);

/* Are these pages inside the space and one or more whole mappings of physical memory? Are
 * they exactly one region of anonymous or stored memory? */
bool model_is_device_run(uint32_t first, uint32_t count);
bool model_is_region(uint32_t first, uint32_t count);

/* Are all pages mapped? */
bool model_is_mapped(uint32_t first, uint32_t count);

/* Map pages; `content` of the first, MODEL_NOWHERE for all, or the page's own. */
void model_map(uint32_t first, uint32_t count, enum model_kind kind, uint32_t rights,
	       uint32_t content);
void model_region(uint32_t first, uint32_t count, uint32_t rights); /* with guards, zeroed */
void model_unmap(uint32_t first, uint32_t count);

/* All words of a content are `word`; or nothing is known about them. */
void model_fill(uint32_t content, uint64_t word);
void model_forget(uint32_t content);

/* What an access ends with: 0, -EFAULT or -EACCES; -ENXIO where no memory answers. */
int model_access(uintptr_t addr, uint32_t access);

/* The word at an address; false: not known. */
bool model_get(uintptr_t addr, uint64_t *word);
void model_put(uintptr_t addr, uint64_t word);

#endif /* TESTS_CORE_MODEL_H */
