/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.c - who changed an entry, so that a stale translation is reported together with
 * the change that was not followed by a flush; and the report itself.
 *
 * Of each entry two things are remembered, in a record of its table found by hashing the
 * table's address: the code that published it last, and the slot that was filled from it
 * last. A publish that makes a live slot differ from its entry is written into the slot:
 * that is the change to name, whatever happens to the entry later.
 */
#define _DEFAULT_SOURCE
#include "machine.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Tables of the space and as many again, for sets that differ. */
#define RECORDS (2 * (CONFIG_KERNEL_VM_SIZE >> EMU_LEVEL_SHIFT(1)) + 64 + CONFIG_MEM_DOMAIN_TABLES)

struct record {
	uint64_t reset; /* free unless this is reset_count */
	uintptr_t table;
	const void *place[EMU_TABLE_ENTRIES];
	struct emu_slot *slot[EMU_TABLE_ENTRIES];
};

static struct record records[RECORDS];
static uint64_t reset_count;

static struct record *record_of(const qr_entry_t *entry)
{
	const uintptr_t table = (uintptr_t)entry & ~(EMU_TABLE_ENTRIES * sizeof(*entry) - 1);
	const size_t start = (table >> ENTRY_PAGE_SHIFT) % RECORDS;

	for (size_t i = 0; i < RECORDS; i++) {
		struct record *record = &records[(start + i) % RECORDS];

		if (record->reset != reset_count) {
			memset(record, 0, sizeof(*record));
			record->reset = reset_count;
			record->table = table;
		}
		if (record->table == table) {
			return record;
		}
	}
	qr_port_panic("emu: more tables than place.c has records for");
}

static size_t index_of(const qr_entry_t *entry)
{
	return ((uintptr_t)entry / sizeof(*entry)) & (EMU_TABLE_ENTRIES - 1);
}

void emu_place_reset(void)
{
	reset_count++;
}

void emu_place_filled(struct emu_slot *slot)
{
	record_of(slot->entry)->slot[index_of(slot->entry)] = slot;
}

const void *emu_place_of(const qr_entry_t *entry)
{
	return entry == NULL ? NULL : record_of(entry)->place[index_of(entry)];
}

/* Changes that, with ENTRY_BREAK, no TLB may meet while it remembers the leaf: another size, frame
 * or cache mode, and a leaf that becomes global (Arm ARM, "Using break-before-make when updating
 * translation table entries"). Whether one would is luck, so the change itself is the mistake. */
static bool demands_break(const struct emu_slot *slot, const struct qr_view *now)
{
	return now->kind == QR_TABLE ||
	       (now->kind == QR_LEAF &&
		(now->address != slot->view.address || now->cache != slot->view.cache ||
		 (now->global && !slot->view.global)));
}

static void note_change(const qr_entry_t *entry, struct emu_slot *slot, const void *place)
{
	struct emu_walk walk;

	if (!emu_slot_is_live(slot) || slot->entry != entry) {
		return;
	}
	walk.level = slot->level;
	walk.view = entry_decode(__atomic_load_n(entry, __ATOMIC_RELAXED), slot->level);
	if (ENTRY_BREAK && demands_break(slot, &walk.view)) {
		emu_report(&(struct emu_error){.kind = EMU_CONFLICT, .cached = true,
					       .held = slot->view, .now = walk.view,
					       .place = place});
	}
	if (slot->spoiled != NULL) {
		return;
	}
	if (emu_slot_differs(slot, &walk)) {
		slot->spoiled = place;
	}
}

void emu_publish_from(const qr_entry_t *first, size_t count, const void *place)
{
	struct record *record = NULL;

	emu.count.publishes++;
	emu.count.published += count;
	for (size_t i = 0; i < count; i++) {
		const size_t index = index_of(&first[i]);

		if (record == NULL || index == 0) {
			record = record_of(&first[i]);
		}
		record->place[index] = place;
		if (record->slot[index] != NULL) {
			note_change(&first[i], record->slot[index], place);
		}
	}
	emu_stack_use(place);
	if (emu_publish_hook != NULL && !emu.in_hook) {
		emu.in_hook = true;
		emu_publish_hook(first, count);
		emu.in_hook = false;
	}
}

void emu_publish(const qr_entry_t *first, size_t count)
{
	emu_publish_from(first, count, __builtin_return_address(0));
}

/* ---- names of functions ------------------------------------------------------------- */

extern const char __executable_start[]; /* given by the linker */

/* The last function symbol at or before `address`, as linked; its name or NULL. */
static const char *symbol_at(const char *image, uint64_t address, uint64_t *offset)
{
	const Elf64_Ehdr *header = (const void *)image;
	const Elf64_Shdr *section = (const void *)(image + header->e_shoff);

	for (unsigned int i = 0; i < header->e_shnum; i++) {
		const Elf64_Sym *symbol = (const void *)(image + section[i].sh_offset);
		const char *names = image + section[section[i].sh_link].sh_offset;

		if (section[i].sh_type != SHT_SYMTAB) {
			continue;
		}
		for (size_t k = 0; k < section[i].sh_size / sizeof(*symbol); k++) {
			*offset = address - symbol[k].st_value;
			if (ELF64_ST_TYPE(symbol[k].st_info) == STT_FUNC &&
			    *offset < symbol[k].st_size) {
				return names + symbol[k].st_name;
			}
		}
	}
	return NULL;
}

/* Where the program was loaded, less where it was linked to. */
static uint64_t load_offset(const char *image)
{
	const Elf64_Ehdr *header = (const void *)image;
	const Elf64_Phdr *segment = (const void *)(image + header->e_phoff);

	for (unsigned int i = 0; i < header->e_phnum; i++) {
		if (segment[i].p_type == PT_LOAD) {
			return (uintptr_t)__executable_start - segment[i].p_vaddr;
		}
	}
	return 0;
}

/* The running program's file, mapped; NULL: not to be had. */
static const char *program_map(size_t *size)
{
	const int file = open("/proc/self/exe", O_RDONLY);
	struct stat status;
	void *image = MAP_FAILED;

	if (file < 0) {
		return NULL;
	}
	if (fstat(file, &status) == 0) {
		*size = (size_t)status.st_size;
		image = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, file, 0);
	}
	close(file);
	return image == MAP_FAILED ? NULL : image;
}

void emu_place_name(const void *place, char *name, size_t size)
{
	size_t image_size = 0;
	const char *image = program_map(&image_size);
	const char *symbol = NULL;
	uint64_t offset = 0;

	if (image != NULL) {
		symbol = symbol_at(image, (uintptr_t)place - load_offset(image), &offset);
	}
	if (symbol != NULL) {
		snprintf(name, size, "%s+0x%jx", symbol, (uintmax_t)offset);
	} else {
		snprintf(name, size, "%p", place);
	}
	if (image != NULL) {
		munmap((void *)(uintptr_t)image, image_size);
	}
}

/* ---- reports ------------------------------------------------------------------------ */

static const char *const error_text[] = {
	[EMU_STALE] = "a stale translation was used",
	[EMU_STUCK] = "the fault handler says retry, and the access still faults",
	[EMU_UNSYNCED] = "translations were dropped without mmu_tlb_sync before the next use",
	[EMU_WILD] = "an entry points to a table that is none",
	[EMU_ILLEGAL] = "an entry has bits that no legal view has",
	[EMU_OUTSIDE] = "a page outside of the space is mapped",
	[EMU_ACCESS] = "the core touched a page that is not mapped for it",
	[EMU_STACK] = "the core's own stack is not mapped",
	[EMU_CONFLICT] = "a translation that is remembered was not broken first",
};

static void print_view(const char *who, const struct qr_view *view)
{
	static const char *const kinds[] = {"nothing", "a table", "frame", "token"};

	fprintf(stderr, "#   %s %s", who, kinds[view->kind & 3]);
	if (view->kind == QR_LEAF || view->kind == QR_TABLE) {
		fprintf(stderr, " 0x%jx", (uintmax_t)view->address);
	} else if (view->kind == QR_TOKEN) {
		fprintf(stderr, " 0x%x", (unsigned int)view->token);
	}
	fprintf(stderr, "%s%s%s%s%s%s%s%s\n", view->write ? " write" : "",
		view->exec ? " exec" : "", view->user ? " user" : "", view->cow ? " cow" : "",
		view->global ? " global" : "", view->accessed ? " accessed" : "",
		view->dirty ? " dirty" : "", view->last ? " last" : "");
}

void emu_error_print(const struct emu_error *error)
{
	char name[128];

	fprintf(stderr, "# emu: at %#jx: %s\n", (uintmax_t)error->virt, error_text[error->kind]);
	if (error->cached) {
		print_view("the TLB holds", &error->held);
	}
	print_view("the tables say", &error->now);
	if (error->recycled) {
		fprintf(stderr, "#   the frame was given to %#jx since\n", (uintmax_t)error->user);
	}
	if (error->place != NULL) {
		emu_place_name(error->place, name, sizeof(name));
		fprintf(stderr, "#   %s in %s\n",
			error->kind == EMU_UNSYNCED ? "dropped" : "the entry was changed", name);
	}
}

void emu_report(const struct emu_error *error)
{
	emu.errors++;
	if (emu_error_hook != NULL) {
		emu_error_hook(error);
	} else {
		emu_error_print(error);
	}
}
