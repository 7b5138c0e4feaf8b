/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.c - the naive model (model.h). Plain arrays and loops over all of them.
 */
#include "model.h"

#include <errno.h>
#include <string.h>

struct model_page model_page[MODEL_PAGES];

static uint64_t words[MODEL_NOWHERE][MODEL_WORDS];
static bool known[MODEL_NOWHERE][MODEL_WORDS];

void model_reset(uint64_t junk)
{
	memset(model_page, 0, sizeof(model_page));
	for (uint32_t i = MODEL_PAGES; i < MODEL_NOWHERE; i++) {
		model_fill(i, junk);
	}
}

bool model_is_free(uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++) {
		if (i >= MODEL_PAGES || model_page[i].kind != MODEL_FREE) {
			return false;
		}
	}
	return true;
}

bool model_has_room(uint32_t count)
{
	uint32_t run = 0;

	for (uint32_t i = 0; i < MODEL_PAGES && run < count; i++) {
		run = model_page[i].kind == MODEL_FREE ? run + 1 : 0;
	}
	return run >= count;
}

static bool is_run(uint32_t first, uint32_t count, enum model_kind kind)
{
	for (uint32_t i = first; i < first + count; i++) {
		if (i >= MODEL_PAGES || model_page[i].kind != kind) {
			return false;
		}
	}
	return count > 0 && model_page[first].first && model_page[first + count - 1].last;
}

bool model_is_device_run(uint32_t first, uint32_t count)
{
	return is_run(first, count, MODEL_DEVICE);
}

bool model_is_region(uint32_t first, uint32_t count)
{
	if (first == 0 || !is_run(first, count, MODEL_PAGED) ||
	    model_page[first - 1].kind != MODEL_GUARD) {
		return false;
	}
	for (uint32_t i = first; i < first + count - 1; i++) {
		if (model_page[i].last) {
			return false;
		}
	}
	return true;
}

bool model_is_mapped(uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++) {
		if (i >= MODEL_PAGES || model_page[i].kind < MODEL_PAGED) {
			return false;
		}
	}
	return true;
}

void model_map(uint32_t first, uint32_t count, enum model_kind kind, uint32_t rights,
	       uint32_t content)
{
	for (uint32_t i = 0; i < count; i++) {
		model_page[first + i] = (struct model_page){
			.kind = kind,
			.first = i == 0,
			.last = i == count - 1,
			.rights = rights,
			.content = content == MODEL_NOWHERE ? content : content + i,
		};
	}
}

void model_region(uint32_t first, uint32_t count, uint32_t rights)
{
	model_page[first - 1].kind = MODEL_GUARD;
	model_page[first + count].kind = MODEL_GUARD;
	model_map(first, count, MODEL_PAGED, rights, first);
	for (uint32_t i = first; i < first + count; i++) {
		model_fill(i, 0);
	}
}

void model_unmap(uint32_t first, uint32_t count)
{
	memset(&model_page[first], 0, count * sizeof(model_page[0]));
}

void model_fill(uint32_t content, uint64_t word)
{
	for (uint32_t i = 0; i < MODEL_WORDS; i++) {
		words[content][i] = word;
		known[content][i] = true;
	}
}

void model_forget(uint32_t content)
{
	memset(known[content], 0, sizeof(known[content]));
}

int model_access(uintptr_t addr, uint32_t access)
{
	uintptr_t number = (addr - CONFIG_KERNEL_VM_BASE) / CONFIG_MMU_PAGE_SIZE;
	bool user = (access & K_MEM_FAULT_USER) != 0;
	uint32_t rights;

	if (addr < CONFIG_KERNEL_VM_BASE || !model_is_mapped((uint32_t)number, 1) ||
	    number >= MODEL_PAGES) {
		return -EFAULT;
	}
	rights = model_page[number].rights;
	if (((access & K_MEM_FAULT_WRITE) && !(rights & K_MEM_PERM_RW)) ||
	    ((access & K_MEM_FAULT_EXEC) && !(rights & K_MEM_PERM_EXEC)) ||
	    (user && !(rights & K_MEM_PERM_USER)) ||
	    /* what user mode executes the kernel never does */
	    (!user && (access & K_MEM_FAULT_EXEC) && (rights & K_MEM_PERM_USER))) {
		return -EACCES;
	}
	return model_page[number].content == MODEL_NOWHERE ? -ENXIO : 0;
}

static uint64_t *word_at(uintptr_t addr, bool **is_known)
{
	uintptr_t offset = addr - CONFIG_KERNEL_VM_BASE;
	uint32_t content = model_page[offset / CONFIG_MMU_PAGE_SIZE].content;
	uint32_t word = offset % CONFIG_MMU_PAGE_SIZE / sizeof(uint64_t);

	*is_known = &known[content][word];
	return &words[content][word];
}

bool model_get(uintptr_t addr, uint64_t *word)
{
	bool *is_known;

	*word = *word_at(addr, &is_known);
	return *is_known;
}

void model_put(uintptr_t addr, uint64_t word)
{
	bool *is_known;

	*word_at(addr, &is_known) = word;
	*is_known = true;
}
