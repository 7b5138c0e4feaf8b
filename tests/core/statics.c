/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statics.c - see statics.h. The program's file is read once and stays mapped.
 *
 * Global objects of the library begin with its prefixes. A local object stands in the symbol
 * table behind the name of its source file: it is the library's unless that file is one of
 * the machine, the port or the tests.
 */
#define _DEFAULT_SOURCE
#include "statics.h"

#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define OBJECTS_MAX 512

static struct object {
	char name[96]; /* "file.c:name" or the name of a global one */
	const uint8_t *address;
	size_t size;
} objects[OBJECTS_MAX];
static size_t object_count;
static size_t byte_count;

extern const char __executable_start[]; /* given by the linker */

static bool begins(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_library_global(const char *name)
{
	return begins(name, "qr_") || begins(name, "k_mem_") || begins(name, "arch_");
}

static bool is_library_file(const char *file)
{
	static const char *const others[] = {
		"emu.c", "tlb.c", "place.c", "walk.c", "mmu.c", "strict.c", "rig.c",
		"rig_tables.c", "statics.c", "help.c", "audit.c", "model.c", "crtstuff.c",
	};

	size_t length = strlen(file);

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strcmp(file, others[i]) == 0) {
			return false;
		}
	}
	/* the sanitizers' files are no C */
	return length > 2 && strcmp(file + length - 2, ".c") == 0 && !begins(file, "test_");
}

/* `file` is NULL for a global object. */
static void object_add(const char *file, const char *name, const uint8_t *address, size_t size)
{
	struct object *object = &objects[object_count++];

	if (object_count == OBJECTS_MAX) {
		abort();
	}
	snprintf(object->name, sizeof(object->name), "%s%s%s", file != NULL ? file : "",
		 file != NULL ? ":" : "", name);
	object->address = address;
	object->size = size;
	byte_count += size;
}

/* One symbol table. */
static void objects_read(const char *image, const Elf64_Shdr *sections, const Elf64_Shdr *table,
			 uintptr_t offset)
{
	const Elf64_Sym *symbol = (const void *)(image + table->sh_offset);
	const char *names = image + sections[table->sh_link].sh_offset;
	const char *file = "";

	for (size_t i = 0; i < table->sh_size / sizeof(*symbol); i++) {
		const Elf64_Sym *s = &symbol[i];
		const char *name = names + s->st_name;
		bool local = ELF64_ST_BIND(s->st_info) == STB_LOCAL;

		if (ELF64_ST_TYPE(s->st_info) == STT_FILE) {
			file = name;
		}
		if (ELF64_ST_TYPE(s->st_info) == STT_OBJECT && s->st_shndx < SHN_LORESERVE &&
		    (sections[s->st_shndx].sh_flags & SHF_WRITE) && s->st_size > 0 &&
		    !begins(name, "__") &&
		    (local ? is_library_file(file) : is_library_global(name))) {
			object_add(local ? file : NULL, name,
				   (const uint8_t *)(s->st_value + offset), s->st_size);
		}
	}
}

static void program_read(const char *image)
{
	const Elf64_Ehdr *header = (const void *)image;
	const Elf64_Phdr *segment = (const void *)(image + header->e_phoff);
	const Elf64_Shdr *sections = (const void *)(image + header->e_shoff);
	uintptr_t offset = 0;

	for (unsigned int i = header->e_phnum; i-- > 0;) {
		if (segment[i].p_type == PT_LOAD) {
			offset = (uintptr_t)__executable_start - segment[i].p_vaddr;
		}
	}
	for (unsigned int i = 0; i < header->e_shnum; i++) {
		if (sections[i].sh_type == SHT_SYMTAB) {
			objects_read(image, sections, &sections[i], offset);
		}
	}
}

static void find(void)
{
	struct stat status;
	const char *image;
	int file;

	if (object_count > 0) {
		return;
	}
	file = open("/proc/self/exe", O_RDONLY);
	if (file < 0 || fstat(file, &status) != 0) {
		abort();
	}
	image = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
	if (image == MAP_FAILED) {
		abort();
	}
	close(file);
	program_read(image);
	if (object_count == 0) {
		abort();
	}
}

/* An object's symbol covers the sanitizer's red zone behind it, too. */
__attribute__((no_sanitize("address", "undefined"))) static void copy(uint8_t *to,
								      const struct object *object)
{
	size_t i = 0;

	if ((uintptr_t)object->address % sizeof(uint64_t) == 0) {
		for (; i + sizeof(uint64_t) <= object->size; i += sizeof(uint64_t)) {
			uint64_t word = *(const uint64_t *)(object->address + i);

			__builtin_memcpy(to + i, &word, sizeof(word));
		}
	}
	for (; i < object->size; i++) {
		to[i] = object->address[i];
	}
}

/* Given back, for the next copy: fresh memory would cost more than the copying. */
static uint8_t *spare[2];

static uint8_t *room(void)
{
	uint8_t *bytes = NULL;

	for (size_t i = 0; i < 2 && bytes == NULL; i++) {
		bytes = spare[i];
		spare[i] = NULL;
	}
	if (bytes == NULL) {
		bytes = malloc(byte_count);
	}
	if (bytes == NULL) {
		abort();
	}
	return bytes;
}

struct statics statics_take(void)
{
	struct statics taken;
	uint8_t *to;

	find();
	taken.bytes = to = room();
	for (size_t i = 0; i < object_count; i++) {
		copy(to, &objects[i]);
		to += objects[i].size;
	}
	return taken;
}

void statics_free(struct statics *taken)
{
	for (size_t i = 0; i < 2 && taken->bytes != NULL; i++) {
		if (spare[i] == NULL) {
			spare[i] = taken->bytes;
			taken->bytes = NULL;
		}
	}
	free(taken->bytes);
	taken->bytes = NULL;
}

static bool is_named(const char *name, const char *const *beginnings)
{
	while (*beginnings != NULL && !begins(name, *beginnings)) {
		beginnings++;
	}
	return *beginnings != NULL;
}

const char *statics_difference(const struct statics *a, const struct statics *b,
			       const char *const *but)
{
	size_t at = 0;

	for (size_t i = 0; i < object_count; i++) {
		if (memcmp(a->bytes + at, b->bytes + at, objects[i].size) != 0 &&
		    !is_named(objects[i].name, but)) {
			return objects[i].name;
		}
		at += objects[i].size;
	}
	return NULL;
}

bool statics_has(const char *beginning)
{
	find();
	for (size_t i = 0; i < object_count; i++) {
		if (begins(objects[i].name, beginning)) {
			return true;
		}
	}
	return false;
}
